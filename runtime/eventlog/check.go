package eventlog

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Check refuses what no engine can store. Engines call it first in Append.
func (c *Commit) Check() error {
	if err := c.checkSize(); err != nil {
		return err
	}
	if c.Meta.CommandID == "" && !c.hasEvents() {
		return &InvalidCommitError{"it has neither events nor a command id"}
	}
	if c.ID == (cqrs.CommitID{}) {
		return &InvalidCommitError{"it has no id"}
	}
	if err := checkMeta(&c.Meta); err != nil {
		return err
	}
	for i := range c.Streams {
		if err := c.Streams[i].check(); err != nil {
			return err
		}
	}
	return checkDistinct(c.Streams)
}

func (c *Commit) hasEvents() bool {
	return slices.ContainsFunc(c.Streams, func(s StreamAppend) bool { return len(s.Events) > 0 })
}

// checkSize comes before whatever takes longer the larger the commit is.
func (c *Commit) checkSize() error {
	if len(c.Streams) > MaxStreams {
		return &LimitError{"a commit's number of streams", len(c.Streams), MaxStreams}
	}
	events, bytes := 0, 0
	for i := range c.Streams {
		events += max(1, len(c.Streams[i].Events))
		for j := range c.Streams[i].Events {
			bytes += len(c.Streams[i].Events[j].Data)
		}
	}
	if events > MaxEvents {
		return &LimitError{"a commit's number of events", events, MaxEvents}
	}
	if bytes > MaxCommitBytes {
		return &LimitError{"a commit", bytes, MaxCommitBytes}
	}
	return nil
}

func checkDistinct(streams []StreamAppend) error {
	// Almost every commit has one stream or two: they need no map.
	const few = 8
	if len(streams) <= few {
		for i := range streams {
			for j := range i {
				if streams[i].Stream == streams[j].Stream {
					return namedTwice(streams[i].Stream)
				}
			}
		}
		return nil
	}
	seen := make(map[cqrs.StreamID]struct{}, len(streams))
	for i := range streams {
		seen[streams[i].Stream] = struct{}{}
		if len(seen) == i {
			return namedTwice(streams[i].Stream)
		}
	}
	return nil
}

func namedTwice(s cqrs.StreamID) error {
	return &InvalidCommitError{fmt.Sprintf("stream %s is named twice", s)}
}

func (s *StreamAppend) check() error {
	if err := s.Stream.Validate(); err != nil {
		return err
	}
	if s.Expected < Any {
		return &InvalidCommitError{fmt.Sprintf("stream %s is expected at version %d", s.Stream, s.Expected)}
	}
	if len(s.Events) == 0 && s.Expected == Any {
		return &InvalidCommitError{fmt.Sprintf("stream %s gets no event, and is expected at no version", s.Stream)}
	}
	for i := range s.Events {
		e := &s.Events[i]
		switch {
		case e.Type == "" || !storable(e.Type):
			return &InvalidCommitError{fmt.Sprintf("an event's type %.40q is not a name", e.Type)}
		case len(e.Type) > MaxType:
			return &LimitError{"an event's type", len(e.Type), MaxType}
		case e.SchemaVersion < 1 || e.SchemaVersion > 1<<30:
			return &InvalidCommitError{fmt.Sprintf("event %s has the schema version %d", e.Type, e.SchemaVersion)}
		case e.ContentType == "" || len(e.ContentType) > MaxType || !storable(string(e.ContentType)):
			return &InvalidCommitError{fmt.Sprintf("event %s has the content type %.40q, which is none", e.Type, e.ContentType)}
		case len(e.Data) > MaxPayload:
			return &LimitError{"the payload of event " + e.Type, len(e.Data), MaxPayload}
		}
	}
	return nil
}

func checkMeta(m *cqrs.CommandMeta) error {
	for _, s := range []struct{ name, value string }{
		{"command id", m.CommandID}, {"correlation id", m.CorrelationID}, {"causation id", m.CausationID}, {"actor", m.Actor},
	} {
		if len(s.value) > MaxMeta {
			return &LimitError{"the " + s.name, len(s.value), MaxMeta}
		}
		if !storable(s.value) {
			return &InvalidCommitError{fmt.Sprintf("the %s %.40q is not valid UTF-8 without NUL", s.name, s.value)}
		}
	}
	if m.Time.Location() != time.UTC || m.Time.Nanosecond()%1000 != 0 || m.Time.Year() < 1 || m.Time.Year() > 9999 {
		return &InvalidCommitError{fmt.Sprintf("the time %v is not in UTC and microseconds", m.Time)}
	}
	return nil
}

// storable reports whether every engine keeps s as it is.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
