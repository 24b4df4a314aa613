package admin

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// bench is a service with one projection, Tickets, in a store.
type bench struct {
	log  *engine.Log
	rows *memory.Store
}

const (
	older = "00000000000000aa"
	own   = "00000000000000bb"
)

func schema(fingerprint string) *readmodel.Schema {
	return &readmodel.Schema{
		Projection: "Tickets", Fingerprint: fingerprint,
		Key: []readmodel.Column{{Name: "ticket", Kind: readmodel.String}},
		Row: []readmodel.Column{{Name: "n", Kind: readmodel.Int64}},
	}
}

// opened is a log that stays open when a session closes it.
type opened struct{ *engine.Log }

func (opened) Close() error { return nil }

type openedRows struct{ *memory.Store }

func (openedRows) Close() error { return nil }

// runner is a projector that is only looked at.
type runner struct {
	projection.Runner
	store readmodel.Store
}

func (runner) Name() string              { return "Tickets" }
func (runner) Events() []string          { return []string{"Opened"} }
func (runner) Status() projection.Status { return projection.Status{} }
func (r runner) Store() readmodel.Store  { return r.store }
func (runner) Schema() *readmodel.Schema { return schema(own) }

func (runner) Refold(context.Context, cqrs.Position, ...readmodel.Refolding) error { return nil }

// models is an App with one projection.
type models struct{ store readmodel.Store }

func (models) VerifySnapshots(context.Context) iter.Seq2[snapshot.Finding, error] { return nil }
func (models) Close()                                                             {}
func (m models) Projectors() []projection.Runner {
	return []projection.Runner{runner{store: m.store}}
}

func newBench(t *testing.T, events int) *bench {
	b := &bench{log: engine.New(), rows: memory.New()}
	for i := range events {
		_, err := b.log.Append(t.Context(), eventlog.Commit{
			ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)},
			Streams: []eventlog.StreamAppend{{
				Stream: stream(string(rune('a' + i))), Expected: eventlog.New,
				Events: []eventlog.NewEvent{{Type: "Opened", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte("{}")}},
			}},
		})
		require.NoError(t, err)
	}
	return b
}

// generation makes a generation that reflects the log up to a position.
func (b *bench) generation(t *testing.T, fingerprint string, at cqrs.Position, built bool) readmodel.Table {
	table, err := b.rows.Table(t.Context(), schema(fingerprint))
	require.NoError(t, err)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		To: b.checkpoint(t, at, built),
	}))
	return table
}

// checkpoint is that of a generation that reflects the log up to a position.
func (b *bench) checkpoint(t *testing.T, at cqrs.Position, built bool) readmodel.Checkpoint {
	c := readmodel.Checkpoint{Position: at, Handled: int64(at), Built: built}
	for rec, err := range b.log.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		if rec.Position == at {
			c.Commit = rec.Commit
		}
	}
	return c
}

func (b *bench) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Run(t.Context(), args, Service{
		Name:   "tickets",
		Open:   func(context.Context) (Store, error) { return opened{b.log}, nil },
		Rows:   func(context.Context) (Rows, error) { return openedRows{b.rows}, nil },
		App:    func(_ context.Context, _ Store, rows readmodel.Store) (App, error) { return models{rows}, nil },
		Stdout: &out, Stderr: &errs,
	})
	return code, out.String(), errs.String()
}

// report is what a holder says of itself.
func report(t *testing.T, s projection.Status) []byte {
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return text
}

func TestTheStatusOfAnotherProcessIsWhatItSaidLast(t *testing.T) {
	b := newBench(t, 9)
	old := b.generation(t, older, 9, true)
	require.NoError(t, b.rows.Promote(t.Context(), "Tickets", older))
	b.generation(t, own, 3, false)
	next, err := b.rows.Table(t.Context(), schema(own))
	require.NoError(t, err)
	require.NoError(t, old.Hold(t.Context(), "host-1", time.Minute, report(t, projection.Status{
		Phase: projection.Live, Handled: 9, Total: 9,
	})))
	require.NoError(t, next.Hold(t.Context(), "host-2", time.Minute, report(t, projection.Status{
		Phase: projection.Building, Handled: 6, Total: 9, Lag: 3, Rate: 1.5, ETA: 2 * time.Second,
	})))

	code, stdout, stderr := b.run(t, "projections", "status")
	assert.Equal(t, 0, code)
	assert.Empty(t, stderr)
	assert.Equal(t, `PROJECTION  SINK    GENERATION        STATE     PHASE
Tickets     memory  00000000000000aa  active    live         position 9, up to date  by host-1
Tickets     memory  00000000000000bb  building  building     [####################..........]  66 %  6 of 9 events  2/s  ETA 2s  by host-2
`, stdout)

	code, stdout, _ = b.run(t, "projections", "status", "Tickets", "--json", "--sink", "memory")
	assert.Equal(t, 0, code)
	var reports []generationReport
	for line := range strings.Lines(stdout) {
		var r generationReport
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		reports = append(reports, r)
	}
	require.Len(t, reports, 2)
	assert.Equal(t, "host-1", reports[0].Holder)
	assert.True(t, reports[0].Active)
	assert.False(t, reports[0].Own)
	assert.Positive(t, reports[0].Age)
	assert.Equal(t, projection.Building, reports[1].Phase)
	assert.EqualValues(t, 6, reports[1].Handled, "what is folded in memory is not stored yet")
	assert.EqualValues(t, 3, reports[1].Position)
	assert.True(t, reports[1].Own)
}

func TestAReadModelThatNobodyProjectsIntoIsComparedWithTheLog(t *testing.T) {
	b := newBench(t, 5)
	table := b.generation(t, own, 3, true)
	require.NoError(t, table.Hold(t.Context(), "host-1", time.Minute, report(t, projection.Status{
		Phase: projection.Live, Handled: 3, Total: 3, Rate: 100,
	})))
	require.NoError(t, table.Release(t.Context(), "host-1", report(t, projection.Status{Phase: projection.Idle})))
	reports := b.reports(t)
	require.Len(t, reports, 1)
	r := reports[0]
	assert.Equal(t, projection.Idle, r.Phase)
	assert.Equal(t, []int64{3, 5, 2}, []int64{r.Handled, r.Total, r.Lag})
	assert.InDelta(t, time.Minute, r.Behind, float64(10*time.Second), "the age of the first event behind")
	assert.Zero(t, r.Rate)
	_, stdout, _ := b.run(t, "projections", "status")
	assert.Contains(t, stdout, "position 3, 2 events behind, for 1m")
	assert.Contains(t, stdout, "; nobody projects into it\n")
}

func TestAReadModelThatWasNeverStartedHasAllToFold(t *testing.T) {
	code, stdout, _ := newBench(t, 1).run(t, "projections", "status")
	assert.Equal(t, 0, code)
	assert.Contains(t, stdout, "none      idle         1 event to fold; this program has not started it yet\n")
}

func TestAStoppedProjectionIsAFindingWithItsReason(t *testing.T) {
	b := newBench(t, 5)
	table := b.generation(t, own, 3, true)
	require.NoError(t, table.Hold(t.Context(), "host-1", time.Minute, nil))
	require.NoError(t, table.Release(t.Context(), "host-1", report(t, projection.Status{
		Phase: projection.Stopped, Error: "it can't fold event Opened",
	})))
	code, stdout, stderr := b.run(t, "projections", "status")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "stopped")
	assert.Contains(t, stdout, "\n  it can't fold event Opened\n")
	assert.Equal(t, "tickets: stopped: Tickets in memory\n", stderr)
}

// reports returns what status says.
func (b *bench) reports(t *testing.T) []generationReport {
	s := &session{Service: &Service{}, log: b.log, runners: models{b.rows}.Projectors()}
	reports, err := s.generations(t.Context())
	require.NoError(t, err)
	return reports
}

func TestAReportThatCanNotBeReadIsNoHindrance(t *testing.T) {
	b := newBench(t, 3)
	table := b.generation(t, own, 3, true)
	require.NoError(t, table.Hold(t.Context(), "host-1", time.Minute, []byte(`{"phase":"somersault"`)))
	assert.Equal(t, "host-1", b.reports(t)[0].Holder)
}

func TestWhatIsNotAtTheHeadIsNotUpToDateWhateverItsHolderSaid(t *testing.T) {
	b := newBench(t, 5)
	table, err := b.rows.Table(t.Context(), schema(own))
	require.NoError(t, err)
	require.NoError(t, table.Hold(t.Context(), "host-1", time.Minute, report(t, projection.Status{Phase: projection.CatchingUp})))
	_, stdout, _ := b.run(t, "projections", "status")
	assert.Contains(t, stdout, "0 of 5 events")
}

func TestSilenceOfAHolderIsSaid(t *testing.T) {
	now := time.Now()
	g := &readmodel.Generation{Schema: *schema(own), Asked: now, Lease: readmodel.Lease{
		Holder: "host-1", Until: now.Add(time.Second), Reported: now.Add(-9 * time.Second),
		Report: report(t, projection.Status{Phase: projection.Live, Rate: 7, ETA: time.Second}),
	}}
	r := reportOf(g, "memory", 0)
	assert.Contains(t, table([]generationReport{r}), "by host-1, heard of 9s ago\n")
	assert.Zero(t, r.Rate, "who knows")
	assert.Zero(t, r.ETA)
	g.Asked = now.Add(2 * time.Second)
	r = reportOf(g, "memory", 0)
	assert.Contains(t, table([]generationReport{r}), "idle", "its lease has ended")
	assert.Contains(t, table([]generationReport{r}), "nobody projects into it since host-1 died, or lost its store, at ")
}

func TestAnInlineReadModelThatIsActiveNeedsNobodyToProjectIntoIt(t *testing.T) {
	now := time.Now()
	for want, s := range map[string]projection.Status{
		"; it changes with each append\n": {Inline: true, Active: true, Built: true, Lost: "host-1"},
		"; nobody projects into it\n":     {Inline: true, Built: true},
		"up to date  by host-1\n":         {Inline: true, Active: true, Built: true, Holder: "host-1", Phase: projection.Live},
	} {
		assert.Contains(t, table([]generationReport{{Status: s, Created: &now}}), want)
	}
}

func TestWhatIsMistypedChangesNothing(t *testing.T) {
	b := newBench(t, 0)
	for want, args := range map[string][]string{
		"there is no projection Ticket, but Tickets":   {"projections", "promote", "Ticket"},
		"there is no sink redis, but memory":           {"projections", "rollback", "Tickets", "--sink", "redis"},
		"projections drop needs NAME and --generation": {"projections", "drop", "Tickets"},
		"which projections status prints, or --keep":   {"projections", "drop", "--generation", "1"},
		"takes --generation or --keep, not both":       {"projections", "drop", "--keep", "1", "--generation", "1"},
		"it is a whole number, 0 or more":              {"projections", "drop", "--keep", "-1"},
		"projections promote takes 1 argument, not 0":  {"projections", "promote"},
		"projections status takes at most 1 argument":  {"projections", "status", "a", "b"},
		"there is no command projections rebuild":      {"projections", "rebuild"},
		"flag provided but not defined: -live":         {"projections", "drop", "--live"},
	} {
		code, _, stderr := b.run(t, args...)
		assert.Equal(t, 2, code, args)
		assert.Contains(t, stderr, want)
		assert.Contains(t, stderr, "; all commands: tickets projections help\n")
	}
}

func TestOldGenerationsAreDroppedAndNoneThatAnybodyMayNeed(t *testing.T) {
	b := newBench(t, 5)
	const (
		unbuilt, first, second, third = "0100000000000000", "0200000000000000", "0300000000000000", "0400000000000000"
		held, newer, back             = "0500000000000000", "0700000000000000", "0800000000000000"
	)
	b.generation(t, unbuilt, 2, false)
	for _, fingerprint := range []string{first, second, third} {
		b.generation(t, fingerprint, 5, true)
		require.NoError(t, b.rows.Promote(t.Context(), "Tickets", fingerprint))
	}
	require.NoError(t, b.generation(t, held, 5, true).Hold(t.Context(), "app-1", time.Minute, nil))
	b.generation(t, own, 5, true)
	left := func() (names []string) {
		all, err := b.rows.Generations(t.Context(), "Tickets")
		require.NoError(t, err)
		for i := range all {
			names = append(names, all[i].Schema.Fingerprint)
		}
		return names
	}
	drop := func(args ...string) string {
		code, stdout, stderr := b.run(t, append([]string{"projections", "drop"}, args...)...)
		require.Zero(t, code, stderr)
		return stdout
	}
	all := left()
	assert.Equal(t, "Tickets in memory: generation 0100000000000000 would be deleted\n", drop("--keep", "2", "--dry-run"),
		"those that are younger than the active one may be those of newer releases")
	require.NoError(t, b.rows.Promote(t.Context(), "Tickets", own))
	assert.Equal(t, "Tickets in memory: generation 0200000000000000 would be deleted\n"+
		"Tickets in memory: generation 0100000000000000 would be deleted\n", drop("Tickets", "--keep", "2", "--dry-run"))
	assert.Contains(t, drop("Tickets", "--generation", "0200000000000000", "--dry-run"), "generation 0200000000000000 would be deleted\n")
	assert.Equal(t, all, left(), "nothing was done")

	b.generation(t, newer, 1, false)
	assert.Contains(t, drop("--keep", "1", "--json"), `"generation":"0200000000000000"`)
	assert.ElementsMatch(t, []string{third, held, own, newer}, left(), "the one to roll back to is kept")
	drop("--keep", "0")
	assert.ElementsMatch(t, []string{held, own, newer}, left())
	assert.Empty(t, drop("--keep", "0"), "nothing is left to do")

	b.generation(t, back, 5, true)
	require.NoError(t, b.rows.Promote(t.Context(), "Tickets", back))
	assert.Equal(t, "Tickets in memory: generation "+newer+" is deleted\n", drop("--keep", "0"), "this program's own stays")
	require.NoError(t, b.rows.Promote(t.Context(), "Tickets", own))
	assert.Empty(t, drop("--keep", "1"), "whoever rolled back may go forward again")
	assert.Contains(t, drop("--keep", "0"), "generation "+back+" is deleted")

	_, _, stderr := b.run(t, "projections", "drop", "Tickets", "--generation", held, "--dry-run")
	assert.Contains(t, stderr, "is held by app-1")
	_, _, stderr = b.run(t, "projections", "drop", "Tickets", "--generation", own, "--dry-run")
	assert.Contains(t, stderr, "is active: promote another one")

	b = newBench(t, 5)
	b.generation(t, first, 5, true)
	b.generation(t, own, 5, true)
	assert.Empty(t, drop("--keep", "0"), "without an active one nobody knows which are old")
}

func TestManyOtherGenerationsAreOneLineOfAComparison(t *testing.T) {
	b := newBench(t, 5)
	for _, fingerprint := range []string{own, "0100000000000000", "0200000000000000", "0300000000000000"} {
		b.generation(t, fingerprint, 5, true)
	}
	b.generation(t, "0400000000000000", 1, false)
	b.generation(t, "0500000000000000", 1, false)
	_, stdout, _ := b.run(t, "projections", "verify", "Tickets")
	assert.Contains(t, stdout, "not compared with 3 generations that are not active: --generation 0300000000000000 does with the newest of them\n"+
		"  not compared with 2 generations that are not built yet\n")
}

func TestAGenerationWhoseProjectionStoppedIsNotWaitedFor(t *testing.T) {
	b := newBench(t, 5)
	table := b.generation(t, own, 3, false)
	_, _, stderr := b.run(t, "projections", "verify", "Tickets")
	assert.Contains(t, stderr, "is not built yet")
	assert.Contains(t, stderr, "; tickets projections status Tickets --live shows how long it will take\n")

	require.NoError(t, table.Hold(t.Context(), "host-1", time.Minute, nil))
	require.NoError(t, table.Release(t.Context(), "host-1", report(t, projection.Status{
		Phase: projection.Stopped, Error: "it can't fold event Opened",
	})))
	for _, command := range []string{"verify", "promote"} {
		code, _, stderr := b.run(t, "projections", command, "Tickets")
		assert.Equal(t, 2, code)
		assert.Contains(t, stderr, "is not built yet")
		assert.Contains(t, stderr, ", and its projection stopped: it can't fold event Opened\n")
		assert.NotContains(t, stderr, "--live")
	}
}

func TestVerifyingSaysWithWhichGenerationsItDidNotCompare(t *testing.T) {
	b := newBench(t, 3)
	b.generation(t, own, 3, true)
	require.NoError(t, b.rows.Promote(t.Context(), "Tickets", own))
	_, stdout, _ := b.run(t, "projections", "verify", "Tickets")
	assert.Contains(t, stdout, "  there is no other generation to compare with\n")

	table := b.generation(t, older, 1, false)
	_, stdout, _ = b.run(t, "projections", "verify", "Tickets")
	assert.Contains(t, stdout, "  not compared with generation "+older+", which is not built yet\n")
	assert.NotContains(t, stdout, "no other generation")

	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		From: b.checkpoint(t, 1, false), To: b.checkpoint(t, 3, true),
	}))
	_, stdout, _ = b.run(t, "projections", "verify", "Tickets")
	assert.Contains(t, stdout, "which is not active: --generation "+older+" does\n")
	code, stdout, _ := b.run(t, "projections", "verify", "Tickets", "--generation", older)
	assert.Zero(t, code)
	assert.Contains(t, stdout, "compared with "+older)

	code, _, stderr := b.run(t, "projections", "verify", "Tickets", "--generation", own)
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "generation "+own+" is this release's own, which is compared with another one")
}

func TestAServiceWithoutReadModelsHasNoCommandsForThem(t *testing.T) {
	assert.NotContains(t, Help(Service{Name: "tickets"}), "projections")
	code, _, stderr := run(t, found{}, "projections", "status")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "there is no projections status here")
}

func TestAnAppWithoutProjectionsSaysSo(t *testing.T) {
	var errs strings.Builder
	code := Run(t.Context(), []string{"projections", "status"}, Service{
		Name: "tickets", Stderr: &errs,
		Open: func(context.Context) (Store, error) { return engine.New(), nil },
		Rows: func(context.Context) (Rows, error) { return openedRows{memory.New()}, nil },
		App:  func(context.Context, Store, readmodel.Store) (App, error) { return found{}, nil },
	})
	assert.Equal(t, 2, code)
	assert.Contains(t, errs.String(), "the model has no projections")
}

func TestReadModelsThatCanNotBeOpenedAreAFailure(t *testing.T) {
	var errs strings.Builder
	code := Run(t.Context(), []string{"projections", "status"}, Service{
		Name: "tickets", Stderr: &errs,
		Open: func(context.Context) (Store, error) { return engine.New(), nil },
		Rows: func(context.Context) (Rows, error) { return (*openedRows)(nil), errors.New("no server") },
	})
	assert.Equal(t, 2, code)
	assert.Equal(t, "tickets: no server\n", errs.String())
}

func TestALiveViewIsDrawnInPlaceOnATerminal(t *testing.T) {
	var out strings.Builder
	v := &view{w: &out, terminal: true}
	require.NoError(t, v.show("a\nb\nc\n"))
	require.NoError(t, v.show("d\n"))
	v.end()
	assert.Equal(t, "\x1b[?7l\ra\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J"+"\x1b[3A\rd\x1b[K\n\x1b[J"+"\x1b[?7h", out.String())
	out.Reset()
	v = &view{w: &out}
	require.NoError(t, v.show("a\n"))
	require.NoError(t, v.show("b\n"))
	v.end()
	assert.Equal(t, "a\nb\n", out.String(), "elsewhere it is plain lines")
}

func TestALiveViewEndsWithItsContext(t *testing.T) {
	b := newBench(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	out := &stopper{stop: cancel}
	s := &session{Service: &Service{Stdout: out}, log: b.log, runners: models{b.rows}.Projectors()}
	require.NoError(t, s.watch(ctx))
	assert.Contains(t, out.text.String(), "Tickets")
}

// stopper stops with what is written first.
type stopper struct {
	text strings.Builder
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	s.stop()
	return s.text.Write(p)
}
