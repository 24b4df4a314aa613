package schema_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// parsed returns the tree of a text without a finding.
func parsed(t *testing.T, src string) *schema.File {
	t.Helper()
	var d diag.List
	f := schema.Parse("m.yaml", []byte(src), &d)
	require.Empty(t, d.Sorted())
	require.NotNil(t, f)
	return f
}

// onlyFinding returns the one finding of a text.
func onlyFinding(t *testing.T, src string) diag.Diagnostic {
	t.Helper()
	var d diag.List
	schema.Parse("m.yaml", []byte(src), &d)
	found := d.Sorted()
	require.Len(t, found, 1, "%v", found)
	return found[0]
}

func TestValuesAreReadAsTheTextThatStandsInTheFile(t *testing.T) {
	f := parsed(t, `cqrsgen: 1
package: raw
types:
  Odd: {enum: [no, null, 0150, 1.50, 2026-03-01, true, ~x, "yes", 'it''s']}
`)
	var values []string
	for _, v := range f.Types[0].Values {
		values = append(values, v.Value)
	}
	assert.Equal(t, []string{"no", "null", "0150", "1.50", "2026-03-01", "true", "~x", "yes", "it's"}, values)
}

func TestACommentDirectlyAboveAnElementIsItsDocumentation(t *testing.T) {
	f := parsed(t, `# Not the package's: another key stands between.
cqrsgen: 1
# The package.
package: docs

types:
  # A section.

  # Names a door.
  #
  #   indented
  DoorID: {base: string}
  Inline: {base: string} # not above
  # Given up for its own doc.
  Own: {base: string, doc: Its own.}
  Place:
    # The street.
    fields:
      # A name.
      name: string
      # It ends the struct, and belongs to nothing.
  # Of the struct alone.
  Next: {fields: {inner: string}}
  Text:
    base: string
    doc: |
      First.

      # Not a comment.
  AfterText: {base: string}
`)
	docs := map[string]string{"package": f.Doc}
	for _, d := range f.Types {
		docs[d.Name.Value] = d.Doc
		for _, field := range d.Fields {
			docs[field.Name.Value] = field.Doc
		}
	}
	assert.Equal(t, map[string]string{
		"package": "The package.", "DoorID": "Names a door.\n\n  indented", "Inline": "", "Own": "Its own.", "Place": "",
		"name": "A name.", "Next": "Of the struct alone.", "inner": "", "Text": "First.\n\n# Not a comment.", "AfterText": "",
	}, docs)
}

func TestLineEndsAndAByteOrderMarkMakeNoDifference(t *testing.T) {
	src := "cqrsgen: 1\npackage: ends\ndoc: |\n  One.\n  Two.\n# Above.\ntypes:\n  # A door.\n  DoorID: {base: string}\n"
	assert.Equal(t, parsed(t, src), parsed(t, "\uFEFF"+strings.ReplaceAll(src, "\n", "\r\n")))
}

func TestThePlacesOfElementsAreThoseOfTheirText(t *testing.T) {
	f := parsed(t, `cqrsgen: 1
package: "plac\u0065s"
types:
  Größe: {enum: [ä, 'b', "c"], doc: 'x'}
  Place: {fields: {names: map of string to optional Größe, "list": "list of Place"}}
`)
	at := func(line, col, length int) diag.Span {
		return diag.Span{Pos: diag.Pos{Line: line, Col: col}, Len: length}
	}
	assert.Equal(t, "places", f.Package.Value)
	assert.Equal(t, at(2, 10, 13), f.Package.At)
	assert.Equal(t, at(4, 3, 5), f.Types[0].Name.At)
	assert.Equal(t, at(4, 18, 1), f.Types[0].Values[0].At)
	assert.Equal(t, at(4, 21, 3), f.Types[0].Values[1].At)
	assert.Equal(t, at(4, 26, 3), f.Types[0].Values[2].At)
	names := f.Types[1].Fields[0].Type
	assert.Equal(t, at(5, 27, 31), names.At)
	assert.Equal(t, at(5, 34, 6), names.Key.At)
	assert.Equal(t, at(5, 44, 14), names.Elem.At)
	assert.Equal(t, at(5, 53, 5), names.Elem.Elem.At)
	list := f.Types[1].Fields[1]
	assert.Equal(t, at(5, 60, 6), list.Name.At)
	assert.Equal(t, at(5, 77, 5), list.Type.Elem.At)
}

func TestKeysTellWhatWasWrittenAndWhatWasReported(t *testing.T) {
	var d diag.List
	f := schema.Parse("m.yaml", []byte(`cqrsgen: 1
package: keys
aggregates:
  Door: {id: DoorID, events: {}, comands: {}, state: {open: "bool?"}, snapshot: x}
`), &d)
	keys := f.Aggregates[0].Keys
	assert.Equal(t, schema.Written, keys["id"])
	assert.Equal(t, schema.Written, keys["events"])
	assert.Equal(t, schema.Absent, keys["rejections"])
	for _, faulty := range []string{"commands", "state", "snapshot"} {
		assert.Equal(t, schema.Faulty, keys[faulty], faulty)
	}
}

func TestAnyTypeIsReadAsItIsWritten(t *testing.T) {
	names := rapid.SampledFrom([]string{"string", "int64", "Money", "map2", "ofList", "Optional"})
	var types func(depth int) *rapid.Generator[string]
	types = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			form := rapid.IntRange(0, 3).Draw(t, "form")
			switch {
			case depth == schema.MaxTypeDepth || form == 0:
				return names.Draw(t, "name")
			case form == 1:
				elem := types(depth+1).Draw(t, "elem")
				return "optional " + strings.TrimPrefix(elem, "optional ")
			case form == 2:
				return "list of " + types(depth+1).Draw(t, "elem")
			}
			return "map of " + types(depth+1).Draw(t, "key") + " to " + types(depth+1).Draw(t, "elem")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text := types(1).Draw(t, "type")
		var d diag.List
		f := schema.Parse("m.yaml", []byte("cqrsgen: 1\npackage: p\ntypes: {T: {fields: {f: "+text+"}}}\n"), &d)
		if d.Len() != 0 {
			t.Fatal(d.Sorted())
		}
		if got := f.Types[0].Fields[0].Type.String(); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestTypesOfOtherLanguagesAreTranslated(t *testing.T) {
	for written, words := range map[string]string{
		"string?":                  "optional string",
		"*Money":                   "optional Money",
		"[]string":                 "list of string",
		"string[]":                 "list of string",
		"[]*Money":                 "list of optional Money",
		"map[string]int64":         "map of string to int64",
		"map[string][]Money":       "map of string to list of Money",
		"Map<string, List<Money>>": "map of string to list of Money",
		"Optional<string>":         "optional string",
		"string | null":            "optional string",
		"list of string?":          "list of optional string",
		"map of string to Money?":  "map of string to optional Money",
		"list<optional<map[a]b>>":  "list of optional map of a to b",
	} {
		d := onlyFinding(t, "cqrsgen: 1\npackage: p\ntypes: {T: {fields: {f: '"+written+"'}}}\n")
		assert.Equal(t, diag.TypeSpelling, d.Code)
		assert.Equal(t, "write `"+words+"`", d.Hint, written)
	}
}

// TestWhatIsNotYAMLIsReportedAtItsPlace has one mistake a line, marked by its place and code.
func TestWhatIsNotYAMLIsReportedAtItsPlace(t *testing.T) {
	for _, c := range []struct {
		src       string
		line, col int
		code      string
	}{
		{"x:\n  f: {a: string?, b: int}\n  g: 1\n", 2, 10, diag.TypeSpelling},
		{"x:\n  f: {a: []string}\n", 2, 10, diag.TypeSpelling},
		{"x:\n  f: []string\n  g: 1\ny: z\n", 2, 6, diag.TypeSpelling},
		{"x:\n  f: {a: map[K]V}\n", 2, 10, diag.TypeSpelling},
		{"x: {a: list of string?, c: d}\n", 1, 8, diag.TypeSpelling},
		{"x:\n  a: *event\n  b: c\n", 2, 6, diag.AnchorOrAlias},
		{"x: {a: *event.x, b: c}\nd: e\n", 1, 8, diag.AnchorOrAlias},
		{"x: [a, '*b', *event]\n", 1, 14, diag.AnchorOrAlias},
		{"doc: Minor units: cents\n", 1, 6, diag.MustQuote},
		{"x: {doc: Minor units: cents}\n", 1, 10, diag.MustQuote},
		{"x: {p: ^[a-z]{1,3}$, b: c}\n", 1, 8, diag.MustQuote},
		{"p: [a-z]+\nb: 1\n", 1, 4, diag.MustQuote},
		{"a: `foo`\n", 1, 4, diag.MustQuote},
		{"a: {b: %x}\n", 1, 8, diag.MustQuote},
		{"a: - b\n", 1, 4, diag.MustQuote},
		{"a: >x\n  y\n", 1, 4, diag.MustQuote},
		{"a: {b: f(x, {c: d})}\nb: c\n", 1, 13, diag.MustQuote},
		{"a: \"abc\nb: 1\n", 1, 4, diag.NeverClosed},
		{"a: {b: c\nd: e\nf: g\n", 1, 4, diag.NeverClosed},
		{"a: {b: {c: d}\n", 1, 4, diag.NeverClosed},
		{"a: [b}\n", 1, 4, diag.NeverClosed},
		{"a:\n\tb: 1\n", 2, 1, diag.Tabulator},
		{"a:\n   b: 1\n  c: 2\nd: e\n", 3, 3, diag.Indentation},
		{"a: 1\n b: 2\nc: d\n", 2, 2, diag.Indentation},
		{"a:\n  - b\n  c: d\n", 3, 3, diag.Indentation},
		{"a: |\n  foo\n bar\nx: y\n", 3, 2, diag.Indentation},
		{"a: \"\\d+\"\n", 1, 5, diag.BadEscape},
		{"a: 'it's'\n", 1, 8, diag.TextAfterEnd},
		{"a: {b: c}}\n", 1, 10, diag.TextAfterEnd},
		{"a: [b] c\n", 1, 8, diag.TextAfterEnd},
		{"a: {b: c #d, e: f}\ng: h\n", 1, 10, diag.CutByComment},
		{"a: [b, , c]\n", 1, 8, diag.Syntax},
		{"a: {b: 'x' c: d}\n", 1, 12, diag.Syntax},
		{"foo\nbar: x\n", 1, 1, diag.Syntax},
		{"a: b\n%YAML 1.2\n---\n", 2, 1, diag.Syntax},
		{"a: !<x y\nb: 1\nc: 2\nd: 'it's behind the mistake'\n", 1, 1, diag.Syntax},
	} {
		d := onlyFinding(t, c.src)
		assert.Equal(t, c.code, d.Code, "%q: %s", c.src, d.Message)
		assert.Equal(t, diag.Pos{Line: c.line, Col: c.col}, d.At.Pos, "%q: %s", c.src, d.Message)
	}
}

func TestASignThatIsQuotedOrInACommentIsNoMistake(t *testing.T) {
	d := onlyFinding(t, `# *a: [string? {
doc: "*b: [ {"
text: |
  - *c: [ "unclosed
  	tab
list:
- 'x: y'
- "a \" b" # ]
flow: {a: [b, c], # }
  d: 'e}'}
wrong: *alias
`)
	assert.Equal(t, diag.AnchorOrAlias, d.Code)
	assert.Equal(t, diag.Pos{Line: 11, Col: 8}, d.At.Pos)
}

// TestABrokenLineOfAModelIsFound breaks every line of a valid model in turn.
func TestABrokenLineOfAModelIsFound(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("..", "..", "example", "ledger", "ledger.cqrs.yaml"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimRight(string(src), "\n"), "\n")
	for i, line := range lines {
		key, value, found := strings.Cut(line, ": ")
		if !found || strings.HasPrefix(strings.TrimSpace(line), "#") || strings.ContainsAny(line, `{["'`) {
			continue
		}
		for _, wrong := range []string{key + ": @" + value, key + ": 'a'b'", key + ": [a", key + ": a: b", "\t" + line} {
			broken := append(append(append([]string(nil), lines[:i]...), wrong), lines[i+1:]...)
			d := onlyFinding(t, strings.Join(broken, "\n")+"\n")
			assert.Equal(t, i+1, d.At.Line, "%q: %s", wrong, d.Message)
		}
	}
}

func TestACommentBehindAValueCutsItOnlyIfItLooksLikeIt(t *testing.T) {
	for doc, cut := range map[string]bool{
		"a door # a comment": false, "a door #": false, `"a door #1"`: false, "a door#1": false, "'a' #1": false,
		"a door #1": true, "a (door # or two)": true, `a "door # or two"`: true,
	} {
		src := "cqrsgen: 1\npackage: cut\ndoc: " + doc + "\n"
		if !cut {
			parsed(t, src)
			continue
		}
		d := onlyFinding(t, src)
		assert.Equal(t, diag.CutByComment, d.Code, doc)
		assert.Equal(t, strings.Index(doc, "#")+6, d.At.Col, doc)
	}
}

func TestHiddenCharactersAreReportedUpToABound(t *testing.T) {
	var d diag.List
	assert.Nil(t, schema.Parse("m.yaml", []byte("doc: "+strings.Repeat("\u200b\n", 100)), &d))
	assert.Equal(t, 20, d.Len())
}

func TestAFileOfTheLargestSizeIsRead(t *testing.T) {
	head := "cqrsgen: 1\npackage: large\n"
	var d diag.List
	full := head + strings.Repeat("#", schema.MaxSize-len(head))
	assert.NotNil(t, schema.Parse("m.yaml", []byte(full), &d))
	assert.Nil(t, schema.Parse("m.yaml", []byte(full+"#"), &d))
	assert.Equal(t, 1, d.Len())
}
