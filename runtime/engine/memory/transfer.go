package memory

import (
	"context"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Commands implements eventlog.Transfer.
func (l *Log) Commands(ctx context.Context) iter.Seq2[*eventlog.CommandRecord, error] {
	return func(yield func(*eventlog.CommandRecord, error) bool) {
		l.mu.RLock()
		ids, err := l.ids, l.usable(ctx)
		l.mu.RUnlock()
		if err != nil {
			yield(nil, &eventlog.ReadError{Err: err})
			return
		}
		var lent eventlog.CommandRecord
		for _, id := range ids {
			l.mu.RLock()
			c, err := l.commands[id], l.usable(ctx)
			l.mu.RUnlock()
			if err != nil {
				yield(nil, &eventlog.ReadError{Position: lent.Outcome.Position, Err: err})
				return
			}
			lent = eventlog.CommandRecord{Hash: c.hash, Outcome: c.outcome}
			if !yield(&lent, nil) {
				return
			}
		}
	}
}

// Import implements eventlog.Transfer.
func (l *Log) Import(ctx context.Context, commits iter.Seq2[*eventlog.Commit, error]) (n int64, err error) {
	for c, err := range commits {
		if err != nil {
			return n, err
		}
		if err := l.importOne(ctx, *c); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (l *Log) importOne(ctx context.Context, c eventlog.Commit) error {
	if err := c.Check(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return err
	}
	if _, ok := l.commands[c.Meta.CommandID]; ok {
		return &cqrs.CommandReusedError{CommandID: c.Meta.CommandID}
	}
	if _, err := l.append(&c); err != nil {
		return err
	}
	if first, ok := l.commands[c.Meta.CommandID]; ok {
		first.outcome.Version = c.Version
		l.commands[c.Meta.CommandID] = first
	}
	return nil
}
