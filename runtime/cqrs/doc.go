// Package cqrs holds the words that every other package of the runtime, and all generated code, speaks: stream,
// version, position, event, record, command meta, receipt, and the errors that a caller can tell apart.
//
// It has values and no behaviour of its own: no I/O, no goroutines, no clock. It imports nothing of this module.
package cqrs
