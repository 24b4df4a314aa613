package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Read implements eventlog.Log. All messages are read, whatever the query selects: only so is it seen that none is
// missing.
func (l *Log) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		r := reading{log: l, ctx: ctx, yield: yield, stopped: eventlog.ReadError{Position: max(0, q.After)}}
		h, err := l.head(ctx)
		if err != nil {
			r.fail(err)
			return
		}
		through := h.position
		if q.Through > 0 {
			through = min(through, q.Through)
		}
		if q.After >= through {
			return
		}
		r.types, r.categories = setOf(q.Types), setOf(q.Categories)
		s := l.scan(ctx, sequenceOf(q.After), sequenceOf(through))
		defer s.close()
		for s.next() {
			if s.part.has(flagEvents) && !r.part(&s.part, s.sequence, max(0, q.After), through) {
				return
			}
		}
		if s.err != nil {
			r.fail(s.err)
			return
		}
		l.see(through, false)
	}
}

// set is what a query restricts a property of events to; nil is no restriction.
type set map[string]struct{}

func setOf(values []string) set {
	if len(values) == 0 {
		return nil
	}
	s := make(set, len(values))
	for _, v := range values {
		s[v] = struct{}{}
	}
	return s
}

func (s set) admits(v string) bool {
	if s == nil {
		return true
	}
	_, ok := s[v]
	return ok
}

// reading hands out records.
type reading struct {
	log               *Log
	ctx               context.Context
	yield             func(*cqrs.Record, error) bool
	types, categories set
	record            cqrs.Record
	stopped           eventlog.ReadError
	// over says that the caller wants no more, or was handed an error.
	over bool
}

func (r *reading) fail(err error) {
	r.over = true
	r.stopped.Err = err
	r.yield(nil, &r.stopped)
}

// wants reports whether a part may have events that are selected.
func (r *reading) wants(p *part) bool {
	if !r.categories.admits(p.stream.Category) {
		return false
	}
	if r.types == nil {
		return true
	}
	for i := range p.types {
		if r.types.admits(p.types[i].name) {
			return true
		}
	}
	return false
}

// checkEvery is how many events are handed out between two looks at whether to stop.
const checkEvery = 256

// part hands out the events of a message that lie behind after and not behind through. It reports whether to go on.
func (r *reading) part(p *part, sequence uint64, after, through cqrs.Position) bool {
	if !r.wants(p) {
		return true
	}
	p.record(&r.record)
	common := r.record.EventMeta
	for i := range p.count {
		if err := p.event(&r.record); err != nil {
			r.fail(fmt.Errorf("message %d: %w", sequence, err))
			return false
		}
		at := positionOf(sequence, i)
		if at <= after || at > through || !r.types.admits(r.record.Type) {
			continue
		}
		r.record.EventMeta = common
		r.record.Position, r.record.Version = at, p.version+cqrs.Version(i)
		if !r.hand(i) {
			return false
		}
	}
	return true
}

// hand hands out the record.
func (r *reading) hand(i uint64) bool {
	if i%checkEvery == checkEvery-1 {
		if err := r.log.usable(r.ctx); err != nil {
			r.fail(err)
			return false
		}
	}
	r.stopped.Position, r.stopped.Version = r.record.Position, r.record.Version
	if !r.yield(&r.record, nil) {
		r.over = true
		return false
	}
	return true
}

// errOver ends a walk whose caller wants no more, or was told the error already.
var errOver = errors.New("over")
