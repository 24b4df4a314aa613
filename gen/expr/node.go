package expr

import (
	"fmt"
	"go/constant"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Op says what a node is.
type Op int

// The operations of nodes.
const (
	OpName    Op = iota + 1 // Name: what an expression starts from, as event
	OpSelect                // the field Name of Args[0]; Ref is the field's
	OpIndex                 // the entry of the map Args[0] under Args[1], or the zero value
	OpLiteral               // a constant as written: Value
	OpValue                 // the constant Name of an enum, or of a duration: Value
	OpUnary                 // Name is the operator, Args[0] the operand
	OpBinary                // Name is the operator, Args are the operands
	OpCall                  // Name is the function, Args are what it is given
	OpMethod                // Name is the method of Args[0], the rest of Args is what it is given
	OpConvert               // Args[0] as a value of Type
	OpSome                  // Args[0] where an optional is wanted
	OpNone                  // the absent optional
	OpBuild                 // a struct of the type Type; Fields are the names of the fields that Args give
)

// Node is a part of an expression that was found right.
type Node struct {
	Op   Op
	Type *Type
	At   diag.Span
	// Text is the part as it is written, with single spaces.
	Text string
	Name string
	Args []*Node
	// Ref is what was attached to the field of an OpSelect.
	Ref any
	// Fields are the fields of an OpBuild.
	Fields []*Field
	// Value is set on every node whose value is known, whatever its Op.
	Value constant.Value
	// Spread marks an OpCall of append whose last argument is a list: append(a, b...).
	Spread bool
}

// Walk calls f for a node and all below it.
func (n *Node) Walk(f func(*Node)) {
	f(n)
	for _, a := range n.Args {
		a.Walk(f)
	}
}

// Fails reports whether the node itself is an operation that can fail: on numbers, where it may overflow or divide by
// zero, or one that makes a list which may grow too long. What is known is computed already.
func (n *Node) Fails() bool {
	if n.Type != nil && decimal(n.Type) { // of which Go has no constants
		return n.Op == OpBinary
	}
	if n.Value != nil || n.Type == nil {
		return false
	}
	switch n.Op {
	case OpBinary:
		return numeric(n.Type) && strings.Contains("+-*/%", n.Name)
	case OpUnary:
		return integer(n.Type) && n.Name == "-"
	case OpCall:
		return n.Name == "days" || integer(n.Type) && n.Name == "abs"
	case OpConvert:
		return narrows(n.Args[0].Type, n.Type)
	}
	return false
}

// widths are the values that the kinds of integers hold, in bits; the unsigned ones are negative.
var widths = map[Kind]int{Int: 64, Int32: 32, Int64: 64, Duration: 64, Uint32: -32, Uint64: -64}

// narrows reports whether a number of one type may not fit another.
func narrows(have, want *Type) bool {
	to := widths[want.Kind]
	if have == nil || have.Class != Scalar || to == 0 {
		return false
	}
	from := widths[have.Kind]
	switch {
	case have.Kind == Float64:
		return true
	case from == 0, from == to:
		return false
	case from < 0 && to > 0:
		return to <= -from
	case from > 0 && to < 0:
		return true
	}
	return from > 0 && to < from || from < 0 && to > from
}

// Canonical returns the meaning of a node as a text: the same for the same tree, however it was written.
func (n *Node) Canonical() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *Node) write(b *strings.Builder) {
	fmt.Fprintf(b, "(%d %s", n.Op, n.Name)
	switch {
	case n.Op == OpLiteral || n.Op == OpValue:
		b.WriteString(n.Value.ExactString())
	case n.Op == OpConvert || n.Op == OpNone:
		b.WriteString(n.Type.String())
	case n.Spread:
		b.WriteString("...")
	}
	for i, a := range n.Args {
		if n.Op == OpBuild {
			b.WriteString(" " + n.Fields[i].Name + ":")
		}
		b.WriteString(" ")
		a.write(b)
	}
	b.WriteString(")")
}
