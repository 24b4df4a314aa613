package elastic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

var accounts = readmodel.Schema{
	Projection: "Accounts", Fingerprint: "00000000000000aa",
	Key: []readmodel.Column{{Name: "account", Kind: readmodel.String}},
	Row: []readmodel.Column{
		{Name: "owner", Kind: readmodel.String, Search: readmodel.SearchText},
		{Name: "iban", Kind: readmodel.String, Search: readmodel.SearchKeyword},
		{Name: "balance", Kind: readmodel.Int64},
	},
}

func key(account string) []readmodel.Value { return []readmodel.Value{readmodel.OfString(account)} }

func row(owner string, balance int64) []readmodel.Value {
	return []readmodel.Value{readmodel.OfString(owner), readmodel.OfString("DE" + owner), readmodel.OfInt64(balance)}
}

func at(n int) readmodel.Checkpoint {
	if n == 0 {
		return readmodel.Checkpoint{}
	}
	return readmodel.Checkpoint{Position: cqrs.Position(n), Commit: cqrs.CommitID{15: byte(n)}, Handled: int64(n), Built: true}
}

func batch(from, to int, changes ...readmodel.Change) *readmodel.Batch {
	return &readmodel.Batch{From: at(from), To: at(to), Changes: changes}
}

func tableOf(t *testing.T, s readmodel.Store) readmodel.Table {
	t.Helper()
	table, err := s.Table(t.Context(), &accounts)
	require.NoError(t, err)
	return table
}

func contents(t *testing.T, table readmodel.Table) (map[string]string, readmodel.Checkpoint) {
	t.Helper()
	rows := map[string]string{}
	c, err := table.Find(t.Context(), readmodel.Find{Index: -1}, func(key, row []readmodel.Value, at cqrs.Position) error {
		rows[key[0].Text()] = fmt.Sprint(row, at)
		return nil
	})
	require.NoError(t, err)
	return rows, c
}

// written reads rows by their keys, as a projector does.
func written(t *testing.T, table readmodel.Table, n int) map[int]cqrs.Position {
	t.Helper()
	var keys [][]readmodel.Value
	for i := range n {
		keys = append(keys, key(fmt.Sprint(i)))
	}
	rows := map[int]cqrs.Position{}
	_, err := table.Get(t.Context(), keys, func(i int, _ []readmodel.Value, at cqrs.Position) error {
		rows[i] = at
		return nil
	})
	require.NoError(t, err)
	return rows
}

// TestFaultsLoseNothing applies random batches while a third of all requests meets a fault. A batch that fails is made
// again, as a projector does: from the checkpoint and the rows that are there.
func TestFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	proxy := testserver.NewElasticsearchProxy(t, testserver.Elasticsearch(t))
	s := open(t, proxy.URL)
	stored, want := tableOf(t, s), tableOf(t, memory.New())
	var injected [testserver.PartialBulk + 1]atomic.Int64
	defer proxy.Inject(nil)
	rand := soak.Rand(t)
	var mu sync.Mutex
	draws := soak.Rand(t)
	proxy.Inject(func(*http.Request) testserver.Fault {
		mu.Lock()
		defer mu.Unlock()
		if draws.IntN(3) > 0 {
			return testserver.NoFault
		}
		fault := testserver.Fault(1 + draws.IntN(int(testserver.PartialBulk)))
		injected[fault].Add(1)
		return fault
	})
	least := soak.Rounds(60, 2000)
	if testing.Short() {
		least = 15
	}
	steps, failures := 0, 0
	for n := 1; n <= least || !each(injected[testserver.TooManyRequests:]); n++ {
		steps = n
		var changes []readmodel.Change
		for i := range 20 {
			c := readmodel.Change{Key: key(fmt.Sprint(i)), Position: cqrs.Position(n)}
			if rand.IntN(3) == 0 {
				continue
			}
			if rand.IntN(4) > 0 {
				c.Row = row("Ada", rand.Int64N(100))
			}
			changes = append(changes, c)
		}
		require.NoError(t, want.Apply(t.Context(), batch(n-1, n, changes...)))
		for {
			err := stored.Apply(t.Context(), batch(n-1, n, changes...))
			if err == nil {
				break
			}
			require.ErrorIs(t, err, readmodel.ErrUnavailable)
			failures++
			c, err := stored.Checkpoint(t.Context())
			if err == nil && c == at(n) {
				break // its last answer was lost, and the check of it failed too
			}
		}
	}
	proxy.Inject(nil)
	rows, c := contents(t, stored)
	wanted, _ := contents(t, want)
	assert.Equal(t, at(steps), c)
	assert.Equal(t, wanted, rows)
	soak.Logf(t, "%d batches, %d of them tried again", steps, failures)
}

// each reports whether each fault was injected: a run goes on until it has met all of them.
func each(injected []atomic.Int64) bool {
	for i := range injected {
		if injected[i].Load() == 0 {
			return false
		}
	}
	return true
}

// opened folds "Opened", which makes a row, and "Closed", which deletes it.
func opened() projection.Definition[string, string] {
	return projection.Definition[string, string]{
		Name: accounts.Projection, Events: []string{"Opened", "Closed"},
		Codec: readmodel.Codec[string, string]{
			Schema:    accounts,
			AppendKey: func(v []readmodel.Value, k *string) []readmodel.Value { return append(v, readmodel.OfString(*k)) },
			AppendRow: func(v []readmodel.Value, r *string) ([]readmodel.Value, error) { return append(v, row(*r, 1)...), nil },
			ReadKey:   func(s *readmodel.Scanner, k *string) { *k = s.String() },
			ReadRow:   func(s *readmodel.Scanner, r *string) { *r, _, _ = s.String(), s.String(), s.Int64() },
		},
		NewFold: func(int) func(*projection.Rows[string, string], *cqrs.Record) error {
			return func(rows *projection.Rows[string, string], rec *cqrs.Record) error {
				if rec.Type == "Closed" {
					rows.Delete(rec.Stream.ID)
				} else if r := rows.At(rec.Stream.ID); r != nil {
					*r = "Ada"
				}
				return nil
			}
		},
	}
}

// TestARowThatWasMadeAndDeletedStaysDeletedWhoeverWritesLate pauses a projector while it writes a row. Another one begins
// where the first one began, and folds in one batch the event that made the row and the one that deleted it.
func TestARowThatWasMadeAndDeletedStaysDeletedWhoeverWritesLate(t *testing.T) {
	t.Parallel()
	address := testserver.Elasticsearch(t)
	proxy := testserver.NewElasticsearchProxy(t, address)
	paused, other := open(t, proxy.URL), open(t, address)
	late, table := tableOf(t, paused), tableOf(t, other)
	log := engine.New()
	for _, name := range []string{"Opened", "Closed"} {
		_, err := log.Append(t.Context(), eventlog.Commit{ID: cqrs.NewCommitID(), Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Account", ID: "a"}, Expected: eventlog.Any,
			Events: []eventlog.NewEvent{{Type: name, SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte("{}")}},
		}}})
		require.NoError(t, err)
	}
	writes, goOn := make(chan struct{}), make(chan struct{})
	proxy.Inject(func(r *http.Request) testserver.Fault {
		if isBulk(r) {
			close(writes)
			<-goOn
		}
		return testserver.NoFault
	})
	done := make(chan error, 1)
	go func() {
		done <- late.Apply(context.WithoutCancel(t.Context()), batch(0, 1, readmodel.Change{Key: key("a"), Row: row("Ada", 1), Position: 1}))
	}()
	<-writes
	p := projection.New(projection.NewGroup(log), other, opened())
	require.NoError(t, p.CatchUp(t.Context()))
	close(goOn)
	require.ErrorIs(t, <-done, readmodel.ErrFenced)
	c, err := table.Get(t.Context(), [][]readmodel.Value{key("a")}, func(_ int, row []readmodel.Value, _ cqrs.Position) error {
		assert.Nil(t, row, "the deleted row is back")
		return nil
	})
	require.NoError(t, err)
	assert.EqualValues(t, 2, c.Position)
}

// once injects a fault into the first request that matches.
func once(fault testserver.Fault, matches func(*http.Request) bool) func(*http.Request) testserver.Fault {
	var done atomic.Bool
	return func(r *http.Request) testserver.Fault {
		if matches(r) && done.CompareAndSwap(false, true) {
			return fault
		}
		return testserver.NoFault
	}
}

func isBulk(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_bulk") }
func isCheckpoint(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, checkpointID)
}

func TestABatchWhoseLastAnswerIsLostIsApplied(t *testing.T) {
	proxy := testserver.NewElasticsearchProxy(t, testserver.Elasticsearch(t))
	table := tableOf(t, open(t, proxy.URL))
	for n := 1; n <= 2; n++ {
		proxy.Inject(once(testserver.ResetAfter, isCheckpoint))
		require.NoError(t, table.Apply(t.Context(), batch(n-1, n, readmodel.Change{Key: key("a"), Row: row("Ada", 1), Position: cqrs.Position(n)})))
	}
	c, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, at(2), c)
}

func TestRowsThatWereRejectedAreSentAgainBeforeTheCheckpointIsWritten(t *testing.T) {
	proxy := testserver.NewElasticsearchProxy(t, testserver.Elasticsearch(t))
	table := tableOf(t, open(t, proxy.URL))
	bulks := 0
	partial := once(testserver.PartialBulk, isBulk)
	proxy.Inject(func(r *http.Request) testserver.Fault {
		if isBulk(r) {
			bulks++
		}
		if isCheckpoint(r) {
			assert.Len(t, written(t, table, 5), 5, "all rows are in before the checkpoint says so")
			rows, c := contents(t, table)
			assert.Empty(t, rows, "searches see rows and checkpoint at once")
			assert.Zero(t, c)
		}
		return partial(r)
	})
	var changes []readmodel.Change
	for i := range 5 {
		changes = append(changes, readmodel.Change{Key: key(fmt.Sprint(i)), Row: row("Ada", 1), Position: 1})
	}
	require.NoError(t, table.Apply(t.Context(), batch(0, 1, changes...)))
	assert.Equal(t, 2, bulks)
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	proxy := testserver.NewElasticsearchProxy(t, testserver.Elasticsearch(t))
	s := open(t, proxy.URL)
	table := tableOf(t, s)
	proxy.Down()
	_, err := table.Checkpoint(t.Context())
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	require.ErrorIs(t, table.Apply(t.Context(), batch(0, 1)), readmodel.ErrUnavailable)
	_, err = s.Generations(t.Context(), "")
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	_, err = Open(t.Context(), proxy.URL)
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = table.Checkpoint(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	proxy.Up(t)
	require.NoError(t, table.Apply(t.Context(), batch(0, 1)))
}

// TestAPausedProjectorChangesNothing lets a projector stop before it sends rows, and another one go on.
func TestAPausedProjectorChangesNothing(t *testing.T) {
	address := testserver.Elasticsearch(t)
	proxy := testserver.NewElasticsearchProxy(t, address)
	s := open(t, address)
	live, paused := tableOf(t, s), tableOf(t, open(t, proxy.URL))
	a, b := key("a"), key("b")
	require.NoError(t, live.Apply(t.Context(), batch(0, 1,
		readmodel.Change{Key: a, Row: row("Ada", 1), Position: 1}, readmodel.Change{Key: b, Row: row("Bob", 1), Position: 1})))

	reached, resume := make(chan struct{}), make(chan struct{})
	waits := once(testserver.NoFault, isBulk)
	var first atomic.Bool
	proxy.Inject(func(r *http.Request) testserver.Fault {
		if isBulk(r) && first.CompareAndSwap(false, true) {
			close(reached)
			<-resume
		}
		return waits(r)
	})
	done := make(chan error)
	go func() {
		done <- paused.Apply(context.Background(), batch(1, 2,
			readmodel.Change{Key: a, Row: row("Ada", 2), Position: 2}, readmodel.Change{Key: b, Row: row("Bob", 2), Position: 2}))
	}()
	<-reached
	require.NoError(t, live.Apply(t.Context(), batch(1, 2,
		readmodel.Change{Key: a, Row: row("Ada", 2), Position: 2}, readmodel.Change{Key: b, Row: row("Bob", 2), Position: 2})))
	require.NoError(t, live.Apply(t.Context(), batch(2, 3,
		readmodel.Change{Key: a, Row: row("Ada", 3), Position: 3}, readmodel.Change{Key: b, Position: 3})))
	close(resume)
	require.ErrorIs(t, <-done, readmodel.ErrFenced)
	require.NoError(t, live.(*table).refresh(t.Context()))
	rows, c := contents(t, live)
	assert.Equal(t, at(3), c)
	assert.Equal(t, map[string]string{"a": fmt.Sprint(row("Ada", 3), 3)}, rows)
}

func TestARowThatIsRefusedStopsTheBatchAndIsNamed(t *testing.T) {
	s := open(t, testserver.Elasticsearch(t))
	x := newTable(s, &accounts)
	m := mappings(&accounts, x.columns, time.Now())
	m["properties"].(object)["balance"] = object{"type": "boolean"}
	require.NoError(t, s.do(t.Context(), request{method: "PUT", path: "/" + x.index, body: object{
		"mappings": m, "aliases": object{writeAlias(x.index): object{}},
	}}, nil))
	table := tableOf(t, s)
	err := table.Apply(t.Context(), batch(0, 1, readmodel.Change{Key: key("acc-1"), Row: row("Ada", 17), Position: 1}))
	var refused *Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusBadRequest, refused.Status)
	assert.ErrorContains(t, err, "the row account=acc-1 at position 1")
	c, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Zero(t, c)
}

func TestWritesToADroppedGenerationMakeNoIndex(t *testing.T) {
	s := open(t, testserver.Elasticsearch(t))
	table := newTable(s, &accounts)
	tableOf(t, s)
	require.NoError(t, s.Drop(t.Context(), "Accounts", accounts.Fingerprint))
	change := readmodel.Change{Key: key("a"), Row: row("Ada", 1), Position: 1}
	require.ErrorIs(t, table.Apply(t.Context(), batch(0, 1, change)), readmodel.ErrNoGeneration)
	// A projector may have been past the look at the checkpoint.
	require.ErrorIs(t, table.wrap(table.writeRows(t.Context(), []readmodel.Change{change})), readmodel.ErrNoGeneration)
	require.ErrorIs(t, table.wrap(table.move(t.Context(), nil, at(1))), readmodel.ErrNoGeneration)
	found, err := s.Generations(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, found)
	err = s.do(t.Context(), request{method: "GET", path: "/" + table.index}, nil)
	var missing *Error
	require.True(t, errors.As(err, &missing) && missing.Status == http.StatusNotFound, "%v", err)
}

// TestWhatAProjectorDidNotShowIsShownByWhoReads lets a projector die between its checkpoint and the refresh.
func TestWhatAProjectorDidNotShowIsShownByWhoReads(t *testing.T) {
	s := open(t, testserver.Elasticsearch(t))
	table := tableOf(t, s).(*table)
	change := readmodel.Change{Key: key("a"), Row: row("Ada", 1), Position: 1}
	require.NoError(t, table.Apply(t.Context(), batch(0, 1, change)))
	change.Row, change.Position = row("Ada", 2), 2
	require.NoError(t, table.writeRows(t.Context(), []readmodel.Change{change}))
	rows, c := contents(t, table)
	assert.Equal(t, at(1), c)
	assert.Equal(t, map[string]string{"a": fmt.Sprint(row("Ada", 1), 1)}, rows, "half a batch is not seen")

	_, place, err := table.load(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.do(t.Context(), request{
		method: "PUT", path: "/" + writeAlias(table.index) + "/_doc/" + checkpointID, query: place.replaces(),
		body: checkpointDocument{"checkpoint", storedCheckpoint{Position: 2, Commit: [16]byte{15: 2}, Handled: 2, Built: true}},
	}, nil))
	rows, c = contents(t, table)
	assert.Equal(t, at(2), c)
	assert.Equal(t, map[string]string{"a": fmt.Sprint(row("Ada", 2), 2)}, rows)
	n, c, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.Equal(t, at(2), c)
	assert.EqualValues(t, 1, n)
}

func TestAQueryEndsWithItsContextWhileTheServerHangs(t *testing.T) {
	t.Parallel()
	proxy := testserver.NewElasticsearchProxy(t, testserver.Elasticsearch(t))
	table := tableOf(t, open(t, proxy.URL))
	require.NoError(t, table.Apply(t.Context(), batch(0, 1, readmodel.Change{Key: key("a"), Row: row("Ada", 1), Position: 1})))
	hangs, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	var once sync.Once
	proxy.Inject(func(r *http.Request) testserver.Fault {
		if strings.HasPrefix(r.URL.Path, "/_search") || r.Method == http.MethodDelete {
			once.Do(func() { close(hangs) })
			<-release
		}
		return testserver.NoFault
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hangs
		cancel()
	}()
	began := time.Now()
	_, err := table.Find(ctx, readmodel.Find{Index: -1}, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 10*time.Second)
}
