// Package corpus has small functions, and above each what vet must say about it: `//vet:pure`, or
// `//vet:impure KIND: TEXT`, where TEXT is a part of the message. `//vet:missed KIND: WHY` is on a function that is impure
// and is not found, and `//vet:accused KIND: WHY` on one that is pure and is. A function without any of them is a helper.
//
// A function that takes a row is a fold, one that takes a pointer to a state is an apply function, and all others are
// deciders.
package corpus

import "time"

// Line is a part of an event.
type Line struct {
	SKU      string
	Quantity int64
}

// Event is what is folded.
type Event struct {
	Name   string
	Amount int64
	At     time.Time
	Names  []string
	Tags   map[string]bool
	Sums   map[string]int64
	Floats map[string]float64
	Lines  []Line
	By     *Line
	Parts  map[string]*Line
	Order  map[string]int
}

// Row is what events are folded into.
type Row struct {
	Total  int64
	Count  int
	Sum    float64
	Name   string
	Last   time.Time
	Open   bool
	Names  []string
	Tags   map[string]bool
	Sums   map[string]int64
	Lines  []Line
	By     *Line
	Latest *Event
	Do     func() int64
}

// State is what apply functions change.
type State struct {
	Open  bool
	Total int64
	Names []string
	Sums  map[string]int64
	Lines []Line
}

// Command is what deciders decide about.
type Command struct {
	Name   string
	Amount int64
	Names  []string
	Sums   map[string]int64
	At     time.Time
}
