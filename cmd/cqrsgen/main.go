// Command cqrsgen turns the YAML model of a bounded context into typed Go.
//
// Usage:
//
//	cqrsgen init DIR           write a new service that builds, runs and passes its tests
//	cqrsgen generate [FILE…]   write the Go of each model beside it
//	cqrsgen check [FILE…]      say what is wrong with each model, and give advice
//	cqrsgen breaking --against REF [FILE…]
//	                           say what a change of each model breaks
//	cqrsgen plan [FILE…]       say what a release of each model does to snapshots and read models
//	cqrsgen docs [FILE…]       write schemas, types and diagrams of each model
//	cqrsgen fmt [FILE…]        bring each model file into its canonical form
//	cqrsgen vet [PACKAGES]     find deciders and folds that are not pure
//	cqrsgen schema             print the JSON Schema of models
//	cqrsgen version            print the version, as --version does
//
// Without FILE, the commands take every *.cqrs.yaml below the working directory. `cqrsgen help COMMAND` has more.
//
// Exit codes: 0 fine, 1 findings, 2 usage or I/O.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
)

func main() {
	debug.SetGCPercent(gen.GCPercent)
	asVetTool(os.Args[1:])
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errFindings ends a command whose findings were printed already.
var errFindings = errors.New("findings")

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "cqrsgen",
		Short: "Turns the YAML model of a bounded context into typed Go",
		Long: `Turns the YAML model of a bounded context into typed Go.

Exit codes: 0 fine, 1 findings, 2 usage or I/O.`,
		Version:       thisBuild().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(initCommand(), generateCommand(), checkCommand(), breakingCommand(), planCommand(), formatCommand(),
		docsCommand(), vetCommand(), schemaCommand(), versionCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: `%s --help` lists the flags", err, cmd.CommandPath())
	})
	return root
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
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
