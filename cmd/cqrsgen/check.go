package main

import (
	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
)

func checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Say what is wrong with each model, and give advice",
		Long: "Say what is wrong with each model, and write nothing. Models that are right get advice, which changes no exit code. " +
			withoutFiles,
		Example: `  cqrsgen check
  cqrsgen check --json ledger/ledger.cqrs.yaml`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			files, err := modelsOf(files)
			if err != nil {
				return err
			}
			return check(files, &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: asJSON})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func check(files []string, out *printer) error {
	wrong := false
	for _, file := range files {
		findings, err := gen.Check(file)
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
