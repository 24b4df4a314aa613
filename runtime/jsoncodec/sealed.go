package jsoncodec

import (
	"encoding/base64"
)

// Values that are encrypted stand in the JSON as {"$sealed":"…"}, in standard base64; those of which nothing is left
// as {"$erased":…}, with what is read instead. No field is called so: names of fields begin with a letter.
const (
	sealedName = "$sealed"
	erasedName = "$erased"
)

// With gives the Writer what some values need to be written, such as the keys that personal data are encrypted with.
func (w *Writer) With(x any) { w.with = x }

// Given returns what With gave.
func (w *Writer) Given() any { return w.with }

// Refuse fails because of an error that callers can tell apart. It does nothing after another failure.
func (w *Writer) Refuse(err error) {
	if w.fault == nil {
		w.fail(err.Error())
		w.fault.err = err
	}
}

// Seal writes a value, and replaces its JSON by what seal makes of that. seal keeps nothing of what it is given.
func (w *Writer) Seal(write func(*Writer), seal func(clear []byte) ([]byte, error)) {
	start := len(w.b)
	write(w)
	if w.fault != nil {
		return
	}
	sealed, err := seal(w.b[start:])
	clear(w.b[start:])
	w.b = w.b[:start]
	if err != nil {
		w.Refuse(err)
		return
	}
	w.b = append(w.b, `{"`+sealedName+`":"`...)
	w.b = base64.StdEncoding.AppendEncode(w.b, sealed)
	w.b = append(w.b, `"}`...)
}

// Erased writes that a value was erased, and what is read instead.
func (w *Writer) Erased(write func(*Writer)) {
	w.Raw(`{"` + erasedName + `":`)
	write(w)
	w.Raw(`}`)
}

// With gives the Reader what some values need to be read.
func (r *Reader) With(x any) { r.with = x }

// Given returns what With gave.
func (r *Reader) Given() any { return r.with }

// Refuse fails at the value last read because of an error that callers can tell apart. It does nothing after another
// failure.
func (r *Reader) Refuse(err error) {
	if r.fault == nil {
		r.fail(r.pos, err.Error())
		r.fault.err = err
	}
}

// Sealed reads what Seal wrote, and reports false, having read nothing, where another value stands.
func (r *Reader) Sealed() (sealed []byte, ok bool) {
	if !r.wrapped(sealedName) {
		return nil, false
	}
	sealed = r.Bytes()
	r.unwrap()
	return sealed, true
}

// Erased reads what the Writer's Erased wrote, and reports false, having read nothing, where another value stands.
func (r *Reader) Erased(read func(*Reader)) bool {
	if !r.wrapped(erasedName) {
		return false
	}
	read(r)
	r.unwrap()
	return true
}

// unmarked fails because of something sealed where the model has nothing personal.
func (r *Reader) unmarked() {
	r.fail(r.pos, "is encrypted: deploy the release that wrote it, or mark the field personal in the model, also where it is of "+
		"an older version of an event")
}

// wrapped goes into an object whose first field has a name, if that is what comes.
func (r *Reader) wrapped(name string) bool {
	if r.peek() != '{' {
		return false
	}
	before := *r
	r.Object()
	if r.Field() && string(r.Name()) == name {
		r.name, r.escaped = before.name, before.escaped
		return true
	}
	*r = before
	return false
}

func (r *Reader) unwrap() {
	name, escaped := r.name, r.escaped
	if r.Field() {
		r.fail(r.pos, "goes on behind what is sealed")
	}
	r.name, r.escaped = name, escaped
}
