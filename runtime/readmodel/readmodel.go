// Package readmodel defines where projections keep their rows: the table interface that every sink implements, and
// the typed queries over it. Package readmodeltest has the one conformance suite that every sink passes.
package readmodel

import (
	"context"
	"errors"
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Column is one field of a key or a row.
type Column struct {
	// Name is the field's name in the model: a Go identifier.
	Name string
	Kind Kind
	// Optional columns may be null.
	Optional bool
}

// Schema is what a sink has to know of a projection's rows.
type Schema struct {
	// Projection is the projection's name in the model: a Go identifier.
	Projection string
	// Fingerprint stands for the shape and the meaning of the rows: 16 hex digits. Another fingerprint is another
	// table, with a checkpoint of its own.
	Fingerprint string
	// Key has at least one column; none is optional or of kind JSON.
	Key []Column
	// Row has the columns that are not in the key.
	Row []Column
	// Indexes name columns of the key and the row, none of kind JSON.
	Indexes [][]string
	// View, if not empty, is a query that computes the rows from the tables of a log in PostgreSQL, whose schema {log}
	// stands for: the columns of key and row, in their order, and the position of the last event that is part of the row.
	View string
}

// Checkpoint says how far a table reflects the log.
type Checkpoint struct {
	// Position is "scanned through": every event up to here that the projection handles was folded. Zero means that
	// the projection never started.
	Position cqrs.Position
	// Commit is the commit of the event at Position. A log that has another one there is not the log that this
	// table was made from.
	Commit cqrs.CommitID
	// Handled counts the events that were folded since the log's start.
	Handled int64
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

// Table keeps the rows of one projection, of one fingerprint. All methods are safe for concurrent use. The slices
// that a table hands to a callback are reused and must not be changed, their strings are not reused; the table keeps no
// slice that it is given. A callback must not call the table: it may hold the connection that the call would wait for.
type Table interface {
	// Checkpoint returns the stored checkpoint, the zero one if there is none.
	Checkpoint(ctx context.Context) (Checkpoint, error)

	// Apply stores the batch's changes and its To checkpoint in one atomic step, if the stored checkpoint equals
	// From; else it fails with ErrFenced and changes nothing.
	Apply(ctx context.Context, b *Batch) error

	// Get calls found for each key that has a row, with the key's index in keys, in any order, and returns the
	// checkpoint's position. Rows and position are of the same moment. A tombstone is a nil row.
	Get(ctx context.Context, keys [][]Value, found func(i int, row []Value, at cqrs.Position) error) (cqrs.Position, error)

	// Find calls found for each selected row, in order, until it returns an error, and returns the checkpoint's
	// position. Rows and position are of the same moment. ErrStop ends it without an error.
	Find(ctx context.Context, f Find, found func(key, row []Value) error) (cqrs.Position, error)

	// Count returns the number of rows that Find would select without After and Limit.
	Count(ctx context.Context, f Find) (int64, cqrs.Position, error)
}

// Store is a database that keeps read models.
type Store interface {
	// Table opens the table of the schema's projection and fingerprint, and creates it where it does not exist.
	// Tables of other fingerprints are left alone.
	Table(ctx context.Context, s *Schema) (Table, error)
}

// ErrFenced says that another projector moved the checkpoint: this one must stop, or start again from there.
var ErrFenced = errors.New("the checkpoint was moved by another projector")

// ErrStop is returned by callbacks to end an iteration early.
var ErrStop = errors.New("stop")

// ErrNoRow says that a read model has no row under a key.
var ErrNoRow = errors.New("no row under this key")

// StaleError says that a query gave up waiting for the position that it was to reflect. It wraps the context's error,
// or what stopped the projector.
type StaleError struct {
	Projection string
	// Want is the position of AtLeast, Have the position that the read model had reached; 0 if its projection
	// never started.
	Want, Have cqrs.Position
	Err        error
}

func (e *StaleError) Error() string {
	if e.Have == 0 {
		return fmt.Sprintf("read model %s has not started, and was waited for at position %d: %v", e.Projection, e.Want, e.Err)
	}
	return fmt.Sprintf("read model %s is at position %d, and was waited for at %d: %v", e.Projection, e.Have, e.Want, e.Err)
}

func (e *StaleError) Unwrap() error { return e.Err }

// CorruptError says that a stored row is not what its schema declares.
type CorruptError struct {
	Projection string
	Column     string
	Reason     string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("read model %s: column %s: %s", e.Projection, e.Column, e.Reason)
}
