// Package seededbugs proves that the tests of this module can fail. It has nothing but a test, which breaks the source
// on purpose, one bug at a time, and demands that the tests whose job it is notice. No bug is in the source itself, nor a
// switch for one: the Go command compiles a changed copy of a file in the place of the real one (`go test -overlay`).
package seededbugs
