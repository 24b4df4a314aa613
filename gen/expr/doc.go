// Package expr reads the expressions of a model. They are Go: parsed with go/parser, and checked with go/types in a
// synthetic package that has what the model declares and nothing else, so that no source is loaded and no import is
// resolved. Only what is pure and total is let through.
//
// A World holds the types that a model declares. World.Check takes the text of one expression and the names that it may
// use, and returns a small tree of typed nodes, or says what is wrong in the model's words, each mistake with the place
// of just the part that is at fault.
//
// The package knows nothing of models: whoever declares a type, a field or a value attaches a reference to it, and
// finds that in the tree.
package expr
