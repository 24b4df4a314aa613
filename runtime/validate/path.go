package validate

import (
	"strconv"
	"strings"
)

// kind tells how a step goes on after its field.
type kind uint8

const (
	plain   kind = iota // field
	element             // field[index]
	entry               // field[key]
)

// step is one level of a path. It is kept in parts, and put together only for an error.
type step struct {
	field string
	kind  kind
	index int
	key   string
}

// path is a stack of steps. The first few need no allocation; few values are nested deeper.
type path struct {
	depth int
	near  [6]step
	far   []step
}

func (p *path) push(s step) {
	if p.depth < len(p.near) {
		p.near[p.depth] = s
	} else {
		p.far = append(p.far, s)
	}
	p.depth++
}

func (p *path) pop() {
	p.depth--
	if p.depth >= len(p.near) {
		p.far = p.far[:len(p.far)-1]
	}
}

// to returns the path to a field of where p leads, or to where p leads for an empty field.
func (p *path) to(field string) string {
	var b strings.Builder
	for i := range p.depth {
		if i < len(p.near) {
			p.near[i].write(&b)
		} else {
			p.far[i-len(p.near)].write(&b)
		}
	}
	step{field: field}.write(&b)
	return b.String()
}

func (s step) write(b *strings.Builder) {
	if s.field != "" && b.Len() > 0 {
		b.WriteByte('.')
	}
	b.WriteString(s.field)
	switch s.kind {
	case element:
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(s.index))
		b.WriteByte(']')
	case entry:
		b.WriteByte('[')
		b.WriteString(keyText(s.key))
		b.WriteByte(']')
	}
}

// keyText writes a key as it is where it can't be mistaken, else quoted.
func keyText(key string) string {
	for _, r := range key {
		if r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return shorten(key)
}
