package contract

import (
	"bytes"
	"encoding/json"
	"slices"
)

// object is a JSON object that keeps its order.
type object []member

type member struct {
	name  string
	value any
}

// put sets a member: in its place if there is one of the name, else at the end.
func (o *object) put(name string, value any) {
	if i := o.index(name); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

// describe sets the description, unless there is none.
func (o *object) describe(text string) {
	if text != "" {
		o.put("description", text)
	}
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, part := range []any{m.name, m.value} {
			text, err := compact(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			b.WriteByte(':')
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact is the JSON of a value in one line, with < and > as they are.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// document is the text of a JSON file.
func document(o object) []byte {
	text, err := compact(o)
	if err != nil {
		panic(err) // texts, numbers and lists always encode
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		panic(err) // what was just encoded
	}
	b.WriteByte('\n')
	return b.Bytes()
}
