package sqlitedb

import "zombiezen.com/go/sqlite"

// Fault is the kind of an error of SQLite.
type Fault int

// The kinds of errors that callers treat differently.
const (
	// None is no error.
	None Fault = iota
	// Other is an error of no other kind, also one that is not SQLite's: a mistake in a statement, say.
	Other
	// Busy means that another connection kept its lock for too long.
	Busy
	// Full means that the disk, or the database's own limit, has no room. Nothing was written; it may work later.
	Full
	// IO means that the operating system failed to read, write or sync. What the file holds is not known.
	IO
	// Corrupt means that the file is a damaged database.
	Corrupt
	// NotDatabase means that the file is no database at all.
	NotDatabase
	// ReadOnly means that the file, or its directory, can't be written.
	ReadOnly
	// CannotOpen means that the operating system did not open the file, or one of those beside it.
	CannotOpen
	// Constraint means that a row breaks a constraint or a trigger refused it.
	Constraint
	// Interrupted means that the context ended while the statement ran.
	Interrupted
)

// Classify returns the kind of an error.
func Classify(err error) Fault {
	if err == nil {
		return None
	}
	switch code := sqlite.ErrCode(err); code.ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultProtocol:
		return Busy
	case sqlite.ResultFull:
		return Full
	case sqlite.ResultIOErr:
		if code == sqlite.ResultIOErrNoMem {
			return Other
		}
		return IO
	case sqlite.ResultCorrupt:
		return Corrupt
	case sqlite.ResultNotADB:
		return NotDatabase
	case sqlite.ResultReadOnly:
		return ReadOnly
	case sqlite.ResultCantOpen:
		return CannotOpen
	case sqlite.ResultConstraint:
		return Constraint
	case sqlite.ResultInterrupt:
		return Interrupted
	}
	return Other
}
