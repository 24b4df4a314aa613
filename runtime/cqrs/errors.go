package cqrs

import (
	"errors"
	"fmt"
	"strings"
)

// Rejection is implemented by every rejection that a model declares: the command was understood and the answer is
// no. Any other error of a command means that something did not work.
type Rejection interface {
	error
	// RejectionType returns the rejection's name in the model.
	RejectionType() string
}

// FieldError is one field of a command that breaks a rule of the model.
type FieldError struct {
	// Path leads to the field: "money.amount", "lines[2].sku".
	Path string
	// Message says what is wrong: "must be at least 1, is 0".
	Message string
}

// ValidationError says which fields of a command break the model's rules. Nothing was loaded or stored.
type ValidationError struct {
	Command string
	Fields  []FieldError
}

func (e *ValidationError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Path + " " + f.Message
	}
	return fmt.Sprintf("command %s is not valid: %s", e.Command, strings.Join(parts, "; "))
}

// InvalidStreamError refuses a stream id before it reaches an engine.
type InvalidStreamError struct {
	Stream StreamID
	Reason string
}

func (e *InvalidStreamError) Error() string {
	return fmt.Sprintf("stream %.80q is not valid: %s", e.Stream.String(), e.Reason)
}

// ConflictError says that a stream was not at the version that an append, or IfVersion, expected. Nothing was
// stored. Load again and decide again.
type ConflictError struct {
	Stream   StreamID
	Expected Version
	Actual   Version
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("stream %s is at version %d, not at the expected %d", e.Stream, e.Actual, e.Expected)
}

// NotFoundError answers a command to a stream that must exist and has no events.
type NotFoundError struct{ Stream StreamID }

func (e *NotFoundError) Error() string { return fmt.Sprintf("%s does not exist", e.Stream) }

// AlreadyExistsError answers a creating command to a stream that already has events.
type AlreadyExistsError struct{ Stream StreamID }

func (e *AlreadyExistsError) Error() string { return fmt.Sprintf("%s already exists", e.Stream) }

// CommandReusedError says that a command id was used before for a command of another name, stream or content.
type CommandReusedError struct{ CommandID string }

func (e *CommandReusedError) Error() string {
	return fmt.Sprintf("command id %q was used before for another command: take a new id for each command", e.CommandID)
}

// UndeclaredRejectionError says that a decider returned a rejection that the model does not list under the
// command's rejects. Nothing was stored.
type UndeclaredRejectionError struct {
	Command   string
	Rejection Rejection
}

func (e *UndeclaredRejectionError) Error() string {
	return fmt.Sprintf("the decider of %s returned the rejection %s, which the model does not declare: add it to the command's rejects",
		e.Command, e.Rejection.RejectionType())
}

func (e *UndeclaredRejectionError) Unwrap() error { return e.Rejection }

// EncodingError says that a value can't be stored faithfully.
type EncodingError struct {
	// Type is the event, state or command that was encoded; Field is the path to the field at fault, empty where the
	// fault is not in a field.
	Type, Field string
	Reason      string
	// Err is what the reason says, where that can be told apart; else nil.
	Err error
}

func (e *EncodingError) Unwrap() error { return e.Err }

func (e *EncodingError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("can't encode %s: %s", e.Type, e.Reason)
	}
	return fmt.Sprintf("can't encode %s: field %s: %s", e.Type, e.Field, e.Reason)
}

// DecodingError says that stored bytes are not what the model declares.
type DecodingError struct {
	// Type is the event or state that was decoded; Field is the path to the field at fault, empty where the
	// fault is not in a field.
	Type, Field string
	// Offset is the place in the payload, in bytes.
	Offset int
	Reason string
	// Err is what the reason says, where that can be told apart; else nil.
	Err error
}

func (e *DecodingError) Unwrap() error { return e.Err }

func (e *DecodingError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("can't decode %s at byte %d: %s", e.Type, e.Offset, e.Reason)
	}
	return fmt.Sprintf("can't decode %s at byte %d: field %s: %s", e.Type, e.Offset, e.Field, e.Reason)
}

// UnknownEventError says that a stream holds an event that this program's model does not know, in this version or
// in this encoding. Either a newer release wrote it, which must be deployed first, or the model no longer declares what
// older ones wrote.
type UnknownEventError struct {
	Stream        StreamID
	Version       Version
	Position      Position
	Type          string
	SchemaVersion int
	ContentType   ContentType
}

func (e *UnknownEventError) Error() string {
	return fmt.Sprintf("event %s@%d (%s) at version %d of %s, position %d, is unknown to this program: deploy a release that knows it, or declare it again",
		e.Type, e.SchemaVersion, e.ContentType, e.Version, e.Stream, e.Position)
}

// SameStreamError says that a command names one stream twice, where it loads several: each must be another one. Nothing
// was loaded or stored.
type SameStreamError struct {
	Command string
	Stream  StreamID
}

func (e *SameStreamError) Error() string {
	return fmt.Sprintf("command %s names %s twice: each of its streams must be another one", e.Command, e.Stream)
}

// NotLoadedError says that a decider returned an event for a stream that its command did not load. Nothing was stored.
type NotLoadedError struct {
	Command string
	// Event is the event's name, ID the id that it was returned with.
	Event, ID string
}

func (e *NotLoadedError) Error() string {
	return fmt.Sprintf("the decider of %s returned %s for %.80q, a stream that the command did not load",
		e.Command, e.Event, e.ID)
}

// MissingEventError says that a decider accepted a command without an event that the model demands. Nothing was stored.
type MissingEventError struct {
	Command string
	// Entry is what the command's emits say: "some LineAdded", "Paid or PartlyPaid".
	Entry string
}

func (e *MissingEventError) Error() string {
	return fmt.Sprintf("the decider of %s returned no event for %q, which the model says it emits", e.Command, e.Entry)
}

// NotImplementedError is what the body of a generated skeleton returns until the team writes it.
type NotImplementedError struct{ Method string }

func (e *NotImplementedError) Error() string {
	return e.Method + " is not implemented: write its body"
}

// PanicError is a panic of a decider or a fold, recovered into an error.
type PanicError struct {
	// In names the function at fault.
	In    string
	Value string
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("%s panicked: %s", e.In, e.Value) }

// ErrClosed is returned by whatever was closed.
var ErrClosed = errors.New("closed")
