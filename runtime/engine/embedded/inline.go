package embedded

import (
	"context"
	"errors"
	"iter"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Database implements eventlog.InlineLog.
func (l *Log) Database() string { return sqlitedb.Identity(l.path) }

// Inline implements eventlog.InlineLog.
func (l *Log) Inline(in eventlog.Inline) (leave func()) { return l.writer.tx.inline.Join(in) }

// Settle implements eventlog.InlineLog.
func (l *Log) Settle(ctx context.Context) error {
	_, err := l.writer.submit(ctx, &request{settles: true, answer: make(chan answer, 1)})
	if unanswered := (*unansweredError)(nil); errors.As(err, &unanswered) {
		return unanswered.Err
	}
	return err
}

// inlineTx is the writer's transaction before its first commit, as those see it who take part.
type inlineTx struct{ *transaction }

// beginInline lets others take part in the transaction that has just begun.
func (t *transaction) beginInline() error { return t.inline.Begin(context.Background(), inlineTx{t}) }

// Conn implements eventlog.InlineTx.
func (t inlineTx) Conn() any { return t.conn }

// Head implements eventlog.InlineTx.
func (t inlineTx) Head() cqrs.Position { return t.head }

// Read implements eventlog.InlineTx. Of names it remembers those that it reads, which is right only while this
// transaction has not added any.
func (t inlineTx) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		r := logReader{log: t.log, after: max(0, q.After), through: q.Through, names: q.Types, categories: q.Categories}
		to := &reading{stopped: eventlog.ReadError{Position: max(0, q.After)}, yield: yield}
		for c := (&chunk{}); ; {
			c.reset()
			if err := r.fetch(t.conn, c); err != nil {
				to.fail(err)
				return
			}
			c.seal()
			if !to.hand(ctx, c) || !c.more {
				return
			}
		}
	}
}

// fold lets those who take part take in a commit that fits, or refuse it, before anything of it is written. A commit
// whose command is on record is answered with that.
func (t *transaction) fold(c *eventlog.Commit, imported bool) (first eventlog.Appended, repeated bool, err error) {
	if c.Meta.CommandID != "" {
		if first, repeated, err = t.recordCommand(c, eventlog.Appended{}, false, imported); repeated || err != nil {
			return first, repeated, err
		}
	}
	err = t.inline.Fold(context.Background(), c, t.head, func(stream int) cqrs.Version { return t.rows[stream].head })
	if refusal := (eventlog.Refusal{}); errors.As(err, &refusal) {
		err = &refusalError{refusal.Err}
	}
	return eventlog.Appended{}, false, err
}

// end says how the transaction ended.
func (t *transaction) end(stored bool) {
	if !stored {
		t.forget()
	}
	t.inline.End(stored)
}
