package embedded

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"zombiezen.com/go/sqlite"
)

// Bounds of one transaction of an import. A transaction is closed once it is at or above one of them. It is larger than
// those of appends, since nobody waits for it, and not much larger, since appends of other processes do.
const (
	importCommits = 8192
	importBytes   = 8 << 20
)

// Import implements eventlog.Transfer. While one transaction is written the next one is gathered, so that it holds
// about 16 MiB.
func (l *Log) Import(ctx context.Context, commits iter.Seq2[*eventlog.Commit, error]) (int64, error) {
	i := importer{writer: l.writer, ctx: ctx, next: &request{}}
	err := i.gather(commits)
	if failed := i.finish(); failed != nil {
		// What was handed in first failed first.
		err = failed
	}
	return i.stored, err
}

// importer hands commits to the writer, many at once.
type importer struct {
	writer *writer
	ctx    context.Context
	// next is gathered; written, if not nil, is what the writer is at.
	next, written *request
	stored        int64
}

// gather takes commits until one can't be stored. What it took is not all written when it returns.
func (i *importer) gather(commits iter.Seq2[*eventlog.Commit, error]) error {
	for c, err := range commits {
		if err == nil {
			err = i.ctx.Err()
		}
		if err == nil {
			err = c.Check()
		}
		if err != nil {
			return err
		}
		i.next.imported = append(i.next.imported, copyCommit(c))
		i.next.bytes += commitBytes(c)
		if i.next.bytes < importBytes && len(i.next.imported) < importCommits {
			continue
		}
		if err := i.handIn(); err != nil {
			return err
		}
	}
	return i.ctx.Err()
}

// handIn gives what was gathered to the writer, once the writer is done with what it got before.
func (i *importer) handIn() error {
	if err := i.await(); err != nil {
		i.next = &request{} // what comes behind a commit that was refused is not stored either
		return err
	}
	r := i.next
	i.next = &request{}
	if len(r.imported) == 0 {
		return nil
	}
	r.answer = make(chan answer, 1)
	if err := i.writer.send(i.ctx, r); err != nil {
		return err
	}
	i.written = r
	return nil
}

// await waits for the writer. It does not give up when the context ends while commits are written, because it has to
// say how many were.
func (i *importer) await() error {
	r := i.written
	if r == nil {
		return nil
	}
	i.written = nil
	var a answer
	select {
	case a = <-r.answer:
	case <-i.ctx.Done():
		if r.abandon() {
			return i.ctx.Err()
		}
		a = <-r.answer
	}
	i.stored += int64(a.imported)
	if unanswered := (*unansweredError)(nil); errors.As(a.err, &unanswered) {
		return &eventlog.UnknownOutcomeError{Commit: r.imported[a.imported].ID, Err: unanswered.Err}
	}
	return a.err
}

// finish writes what is left.
func (i *importer) finish() error {
	if err := i.handIn(); err != nil {
		return err
	}
	return i.await()
}

// importAll stores commits in their order, up to the first one that does not fit.
func (t *transaction) importAll(commits []*eventlog.Commit) (stored int, err error) {
	for _, c := range commits {
		if _, err := t.append(c, true); err != nil {
			return stored, err
		}
		stored++
	}
	return stored, nil
}

const selectCommands = `SELECT position, id, hash, version, time, correlation_id, causation_id, actor, number
	FROM commands WHERE number > ?1 + 0 ORDER BY number LIMIT 1000`

// Commands implements eventlog.Transfer.
func (l *Log) Commands(ctx context.Context) iter.Seq2[*eventlog.CommandRecord, error] {
	return func(yield func(*eventlog.CommandRecord, error) bool) {
		last, number, position := []eventlog.CommandRecord(nil), int64(0), cqrs.Position(0)
		for {
			commands, err := l.commandsAfter(ctx, last[:0], &number)
			if err != nil {
				yield(nil, &eventlog.ReadError{Position: position, Err: err})
				return
			}
			if len(commands) == 0 {
				return
			}
			for i := range commands {
				position = commands[i].Outcome.Position
				if !yield(&commands[i], nil) {
					return
				}
			}
			last = commands
		}
	}
}

// commandsAfter appends the commands that follow a number to commands, and moves the number on.
func (l *Log) commandsAfter(
	ctx context.Context, commands []eventlog.CommandRecord, number *int64,
) ([]eventlog.CommandRecord, error) {
	err := l.read(ctx, func(c *sqlite.Conn) error {
		stmt, err := c.Prepare(selectCommands)
		if err != nil {
			return err
		}
		stmt.BindInt64(1, *number)
		for {
			row, err := stmt.Step()
			if !row || err != nil {
				return err
			}
			command, err := scanCommand(stmt)
			if err != nil {
				return err
			}
			commands = append(commands, command)
			*number = stmt.ColumnInt64(8)
		}
	})
	return commands, err
}

func scanCommand(stmt *sqlite.Stmt) (c eventlog.CommandRecord, err error) {
	id := stmt.ColumnText(1)
	if n := stmt.ColumnBytes(2, c.Hash[:]); n != len(c.Hash) {
		return c, corruptf("the hash of command %q has %d bytes", id, n)
	}
	c.Outcome = eventlog.Appended{
		Position: cqrs.Position(stmt.ColumnInt64(0)),
		Version:  cqrs.Version(stmt.ColumnInt64(3)),
		Meta: cqrs.CommandMeta{
			Time: time.UnixMicro(stmt.ColumnInt64(4)).UTC(), CommandID: id,
			CorrelationID: stmt.ColumnText(5), CausationID: stmt.ColumnText(6), Actor: stmt.ColumnText(7),
		},
	}
	return c, nil
}
