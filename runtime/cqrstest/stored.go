package cqrstest

import (
	"encoding/json"
	"reflect"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Stored is an event for Given as a log has it: its name there, the version of its declaration, and its JSON. It is how
// older versions are given, which no program writes any more.
func Stored(typ string, version int, json string) cqrs.Event { return &stored{typ, version, json} }

type stored struct {
	typ     string
	version int
	json    string
}

func (e *stored) EventType() string                   { return e.typ }
func (e *stored) EventVersion() int                   { return e.version }
func (e *stored) AppendJSON(b []byte) ([]byte, error) { return append(b, e.json...), nil }

// Older returns what a random history draws of an event as a log may have it, and no program writes it any more: its
// name there, the version of its declaration, and T with the fields of that version.
func Older[T any](typ string, version int) cqrs.Event {
	return &older{stored{typ, version, ""}, reflect.TypeFor[T]()}
}

type older struct {
	stored
	fields reflect.Type
}

// drawn returns the event with fields that were drawn.
func (o *older) drawn(d *drawing) (cqrs.Event, error) {
	v := reflect.New(o.fields).Elem()
	d.draw(v)
	text, err := json.Marshal(storedAs(v))
	return Stored(o.typ, o.version, string(text)), err
}
