// Package readmodel defines where projections keep their rows: the table interface that every sink implements, and
// the typed queries over it. Package readmodeltest has the one conformance suite that every sink passes.
package readmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Column is one field of a key or a row.
type Column struct {
	// Name is the field's name in the model: a Go identifier.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Optional columns may be null.
	Optional bool `json:"optional,omitempty"`
	// Search says how a Search looks into the column; it is for columns of kind String.
	Search Searchable `json:"search,omitempty"`
	// Sealed columns hold personal data, encrypted. What was erased of them since does not show in what is stored.
	Sealed bool `json:"sealed,omitempty"`
}

// Schema is what a sink has to know of a projection's rows.
type Schema struct {
	// Projection is the projection's name in the model: a Go identifier.
	Projection string `json:"projection"`
	// Fingerprint stands for the shape and the meaning of the rows: 16 hex digits. Another fingerprint is another
	// generation of the read model, with a table and a checkpoint of its own.
	Fingerprint string `json:"fingerprint"`
	// Key has at least one column; none is optional or of kind JSON.
	Key []Column `json:"key"`
	// Row has the columns that are not in the key.
	Row []Column `json:"row,omitempty"`
	// Indexes name columns of the key and the row, none of kind JSON.
	Indexes [][]string `json:"indexes,omitempty"`
	// View, if not empty, is a query that computes the rows from the tables of a log in PostgreSQL, whose schema {log}
	// stands for: the columns of key and row, in their order, and the position of the last event that is part of the row.
	View string `json:"view,omitempty"`
}

// Checkpoint says how far a table reflects the log. Checkpoints are compared whole.
type Checkpoint struct {
	// Position is "scanned through": every event up to here that the projection handles was folded. Zero means that
	// the projection never started, or that the log was empty.
	Position cqrs.Position
	// Commit is the commit of the event at Position. A log that has another one there is not the log that this
	// table was made from.
	Commit cqrs.CommitID
	// Handled counts the events that were folded since the log's start.
	Handled int64
	// Built says that the table has once reflected the log's head: it is whole. Once true it stays.
	Built bool
}

// Generation is what a store knows of one generation of a read model.
type Generation struct {
	// Schema is that with which the generation was created.
	Schema     Schema
	Checkpoint Checkpoint
	// Active says that this is the generation that is to be queried; at most one of a projection is.
	Active bool
	// Created and Promoted are by the store's clock, and in UTC. Promoted is when the generation became active last, zero
	// if it never did.
	Created, Promoted time.Time
	Lease             Lease
	// Asked is when the store was asked, by the clock by which leases end.
	Asked time.Time
}

// Held reports whether somebody had the lease of the generation when the store was asked.
func (g *Generation) Held() bool { return g.Lease.Holder != "" && g.Lease.Until.After(g.Asked) }

// Lease says who projects into a generation.
type Lease struct {
	// Holder names a process, Until is when its lease ends by the store's clock. A lease that was given up has neither; one
	// that ended by itself still has both: see Generation.Held.
	Holder string
	Until  time.Time
	// Report is what a holder said last, at the time Reported. It stays when the lease ends.
	Report   []byte
	Reported time.Time
}

// Change is the new content of one row.
type Change struct {
	// Key and Row are in the order of the schema's columns. Without a Row the change deletes; where rows can be stored
	// without the checkpoint, the table keeps a tombstone then: the key with the Position.
	Key, Row []Value
	// Position is that of the last event that was folded into the row, or deleted it.
	Position cqrs.Position
}

// Batch is one atomic step of a table. It names each key once.
type Batch struct {
	From, To Checkpoint
	Changes  []Change
}

// Find selects rows in an order.
type Find struct {
	// Index is the number of the schema's index that gives the order; -1 is the key's own order. Rows that are equal
	// by their index are in the order of their keys. Null sorts first.
	Index int
	// Order, if not empty, sorts by these columns instead, as an index over them would. Index is then -1.
	Order []string
	// Equal fixes the first columns of the index or of Order, or of the key.
	Equal []Value
	// Where leaves out the rows that do not meet it.
	Where Condition
	// After, if not empty, continues behind a row: the remaining values of the index or of Order, if there is one, and
	// then of all key columns.
	After []Value
	// Limit bounds the number of rows, if above zero.
	Limit int
}

// Table keeps the rows of one generation of a read model: of one projection and one fingerprint. All methods are safe
// for concurrent use. The slices that a table hands to a callback are reused and must not be changed, their strings are
// not reused; the table keeps no slice that it is given. A callback must not call the table: it may hold the connection
// that the call would wait for.
//
// When the generation was dropped, every call fails with ErrNoGeneration.
type Table interface {
	// Checkpoint returns the stored checkpoint, the zero one of a new table.
	Checkpoint(ctx context.Context) (Checkpoint, error)

	// Apply stores the batch's changes and its To checkpoint in one atomic step, if the stored checkpoint equals
	// From; else it fails with ErrFenced and changes nothing.
	//
	// As long as a table is not built a sink may do without indexes, and load in bulk. With the first batch whose To is
	// Built, all indexes of the schema are in place.
	Apply(ctx context.Context, b *Batch) error

	// RowsAhead reports whether Apply may store rows before their checkpoint, so that a batch of which a projector has
	// stored a part may meet the whole one of another. A batch for such a table also deletes the rows that were made and
	// deleted within it: the other projector may still store them as they were in between.
	RowsAhead() bool

	// Get calls found for each key that has a row, with the key's index in keys, in any order, and returns the
	// checkpoint. Rows and checkpoint are of the same moment. A tombstone is a nil row. at is the position of the last
	// event that was folded into the row, or deleted it.
	Get(ctx context.Context, keys [][]Value, found func(i int, row []Value, at cqrs.Position) error) (Checkpoint, error)

	// Find calls found for each selected row, in order, until it returns an error, and returns the checkpoint. Rows and
	// checkpoint are of the same moment. at is as in Get; tombstones never show. ErrStop ends it without an error.
	Find(ctx context.Context, f Find, found func(key, row []Value, at cqrs.Position) error) (Checkpoint, error)

	// Count returns the number of rows that Find would select without After and Limit.
	Count(ctx context.Context, f Find) (int64, Checkpoint, error)

	// Hold takes the lease of the generation for a time from now on, by the store's clock, or renews it, and leaves a
	// report. While another one has it, the error is a *HeldError. The lease tells processes which of them should work;
	// what makes their work safe is that Apply compares checkpoints.
	Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error

	// Release gives the lease up, if holder has it, and leaves a report. If it has not, nothing happens.
	Release(ctx context.Context, holder string, report []byte) error
}

// Store is a database that keeps read models, of each any number of generations side by side. One of them is active:
// the one that queries, and other readers of the database, are led to. It is safe for concurrent use.
//
// A store that is a Watcher too closes the channel of Changed with the next Promote or Drop through it, and when a
// generation becomes built by a batch through it.
type Store interface {
	// Name says what kind of store it is, in one word: memory, sqlite, postgres, redis, elastic.
	Name() string

	// Table opens the table of the schema's projection and fingerprint, and creates it where it does not exist.
	// Tables of other fingerprints are left alone.
	Table(ctx context.Context, s *Schema) (Table, error)

	// Open opens a generation that exists, with the schema with which it was created; else it fails with
	// ErrNoGeneration.
	Open(ctx context.Context, projection, fingerprint string) (Table, *Schema, error)

	// Generations returns the generations of a projection in the order in which they were created; those of all
	// projections, by projection, if it is empty.
	Generations(ctx context.Context, projection string) ([]Generation, error)

	// Promote makes a generation the active one, instead of the one that was, in one atomic step for every reader. It
	// does nothing if it is active already. Errors: ErrNoGeneration; *NotBuiltError.
	Promote(ctx context.Context, projection, fingerprint string) error

	// Drop deletes a generation with all that belongs to it. Errors: ErrNoGeneration; *ActiveError; *HeldError while
	// somebody has its lease.
	Drop(ctx context.Context, projection, fingerprint string) error
}

// ErrFenced says that another projector moved the checkpoint: this one must stop, or start again from there.
var ErrFenced = errors.New("the checkpoint was moved by another projector")

// ErrStop is returned by callbacks to end an iteration early.
var ErrStop = errors.New("stop")

// ErrNoRow says that a read model has no row under a key.
var ErrNoRow = errors.New("no row under this key")

// ErrNoGeneration says that a store has no such generation of a read model: it was never made, or it was dropped.
var ErrNoGeneration = errors.New("the read model has no such generation")

// ErrUnavailable says that the database of a read model did not answer, or was too busy, and was asked several times. What
// was being written may have been written or not; projectors go on by themselves when it is back.
var ErrUnavailable = errors.New("the read model's database is not available")

// HeldError says that another process holds the lease of a generation: it projects into it, or did so until a moment
// ago.
type HeldError struct {
	Projection, Generation string
	// Holder names the process, Until is when its lease ends if it is not renewed, by the store's clock.
	Holder string
	Until  time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("read model %s: generation %s is held by %s until %s",
		e.Projection, e.Generation, e.Holder, e.Until.Format(TimeLayout))
}

// NotBuiltError says that a generation has not reached the head of its log yet. It can't be promoted, and a query that
// has no other generation of the same shape to answer from fails. Projecting ends it.
type NotBuiltError struct {
	Projection, Generation string
	// Position is how far the generation is; 0 if its projection never started.
	Position cqrs.Position
}

func (e *NotBuiltError) Error() string {
	return fmt.Sprintf("read model %s: generation %s is not built yet: it is at position %d",
		e.Projection, e.Generation, e.Position)
}

// ActiveError refuses to drop the active generation: promote another one first.
type ActiveError struct{ Projection, Generation string }

func (e *ActiveError) Error() string {
	return fmt.Sprintf("read model %s: generation %s is active: promote another one before it is dropped",
		e.Projection, e.Generation)
}

// HistoryError says that a read model was made from another log: the log has not the commit that the checkpoint names,
// at the checkpoint's position. A log was restored from an older backup, for one. Nothing was changed.
type HistoryError struct {
	Projection string
	Position   cqrs.Position
	// Commit is what the checkpoint names, Found what the log has; zero if it has nothing there.
	Commit, Found cqrs.CommitID
}

func (e *HistoryError) Error() string {
	found := "nothing"
	if e.Found != (cqrs.CommitID{}) {
		found = fmt.Sprintf("commit %x", e.Found)
	}
	return fmt.Sprintf("projection %s: its read model was made from another log: it reflects commit %x at position %d, "+
		"where this log has %s; to have it built anew, raise the projection's `revision` in the model, and generate", e.Projection, e.Commit, e.Position, found)
}

// StaleError says that a query gave up waiting for the position that it was to reflect. It wraps the context's error,
// or what stopped the projector.
type StaleError struct {
	Projection string
	// Want is the position of AtLeast.
	Want cqrs.Position
	// Reached is how far the generation was that would have answered. One that is not built does not answer.
	Reached Freshness
	// Unattended says that an older generation serves, and that no process advances it: the wait ends when the new one
	// is built and promoted.
	Unattended bool
	Err        error
}

func (e *StaleError) Error() string {
	where := fmt.Sprintf("is at position %d", e.Reached.Position)
	switch {
	case e.Reached.Position == 0:
		where = "has not started"
	case !e.Reached.Built:
		where += " and not built yet"
	}
	text := fmt.Sprintf("read model %s %s, and was waited for at position %d: %v", e.Projection, where, e.Want, e.Err)
	if e.Unattended {
		text += fmt.Sprintf(" (its older generation %s serves, and no process advances it until the new one is promoted)",
			e.Reached.Generation)
	}
	return text
}

func (e *StaleError) Unwrap() error { return e.Err }

// CorruptError says that a stored row is not what its schema declares.
type CorruptError struct {
	Projection string
	Column     string
	Reason     string
	// Err is what the reason says, where that can be told apart; else nil.
	Err error
}

func (e *CorruptError) Unwrap() error { return e.Err }

func (e *CorruptError) Error() string {
	return fmt.Sprintf("read model %s: column %s: %s", e.Projection, e.Column, e.Reason)
}

// Refresher is implemented by tables that their store computes from the log: nobody folds into them.
type Refresher interface {
	Table
	// Refresh computes the rows anew, from the log as it is now, and returns the checkpoint that they reflect, which is
	// built. Rows and checkpoint change in one step. events are the wire names of the events that lead to rows, and
	// cqrs.Replaced: where the log has records of that type check is asked about each of them, and its error keeps the rows
	// as they are.
	Refresh(ctx context.Context, events []string, check func(rec *cqrs.Record) error) (Checkpoint, error)
}
