package logtest

import (
	"bytes"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var appendTests = []test{
	{"an empty log has no head and no events", emptyLog},
	{"a stored event comes back as it was given", roundTrip},
	{"a commit's events follow each other in the order given", commitOrder},
	{"a stream must be at its expected version", expectedVersions},
	{"a conflict on one stream stores nothing on the others", conflictIsAtomic},
	{"a stream that gets no event must be at its expected version", expectationsAlone},
	{"the engine does not keep the caller's payload", payloadIsCopied},
	{"times and payloads at their bounds come back unchanged", extremeValues},
	{"what was appended is there for another process and after a restart", durable},
}

func emptyLog(f *fixture) {
	assert.Zero(f, f.head())
	assert.Zero(f, f.count())
	assert.Zero(f, f.count("Opened"))
	assert.Empty(f, f.readAll())
	assert.Empty(f, f.readStream(stream("1")))
	assert.Empty(f, f.all(f.log.Read(f.ctx, eventlog.Query{After: 7, Through: 9, Types: []string{"Opened"}})))
}

func roundTrip(f *fixture) {
	c := commit(
		to(stream("1"), eventlog.New,
			eventlog.NewEvent{Type: "Opened", SchemaVersion: 3, ContentType: cqrs.JSON, Data: []byte(`{"owner": "Ada"}`)},
			eventlog.NewEvent{Type: "Packed", SchemaVersion: 1, ContentType: "a/packed", Data: []byte{0, 255, 0, 1}},
			// A version that says who can read it, beside the one of its name that does not.
			eventlog.NewEvent{Type: "Opened", SchemaVersion: 3, ContentType: cqrs.JSONFrom(2), Data: []byte(`{}`)},
		),
		to(stream("2"), eventlog.New, event("Opened", 1)),
	)
	c.Meta = cqrs.CommandMeta{
		Time: now, CommandID: "cmd-1", CorrelationID: "cor-1", CausationID: "cau-1", Actor: "ada@example.org",
	}
	got := f.append(c)
	assert.Equal(f, f.head(), got.Position)
	assert.Equal(f, cqrs.Version(3), got.Version)
	assert.Equal(f, c.Meta, got.Meta)
	assert.False(f, got.Repeated)

	records := f.readAll()
	require.Len(f, records, 4)
	f.requireOrder(records)
	i := 0
	for _, s := range c.Streams {
		for j, e := range s.Events {
			want := cqrs.Record{
				EventMeta: cqrs.EventMeta{
					Position: records[i].Position, Stream: s.Stream, Version: cqrs.Version(j + 1), Commit: c.ID, Time: now,
					CommandID: "cmd-1", CorrelationID: "cor-1", CausationID: "cau-1", Actor: "ada@example.org",
				},
				Type: e.Type, SchemaVersion: e.SchemaVersion, ContentType: e.ContentType, Data: e.Data,
			}
			assert.Equal(f, want, records[i])
			i++
		}
	}
	assert.Equal(f, records[:3], f.readStream(stream("1")))
	assert.Equal(f, records[3:], f.readStream(stream("2")))
}

func commitOrder(f *fixture) {
	a, b := stream("a"), stream("b")
	f.append(commit(to(b, eventlog.New, events("B", 2)...), to(a, eventlog.New, events("A", 3)...)))
	got := f.append(commit(to(a, eventlog.Exactly(3), event("A", 3)), to(b, eventlog.Any, event("B", 2))))
	assert.Equal(f, cqrs.Version(4), got.Version, "the version is that of the first stream")
	records := f.readAll()
	f.requireOrder(records)
	order := ""
	for _, r := range records {
		order += r.Type
	}
	assert.Equal(f, "BBAAAAB", order)
	assert.Equal(f, records[len(records)-1].Position, got.Position)
}

func expectedVersions(f *fixture) {
	f.append(commit(to(stream("three"), eventlog.New, events("Opened", 3)...)))
	for _, c := range []struct {
		name     string
		id       string
		expected eventlog.Expected
		actual   cqrs.Version
		ok       bool
	}{
		{"new, is new", "a", eventlog.New, 0, true},
		{"any, is new", "b", eventlog.Any, 0, true},
		{"version 1, is new", "c", eventlog.Exactly(1), 0, false},
		{"new, has three", "three", eventlog.New, 3, false},
		{"version 2, has three", "three", eventlog.Exactly(2), 3, false},
		{"version 4, has three", "three", eventlog.Exactly(4), 3, false},
		{"far beyond", "three", eventlog.Exactly(1 << 62), 3, false},
		{"version 3, has three", "three", eventlog.Exactly(3), 3, true},
		{"any, has four", "three", eventlog.Any, 4, true},
	} {
		got, err := f.log.Append(f.ctx, commit(to(stream(c.id), c.expected, event("Opened", 0))))
		if c.ok {
			require.NoError(f, err, c.name)
			assert.Equal(f, c.actual+1, got.Version, c.name)
			continue
		}
		var conflict *cqrs.ConflictError
		require.ErrorAs(f, err, &conflict, c.name)
		want := cqrs.ConflictError{Stream: stream(c.id), Expected: cqrs.Version(c.expected), Actual: c.actual}
		assert.Equal(f, want, *conflict, c.name)
	}
	f.requireOrder(f.readAll())
}

func conflictIsAtomic(f *fixture) {
	e := event("New", 0)
	f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0)), to(stream("2"), eventlog.New, event("Opened", 0))))
	before := f.readAll()
	for _, c := range []eventlog.Commit{
		commit(to(stream("3"), eventlog.New, e), to(stream("2"), eventlog.New, e)),
		commit(to(stream("1"), eventlog.Exactly(1), e), to(stream("2"), eventlog.Exactly(7), e)),
		commit(to(stream("2"), eventlog.Exactly(0), e), to(stream("1"), eventlog.Any, e)),
	} {
		_, err := f.log.Append(f.ctx, c)
		var conflict *cqrs.ConflictError
		require.ErrorAs(f, err, &conflict)
		assert.Equal(f, stream("2"), conflict.Stream)
	}
	assert.Equal(f, before, f.readAll())
	assert.Zero(f, f.count("New"))
	assert.Equal(f, 2, f.count())
	assert.Equal(f, before[1].Position, f.head())
	got := f.append(commit(to(stream("3"), eventlog.New, event("New", 0))))
	assert.Equal(f, cqrs.Version(1), got.Version)
	f.requireOrder(f.readAll())
}

func expectationsAlone(f *fixture) {
	a, b, none := stream("a"), stream("b"), stream("none")
	f.append(commit(to(a, eventlog.New, events("Opened", 2)...), to(b, eventlog.New, event("Opened", 0))))
	before := f.readAll()
	for _, c := range []struct {
		name   string
		stale  eventlog.StreamAppend
		actual cqrs.Version
	}{
		{"behind", to(a, eventlog.Exactly(1)), 2},
		{"ahead", to(a, eventlog.Exactly(3)), 2},
		{"expected to be new", to(a, eventlog.New), 2},
		{"expected to be there", to(none, eventlog.Exactly(1)), 0},
	} {
		for _, streams := range [][]eventlog.StreamAppend{
			{c.stale, to(b, eventlog.Exactly(1), event("Moved", 0))},
			{to(b, eventlog.Exactly(1), event("Moved", 0)), c.stale},
		} {
			_, err := f.log.Append(f.ctx, command("stale", "x", streams...))
			var conflict *cqrs.ConflictError
			require.ErrorAs(f, err, &conflict, c.name)
			want := cqrs.ConflictError{Stream: c.stale.Stream, Expected: cqrs.Version(c.stale.Expected), Actual: c.actual}
			assert.Equal(f, want, *conflict, c.name)
		}
		_, found, err := f.log.Command(f.ctx, "stale", command("stale", "x").CommandHash)
		require.NoError(f, err)
		assert.False(f, found, "%s: the command is not recorded", c.name)
	}
	assert.Equal(f, before, f.readAll())

	got := f.append(commit(
		to(a, eventlog.Exactly(2)), to(b, eventlog.Exactly(1), event("Moved", 0)), to(none, eventlog.New)))
	assert.Equal(f, cqrs.Version(2), got.Version, "the version is that of the first stream")
	assert.Equal(f, f.head(), got.Position)
	assert.Len(f, f.readStream(a), 2)
	assert.Len(f, f.readStream(b), 2)
	assert.Empty(f, f.readStream(none))
	f.append(commit(to(none, eventlog.New, event("Opened", 0)), to(a, eventlog.Exactly(2), event("Moved", 0))))
	f.requireOrder(f.readAll())

	recorded := command("alone", "x", to(a, eventlog.Exactly(3)), to(b, eventlog.Exactly(2)))
	first := f.append(recorded)
	assert.Equal(f, f.head(), first.Position)
	assert.Equal(f, cqrs.Version(3), first.Version)
	f.append(commit(to(b, eventlog.Exactly(2), event("Moved", 0))))
	first.Repeated = true
	assert.Equal(f, first, f.append(recorded), "a repeated command has its first outcome")
	_, err := f.log.Append(f.ctx, command("stale", "x", to(b, eventlog.Exactly(2))))
	require.ErrorAs(f, err, new(*cqrs.ConflictError), "a command alone is recorded where its streams are")
}

func payloadIsCopied(f *fixture) {
	e := event("Opened", 1)
	c := commit(to(stream("1"), eventlog.New, e))
	f.append(c)
	want := bytes.Clone(e.Data)
	clear(e.Data)
	c.Streams[0].Events[0] = event("Other", 2)
	got := f.readAll()
	require.Len(f, got, 1)
	assert.Equal(f, want, got[0].Data)
	assert.Equal(f, "Opened", got[0].Type)
}

func extremeValues(f *fixture) {
	for i, at := range []time.Time{
		{},
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Unix(0, 0).UTC(),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		c := commit(to(stream("times"), eventlog.Any, event("Opened", i)))
		c.Meta.Time = at
		f.append(c)
		got := f.readStream(stream("times"))
		assert.Equal(f, at, got[i].Time)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, data := range [][]byte{
		{}, {0}, every, []byte("\xff\xfe"), []byte(`{"a":1.0,"a": 2}`), []byte(strings.Repeat("x", 70_000)),
	} {
		e := eventlog.NewEvent{Type: "Ünïcode 'x' \"y\"", SchemaVersion: 1 << 30, ContentType: "a/b; c=d", Data: data}
		f.append(commit(to(stream("payloads"), eventlog.Any, e)))
		got := f.readStream(stream("payloads"))
		last := got[len(got)-1]
		assert.True(f, bytes.Equal(data, last.Data), "%.20q", data)
		assert.Equal(f, e.Type, last.Type)
		assert.Equal(f, e.SchemaVersion, last.SchemaVersion)
		assert.Equal(f, e.ContentType, last.ContentType)
	}
}

func durable(f *fixture) {
	if f.engine.Again == nil {
		f.Skip("the engine's data ends with its log")
	}
	c := command("cmd-1", "x", to(stream("1"), eventlog.New, events("Opened", 3)...))
	first := f.append(c)
	want := f.readAll()
	other := f.engine.Again(f)
	assert.Equal(f, want, f.all(other.Read(f.ctx, eventlog.Query{})))
	_, err := other.Append(f.ctx, commit(to(stream("1"), eventlog.Exactly(3), event("Opened", 3))))
	require.NoError(f, err)
	got := f.append(commit(to(stream("1"), eventlog.Exactly(4), event("Opened", 4))))
	assert.Equal(f, cqrs.Version(5), got.Version)
	want = f.readAll()
	f.requireOrder(want)

	require.NoError(f, f.engine.Close())
	f.log = f.engine.Again(f)
	f.numbers.Clear()
	assert.Equal(f, want, f.readAll())
	assert.Equal(f, got.Position, f.head())
	assert.Equal(f, 5, f.count("Opened"))
	first.Repeated = true
	assert.Equal(f, first, f.append(c), "the command is still known")
}
