package schema

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// MaxTypeDepth bounds how far lists, maps and optionals may nest in one type.
const MaxTypeDepth = 8

// typeForms is the hint where a text is no type at all.
const typeForms = "a type is a name, `optional T`, `list of T`, `set of T`, `map of K to T` or `go:import/path.Type`"

// typeExpr reads a type. It returns nil for what is none, after reporting it.
func (p *parser) typeExpr(e entry) *TypeExpr {
	n := e.value
	if n.Kind == yaml.SequenceNode && !p.unusable[n] {
		hint := typeForms
		if len(n.Content) == 1 && n.Content[0].Kind == yaml.ScalarNode {
			hint = "write `list of " + n.Content[0].Value + "`"
		}
		p.errorf(diag.TypeSpelling, p.span(n), hint, "a list is not a type")
		return nil
	}
	t, ok := p.text(e)
	if !ok {
		return nil
	}
	words := inWords(t.Value)
	if strings.ContainsAny(t.Value, "?[]<>(){}*|&,") && (words != "" || !namesExternal(t.Value)) {
		hint := typeForms
		if words != "" {
			hint = "write `" + words + "`"
		}
		p.errorf(diag.TypeSpelling, t.At, hint, "%q is not how a type is written", t.Value)
		return nil
	}
	r := typeReader{parser: p, text: t, words: wordsOf(t.Value)}
	x := r.read(1)
	if x != nil && r.next < len(r.words) {
		w := r.words[r.next]
		p.errorf(diag.TypeSpelling, r.span(w), typeForms,
			"%q is too much: the type ends before it", t.Value[w.from:w.to])
		return nil
	}
	return x
}

// word is a word of a text by its byte offsets.
type word struct{ from, to int }

var aWord = regexp.MustCompile(`\S+`)

func wordsOf(s string) []word {
	var words []word
	for _, at := range aWord.FindAllStringIndex(s, -1) {
		words = append(words, word{at[0], at[1]})
	}
	return words
}

// typeReader is a recursive descent over the words of one type.
type typeReader struct {
	*parser
	text  Text
	words []word
	next  int
}

func (r *typeReader) span(w word) diag.Span { return within(r.text.At, r.text.Value, w.from, w.to) }

// from returns the span from a word to the last one that was read.
func (r *typeReader) from(w word) diag.Span {
	return r.span(word{w.from, r.words[r.next-1].to})
}

// fail reports a spelling at a word, or at the whole type where words are missing.
func (r *typeReader) fail(w word, hint, format string, args ...any) *TypeExpr {
	r.errorf(diag.TypeSpelling, r.span(w), hint, format, args...)
	return nil
}

// is reports whether the next word is the given one.
func (r *typeReader) is(s string) bool {
	return r.next < len(r.words) && r.text.Value[r.words[r.next].from:r.words[r.next].to] == s
}

// take consumes the next word if it is the given one.
func (r *typeReader) take(s string) bool {
	if !r.is(s) {
		return false
	}
	r.next++
	return true
}

func (r *typeReader) read(depth int) *TypeExpr {
	if depth > MaxTypeDepth {
		r.errorf(diag.TooDeep, r.text.At, "give an inner part a name: declare a struct",
			"a type may nest %d levels, not more", MaxTypeDepth)
		return nil
	}
	if r.next == len(r.words) {
		return r.fail(r.words[len(r.words)-1], typeForms, "a type is missing at the end")
	}
	w := r.words[r.next]
	r.next++
	switch name := r.text.Value[w.from:w.to]; name {
	case "optional":
		return r.optional(w, depth)
	case "list":
		return r.collection(w, List, depth)
	case "map":
		return r.mapping(w, depth)
	case "set":
		return r.collection(w, Set, depth)
	default:
		if strings.HasPrefix(name, goPrefix) {
			return r.external(w, name)
		}
		more := r.next < len(r.words) && !r.is("to")
		if hint := foreignWord(name, more); hint != "" {
			return r.fail(w, hint, "%q is not how a type is written", r.text.Value)
		}
		return &TypeExpr{Kind: Name, Name: name, At: r.span(w)}
	}
}

func (r *typeReader) optional(w word, depth int) *TypeExpr {
	inner := r.next
	elem := r.read(depth + 1)
	if elem == nil {
		return nil
	}
	if elem.Kind == Optional {
		r.errorf(diag.OptionalTwice, r.span(r.words[inner]), "one `optional` is enough",
			"a value is there or not: it can't be optional twice")
		return nil
	}
	return &TypeExpr{Kind: Optional, Elem: elem, At: r.from(w)}
}

// collection reads what follows the word list or set.
func (r *typeReader) collection(w word, kind ExprKind, depth int) *TypeExpr {
	if name := r.text.Value[w.from:w.to]; !r.take("of") {
		return r.fail(w, "write `"+name+" of T`", "`of` is missing after `%s`", name)
	}
	elem := r.read(depth + 1)
	if elem == nil {
		return nil
	}
	return &TypeExpr{Kind: kind, Elem: elem, At: r.from(w)}
}

func (r *typeReader) mapping(w word, depth int) *TypeExpr {
	if !r.take("of") {
		return r.fail(w, "write `map of K to T`", "`of` is missing after `map`")
	}
	key := r.read(depth + 1)
	if key == nil {
		return nil
	}
	if !r.take("to") {
		return r.fail(w, "write `map of K to T`", "`to` is missing after the type of the map's keys")
	}
	elem := r.read(depth + 1)
	if elem == nil {
		return nil
	}
	return &TypeExpr{Kind: Map, Key: key, Elem: elem, At: r.from(w)}
}

// foreignWord returns a hint for words of other languages that come before a type: nullable string, List of Money.
func foreignWord(name string, more bool) string {
	lower := strings.ToLower(name)
	switch {
	case !more:
		return ""
	case lower == "nullable", lower == "maybe", lower == "optional":
		return "write `optional T`"
	case lower == "array", lower == "slice", lower == "list", lower == "repeated":
		return "write `list of T`"
	case lower == "dict", lower == "map", lower == "hash":
		return "write `map of K to T`"
	case name != lower:
		return ""
	}
	if near := diag.Nearest(name, []string{"optional", "list", "map", "set"}); near != "" {
		return "did you mean \"" + near + "\"?"
	}
	return ""
}

// foreign are the spellings of other languages, with how they are written here.
var foreign = []struct {
	pattern *regexp.Regexp
	words   string
}{
	{regexp.MustCompile(`^list of (.+)$`), "list of $1"},
	{regexp.MustCompile(`^set of (.+)$`), "set of $1"},
	{regexp.MustCompile(`^map of (.+) to (.+)$`), "map of $1 to $2"},
	{regexp.MustCompile(`^optional (.+)$`), "optional $1"},
	{regexp.MustCompile(`^(.+)\?$`), "optional $1"},
	{regexp.MustCompile(`^\*(.+)$`), "optional $1"},
	{regexp.MustCompile(`^\[\](.+)$`), "list of $1"},
	{regexp.MustCompile(`^(.+)\[\]$`), "list of $1"},
	{regexp.MustCompile(`^\[(.+)\]$`), "list of $1"},
	{regexp.MustCompile(`^(?i:map|dict)\[([^\[\]]+)\](.+)$`), "map of $1 to $2"},
	{regexp.MustCompile(`^(?i:map|dict|record)[<\[(]([^,]+),\s*(.+)[>\])]$`), "map of $1 to $2"},
	{regexp.MustCompile(`^(?i:list|array|slice|seq)[<\[(](.+)[>\])]$`), "list of $1"},
	{regexp.MustCompile(`^(?i:set|hashset)[<\[(](.+)[>\])]$`), "set of $1"},
	{regexp.MustCompile(`^(?i:optional|option|nullable|maybe)[<\[(](.+)[>\])]$`), "optional $1"},
	{regexp.MustCompile(`^(.+)\s*\|\s*(?i:null|nil|none)$`), "optional $1"},
}

// inWords spells a type of another language in the model's words, "" if it can't.
func inWords(s string) string {
	for _, f := range foreign {
		m := f.pattern.FindStringSubmatch(strings.TrimSpace(s))
		if m == nil {
			continue
		}
		words := f.words
		for i, part := range m[1:] {
			part = strings.TrimSpace(part)
			if inner := inWords(part); inner != "" {
				part = inner
			}
			words = strings.Replace(words, "$"+string(rune('1'+i)), part, 1)
		}
		if strings.ContainsAny(words, "?[]<>(){}*|&,") {
			return ""
		}
		return words
	}
	return ""
}
