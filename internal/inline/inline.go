// Package inline is what engines have in common that let others take part in their transactions.
package inline

import (
	"context"
	"slices"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Set has the parts of one log. Join is safe for concurrent use; all else is for the goroutine that writes.
type Set struct {
	mu    sync.Mutex
	parts []*part

	// running are those of the transaction that is under way.
	running []eventlog.Inline
	// records are those of one commit, or of all that are expected.
	records []cqrs.Record
}

type part struct {
	eventlog.Inline
	users int
}

// Join adds a part until leave is called. A part of a name that is there already is the same one once more.
func (s *Set) Join(in eventlog.Inline) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.parts, func(p *part) bool { return p.Name() == in.Name() })
	if i < 0 {
		i = len(s.parts)
		s.parts = append(s.parts, &part{Inline: in})
	}
	p := s.parts[i]
	p.users++
	return sync.OnceFunc(func() { s.leave(p) })
}

func (s *Set) leave(p *part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.users == 0 {
		s.parts = slices.DeleteFunc(s.parts, func(other *part) bool { return other == p })
	}
}

// Empty reports whether nobody would take part in a transaction that began now.
func (s *Set) Empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.parts) == 0
}

// Running reports whether anybody takes part in the transaction that is under way.
func (s *Set) Running() bool { return len(s.running) > 0 }

// Begin begins a transaction.
func (s *Set) Begin(ctx context.Context, tx eventlog.InlineTx) error {
	s.mu.Lock()
	s.running = s.running[:0]
	for _, p := range s.parts {
		s.running = append(s.running, p.Inline)
	}
	s.mu.Unlock()
	for _, in := range s.running {
		if err := in.Begin(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// Expect shows what the commits are going to be if all of them are stored, behind the position head. Versions are not
// known yet where a commit expects none.
func (s *Set) Expect(ctx context.Context, head cqrs.Position, commits []*eventlog.Commit) error {
	s.records = s.records[:0]
	for _, c := range commits {
		s.add(c, head, func(i int) cqrs.Version { return cqrs.Version(max(0, c.Streams[i].Expected)) })
		head += cqrs.Position(events(c))
	}
	for _, in := range s.running {
		if err := in.Expect(ctx, s.records); err != nil {
			return err
		}
	}
	return nil
}

func events(c *eventlog.Commit) (n int) {
	for i := range c.Streams {
		n += len(c.Streams[i].Events)
	}
	return n
}

// Fold folds a commit that is going to be stored behind the position head, with each of its streams at a version. If
// one part refuses it, with an eventlog.Refusal, then none has it.
func (s *Set) Fold(
	ctx context.Context, c *eventlog.Commit, head cqrs.Position, version func(stream int) cqrs.Version,
) error {
	s.records = s.records[:0]
	s.add(c, head, version)
	if len(s.records) == 0 {
		return nil
	}
	for i, in := range s.running {
		err := in.Fold(ctx, s.records)
		if err == nil {
			continue
		}
		for _, before := range s.running[:i] {
			before.Undo()
		}
		return err
	}
	return nil
}

// add appends the records of a commit as they are going to be read.
func (s *Set) add(c *eventlog.Commit, head cqrs.Position, version func(stream int) cqrs.Version) {
	for i := range c.Streams {
		if len(c.Streams[i].Events) == 0 {
			continue
		}
		v := version(i)
		for j := range c.Streams[i].Events {
			e := &c.Streams[i].Events[j]
			head++
			v++
			s.records = append(s.records, cqrs.Record{
				EventMeta: cqrs.EventMeta{
					Position: head, Stream: c.Streams[i].Stream, Version: v, Commit: c.ID, Time: c.Meta.Time,
					CommandID: c.Meta.CommandID, CorrelationID: c.Meta.CorrelationID,
					CausationID: c.Meta.CausationID, Actor: c.Meta.Actor,
				},
				Type: e.Type, SchemaVersion: e.SchemaVersion, ContentType: e.ContentType, Data: e.Data,
			})
		}
	}
}

// Flush writes what was folded.
func (s *Set) Flush(ctx context.Context) error {
	for _, in := range s.running {
		if err := in.Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// End ends the transaction.
func (s *Set) End(stored bool) {
	for _, in := range s.running {
		in.End(stored)
	}
	clear(s.running)
	s.running = s.running[:0]
	clear(s.records)
}
