// Package eventlog defines the append-only event log: what every engine promises, and what aggregates and
// projections rely on. Package logtest has the one conformance suite that every engine passes.
package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Limits that every engine enforces at the door, with a *LimitError.
const (
	// MaxPayload bounds the payload of one event, in bytes.
	MaxPayload = 1 << 20
	// MaxEvents bounds the events of one commit.
	MaxEvents = 10_000
	// MaxStreams bounds the streams of one commit, those that are only expected included.
	MaxStreams = 1000
	// MaxCommitBytes bounds the payloads of one commit together.
	MaxCommitBytes = 8 << 20
	// MaxMeta bounds each string of the meta data, in bytes.
	MaxMeta = 256
	// MaxType bounds the wire name of an event, in bytes.
	MaxType = 200
)

// Expected is the version that a stream must have for an append to happen.
type Expected int64

const (
	// Any accepts whatever version the stream has.
	Any Expected = -1
	// New expects a stream without events.
	New Expected = 0
)

// Exactly expects the stream at version v.
func Exactly(v cqrs.Version) Expected { return Expected(v) }

// NewEvent is an event to be stored. The engine does not keep Data.
type NewEvent struct {
	Type          string
	SchemaVersion int
	ContentType   cqrs.ContentType
	Data          []byte
}

// StreamAppend is the part of a commit that goes to one stream, or that depends on it.
type StreamAppend struct {
	Stream   cqrs.StreamID
	Expected Expected
	// Events may be empty if Expected is a version: then the stream is expected to be there still when the commit
	// happens, and does not change.
	Events []NewEvent
}

// Commit is stored whole or not at all. Its events get consecutive positions, in the order of Streams and of each
// stream's Events.
type Commit struct {
	// ID is new for each commit. A retry of the same commit keeps it.
	ID   cqrs.CommitID
	Meta cqrs.CommandMeta
	// CommandHash is a digest of the command. It is stored with Meta.CommandID, if there is one, in the same
	// transaction, and tells a repeated command from another one under the same id.
	CommandHash [32]byte
	// Version is what Appended.Version says, and is recorded with the command id, for a commit without streams. It is
	// ignored otherwise.
	Version cqrs.Version
	// Streams names each stream once. It may be without any event if Meta.CommandID is not empty: then only the command
	// is recorded.
	Streams []StreamAppend
}

// Appended is the outcome of a commit.
type Appended struct {
	// Position is that of the commit's last event; without events, that of the log's head.
	Position cqrs.Position
	// Version is the version of the commit's first stream afterwards; without streams, the commit's own Version.
	Version cqrs.Version
	// Meta is the commit's meta data.
	Meta cqrs.CommandMeta
	// Repeated says that Meta.CommandID was already recorded: this is the outcome, and the meta data, of the first
	// time.
	Repeated bool
}

// Query selects events of the whole log.
type Query struct {
	// After excludes everything up to and including this position.
	After cqrs.Position
	// Through, if above zero, is the last position that is included; else reading ends at the head that the log
	// has when reading starts.
	Through cqrs.Position
	// Types, if not empty, selects events of these wire names.
	Types []string
	// Categories, if not empty, selects events of streams of these categories. An event must be of the Types as well.
	Categories []string
	// Lent lets the log use a record's memory again as soon as the iteration goes on: Data, the id of the stream, and what
	// the command's caller gave are valid until then. The id stays valid all the same where the stream has a number. It is
	// for those who copy what they keep, and spares the collector what nobody keeps; a log need not do anything with it.
	Lent bool
}

// Log is an append-only event log. All methods are safe for concurrent use.
//
// Commit order is position order: once a reader has seen position p, no event at or below p ever appears that it
// could not have seen. Whatever Append acknowledged is durable, in the way that the engine's documentation states,
// and visible to every read that starts afterwards.
type Log interface {
	// Append stores all events of the commit, or none. Streams, meta data and sizes are checked first. Once it returned
	// without an error it reads nothing of the commit any more, so that its slices can be used again.
	//
	// Errors: *cqrs.ConflictError if a stream is not at its expected version; *cqrs.CommandReusedError if the
	// command id belongs to another command; *cqrs.InvalidStreamError, *LimitError and *InvalidCommitError for
	// commits that can't be stored; ErrFull if there is no room; *FailedError after a failure of the disk;
	// *UnknownOutcomeError if the engine can't know; ErrUnavailable; cqrs.ErrClosed. The end of ctx
	// stops the waiting, not the commit: an error of ctx means that the commit may still happen, and is reported
	// as an *UnknownOutcomeError unless the commit was not handed to the writer yet.
	Append(ctx context.Context, c Commit) (Appended, error)

	// Command returns the outcome of an earlier commit under this command id, and whether there is one. It fails
	// with *cqrs.CommandReusedError if the hash differs.
	Command(ctx context.Context, id string, hash [32]byte) (Appended, bool, error)

	// ReadStream yields the stream's records from version from (the first is 1), in order, up to the end that the
	// stream has when reading starts or later. A stream without events yields nothing. After an error, which
	// comes with a nil record, the iteration is over; *cqrs.InvalidStreamError is one, all others are *ReadError and
	// say where the iteration stopped. Whatever it holds is released when the loop ends, however it ends. Records are
	// reused, as cqrs.Record says.
	ReadStream(ctx context.Context, stream cqrs.StreamID, from cqrs.Version) iter.Seq2[*cqrs.Record, error]

	// ReadStreamBackwards yields the stream's records from version from down to the first; from 0, or from beyond the
	// stream's end, it starts at the last one. Otherwise it is as ReadStream.
	ReadStreamBackwards(ctx context.Context, stream cqrs.StreamID, from cqrs.Version) iter.Seq2[*cqrs.Record, error]

	// Read yields records of all streams in position order. It holds no lock and no transaction while the caller's
	// code runs. Otherwise it is as ReadStream.
	Read(ctx context.Context, q Query) iter.Seq2[*cqrs.Record, error]

	// Head returns the position of the last event, 0 in an empty log.
	Head(ctx context.Context) (cqrs.Position, error)

	// Count returns how many events of these types, of any type if there are none, the log holds.
	Count(ctx context.Context, types ...string) (int64, error)

	// Wait blocks until the log's head is beyond after, and returns the head. It fails when ctx ends, with ctx's
	// error, and with cqrs.ErrClosed when the log is closed. It is no busy loop.
	Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error)
}

// ReadError says where an iteration stopped that did not come to its end. Everything before that place was yielded, so
// that a new read may go on behind it.
type ReadError struct {
	// Stream is the stream that was read; the zero value stands for the whole log.
	Stream cqrs.StreamID
	// Position and Version are those of the last record that was yielded. Before the first record of the whole log
	// Position is what the query excluded; before the first one of a stream both are 0.
	Position cqrs.Position
	Version  cqrs.Version
	Err      error
}

func (e *ReadError) Error() string {
	if e.Stream == (cqrs.StreamID{}) {
		return fmt.Sprintf("reading the log stopped behind position %d: %v", e.Position, e.Err)
	}
	return fmt.Sprintf("reading stream %s stopped at version %d: %v", e.Stream, e.Version, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// LimitError refuses what is larger than every engine can store.
type LimitError struct {
	What       string
	Size, Most int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s has the size %d; the limit is %d", e.What, e.Size, e.Most)
}

// InvalidCommitError refuses a commit that makes no sense: without events, or with a stream named twice.
type InvalidCommitError struct{ Reason string }

func (e *InvalidCommitError) Error() string { return "invalid commit: " + e.Reason }

// UnknownOutcomeError says that nobody knows whether the commit was stored. Look: under the command id, or for
// events of the commit's id at the versions that it would have.
type UnknownOutcomeError struct {
	Commit cqrs.CommitID
	Err    error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("it is not known whether commit %x was stored: %v", e.Commit, e.Err)
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// FailedError says that the log stopped for good after a failure of the disk, so that nothing is acknowledged that
// may not be there. Reopening reads from disk what survived.
type FailedError struct{ Err error }

func (e *FailedError) Error() string {
	return fmt.Sprintf("the log stopped after a failed write, reopen it: %v", e.Err)
}

func (e *FailedError) Unwrap() error { return e.Err }

// ErrFull is wrapped by the error of an append that found no room on the disk. Nothing of the commit was stored;
// appending works again once there is room.
var ErrFull = errors.New("no room to store")

// ErrUnavailable is wrapped by errors that pass by themselves: the log's server could not be reached, or went away. Of a
// commit nothing was stored; the same call can be made again, and works once the server is back.
var ErrUnavailable = errors.New("the log is not available")

// ErrCorrupt is wrapped by errors about stored data that can't be what was written.
var ErrCorrupt = errors.New("corrupt log")
