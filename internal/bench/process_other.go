//go:build !unix

package main

import "time"

// peakMemory is not known here.
func peakMemory() int64 { return 0 }

var begun = time.Now()

// spent is the time that passed: that of the processors alone is not known here.
func spent() time.Duration { return time.Since(begun) }
