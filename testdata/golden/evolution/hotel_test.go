package hotel

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func TestEventsAreStoredWithTheVersionOfTheirFields(t *testing.T) {
	log, ctx := enginememory.New(), t.Context()
	keys := aggregate.WithKeys(cqrstest.Keys())
	app, err := New(ctx, log, memory.New(), Deciders{}, Projections{}, keys)
	require.NoError(t, err)
	_, err = app.Booking.Book(ctx, "b-1", Book{Adults: 2})
	require.NoError(t, err)
	_, err = app.Booking.Cancel(ctx, "b-1", Cancel{})
	require.NoError(t, err)
	app.Close()

	versions := map[string]int{}
	for rec, err := range log.ReadStream(ctx, cqrs.StreamID{Category: "Booking", ID: "b-1"}, 0) {
		require.NoError(t, err)
		versions[rec.Type] = rec.SchemaVersion
		if rec.Type == "RoomBooked" {
			assert.Equal(t, cqrs.JSONFrom(3), rec.ContentType)
		}
	}
	assert.Equal(t, map[string]int{"RoomBooked": 4, "Cancelled": 1}, versions)

	// What was stored is read again by a process that has it from the log alone.
	app, err = New(ctx, log, memory.New(), Deciders{}, Projections{}, keys)
	require.NoError(t, err)
	defer app.Close()
	state, _, err := app.Booking.Load(ctx, "b-1")
	require.NoError(t, err)
	assert.Equal(t, BookingState{Guests: 2, Cancelled: true}, state)
}

// stored is an event as a log has it.
func stored(typ string, version int, data string) *cqrs.Record {
	return &cqrs.Record{Type: typ, SchemaVersion: version, ContentType: cqrs.JSON, Data: []byte(data)}
}

func date(text string) cqrs.Date {
	d, err := cqrs.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestOlderEventsAreReadAsToday(t *testing.T) {
	imported := cqrs.SetOf("old", "imported")
	for _, c := range []struct {
		version int
		data    string
		want    Booked
	}{
		{1, `{"guests":2,"room":7,"comment":"late"}`, Booked{Adults: 2, Source: SourceUnknown, Tags: imported}},
		{1, `{"adults":3,"guests":2,"note":"of another time"}`, Booked{Adults: 2, Source: SourceUnknown, Tags: imported}},
		{2, `{"adults":2,"children":1,"room":7}`, Booked{Adults: 2, Children: 1, Source: SourceUnknown, Tags: imported}},
		{3, `{"adults":2,"children":1,"source":"phone","address":{"street":"x"},"tags":["a"],"note":"not yet"}`,
			Booked{Adults: 2, Children: 1, Source: SourcePhone, Address: Address{Street: "x"}, Tags: cqrs.SetOf("a")}},
		{4, `{"adults":2,"children":1,"source":"phone","address":{"street":"x"},"tags":["a"],"note":"late"}`,
			Booked{Adults: 2, Children: 1, Source: SourcePhone, Address: Address{Street: "x"}, Tags: cqrs.SetOf("a"), Note: cqrs.Some("late")}},
	} {
		var e Booked
		require.NoError(t, e.DecodeRecord(stored("RoomBooked", c.version, c.data), jsoncodec.CopyStrings))
		assert.Equal(t, c.want, e, "version %d", c.version)
	}
}

func TestWhatOlderEventsMustHaveIsAskedFor(t *testing.T) {
	for version, data := range map[int]string{1: `{"adults":2}`, 2: `{"adults":2,"guests":1}`, 4: `{"adults":2,"children":1}`} {
		var e Booked
		var wrong *cqrs.DecodingError
		err := e.DecodeRecord(stored("RoomBooked", version, data), jsoncodec.CopyStrings)
		require.ErrorAs(t, err, &wrong, "version %d", version)
		assert.Contains(t, err.Error(), "is missing")
	}
}

func TestUpcastersAndDeclaredStepsAreAChain(t *testing.T) {
	for version, data := range map[int]string{
		1: `{"sum":250,"coin":"gold","card":true}`,
		2: `{"cents":250,"coin":"gold","card":true}`,
		3: `{"total":250,"coin":"gold","card":true}`,
		4: `{"total":250,"currency":"EUR","card":true}`,
		5: `{"amount":{"amount":250,"currency":"EUR"},"from":"web"}`,
		6: `{"amount":{"amount":250,"currency":"EUR"},"from":"web","tip":0}`,
		7: `{"amount":{"amount":250,"currency":"EUR"},"by":"web","tip":0}`,
	} {
		var e Paid
		require.NoError(t, e.DecodeRecord(stored("Paid", version, data), jsoncodec.CopyStrings))
		assert.Equal(t, Paid{Amount: Money{250, CurrencyEUR}, By: SourceWeb}, e, "version %d", version)
	}
	for version, data := range map[int]string{1: `{"day":"24.12.2026"}`, 2: `{"day":"2026-12-24"}`, 3: `{"to":"2026-12-24"}`} {
		var e Moved
		require.NoError(t, e.DecodeRecord(stored("Moved", version, data), jsoncodec.CopyStrings))
		assert.Equal(t, Moved{To: date("2026-12-24")}, e, "version %d", version)
	}
}

func TestAnEventThatAnUpcasterRefusesStopsItsReaders(t *testing.T) {
	var refused *cqrs.UpcastError
	err := (&bookingFold{}).Apply(&BookingState{}, stored("Moved", 1, `{"day":"soon"}`))
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "Moved", refused.Type)
	assert.Equal(t, 1, refused.Version)
	require.ErrorAs(t, (&arrivalsProjection{}).fold(nil, stored("Moved", 1, `{"day":"soon"}`)), &refused)
	require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, stored("Paid", 1, `{"sum":-1,"coin":"","card":false}`)), &refused)
	assert.Equal(t, 2, refused.Version, "that of the step")
}

func TestANewerEventIsATypedErrorThatSaysWhatIsKnown(t *testing.T) {
	for _, encoding := range []cqrs.ContentType{cqrs.JSON, cqrs.JSONFrom(5)} {
		rec := stored("RoomBooked", 6, `{"adults":2,"children":1,"source":"web","address":{"street":""},"tags":[],"new":{"x":[]}}`)
		rec.ContentType = encoding
		var newer *cqrs.NewerEventError
		require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, rec), &newer)
		assert.Equal(t, "RoomBooked", newer.Type)
		assert.Equal(t, 6, newer.SchemaVersion)
		assert.Equal(t, 4, newer.Known)
		require.ErrorAs(t, (&arrivalsProjection{}).fold(nil, rec), &newer)
		// Once it is known that the newer version only added, it is read.
		rec.ContentType = cqrs.JSONFrom(4)
		state := BookingState{}
		require.NoError(t, (&bookingFold{}).Apply(&state, rec))
		assert.Equal(t, int64(3), state.Guests)
	}
	var unknown *cqrs.UnknownEventError
	require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, stored("Booked", 4, `{}`)), &unknown, "the name in the log is another one")
}

func TestEventsSayFromWhichVersionOnTheyAreRead(t *testing.T) {
	assert.Equal(t, cqrs.JSONFrom(3), cqrs.ContentTypeOf(&Booked{}))
	assert.Equal(t, cqrs.JSON, cqrs.ContentTypeOf(&Moved{}))
	assert.Equal(t, cqrs.JSON, cqrs.ContentTypeOf(&Cancelled{}))
}

func TestVersionsAreThoseOfTheModel(t *testing.T) {
	for want, e := range map[int]cqrs.Event{4: &Booked{}, 7: &Paid{}, 3: &Moved{}, 1: &Cancelled{}} {
		assert.Equal(t, want, cqrs.VersionOf(e))
	}
}

// history appends stored events to the stream of a booking, each as a commit of its own.
func history(t *testing.T, log eventlog.Log, id string, events ...*cqrs.Record) cqrs.Position {
	t.Helper()
	var last cqrs.Position
	for _, rec := range events {
		done, err := log.Append(t.Context(), eventlog.Commit{
			ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
			Meta: cqrs.CommandMeta{Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
			Streams: []eventlog.StreamAppend{{
				Stream: cqrs.StreamID{Category: "Booking", ID: id}, Expected: eventlog.Any,
				Events: []eventlog.NewEvent{{
					Type: rec.Type, SchemaVersion: rec.SchemaVersion, ContentType: rec.ContentType, Data: rec.Data,
				}},
			}},
		})
		require.NoError(t, err)
		last = done.Position
	}
	return last
}

// open opens the bounded context over a log, and keeps its read models up to date.
func open(t *testing.T, log aggregate.Store) *App {
	t.Helper()
	app, err := New(t.Context(), log, memory.New(), Deciders{}, Projections{}, aggregate.WithKeys(cqrstest.Keys()))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		app.Close()
	})
	return app
}

func TestAFormerEventIsReadAsWhatItBecame(t *testing.T) {
	log, ctx := enginememory.New(), t.Context()
	app := open(t, log)
	last := history(t, log, "b-1",
		stored("RoomBooked", 1, `{"guests":2,"room":7}`),
		stored("Changed", 1, `{"day":"2026-12-24","note":"of no interest"}`),
		stored("Changed", 2, `{"notes":["late","vip","late"]}`),
		stored("Changed", 2, `{"to":"2026-12-25","notes":["moved"]}`),
		stored("Viewed", 1, `{"by":"ada"}`),
		stored("booking-annotated", 1, `{"note":"vip"}`),
		stored("Flagged", 1, `{"why":"no show"}`),
		stored("Noted", 1, `{"text":"vip"}`),
	)
	state, version, err := app.Booking.Load(ctx, "b-1")
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(8), version, "versions are those of stored events")
	assert.Equal(t, BookingState{
		Guests: 2, To: cqrs.Some(date("2026-12-25")), Flagged: true, Notes: []string{"late", "vip", "late", "moved", "vip", "vip"},
	}, state)

	notes := map[string]NotesRow{}
	for _, text := range []string{"late", "vip", "moved", "flagged"} {
		row, fresh, err := app.Notes.Get(ctx, NotesKey{text}, cqrs.AtLeast(last))
		require.NoError(t, err, text)
		assert.Equal(t, last, fresh.Position, "positions are those of stored events")
		notes[text] = row
	}
	assert.Equal(t, map[string]NotesRow{
		"late": {Times: 2}, "vip": {Times: 3}, "flagged": {Times: 1},
		// One stored event is two that meet in this row: it counts both.
		"moved": {Times: 3, Last: date("2026-12-25")},
	}, notes)
	arrival, _, err := app.Arrivals.Get(ctx, ArrivalsKey{"b-1"}, cqrs.AtLeast(last))
	require.NoError(t, err)
	assert.Equal(t, ArrivalsRow{Guests: 2, Day: cqrs.Some(date("2026-12-25"))}, arrival)

	// Commands go on from there, with new events alone.
	_, err = app.Booking.Note(ctx, "b-1", Note{Text: "paid"}, cqrs.IfVersion(8))
	require.NoError(t, err)
}

func TestANewerFormerEventStopsItsReadersToo(t *testing.T) {
	var newer *cqrs.NewerEventError
	for typ, version := range map[string]int{"Changed": 3, "Viewed": 2, "booking-annotated": 2} {
		require.ErrorAs(t, (&bookingFold{}).Apply(&BookingState{}, stored(typ, version, `{}`)), &newer, typ)
	}
	require.ErrorAs(t, (&notesProjection{}).fold(nil, stored("Changed", 3, `{}`)), &newer)
}

func TestAStreamWithANewerEventStopsAndTheOthersGoOn(t *testing.T) {
	log, ctx := enginememory.New(), t.Context()
	app, err := New(ctx, log, memory.New(), Deciders{}, Projections{}, aggregate.WithKeys(cqrstest.Keys()))
	require.NoError(t, err)
	defer app.Close()
	last := history(t, log, "b-1", stored("RoomBooked", 1, `{"guests":2}`), stored("Moved", 4, `{"until":"2026-12-24"}`))
	last = max(last, history(t, log, "b-2", stored("RoomBooked", 1, `{"guests":1}`), stored("Cancelled", 1,
		`{"guest":"0198c0de-0000-7000-8000-000000000000","name":"Ada"}`)))
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- app.Run(running) }()

	var newer *cqrs.NewerEventError
	_, _, err = app.Booking.Load(ctx, "b-1")
	require.ErrorAs(t, err, &newer)
	_, err = app.Booking.Move(ctx, "b-1", Move{To: date("2026-12-26")})
	require.ErrorAs(t, err, &newer, "nothing is decided on half a history")
	_, _, err = app.Booking.Load(ctx, "b-2")
	require.NoError(t, err)
	_, _, err = app.Arrivals.Get(ctx, ArrivalsKey{"b-2"}, cqrs.AtLeast(last))
	require.ErrorAs(t, err, &newer)
	row, _, err := app.Cancellations.Get(ctx, CancellationsKey{"b-2"}, cqrs.AtLeast(last))
	require.NoError(t, err, "it takes no such event")
	assert.Equal(t, int64(1), row.Times)
	stop()
	require.ErrorAs(t, <-done, &newer)
}
