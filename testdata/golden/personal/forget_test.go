package clinic

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/personal/file"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// clinic is one process of a clinic, with all its stores.
type clinic struct {
	*App
	t    *testing.T
	ctx  context.Context
	log  aggregate.Store
	keys *personal.Keys
}

// keysIn returns the keys in a directory, as a process of its own has them.
func keysIn(t *testing.T, dir string) *personal.Keys {
	store, err := file.Open(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	master, err := personal.MasterKeyFromFile(filepath.Join(dir, "master.key"))
	require.NoError(t, err)
	return personal.NewKeys(store, master)
}

// process opens a clinic over stores.
func process(t *testing.T, log aggregate.Store, rows readmodel.Store, keys *personal.Keys) *clinic {
	app, err := New(t.Context(), log, rows, Deciders{}, Projections{}, aggregate.WithKeys(keys))
	require.NoError(t, err)
	t.Cleanup(app.Close)
	return &clinic{app, t, t.Context(), log, keys}
}

// embeddedIn opens a clinic of which all is in a directory.
func embeddedIn(t *testing.T, dir string) *clinic {
	log, err := embedded.Open(t.Context(), filepath.Join(dir, "log"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	rows, err := sqlite.Open(t.Context(), filepath.Join(dir, "rows"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, rows.Close()) })
	return process(t, log, rows, keysIn(t, filepath.Join(dir, "keys")))
}

var doctor = DoctorID(uuid.MustParse("11111111-2222-4333-8444-555555555555"))

// The marks are looked for in files: nothing else has them.
const (
	nameMark   = "Qwertz Uiop"
	mailMark   = "asdfgh@example.com"
	phoneMark  = "0123-998877"
	doctorMark = "Dr. Yxcvbnm"
)

func (c *clinic) registers(id PatientID, name, mail string) {
	_, err := c.Patient.Register(c.ctx, id, Register{
		Name: personal.Of(name), Mail: personal.Of(mail), Born: personal.Of(cqrs.Date{Year: 1999, Month: 12, Day: 31}),
		Weights: personal.Of([]float64{77.25}),
		Contact: Contact{Mail: personal.Of(mail), Phone: personal.Of(cqrs.Some(phoneMark)), Kind: "home"},
	})
	require.NoError(c.t, err)
	_, err = c.Patient.Assign(c.ctx, id, Assign{Doctor: doctor, Name: personal.Of(doctorMark)})
	require.NoError(c.t, err)
}

func (c *clinic) visits(id PatientID, times int) {
	for range times {
		_, err := c.Patient.Visit(c.ctx, id, Visit{Day: cqrs.Date{Year: 2026, Month: 1, Day: 1}})
		require.NoError(c.t, err)
	}
}

func (c *clinic) catchesUp() {
	for _, p := range c.Projectors() {
		require.NoError(c.t, p.CatchUp(c.ctx))
	}
}

// row returns a patient's row.
func (c *clinic) row(id PatientID) PatientsRow {
	c.t.Helper()
	c.catchesUp()
	row, _, err := c.Patients.Get(c.ctx, PatientsKey{Patient: id})
	require.NoError(c.t, err)
	return row
}

// requirePatient requires what a patient's state and row say.
func (c *clinic) requirePatient(id PatientID, name, mail, inRow string, known bool) {
	c.t.Helper()
	for range 2 { // from the log or a snapshot, and again
		s, _, err := c.Patient.Load(c.ctx, id)
		require.NoError(c.t, err)
		requireReveals(c.t, s.Name, name, known)
		requireReveals(c.t, s.Contact.Mail, mail, known)
	}
	requireReveals(c.t, c.row(id).Name, inRow, known)
	requireReveals(c.t, c.row(id).Contact.Mail, mail, known)
}

func requireReveals[T any](t *testing.T, v personal.Value[T], want T, known bool) {
	t.Helper()
	got, ok := v.Reveal()
	require.Equal(t, want, got)
	require.Equal(t, known, ok)
	require.Equal(t, !known, v.IsErased())
}

// filesWith returns the files below a directory that hold a text.
func filesWith(t *testing.T, dir, text string) (names []string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			names = append(names, path)
		}
		return err
	}))
	return names
}

func TestWhatIsPersonalIsNowhereInClearText(t *testing.T) {
	dir := t.TempDir()
	c := embeddedIn(t, dir)
	c.registers("p-1", nameMark, mailMark)
	c.visits("p-1", 4) // a snapshot is taken
	c.requirePatient("p-1", nameMark, mailMark, nameMark, true)
	require.Eventually(t, func() bool { return c.SnapshotStats().Written > 0 }, 10*time.Second, time.Millisecond)
	for found, err := range c.VerifySnapshots(c.ctx) {
		require.NoError(t, err)
		assert.EqualValues(t, "right", found.Verdict)
	}
	for _, mark := range []string{nameMark, mailMark, phoneMark, doctorMark, "1999-12-31", "77.25"} {
		assert.Empty(t, filesWith(t, dir, mark), mark)
	}
	assert.NotEmpty(t, filesWith(t, dir, "home"), "what is not personal is there")
	assert.NotContains(t, fmt.Sprintf("%+v %#v", c.row("p-1"), c.row("p-1")), nameMark)
}

func TestWhoIsForgottenIsForgottenEverywhere(t *testing.T) {
	dir := t.TempDir()
	a, b := embeddedIn(t, dir), embeddedIn(t, dir)
	a.registers("p-1", nameMark, mailMark)
	a.registers("p-2", "Bob", "bob@example.com")
	a.visits("p-1", 4)
	b.visits("p-2", 4)
	for _, c := range []*clinic{a, b} {
		c.requirePatient("p-1", nameMark, mailMark, nameMark, true)
	}
	require.NoError(t, a.Forget(t.Context(), PatientID("p-1").Subject()))
	require.NoError(t, b.Forget(t.Context(), PatientID("p-1").Subject()), "it may be repeated")
	late := embeddedIn(t, dir)
	for _, c := range []*clinic{a, b, late} {
		c.catchesUp()
		c.requirePatient("p-1", "somebody", "nobody@example.com", "gone", false)
		c.requirePatient("p-2", "Bob", "bob@example.com", "Bob", true)
		c.visits("p-1", 1)
		s, _, err := c.Patient.Load(c.ctx, "p-1")
		require.NoError(t, err)
		requireReveals(t, s.DoctorName, doctorMark, true)
		requireReveals(t, s.Weights, []float64{0.5}, false)
	}
	require.NoError(t, a.Forget(t.Context(), doctor.Subject()))
	_, err := a.Patient.Assign(a.ctx, "p-2", Assign{Doctor: doctor, Name: personal.Of("again")})
	require.ErrorAs(t, err, new(*personal.ForgottenError))
	a.catchesUp()
	row, _, err := a.Doctors.Get(t.Context(), DoctorsKey{Doctor: doctor})
	require.NoError(t, err)
	requireReveals(t, row.Name, "a doctor", false)
}

func TestARebuildGoesOnWithWhatTheModelSaysInPlace(t *testing.T) {
	dir := t.TempDir()
	a := embeddedIn(t, dir)
	a.registers("p-1", nameMark, mailMark)
	a.registers("p-2", "Bob", "bob@example.com")
	a.row("p-1")
	require.NoError(t, a.Forget(t.Context(), PatientID("p-1").Subject()))
	before := a.row("p-1")
	rows, err := sqlite.Open(t.Context(), filepath.Join(dir, "other"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, rows.Close()) })
	b := process(t, a.log, rows, a.keys)
	after := b.row("p-1")
	requireReveals(t, after.Name, "gone", false)
	requireReveals(t, before.Name, "gone", false)
	assert.Equal(t, before.Visits, after.Visits)
	// What was erased since the rows were written is not taken for a mistake; what a fold in Go made of it is.
	for _, p := range a.Projectors() {
		report, err := generation.Verify(t.Context(), a.log, p.(generation.Source), generation.Options{})
		require.NoError(t, err)
		assert.Equal(t, p.Name() != "Names", report.OK(), "%+v", report)
		if p.Name() == "Patients" {
			assert.EqualValues(t, 2, report.Sampled)
		}
	}
}

// wasBilled appends version 1 of Billed, as a release of back then has.
func (c *clinic) wasBilled(id PatientID, first, last string) {
	stream := cqrs.StreamID{Category: "Patient", ID: string(id)}
	w := jsoncodec.NewWriter(nil)
	w.With(personal.OfStream(c.keys, stream).Event("Billed", "PatientID"))
	field := func(name, text string) {
		v := personal.Of(text)
		personal.Write(&w, name, personal.Subject{}, &v, func(w *jsoncodec.Writer, x *string) { w.String(*x) })
	}
	w.Raw(`{"first":`)
	field("first", first)
	w.Raw(`,"last":`)
	field("last", last)
	w.Raw(`}`)
	data, err := w.Finish("Billed@1")
	require.NoError(c.t, err)
	_, err = c.log.Append(c.ctx, eventlog.Commit{
		ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
		Streams: []eventlog.StreamAppend{{Stream: stream, Expected: eventlog.Any, Events: []eventlog.NewEvent{
			{Type: "Billed", SchemaVersion: 1, ContentType: cqrs.JSON, Data: data},
		}}},
	})
	require.NoError(c.t, err)
}

func TestWhatAnUpcasterMakesOfAPersonsDataIsForgottenWithThem(t *testing.T) {
	dir := t.TempDir()
	c := embeddedIn(t, dir)
	c.registers("p-1", "Ada", mailMark)
	c.wasBilled("p-1", "Augusta", nameMark)
	c.visits("p-1", 4) // a snapshot is taken
	requires := func(c *clinic, inState, inRow string, known bool) {
		requireReveals(t, c.row("p-1").Name, inRow, known)
		s, _, err := c.Patient.Load(c.ctx, "p-1")
		require.NoError(t, err)
		requireReveals(t, s.Name, inState, known)
	}
	requires(c, "Augusta "+nameMark, "Augusta "+nameMark, true)
	row, _, err := c.Letters.Get(c.ctx, LettersKey{Patient: "p-1"})
	require.NoError(t, err)
	assert.EqualValues(t, len("Augusta"+nameMark), row.Letters, "where nothing is personal but what it is made of")
	require.Eventually(t, func() bool { return c.SnapshotStats().Written > 0 }, 10*time.Second, time.Millisecond)
	assert.Empty(t, filesWith(t, dir, nameMark))

	require.NoError(t, c.Forget(t.Context(), PatientID("p-1").Subject()))
	requires(c, "nobody", "gone", false)
	requires(process(t, c.log, memory.New(), c.keys), "nobody", "gone", false)
}

// countingKeys counts how often the store is asked for keys by their ids.
type countingKeys struct {
	personal.Store
	asked atomic.Int64
}

func (c *countingKeys) Get(ctx context.Context, ids []personal.KeyID) ([]personal.Record, error) {
	c.asked.Add(1)
	return c.Store.Get(ctx, ids)
}

func TestAQueryAsksForTheKeysOfAllItsRowsAtOnce(t *testing.T) {
	log, err := embedded.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	store := &countingKeys{Store: personal.NewMemory()}
	master, err := personal.NewMasterKey(bytes.Repeat([]byte{9}, 32))
	require.NoError(t, err)
	c := process(t, log, memory.New(), personal.NewKeys(store, master))
	var keys []PatientsKey
	for i := range 20 {
		id := PatientID(fmt.Sprint("p-", i))
		c.registers(id, "Ada", fmt.Sprint("ada@", i))
		keys = append(keys, PatientsKey{Patient: id})
	}
	c.catchesUp()
	requireAll := func(rows int, name func(i int) string) {
		assert.EqualValues(t, 1, store.asked.Load())
		require.Equal(t, 20, rows)
		for i := range 20 {
			assert.Equal(t, "Ada", name(i))
		}
	}
	asks := func() {
		c.keys.Clear()
		store.asked.Store(0)
	}
	reveal := func(v personal.Value[string]) string { name, _ := v.Reveal(); return name }

	asks()
	many, _, err := c.Patients.GetMany(c.ctx, append(keys, PatientsKey{Patient: "nobody"}))
	require.NoError(t, err)
	requireAll(len(many), func(i int) string { return reveal(many[keys[i]].Name) })
	asks()
	var all []PatientsRow
	for e, err := range c.Patients.All(c.ctx) {
		require.NoError(t, err)
		all = append(all, e.Row)
	}
	requireAll(len(all), func(i int) string { return reveal(all[i].Name) })
}

func TestTheWrongKeysAreRefusedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	c := embeddedIn(t, dir)
	open := func(opts ...aggregate.Option) error {
		_, err := New(t.Context(), c.log, memory.New(), Deciders{}, Projections{}, opts...)
		return err
	}
	require.NoError(t, open(aggregate.WithKeys(keysIn(t, filepath.Join(dir, "others")))), "nothing is encrypted yet")
	c.registers("p-1", nameMark, mailMark)
	require.ErrorIs(t, open(), personal.ErrNoKeys)
	require.ErrorAs(t, open(aggregate.WithKeys(keysIn(t, filepath.Join(dir, "others")))), new(*personal.UnknownKeyError))
	require.NoError(t, os.Remove(filepath.Join(dir, "keys", "master.key")))
	require.ErrorAs(t, open(aggregate.WithKeys(keysIn(t, filepath.Join(dir, "keys")))), new(*personal.WrongMasterKeyError))
}
