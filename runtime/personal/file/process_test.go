package file_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/personal/file"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	clinic "github.com/cqrsgen/cqrsgen/testdata/golden/personal"
)

// The tests of several processes start the test binary again, with this variable naming what the child has to do.
const childVariable = "CQRSGEN_KEYS_CHILD"

var children = map[string]func([]string) error{"forget": childForget, "watch": childWatch}

func TestMain(m *testing.M) {
	child, ok := children[os.Getenv(childVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := child(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startChild starts the test binary as a child; what it prints can be read.
func startChild(t *testing.T, name string, args ...string) (*exec.Cmd, io.Reader) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed
	return cmd, out
}

var patient = clinic.PatientID("p-1")

// who is the patient, as the keys know them.
var who = patient.Subject()

// openClinic opens a clinic whose log and keys are in a directory. between is what stands between it and these.
func openClinic(
	ctx context.Context, dir string, rows readmodel.Store, between func(log, personal.Store) (log, personal.Store),
) (app *clinic.App, closeAll func(), err error) {
	events, err := embedded.Open(ctx, filepath.Join(dir, "log"))
	if err != nil {
		return nil, nil, err
	}
	keys, err := file.Open(ctx, filepath.Join(dir, "keys"))
	if err != nil {
		return nil, nil, err
	}
	master, err := personal.NewMasterKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		return nil, nil, err
	}
	var l log = events
	var s personal.Store = keys
	if between != nil {
		l, s = between(l, s)
	}
	app, err = clinic.New(ctx, l, rows, clinic.Deciders{}, clinic.Projections{},
		aggregate.WithKeys(personal.NewKeys(s, master)))
	if err != nil {
		return nil, nil, err
	}
	return app, func() {
		app.Close()
		_, _ = events.Close(), keys.Close()
	}, nil
}

// log is what a clinic works on.
type log = aggregate.Store

func clinicIn(t *testing.T, dir string) *clinic.App {
	app, closeAll, err := openClinic(t.Context(), dir, memory.New(), nil)
	require.NoError(t, err)
	t.Cleanup(closeAll)
	return app
}

// death kills its own process, as nothing can be caught, at one of the moments that are counted.
type death struct{ left int }

func (d *death) moment() {
	if d.left--; d.left != 0 {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// deadlyLog and deadlyKeys have a moment before and one after each step of Forget.
type deadlyLog struct {
	log
	*death
}

func (l deadlyLog) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	l.moment()
	a, err := l.log.Append(ctx, c)
	l.moment()
	return a, err
}

type deadlyKeys struct {
	personal.Store
	*death
}

func (k deadlyKeys) Destroy(ctx context.Context, s personal.Subject) error {
	k.moment()
	err := k.Store.Destroy(ctx, s)
	k.moment()
	return err
}

// childForget forgets the patient, and is killed at a moment; at none if that is 0.
func childForget(args []string) error {
	moment, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	d := &death{left: moment}
	deadly := func(l log, s personal.Store) (log, personal.Store) { return deadlyLog{l, d}, deadlyKeys{s, d} }
	app, closeAll, err := openClinic(context.Background(), args[0], memory.New(), deadly)
	if err != nil {
		return err
	}
	defer closeAll()
	return app.Forget(context.Background(), who)
}

// register registers the patient, and returns the wrapped key.
func register(t *testing.T, dir string) []byte {
	_, err := clinicIn(t, dir).Patient.Register(t.Context(), patient, clinic.Register{
		Name: personal.Of("Ada"), Mail: personal.Of("ada@example.com"),
		Born: personal.Of(cqrs.Date{Year: 1815, Month: 12, Day: 10}),
	})
	require.NoError(t, err)
	r, err := open(t, filepath.Join(dir, "keys")).Find(t.Context(), who)
	require.NoError(t, err)
	require.NotEmpty(t, r.Wrapped)
	return r.Wrapped
}

// announced counts the events that say that the patient was forgotten.
func announced(t *testing.T, dir string) (n int) {
	l, err := embedded.Open(t.Context(), filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	for rec, err := range l.Read(t.Context(), eventlog.Query{Types: []string{personal.Forgotten}}) {
		require.NoError(t, err)
		require.JSONEq(t, `{"type":"PatientID","id":"p-1"}`, string(rec.Data))
		n++
	}
	return n
}

// requireName requires what a process that starts now reads of the patient.
func requireName(t *testing.T, dir, inState, inRow string) {
	app := clinicIn(t, dir)
	state, _, err := app.Patient.Load(t.Context(), patient)
	require.NoError(t, err)
	name, _ := state.Name.Reveal()
	require.Equal(t, inState, name)
	for _, p := range app.Projectors() {
		require.NoError(t, p.CatchUp(t.Context()))
	}
	row, _, err := app.Patients.Get(t.Context(), clinic.PatientsKey{Patient: patient})
	require.NoError(t, err)
	name, _ = row.Name.Reveal()
	require.Equal(t, inRow, name)
}

func TestWhoeverIsKilledWhileForgettingSomebodyAnotherProcessFinishesIt(t *testing.T) {
	t.Parallel()
	for i, at := range []struct {
		name      string
		announced int
		destroyed bool
	}{
		{"before the first event", 0, false},
		{"after the first event", 1, false},
		{"before the key is destroyed", 1, false},
		{"after the key is destroyed", 1, true},
		{"before the last event", 1, true},
		{"after the last event", 2, true},
	} {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			wrapped := register(t, dir)
			killed, out := startChild(t, "forget", dir, fmt.Sprint(i+1))
			_, err := io.Copy(io.Discard, out)
			require.NoError(t, err)
			require.Error(t, killed.Wait())
			require.False(t, killed.ProcessState.Exited(), "it was killed")
			require.Equal(t, at.announced, announced(t, dir))
			r, err := open(t, filepath.Join(dir, "keys")).Find(t.Context(), who)
			require.NoError(t, err)
			require.Equal(t, at.destroyed, r.Destroyed)
			if at.announced == 0 {
				requireName(t, dir, "Ada", "Ada") // nobody heard of it
			}

			for range 2 { // once it is done there is nothing to do
				finishes, _ := startChild(t, "forget", dir, "0")
				require.NoError(t, finishes.Wait())
				require.Equal(t, 2, announced(t, dir))
			}
			requireName(t, dir, "somebody", "gone")
			files, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
			require.NoError(t, err)
			for _, f := range files {
				data, err := os.ReadFile(f)
				require.NoError(t, err)
				assert.NotContains(t, string(data), string(wrapped), f)
			}
		})
	}
}

// childWatch runs projections, keeps the patient's state in its cache, and says what it reads whenever that changes.
func childWatch(args []string) error {
	app, closeAll, err := openClinic(context.Background(), args[0], memory.New(), nil)
	if err != nil {
		return err
	}
	defer closeAll()
	for _, p := range app.Projectors() {
		if err := p.CatchUp(context.Background()); err != nil {
			return err
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- app.Run(context.Background()) }()
	last := ""
	for {
		state, _, err := app.Patient.Load(context.Background(), patient)
		if err != nil {
			return err
		}
		row, _, err := app.Patients.Get(context.Background(), clinic.PatientsKey{Patient: patient})
		if err != nil {
			return err
		}
		inState, _ := state.Name.Reveal()
		inRow, _ := row.Name.Reveal()
		if now := inState + ", " + inRow; now != last {
			fmt.Println(now)
			last = now
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(time.Millisecond):
		}
	}
}

func TestProcessesThatRunProjectionsLearnThatAnotherOneForgotSomebody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	register(t, dir)
	said := make([]chan string, 2)
	for i := range said {
		_, out := startChild(t, "watch", dir)
		said[i] = make(chan string, 100)
		go func() {
			defer close(said[i])
			for lines := bufio.NewScanner(out); lines.Scan(); {
				said[i] <- lines.Text()
			}
		}()
	}
	// A minute is how long a key is used without asking for it: sooner than that only the event tells.
	inTime := time.After(30 * time.Second)
	requireSaid := func(want string) {
		for i := range said {
			for now := ""; now != want; {
				select {
				case line, ok := <-said[i]:
					require.True(t, ok, "the process goes on")
					now = line
				case <-inTime:
					require.Fail(t, "a process never said "+want, "the last was %q", now)
				}
			}
		}
	}
	requireSaid("Ada, Ada")
	forgets, _ := startChild(t, "forget", dir, "0")
	require.NoError(t, forgets.Wait())
	requireSaid("somebody, gone")
}
