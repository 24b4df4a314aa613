package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

// docsFolder is where contracts go, beside their model.
const docsFolder = "docs"

type docsOptions struct {
	out               string
	check, diff, json bool
}

func docsCommand() *cobra.Command {
	var o docsOptions
	cmd := &cobra.Command{
		Use:   "docs [FILE…]",
		Short: "Write what each model means to others: schemas, types and diagrams",
		Long: `Write what each model means to others, into the folder docs beside it: JSON Schema of each event and
command, an AsyncAPI document, types of TypeScript, and the event model as Markdown and as a web page. ` + withoutFiles + `

If any model is wrong, nothing is written. Files whose content would be the same are not touched. Files
that are no longer asked for are removed if the tool wrote them.`,
		Example: `  cqrsgen docs
  cqrsgen docs ledger/ledger.cqrs.yaml --out ../contracts/ledger
  cqrsgen docs --check`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			return docs(files, o, &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: o.json})
		},
	}
	cmd.Flags().StringVar(&o.out, "out", "", "the folder to write to, for one model")
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing; list what is not up to date, and exit with 1 if anything is")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "write nothing; show what would change, and exit with 1 if anything would")
	jsonFlag(cmd, &o.json)
	return cmd
}

// docs reads every model before it writes the first file.
func docs(files []string, o docsOptions, out *printer) error {
	files, err := modelsOf(files)
	if err != nil {
		return err
	}
	if o.out != "" && len(files) > 1 {
		return fmt.Errorf("--out is the folder of one model, and there are %d: name one", len(files))
	}
	documents, err := loadDocuments(files, out)
	if err != nil {
		return err
	}
	var pending []folder
	defer func() {
		for _, f := range pending {
			f.Close()
		}
	}()
	for i, d := range documents {
		f, err := prepareDocuments(o.folderOf(files[i]), d, o)
		if err != nil {
			return err
		}
		pending = append(pending, f)
	}
	if o.check || o.diff {
		return showDocuments(pending, o, out)
	}
	return writeDocuments(pending, out)
}

func (o docsOptions) folderOf(file string) string {
	if o.out != "" {
		return filepath.Clean(o.out)
	}
	return filepath.Join(filepath.Dir(file), docsFolder)
}

// loadDocuments reads all models, and reports what is wrong with them in one run.
func loadDocuments(files []string, out *printer) ([]*output.Documents, error) {
	var documents []*output.Documents
	wrong := false
	for _, file := range files {
		d, findings, err := gen.Documents(file)
		if err != nil {
			return nil, err
		}
		if err := out.findings(findings); err != nil {
			return nil, err
		}
		documents, wrong = append(documents, d), wrong || findings.Failed()
	}
	if wrong {
		return nil, errFindings
	}
	return documents, nil
}

// folder is what is about to happen to a folder.
type folder struct {
	path string
	// absent are the documents of a folder that is not there, and not made because nothing is to be written.
	absent *output.Documents
	*output.Pending
}

// Close ends what was prepared.
func (f folder) Close() {
	if f.Pending != nil {
		f.Pending.Close()
	}
}

func prepareDocuments(path string, d *output.Documents, o docsOptions) (folder, error) {
	if o.check || o.diff {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return folder{path: path, absent: d}, nil
		}
	} else if err := os.MkdirAll(path, 0o755); err != nil {
		return folder{}, err
	}
	p, err := output.PrepareDocuments(path, *d)
	if err != nil {
		return folder{}, fmt.Errorf("%s: %w", path, err)
	}
	return folder{path: path, Pending: p}, nil
}

// changes is what would happen.
func (f folder) changes() ([]output.Change, error) {
	if f.absent == nil {
		return f.Changes()
	}
	var list []output.Change
	for _, d := range f.absent.Files {
		list = append(list, output.Change{Name: d.Name, Kind: output.Missing, New: d.Content})
	}
	return list, nil
}

// showDocuments says what would be written and removed.
func showDocuments(pending []folder, o docsOptions, out *printer) error {
	found := false
	for _, f := range pending {
		changes, err := f.changes()
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		for _, c := range changes {
			found = true
			path := filepath.Join(f.path, c.Name)
			var diff []byte
			if o.diff {
				diff = c.Diff(filepath.ToSlash(path))
			}
			if err := out.change(path, string(c.Kind), diff, o.check); err != nil {
				return err
			}
		}
	}
	if found {
		return errFindings
	}
	return nil
}

// writeDocuments writes to all folders, if that can be done in all of them.
func writeDocuments(pending []folder, out *printer) error {
	for _, f := range pending {
		if err := f.Stage(); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	for _, f := range pending {
		if err := commit(f.path, f.Pending, out); err != nil {
			return err
		}
	}
	return nil
}
