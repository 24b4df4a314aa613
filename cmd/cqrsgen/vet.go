package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen/purity"
)

func vetCommand() *cobra.Command {
	var asJSON, vouched bool
	cmd := &cobra.Command{
		Use:   "vet [PACKAGES]",
		Short: "Find deciders and folds that are not pure",
		Long: `Follow deciders, apply functions, folds and key functions through all that they call in the module, and say what
they do that they must not: I/O, clock, randomness, environment, goroutines, channels, locks, context, variables that
somebody changes, the order of maps, changes to what they are given, calls that can't be followed, and, in folds, the
side of commands.

PACKAGES are named as for go build; without any, ./... is vetted.`,
		Example: `  cqrsgen vet
  cqrsgen vet --json ./ledger/...
  cqrsgen vet --vouched`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			if len(patterns) == 0 {
				patterns = []string{"./..."}
			}
			result, err := purity.Vet(purity.Load{Patterns: patterns})
			if err != nil {
				return err
			}
			out := &vetPrinter{printer{stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), json: asJSON}}
			if vouched {
				return out.vouched(result)
			}
			return out.result(result)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&vouched, "vouched", false, "list the functions that somebody vouches for, with the reasons")
	return cmd
}

// vetPrinter reports what vet found.
type vetPrinter struct{ printer }

// purityReport is what programs read about a finding.
type purityReport struct {
	Kind    string       `json:"kind"`
	What    string       `json:"what"`
	File    string       `json:"file"`
	Line    int          `json:"line"`
	Col     int          `json:"col"`
	Role    string       `json:"role,omitempty"`
	Func    string       `json:"func,omitempty"`
	Message string       `json:"message"`
	Path    []stepReport `json:"path"`
	Others  int          `json:"others,omitempty"`
}

// stepReport is one step of the path to what is impure.
type stepReport struct {
	Func string `json:"func"`
	Does string `json:"does"`
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

func (p *vetPrinter) result(r *purity.Result) error {
	for i := range r.Findings {
		if err := p.finding(&r.Findings[i]); err != nil {
			return err
		}
	}
	if p.json {
		if err := p.object(struct {
			Kind    string `json:"kind"`
			Checked int    `json:"checked"`
		}{"vetted", r.Checked}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(p.stdout, "checked %s\n", countOf(r.Checked, "function"))
	}
	if len(r.Findings) > 0 {
		return errFindings
	}
	return nil
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *vetPrinter) finding(f *purity.Finding) error {
	if !p.json {
		fmt.Fprintf(p.stderr, "%s: %s: %s\n", place(f.At), f.Kind, f.Message())
		if len(f.Path) > 1 {
			for _, line := range f.Steps(place) {
				fmt.Fprintf(p.stderr, "\t%s\n", line)
			}
		}
		return nil
	}
	report := purityReport{
		Kind: "impure", What: string(f.Kind), File: relative(f.At.File), Line: f.At.Line, Col: f.At.Col,
		Role: string(f.Role), Func: f.Root, Message: f.Message(), Others: f.Others,
	}
	for _, s := range f.Path {
		report.Path = append(report.Path, stepReport{s.Func, s.Text, relative(s.At.File), s.At.Line, s.At.Col})
	}
	return p.object(report)
}

func (p *vetPrinter) vouched(r *purity.Result) error {
	for _, v := range r.Vouched {
		if !p.json {
			fmt.Fprintf(p.stdout, "%s: %s: %s\n", place(v.At), v.Func, v.Reason)
			continue
		}
		if err := p.object(struct {
			Kind   string `json:"kind"`
			Func   string `json:"func"`
			File   string `json:"file"`
			Line   int    `json:"line"`
			Col    int    `json:"col"`
			Reason string `json:"reason"`
		}{"vouched", v.Func, relative(v.At.File), v.At.Line, v.At.Col, v.Reason}); err != nil {
			return err
		}
	}
	return nil
}

func place(p purity.Position) string { return fmt.Sprintf("%s:%d:%d", relative(p.File), p.Line, p.Col) }

// relative names a file from the working directory, if it is below it.
func relative(file string) string {
	dir, err := os.Getwd()
	if err != nil {
		return file
	}
	rel, err := filepath.Rel(dir, file)
	if err != nil || strings.HasPrefix(rel, "..") {
		return file
	}
	return filepath.ToSlash(rel)
}
