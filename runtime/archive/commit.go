package archive

import (
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// commit is one commit as an archive holds it: its events, the command on record, or both.
type commit struct {
	id   cqrs.CommitID
	meta cqrs.CommandMeta
	// recorded says that the log has the command on record, with hash and with version as the outcome's.
	recorded bool
	hash     [32]byte
	version  cqrs.Version
	// events are in position order.
	events []cqrs.Record
}

// group is a commit with events, and the commands without events that were recorded behind it, by id. The first group
// of a log or an archive has no commit.
type group struct {
	commit   *commit
	commands []*commit
}

// last returns the position that the group ends with, and before if it has no events.
func (g *group) last(before cqrs.Position) cqrs.Position {
	if g.commit == nil {
		return before
	}
	return g.commit.last()
}

func (c *commit) last() cqrs.Position { return c.events[len(c.events)-1].Position }

func metaOf(r *cqrs.Record) cqrs.CommandMeta {
	return cqrs.CommandMeta{
		Time: r.Time, CommandID: r.CommandID, CorrelationID: r.CorrelationID, CausationID: r.CausationID, Actor: r.Actor,
	}
}

// fault says what of a commit is beyond the limits that every log keeps, and so the limits of the format.
func (c *commit) fault() string {
	for _, s := range [...]string{c.meta.CommandID, c.meta.CorrelationID, c.meta.CausationID, c.meta.Actor} {
		if len(s) > eventlog.MaxMeta {
			return "its meta data are too long"
		}
	}
	if len(c.events) > eventlog.MaxEvents {
		return "it has too many events"
	}
	for i := range c.events {
		r := &c.events[i]
		if len(r.Data) > eventlog.MaxPayload || len(r.Stream.ID) > cqrs.MaxID || len(r.Stream.Category) > cqrs.MaxCategory ||
			len(r.Type) > eventlog.MaxType || len(r.ContentType) > eventlog.MaxType {
			return "an event of it is too large"
		}
	}
	return ""
}

// add adds the commit to the group if it belongs to it, and reports whether it does.
func (g *group) add(c *commit) bool {
	if len(c.events) > 0 {
		return false
	}
	g.commands = append(g.commands, c)
	return true
}

// sort puts the commands in the one order that is the same for every engine.
func (g *group) sort() {
	slices.SortFunc(g.commands, func(a, b *commit) int { return strings.Compare(a.meta.CommandID, b.meta.CommandID) })
}

// eventCommit sets what to append to a log for c, whose id is given if it has none.
func (c *commit) eventCommit(newID func() cqrs.CommitID) *eventlog.Commit {
	out := &eventlog.Commit{ID: c.id, Meta: c.meta, CommandHash: c.hash, Version: c.version}
	if out.ID == (cqrs.CommitID{}) {
		out.ID = newID()
	}
	events := make([]eventlog.NewEvent, len(c.events))
	for i := range c.events {
		r := &c.events[i]
		events[i] = eventlog.NewEvent{
			Type: r.Type, SchemaVersion: r.SchemaVersion, ContentType: r.ContentType, Data: r.Data,
		}
		if i == 0 || r.Stream != c.events[i-1].Stream {
			out.Streams = append(out.Streams, eventlog.StreamAppend{
				Stream: r.Stream, Expected: eventlog.Exactly(r.Version - 1), Events: events[i:i:len(events)],
			})
		}
		s := &out.Streams[len(out.Streams)-1]
		s.Events = s.Events[:len(s.Events)+1]
	}
	if !c.recorded && len(out.Streams) > 0 {
		first := &out.Streams[0]
		out.Version = cqrs.Version(first.Expected) + cqrs.Version(len(first.Events))
	}
	return out
}
