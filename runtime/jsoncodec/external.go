package jsoncodec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
)

// Types that other packages declare write and read themselves. What they write has to be what a Reader takes, and what
// they are given to read is a copy, which they may keep.

// WriteText appends what MarshalText returns, as a string.
func WriteText[T encoding.TextMarshaler](w *Writer, v T) {
	text, err := v.MarshalText()
	if err != nil {
		refuse(w, v, err)
		return
	}
	w.String(view(text))
}

// ReadText reads a string for UnmarshalText.
func ReadText[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](r *Reader) T {
	var v T
	if r.zero && r.Null() {
		return v
	}
	text := slices.Clone(r.Text())
	if r.fault != nil {
		return v
	}
	if err := P(&v).UnmarshalText(text); err != nil {
		r.fail(r.last, err.Error())
	}
	return v
}

// WriteJSON appends what MarshalJSON returns, without white space.
func WriteJSON[T json.Marshaler](w *Writer, v T) {
	text, err := v.MarshalJSON()
	if err != nil {
		refuse(w, v, err)
		return
	}
	w.json(text)
}

// ReadJSON reads a value for UnmarshalJSON.
func ReadJSON[T any, P interface {
	*T
	json.Unmarshaler
}](r *Reader) T {
	var v T
	r.json(func(text []byte) error { return P(&v).UnmarshalJSON(text) })
	return v
}

// WritePlain appends a value as encoding/json writes it, by reflection.
func WritePlain[T any](w *Writer, v T) {
	text, err := json.Marshal(v)
	if err != nil {
		refuse(w, v, err)
		return
	}
	// encoding/json puts an escaped U+FFFD, and writes one that was there as it is.
	if bytes.Contains(bytes.ReplaceAll(text, []byte(`\\`), nil), []byte(`\ufffd`)) {
		w.fail("is not valid UTF-8")
		return
	}
	w.json(text)
}

// ReadPlain reads a value as encoding/json does, by reflection.
func ReadPlain[T any](r *Reader) T {
	var v T
	r.json(func(text []byte) error { return json.Unmarshal(text, &v) })
	return v
}

// refuse fails because a value does not write itself. A zero value that does not, where nothing was assigned to it yet,
// is null.
func refuse[T any](w *Writer, v T, err error) {
	if w.zero && reflect.ValueOf(&v).Elem().IsZero() {
		w.Null()
		return
	}
	w.fail(err.Error())
}

// json appends JSON that another package made.
func (w *Writer) json(text []byte) {
	r := NewReader(text, ViewStrings)
	r.Skip()
	if r.peek(); r.fault != nil || r.pos != len(r.data) {
		w.fail("its MarshalJSON returns what is not JSON that can be stored")
		return
	}
	b := bytes.NewBuffer(w.b)
	if err := json.Compact(b, text); err != nil {
		w.fail(err.Error())
		return
	}
	w.b = b.Bytes()
}

// json reads the next value, whatever it is, with a function that gets a copy of its text.
func (r *Reader) json(read func([]byte) error) {
	if r.zero && r.Null() {
		return
	}
	r.peek()
	start := r.pos
	r.Skip()
	if r.fault != nil {
		return
	}
	if err := read(slices.Clone(r.data[start:r.pos])); err != nil {
		r.fail(start, err.Error())
	}
}
