package schema

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// document returns the root of the one document of the text, or reports why there is none.
func (p *parser) document(text string) *yaml.Node {
	first, more, err := decode(strings.NewReader(text))
	if err != nil {
		p.syntaxError(text, err)
		return nil
	}
	if first == nil || isNull(first) {
		p.errorf(diag.EmptyFile, p.start(),
			"a model starts with `cqrsgen: 1` and `package: …`", "the file holds no model")
		return nil
	}
	if more != nil {
		p.errorf(diag.SecondDocument, p.secondStart(more), "put it into a file of its own",
			"a second YAML document starts here; a file holds one model")
		return nil
	}
	return first
}

// decode reads up to two documents. yaml.v3 panics on some malformed texts instead of returning its error.
func decode(r io.Reader) (first, second *yaml.Node, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("yaml: %v", fault)
		}
	}()
	dec := yaml.NewDecoder(r)
	var docs [2]*yaml.Node
	for i := range docs {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		docs[i] = n.Content[0]
	}
	return docs[0], docs[1], nil
}

// secondStart returns the place of the line that separates the documents, or that of the second document.
func (p *parser) secondStart(second *yaml.Node) diag.Span {
	for line := min(second.Line, len(p.lines)); line > 0; line-- {
		if strings.HasPrefix(p.lines[line-1], "---") {
			return diag.Span{Pos: diag.Pos{Line: line, Col: 1}, Len: 3}
		}
	}
	return p.span(second)
}

// isNull reports whether nothing was written where a value could stand.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Tag == "!!null" && n.Anchor == ""
}

// checkNode reports what YAML has and the model language has not: anchors, aliases, tags, depth without bound, and
// escapes that hide characters. It returns false for a node that is nested too deep to be read.
func (p *parser) checkNode(n *yaml.Node, depth int) bool {
	switch {
	case depth > MaxDepth:
		p.errorf(diag.TooDeep, p.span(n), "", "this is nested more than %d levels deep", MaxDepth)
		return false
	case n.Kind == yaml.AliasNode:
		p.unusable[n] = true
		p.errorf(diag.AnchorOrAlias, p.span(n), "write it out, or quote it if the text starts with *",
			"YAML aliases are not part of the model language")
		return true
	case n.Anchor != "":
		p.unusable[n] = n.Kind == yaml.ScalarNode
		p.errorf(diag.AnchorOrAlias, p.span(n), "quote it if the text starts with &",
			"`&%s` is an anchor to YAML, and anchors are not part of the model language", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		p.unusable[n] = n.Kind == yaml.ScalarNode
		p.errorf(diag.Tag, p.span(n), "quote it if the text starts with !",
			"`%s` is a tag to YAML, and tags are not part of the model language", firstWord(p.rest(p.span(n).Pos)))
	}
	if n.Kind == yaml.ScalarNode {
		p.checkEscapes(n)
	}
	for _, c := range n.Content {
		if !p.checkNode(c, depth+1) {
			return false
		}
	}
	return true
}

// checkEscapes finds hidden characters that a double-quoted text spells as escapes; checkText found all others.
func (p *parser) checkEscapes(n *yaml.Node) {
	for _, r := range n.Value {
		if r != '\n' && r != '\t' && diag.Hidden(r) {
			p.unusable[n] = true
			p.errorf(diag.HiddenCharacter, p.span(n), "leave it out",
				"the text holds the character %U, which can't be seen", r)
			return
		}
	}
}
