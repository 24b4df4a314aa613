package jetstream

import (
	"context"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Commands implements eventlog.Transfer.
func (l *Log) Commands(ctx context.Context) iter.Seq2[*eventlog.CommandRecord, error] {
	return func(yield func(*eventlog.CommandRecord, error) bool) {
		var lent eventlog.CommandRecord
		h, err := l.head(ctx)
		if err != nil {
			yield(nil, &eventlog.ReadError{Err: err})
			return
		}
		s := l.scan(ctx, 1, h.sequence)
		defer s.close()
		last := cqrs.Position(0)
		for s.next() {
			if s.part.has(flagCommand) {
				lent = eventlog.CommandRecord{Hash: s.part.hash, Outcome: s.part.appended(s.sequence)}
				if s.part.lastCount == 0 {
					lent.Outcome.Position = last
				}
				if !yield(&lent, nil) {
					return
				}
			}
			if s.part.has(flagEvents) {
				last = positionOf(s.sequence, s.part.count-1)
			}
		}
		if s.err != nil {
			yield(nil, &eventlog.ReadError{Position: lent.Outcome.Position, Err: s.err})
		}
	}
}
