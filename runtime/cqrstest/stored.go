package cqrstest

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

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
