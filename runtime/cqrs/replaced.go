package cqrs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Replaced is the wire name of the event that says which others are stored in an event's place from now on, and the
// category of its streams, which are reserved. Its payload is a Replacement. A program says so before it stores the first
// of them, so that an older one stops there, which would otherwise not notice what it never asks the log for.
const Replaced = "_Replaced"

// Replacement says that an event is not stored any more, and what is in its place. It is an Event, of a stream for each
// event that was replaced. What one program says adds to what others said before.
type Replacement struct {
	// Event is the wire name of the event that was replaced, By are those of the events that are stored instead.
	Event string   `json:"event"`
	By    []string `json:"by"`
}

// EventType implements Event.
func (*Replacement) EventType() string { return Replaced }

// AppendJSON implements Event.
func (r *Replacement) AppendJSON(b []byte) ([]byte, error) {
	data, err := json.Marshal(r)
	return append(b, data...), err
}

// Stream returns the stream that says it.
func (r *Replacement) Stream() StreamID { return StreamID{Category: Replaced, ID: r.Event} }

// Replacement returns what a record of the type Replaced says.
func (r *Record) Replacement() (Replacement, error) {
	var v Replacement
	if r.ContentType != JSON || r.SchemaVersion != 1 {
		return v, r.Unknown()
	}
	if err := json.Unmarshal(r.Data, &v); err != nil {
		return v, &DecodingError{Type: Replaced, Reason: err.Error()}
	}
	if v.Event == "" || len(v.By) == 0 {
		return v, &DecodingError{Type: Replaced, Reason: "it does not say which events are stored in the place of which one"}
	}
	return v, nil
}

// CheckReplaced refuses a record of the type Replaced to a reader that takes the event that was replaced, and does not
// know all of those in its place: with a *ReplacedEventError. A reader knows the events that it takes, and those of which
// it says that it ignores them there; both are wire names.
func (r *Record) CheckReplaced(takes, ignores []string) error {
	v, err := r.Replacement()
	if err != nil || !slices.Contains(takes, v.Event) {
		return err
	}
	unknown := slices.DeleteFunc(slices.Clone(v.By), func(name string) bool {
		return slices.Contains(takes, name) || slices.Contains(ignores, name)
	})
	if len(unknown) == 0 {
		return nil
	}
	return &ReplacedEventError{Position: r.Position, Type: v.Event, By: v.By, Unknown: unknown}
}

// ReplacedEventError says that a newer release stores other events in the place of one that this program takes, and that
// this program does not know all of them: it would go on without what they say. Nothing behind that place was read. The
// newer release has to be deployed here as well.
type ReplacedEventError struct {
	// Position is where the log says so: what is stored in the event's place lies behind it.
	Position Position
	// Type is the wire name of the event, By are those of the events in its place, and Unknown those of them that this
	// program does not know.
	Type        string
	By, Unknown []string
}

func (e *ReplacedEventError) Error() string {
	return fmt.Sprintf("event %s is stored as %s from position %d on, and this program does not know %s: deploy the release that wrote it first",
		e.Type, strings.Join(e.By, ", "), e.Position, strings.Join(e.Unknown, ", "))
}
