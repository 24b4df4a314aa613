package admin

import (
	"context"
	"errors"
	"flag"
	"io"
	"iter"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// found is an App that finds what a test says.
type found struct {
	findings []snapshot.Finding
	err      error
}

func (f found) VerifySnapshots(context.Context) iter.Seq2[snapshot.Finding, error] {
	return func(yield func(snapshot.Finding, error) bool) {
		for _, finding := range f.findings {
			if !yield(finding, nil) {
				return
			}
		}
		if f.err != nil {
			yield(snapshot.Finding{}, f.err)
		}
	}
}

func (found) Close() {}

// run executes a command over a log in memory.
func run(t *testing.T, app App, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Run(t.Context(), args, Service{
		Name:   "tickets",
		Open:   func(context.Context) (Store, error) { return memory.New(), nil },
		App:    func(context.Context, Store, readmodel.Store) (App, error) { return app, nil },
		Stdout: &out, Stderr: &errs,
	})
	return code, out.String(), errs.String()
}

func stream(id string) cqrs.StreamID { return cqrs.StreamID{Category: "Ticket", ID: id} }

func TestASnapshotThatIsNotWhatTheEventsSayIsAFinding(t *testing.T) {
	app := found{findings: []snapshot.Finding{
		{Stream: stream("a"), Version: 7, Verdict: snapshot.Right},
		{Stream: stream("b"), Version: 8, Verdict: snapshot.Wrong, Snapshot: []byte(`{"n":1}`), Replayed: []byte(`{"n":2}`)},
		{Stream: stream("c"), Verdict: snapshot.Damaged, Err: errors.New("cut short")},
	}}
	code, stdout, stderr := run(t, app, "snapshots", "verify")
	assert.Equal(t, 1, code)
	assert.Equal(t, `Ticket/b at version 8: wrong
  the snapshot says {"n":1}
  the events say    {"n":2}
Ticket/c at version 0: damaged: cut short
3 snapshots verified, 1 right, 1 wrong, 1 damaged
`, stdout)
	assert.Equal(t, "tickets: 1 of 3 snapshots are not what the events say\n", stderr)

	code, stdout, _ = run(t, app, "snapshots", "verify", "--json")
	assert.Equal(t, 1, code)
	assert.Equal(t, `{"kind":"snapshot","stream":"Ticket/b","version":8,"verdict":"wrong","snapshot":"{\"n\":1}","replayed":"{\"n\":2}"}
{"kind":"snapshot","stream":"Ticket/c","verdict":"damaged","reason":"cut short"}
{"kind":"snapshots","verified":3,"verdicts":{"damaged":1,"right":1,"wrong":1}}
`, stdout)
}

func TestSnapshotsThatAreNeverUsedAreNoFinding(t *testing.T) {
	app := found{findings: []snapshot.Finding{
		{Stream: stream("a"), Version: 7, Verdict: snapshot.Stale}, {Stream: stream("b"), Version: 7, Verdict: snapshot.Foreign},
	}}
	code, stdout, stderr := run(t, app, "snapshots", "verify")
	assert.Equal(t, 0, code)
	assert.Contains(t, stdout, "2 snapshots verified, 1 foreign, 1 stale\n")
	assert.Empty(t, stderr)
}

func TestWhatCanNotBeVerifiedIsAFailure(t *testing.T) {
	code, _, stderr := run(t, found{err: errors.New("no disk")}, "snapshots", "verify")
	assert.Equal(t, 2, code)
	assert.Equal(t, "tickets: no disk\n", stderr)
}

func TestAServiceHasTheCommandsOfItsEngineAlone(t *testing.T) {
	s := Service{Name: "tickets", Flags: func(f *flag.FlagSet) { f.String("data", "here", "`folder` of the log") }}
	assert.NotContains(t, Help(s), "log ddl")
	assert.NotContains(t, Help(s), "log migrate")
	assert.Contains(t, Help(s), "--data folder\n    \tfolder of the log (default here)\n")
	code, _, stderr := run(t, found{}, "log", "ddl")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "there is no log ddl here")

	s.DDL = func() (string, error) { return "CREATE TABLE t;\n", nil }
	s.Migrate = func(context.Context) error { return errors.New("no rights") }
	assert.Contains(t, Help(s), "log ddl")
	var out, errs strings.Builder
	s.Stdout, s.Stderr = &out, &errs
	assert.Equal(t, 0, Run(t.Context(), []string{"log", "ddl"}, s))
	assert.Equal(t, "CREATE TABLE t;\n", out.String())
	out.Reset()
	assert.Equal(t, 0, Run(t.Context(), []string{"log", "migrate", "--print-ddl"}, s))
	assert.Equal(t, "CREATE TABLE t;\n", out.String())
	assert.Equal(t, 2, Run(t.Context(), []string{"log", "migrate"}, s))
	assert.Equal(t, "tickets: no rights\n", errs.String())
}

func TestPrintingASchemaNeverMigrates(t *testing.T) {
	var errs strings.Builder
	code := Run(t.Context(), []string{"log", "migrate", "--print-ddl"}, Service{
		Name: "tickets", Stdout: io.Discard, Stderr: &errs,
		Migrate: func(context.Context) error {
			t.Error("it was told to change nothing")
			return nil
		},
	})
	assert.Equal(t, 2, code)
	assert.Contains(t, errs.String(), "there is no schema to print for this engine")
}

func TestALogThatCanNotBeOpenedIsAFailure(t *testing.T) {
	var errs strings.Builder
	code := Run(t.Context(), []string{"log", "info"}, Service{
		Name: "tickets", Stdout: io.Discard, Stderr: &errs,
		Open: func(context.Context) (Store, error) { return (*memory.Log)(nil), errors.New("no server") },
	})
	assert.Equal(t, 2, code)
	assert.Equal(t, "tickets: no server\n", errs.String())
}

func TestArgumentsOfOthersAreLeftToThem(t *testing.T) {
	assert.True(t, Knows([]string{"log"}))
	assert.True(t, Knows([]string{"snapshots", "verify"}))
	for _, args := range [][]string{nil, {""}, {"-listen", "log"}, {"logs"}, {"serve"}} {
		assert.False(t, Knows(args), args)
	}
}

func TestProgressIsPlainLinesWhereThereIsNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var errs strings.Builder
		s := &session{Service: &Service{Stderr: &errs}}
		p := s.progress("events", 100_000)
		for range 50 {
			time.Sleep(time.Second / 5)
			p.add(1_000)
		}
		p.end()
		assert.Equal(t, "[#######.......................]  25 %  events 25000 of 100000  5000/s  ETA 15s\n"+
			"[###############...............]  50 %  events 50000 of 100000  5000/s  ETA 10s\n", errs.String())
		errs.Reset()
		p = s.progress("verified", 0)
		p.add(10)
		p.end()
		assert.Empty(t, errs.String(), "what is over at once shows nothing")
	})
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close()
	assert.False(t, isTerminal(f))
}

func TestTheReferenceHasEveryCommand(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/operations.md")
	require.NoError(t, err)
	s := Service{
		Name: "tickets", DDL: func() (string, error) { return "", nil }, Migrate: func(context.Context) error { return nil },
		Rows: func(context.Context) (Rows, error) { return nil, nil },
	}
	help := strings.ReplaceAll(Help(s), "    \t", "        ")
	assert.True(t, strings.Contains(string(page), "```\n$ tickets log help\n"+help+"```\n"), "the page is to have:\n%s", help)
	for _, c := range commands {
		heading := "\n## `" + strings.TrimSpace(c.name+" "+c.args) + "`\n"
		assert.True(t, strings.Contains(string(page), heading), "the page is to have %s", heading)
	}
}
