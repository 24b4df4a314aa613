package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// planOptions are the flags of plan.
type planOptions struct {
	against   string
	log, json bool
}

func planCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan [FILE…]",
		Short: "Say what a release of each model does to snapshots and read models",
		Long: `Compare each model, and what its folds in Go mean, with the lock file that it had, and say what a release
does: which snapshots do not count any more, which read models are built anew, and why. Without
--against: with the one of HEAD, or, where there is none, with the one on disk. ` + withoutFiles + `

How long that takes depends on the log, which the service's own program reads: --log prints the
command.`,
		Example: `  cqrsgen plan
  cqrsgen plan --against v1.4.0 --json
  cqrsgen plan --log`,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, files []string) error {
			files, err := modelsOf(files)
			if err != nil {
				return err
			}
			out := &printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: o.json}
			return plan(cmd.Context(), files, o, out)
		},
	}
	cmd.Flags().StringVar(&o.against, "against", "", aRef)
	cmd.Flags().BoolVar(&o.log, "log", false, "also print the command that counts events and measures times on a log")
	jsonFlag(cmd, &o.json)
	return cmd
}

// outcome is what programs read of what a release does.
type outcome struct {
	Kind    string   `json:"kind"` // "plan"
	File    string   `json:"file"`
	Against string   `json:"against,omitempty"`
	Element string   `json:"element"`
	Name    string   `json:"name"`
	Action  string   `json:"action"`
	From    string   `json:"from,omitempty"`
	To      string   `json:"to,omitempty"`
	Reasons []string `json:"reasons,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

func plan(ctx context.Context, files []string, o planOptions, out *printer) error {
	before, err := released(ctx, files, o.against)
	if err != nil {
		return err
	}
	wrong := false
	for i, file := range files {
		release, findings, err := gen.Planned(file, before[i])
		if err != nil {
			return err
		}
		if findings.Failed() {
			wrong = true
			if err := out.findings(findings); err != nil {
				return err
			}
			continue
		}
		if err := out.plan(file, before[i], release.Outcomes); err != nil {
			return err
		}
		if err := out.breakage(file, before[i], o.against, release.Breakage); err != nil {
			return err
		}
		wrong = wrong || release.Breakage.Stops()
		if o.log {
			if err := out.measuring(file); err != nil {
				return err
			}
		}
	}
	if wrong {
		return errFindings
	}
	return nil
}

// released returns the lock file of what runs: that of a ref, or of HEAD, or else the one on disk, which is of the last
// generate. It is nil where there is none.
func released(ctx context.Context, files []string, against string) ([]*diag.File, error) {
	if against != "" {
		return locksAt(ctx, against, files)
	}
	return each(files, func(file string) (*diag.File, error) {
		if found, err := lockInGit(ctx, "HEAD", file); err == nil && found != nil {
			return found, nil // else it is no repository, or HEAD does not have it
		}
		name := filepath.Join(filepath.Dir(file), lock.FileName(filepath.Base(file)))
		src, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return &diag.File{Name: name, Src: src}, err
	})
}

// plan prints what a release does.
func (p *printer) plan(file string, before *diag.File, list []evolve.Outcome) error {
	against := ""
	if before != nil {
		against = before.Name
	}
	if p.json {
		for _, x := range list {
			if err := p.object(outcome{
				"plan", file, against, x.Element, x.Name, x.Action, x.From, x.To, x.Reasons, x.Notes,
			}); err != nil {
				return err
			}
		}
		return nil
	}
	if against == "" {
		against = "nothing: no lock file of it is known"
	}
	fmt.Fprintf(p.stdout, "%s, compared with %s\n", file, against)
	_, err := io.WriteString(p.stdout, evolve.Text(list))
	return err
}

// breakage is what programs read of what a release breaks.
type breakage struct {
	Kind     string   `json:"kind"` // "breaking"
	File     string   `json:"file"`
	Against  string   `json:"against"`
	Errors   int      `json:"errors"`
	Warnings int      `json:"warnings"`
	Breaks   []string `json:"breaks,omitempty"`
	Maybe    []string `json:"maybe,omitempty"`
	Command  string   `json:"command"`
}

// breakage says how much of what there is would not survive the release, and which command shows it.
func (p *printer) breakage(file string, before *diag.File, ref string, b evolve.Breakage) error {
	if b.Errors+b.Warnings == 0 {
		return nil
	}
	switch {
	case ref != "":
	case strings.HasPrefix(before.Name, "HEAD:"):
		ref = "HEAD"
	default:
		ref = before.Name
	}
	command := "cqrsgen breaking --against " + ref + " " + file
	if p.json {
		return p.object(breakage{"breaking", file, before.Name, b.Errors, b.Warnings, b.Who, b.Maybe, command})
	}
	for _, line := range b.Lines() {
		fmt.Fprintln(p.stdout, "  "+line)
	}
	fmt.Fprintln(p.stdout, "      shown by: "+command)
	return nil
}

// measuring prints the command that measures on a log: of the programs of the module that have the operations of a service.
func (p *printer) measuring(file string) error {
	programs, err := programsOf(filepath.Dir(file))
	if err != nil {
		return err
	}
	if len(programs) == 0 {
		programs = []string{"YOUR-SERVICE"}
	}
	for _, program := range programs {
		command := program + " log plan"
		if p.json {
			if err := p.object(map[string]string{"kind": "command", "file": file, "command": command}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(p.stdout, "The service's own program knows its log and its folds. It counts, and measures how long it takes:\n  %s\n", command)
	}
	return nil
}

// adminImport is the line of a program that has the operations of a service.
const adminImport = "\t\"github.com/cqrsgen/cqrsgen/runtime/admin\"\n"

// programsOf returns the commands that run the programs of the module of a folder which call package admin.
func programsOf(dir string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root := dir
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			return nil, nil
		}
		root = filepath.Dir(root)
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var found []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor"):
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(src, []byte("\npackage main\n")) && !bytes.HasPrefix(src, []byte("package main\n")) ||
			!bytes.Contains(src, []byte(adminImport)) {
			return err
		}
		folder, err := filepath.Rel(here, filepath.Dir(path))
		if err != nil {
			return err
		}
		command := "go run ./" + filepath.ToSlash(folder)
		if folder == "." {
			command = "go run ."
		} else if strings.HasPrefix(folder, "..") {
			command = "go run " + filepath.ToSlash(folder)
		}
		if !slices.Contains(found, command) {
			found = append(found, command)
		}
		return nil
	})
	return found, err
}
