// Package time has the name of a package that generated code imports too.
package time

import (
	"fmt"
	"strings"
)

// Slot is a part of a day. The zero Slot is none, and does not marshal.
type Slot struct{ from, to string }

// MarshalText implements encoding.TextMarshaler.
func (s Slot) MarshalText() ([]byte, error) {
	if s.from == "" {
		return nil, fmt.Errorf("the slot is not set")
	}
	return []byte(s.from + "-" + s.to), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Slot) UnmarshalText(text []byte) error {
	from, to, ok := strings.Cut(string(text), "-")
	if !ok || from == "" || to == "" {
		return fmt.Errorf("%q is no slot", text)
	}
	s.from, s.to = from, to
	return nil
}
