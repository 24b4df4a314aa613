// Command cqrsgen turns the YAML model of a bounded context into typed Go.
//
// Usage:
//
//	cqrsgen generate [FILE…]   write the Go of each model beside it; without FILE, of every *.cqrs.yaml below the
//	                           working directory
//	cqrsgen version            print the version
//
// Exit codes: 0 fine, 1 a model is wrong, 2 usage or I/O.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// errFindings ends a command whose findings were printed already.
var errFindings = errors.New("findings")

func run(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "cqrsgen",
		Short:         "Turns the YAML model of a bounded context into typed Go",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(generateCommand(), versionCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	switch err := root.Execute(); {
	case err == nil:
		return 0
	case errors.Is(err, errFindings):
		return 1
	default:
		fmt.Fprintln(stderr, "cqrsgen:", err)
		return 2
	}
}
