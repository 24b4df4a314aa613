package archive

import (
	"context"
	"fmt"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Range is a part of a log: what lies behind After, up to and including Through. Both must lie between two commits. The
// zero value is the whole log.
type Range struct {
	// After is 0 for the beginning of the log.
	After cqrs.Position
	// Through is 0 for the head that the log has when the work begins.
	Through cqrs.Position
}

// history yields what a range of a log holds, as groups. The commands without events that were recorded at After itself
// belong to it too: they may have come after somebody else read up to there.
func history(ctx context.Context, log eventlog.Transfer, r Range, previous cqrs.CommandMeta) iter.Seq2[*group, error] {
	return func(yield func(*group, error) bool) {
		next, stop := iter.Pull2(log.Commands(ctx))
		defer stop()
		h := assembler{next: next, after: r.After, group: &group{}, done: previous.CommandID}
		if r.Through <= r.After {
			// Without events, or the query would mean something else.
			if err := h.finish(r.After + 1); err != nil {
				yield(nil, err)
				return
			}
			yield(h.group, nil)
			return
		}
		var current *commit
		for rec, err := range log.Read(ctx, eventlog.Query{After: r.After, Through: r.Through}) {
			if err != nil {
				yield(nil, err)
				return
			}
			if current != nil && current.id == rec.Commit {
				current.events = append(current.events, *rec)
				continue
			}
			if err := h.finish(rec.Position); err != nil {
				yield(nil, err)
				return
			}
			if !yield(h.group, nil) {
				return
			}
			current = &commit{id: rec.Commit, meta: metaOf(rec), events: []cqrs.Record{*rec}}
			h.group = &group{commit: current}
		}
		if err := h.finish(r.Through + 1); err != nil {
			yield(nil, err)
			return
		}
		yield(h.group, nil)
	}
}

// assembler brings commands to the groups that they belong to.
type assembler struct {
	next func() (*eventlog.CommandRecord, error, bool)
	// waiting is a record that was read and belongs to a later group.
	waiting *eventlog.CommandRecord
	over    bool
	after   cqrs.Position
	group   *group
	// done is the command id of the commit that the first group stands behind.
	done string
}

// finish adds the commands to the group that were recorded before a position.
func (a *assembler) finish(before cqrs.Position) error {
	for {
		if a.waiting == nil && !a.over {
			rec, err, ok := a.next()
			if err != nil {
				return err
			}
			if a.over = !ok; ok {
				kept := *rec
				a.waiting = &kept
			}
		}
		if a.waiting == nil || a.waiting.Outcome.Position >= before {
			a.group.sort()
			return nil
		}
		rec := a.waiting
		a.waiting = nil
		if rec.Outcome.Position >= a.after {
			a.add(rec)
		}
	}
}

// add adds a command to the group: to the commit if it is the commit's own.
func (a *assembler) add(rec *eventlog.CommandRecord) {
	c := a.group.commit
	switch id := rec.Outcome.Meta.CommandID; {
	case c != nil && id == c.meta.CommandID:
		c.recorded, c.hash, c.version = true, rec.Hash, rec.Outcome.Version
	case c == nil && id == a.done:
	default:
		a.group.commands = append(a.group.commands, &commit{
			meta: rec.Outcome.Meta, recorded: true, hash: rec.Hash, version: rec.Outcome.Version,
		})
	}
}

// border is what a range begins behind.
type border struct {
	commit cqrs.CommitID
	meta   cqrs.CommandMeta
}

// resolve sets the end of a range to the log's head if it has none, and returns what the range begins behind. It fails
// with a *RangeError for a range that cuts a commit.
func (r *Range) resolve(ctx context.Context, log eventlog.Log) (border, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return border{}, err
	}
	switch {
	case r.After < 0 || r.Through < 0 || r.Through > 0 && r.Through < r.After:
		return border{}, &RangeError{max(r.After, r.Through), "it is not a position behind the beginning"}
	case r.After > head || r.Through > head:
		return border{}, &RangeError{max(r.After, r.Through), fmt.Sprintf("the log ends at position %d", head)}
	}
	if r.Through == 0 {
		r.Through = head
	} else if _, err := between(ctx, log, r.Through, head); err != nil {
		return border{}, err
	}
	return between(ctx, log, r.After, head)
}

// between returns the commit that ends at a position.
func between(ctx context.Context, log eventlog.Log, at, head cqrs.Position) (border, error) {
	if at == 0 {
		return border{}, nil
	}
	last, err := firstOf(ctx, log, eventlog.Query{After: at - 1, Through: at})
	if err != nil {
		return border{}, err
	}
	if last == nil {
		return border{}, &RangeError{at, "the log has no event there"}
	}
	if at < head {
		next, err := firstOf(ctx, log, eventlog.Query{After: at, Through: head})
		if err != nil {
			return border{}, err
		}
		if next != nil && next.Commit == last.Commit {
			return border{}, &RangeError{at, fmt.Sprintf("it lies within commit %x", last.Commit)}
		}
	}
	return border{commit: last.Commit, meta: metaOf(last)}, nil
}

// firstOf returns a copy of the first record that a query finds, nil if there is none.
func firstOf(ctx context.Context, log eventlog.Log, q eventlog.Query) (*cqrs.Record, error) {
	for rec, err := range log.Read(ctx, q) {
		if err != nil {
			return nil, err
		}
		first := *rec
		return &first, nil
	}
	return nil, nil
}
