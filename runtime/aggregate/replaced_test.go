package aggregate

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// replacing is a process of a release that stores numbers where an older one counted.
func replacing(t interface{ Cleanup(func()) }, store Store, by ...string) *system {
	return newSystem(t, setting{store: store, replaced: []cqrs.Replacement{
		{Event: "Shouted", By: []string{"Whispered"}}, {Event: "Counted", By: by},
	}})
}

// said returns all events of a log, and of those that say what is replaced all that they say.
func said(t *testing.T, log eventlog.Log) (list []string) {
	for rec, err := range log.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		text := rec.Stream.String() + " " + rec.Type
		if rec.Type == cqrs.Replaced {
			v, err := rec.Replacement()
			require.NoError(t, err)
			assert.Equal(t, rec.Stream, v.Stream())
			text = fmt.Sprintf("%s@%d %s: %v", rec.Stream, rec.Version, v.Event, v.By)
		}
		list = append(list, text)
	}
	return list
}

func TestTheLogSaysWhatIsReplacedBeforeTheFirstEventInItsPlace(t *testing.T) {
	log := memory.New()
	s := replacing(t, log, "Added", "Removed")
	_, err := s.Execute(t.Context(), add("x", -1))
	require.ErrorAs(t, err, new(cqrs.Rejection))
	s.must(t, add("x"))
	require.Empty(t, said(t, log), "nothing is said before something is stored")

	s.must(t, add("x", 1))
	s.must(t, add("y", 2, 3))
	replacing(t, log, "Added").must(t, add("x", 4)) // another process, which says less
	want := []string{"_Replaced/Counted@1 Counted: [Added Removed]", "Tally/x Added", "Tally/y Added", "Tally/y Added", "Tally/x Added"}
	assert.Equal(t, want, said(t, log))

	replacing(t, log, "Added", "Doubled").must(t, add("x", 5)) // and one that says more
	want = append(want, "_Replaced/Counted@2 Counted: [Added Doubled]", "Tally/x Added")
	assert.Equal(t, want, said(t, log))
	replacing(t, log, "Added", "Doubled", "Removed").must(t, add("x", 6))
	assert.Equal(t, append(want, "Tally/x Added"), said(t, log), "together they say all of it")
}

func TestWhatIsReplacedIsSaidForTheFurtherStreamsOfACommand(t *testing.T) {
	s := newSystem(t, setting{category: "Other"})
	tallies := New(s.runtime, Definition[tagState]{
		Category: "Tags", NewFold: func() Fold[tagState] { return tagFold{} },
		Replaced: []cqrs.Replacement{{Event: "Marked", By: []string{"Tagged"}}},
	})
	var other *Other[tagState]
	c := command("x", "Tag", nil)
	c.Also = func(also *Also) error {
		other = tallies.With(also, "y", MayExist)
		return nil
	}
	c.Decide = func(*tally, cqrs.CommandMeta, *Events) error { return other.Events().Add(&tagged{[]string{"new"}}) }
	s.must(t, c)
	assert.Equal(t, []string{"_Replaced/Marked@1 Marked: [Tagged]", "Tags/y Tagged"}, said(t, s.store))
}

func TestProcessesThatRaceToSayWhatIsReplacedSayItOnce(t *testing.T) {
	for range 20 {
		log := memory.New()
		var wg sync.WaitGroup
		for n := range 8 {
			s := replacing(t, log, "Added")
			wg.Go(func() {
				s.must(t, add(fmt.Sprint("x", n%3), 1))
				s.must(t, add(fmt.Sprint("x", n%3), 1))
			})
		}
		wg.Wait()
		list := said(t, log)
		require.Len(t, list, 17)
		require.Equal(t, "_Replaced/Counted@1 Counted: [Added]", list[0])
	}
}

// childReplacing gives a command on a stream, as a program of the newer release. It may be killed once the log says what is
// replaced.
func childReplacing(args []string, _ io.Writer) error {
	log, err := embedded.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer log.Close()
	var store Store = log
	if args[1] == "killed" {
		store = deadly{log, true}
	}
	var end cleanups
	_, err = replacing(&end, store, "Added").Execute(ctx, add(args[1], 1))
	return err
}

func TestAProcessThatIsKilledBetweenSayingAndStoringLeavesNothingThatIsSaidTwice(t *testing.T) {
	dir := t.TempDir()
	log := openEmbedded(t, dir)
	var exit *exec.ExitError
	require.ErrorAs(t, startChild(t, "replacing", dir, "killed").Wait(), &exit)
	require.Equal(t, -1, exit.ExitCode(), "it was killed")
	require.Equal(t, []string{"_Replaced/Counted@1 Counted: [Added]"}, said(t, log))
	require.NoError(t, startChild(t, "replacing", dir, "x").Wait())
	assert.Equal(t, []string{"_Replaced/Counted@1 Counted: [Added]", "Tally/x Added"}, said(t, log))
}

func TestOfSeveralProcessesOneSaysWhatIsReplaced(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes: the race within one is looked at above")
	}
	dir := t.TempDir()
	log := openEmbedded(t, dir)
	var all []child
	for n := range 4 {
		all = append(all, startChild(t, "replacing", dir, fmt.Sprint("x", n)))
	}
	for _, c := range all {
		require.NoError(t, c.Wait())
	}
	list := said(t, log)
	require.Len(t, list, 5)
	assert.Equal(t, "_Replaced/Counted@1 Counted: [Added]", list[0])
}

func TestNothingIsStoredAsLongAsTheLogCantSayWhatItReplaces(t *testing.T) {
	store := &refusing{Log: memory.New(), err: eventlog.ErrUnavailable}
	s := replacing(t, store, "Added")
	_, err := s.Execute(t.Context(), add("x", 1))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	require.ErrorContains(t, err, "nothing was stored, because the log can't say first what is stored in the place of Counted")
	require.Empty(t, said(t, store))

	store.err = nil
	s.must(t, add("x", 1))
	assert.Equal(t, []string{"_Replaced/Counted@1 Counted: [Added]", "Tally/x Added"}, said(t, store))
}

// refusing is a log that refuses, if err is not nil, to say what is replaced.
type refusing struct {
	*memory.Log
	err error
}

func (r *refusing) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if r.err != nil && c.Streams[0].Stream.Category == cqrs.Replaced {
		return eventlog.Appended{}, r.err
	}
	return r.Log.Append(ctx, c)
}

func TestALogThatDoesNotKnowWhetherItSaidWhatIsReplacedIsAskedUntilItDoes(t *testing.T) {
	for name, truths := range map[string][]truth{"it happened": {happened}, "it was lost": {lost}, "it happens late": {late}} {
		t.Run(name, func(t *testing.T) {
			store := &uncertain{Log: memory.New(), truths: truths}
			replacing(t, store, "Added").must(t, add("x", 1))
			assert.Equal(t, []string{"_Replaced/Counted@1 Counted: [Added]", "Tally/x Added"}, said(t, store.Log))
		})
	}
	store := &uncertain{Log: memory.New(), truths: []truth{lost}, unread: 1 << 20}
	s := replacing(t, store, "Added")
	s.runtime.lookFor = 5 * time.Millisecond
	_, err := s.Execute(t.Context(), add("x", 1))
	require.Error(t, err)
	require.NotErrorAs(t, err, new(*eventlog.UnknownOutcomeError), "nothing of the command is there")
	assert.Empty(t, said(t, store.Log))
}

func TestSayingWhatIsReplacedCostsACommandNothingOnceItIsSaid(t *testing.T) {
	measure := func(s *system) float64 {
		s.must(t, add("x", 1))
		return testing.AllocsPerRun(200, func() { s.must(t, add("x", 1)) })
	}
	plain := measure(newSystem(t, setting{}))
	assert.InDelta(t, plain, measure(replacing(t, memory.New(), "Added")), 1)
	assert.InDelta(t, plain, measure(replacing(t, memory.New(), "Removed")), 1)
}
