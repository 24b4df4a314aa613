package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// mixedTypes is the type of the event at each position of a log that is longer than a scan's window. They are common
// and rare, spread and clustered.
func mixedTypes() []string {
	types := make([]string, 5*eventlog.MaxEvents)
	for i := range types {
		switch {
		case i < 4000:
			types[i] = "Early"
		case i > 46_000:
			types[i] = "Late"
		case i%10 == 0:
			types[i] = "Tenth"
		case i%1000 == 1:
			types[i] = "Thousandth"
		default:
			types[i] = "Common"
		}
	}
	types[0], types[len(types)-1] = "End", "End"
	return types
}

func mixedLog(t *testing.T, types []string) *Log {
	l := open(t, t.TempDir())
	for from := 0; from < len(types); from += eventlog.MaxEvents {
		c := oneEvent(contended, eventlog.Any)
		c.Streams[0].Events = nil
		for _, typ := range types[from : from+eventlog.MaxEvents] {
			e := eventlog.NewEvent{Type: typ, SchemaVersion: 1, ContentType: cqrs.JSON}
			c.Streams[0].Events = append(c.Streams[0].Events, e)
		}
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
	}
	return l
}

func TestALongLogIsReadSelectively(t *testing.T) {
	if testing.Short() {
		t.Skip("a long log")
	}
	types := mixedTypes()
	l := mixedLog(t, types)
	t.Run("events of some types are found by scan and by index", func(t *testing.T) { findTypes(t, l, types) })
	t.Run("rare types are found by the index and common ones by a scan", func(t *testing.T) { planTypes(t, l) })
	t.Run("reading allocates per chunk and not per event", func(t *testing.T) { countAllocations(t, l) })
}

func findTypes(t *testing.T, l *Log, types []string) {
	for _, q := range []eventlog.Query{
		{Types: []string{"Common"}},
		{Types: []string{"Tenth"}},
		{Types: []string{"Thousandth"}},
		{Types: []string{"Early"}},
		{Types: []string{"Late"}},
		{Types: []string{"End"}},
		{Types: []string{"Early", "Late"}},
		{Types: []string{"Early", "Late", "End"}, Through: 49_000},
		{Types: []string{"Early", "Late", "Tenth", "Common"}},
		{Types: []string{"End", "Thousandth"}, After: 1, Through: 49_999},
		{Types: []string{"Common", "End"}, After: 40_000},
		{Types: []string{"Late"}, Through: 20_000},
		{Types: []string{"Late", "Tenth", "Unknown"}, After: 30_000},
		{Types: []string{"Early", "Late", "Tenth", "Common", "Thousandth", "End"}},
	} {
		var want, got []cqrs.Position
		for i, typ := range types {
			p := cqrs.Position(i + 1)
			if p > q.After && (q.Through == 0 || p <= q.Through) && slices.Contains(q.Types, typ) {
				want = append(want, p)
			}
		}
		for r, err := range l.Read(t.Context(), q) {
			require.NoError(t, err)
			require.Equal(t, types[r.Position-1], r.Type)
			got = append(got, r.Position)
		}
		require.Equal(t, want, got, "%+v", q)
	}
}

func planTypes(t *testing.T, l *Log) {
	for types, byIndex := range map[string]bool{
		"Thousandth": true, "End,Tenth": true, "Common": false, "Common,End": false,
	} {
		r := logReader{log: l, names: strings.Split(types, ",")}
		require.NoError(t, l.read(t.Context(), func(c *sqlite.Conn) error {
			require.NoError(t, r.start(c))
			assert.Equal(t, byIndex, r.byIndex, types)
			query := selectBlocks
			if !r.byIndex {
				query = r.scanQuery()
			}
			plan := ""
			err := sqlitex.ExecuteTransient(c, "EXPLAIN QUERY PLAN "+query, &sqlitex.ExecOptions{
				Args:       []any{0, 1, 2}[:2+strings.Count(query, "?3")],
				ResultFunc: func(stmt *sqlite.Stmt) error { plan += stmt.GetText("detail") + "\n"; return nil },
			})
			want := "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
			if byIndex {
				want = "SEARCH type_positions USING PRIMARY KEY (type=? AND block>? AND block<?)"
			}
			assert.Equal(t, want+"\n", plan)
			return err
		}))
	}
}

func TestLargePayloadsEndAChunkEarly(t *testing.T) {
	l := open(t, t.TempDir())
	for i := range 40 {
		c := oneEvent(contended, eventlog.Exactly(cqrs.Version(i)))
		c.Streams[0].Events[0].Data = make([]byte, 300<<10)
		c.Streams[0].Events[0].Data[i] = 1
		c.Streams[0].Events[0].Type = fmt.Sprint("Type", min(i, 1))
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
	}
	for _, seq := range []func(func(*cqrs.Record, error) bool){
		l.Read(t.Context(), eventlog.Query{}),
		l.Read(t.Context(), eventlog.Query{Types: []string{"Type0", "Type1"}}),
		l.Read(t.Context(), eventlog.Query{Types: []string{"Type1"}}),
		l.ReadStream(t.Context(), contended, 1),
	} {
		n := 0
		for r, err := range seq {
			require.NoError(t, err)
			require.Equal(t, byte(1), r.Data[r.Version-1])
			require.Len(t, r.Data, 300<<10)
			n++
		}
		assert.Contains(t, []int{39, 40}, n)
	}
	into := chunk{}
	r := logReader{log: l}
	l.fetch(t.Context(), r.fetch, &into)
	require.NoError(t, into.err)
	assert.Len(t, into.records, 3, "a chunk has at most a mebibyte")
	assert.True(t, into.more)
}

func countAllocations(t *testing.T, l *Log) {
	scan := func() {
		for _, err := range l.Read(context.Background(), eventlog.Query{}) {
			require.NoError(t, err)
		}
	}
	const chunks = 5*eventlog.MaxEvents/chunkRecords + 1
	assert.Less(t, testing.AllocsPerRun(1, scan), float64(chunks*40))
}

func TestAStreamIsRememberedNoLongerThanTheCacheHasRoom(t *testing.T) {
	n := newInterned[string](4)
	for id := range int64(8) {
		assert.Nil(t, n.get(id))
		n.put(id, fmt.Sprint(id))
	}
	for id := range int64(4) {
		assert.Nil(t, n.get(id))
		assert.Equal(t, fmt.Sprint(id+4), *n.get(id + 4))
	}

	var c streamCache
	c.clear()
	id := func(i int) cqrs.StreamID { return cqrs.StreamID{Category: "A", ID: fmt.Sprint(i)} }
	hot := &streamRow{id: -1}
	c.put(id(-1), hot)
	for i := range 3 * generationSize {
		c.put(id(i), &streamRow{id: int64(i)})
		if i%1000 == 0 {
			require.Same(t, hot, c.get(id(-1)), "what is used stays")
		}
	}
	assert.Nil(t, c.get(id(0)), "what is not used goes")
	assert.LessOrEqual(t, len(c.young)+len(c.old), 2*generationSize)
}

func TestACommitWakesWaitersOfItsProcessWithoutPolling(t *testing.T) {
	l := open(t, t.TempDir())
	// While all connections are lent nobody can poll.
	for range maxReaders {
		c, err := l.readers.Get(t.Context())
		require.NoError(t, err)
		defer l.readers.Put(c)
	}
	woken := make(chan error)
	go func() {
		_, err := l.news.wait(t.Context(), 0)
		woken <- err
	}()
	_, err := l.Append(t.Context(), oneEvent(contended, eventlog.New))
	require.NoError(t, err)
	assert.NoError(t, <-woken)
}

func TestTheWriteAheadLogIsCutOnceNoReaderNeedsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	conns := [2]*sqlite.Conn{}
	for i := range conns {
		c, err := sqlitedb.Open(t.Context(), path)
		require.NoError(t, err)
		defer func() { assert.NoError(t, c.Close()) }()
		conns[i] = c
	}
	writer, reader := conns[0], conns[1]
	require.NoError(t, sqlitex.ExecuteScript(writer, "CREATE TABLE a (b); INSERT INTO a VALUES (randomblob(1000))", nil))
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	const limit = 1 << 20
	bound := walBound{path: path + "-wal", limit: limit}
	require.NoError(t, bound.keep(writer))
	assert.NotZero(t, size(), "a short log is left alone")

	require.NoError(t, sqlitedb.Read(reader, func() error {
		if _, err := integer(reader, "SELECT count(*) FROM a"); err != nil {
			return err
		}
		for range 4 {
			require.NoError(t, sqlitex.ExecuteTransient(writer, "INSERT INTO a VALUES (randomblob(1000000))", nil))
		}
		require.NoError(t, bound.keep(writer), "a reader that stays is no failure")
		assert.Greater(t, size(), int64(limit))
		return nil
	}))
	require.NoError(t, bound.keep(writer))
	assert.Zero(t, size())
}

func TestAnAppendWaitsForTheTransactionOfAnotherProcess(t *testing.T) {
	l := open(t, t.TempDir())
	other, err := sqlitedb.Open(t.Context(), l.Path())
	require.NoError(t, err)
	defer func() { assert.NoError(t, other.Close()) }()
	require.NoError(t, sqlitedb.Begin(t.Context(), other, 0))
	appended := make(chan error)
	go func() {
		_, err := l.Append(t.Context(), oneEvent(contended, eventlog.New))
		appended <- err
	}()
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "readers do not wait")
	sqlitedb.Rollback(other)
	assert.NoError(t, <-appended)
}
