package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/contract"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "docs [FILE…]",
		Short: "Print the diagram of each model's lifecycles",
		Long: "Print the diagram of each model's lifecycles: Markdown, in which Mermaid draws them. A model without a " +
			"lifecycle prints nothing. " + withoutFiles,
		Example:           "  cqrsgen docs > lifecycles.md",
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			files, err := modelsOf(files)
			if err != nil {
				return err
			}
			return printDocs(files, &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()})
		},
	}
}

func printDocs(files []string, out *printer) error {
	wrong := false
	for _, file := range files {
		m, findings, err := gen.Model(file)
		if err != nil {
			return err
		}
		if err := out.findings(findings); err != nil {
			return err
		}
		if m == nil {
			wrong = true
			continue
		}
		if err := writeDocs(out.stdout, m); err != nil {
			return err
		}
	}
	if wrong {
		return errFindings
	}
	return nil
}

func writeDocs(w io.Writer, m *model.Model) error {
	diagram := contract.Mermaid(m)
	if diagram == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "# %s\n\n```mermaid\n%s```\n", m.Package, diagram)
	return err
}
