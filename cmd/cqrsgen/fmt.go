package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/gen/tidy"
)

type formatOptions struct{ check, diff, json bool }

func formatCommand() *cobra.Command {
	var o formatOptions
	cmd := &cobra.Command{
		Use:   "fmt [FILE…]",
		Short: "Bring each model file into its canonical form",
		Long: `Bring each model file into its canonical form. ` + withoutFiles + `
With - for FILE, from standard input to standard output.

Only white space changes, and quotes that nothing needs. A file with a mistake is left as it is.`,
		Example: `  cqrsgen fmt
  cqrsgen fmt --check
  cqrsgen fmt - < ledger.cqrs.yaml`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			out := &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: o.json}
			if len(files) == 1 && files[0] == "-" {
				return formatInput(cmd.InOrStdin(), out)
			}
			return format(files, o, out)
		},
	}
	cmd.Flags().BoolVar(&o.check, "check", false,
		"write nothing; list what is not in its canonical form, and exit with 1 if anything is")
	cmd.Flags().BoolVar(&o.diff, "diff", false,
		"write nothing; show what would change, and exit with 1 if anything would")
	jsonFlag(cmd, &o.json)
	return cmd
}

// formatInput formats what is read, and writes nothing if there is a mistake in it.
func formatInput(in io.Reader, out *printer) error {
	src, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	text, err := canonical("standard input", src, out)
	if err != nil {
		return err
	}
	_, err = out.stdout.Write(text)
	return err
}

// canonical returns the canonical form of a model file.
func canonical(path string, src []byte, out *printer) ([]byte, error) {
	text, findings, err := gen.Format(path, src)
	switch {
	case errors.Is(err, tidy.ErrUnsupported):
		fmt.Fprintf(out.stderr, "%s: left as it is: %v\n", path, err)
		return src, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := out.findings(findings); err != nil {
		return nil, err
	}
	if findings.Failed() {
		return nil, errFindings
	}
	return text, nil
}

// format formats files one by one.
func format(files []string, o formatOptions, out *printer) error {
	if len(files) == 0 {
		var err error
		if files, err = findSome(); err != nil {
			return err
		}
	}
	found := false
	for _, file := range files {
		switch changed, err := formatFile(file, o, out); {
		case errors.Is(err, errFindings):
			found = true
		case err != nil:
			return err
		case o.check || o.diff:
			found = found || changed
		}
	}
	if found {
		return errFindings
	}
	return nil
}

// formatFile formats a file, or says what that would change, and whether there was anything to.
func formatFile(path string, o formatOptions, out *printer) (changed bool, err error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	text, err := canonical(path, src, out)
	if err != nil || bytes.Equal(src, text) {
		return false, err
	}
	if o.check || o.diff {
		c := output.Change{Name: path, Kind: output.Stale, Old: src, New: text}
		var diff []byte
		if o.diff {
			diff = c.Diff(filepath.ToSlash(path))
		}
		return true, out.change(path, string(c.Kind), diff, o.check)
	}
	if err := output.Replace(path, text); err != nil {
		return false, err
	}
	out.file(path, "wrote")
	return true, nil
}
