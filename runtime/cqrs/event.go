package cqrs

import (
	"strings"
	"time"
)

// ContentType says how the payload of a record is encoded. Each record names its own, so that a log can hold events
// of several encodings.
type ContentType string

// JSON is the encoding that generated codecs write.
const JSON ContentType = "application/json"

// Event is what every generated event implements, on its pointer.
type Event interface {
	// EventType returns the event's wire name. It never changes once an event was stored.
	EventType() string
	// AppendJSON appends the event's JSON encoding to b. It fails, with an *EncodingError, for a value that no
	// store could keep faithfully: a string that is not valid UTF-8 or holds a NUL, a float that is not finite, a
	// time that is not in UTC or is finer than a microsecond, an unknown enum value. What was appended is then
	// undefined.
	AppendJSON(b []byte) ([]byte, error)
}

// CommitID identifies one commit, and so all of its events, for ever and everywhere. It is a UUID of version 7.
type CommitID [16]byte

// EventMeta is what the runtime knows about a stored event besides its payload.
type EventMeta struct {
	Position Position
	Stream   StreamID
	Version  Version
	Commit   CommitID
	// Time is when the command was decided: UTC, in microseconds. It is the same for all events of a commit and
	// may run backwards from one commit to the next: order is given by Position alone.
	Time time.Time
	// CommandID, CorrelationID, CausationID and Actor are as the command's caller gave them; each may be empty.
	CommandID     string
	CorrelationID string
	CausationID   string
	Actor         string
}

// Clone returns a copy whose strings are its own: what a row keeps of them then keeps no buffer.
func (m EventMeta) Clone() EventMeta {
	m.Stream.ID = strings.Clone(m.Stream.ID)
	m.CommandID, m.CorrelationID = strings.Clone(m.CommandID), strings.Clone(m.CorrelationID)
	m.CausationID, m.Actor = strings.Clone(m.CausationID), strings.Clone(m.Actor)
	return m
}

// Record is one stored event. Records are handed out by pointer and reused: a *Record is valid until the iteration
// that yielded it goes on. Data is different: nobody ever writes to it again, so that slices and strings made from
// it stay valid; whoever keeps one pins the buffer that it was read into, and therefore copies what it keeps long. It is
// different again for who asked for records that are lent, and for folds.
type Record struct {
	EventMeta
	// Type is the event's wire name.
	Type string
	// StreamNumber is a small number that stands for Stream, the same for as long as the log is open; 0 is none. A log
	// need not have any: the replay archive has. Where two records have one, their streams are equal if and only if their
	// numbers are; and their ids are then one string, which pins no buffer.
	StreamNumber uint32
	// SchemaVersion is the version of the event's declaration that wrote it, from 1.
	SchemaVersion int
	ContentType   ContentType
	Data          []byte
}

// CommandMeta travels with a command and is stored with each event that it causes.
type CommandMeta struct {
	// Time is fixed once per command, also over retries: UTC, in microseconds.
	Time time.Time
	// CommandID, where the caller gives one, makes the command idempotent: a repeated id returns the first receipt.
	CommandID     string
	CorrelationID string
	CausationID   string
	Actor         string
}

// Receipt is the answer to a command that was accepted.
type Receipt struct {
	// Position is that of the command's last event: what to wait for with AtLeast. A command without events
	// has the position of the head of the log at the time.
	Position Position
	// Version is the version of the command's own stream afterwards.
	Version Version
	// Time is the command's time.
	Time time.Time
	// Repeated says that the command id was seen before: this is the receipt of the first time, and nothing was
	// appended now.
	Repeated bool
}

// Unknown returns the error for a record that this program can't decode.
func (r *Record) Unknown() error {
	return &UnknownEventError{
		Stream: r.Stream, Version: r.Version, Position: r.Position,
		Type: r.Type, SchemaVersion: r.SchemaVersion, ContentType: r.ContentType,
	}
}
