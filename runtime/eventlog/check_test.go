package eventlog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// valid returns a commit that any engine can store.
func valid() Commit {
	return Commit{
		ID: cqrs.CommitID{1}, Meta: cqrs.CommandMeta{Time: time.Date(2026, 3, 1, 0, 0, 0, 1000, time.UTC)},
		Streams: []StreamAppend{{
			Stream: cqrs.StreamID{Category: "Account", ID: "1"}, Expected: New,
			Events: []NewEvent{{Type: "Opened", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte("{}")}},
		}},
	}
}

// streams returns so many streams with one event each.
func streams(n int) []StreamAppend {
	all := make([]StreamAppend, n)
	for i := range all {
		all[i] = valid().Streams[0]
		all[i].Stream.ID = fmt.Sprint(i)
	}
	return all
}

func TestWhatEveryEngineCanStoreIsAccepted(t *testing.T) {
	for name, change := range map[string]func(*Commit){
		"as it is":                 func(*Commit) {},
		"a command without events": func(c *Commit) { c.Streams, c.Meta.CommandID = nil, "cmd-1" },
		"many streams":             func(c *Commit) { c.Streams = streams(MaxStreams) },
		"many events": func(c *Commit) {
			for range MaxEvents - 1 {
				c.Streams[0].Events = append(c.Streams[0].Events, c.Streams[0].Events[0])
			}
		},
		"the largest payload": func(c *Commit) { c.Streams[0].Events[0].Data = make([]byte, MaxPayload) },
		"no payload":          func(c *Commit) { c.Streams[0].Events[0].Data = nil },
		"the zero time":       func(c *Commit) { c.Meta.Time = time.Time{} },
		"any version":         func(c *Commit) { c.Streams[0].Expected = Any },
		"a far version":       func(c *Commit) { c.Streams[0].Expected = Exactly(1<<63 - 1) },
		"the longest strings": func(c *Commit) {
			long := strings.Repeat("x", MaxMeta)
			c.Meta = cqrs.CommandMeta{Time: c.Meta.Time, CommandID: long, CorrelationID: long, CausationID: long, Actor: long}
			c.Streams[0].Events[0].Type = long[:MaxType]
			c.Streams[0].Events[0].ContentType = cqrs.ContentType(long[:MaxType])
		},
	} {
		c := valid()
		change(&c)
		assert.NoError(t, c.Check(), name)
	}
}

func TestWhatNoEngineCanStoreIsRefused(t *testing.T) {
	event := func(change func(*NewEvent)) func(*Commit) {
		return func(c *Commit) { change(&c.Streams[0].Events[0]) }
	}
	for name, change := range map[string]func(*Commit){
		"neither events nor a command id": func(c *Commit) { c.Streams = nil },
		"no id":                           func(c *Commit) { c.ID = cqrs.CommitID{} },
		"a stream twice":                  func(c *Commit) { c.Streams = append(c.Streams, c.Streams[0]) },
		"one of many streams twice":       func(c *Commit) { c.Streams = append(streams(100), streams(51)[50]) },
		"a stream without events":         func(c *Commit) { c.Streams[0].Events = nil },
		"a version below any":             func(c *Commit) { c.Streams[0].Expected = -2 },
		"an invalid stream":               func(c *Commit) { c.Streams[0].Stream.ID = "\n" },
		"an invalid stream among many":    func(c *Commit) { c.Streams = append(streams(20), StreamAppend{}) },
		"no type":                         event(func(e *NewEvent) { e.Type = "" }),
		"a type with a NUL":               event(func(e *NewEvent) { e.Type = "a\x00" }),
		"a type that is not UTF-8":        event(func(e *NewEvent) { e.Type = "\xff" }),
		"a long type":                     event(func(e *NewEvent) { e.Type = strings.Repeat("x", MaxType+1) }),
		"schema version 0":                event(func(e *NewEvent) { e.SchemaVersion = 0 }),
		"a huge schema version":           event(func(e *NewEvent) { e.SchemaVersion = 1<<30 + 1 }),
		"no content type":                 event(func(e *NewEvent) { e.ContentType = "" }),
		"a content type with a NUL":       event(func(e *NewEvent) { e.ContentType = "a\x00" }),
		"a large payload":                 event(func(e *NewEvent) { e.Data = make([]byte, MaxPayload+1) }),
		"a long actor":                    func(c *Commit) { c.Meta.Actor = strings.Repeat("x", MaxMeta+1) },
		"an actor with a NUL":             func(c *Commit) { c.Meta.Actor = "a\x00" },
		"a command id that is not UTF-8":  func(c *Commit) { c.Meta.CommandID = "\xff" },
		"nanoseconds":                     func(c *Commit) { c.Meta.Time = c.Meta.Time.Add(1) },
		"another zone":                    func(c *Commit) { c.Meta.Time = c.Meta.Time.In(time.FixedZone("CET", 3600)) },
		"the year 0":                      func(c *Commit) { c.Meta.Time = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) },
		"the year 10000":                  func(c *Commit) { c.Meta.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"too many events":                 func(c *Commit) { c.Streams = streams(MaxEvents + 1) },
		"too many bytes": func(c *Commit) {
			c.Streams = streams(MaxCommitBytes/MaxPayload + 1)
			for i := range c.Streams {
				c.Streams[i].Events[0].Data = make([]byte, MaxPayload)
			}
		},
	} {
		c := valid()
		change(&c)
		err := c.Check()
		require.Error(t, err, name)
		var limit *LimitError
		var commit *InvalidCommitError
		var stream *cqrs.InvalidStreamError
		assert.True(t, errors.As(err, &limit) || errors.As(err, &commit) || errors.As(err, &stream), "%s: %v", name, err)
		assert.Less(t, len(err.Error()), 1000, name)
	}
}

func TestAHostileCommitIsRefusedBeforeItCostsAnything(t *testing.T) {
	c := valid()
	c.Streams = make([]StreamAppend, 1<<20)
	var limit *LimitError
	require.ErrorAs(t, c.Check(), &limit)
	assert.Equal(t, MaxStreams, limit.Most)
}
