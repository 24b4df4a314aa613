package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen/newservice"
)

func initCommand() *cobra.Command {
	o := newservice.Options{Source: newservice.Running()}
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Write a new service that builds, runs and passes its tests",
		Long: `Write a new service that builds, runs and passes its tests: a small model with its generated Go, HTTP in
front of it, tests, a Makefile, a CI file and a README. DIR must not exist, or be empty.`,
		Example: `  cqrsgen init tickets --module example.com/tickets
  cqrsgen init tickets --module example.com/tickets --engine postgres`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			service, err := newservice.Create(args[0], o)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "wrote %d files to %s. Now:\n\n  cd %s\n", len(service.Files), args[0], shell(args[0]))
			for _, step := range service.Steps {
				fmt.Fprintf(out, "  %s\n", step)
			}
			fmt.Fprintln(out, "\nREADME.md there has requests to send, and says what to change.")
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Module, "module", "", "path of the service's Go module, such as example.com/tickets")
	cmd.Flags().StringVar(&o.Engine, "engine", "embedded", "the event log: "+strings.Join(newservice.Engines(), ", "))
	return cmd
}

// shell quotes a word for a shell, if that is needed.
func shell(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("/._-+:@%", r) && (r < '0' || '9' < r) && (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r)
	}) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
