package cqrs

import (
	"encoding/json"
	"fmt"
)

// Optional is a value that may be absent. Its zero value is absent. It is comparable where T is, holds no pointer,
// and its JSON is the value or null.
type Optional[T any] struct {
	value T
	ok    bool
}

// Some returns an Optional that holds v.
func Some[T any](v T) Optional[T] { return Optional[T]{value: v, ok: true} }

// Get returns the value, and whether there is one; without one, the zero value.
func (o Optional[T]) Get() (T, bool) { return o.value, o.ok }

// Or returns the value, or otherwise where there is none.
func (o Optional[T]) Or(otherwise T) T {
	if o.ok {
		return o.value
	}
	return otherwise
}

// Present reports whether there is a value.
func (o Optional[T]) Present() bool { return o.ok }

// IsZero reports whether there is no value; encoding/json's omitzero asks for it.
func (o Optional[T]) IsZero() bool { return !o.ok }

// String returns the value as fmt prints it, or "none".
func (o Optional[T]) String() string {
	if !o.ok {
		return "none"
	}
	return fmt.Sprint(o.value)
}

// MarshalJSON lets encoding/json write what the generated codecs write.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.ok {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON lets encoding/json read what the generated codecs write.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Optional[T]{}
		return nil
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*o = Some(v)
	return nil
}
