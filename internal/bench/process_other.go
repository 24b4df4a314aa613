//go:build !unix

package main

import (
	"os"
	"time"
)

// maxMemory is not known here.
func maxMemory(*os.ProcessState) int64 { return 0 }

var begun = time.Now()

// spent is the time that passed: that of the processors alone is not known here.
func spent() time.Duration { return time.Since(begun) }
