package evolve

import (
	"strconv"
	"strings"
)

// overlay is YAML to put over a model: where a key is there already, it is replaced if it is the last one of a path.
type overlay struct {
	key, value string
	list       []*overlay
}

// set gives the key that a path leads to a value.
func (o *overlay) set(value string, path ...string) {
	for _, key := range path {
		o = o.child(key)
	}
	o.value = value
}

func (o *overlay) child(key string) *overlay {
	for _, c := range o.list {
		if c.key == key {
			return c
		}
	}
	c := &overlay{key: key}
	o.list = append(o.list, c)
	return c
}

// has reports whether the key that a path leads to is there.
func (o *overlay) has(path ...string) bool {
	for _, c := range o.list {
		if c.key == path[0] {
			return len(path) == 1 || c.has(path[1:]...)
		}
	}
	return false
}

// add puts all of another one over it.
func (o *overlay) add(other *overlay) {
	for _, c := range other.list {
		if mine := o.child(c.key); c.value != "" {
			mine.value = c.value
		} else {
			mine.add(c)
		}
	}
}

func (o *overlay) String() string {
	var b strings.Builder
	o.write(&b, 0)
	return b.String()
}

func (o *overlay) write(b *strings.Builder, depth int) {
	for _, c := range o.list {
		b.WriteString(strings.Repeat("  ", depth) + c.key + ":")
		if c.value != "" {
			b.WriteString(" " + c.value)
		}
		b.WriteString("\n")
		c.write(b, depth+1)
	}
}

// flow writes keys and values as one mapping.
func flow(pairs []string) string { return "{" + strings.Join(pairs, ", ") + "}" }

// quoted writes a text as a value of YAML that every parser takes for that text.
func quoted(s string) string {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '_') {
			return strconv.Quote(s)
		}
	}
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "y", "n", "yes", "no", "on", "off":
		return strconv.Quote(s)
	}
	return s
}
