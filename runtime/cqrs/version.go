package cqrs

import (
	"fmt"
	"strconv"
	"strings"
)

// Versioned is an Event whose declaration has changed since it was first stored.
type Versioned interface {
	Event
	// EventVersion returns the version of its declaration, from 2.
	EventVersion() int
}

// VersionOf returns the version of an event's declaration, from 1: the SchemaVersion of its records.
func VersionOf(e Event) int {
	if v, ok := e.(Versioned); ok {
		return v.EventVersion()
	}
	return 1
}

// Extended is a Versioned event whose last versions only added fields, so that programs read it which know an older
// version.
type Extended interface {
	Versioned
	// EventEncoding returns the ContentType of the event's records, which JSONFrom has for the lowest version that a
	// program must know to read the event.
	EventEncoding() ContentType
}

// readableFrom is the parameter of a content type behind which the lowest version stands that a reader must know.
const readableFrom = ";from="

// ContentTypeOf returns the ContentType of an event's records. It is JSON, and says for an Extended event from which
// version on it can be read: "application/json;from=2".
func ContentTypeOf(e Event) ContentType {
	if x, ok := e.(Extended); ok {
		return x.EventEncoding()
	}
	return JSON
}

// JSONFrom is the content type of JSON that a program reads which knows this version of the event.
func JSONFrom(version int) ContentType {
	return JSON + readableFrom + ContentType(strconv.Itoa(version))
}

// from returns the lowest version that a reader of a JSON record must know, and whether it is one at all.
func (r *Record) from() (int, bool) {
	if r.ContentType == JSON {
		return r.SchemaVersion, true
	}
	text, ok := strings.CutPrefix(string(r.ContentType), string(JSON)+readableFrom)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= r.SchemaVersion && strconv.Itoa(n) == text
}

// CheckVersion refuses a record that a program can't read which knows its event up to the version known: with a
// *NewerEventError if a newer version did more than to add fields, with an *UnknownEventError if it is not JSON. Fields
// that a newer version added are skipped.
func (r *Record) CheckVersion(known int) error {
	if r.SchemaVersion <= known && r.ContentType == JSON {
		return nil
	}
	return r.checkVersion(known)
}

func (r *Record) checkVersion(known int) error {
	from, isJSON := r.from()
	switch {
	case !isJSON:
		return r.Unknown()
	case from > known:
		return &NewerEventError{
			Stream: r.Stream, Version: r.Version, Position: r.Position,
			Type: r.Type, SchemaVersion: r.SchemaVersion, ReadableFrom: from, Known: known,
		}
	}
	return nil
}

// NewerEventError says that a stream holds an event in a version that this program does not know, and that it may not
// read as an older one: a newer release wrote it, and has to be deployed here as well. Nothing behind the event was read.
type NewerEventError struct {
	Stream   StreamID
	Version  Version
	Position Position
	// Type is the event's name in the log, SchemaVersion the version of its declaration.
	Type          string
	SchemaVersion int
	// ReadableFrom is the lowest version that a program must know to read it, Known the one that this program knows.
	ReadableFrom, Known int
}

func (e *NewerEventError) Error() string {
	from := ""
	if e.ReadableFrom != e.SchemaVersion {
		from = fmt.Sprintf(", or one that knows version %d", e.ReadableFrom)
	}
	return fmt.Sprintf("event %s@%d at version %d of %s, position %d, is newer than this program, which knows version %d: deploy the release that wrote it first%s",
		e.Type, e.SchemaVersion, e.Version, e.Stream, e.Position, e.Known, from)
}

// UpcastError says that the team's upcaster refused a stored event: either the function is wrong, or it was given an event
// that it did not reckon with. Nothing behind the event was read. Mend the function and run again.
type UpcastError struct {
	// Type is the event's name in the model, Version the version of its declaration that the upcaster was given.
	Type    string
	Version int
	Err     error
}

func (e *UpcastError) Error() string {
	return fmt.Sprintf("version %d of %s can't be brought up to date: %v", e.Version, e.Type, e.Err)
}

func (e *UpcastError) Unwrap() error { return e.Err }
