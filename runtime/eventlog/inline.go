package eventlog

import (
	"context"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Inline takes part in the transactions in which a log's commits are stored: what it writes in them is there if the
// commits are, and is not if they are not. Its methods but Name are called by one goroutine, the log's writer, and in
// this order: Begin, Expect, any number of Fold and Undo, Flush, End. Where a transaction is tried again that begins
// anew.
type Inline interface {
	// Name tells the parts of one log apart: of two with one name, the log calls the first.
	Name() string

	// Begin comes before the commits of a transaction, while the lock is held under which positions are given. An error
	// ends the transaction; that commits are going to be refused is for Fold to say.
	Begin(ctx context.Context, tx InlineTx) error

	// Expect shows the records that Fold is probably going to get, so that what they need can be loaded at once. Their
	// positions and versions may still change, and some may not come.
	Expect(ctx context.Context, recs []cqrs.Record) error

	// Fold takes in the records of one commit. A Refusal is an error of this commit alone: it is not stored, and
	// nothing of it is kept here either. Every other error ends the transaction. The records are reused.
	Fold(ctx context.Context, recs []cqrs.Record) error

	// Undo takes back the commit that was folded last: another part has refused it.
	Undo()

	// Flush writes, before the transaction is committed. An error ends it.
	Flush(ctx context.Context) error

	// End says whether the transaction was committed, as far as is known.
	End(stored bool)
}

// Refusal wraps the error with which an Inline refuses one commit. Append returns the error itself.
type Refusal struct{ Err error }

func (r Refusal) Error() string { return r.Err.Error() }

func (r Refusal) Unwrap() error { return r.Err }

// InlineTx is a transaction of a log, before its first commit.
type InlineTx interface {
	// Conn is the connection that the transaction runs on: a *sqlite.Conn of zombiezen.com/go/sqlite, or a pgx.Tx. Whoever
	// writes there keeps away from the log's own tables.
	Conn() any
	// Head is the position of the log's last event.
	Head() cqrs.Position
	// Read yields what the log holds, as Log.Read does. It is only called within Begin.
	Read(ctx context.Context, q Query) iter.Seq2[*cqrs.Record, error]
}

// InlineLog is a log whose transactions others can take part in.
type InlineLog interface {
	Log

	// Database names the database that holds the log. A store in the same one has the same name for it.
	Database() string

	// Inline lets a part take part in every transaction that begins from now on, until leave is called. Leave does not
	// wait for the one that is under way.
	Inline(in Inline) (leave func())

	// Settle runs a transaction without commits, so that every part can bring itself up to date. Its errors are those of
	// Append.
	Settle(ctx context.Context) error
}
