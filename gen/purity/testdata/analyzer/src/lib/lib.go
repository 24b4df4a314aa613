// Package lib is what folds of another package use. // want package:"6 functions"
package lib

import "time"

// Stamp looks at the clock, two calls away.
func Stamp() int64 { return stamp() }

func stamp() int64 { return time.Now().Unix() }

// Fill changes what it is given.
func Fill(list []string) {
	for i := range list {
		list[i] = ""
	}
}

// Double is pure.
func Double(n int64) int64 { return 2 * n }

//cqrs:pure
func Unsaid() int64 { return time.Now().Unix() } // want `is vouched for without a reason`

//cqrs:pure it only adds
func Add(a, b int64) int64 { return a + b } // want `is vouched for, and is pure without that`
