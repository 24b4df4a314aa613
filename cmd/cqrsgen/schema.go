package main

import (
	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen/schema"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of models",
		Long: `Print the JSON Schema of models, for editors. A model names it in its first line:

  # yaml-language-server: $schema=cqrsgen.schema.json`,
		Example:           "  cqrsgen schema > cqrsgen.schema.json",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(schema.JSONSchema())
			return err
		},
	}
}
