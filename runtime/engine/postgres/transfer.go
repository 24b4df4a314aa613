package postgres

import (
	"context"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/jackc/pgx/v5"
)

// selectCommands yields commands in the order of their positions, and those of one position by their ids.
const selectCommands = `SELECT id, hash, position, version, time, correlation_id, causation_id, actor, commit_id
	FROM {schema}.commands WHERE position >= $1 AND (position, id) > ($1, $2) ORDER BY position, id LIMIT $3::bigint`

// Commands implements eventlog.Transfer.
func (l *Log) Commands(ctx context.Context) iter.Seq2[*eventlog.CommandRecord, error] {
	return func(yield func(*eventlog.CommandRecord, error) bool) {
		var lent eventlog.CommandRecord
		at := eventlog.ReadError{}
		for {
			var found []*commandRow
			err := l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) error {
				found = nil
				return l.queryOn(ctx, c, selectCommands, func(row [][]byte) error {
					c, err := decodeCommand(row)
					found = append(found, c)
					return err
				}, int64Param(int64(at.Position)), []byte(lent.Outcome.Meta.CommandID), int64Param(firstRows))
			})
			if err != nil {
				at.Err = err
				yield(nil, &at)
				return
			}
			for _, c := range found {
				lent = eventlog.CommandRecord{Hash: c.hash, Outcome: c.outcome}
				at.Position = c.outcome.Position
				if !yield(&lent, nil) {
					return
				}
			}
			if len(found) < firstRows {
				return
			}
		}
	}
}

// Bounds of one transaction of an import. It is closed once it is at or above one of them.
const (
	importEvents = 20_000
	importBytes  = 8 << 20
)

// Import implements eventlog.Transfer. The events go by COPY.
func (l *Log) Import(ctx context.Context, commits iter.Seq2[*eventlog.Commit, error]) (stored int64, err error) {
	s := newSession(l.settings, l.writing)
	defer s.close()
	next, stop := iter.Pull2(commits)
	defer stop()
	for {
		batch, ended, reading := gather(ctx, next)
		if len(batch) > 0 {
			n, err := l.importBatch(s, batch)
			stored += int64(n)
			if err != nil {
				return stored, err
			}
		}
		if ended || reading != nil {
			return stored, reading
		}
	}
}

// gather reads the commits of one transaction, so that nobody waits while the caller makes them.
func gather(
	ctx context.Context, next func() (*eventlog.Commit, error, bool), //nolint:revive // as iter.Pull2 has it
) (batch []*eventlog.Commit, ended bool, err error) {
	for events, bytes := 0, 0; events < importEvents && bytes < importBytes; {
		if err := ctx.Err(); err != nil {
			return batch, false, err
		}
		c, err, ok := next()
		if !ok || err != nil {
			return batch, !ok, err
		}
		if err := c.Check(); err != nil {
			return batch, false, err
		}
		r := newRequest(c)
		batch = append(batch, r.commit)
		events, bytes = events+r.events+1, bytes+r.bytes
	}
	return batch, false, nil
}

// importBatch stores commits up to the first that does not fit, and returns how many.
func (l *Log) importBatch(s *session, batch []*eventlog.Commit) (n int, err error) {
	if l.closed() {
		return 0, cqrs.ErrClosed
	}
	var refusal error
	p, err := s.run(&work{commits: batch, copy: true, plan: func(p *plan) {
		n, refusal = 0, nil
		for _, c := range batch {
			if refusal = p.take(c); refusal != nil {
				return
			}
			n++
		}
	}})
	if err != nil {
		return 0, errorOf(batch[0], err)
	}
	l.news.announce(p.head, true)
	return n, refusal
}
