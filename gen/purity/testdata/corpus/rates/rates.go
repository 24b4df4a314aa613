// Package rates is what folds of another package use.
package rates

import (
	"os"
	"time"
)

// Table is never changed.
var Table = map[string]int64{"EUR": 100, "USD": 108}

// Limit is changed by another package.
var Limit int64 = 10

var current = map[string]int64{}

// Set changes what Current returns.
func Set(currency string, rate int64) { current[currency] = rate }

// Current returns what Set sets.
func Current(currency string) int64 { return current[currency] }

// Fixed is pure.
func Fixed(currency string) int64 { return Table[currency] }

// Zone depends on the environment, two calls away.
func Zone() string { return zone() }

func zone() string { return os.Getenv("TZ") }

// Clock tells the time.
type Clock interface{ Now() time.Time }

// Fill changes the list that it is given.
func Fill(list []string, with string) {
	for i := range list {
		list[i] = with
	}
}

// First returns a part of what it is given.
func First(list []string) []string { return list[:1] }

// Filled returns a new list.
func Filled(n int, with string) []string {
	list := make([]string, n)
	Fill(list, with)
	return list
}
