package memory

import (
	"context"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// ReadStream implements eventlog.Log.
func (l *Log) ReadStream(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return l.readStream(ctx, stream, func(v view) view {
		v.positions = v.positions[min(max(0, from-1), cqrs.Version(len(v.positions))):]
		return v
	})
}

// ReadStreamBackwards implements eventlog.Log.
func (l *Log) ReadStreamBackwards(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return l.readStream(ctx, stream, func(v view) view {
		if from > 0 {
			v.positions = v.positions[:min(from, cqrs.Version(len(v.positions)))]
		}
		v.backwards = true
		return v
	})
}

// view is a part of the log as it was at one moment.
type view struct {
	records   records
	positions []cqrs.Position
	backwards bool
}

func (v *view) at(i int) *cqrs.Record {
	if v.backwards {
		i = len(v.positions) - 1 - i
	}
	return v.records.at(int(v.positions[i] - 1))
}

func (l *Log) readStream(
	ctx context.Context, stream cqrs.StreamID, part func(view) view,
) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		if err := stream.Validate(); err != nil {
			yield(nil, err)
			return
		}
		l.mu.RLock()
		v, err := view{records: l.records}, l.usable(ctx)
		if s := l.streams[stream]; s != nil {
			v.positions = s.positions
		}
		l.mu.RUnlock()
		stopped := eventlog.ReadError{Stream: stream, Err: err}
		if err != nil {
			yield(nil, &stopped)
			return
		}
		v = part(v)
		l.each(ctx, len(v.positions), v.at, stopped, yield)
	}
}

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		l.mu.RLock()
		records, err := l.records, l.usable(ctx)
		l.mu.RUnlock()
		stopped := eventlog.ReadError{Position: max(0, q.After), Err: err}
		if err != nil {
			yield(nil, &stopped)
			return
		}
		through := cqrs.Position(records.n)
		if q.Through > 0 {
			through = min(q.Through, through)
		}
		after := min(max(0, q.After), through)
		types, categories := setOf(q.Types), setOf(q.Categories)
		l.each(ctx, int(through-after), func(i int) *cqrs.Record {
			rec := records.at(int(after) + i)
			if !types.admits(rec.Type) || !categories.admits(rec.Stream.Category) {
				return nil
			}
			return rec
		}, stopped, yield)
	}
}

// set is what a query restricts a property of events to; the empty set is no restriction.
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

// each yields the n records that at returns, without those that are nil. The caller gets a copy in one record that
// is used again and again, so that a program that keeps records fails here already, and not first on a disk.
func (l *Log) each(
	ctx context.Context, n int, at func(int) *cqrs.Record, stopped eventlog.ReadError, yield func(*cqrs.Record, error) bool,
) {
	const checkEvery = 256
	var lent cqrs.Record
	for i := range n {
		if i%checkEvery == checkEvery-1 {
			l.mu.RLock()
			stopped.Err = l.usable(ctx)
			l.mu.RUnlock()
			if stopped.Err != nil {
				yield(nil, &stopped)
				return
			}
		}
		r := at(i)
		if r == nil {
			continue
		}
		lent = *r
		stopped.Position, stopped.Version = r.Position, r.Version
		if !yield(&lent, nil) {
			return
		}
	}
}
