package postgres

import (
	"context"
	"errors"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

var _ eventlog.InlineLog = (*Log)(nil)

// Database implements eventlog.InlineLog.
func (l *Log) Database() string { return l.database }

// Inline implements eventlog.InlineLog. Imports pass the parts by, which then find themselves behind the log.
func (l *Log) Inline(in eventlog.Inline) (leave func()) { return l.inline.Join(in) }

// Settle implements eventlog.InlineLog.
func (l *Log) Settle(ctx context.Context) error {
	_, err := l.writer.submit(ctx, &request{answer: make(chan answer, 1)})
	if errors.Is(err, errUnanswered) {
		return ctx.Err()
	}
	return err
}

// inlined reports whether anybody takes part in this session's transactions: not in those of an import.
func (s *session) inlined() bool { return s.inline != nil && !s.inline.Empty() }

// inlineTx is a transaction that has the lock, before its first commit. Who takes part uses the connection, which is in
// the transaction, and leaves it open.
type inlineTx struct {
	*session
	head cqrs.Position
}

// Conn implements eventlog.InlineTx.
func (t inlineTx) Conn() any { return t.conn }

// Head implements eventlog.InlineTx.
func (t inlineTx) Head() cqrs.Position { return t.head }

// Read implements eventlog.InlineTx.
func (t inlineTx) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		r := logReader{log: t.log, query: q, after: max(0, q.After), through: q.Through, pace: t.log.newPace()}
		at := eventlog.ReadError{Position: r.after}
		for c := (&chunk{}); ; {
			c.reset()
			if c.kinds, c.err = t.log.loadKinds(ctx, t.conn); c.err == nil {
				c.err = r.fetch(ctx, t.conn, c)
			}
			if c.err == nil {
				c.seal()
			} else {
				c.records = c.records[:0]
			}
			if !c.yield(&at, yield) || !c.more {
				return
			}
		}
	}
}

// beginInline lets others take part in the transaction, which has the lock.
func (s *session) beginInline(ctx context.Context, p *plan, commits []*eventlog.Commit) error {
	if !s.inlined() {
		return nil
	}
	if err := s.inline.Begin(ctx, inlineTx{s, p.head}); err != nil {
		return err
	}
	p.fold = func(c *eventlog.Commit) error {
		return s.inline.Fold(ctx, c, p.head, func(i int) cqrs.Version { return p.versions[c.Streams[i].Stream] })
	}
	return s.inline.Expect(ctx, p.head, commits)
}

// inlineError is the server's refusal of what those who take part have written.
type inlineError struct{ err error }

func (e *inlineError) Error() string { return e.err.Error() }

func (e *inlineError) Unwrap() error { return e.err }

// flushInline lets those who take part write.
func (s *session) flushInline(ctx context.Context) error {
	if s.inline == nil {
		return nil
	}
	if err := s.inline.Flush(ctx); err != nil {
		return &inlineError{err}
	}
	return nil
}

// endInline says how the transaction ended.
func (s *session) endInline(stored bool) {
	if s.inline != nil {
		s.inline.End(stored)
	}
}

// settle runs a transaction without commits.
func (s *session) settle() error {
	for try := 1; ; try++ {
		err := s.trySettle()
		s.endInline(err == nil)
		if err == nil {
			return nil
		}
		s.rollback()
		switch broken := lost(s.conn, err); {
		case try < settleTries && (broken || s.repeatable(err)):
		case broken:
			return unavailable(err)
		default:
			return s.judge(err)
		}
	}
}

// settleTries bounds how often it is tried. It does not matter whether a transaction whose end was not seen was
// committed: the next one finds out, and has nothing to do then.
const settleTries = 3

func (s *session) trySettle() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	if err := s.connect(ctx); err != nil {
		return err
	}
	p, err := s.begin(ctx, &work{})
	if err == nil {
		err = s.beginInline(ctx, p, nil)
	}
	if err == nil {
		err = s.flushInline(ctx)
	}
	if err != nil {
		return err
	}
	return s.transact(ctx, []query{{sql: commitStatement}})
}

// kindsOf returns the kinds that a plan added, if there is a plan.
func kindsOf(p *plan) []kind {
	if p == nil {
		return nil
	}
	return p.newKinds
}
