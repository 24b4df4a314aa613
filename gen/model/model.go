// Package model is the resolved, valid model of one bounded context: the only thing that every later stage sees.
// Resolve makes it from the syntax tree of package schema, or says, with positions, what is wrong.
//
// Data flows one way: schema -> model -> plan -> emit -> output. This package knows nothing of Go code beyond which
// names are Go identifiers.
package model

import (
	"time"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Model is one bounded context. Everything stands in the order of the file.
type Model struct {
	// File is the name of the model's file, or of the main one, without its folder: "ledger.cqrs.yaml".
	File string
	// Files are all its files, if it has several.
	Files   []schema.Part
	Package string
	Doc     string

	Types []*Named
	// Externals are the types of Go packages, in the order of import paths and names.
	Externals   []*Named
	Aggregates  []*Aggregate
	Projections []*Projection
	Scenarios   []*Scenario
}

// Kind tells types apart.
type Kind int

// The kinds of types. The scalars come first, up to Decimal.
const (
	String Kind = iota + 1
	Bool
	Int
	Int32
	Int64
	Uint32
	Uint64
	Float64
	Bytes
	Time
	Duration
	UUID
	Date
	Decimal

	Optional // Elem
	List     // Elem
	Set      // Elem, which has an order
	Map      // Key, Elem
	Ref      // Named: a named scalar, an enum, a struct or a type of a Go package
)

// Type is a type as a field uses it.
type Type struct {
	Kind  Kind
	Key   *Type
	Elem  *Type
	Named *Named
}

// NamedKind tells declared types apart.
type NamedKind int

// The kinds of declared types.
const (
	Scalar NamedKind = iota + 1
	Enum
	Struct
	External // of a Go package
)

// Named is a type that the model declares.
type Named struct {
	Name string
	Doc  string
	// Deprecated says what to use instead. Example is a value that keeps the rules, or nil.
	Deprecated string
	Example    *Value
	Kind       NamedKind
	At         diag.Span

	// Base is the scalar below a Scalar: never Optional, List, Set, Map or Ref.
	Base  Kind
	Rules Rules // of a Scalar

	Checks []*Check // of a Struct

	Values []EnumValue // of an Enum
	Fields []*Field    // of a Struct
	// IDOf is the aggregate whose id this Struct is, nil for those that the model declares.
	IDOf *Aggregate

	// Go says what an External is.
	Go GoType
}

// EnumValue is one value of an enum, as it is written in the model and on the wire.
type EnumValue struct {
	Name string
	At   diag.Span
}

// Field is a field of a struct, event, command, rejection, state, key or row.
type Field struct {
	// Name is as written: a Go identifier with a lower-case first letter. It is the name on the wire.
	Name  string
	Doc   string
	Type  Type
	Rules Rules
	// Deprecated says what to use instead.
	Deprecated string
	// Example is a value that keeps the rules, or nil. Default is what stands for a command's optional field that was
	// left out.
	Example, Default *Value
	// Personal marks a person's data: of the one that PersonalOf names, or else the stream's id. Erased is what is read
	// once they were erased, nil for the zero value.
	Personal   bool
	PersonalOf *Expr
	Erased     *Value
	// From is what an event's field is filled with when the event happens, nil if the decider says it.
	From *Expr
	// Search is "text" or "keyword" for a field of a projection by which its rows are searched.
	Search string
	At     diag.Span
}

// Rules bound the values of a field or a named scalar. They bind commands, never stored events. On an optional field
// they bind the value, if there is one; on a field of a named scalar they apply besides the scalar's own. A bound that
// every value of the type meets is left out.
type Rules struct {
	// Min and Max bound an integer, a float64 or a decimal. They are literals that fit the type: "1", "-0.5".
	Min, Max string
	// MinLength and MaxLength bound a string in characters and bytes in bytes. MinItems and MaxItems bound a list,
	// a set or a map. Nil is no bound.
	MinLength, MaxLength, MinItems, MaxItems *int
	// Pattern is a regular expression of package regexp that compiles.
	Pattern string
	// Distinct says that no item of a list may stand twice.
	Distinct bool
}

// Any reports whether there is a rule at all.
func (r Rules) Any() bool { return r != Rules{} }

// Aggregate is a consistency boundary: a stream category, its state, and what can happen to it.
type Aggregate struct {
	Name string
	Doc  string
	At   diag.Span
	// ID is the type that names its instances: a declared named scalar over string, uuid or an integer, or the struct of
	// an id of several parts. It is nil if Single: then there is one instance, which has no id.
	ID       *Named
	Single   bool
	State    []*Field
	Snapshot Snapshot

	Events []*Event
	// Former are events of which there are only older ones, which are read as what they became. Nothing folds them.
	Former     []*Event
	Rejections []*Rejection
	Commands   []*Command
	// Lifecycle is nil where there are no phases.
	Lifecycle *Lifecycle
	Unique    []*Unique
}

// Snapshot says when snapshots of an aggregate are taken: as soon as one of its bounds is reached. 0 is no bound.
type Snapshot struct {
	// Every is the number of events between snapshots, Bytes the size of their payloads.
	Every, Bytes int
	Age          time.Duration
}

// Any reports whether there are snapshots at all.
func (s Snapshot) Any() bool { return s != Snapshot{} }

// Event is something that happened to an aggregate.
type Event struct {
	Aggregate *Aggregate
	Name      string
	Doc       string
	At        diag.Span
	Fields    []*Field
	// Apply is how the event changes the state, besides its phase; nil if that is written in Go.
	Apply *Apply
	// Wire is the name under which it is stored; Version is the version of its declaration.
	Wire    string
	Version int
	// History has what changed with each version, from 2 on.
	History []*Change
	// Retired says that no command emits the event any more. Becomes are the events that a former one is read as.
	Retired bool
	Becomes []Emit
	// Moves is nil where the event can happen in any phase and leaves it as it is.
	Moves *Moves
	// Shared says that something of another aggregate has the name too.
	Shared bool
}

// Rejection is a reason for which a decider refuses a command.
type Rejection struct {
	Aggregate *Aggregate
	Name      string
	Doc       string
	At        diag.Span
	Fields    []*Field
	// Generated marks a rejection that the model brings and that no decider returns.
	Generated bool
	// Shared says that something of another aggregate has the name too.
	Shared bool
}

// Creates says whether a command's stream must exist.
type Creates int

// The three cases.
const (
	MustExist Creates = iota // the default
	MustBeNew                // creates: true
	MayExist                 // creates: maybe
)

// Command is an intention that a decider accepts, with events, or refuses, with a rejection.
type Command struct {
	Aggregate *Aggregate
	Name      string
	Doc       string
	At        diag.Span
	Creates   Creates
	Fields    []*Field
	// Also are the streams that the command loads besides its own.
	Also    []*Also
	Emits   []Emit
	Rejects []*Rejection
	// In are the phases in which the command can be given, where there is a lifecycle.
	In PhaseSet
	// Shared says that something of another aggregate has the name too.
	Shared bool
	Checks []*Check
}

// Times says how often a command emits an event.
type Times int

// The four cases.
const (
	Once  Times = iota // Event
	Maybe              // maybe Event
	Some               // some Event: at least one
	Many               // many Event
)

// Emit is one entry of a command's emits.
type Emit struct {
	// Events has the one event of the entry, or those of which exactly one happens. They are of one aggregate.
	Events []*Event
	Times  Times
	// To are the further streams that get the events, nil for the command's own.
	To *Also
	At diag.Span
}

// Also are further streams of a command: one, or one for each element of a list.
type Also struct {
	// Name is the alias: a Go identifier with a lower-case first letter.
	Name      string
	Doc       string
	At        diag.Span
	Aggregate *Aggregate
	Creates   Creates
	// Each is the list, nil where there is one stream.
	Each *Expr
	// ID is the id of a stream, of the type that its aggregate has as id. Where the parts of an id are given instead, Parts
	// has them, in the order of the type's fields. An aggregate that is single has neither.
	ID    *Expr
	Parts []*Expr
}

// Projection is a keyed fold over events into rows.
type Projection struct {
	Name string
	Doc  string
	At   diag.Span
	Key  []*Field
	Row  []*Field
	On   []*Handler
	// Ignore lists the events that are left out on purpose.
	Ignore  []*Event
	Indexes []Index
	Queries []*Query
	// Manual says that a generation that is built waits for an operator who promotes it.
	Manual bool
	// Revision tells folds apart that differ in what is not declared; empty for the first one.
	Revision string
	// Materialized is where the projection says that PostgreSQL can compute it; the zero Span if it does not.
	Materialized diag.Span
	// Inline says that rows change in the transaction that stores the events.
	Inline bool
}

// Index is a list of fields of key and row.
type Index struct {
	Fields []*Field
	At     diag.Span
}
