package logtest

import (
	"strconv"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var limitTests = []test{
	{"what is too large is refused by a limit error and stored in no part", tooLarge},
	{"what makes no sense is refused and stored in no part", senseless},
	{"a commit at every limit is stored", atTheLimit},
	{"strange ids are told apart and touch no other stream", strangeIDs},
	{"ids that no engine can store are refused", invalidIDs},
}

func (f *fixture) requireUnstored(c eventlog.Commit, target any, name string) {
	f.Helper()
	_, err := f.log.Append(f.ctx, c)
	require.ErrorAs(f, err, target, name)
	require.Zero(f, f.head(), name)
}

func tooLarge(f *fixture) {
	big := func(size int) eventlog.NewEvent {
		e := event("Opened", 0)
		e.Data = make([]byte, size)
		return e
	}
	withMeta := func(set func(*cqrs.CommandMeta)) eventlog.Commit {
		c := commit(to(stream("1"), eventlog.New, event("Opened", 0)))
		set(&c.Meta)
		return c
	}
	long := strings.Repeat("x", eventlog.MaxMeta+1)
	typ := event(strings.Repeat("x", eventlog.MaxType+1), 0)
	many := make([]eventlog.StreamAppend, 0, eventlog.MaxStreams+1)
	for i := range eventlog.MaxStreams + 1 {
		many = append(many, to(stream(strconv.Itoa(i)), eventlog.New, event("Opened", i)))
	}
	large := make([]eventlog.StreamAppend, 0, 9)
	for i := range 9 {
		large = append(large, to(stream(string(rune('a'+i))), eventlog.New, big(1<<20)))
	}
	for name, c := range map[string]eventlog.Commit{
		"payload":        commit(to(stream("1"), eventlog.New, big(eventlog.MaxPayload+1))),
		"events":         commit(to(stream("1"), eventlog.New, events("Opened", eventlog.MaxEvents+1)...)),
		"streams":        commit(many...),
		"commit":         commit(large...),
		"type":           commit(to(stream("1"), eventlog.New, typ)),
		"command id":     withMeta(func(m *cqrs.CommandMeta) { m.CommandID = long }),
		"correlation id": withMeta(func(m *cqrs.CommandMeta) { m.CorrelationID = long }),
		"causation id":   withMeta(func(m *cqrs.CommandMeta) { m.CausationID = long }),
		"actor":          withMeta(func(m *cqrs.CommandMeta) { m.Actor = long }),
	} {
		var limit *eventlog.LimitError
		f.requireUnstored(c, &limit, name)
		assert.Greater(f, limit.Size, limit.Most, name)
	}
}

func senseless(f *fixture) {
	good := to(stream("1"), eventlog.New, event("Opened", 0))
	with := func(change func(*eventlog.Commit)) eventlog.Commit {
		c := commit(good)
		c.Streams = []eventlog.StreamAppend{to(stream("1"), eventlog.New, event("Opened", 0))}
		change(&c)
		return c
	}
	for name, c := range map[string]eventlog.Commit{
		"nothing":            commit(),
		"no id":              with(func(c *eventlog.Commit) { c.ID = cqrs.CommitID{} }),
		"a stream twice":     commit(good, good),
		"nothing expected":   commit(good, to(stream("2"), eventlog.Any)),
		"only expectations":  commit(to(stream("1"), eventlog.New)),
		"negative version":   with(func(c *eventlog.Commit) { c.Streams[0].Expected = -2 }),
		"no type":            with(func(c *eventlog.Commit) { c.Streams[0].Events[0].Type = "" }),
		"type with NUL":      with(func(c *eventlog.Commit) { c.Streams[0].Events[0].Type = "a\x00b" }),
		"type not UTF-8":     with(func(c *eventlog.Commit) { c.Streams[0].Events[0].Type = "\xff" }),
		"schema version 0":   with(func(c *eventlog.Commit) { c.Streams[0].Events[0].SchemaVersion = 0 }),
		"no content type":    with(func(c *eventlog.Commit) { c.Streams[0].Events[0].ContentType = "" }),
		"content type bytes": with(func(c *eventlog.Commit) { c.Streams[0].Events[0].ContentType = "a\x00" }),
		"actor with NUL":     with(func(c *eventlog.Commit) { c.Meta.Actor = "a\x00b" }),
		"command not UTF-8":  with(func(c *eventlog.Commit) { c.Meta.CommandID = "\xff" }),
		"nanoseconds":        with(func(c *eventlog.Commit) { c.Meta.Time = now.Add(1) }),
		"local time":         with(func(c *eventlog.Commit) { c.Meta.Time = now.In(time.FixedZone("CET", 3600)) }),
		"year 10000":         with(func(c *eventlog.Commit) { c.Meta.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
	} {
		var invalid *eventlog.InvalidCommitError
		f.requireUnstored(c, &invalid, name)
	}
}

func atTheLimit(f *fixture) {
	long := strings.Repeat("é", eventlog.MaxMeta/2)
	c := commit(to(stream(strings.Repeat("é", cqrs.MaxID/2)), eventlog.New, eventlog.NewEvent{
		Type: strings.Repeat("x", eventlog.MaxType), SchemaVersion: 1, ContentType: cqrs.JSON,
		Data: make([]byte, eventlog.MaxPayload),
	}))
	c.Meta = cqrs.CommandMeta{Time: now, CommandID: long, CorrelationID: long, CausationID: long, Actor: long}
	f.append(c)
	whole := commit()
	for i := range eventlog.MaxCommitBytes / eventlog.MaxPayload {
		e := event("Big", 0)
		e.Data = make([]byte, eventlog.MaxPayload)
		e.Data[i] = 1
		whole.Streams = append(whole.Streams, to(stream(string(rune('a'+i))), eventlog.New, e))
	}
	f.append(whole)
	f.append(commit(to(stream("many"), eventlog.New, events("Small", eventlog.MaxEvents)...)))

	records := f.readAll()
	require.Len(f, records, 1+len(whole.Streams)+eventlog.MaxEvents)
	f.requireOrder(records)
	assert.Equal(f, c.Streams[0].Stream, records[0].Stream)
	assert.Equal(f, long, records[0].CausationID)
	for i := range whole.Streams {
		assert.Equal(f, byte(1), records[1+i].Data[i])
		assert.Len(f, records[1+i].Data, eventlog.MaxPayload)
	}
	assert.Len(f, f.readStream(stream("many")), eventlog.MaxEvents)
}

func strangeIDs(f *fixture) {
	ids := []string{
		".", "..", "*", ">", "a.b", "a.*", "a.>", "a b", " a", "a ", "a", "A", "ä", "a\u0308", "/", "a/b", "//",
		"%", "a%", "_",
		"'; DROP TABLE events; --", `"`, "\\", "$1", "?1", "{}", "-", "null", "0", "00", "💥", "\u200b", "\u202e", "\ufeff",
		strings.Repeat("x", cqrs.MaxID), strings.Repeat("x", cqrs.MaxID-1),
	}
	for i, id := range ids {
		f.append(commit(to(stream(id), eventlog.New, event("Opened", i))))
		f.append(commit(to(cqrs.StreamID{Category: "Other", ID: id}, eventlog.New, event("Opened", -i))))
	}
	for i, id := range ids {
		got := f.readStream(stream(id))
		require.Len(f, got, 1, "%q", id)
		assert.Equal(f, stream(id), got[0].Stream)
		assert.Equal(f, event("Opened", i).Data, got[0].Data)
	}
	f.requireOrder(f.readAll())
}

func invalidIDs(f *fixture) {
	var invalid *cqrs.InvalidStreamError
	for _, s := range []cqrs.StreamID{
		{}, {Category: "Account"}, {ID: "1"},
		stream(""), stream("a\x00b"), stream("a\nb"), stream("\x7f"), stream("\u0085"), stream("\xff"),
		stream(strings.Repeat("x", cqrs.MaxID+1)), stream(strings.Repeat("x", 10<<10)),
		{Category: "A/B", ID: "1"}, {Category: "Ä", ID: "1"}, {Category: "a.b", ID: "1"}, {Category: "1a", ID: "1"},
		{Category: strings.Repeat("x", cqrs.MaxCategory+1), ID: "1"},
	} {
		f.requireUnstored(commit(to(s, eventlog.Any, event("Opened", 0))), &invalid, s.String())
		for r, err := range f.log.ReadStream(f.ctx, s, 1) {
			assert.Nil(f, r)
			assert.ErrorAs(f, err, &invalid)
		}
		if f.engine.Snapshots != nil {
			_, err := f.engine.Snapshots.LoadSnapshot(f.ctx, s)
			assert.ErrorAs(f, err, &invalid)
			assert.ErrorAs(f, f.engine.Snapshots.SaveSnapshot(f.ctx, s, []byte("x")), &invalid)
		}
	}
}
