package lock

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// The file is YAML of the plainest kind, of which this is all that is read: mappings and lists of texts, two spaces deeper
// at each level, a fact on each line. Whatever else stands in it was not written by the tool.

// maxDepth is deeper than any fact of a lock file.
const maxDepth = 12

// node is a line, with those below it.
type node struct {
	at diag.Span
	// key is empty for an item of a list.
	key, value string
	item       bool
	list       []*node
	// keys are those of the list.
	keys map[string]bool
}

// tree reads the lines.
func tree(src []byte) (*node, error) {
	root := &node{}
	open := []*node{root} // the last node of each level, from the root on
	for i, line := range bytes.Split(src, []byte("\n")) {
		written := strings.TrimSuffix(string(line), "\r")
		content := strings.TrimLeft(written, " ")
		if content == "" || content[0] == '#' {
			continue
		}
		indent := len(written) - len(content)
		n, err := lineOf(content)
		depth := indent / 2
		switch {
		case err == nil && (indent%2 != 0 || depth >= len(open) || depth >= maxDepth):
			err = fmt.Errorf("it is indented by %d spaces", indent)
		case err == nil && (open[depth].value != "" || open[depth].item):
			err = fmt.Errorf("nothing can stand below a value")
		}
		if err != nil {
			return nil, &DamagedError{i + 1, err.Error()}
		}
		n.at = diag.Span{Pos: diag.Pos{Line: i + 1, Col: indent + 1}, Len: utf8.RuneCountInString(content)}
		if err := open[depth].add(n); err != nil {
			return nil, &DamagedError{i + 1, err.Error()}
		}
		open = append(open[:depth+1], n)
	}
	return root, nil
}

// add adds a line below another one, whose lines are all items or have all keys, each once.
func (n *node) add(child *node) error {
	if len(n.list) > 0 && n.list[0].item != child.item {
		return fmt.Errorf("an item stands among keys")
	}
	if n.list = append(n.list, child); child.item {
		return nil
	}
	if n.keys == nil {
		n.keys = map[string]bool{}
	}
	if n.keys[child.key] {
		return fmt.Errorf("%q stands there twice", child.key)
	}
	n.keys[child.key] = true
	return nil
}

// lineOf reads a line behind its indentation: "key: value", "key:" or "- value".
func lineOf(s string) (*node, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("it is no text")
	}
	if rest, ok := strings.CutPrefix(s, "- "); ok {
		value, err := scalar(rest)
		return &node{item: true, value: value}, err
	}
	key, rest, ok := "", "", false
	if s[0] == '"' {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return nil, fmt.Errorf("a quote is not closed")
		}
		if key, err = strconv.Unquote(quoted); err != nil {
			return nil, fmt.Errorf("%s is no text", quoted)
		}
		rest, ok = strings.CutPrefix(s[len(quoted):], ":")
	} else if key, rest, ok = strings.Cut(s, ":"); !wordy(key) {
		return nil, fmt.Errorf("%q is no key", key)
	}
	switch {
	case !ok || key == "":
		return nil, fmt.Errorf("it is neither `key: value` nor `- value`")
	case rest == "":
		return &node{key: key}, nil
	case rest[0] != ' ':
		return nil, fmt.Errorf("there is no space behind %q", key)
	}
	value, err := scalar(rest[1:])
	return &node{key: key, value: value}, err
}

// wordy reports whether a text is one that is written without quotes as a key.
func wordy(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return s != "" && isLetter(s[0])
}

// scalar reads a value: quoted, or the words of a type, which are written as they are. `{}` is a mapping of nothing.
func scalar(s string) (string, error) {
	switch {
	case s == "":
		return "", fmt.Errorf("there is no value")
	case s[0] == '"':
		value, err := strconv.Unquote(s)
		if err != nil {
			return "", fmt.Errorf("%s is no text", s)
		}
		return value, nil
	case s == "{}":
		return "", nil
	case strings.ContainsAny(s[:1], "[]{}*&!|>'%@`,#?<=-") && !number(s) || strings.TrimSpace(s) != s:
		return "", fmt.Errorf("%q is not written in the tool's way", s)
	}
	return s, nil
}

func number(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
