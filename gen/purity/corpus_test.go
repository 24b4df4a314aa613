package purity

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// expected is what a comment of the corpus says about a function.
type expected struct {
	name, verdict, kind, text string
	root                      Root
}

var verdict = regexp.MustCompile(`^//vet:(pure|impure|missed|accused)\b ?([a-z]*)(?:: (.*))?$`)

// corpus loads the corpus, with what it says about its functions.
func corpus(t *testing.T) ([]*Summary, []expected) {
	t.Helper()
	l := Load{Patterns: []string{"./testdata/corpus/..."}}
	named, packages, err := l.list()
	require.NoError(t, err)
	read, err := l.read(named, packages)
	require.NoError(t, err)
	var all []expected
	for _, p := range read {
		for _, file := range p.files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Doc != nil {
					all = append(all, expectedOf(t, p, f)...)
				}
			}
		}
	}
	return summarize(read), all
}

func expectedOf(t *testing.T, p *checked, f *ast.FuncDecl) []expected {
	for _, c := range f.Doc.List {
		m := verdict.FindStringSubmatch(c.Text)
		if m == nil {
			continue
		}
		at := p.fset.Position(f.Name.Pos())
		root := Root{Role: Decider, Func: p.PkgPath + "." + f.Name.Name, At: Position{at.Filename, at.Line, at.Column}}
		n := 0
		for _, field := range f.Type.Params.List {
			for _, name := range field.Names {
				switch {
				case name.Name == "row":
					root.Role, root.Changes = Fold, []int{n}
				case name.Name == "s" && field.Type.(ast.Node) != nil && isStar(field.Type):
					root.Role, root.Changes = Apply, []int{n}
				case name.Name == "e":
					root.Event = n
				case name.Name == "key":
					root.Shared = true
				}
				n++
			}
		}
		return []expected{{f.Name.Name, m[1], m[2], m[3], root}}
	}
	require.False(t, strings.HasPrefix(f.Doc.List[0].Text, "//vet"), "%s: what is %s?", f.Name.Name, f.Doc.List[0].Text)
	return nil
}

func isStar(e ast.Expr) bool {
	_, ok := e.(*ast.StarExpr)
	return ok
}

// said is what vet says about one function of the corpus.
func said(summaries []*Summary, root Root) []Finding {
	own := make([]*Summary, len(summaries))
	for i, s := range summaries {
		one := *s
		one.Roots = nil
		if strings.HasPrefix(root.Func, s.Path+".") && !strings.Contains(root.Func[len(s.Path)+1:], ".") {
			one.Roots = []Root{root}
		}
		own[i] = &one
	}
	var findings []Finding
	for _, f := range Resolve(own, func(string) bool { return true }, false).Findings {
		if f.Kind != Vouching {
			findings = append(findings, f)
		}
	}
	return findings
}

func TestVetSaysAboutEachFunctionOfTheCorpusWhatItMust(t *testing.T) {
	summaries, functions := corpus(t)
	require.GreaterOrEqual(t, len(functions), 150, "the corpus is too small to mean something")
	counts := map[string]int{}
	for _, x := range functions {
		counts[x.verdict]++
		findings := said(summaries, x.root)
		var texts []string
		for _, f := range findings {
			texts = append(texts, fmt.Sprintf("%s: %s", f.Kind, f.Message()))
		}
		switch x.verdict {
		case "pure", "missed":
			assert.Empty(t, texts, x.name)
		default:
			want := func(text string) bool { return strings.HasPrefix(text, x.kind+": ") }
			if x.verdict == "impure" {
				want = func(text string) bool { return strings.HasPrefix(text, x.kind+": ") && strings.Contains(text, x.text) }
			}
			assert.True(t, slices.ContainsFunc(texts, want), "%s: want %s: %s, got %q", x.name, x.kind, x.text, texts)
			assert.False(t, slices.ContainsFunc(texts, func(s string) bool { return !strings.HasPrefix(s, x.kind+": ") }),
				"%s: got %q besides", x.name, texts)
		}
	}
	t.Logf("%v", counts)
}

func TestNothingDependsOnTheOrderInWhichThingsAreRead(t *testing.T) {
	summaries, functions := corpus(t)
	var first string
	for round := range 50 {
		again := summaries
		if round == 25 {
			again, _ = corpus(t)
		}
		again = slices.Clone(again)
		if round%2 == 1 {
			slices.Reverse(again)
		}
		for i, s := range again {
			one := *s
			one.Roots = nil
			for _, x := range functions {
				if strings.HasSuffix(s.Path, "/corpus") {
					one.Roots = append(one.Roots, x.root)
				}
			}
			again[i] = &one
		}
		r := Resolve(again, func(string) bool { return true }, true)
		text := fmt.Sprintf("%+v", *r)
		if round == 0 {
			first = text
		}
		require.Equal(t, first, text, "round %d", round)
	}
}

func TestASummaryIsTheSameAfterItTravelledAsAFact(t *testing.T) {
	summaries, _ := corpus(t)
	for _, s := range summaries {
		var data bytes.Buffer
		require.NoError(t, gob.NewEncoder(&data).Encode(s))
		var back Summary
		require.NoError(t, gob.NewDecoder(&data).Decode(&back))
		assert.Equal(t, fmt.Sprintf("%+v", *s.Funcs[0]), fmt.Sprintf("%+v", *back.Funcs[0]))
	}
}
