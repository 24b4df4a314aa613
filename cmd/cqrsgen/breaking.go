package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
)

// aRef is the help on what --against takes.
const aRef = "`REF`: a branch, tag or commit of git, a folder that the model was in, or a lock file"

func breakingCommand() *cobra.Command {
	var o struct {
		against string
		who     []string
		json    bool
	}
	cmd := &cobra.Command{
		Use:   "breaking --against REF [FILE…]",
		Short: "Say what a change of each model breaks",
		Long: `Compare each model with the lock file that it had, and say what would not survive the change: events that
are stored, older releases that still run, readers of the contracts, and those who query read models. ` + withoutFiles + `

Each finding has its place, a reason and, where there is one, the declaration that makes it safe. A
warning concerns those of whom nobody knows whether there are any, and changes no exit code.`,
		Example: `  cqrsgen breaking --against main
  cqrsgen breaking --against v1.4.0 --for stored,running
  cqrsgen breaking --against ../released/ledger.cqrs.lock ledger/ledger.cqrs.yaml`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			if o.against == "" {
				return fmt.Errorf("say what to compare with: `%s --against main`", cmd.CommandPath())
			}
			for _, who := range o.who {
				if !slices.Contains(evolve.Everybody, who) {
					return fmt.Errorf("--for takes %s, and not %q", strings.Join(evolve.Everybody, ", "), who)
				}
			}
			files, err := modelsOf(files)
			if err != nil {
				return err
			}
			out := &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: o.json}
			return breaking(cmd.Context(), files, o.against, o.who, out)
		},
	}
	cmd.Flags().StringVar(&o.against, "against", "", aRef)
	cmd.Flags().StringSliceVar(&o.who, "for", nil, "what breaks these alone: "+strings.Join(evolve.Everybody, ", "))
	jsonFlag(cmd, &o.json)
	return cmd
}

func breaking(ctx context.Context, files []string, against string, who []string, out *printer) error {
	before, err := locksAt(ctx, against, files)
	if err != nil {
		return err
	}
	wrong := false
	for i, file := range files {
		if before[i] == nil {
			fmt.Fprintf(out.stderr, "%s is new since %s: nothing of it is stored\n", file, against)
			continue
		}
		findings, err := gen.Breaking(file, *before[i], who...)
		if err != nil {
			return err
		}
		if err := out.findings(findings); err != nil {
			return err
		}
		wrong = wrong || findings.Failed()
	}
	if wrong {
		return errFindings
	}
	return nil
}
