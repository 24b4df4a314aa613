// Package testserver starts the servers that tests need: real ones, from the binaries of the system, each in a folder of
// its own below the temporary one. Whatever it starts ends with the test process, however that ends.
//
// Where binaries are missing a test is skipped, or fails if the environment variable CI is "true".
package testserver

import (
	"os"
	"testing"
)

// missing ends a test for which something is not installed.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
