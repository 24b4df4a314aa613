package jsoncodec

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxNesting bounds how deep lists and maps hold each other. Values of Go types can't recurse in any other way,
	// so that it bounds the stack too.
	maxNesting = 250
	// maxSkipped bounds the depth of a value that is skipped.
	maxSkipped = 1000
	// maxPath and maxShown bound, in bytes, what an error repeats of the text.
	maxPath  = 256
	maxShown = 40
)

// fault is the first error of a Writer or Reader.
type fault struct {
	// text is the JSON, of which the first at bytes were written, or read, without a fault.
	text   []byte
	at     int
	reason string
	// err is what the reason says, where callers can tell it apart.
	err error
	// missing are the fields that the object ending at the fault should have.
	missing []string
	// maps holds where the maps around the fault start, so that their keys are told apart from fields.
	maps []int
}

// field returns the path to the field at fault, or to the first of the missing ones.
func (f *fault) field() string {
	if len(f.missing) == 0 {
		return f.path(false)
	}
	return f.missingPath(f.missing[0])
}

// explain returns the reason, which names the other missing fields.
func (f *fault) explain() string {
	switch len(f.missing) {
	case 0, 1:
		return f.reason
	case 2:
		return f.reason + ", and so is " + f.missingPath(f.missing[1])
	}
	others := make([]string, len(f.missing)-1)
	for i, name := range f.missing[1:] {
		others[i] = f.missingPath(name)
	}
	return f.reason + ", and so are " + strings.Join(others, ", ")
}

func (f *fault) missingPath(name string) string {
	if p := f.path(true); p != "" {
		return p + "." + name
	}
	return name
}

// level is an object or a list that is open at the fault.
type level struct {
	start int
	list  bool
	index int
	key   []byte // nil before an object's first field, and after each comma
}

// path leads to the value at the fault, or to the object around it.
func (f *fault) path(around bool) string {
	levels := f.levels()
	if around && len(levels) > 0 {
		levels = levels[:len(levels)-1]
	}
	var p []byte
	for _, l := range levels {
		switch {
		case l.list:
			p = append(strconv.AppendInt(append(p, '['), int64(l.index), 10), ']')
		case l.key == nil:
			// The fault is in the object itself, or in the next key.
		case slices.Contains(f.maps, l.start):
			p = append(append(append(p, '['), l.key...), ']')
		default:
			if len(p) > 0 {
				p = append(p, '.')
			}
			p = append(p, l.key...)
		}
	}
	return shorten(string(p), maxPath)
}

// levels goes through the text up to the fault. It can be simple, because the text is known to be right until there.
func (f *fault) levels() []level {
	var levels []level
	for i := 0; i < f.at; i++ {
		top := len(levels) - 1
		switch c := f.text[i]; c {
		case '{', '[':
			levels = append(levels, level{start: i, list: c == '['})
		case '}', ']':
			levels = levels[:max(top, 0)]
		case ',':
			if top >= 0 {
				levels[top].index++
				levels[top].key = nil
			}
		case '"':
			end := stringEnd(f.text[:f.at], i+1)
			if top >= 0 && end >= 0 && !levels[top].list && levels[top].key == nil {
				levels[top].key = f.text[i+1 : end]
			}
			if i = end; end < 0 {
				return levels
			}
		}
	}
	return levels
}

// stringEnd returns where the quote is that ends the string whose content starts at i, -1 if there is none.
func stringEnd(text []byte, i int) int {
	for i < len(text) {
		n := bytes.IndexAny(text[i:], `"\`)
		if n < 0 {
			return -1
		}
		if i += n; text[i] == '"' {
			return i
		}
		i += 2
	}
	return -1
}

// shorten cuts s to at most limit bytes, at the boundary of a character, and marks the cut.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	limit -= len("…")
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// quote shows a value in an error: quoted, and bounded.
func quote(s string) string { return strconv.Quote(shorten(s, maxShown)) }
