package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
)

// printer reports what a command found and did. People read findings on stderr and the rest on stdout; programs read
// all of it on stdout, an object of JSON on each line.
type printer struct {
	stdout, stderr io.Writer
	json           bool
	// said reports that there was something that the next run has to say again.
	said bool
}

func jsonFlag(cmd *cobra.Command, json *bool) {
	cmd.Flags().BoolVar(json, "json", false, "report on stdout, one JSON object a line")
}

func (p *printer) findings(f *gen.Findings) error {
	p.said = p.said || f.Any()
	if p.json {
		return f.WriteJSON(p.stdout)
	}
	return f.Write(p.stderr)
}

// fileReport is what programs read about a file.
type fileReport struct {
	Kind   string `json:"kind"`
	File   string `json:"file"`
	Change string `json:"change"`
	Diff   string `json:"diff,omitempty"`
}

// file says what was done to a file.
func (p *printer) file(path, change string) {
	if p.json {
		_ = p.object(fileReport{Kind: "file", File: path, Change: change})
		return
	}
	fmt.Fprintln(p.stdout, change, path)
}

// change says what would be done to a file: in a line if it is to be listed, and in full if there is a diff.
func (p *printer) change(path, change string, diff []byte, listed bool) error {
	if p.json {
		return p.object(fileReport{Kind: "file", File: path, Change: change, Diff: string(diff)})
	}
	if listed {
		fmt.Fprintln(p.stdout, change, path)
	}
	_, err := p.stdout.Write(diff)
	return err
}

// signatureReport is what programs read about a function whose callers have to follow.
type signatureReport struct {
	Kind   string `json:"kind"`
	Folder string `json:"folder"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// rewired says that New has other parameters than before.
func (p *printer) rewired(dir, before, after string) {
	if p.json {
		_ = p.object(signatureReport{Kind: "signature", Folder: dir, Before: before, After: after})
		return
	}
	fmt.Fprintf(p.stdout, "callers of New in %s have to follow: it was\n\t%s\nand is\n\t%s\n", dir, before, after)
}

func (p *printer) object(x any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(x)
}
