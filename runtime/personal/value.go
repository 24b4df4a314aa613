package personal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what is shown of personal data.
const hidden = "[personal]"

// Value is a person's data. Its zero value holds the zero value of T. It is a type of its own so that nothing personal
// goes where that is not meant to be: it can only be assigned to fields that are personal too, and neither package fmt,
// nor a log, nor JSON shows what it holds. Reveal does.
//
// A Value never changes, so that copies may share what it holds: nobody changes a list or a map that Reveal returned.
type Value[T any] struct{ c *cell[T] }

// cell stands between a Value and its content because package fmt looks into fields that are not exported. It does not go
// behind pointers, but for a verb that does not fit a pointer, where it shows what that points to.
type cell[T any] struct{ content *content[T] }

// content is what a Value holds.
type content[T any] struct {
	value T
	// key is the key that the value was encrypted with, zero if it never was.
	key KeyID
	// of is whom a value belongs to that was stored in clear text; zero where that is not known.
	of Subject
	// nobodys says that the value is what the model says, and of no person; erased that it stands for what was erased.
	nobodys, erased bool
}

func holding[T any](c *content[T]) Value[T] { return Value[T]{&cell[T]{c}} }

// in returns what a Value holds, nil for the zero Value.
func (v Value[T]) in() *content[T] {
	if v.c == nil {
		return nil
	}
	return v.c.content
}

// Of returns a Value that holds v.
func Of[T any](v T) Value[T] { return holding(&content[T]{value: v}) }

// Default returns a Value that the model says: it is nobody's, and kept in clear text.
func Default[T any](v T) Value[T] { return holding(&content[T]{value: v, nobodys: true}) }

// Erased returns the Value that stands for what was erased: v is read instead.
func Erased[T any](v T) Value[T] { return holding(&content[T]{value: v, erased: true}) }

// Reveal returns the data and true, or what the model says in their place and false once they were erased.
func (v Value[T]) Reveal() (T, bool) {
	if v.in() == nil {
		var zero T
		return zero, true
	}
	return v.in().value, !v.in().erased
}

// IsErased reports whether the data were erased.
func (v Value[T]) IsErased() bool { return v.in() != nil && v.in().erased }

// IsZero reports whether nothing was ever assigned to the Value; encoding/json's omitzero asks for it.
func (v Value[T]) IsZero() bool { return v.in() == nil }

// String returns "[personal]".
func (v Value[T]) String() string { return hidden }

// Format writes "[personal]", whatever the verb.
func (v Value[T]) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// LogValue lets a log show "[personal]".
func (v Value[T]) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON writes "[personal]".
func (v Value[T]) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

var errHidden = errors.New(`personal: "` + hidden + `" stands for data that were not shown, and is not read as data`)

// UnmarshalJSON reads the data as encoding/json reads a T, so that commands can be made from JSON. What MarshalJSON
// writes is refused: the data are not in it.
func (v *Value[T]) UnmarshalJSON(b []byte) error {
	if string(b) == `"`+hidden+`"` {
		return errHidden
	}
	var x T
	if err := json.Unmarshal(b, &x); err != nil {
		// The error of encoding/json may repeat what it read.
		return fmt.Errorf("personal: the data are no %T", x)
	}
	*v = Of(x)
	return nil
}

// content returns what a Value of any type holds.
func (v Value[T]) reveal() any {
	x, _ := v.Reveal()
	return x
}

// Content returns what x holds and true if x is a Value, of whichever type: for tests, which compare data of every type.
func Content(x any) (content any, ok bool) {
	v, ok := x.(interface{ reveal() any })
	if !ok {
		return nil, false
	}
	return v.reveal(), true
}
