package jetstream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// randomCommit appends to several streams. Each payload says how many events the whole commit has, so that a torn
// commit can be told from a whole one without knowing who wrote it.
func randomCommit(random *rand.Rand) eventlog.Commit {
	c := eventlog.Commit{
		ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
	}
	if random.IntN(2) == 0 {
		c.Meta.CommandID = hex.EncodeToString(c.ID[:])
	}
	sizes := make([]int, 1+random.IntN(3))
	total := 0
	for i := range sizes {
		sizes[i] = 1 + random.IntN(4)
		total += sizes[i]
	}
	streams := random.Perm(20)
	for i, size := range sizes {
		id := cqrs.StreamID{Category: "Account", ID: fmt.Sprint(streams[i])}
		s := eventlog.StreamAppend{Stream: id, Expected: eventlog.Any}
		for range size {
			s.Events = append(s.Events, eventlog.NewEvent{
				Type: fmt.Sprint("Type", random.IntN(3)), SchemaVersion: 1, ContentType: cqrs.JSON,
				Data: fmt.Appendf(nil, `{"of":%d,"pad":%q}`, total, strings.Repeat("x", random.IntN(300))),
			})
		}
		c.Streams = append(c.Streams, s)
	}
	return c
}

// load appends random commits until it is stopped, and remembers what the log said of each.
type load struct {
	log  *Log
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu                            sync.Mutex
	acknowledged, refused, unsure map[cqrs.CommitID]bool
}

// startLoad appends from so many goroutines.
func startLoad(t *testing.T, l *Log, random *rand.Rand, writers int) *load {
	ctx, stop := context.WithCancel(t.Context())
	w := &load{
		log: l, stop: stop, acknowledged: make(map[cqrs.CommitID]bool),
		refused: make(map[cqrs.CommitID]bool), unsure: make(map[cqrs.CommitID]bool),
	}
	for range writers {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		w.wg.Go(func() {
			for ctx.Err() == nil {
				w.append(t, randomCommit(random))
			}
		})
	}
	return w
}

func (w *load) append(t *testing.T, c eventlog.Commit) {
	_, err := w.log.Append(context.Background(), c)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.acknowledged[c.ID] = true
	case errors.As(err, new(*eventlog.UnknownOutcomeError)):
		w.unsure[c.ID] = true
	default:
		assert.ErrorIs(t, err, eventlog.ErrUnavailable)
		w.refused[c.ID] = true
	}
}

// count returns how many commits were acknowledged.
func (w *load) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acknowledged)
}

// awaitMore waits until so many more commits were acknowledged.
func (w *load) awaitMore(t *testing.T, n int) {
	t.Helper()
	before := w.count()
	require.Eventually(t, func() bool { return w.count() >= before+n }, time.Minute, 5*time.Millisecond)
}

// finish stops the load and checks what it left.
func (w *load) finish(t *testing.T) {
	t.Helper()
	w.stop()
	w.wg.Wait()
	commits := requireSound(t, w.log)
	for id := range w.acknowledged {
		require.NotZero(t, commits[id], "an acknowledged commit is lost")
	}
	for id := range w.refused {
		require.Zero(t, commits[id], "a refused commit is stored")
	}
	for id := range commits {
		require.True(t, w.acknowledged[id] || w.unsure[id], "a commit is stored that nobody made")
	}
	t.Logf("%d commits acknowledged, %d refused, %d unsure", len(w.acknowledged), len(w.refused), len(w.unsure))
}

// requireSound checks what must be true of a log whatever happened to those who wrote it, and returns how many events
// each commit has.
func requireSound(t *testing.T, l *Log) map[cqrs.CommitID]int {
	t.Helper()
	commits, wanted := make(map[cqrs.CommitID]int), make(map[cqrs.CommitID]int)
	versions := make(map[cqrs.StreamID]cqrs.Version)
	position := cqrs.Position(0)
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		require.Greater(t, r.Position, position)
		position = r.Position
		versions[r.Stream]++
		require.Equal(t, versions[r.Stream], r.Version, "versions of %s have no gap", r.Stream)
		commits[r.Commit]++
		var of int
		_, err = fmt.Sscanf(string(r.Data), `{"of":%d`, &of)
		require.NoError(t, err)
		wanted[r.Commit] = of
	}
	require.Equal(t, wanted, commits, "each commit is whole, and there once")
	return commits
}
