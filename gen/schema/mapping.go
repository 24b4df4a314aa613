package schema

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// entry is one key of a mapping with its value.
type entry struct {
	key       Text
	value     *yaml.Node
	duplicate bool
}

// shape declares the keys of a kind of element.
type shape[T any] struct {
	// what names the element with its article: "a command".
	what string
	keys []key[T]
	// required are the keys that an element can't do without, justOne those of which it has one and no other. The
	// parser does not look at them: what is missing is reported where it is known what for.
	required, justOne []string
	// notEmpty says that it has at least one key, whichever.
	notEmpty bool
	// later has the keys that belong to the language and that this version does not know yet, each with what to do
	// instead.
	later map[string]string
	// instead has words that other languages use, each with the advice.
	instead map[string]string
}

// key is one key of a shape.
type key[T any] struct {
	name string
	form form
	doc  string
	read func(p *parser, into *T, e entry)
}

func (s *shape[T]) find(name string) *key[T] {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

func (s *shape[T]) names() []string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.name
	}
	return names
}

// read fills an element from a mapping and returns which of its keys were there.
func read[T any](p *parser, s *shape[T], e entry, into *T) Keys {
	keys := Keys{}
	entries, ok := p.entries(e, s.what)
	if !ok || p.unusable[e.value] {
		for _, name := range s.names() {
			keys[name] = Faulty
		}
	}
	for _, e := range entries {
		k := s.find(e.key.Value)
		if k == nil {
			if near := unknownKey(p, s, e); near != "" {
				keys[near] = Faulty
			}
			continue
		}
		if e.duplicate {
			keys[k.name] = Faulty
			continue
		}
		before := p.faults
		k.read(p, into, e)
		keys[k.name] = max(keys[k.name], Written)
		if p.faults != before {
			keys[k.name] = Faulty
		}
	}
	return keys
}

// unknownKey reports a key that the shape does not have, and returns the one that was probably meant.
func unknownKey[T any](p *parser, s *shape[T], e entry) string {
	name := e.key.Value
	if advice, ok := s.later[name]; ok {
		p.errorf(diag.NotYet, e.key.At, "", "this version does not know `%s` yet: %s", name, advice)
		return ""
	}
	near := diag.Nearest(name, s.names())
	hint := s.instead[name]
	if hint == "" {
		hint = diag.DidYouMean(name, s.names())
	}
	p.errorf(diag.UnknownKey, e.key.At, hint, "unknown key %q: it does not belong to %s", name, s.what)
	return near
}

// entries returns the keys and values of a mapping. Nothing at all reads as a mapping without keys. It reports false
// if there is another thing in its place.
func (p *parser) entries(e entry, what string) ([]entry, bool) {
	n := e.value
	if p.unusable[n] {
		p.faults++
		return nil, false
	}
	if isNull(n) {
		return nil, true
	}
	if n.Kind != yaml.MappingNode {
		p.notAMapping(e, what)
		return nil, false
	}
	var list []entry
	first := map[string]diag.Span{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		c, ok := p.entry(n.Content[i], n.Content[i+1])
		if !ok {
			p.unusable[n] = true
			continue
		}
		if at, seen := first[c.key.Value]; seen {
			c.duplicate = true
			p.report(diag.Diagnostic{
				Code: diag.DuplicateKey, At: c.key.At,
				Message: fmt.Sprintf("%q stands here twice", c.key.Value),
				Related: []diag.Related{{At: at, Message: "the first one"}},
			})
		} else {
			first[c.key.Value] = c.key.At
		}
		list = append(list, c)
	}
	return p.joinSplit(n, list), true
}

// entry returns one key with its value, unless the key is no text.
func (p *parser) entry(k, v *yaml.Node) (entry, bool) {
	switch {
	case p.unusable[k]:
		p.faults++
		return entry{}, false
	case k.Kind == yaml.ScalarNode && k.Tag == "!!merge":
		p.errorf(diag.MergeKey, p.span(k), "write the keys out",
			"`<<` merges mappings in YAML, and is not part of the model language")
		return entry{}, false
	case k.Kind != yaml.ScalarNode || k.Value == "":
		p.errorf(diag.WrongForm, p.span(k), "", "a key must be a word")
		return entry{}, false
	}
	return p.spaced(entry{key: Text{Value: k.Value, At: p.span(k), raw: p.raw(k)}, value: v}), true
}

// spaced recognises {name:string}, which YAML takes for one key without a value, and returns what was meant.
func (p *parser) spaced(e entry) entry {
	before, after, found := strings.Cut(e.key.Value, ":")
	if !found || before == "" || after == "" || !isNull(e.value) {
		return e
	}
	p.errorf(diag.NoSpaceAfterColon, e.key.At, "write `"+before+": "+strings.TrimSpace(after)+"`",
		"to YAML, `%s` is one word: a colon needs a space behind it", e.key.Value)
	p.unusable[e.value] = true
	e.key.Value = before
	return e
}

// notAMapping reports a value where keys were expected.
func (p *parser) notAMapping(e entry, what string) {
	n := e.value
	hint := "write `key: value` lines below it, or `{key: value}`"
	if before, after, found := strings.Cut(n.Value, ":"); found && n.Style == 0 && before != "" && after != "" {
		p.errorf(diag.NoSpaceAfterColon, p.span(n), "write `"+before+": "+strings.TrimSpace(after)+"`",
			"to YAML, `%s` is one text: a colon needs a space behind it", n.Value)
		return
	}
	if n.Kind == yaml.ScalarNode && what == aType {
		hint = "write `" + e.key.Value + ": {base: " + n.Value + "}`"
	}
	p.errorf(diag.WrongForm, p.span(n), hint, "%s needs keys here, not %s", what, formOf(n))
}

// formOf names the form of a value in words.
func formOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a text"
	}
}

// joinSplit recognises {a: f(x, y)}, which YAML takes for two keys, and reports it as what it is.
func (p *parser) joinSplit(n *yaml.Node, list []entry) []entry {
	if n.Style&yaml.FlowStyle == 0 {
		return list
	}
	for i := 0; i < len(list); i++ {
		open := list[i]
		if !splitsAtComma(open.value) {
			continue
		}
		end := i + 1
		for end < len(list) && isNull(list[end].value) {
			end++
			if strings.Contains(list[end-1].key.Value, ")") {
				break
			}
		}
		if end == i+1 {
			continue
		}
		p.splitByComma(p.span(open.value), list[end-1].key.At)
		p.unusable[open.value] = true
		list = slices.Delete(list, i+1, end)
	}
	return list
}

// splitsAtComma reports whether a plain text ends within parentheses.
func splitsAtComma(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && strings.Count(n.Value, "(") > strings.Count(n.Value, ")")
}

func (p *parser) splitByComma(from, to diag.Span) {
	if to.Line == from.Line {
		from.Len = to.Col + to.Len - from.Col
	}
	p.errorf(diag.SplitByComma, from, "quote all of it", "within { } and [ ] YAML splits this text at its comma")
}

// items returns the entries of a list. Nothing at all reads as an empty list.
func (p *parser) items(e entry, example string) []*yaml.Node {
	n := e.value
	switch {
	case p.unusable[n]:
		p.faults++
		return nil
	case isNull(n):
		return nil
	case n.Kind != yaml.SequenceNode:
		p.errorf(diag.WrongForm, p.span(n), "write a list: "+ownWords(e, example),
			"`%s` needs a list, not %s", e.key.Value, formOf(n))
		return nil
	}
	var list []*yaml.Node
	for i := 0; i < len(n.Content); i++ {
		end := i
		if n.Style&yaml.FlowStyle != 0 && splitsAtComma(n.Content[i]) && i+1 < len(n.Content) {
			end = i + 1
			p.splitByComma(p.span(n.Content[i]), p.span(n.Content[end]))
			i = end
			continue
		}
		list = append(list, n.Content[end])
	}
	return list
}

// ownWords puts what stands in the place of a list of words into the example of one.
func ownWords(e entry, example string) string {
	words := strings.HasPrefix(example, "`"+e.key.Value+": [") && !strings.ContainsAny(example, "{\"") && !strings.Contains(example, "[[")
	if !words || e.value.Kind != yaml.ScalarNode || len(e.value.Value) > 64 || strings.ContainsAny(e.value.Value, ",[]{}\n") {
		return example
	}
	return "`" + e.key.Value + ": [" + e.value.Value + "]`"
}

// texts returns the entries of a list of words.
func (p *parser) texts(e entry, example string) []Text {
	var list []Text
	for _, n := range p.items(e, example) {
		if t, ok := p.text(entry{key: e.key, value: n}); ok {
			list = append(list, t)
		}
	}
	return list
}

// text returns a value that must be a single text, as it is written.
func (p *parser) text(e entry) (Text, bool) {
	n := e.value
	switch {
	case p.unusable[n]:
		p.faults++
		return Text{}, false
	case isNull(n):
		p.errorf(diag.NoValue, e.key.At, "", "`%s` has no value", e.key.Value)
		return Text{}, false
	case n.Kind != yaml.ScalarNode:
		p.errorf(diag.WrongForm, p.span(n), "", "`%s` needs a single value, not %s", e.key.Value, formOf(n))
		return Text{}, false
	case strings.TrimSpace(n.Value) == "":
		p.errorf(diag.NoValue, p.span(n), "", "`%s` has an empty value", e.key.Value)
		return Text{}, false
	}
	return Text{Value: n.Value, At: p.span(n), raw: p.raw(n)}, true
}

// freeText returns a text that may hold any characters, and so is easily cut where YAML sees a comment.
func (p *parser) freeText(e entry) (Text, bool) {
	t, ok := p.text(e)
	if !ok || e.value.Style != 0 {
		return t, ok
	}
	rest := p.rest(diag.Pos{Line: t.At.Line, Col: t.At.Col + t.At.Len})
	comment := strings.TrimLeft(rest, " \t")
	if len(comment) < 2 || comment[0] != '#' || comment[1] == ' ' && !unfinished(t.Value) {
		return t, true
	}
	end := t.At.Col + t.At.Len + runes(rest)
	at := diag.Span{Pos: diag.Pos{Line: t.At.Line, Col: end - runes(comment)}, Len: runes(comment)}
	p.errorf(diag.CutByComment, at, "quote the whole value; a comment is written `# …`, with a space",
		"the value of `%s` ends here: to YAML, ` #` starts a comment", e.key.Value)
	return Text{}, false
}

// unfinished reports whether a text ends within brackets or quotes.
func unfinished(s string) bool {
	return strings.Count(s, "(") != strings.Count(s, ")") || strings.Count(s, "[") != strings.Count(s, "]") ||
		strings.Count(s, "{") != strings.Count(s, "}") || strings.Count(s, `"`)%2 == 1
}
