// Package schema reads a model's YAML into a syntax tree in which everything knows its place, and says what is wrong
// with the file as a text: characters, YAML, keys, and the form of values. What names mean is left to package model.
//
// Data flows one way: text -> yaml.Node -> tree. YAML is read through its nodes, never decoded into structs, so that
// every value is the text that stands in the file: no, null, 0150 and 2026-03-01 are never turned into something else.
// The package imports nothing of this module but diag.
package schema

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// File is the syntax tree of one model file. Everything stands in the order of the file.
type File struct {
	// Name is the file's name without its folder, or that of the model's main file, and Parts are all its files.
	Name  string
	Parts []Part
	// Start is the place where it starts.
	Start diag.Span
	// Partial says that a part of it could not be read at all, which was reported: what it lacks may be declared there.
	Partial     bool
	Doc         string
	Keys        Keys
	Package     Text
	Types       []*Type
	Aggregates  []*Aggregate
	Projections []*Projection
	Scenarios   []*Scenario
	// Externals are the types of Go packages, each time that one is named.
	Externals []*TypeExpr
}

// Part is a file of several.
type Part struct {
	Name string
	// Line is where it starts.
	Line int
}

// Text is a value as it is written. The zero Text was not written.
type Text struct {
	Value string
	At    diag.Span
	// raw is the text as the file has it, where it is not the value letter by letter.
	raw *rawText
}

// Given reports whether the text was written.
func (t Text) Given() bool { return t.At.Line != 0 }

// Keys says which keys of an element were written, and which of these hold something that was reported: absence then
// proves nothing, and must not be reported as well.
type Keys map[string]KeyState

// KeyState is the state of one key of an element.
type KeyState int

// The states of a key.
const (
	Absent KeyState = iota
	Written
	Faulty // there is a diagnostic for something at or below the key, or for a key that was probably meant to be it
)

// Decl is what every declared element has.
type Decl struct {
	Name Text
	Doc  string
	Keys Keys
	// Duplicate marks an element whose name stands in the same place of the file before, which was reported.
	Duplicate bool
}

// Type declares a named scalar, an enum or a struct: just one of base, enum and fields is in its Keys, or a
// diagnostic was reported.
type Type struct {
	Decl
	Base   Text
	Rules  []Rule
	Values []Text
	Fields []*Field
	// OfID marks the struct of an id of several parts, which the model declares with its aggregate.
	OfID   bool
	Checks []Check // of a struct
	// Example is nil where there is none.
	Example    *Value
	Deprecated Text
}

// Field declares a field.
type Field struct {
	Decl
	// Type is nil where it was reported.
	Type     *TypeExpr
	Rules    []Rule
	Personal Personal
	// Example and Default are nil where there is none.
	Example, Default *Value
	Deprecated       Text
	// From is where an event's field takes its value from.
	From Text
	// Search is "text" or "keyword" if a read model can be searched by the field.
	Search Text
}

// Rule bounds a value: the rule's name, as "minLength", and its bound as written.
type Rule struct {
	Name  Text
	Bound Text
}

// ExprKind tells the forms of a type expression apart.
type ExprKind int

// The forms of a type expression.
const (
	Name     ExprKind = iota + 1 // a scalar or a declared type
	Optional                     // optional Elem
	List                         // list of Elem
	Map                          // map of Key to Elem
	Set                          // set of Elem
	External                     // a type of a Go package: Name, of which Path and Type are the parts
)

// TypeExpr is a type as a field writes it.
type TypeExpr struct {
	Kind ExprKind
	// Name is the word of a Name or an External.
	Name string
	// Path is the import path of an External, Type the name in that package.
	Path, Type string
	Key, Elem  *TypeExpr
	At         diag.Span
}

// String returns the expression in the model's words.
func (t *TypeExpr) String() string {
	switch t.Kind {
	case Optional:
		return "optional " + t.Elem.String()
	case List:
		return "list of " + t.Elem.String()
	case Set:
		return "set of " + t.Elem.String()
	case Map:
		return fmt.Sprintf("map of %s to %s", t.Key, t.Elem)
	default:
		return t.Name
	}
}

// Aggregate declares an aggregate.
type Aggregate struct {
	Decl
	// ID is the name of the id's type. IDFields has the parts instead, where there are several; IDAt is the key's place.
	ID       Text
	IDFields []*Field
	IDAt     diag.Span
	Single   Text
	State    []*Field
	Snapshot Snapshot
	Events   []*Event
	// Former are those that are read as others: they have the key becomes.
	Former     []*Event
	Rejections []*Rejection
	Commands   []*Command
	// Lifecycle has the names of the phases.
	Lifecycle []Text
	Unique    []*Unique
}

// Snapshot has what an aggregate says about its snapshots, as written.
type Snapshot struct{ Every, Bytes, Age Text }

// Event declares an event.
type Event struct {
	Decl
	Fields []*Field
	Moves  Moves
	// Wire is the name under which it is stored, if that is not its own.
	Wire Text
	// Version is as written. History has a step for each version but the first.
	Version Text
	History []*Step
	// Retired is "true" for an event that only older events are of. Becomes are the events that older ones are read as.
	Retired Text
	Becomes []Emit
	// Apply is how the event changes the state, and Remove what it takes away. Where both keys are absent, that is
	// written in Go.
	Apply  []Assignment
	Remove []Text
}

// Rejection declares a rejection.
type Rejection struct {
	Decl
	Fields []*Field
}

// Command declares a command.
type Command struct {
	Decl
	// Creates is "true", "maybe" or not given.
	Creates Text
	Fields  []*Field
	Also    []*Also
	Emits   []Emit
	Rejects []Text
	// In has the names of phases.
	In     []Text
	Checks []Check
}

// Emit is an entry of a command's emits.
type Emit struct {
	// Times is "", "maybe", "some" or "many".
	Times string
	// Events has more than one where exactly one of them happens.
	Events []Emitted
	At     diag.Span
}

// Emitted is an event that a command emits. Alias names the further stream that gets it, if it is not the command's own.
type Emitted struct{ Alias, Event Text }

// Also declares further streams of a command, under the alias that is the name of the Decl.
type Also struct {
	Decl
	Aggregate Text
	// Each is a list with an element for each stream; without it there is one stream.
	Each Text
	// ID gives the id, or Parts each part of it.
	ID    Text
	Parts []KeyValue
	// Creates is "true", "maybe" or not given.
	Creates Text
}

// Projection declares a projection.
type Projection struct {
	Decl
	Key     []*Field
	Row     []*Field
	On      []*Handler
	Ignore  []Text
	Indexes []Index
	Mode    Text
	Queries []*Query
	// Promote is "manual" or not given.
	Promote Text
	// Materialized is "true" or not given.
	Materialized Text
	// Revision is a whole number from 1, or not given.
	Revision Text
}

// Handler says what a projection does with one event, which is the name of the Decl.
type Handler struct {
	Decl
	Folds []*Fold
}

// Index lists the names of fields.
type Index struct {
	Fields []Text
	At     diag.Span
	// Faulty marks an index with a field that was reported and left out.
	Faulty bool
}
