package diag

import (
	"encoding/json"
	"io"
)

// docsFolder has a page for each code.
const docsFolder = "https://github.com/cqrsgen/cqrsgen/blob/main/docs/reference/diagnostics/"

// Docs is the address of the page that explains a code.
func Docs(code string) string { return docsFolder + code + ".md" }

// place is a span as programs read it: columns count characters from 1, and endCol is the first one behind the span.
type place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Col    int    `json:"col"`
	EndCol int    `json:"endCol"`
}

type jsonRelated struct {
	place
	Message string `json:"message"`
}

type jsonFinding struct {
	Kind string `json:"kind"`
	place
	Code     string        `json:"code"`
	Severity string        `json:"severity"`
	Message  string        `json:"message"`
	Hint     string        `json:"hint,omitempty"`
	Related  []jsonRelated `json:"related,omitempty"`
	Breaks   []string      `json:"breaks,omitempty"`
	Safe     string        `json:"safe,omitempty"`
	Docs     string        `json:"docs"`
}

func placeOf(file string, at Span) place {
	return place{file, at.Line, at.Col, at.Col + max(1, at.Len)}
}

// Severity is "error", "warning" or "advice".
func (d *Diagnostic) Severity() string {
	switch {
	case d.Advice:
		return "advice"
	case d.Warning:
		return "warning"
	}
	return "error"
}

// WriteJSON writes each finding as an object on a line of its own.
func (l *List) WriteJSON(w io.Writer, files *Files) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range l.Sorted() {
		file, at := files.Place(d.At)
		f := jsonFinding{
			Kind: "diagnostic", place: placeOf(file, at), Code: d.Code, Severity: d.Severity(), Message: d.Message,
			Hint: d.Hint, Breaks: d.Breaks, Safe: d.Safe, Docs: Docs(d.Code),
		}
		for _, r := range d.Related {
			if r.File != "" {
				f.Related = append(f.Related, jsonRelated{placeOf(r.in(file), r.At), r.Message})
				continue
			}
			file, at := files.Place(r.At)
			f.Related = append(f.Related, jsonRelated{placeOf(file, at), r.Message})
		}
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return nil
}
