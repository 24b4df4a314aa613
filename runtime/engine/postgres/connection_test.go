package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ledger remembers what appends were told, and compares it with what a log has.
type ledger struct {
	mu sync.Mutex
	// acknowledged and unknown are the commits that were answered so, refused those that are not stored for certain.
	acknowledged map[cqrs.CommitID]eventlog.Appended
	unknown      map[cqrs.CommitID]bool
	refused      map[cqrs.CommitID]error
	// size is how many events each commit has.
	size map[cqrs.CommitID]int
}

func newLedger() *ledger {
	return &ledger{
		acknowledged: make(map[cqrs.CommitID]eventlog.Appended), unknown: make(map[cqrs.CommitID]bool),
		refused: make(map[cqrs.CommitID]error), size: make(map[cqrs.CommitID]int),
	}
}

// append appends a commit and remembers the answer.
func (l *ledger) append(ctx context.Context, log eventlog.Log, c eventlog.Commit) error {
	got, err := log.Append(ctx, c)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range c.Streams {
		l.size[c.ID] += len(s.Events)
	}
	switch {
	case err == nil:
		l.acknowledged[c.ID] = got
	case errors.As(err, new(*eventlog.UnknownOutcomeError)):
		l.unknown[c.ID] = true
	default:
		l.refused[c.ID] = err
	}
	return err
}

// verify checks that the log has what was acknowledged, nothing that was refused, and of the rest each commit whole or
// not at all; every commit once, and all in order.
func (l *ledger) verify(t *testing.T, log eventlog.Log) {
	t.Helper()
	stored := make(map[cqrs.CommitID]int)
	last := make(map[cqrs.CommitID]cqrs.Position)
	versions := make(map[cqrs.StreamID]cqrs.Version)
	at := cqrs.Position(0)
	for r, err := range log.Read(context.Background(), eventlog.Query{}) {
		require.NoError(t, err)
		require.Equal(t, at+1, r.Position)
		at = r.Position
		versions[r.Stream]++
		require.Equal(t, versions[r.Stream], r.Version)
		if before, ok := last[r.Commit]; ok {
			require.Equal(t, before+1, r.Position, "commit %x is torn apart", r.Commit)
		}
		stored[r.Commit]++
		last[r.Commit] = r.Position
	}
	for id, got := range l.acknowledged {
		require.Equal(t, l.size[id], stored[id], "commit %x was acknowledged", id)
		if l.size[id] > 0 {
			require.Equal(t, last[id], got.Position)
		}
	}
	for id, err := range l.refused {
		require.Zero(t, stored[id], "commit %x was answered with %v", id, err)
	}
	for id := range l.unknown {
		require.Contains(t, []int{0, l.size[id]}, stored[id], "commit %x", id)
	}
	for id := range stored {
		require.Contains(t, l.size, id, "a commit that nobody made")
	}
}

// randomCommit has one to three events in one or two streams of a caller, sometimes a command id, sometimes nothing else.
func randomCommit(caller, i int) eventlog.Commit {
	c := deposit(caller, eventlog.Any)
	for range i % 3 {
		c.Streams[0].Events = append(c.Streams[0].Events, c.Streams[0].Events[0])
	}
	if i%2 == 0 {
		c.Streams = append(c.Streams, deposit(1000+caller, eventlog.Any).Streams...)
	}
	if i%3 == 0 {
		c.Meta.CommandID = uuid.NewString()
	}
	if i%6 == 0 {
		c.Streams = nil
	}
	return c
}

func TestWhereverTheConnectionIsCutEveryAppendIsAnsweredAsItHappened(t *testing.T) {
	p, through := newProxy(t, testserver.Postgres(t))
	l := open(t, through, Migrate())
	book := newLedger()
	random := soak.Rand(t)
	box := soak.Box(t, 7*time.Second, 0)
	i := 0
	for round := range box.Rounds(soak.Rounds(100, 1000), "cuts of the connection, every commit stored once") {
		before, at := p.done(), cut{statement: random.IntN(8), answered: random.IntN(2) == 0}
		if round%3 == 0 {
			at.statement = 0
		}
		p.arm(at)
		for p.done() == before {
			i++
			var wg sync.WaitGroup
			for caller := range 4 {
				wg.Go(func() {
					c := randomCommit(caller, i+caller)
					assert.NoError(t, book.append(t.Context(), l, c), "%+v", at)
					if c.Meta.CommandID != "" {
						again, err := l.Append(t.Context(), c)
						assert.NoError(t, err)
						assert.True(t, again.Repeated)
						again.Repeated = false
						assert.Equal(t, book.of(c.ID), again)
					}
				})
			}
			wg.Wait()
		}
	}
	book.verify(t, l)
}

func (l *ledger) of(id cqrs.CommitID) eventlog.Appended {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acknowledged[id]
}

func TestAnOutcomeThatCannotBeFoundOutIsUnknownAndTheLogGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		at     cut
		stored cqrs.Position
	}{"stored": {cut{answered: true}, 2}, "not stored": {cut{}, 1}} {
		t.Run(name, func(t *testing.T) {
			dsn := testserver.Postgres(t)
			p, through := newProxy(t, dsn)
			l := open(t, through, Migrate(), func(s *settings) {
				s.limits.resolve, s.limits.reach = 50*time.Millisecond, 50*time.Millisecond
			})
			book := newLedger()
			require.NoError(t, book.append(t.Context(), l, deposit(1, eventlog.New)))
			p.arm(c.at)
			p.listener.Close() // nobody can look
			var unknown *eventlog.UnknownOutcomeError
			require.ErrorAs(t, book.append(t.Context(), l, deposit(1, eventlog.Exactly(1))), &unknown)
			require.ErrorIs(t, book.append(t.Context(), l, deposit(2, eventlog.Any)), eventlog.ErrUnavailable)
			assert.Len(t, book.unknown, 1)
			certain := open(t, dsn)
			book.verify(t, certain)
			head, err := certain.Head(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.stored, head)
		})
	}
}

func TestReadersSurviveCutConnections(t *testing.T) {
	dsn := testserver.Postgres(t)
	p, through := newProxy(t, dsn)
	l := open(t, through, Migrate(), ReadBuffer(8<<10))
	const n = 3000
	_, err := l.Import(t.Context(), deposits(n, 10))
	require.NoError(t, err)
	read := 0
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		read++
		require.EqualValues(t, read, r.Position)
		if read%500 == 0 {
			p.cutAll()
		}
	}
	assert.Equal(t, n, read)

	// While the server is away an iteration says where it stopped, and another one goes on from there.
	after := cqrs.Position(0)
	var stopped *eventlog.ReadError
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		if err != nil {
			require.ErrorAs(t, err, &stopped)
			break
		}
		if after = r.Position; after == 100 {
			p.listener.Close()
			p.cutAll()
		}
	}
	require.NotNil(t, stopped)
	assert.ErrorIs(t, stopped, eventlog.ErrUnavailable)
	assert.Equal(t, after, stopped.Position)
	_, err = l.Head(t.Context())
	assert.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = l.Wait(t.Context(), n)
	assert.ErrorIs(t, err, eventlog.ErrUnavailable)
	for r, err := range open(t, dsn).Read(t.Context(), eventlog.Query{After: stopped.Position}) {
		require.NoError(t, err)
		require.Equal(t, after+1, r.Position)
		after++
	}
	assert.EqualValues(t, n, after)
	_, err = Open(t.Context(), through)
	assert.ErrorIs(t, err, eventlog.ErrUnavailable)
}

func TestAcknowledgedCommitsSurviveTheDeathOfTheServer(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	l := open(t, server.DSN(), Migrate())
	book := newLedger()
	random := soak.Rand(t)
	box := soak.Box(t, 7*time.Second, 0)
	for range box.Rounds(soak.Rounds(50, 1000), "kills of the server, nothing acknowledged was lost") {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for caller := range 16 {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					// The commits go on although the server is gone: that is when it is not known what became of them.
					_ = book.append(t.Context(), l, randomCommit(caller, i))
				}
			})
		}
		time.Sleep(time.Duration(20+random.IntN(100)) * time.Millisecond) // some load
		server.Kill(t)
		server.Start(t)
		require.NoError(t, book.append(t.Context(), l, deposit(1, eventlog.Any)), "it is back")
		stop()
		wg.Wait()
	}
	book.verify(t, l)
	soak.Logf(t, "%d commits acknowledged, %d of unknown outcome, %d refused",
		len(book.acknowledged), len(book.unknown), len(book.refused))
	assert.Empty(t, book.unknown, "the server came back in time to look")
	for _, err := range book.refused {
		require.ErrorIs(t, err, eventlog.ErrUnavailable)
	}
}
