package model

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// singleID names the only stream of an aggregate that is single.
const singleID = "single"

// namesStream reports whether a name is that of a stream and not of an event or a command: it has a slash, or is that
// of an aggregate that is single.
func (x *scenarioReader) namesStream(name schema.Text) bool {
	a := x.aggregateNamed(name.Value)
	return strings.Contains(name.Value, "/") || a != nil && a.Single
}

func (x *scenarioReader) aggregateNamed(name string) *Aggregate {
	for _, a := range x.model.Aggregates {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// stream reads `Account/acc-1`, and `Settings` or `Settings/single` where there is one.
func (x *scenarioReader) stream(name schema.Text) (Stream, bool) {
	category, id, _ := strings.Cut(name.Value, "/")
	a := x.aggregateNamed(category)
	switch {
	case a == nil && x.unread.aggregates:
		return Stream{}, false
	case a == nil:
		var names []string
		for _, a := range x.model.Aggregates {
			names = append(names, a.Name)
		}
		hint, _ := x.hint(category, names)
		x.errorf(diag.ScenarioUnknown, name.At, hint, "unknown aggregate %q", category)
		return Stream{}, false
	case a.Single && id != "" && id != singleID:
		x.errorf(diag.ScenarioValue, partOf(name, len(category)+1), "write `"+a.Name+"`", "there is only one %s", a.Name)
		return Stream{}, false
	case a.ID == nil:
		return Stream{Aggregate: a}, a.Single // else it was reported
	case a.ID.IDOf != nil:
		v := x.idOfPartsValue(a, id, partOf(name, len(category)+1))
		return Stream{Aggregate: a, ID: v}, v != nil
	}
	written := &schema.Value{Kind: schema.QuotedText, Text: id, At: partOf(name, len(category)+1)}
	v := x.value(written, Type{Kind: Ref, Named: a.ID}, asCommand)
	return Stream{Aggregate: a, ID: v}, v != nil
}

// partOf returns the place of what stands from a byte of a text on.
func partOf(t schema.Text, from int) diag.Span {
	return t.Within(min(from, len(t.Value)), len(t.Value))
}

var unescapePart = strings.NewReplacer("~1", "/", "~0", "~")

// idOfPartsValue reads an id of several parts from its text, in which they are separated by slashes.
func (x *scenarioReader) idOfPartsValue(a *Aggregate, id string, at diag.Span) *Value {
	parts := strings.Split(id, "/")
	if len(parts) != len(a.ID.Fields) {
		names := fieldNames(a.ID.Fields)
		x.errorf(diag.ScenarioValue, at, "write `"+a.Name+"/"+strings.Join(names, "/")+"`",
			"the id of %s has the parts %s", a.Name, strings.Join(names, ", "))
		return nil
	}
	v := &Value{Type: Type{Kind: Ref, Named: a.ID}, At: at}
	texts := make([]string, len(parts))
	for i, f := range a.ID.Fields {
		part := x.value(&schema.Value{Kind: schema.QuotedText, Text: unescapePart.Replace(parts[i]), At: at}, f.Type, asCommand)
		if part == nil || !x.keepsRules(part, f.Type, f.Rules) {
			return nil
		}
		v.Fields = append(v.Fields, FieldValue{f, part})
		texts[i] = part.Text
	}
	v.Text = joinID(texts)
	return v
}

var escapePart = strings.NewReplacer("~", "~0", "/", "~1")

// joinID makes one text of the parts of an id, as the runtime does.
func joinID(parts []string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = escapePart.Replace(p)
	}
	return strings.Join(escaped, "/")
}

// defaultStream is the stream of an aggregate in a scenario that names none: account-1, or 1 for ids that are numbers.
func (x *scenarioReader) defaultStream(a *Aggregate, at schema.Text) (Stream, bool) {
	if a.ID == nil {
		return Stream{Aggregate: a}, a.Single // else it was reported
	}
	t := Type{Kind: Ref, Named: a.ID}
	if t.broken() {
		return Stream{}, false
	}
	v, fault := defaultID(t, a.Name, at.At), ""
	for _, f := range v.Fields {
		if fault == "" {
			fault = defaultFault(f.Value, f.Field.Rules)
		}
	}
	if len(v.Fields) == 0 {
		fault = defaultFault(v, Rules{})
	}
	if fault != "" && !x.unnamed[a] {
		x.unnamed[a] = true
		x.errorf(diag.ScenarioDefaultID, at.At, "name the stream: `"+a.Name+"/…`",
			"the stream is not named, and can't be %s/%s: the id %s", a.Name, v.Text, fault)
	}
	return Stream{Aggregate: a, ID: v}, fault == ""
}

// defaultFault says which rule a part of a default id breaks.
func defaultFault(v *Value, rules Rules) string {
	if fault := ruleFault(v, v.Type.Scalar(), rules); fault != "" || v.Type.Kind != Ref || v.Type.Named.Kind != Scalar {
		return fault
	}
	return ruleFault(v, v.Type.Scalar(), v.Type.Named.Rules)
}

// defaultID is the id that an aggregate, or a part of its id, has where a scenario names none: the example that its type
// has, or one that follows from its name.
func defaultID(t Type, of string, at diag.Span) *Value {
	v := &Value{Type: t, At: at}
	switch {
	case t.Kind == Ref && t.Named.Kind == Struct:
		var texts []string
		for _, f := range t.Named.Fields {
			part := defaultID(f.Type, f.Name, at)
			v.Fields, texts = append(v.Fields, FieldValue{f, part}), append(texts, part.Text)
		}
		v.Text = joinID(texts)
		return v
	case t.Kind == Ref && t.Named.Example != nil:
		v.Text = t.Named.Example.Text
		return v
	case t.isEnum():
		if len(t.Named.Values) > 0 {
			v.Text = t.Named.Values[0].Name
		}
		return v
	}
	switch t.Scalar() {
	case String:
		v.Text = strings.ToLower(of) + "-1"
	case UUID:
		v.Text = fmt.Sprintf("00000000-0000-0000-0000-%012d", 1)
	case Date:
		v.Text = "2026-01-01"
	default:
		v.Text = "1"
	}
	return v
}
