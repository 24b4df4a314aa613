// Package purity finds what deciders, apply functions, folds and key functions must not do: I/O, looking at the clock,
// at randomness or at the environment, goroutines, channels, locks, variables that somebody changes, results that depend
// on the order of a map, changes to what they were not given to change, and calls that can't be followed.
//
// It works in two steps. Summarize reads one type-checked package and says for each function what it does by itself and
// what it uses. Resolve follows those uses from the roots, over all packages, and returns a finding with the shortest
// path for each culprit. A summary needs no syntax tree to be followed, so that it can travel as a fact of package
// golang.org/x/tools/go/analysis.
//
// The standard library is never entered: a table says what each of its packages and functions does. Other modules are
// not entered either, and count as impure unless a table names them.
package purity
