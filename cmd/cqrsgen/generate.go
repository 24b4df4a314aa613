package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

type generateOptions struct{ check, diff, noStubs, json bool }

func generateCommand() *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate [FILE…]",
		Short: "Write the Go code of each model beside it",
		Long: `Write the Go code of each model beside it. ` + withoutFiles + `

If any model is wrong, or any file can't be written, nothing is written. Files whose content would be
the same are not touched. Files that are no longer asked for are removed if the tool wrote them.`,
		Example: `  cqrsgen generate
  cqrsgen generate ledger/ledger.cqrs.yaml
  cqrsgen generate --check`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			out := &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: o.json}
			return generate(files, o, out)
		},
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing; list what is not up to date, and exit with 1 if anything is")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "write nothing; show what would change, and exit with 1 if anything would")
	cmd.Flags().BoolVar(&o.noStubs, "no-stubs", false, "leave the team's files alone, also where methods are missing")
	jsonFlag(cmd, &o.json)
	return cmd
}

// generate loads every model before it writes the first file.
func generate(files []string, o generateOptions, out *printer) error {
	files, err := modelsOf(files)
	if err != nil {
		return err
	}
	known := newRecall(o)
	if files = known.left(files); len(files) == 0 {
		return nil
	}
	sets, err := load(files, out)
	if err != nil {
		return err
	}
	for i, set := range sets {
		if known.follow(files[i], set); set.Outside {
			known.forget(files[i])
		}
	}
	pending, err := prepare(files, sets, o)
	defer func() {
		for _, p := range pending {
			p.Close()
		}
	}()
	if err != nil {
		return err
	}
	for i, p := range pending {
		if p.Emptied() {
			known.forget(files[i]) // the next run removes it
		}
	}
	wrong, blocked, err := ofTeam(files, pending, out)
	switch {
	case err != nil:
		return err
	case o.check || o.diff:
		err = show(files, pending, o, out)
	case blocked:
		return errFindings
	default:
		err = write(files, pending, known, out)
	}
	if err == nil && wrong {
		return errFindings
	}
	if err == nil && !out.said {
		known.keep()
	}
	return err
}

// ofTeam reports what is to be said about the team's files: whether something is wrong with them, and whether that
// stands against writing.
func ofTeam(files []string, pending []*output.Pending, out *printer) (wrong, blocked bool, err error) {
	for i, p := range pending {
		for _, findings := range gen.OfTeam(filepath.Dir(files[i]), p) {
			if err := out.findings(findings); err != nil {
				return wrong, blocked, err
			}
			wrong = wrong || findings.Failed()
		}
		blocked = blocked || p.Blocked()
	}
	return wrong, blocked, nil
}

// load reads all models, and reports what is wrong with them in one run.
func load(files []string, out *printer) ([]*output.Set, error) {
	sets, wrong := make([]*output.Set, len(files)), false
	for i, file := range files {
		set, findings, err := gen.Load(file)
		if err != nil {
			return nil, err
		}
		if err := out.findings(findings); err != nil {
			return nil, err
		}
		sets[i], wrong = set, wrong || findings.Failed()
	}
	if wrong {
		return nil, errFindings
	}
	return sets, nil
}

// prepare decides what happens to the folders of the models. What it returns beside an error is to be closed too.
func prepare(files []string, sets []*output.Set, o generateOptions) ([]*output.Pending, error) {
	var pending []*output.Pending
	for i, set := range sets {
		set.NoStubs = o.noStubs
		p, err := output.Prepare(filepath.Dir(files[i]), *set)
		if err != nil {
			return pending, fmt.Errorf("%s: %w", filepath.Dir(files[i]), err)
		}
		pending = append(pending, p)
	}
	return pending, nil
}

// show says what would be written and removed.
func show(files []string, pending []*output.Pending, o generateOptions, out *printer) error {
	found := false
	for i, p := range pending {
		changes, err := p.Changes()
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Dir(files[i]), err)
		}
		for _, c := range changes {
			found = true
			path := filepath.Join(filepath.Dir(files[i]), c.Name)
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

// write brings the sets to the folders of their models, if that can be done in all of them.
func write(files []string, pending []*output.Pending, known *recall, out *printer) error {
	for i, p := range pending {
		if err := known.expect(files[i], p); err != nil {
			return fmt.Errorf("%s: %w", filepath.Dir(files[i]), err)
		}
		if err := p.Stage(); err != nil {
			return fmt.Errorf("%s: %w", filepath.Dir(files[i]), err)
		}
	}
	for i, p := range pending {
		dir := filepath.Dir(files[i])
		before, after := p.Rewired()
		if err := commit(dir, p, out); err != nil {
			return err
		}
		if after != "" {
			out.rewired(dir, before, after)
		}
	}
	return nil
}

func commit(dir string, p *output.Pending, out *printer) error {
	result, err := p.Commit()
	for _, name := range result.Written {
		out.file(filepath.Join(dir, name), "wrote")
	}
	for _, name := range result.Emptied {
		out.file(filepath.Join(dir, name), "emptied")
	}
	for _, name := range result.Removed {
		out.file(filepath.Join(dir, name), "removed")
	}
	for _, name := range result.Kept {
		out.said = true
		out.file(filepath.Join(dir, name), "kept")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}
