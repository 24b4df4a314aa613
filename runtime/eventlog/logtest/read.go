package logtest

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var readTests = []test{
	{"a query selects by position and by type", queries},
	{"rare and common types are found in a long log", selectivity},
	{"a query selects by category", categories},
	{"a stream is read from any version", streamFrom},
	{"a stream is read backwards from any version", streamBackwards},
	{"a read ends at the head that it started with", readEndsAtItsHead},
	{"payloads and strings stay as they are when the iteration goes on", recordsAreReused},
	{"an iteration may stop anywhere and start again", stopAnywhere},
	{"iterations may be nested, and append", nested},
	{"counts are by type", counts},
}

// bigLog is larger than anything that an engine reads in one go.
const bigLog = 5_000

func queries(f *fixture) {
	for i := range 10 {
		f.append(commit(
			to(stream("1"), eventlog.Any, event("A", i), event("B", i)),
			to(stream("2"), eventlog.Any, event("C", i)),
		))
	}
	// A type that has several versions and encodings is still one type.
	f.append(commit(to(stream("1"), eventlog.Any,
		eventlog.NewEvent{Type: "A", SchemaVersion: 2, ContentType: cqrs.JSON},
		eventlog.NewEvent{Type: "A", SchemaVersion: 1, ContentType: "text/plain"})))
	all := f.readAll()
	require.Len(f, all, 32)
	at := func(i int) cqrs.Position { return all[i].Position }
	for _, q := range []eventlog.Query{
		{},
		{After: -1},
		{After: at(0)},
		{After: at(15)},
		{After: at(31)},
		{After: at(31) + 1000},
		{Through: at(0)},
		{Through: at(20)},
		{Through: at(31) + 1000},
		{After: at(3), Through: at(9)},
		{After: at(9), Through: at(9)},
		{After: at(9), Through: at(3)},
		{Types: []string{"A"}},
		{Types: []string{"A", "C"}},
		{Types: []string{"C", "A", "C", "B"}},
		{Types: []string{"Unknown"}},
		{Types: []string{""}},
		{Types: []string{"a"}},
		{Types: []string{"Unknown", "B"}, After: at(5)},
		{Types: []string{"B", "C"}, After: at(5), Through: at(22)},
	} {
		want := only(all, func(r *cqrs.Record) bool {
			return r.Position > q.After && (q.Through <= 0 || r.Position <= q.Through) &&
				(len(q.Types) == 0 || slices.Contains(q.Types, r.Type))
		})
		assert.Equal(f, positions(want), positions(f.all(f.log.Read(f.ctx, q))), "%+v", q)
	}
}

func selectivity(f *fixture) {
	f.fill(stream("1"), "Common", bigLog)
	f.append(commit(to(stream("2"), eventlog.New, events("Rare", 3)...)))
	f.fill(stream("1"), "Common", bigLog)
	f.fill(stream("3"), "Some", bigLog/10)
	f.append(commit(to(stream("2"), eventlog.Exactly(3), event("Rare", 3))))
	all := f.readAll()
	f.requireOrder(all)
	for _, types := range [][]string{
		{"Rare"}, {"Common"}, {"Some"}, {"Rare", "Some"}, {"Rare", "Common"}, {"Rare", "Some", "Common"}, {"No"},
	} {
		want := only(all, func(r *cqrs.Record) bool { return slices.Contains(types, r.Type) })
		got := f.all(f.log.Read(f.ctx, eventlog.Query{Types: types}))
		require.Equal(f, positions(want), positions(got), "%v", types)
		assert.Equal(f, want, got)
		assert.Equal(f, len(want), f.count(types...))
		last := all[len(all)-2].Position
		want = only(want, func(r *cqrs.Record) bool { return r.Position <= last })
		assert.Equal(f, positions(want), positions(f.all(f.log.Read(f.ctx, eventlog.Query{Types: types, Through: last}))))
	}
}

func streamFrom(f *fixture) {
	f.fill(stream("0"), "Opened", 10)
	f.fill(stream("1"), "Opened", bigLog)
	f.fill(stream("2"), "Opened", 10)
	all := f.readStream(stream("1"))
	require.Len(f, all, bigLog)
	for i, r := range all {
		require.Equal(f, cqrs.Version(i+1), r.Version)
		require.Equal(f, stream("1"), r.Stream)
	}
	for _, from := range []cqrs.Version{-5, 0, 1, 2, 1024, 1025, bigLog - 1, bigLog, bigLog + 1, bigLog + 1000} {
		want := all[min(max(0, from-1), bigLog):]
		got := f.all(f.log.ReadStream(f.ctx, stream("1"), from))
		require.Equal(f, positions(want), positions(got), "from %d", from)
	}
}

func streamBackwards(f *fixture) {
	f.fill(stream("0"), "Opened", 10)
	f.fill(stream("1"), "Opened", bigLog)
	f.fill(stream("2"), "Opened", 10)
	all := f.readStream(stream("1"))
	slices.Reverse(all)
	require.Equal(f, all, f.all(f.log.ReadStreamBackwards(f.ctx, stream("1"), 0)))
	for _, from := range []cqrs.Version{-5, 1, 2, 1023, 1024, 1025, bigLog - 1, bigLog, bigLog + 1, bigLog + 1000} {
		want := all
		if from > 0 && from < bigLog {
			want = all[bigLog-from:]
		}
		got := f.all(f.log.ReadStreamBackwards(f.ctx, stream("1"), from))
		require.Equal(f, positions(want), positions(got), "from %d", from)
	}
	assert.Empty(f, f.all(f.log.ReadStreamBackwards(f.ctx, stream("none"), 0)))
	// The newest event alone is what most readers want.
	for r, err := range f.log.ReadStreamBackwards(f.ctx, stream("1"), 0) {
		require.NoError(f, err)
		assert.EqualValues(f, bigLog, r.Version)
		break
	}
}

func categories(f *fixture) {
	names := []string{"Account", "Order", "_claims", "AccountX"}
	for i := range 40 {
		parts := make([]eventlog.StreamAppend, 0, len(names))
		for _, name := range names {
			s := cqrs.StreamID{Category: name, ID: string(rune('a' + i%5))}
			parts = append(parts, to(s, eventlog.Any, event("A", i), event([]string{"B", "C"}[i%2], i)))
		}
		f.append(commit(parts...))
	}
	all := f.readAll()
	for _, q := range []eventlog.Query{
		{Categories: []string{"Account"}},
		{Categories: []string{"Order", "_claims", "Order"}},
		{Categories: names},
		{Categories: []string{"account"}},
		{Categories: []string{""}},
		{Categories: []string{"Account"}, Types: []string{"B"}},
		{Categories: []string{"Account", "AccountX"}, Types: []string{"B", "C"}, After: all[17].Position, Through: all[200].Position},
		{Categories: []string{"Unknown"}, Types: []string{"A"}},
	} {
		want := only(all, func(r *cqrs.Record) bool {
			return r.Position > q.After && (q.Through <= 0 || r.Position <= q.Through) &&
				(len(q.Types) == 0 || slices.Contains(q.Types, r.Type)) && slices.Contains(q.Categories, r.Stream.Category)
		})
		assert.Equal(f, positions(want), positions(f.all(f.log.Read(f.ctx, q))), "%+v", q)
	}
}

func readEndsAtItsHead(f *fixture) {
	const before = bigLog / 2
	f.fill(stream("1"), "Opened", before)
	read := 0
	for _, err := range f.log.Read(f.ctx, eventlog.Query{}) {
		require.NoError(f, err)
		if read%500 == 0 {
			f.append(commit(to(stream("2"), eventlog.Any, event("Later", read))))
		}
		read++
	}
	assert.Equal(f, before, read)
	assert.NotZero(f, f.count("Later"))
}

func recordsAreReused(f *fixture) {
	for i := range bigLog / 100 {
		c := commit(to(stream("1"), eventlog.Any, events("Opened", 100)...))
		c.Meta.Actor = "actor-" + string(rune('a'+i))
		f.append(c)
	}
	for _, seq := range []func(func(*cqrs.Record, error) bool){
		f.log.Read(f.ctx, eventlog.Query{}), f.log.ReadStream(f.ctx, stream("1"), 1),
	} {
		var data [][]byte
		var actors []string
		for r, err := range seq {
			require.NoError(f, err)
			data, actors = append(data, r.Data), append(actors, r.Actor)
			// Appending to a payload must not write into its neighbour.
			_ = append(r.Data, "overwritten"...)
		}
		require.Len(f, data, bigLog)
		for i := range data {
			require.Equal(f, string(event("", i%100).Data), string(data[i]))
			require.Equal(f, "actor-"+string(rune('a'+i/100)), actors[i])
		}
	}
}

func stopAnywhere(f *fixture) {
	f.fill(stream("1"), "Opened", bigLog)
	seqs := []func(func(*cqrs.Record, error) bool){
		f.log.Read(f.ctx, eventlog.Query{}),
		f.log.Read(f.ctx, eventlog.Query{Types: []string{"Opened"}}),
		f.log.ReadStream(f.ctx, stream("1"), 1),
	}
	for _, seq := range seqs {
		for _, stop := range []int{1, 2, 1023, 1024, 1025, 3000, bigLog} {
			n := 0
			for r, err := range seq {
				require.NoError(f, err)
				n++
				require.Equal(f, cqrs.Version(n), r.Version)
				if n == stop {
					break
				}
			}
			require.Equal(f, stop, n)
		}
		assert.PanicsWithValue(f, "mine", func() {
			for range seq {
				panic("mine")
			}
		})
	}
	assert.Len(f, f.readAll(), bigLog)
}

func nested(f *fixture) {
	f.fill(stream("1"), "Opened", 30)
	n := 0
	for outer, err := range f.log.Read(f.ctx, eventlog.Query{}) {
		require.NoError(f, err)
		position := outer.Position
		for inner, err := range f.log.Read(f.ctx, eventlog.Query{After: outer.Position}) {
			require.NoError(f, err)
			n++
			for _, err := range f.log.ReadStream(f.ctx, stream("1"), inner.Version) {
				require.NoError(f, err)
				break
			}
		}
		require.Equal(f, position, outer.Position, "an iteration's record is its own")
		f.append(commit(to(stream("2"), eventlog.Any, event("Seen", n))))
	}
	assert.Equal(f, 30, f.count("Seen"))
}

func counts(f *fixture) {
	f.fill(stream("1"), "A", 120)
	f.append(commit(
		to(stream("1"), eventlog.Any, event("B", 0), event("C", 0)), to(stream("2"), eventlog.New, event("B", 0))))
	assert.Equal(f, 123, f.count())
	assert.Equal(f, 120, f.count("A"))
	assert.Equal(f, 3, f.count("B", "C"))
	assert.Equal(f, 2, f.count("B", "B", "No"))
	assert.Zero(f, f.count("No"))
}
