package main

import "github.com/spf13/cobra"

func checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Say what is wrong with each model",
		Long:  "Say what is wrong with each model, and write nothing. " + withoutFiles,
		Example: `  cqrsgen check
  cqrsgen check --json ledger/ledger.cqrs.yaml`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			files, err := modelsOf(files)
			if err != nil {
				return err
			}
			_, err = load(files, &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: asJSON})
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
