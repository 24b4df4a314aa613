package readmodel

import "context"

// InlineStore is a store that can take part in the transactions of a log in the same database, an eventlog.InlineLog.
type InlineStore interface {
	Store

	// Database names the database that holds the read models. A log in the same one has the same name for it.
	Database() string

	// Within returns the store as the transaction on conn has it: all that is done through it is part of that
	// transaction. It fails if conn is not a connection of this kind of database.
	Within(conn any) (InlineTx, error)
}

// InlineTx is a store within a transaction that is somebody else's. It is used by one goroutine at a time, and valid as
// long as its connection is; the transaction may be another one each time.
type InlineTx interface {
	// State returns the fingerprint of the projection's active generation, "" if none is, and the checkpoint of the
	// schema's own generation, the zero one if there is none.
	State(ctx context.Context, s *Schema) (active string, at Checkpoint, err error)

	// Table is that of Store. Of the table that it returns Checkpoint, Apply and Get are called.
	Table(ctx context.Context, s *Schema) (Table, error)

	// Promote is that of Store.
	Promote(ctx context.Context, projection, fingerprint string) error

	// Committed says that the transaction was committed, for those who watch the read model or which of its generations
	// is the active one.
	Committed(s *Schema, promoted bool)
}
