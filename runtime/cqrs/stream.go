package cqrs

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Position is the place of an event in the whole log: an opaque, increasing number below 2^63. The first event's
// position is above zero, so that the zero value means "before everything". Nobody computes with it.
type Position int64

// Version is the place of an event in its own stream. The first event has version 1; a stream without events is at
// version 0.
type Version int64

// MaxCategory and MaxID bound the two parts of a StreamID, in bytes.
const (
	MaxCategory = 128
	MaxID       = 512
)

// StreamID names one stream: the history of one aggregate. Category is the aggregate's name in the model; ID tells
// its instances apart.
type StreamID struct {
	Category string
	ID       string
}

// String returns "Category/ID". A category holds no slash, so the two parts can be told apart.
func (s StreamID) String() string { return s.Category + "/" + s.ID }

// Reserved reports whether the stream is one that the runtime keeps for itself, such as a claim on a unique value. No
// model has events of such streams.
func (s StreamID) Reserved() bool { return strings.HasPrefix(s.Category, "_") }

// Validate reports whether every engine can store the id: a category of ASCII letters, digits and '_' that does not
// start with a digit, and an id of 1 to MaxID bytes of valid UTF-8 without control characters. The error is an
// *InvalidStreamError.
func (s StreamID) Validate() error {
	if reason := categoryFault(s.Category); reason != "" {
		return &InvalidStreamError{Stream: s, Reason: "category " + reason}
	}
	if reason := idFault(s.ID); reason != "" {
		return &InvalidStreamError{Stream: s, Reason: "id " + reason}
	}
	return nil
}

func categoryFault(c string) string {
	if c == "" {
		return "is empty"
	}
	if len(c) > MaxCategory {
		return fmt.Sprintf("is longer than %d bytes", MaxCategory)
	}
	for i := 0; i < len(c); i++ {
		b := c[i]
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_'
		if !letter && (i == 0 || b < '0' || b > '9') {
			return fmt.Sprintf("has the character %q; letters, digits and _ are allowed", rune(b))
		}
	}
	return ""
}

func idFault(id string) string {
	if id == "" {
		return "is empty"
	}
	if len(id) > MaxID {
		return fmt.Sprintf("is longer than %d bytes", MaxID)
	}
	if !utf8.ValidString(id) {
		return "is not valid UTF-8"
	}
	for _, r := range id {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return fmt.Sprintf("has the control character %U", r)
		}
	}
	return ""
}
