package logtest

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// perTwins is how many runs share a pair of logs: opening one is slow for some engines.
const perTwins = 50

// equality does the same random operations on the engine and on the one in memory: the results must be the same, but for
// positions, of which only the order is compared.
func equality(t *testing.T, open func(testing.TB) Harness) {
	runs, seed := soak.Rounds(500, 10_000), soak.Seed(t)
	box := soak.Box(t, 5*time.Second, 0)
	done := 0
	defer func() { box.Reached(done, runs, "runs of random operations with the results of the engine in memory") }()
	for pair := 0; done < runs && box.Open() && !t.Failed(); pair++ {
		t.Run(fmt.Sprint(pair), func(t *testing.T) {
			setFlag(t, "rapid.checks", strconv.Itoa(checks(min(perTwins, runs-done))))
			setFlag(t, "rapid.seed", strconv.FormatUint(max(1, seed+uint64(pair)), 10))
			setFlag(t, "rapid.nofailfile", "true") // the seed is enough to repeat it
			var twin *twins
			rapid.Check(t, func(rt *rapid.T) {
				if !box.Open() {
					return
				}
				// After a failure the two may differ for good; what rapid tries then begins anew.
				if twin == nil || !twin.sound {
					twin = newTwins(newFixture(t, open(t)))
				}
				twin.run(rt)
				done++
			})
			twin.again()
		})
	}
}

// checks returns what to set for so many runs: of a short test rapid does a fifth.
func checks(runs int) int {
	if testing.Short() {
		return 5 * runs
	}
	return runs
}

func setFlag(t *testing.T, name, value string) {
	old := flag.Lookup(name).Value.String()
	require.NoError(t, flag.Set(name, value))
	t.Cleanup(func() { require.NoError(t, flag.Set(name, old)) })
}

// twins are a log under test and one in memory, to which the same was done.
type twins struct {
	*fixture
	// handles are of the same log: whatever one of them remembers must not be what another one has changed.
	handles []eventlog.Log
	memory  *memory.Log
	runs    int
	// sound says that no run has failed.
	sound bool
	// ours and theirs are the positions of all events, in order, behind a 0 for the beginning.
	ours, theirs []cqrs.Position
	inMemory     map[cqrs.Position]cqrs.Position
}

func newTwins(f *fixture) *twins {
	return &twins{
		fixture: f, handles: f.logs(), memory: memory.New(), sound: true,
		ours: []cqrs.Position{0}, theirs: []cqrs.Position{0}, inMemory: map[cqrs.Position]cqrs.Position{0: 0},
	}
}

// twinRun is one series of random operations.
type twinRun struct {
	*twins
	*rapid.T
	// log is the handle that this operation uses.
	log     eventlog.Log
	streams []cqrs.StreamID
	command string
}

// strangeStreams are told apart by every engine.
var strangeStreams = []cqrs.StreamID{
	stream("a"), stream("A"), {Category: "account", ID: "a"}, stream("a b"), stream("ä"),
	stream("*"), stream(">"), stream("."), stream("a.b"), {Category: "_Account", ID: "a"},
	stream("%"), stream("_"), stream("'"), stream("a/b"), {Category: "Accounts", ID: "a"}, stream("💥"),
}

func (w *twins) run(rt *rapid.T) {
	w.sound, w.runs = false, w.runs+1
	r := &twinRun{twins: w, T: rt, command: fmt.Sprintf("cmd-%d-", w.runs)}
	// Few of them, so that they get into each other's way; others in the next run.
	for i := range 5 {
		s := strangeStreams[(w.runs*5+i)%len(strangeStreams)]
		s.ID = fmt.Sprint(w.runs, s.ID)
		r.streams = append(r.streams, s)
	}
	on := func(operation func(*twinRun)) func(*rapid.T) {
		return func(rt *rapid.T) {
			r.T, r.log = rt, rapid.SampledFrom(r.handles).Draw(rt, "handle")
			operation(r)
		}
	}
	actions := map[string]func(*rapid.T){
		"append": on((*twinRun).append), "append more": on((*twinRun).append), "append most": on((*twinRun).append),
		"command": on((*twinRun).lookUp), "count": on((*twinRun).count), "head": on((*twinRun).head),
		"read": on((*twinRun).read), "stream": on((*twinRun).readStream), "backwards": on((*twinRun).readBackwards),
	}
	if w.engine.Snapshots != nil {
		actions["save"], actions["load"] = on((*twinRun).save), on((*twinRun).load)
		actions["list"] = on((*twinRun).list)
	}
	rt.Repeat(actions)
	r.commands()
	w.sound = !rt.Failed()
}

// again opens the log once more, after it was closed, and compares all of it.
func (w *twins) again() {
	if w == nil || !w.sound || w.engine.Again == nil {
		return
	}
	require.NoError(w.fixture, w.engine.Close())
	r := &twinRun{twins: w, log: w.engine.Again(w.fixture)}
	require.Equal(w.fixture, collect(w.memory.Read(w.ctx, eventlog.Query{}), nil),
		collect(r.log.Read(w.ctx, eventlog.Query{}), w.inMemory))
}

// oneOf draws a value for something that has a name in what rapid prints.
func oneOf[T any](r *twinRun, name string, values ...T) T {
	return rapid.SampledFrom(values).Draw(r.T, name)
}

// seldom is true once in so many times.
func (r *twinRun) seldom(name string, n int) bool {
	return rapid.IntRange(0, n-1).Draw(r.T, name) == n-1
}

// anyStream draws a stream of this run, or one that no engine takes.
func (r *twinRun) anyStream() cqrs.StreamID {
	if r.seldom("an odd stream", 30) {
		return oneOf(r, "odd stream", cqrs.StreamID{}, stream(""), stream("a\x00b"), stream("\xff"), stream("a\nb"),
			stream(string(make([]byte, 10<<10))), cqrs.StreamID{Category: "a.b", ID: "1"}, cqrs.StreamID{Category: "*", ID: "1"})
	}
	return oneOf(r, "stream", r.streams...)
}

func (r *twinRun) append() {
	c := r.commit()
	theirs, want := r.memory.Append(r.ctx, c)
	ours, err := r.log.Append(r.ctx, c)
	r.sameError(&c, want, err)
	r.grow()
	if want == nil {
		ours.Position = r.position(ours.Position)
		r.same(theirs, ours)
	}
}

// commit draws a commit that often fits, and sometimes is nonsense.
func (r *twinRun) commit() eventlog.Commit {
	c := commit()
	for range oneOf(r, "streams", 1, 1, 1, 2, 3, 0) {
		s := r.anyStream()
		c.Streams = append(c.Streams, to(s, r.expectation(s), r.events()...))
	}
	if r.seldom("with a command", 3) {
		id := r.command + oneOf(r, "command", "1", "2", "3", "*", ">", "ä")
		meta := c.Meta
		c = command(id, oneOf(r, "content", "x", "x", "x", "y"), c.Streams...)
		c.Meta.Time = meta.Time
		c.Version = cqrs.Version(rapid.IntRange(0, 9).Draw(r.T, "version"))
	}
	if r.seldom("with meta data", 3) {
		c.Meta.Actor, c.Meta.CausationID = oneOf(r, "actor", "ada", "ä*>.", "a b"), oneOf(r, "causation", "", "$1", "'")
		c.Meta.Time = oneOf(r, "time", now, time.Time{}, time.Unix(0, 0).UTC())
	}
	if r.seldom("with bad meta data", 12) {
		c.Meta.CorrelationID = oneOf(r, "correlation", "\x00", "\xff", string(make([]byte, eventlog.MaxMeta+1)), "fine")
		c.Meta.Time = oneOf(r, "time", now, now.Add(1), now.AddDate(9000, 0, 0))
	}
	return c
}

func (r *twinRun) expectation(s cqrs.StreamID) eventlog.Expected {
	actual := cqrs.Version(0)
	for record := range r.memory.ReadStreamBackwards(r.ctx, s, 0) {
		if record != nil {
			actual = record.Version
		}
		break
	}
	fits := eventlog.Exactly(actual)
	if r.seldom("another version", 8) {
		return oneOf(r, "version", eventlog.New, fits+1, fits-1, -2, 1<<62)
	}
	return oneOf(r, "expected", fits, eventlog.Any)
}

func (r *twinRun) events() (all []eventlog.NewEvent) {
	for range oneOf(r, "events", 1, 1, 1, 2, 3, 0) {
		e := event(oneOf(r, "type", "A", "a", "B", "Ünï'\"", "*.>"), len(r.ours))
		if r.seldom("an odd event", 6) {
			e.SchemaVersion, e.ContentType = oneOf(r, "schema version", 1, 2, 1<<30), oneOf(r, "content type", cqrs.JSON, "a/b; c=d")
			e.Data = make([]byte, oneOf(r, "size", 0, 1, 10<<10, 70_000))
		}
		if r.seldom("a bad event", 20) {
			e.Type = oneOf(r, "bad type", "", "\x00", "\xff", string(make([]byte, eventlog.MaxType+1)), "Fine")
			e.SchemaVersion, e.ContentType = oneOf(r, "bad version", 1, 0), oneOf(r, "bad content type", cqrs.JSON, "", "\xff")
			e.Data = make([]byte, oneOf(r, "bad size", 1, eventlog.MaxPayload, eventlog.MaxPayload+1))
		}
		all = append(all, e)
	}
	return all
}

// grow reads what was added to both logs, and remembers its positions.
func (r *twinRun) grow() {
	last := len(r.ours) - 1
	theirs := slices.Collect(records(r.memory.Read(r.ctx, eventlog.Query{After: r.theirs[last]})))
	if r.engine.StaleReads && len(theirs) > 0 {
		_, err := r.log.Wait(r.ctx, r.ours[last])
		require.NoError(r.T, err)
	}
	ours := slices.Collect(records(r.log.Read(r.ctx, eventlog.Query{After: r.ours[last]})))
	require.Len(r.T, ours, len(theirs), "what was added")
	for i := range ours {
		require.Greater(r.T, ours[i].Position, r.ours[len(r.ours)-1])
		r.ours, r.theirs = append(r.ours, ours[i].Position), append(r.theirs, theirs[i].Position)
		r.inMemory[ours[i].Position] = theirs[i].Position
		ours[i].Position = theirs[i].Position
		r.same(theirs[i], ours[i])
	}
}

// position returns what the log in memory has for a position.
func (r *twinRun) position(ours cqrs.Position) cqrs.Position {
	theirs, ok := r.inMemory[ours]
	require.True(r.T, ok, "%d is the position of no event", ours)
	return theirs
}

// records yields copies of an iteration's records; an error is one without a stream.
func records(seq func(func(*cqrs.Record, error) bool)) func(func(cqrs.Record) bool) {
	return func(yield func(cqrs.Record) bool) {
		for r, err := range seq {
			if err != nil {
				r = &cqrs.Record{Type: kindOf(err)}
			}
			if !yield(*r) {
				return
			}
		}
	}
}

// collect returns an iteration's records, with the positions of the log in memory.
func collect(seq func(func(*cqrs.Record, error) bool), inMemory map[cqrs.Position]cqrs.Position) []cqrs.Record {
	all := slices.Collect(records(seq))
	for i := range all {
		if inMemory != nil {
			all[i].Position = inMemory[all[i].Position]
		}
	}
	return all
}

// kindOf names an error as far as it must be the same on every engine.
func kindOf(err error) string {
	for _, target := range []any{
		new(*cqrs.InvalidStreamError), new(*eventlog.LimitError), new(*eventlog.InvalidCommitError),
		new(*cqrs.CommandReusedError),
	} {
		if errors.As(err, target) {
			return err.Error()
		}
	}
	if conflict := (*cqrs.ConflictError)(nil); errors.As(err, &conflict) {
		return "conflict"
	}
	return fmt.Sprint(err)
}

func (r *twinRun) sameError(c *eventlog.Commit, want, got error) {
	r.same(kindOf(want), kindOf(got))
	var ours, theirs *cqrs.ConflictError
	if !errors.As(want, &theirs) || !errors.As(got, &ours) {
		return
	}
	if ours.Stream == theirs.Stream {
		r.same(theirs, ours)
		return
	}
	// Of several conflicts any may be told.
	require.Greater(r.T, len(c.Streams), 1)
}

func (r *twinRun) same(want, got any) { require.Equal(r.T, want, got) }

func (r *twinRun) lookUp() {
	c := command(r.command+oneOf(r, "command", "1", "2", "3", "*", ">", "ä"), oneOf(r, "content", "x", "x", "y"))
	theirs, found, want := r.memory.Command(r.ctx, c.Meta.CommandID, c.CommandHash)
	ours, ok, err := r.log.Command(r.ctx, c.Meta.CommandID, c.CommandHash)
	r.same(kindOf(want), kindOf(err))
	r.same(found, ok)
	if ok {
		ours.Position = r.position(ours.Position)
		r.same(theirs, ours)
	}
}

func (r *twinRun) count() {
	types := rapid.SliceOfN(rapid.SampledFrom([]string{"A", "a", "B", "Ünï'\"", "", "No"}), 0, 3).Draw(r.T, "types")
	want, err := r.memory.Count(r.ctx, types...)
	require.NoError(r.T, err)
	got, err := r.log.Count(r.ctx, types...)
	require.NoError(r.T, err)
	r.same(want, got)
}

func (r *twinRun) head() {
	head, err := r.log.Head(r.ctx)
	require.NoError(r.T, err)
	r.same(r.ours[len(r.ours)-1], head)
	if len(r.ours) > 1 {
		head, err = r.log.Wait(r.ctx, r.ours[rapid.IntRange(0, len(r.ours)-2).Draw(r.T, "after")])
		require.NoError(r.T, err)
		r.same(r.ours[len(r.ours)-1], head)
	}
}

func (r *twinRun) read() {
	after := rapid.IntRange(max(0, len(r.ours)-40), len(r.ours)-1).Draw(r.T, "after")
	q := eventlog.Query{
		Types:      rapid.SliceOfN(rapid.SampledFrom([]string{"A", "a", "B", "Ünï'\"", "No"}), 0, 3).Draw(r.T, "types"),
		Categories: rapid.SliceOfN(rapid.SampledFrom([]string{"Account", "account", "Accounts", "_Account", "No", "%"}), 0, 2).Draw(r.T, "categories"),
	}
	theirs := q
	q.After, theirs.After = r.ours[after], r.theirs[after]
	if r.seldom("not to the end", 2) {
		through := rapid.IntRange(0, len(r.ours)-1).Draw(r.T, "through")
		q.Through, theirs.Through = r.ours[through], r.theirs[through]
	}
	r.same(collect(r.memory.Read(r.ctx, theirs), nil), collect(r.log.Read(r.ctx, q), r.inMemory))
}

func (r *twinRun) readStream() {
	s, from := r.anyStream(), cqrs.Version(rapid.IntRange(-1, 10).Draw(r.T, "from"))
	r.same(collect(r.memory.ReadStream(r.ctx, s, from), nil), collect(r.log.ReadStream(r.ctx, s, from), r.inMemory))
}

func (r *twinRun) readBackwards() {
	s, from := r.anyStream(), cqrs.Version(rapid.IntRange(-1, 10).Draw(r.T, "from"))
	r.same(collect(r.memory.ReadStreamBackwards(r.ctx, s, from), nil),
		collect(r.log.ReadStreamBackwards(r.ctx, s, from), r.inMemory))
}

func (r *twinRun) save() {
	s := r.anyStream()
	sealed := make([]byte, oneOf(r, "size", 1, 0, 100, 10<<10))
	for i := range sealed {
		sealed[i] = byte(r.runs + i)
	}
	want := r.memory.SaveSnapshot(r.ctx, s, sealed)
	r.same(kindOf(want), kindOf(r.log.(snapshot.Store).SaveSnapshot(r.ctx, s, sealed)))
}

func (r *twinRun) load() {
	s := r.anyStream()
	theirs, want := r.memory.LoadSnapshot(r.ctx, s)
	ours, err := r.log.(snapshot.Store).LoadSnapshot(r.ctx, s)
	r.same(kindOf(want), kindOf(err))
	r.same(theirs, ours)
}

func (r *twinRun) list() {
	category := oneOf(r, "category", "Account", "account", "Accounts", "_Account", "No", "", "*", "%", "\xff")
	r.same(listSnapshots(r, r.memory, category), listSnapshots(r, r.log.(snapshot.Store), category))
}

func listSnapshots(r *twinRun, store snapshot.Store, category string) (ids []string) {
	for s, err := range store.ListSnapshots(r.ctx, category) {
		if err != nil {
			return append(ids, kindOf(err))
		}
		r.same(category, s.Category)
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

// commands compares the commands on record, for an engine whose log can be carried to another one.
func (r *twinRun) commands() {
	log, ok := r.handles[0].(eventlog.Transfer)
	if !ok {
		return
	}
	r.same(commandsOf(r, r.memory, nil), commandsOf(r, log, r.inMemory))
}

func commandsOf(r *twinRun, log eventlog.Transfer, inMemory map[cqrs.Position]cqrs.Position) []eventlog.CommandRecord {
	var all []eventlog.CommandRecord
	for c, err := range log.Commands(r.ctx) {
		require.NoError(r.T, err)
		own := *c
		if inMemory != nil {
			own.Outcome.Position = r.position(own.Outcome.Position)
		}
		all = append(all, own)
	}
	// Those that stored nothing share a position.
	slices.SortFunc(all, func(a, b eventlog.CommandRecord) int {
		if a.Outcome.Position != b.Outcome.Position {
			return int(a.Outcome.Position - b.Outcome.Position)
		}
		return slices.Compare([]byte(a.Outcome.Meta.CommandID), []byte(b.Outcome.Meta.CommandID))
	})
	return all
}
