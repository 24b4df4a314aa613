package model

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// singleID is the id in the name of the one stream of an aggregate that is single.
const singleID = "single"

// The text of an id of several parts is that of cqrs.JoinID.
var (
	escapePart   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapePart = strings.NewReplacer("~0", "~", "~1", "/")
)

// Name is the name of the stream: Account/acc-1.
func (s Stream) Name() string { return s.Aggregate.Name + "/" + s.id() }

func (s Stream) id() string {
	switch {
	case s.ID == nil:
		return singleID
	case s.Aggregate.ID.IDOf == nil:
		return s.ID.Text
	}
	var parts []string
	for _, f := range s.Aggregate.ID.Fields {
		parts = append(parts, escapePart.Replace(s.ID.Field(f).Text))
	}
	return strings.Join(parts, "/")
}

func (s Stream) same(t Stream) bool { return s.Aggregate == t.Aggregate && s.id() == t.id() }

// streamID reads the id in the name of a stream.
func (x *scenarioReader) streamID(a *Aggregate, text string, at diag.Span) (Stream, bool) {
	written := &schema.Value{Kind: schema.QuotedText, Text: text, At: at}
	switch {
	case a.Single && text != singleID:
		x.errorf(diag.ScenarioValue, at, "write `"+a.Name+"/"+singleID+"`", "%s is single, and has no id", a.Name)
		return Stream{}, false
	case a.Single:
		return Stream{Aggregate: a}, true
	case a.ID == nil:
		return Stream{}, false // which was reported
	case a.ID.IDOf != nil:
		var ok bool
		if written, ok = x.idParts(a, text, at); !ok {
			return Stream{}, false
		}
	}
	v := x.value(written, Type{Kind: Ref, Named: a.ID}, asCommand)
	return Stream{Aggregate: a, ID: v}, v != nil
}

// idParts takes the text of an id of several parts apart.
func (x *scenarioReader) idParts(a *Aggregate, text string, at diag.Span) (*schema.Value, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != len(a.ID.Fields) {
		form := a.Name + "/" + strings.Join(fieldNames(a.ID.Fields), "/")
		x.errorf(diag.ScenarioValue, at, "write `"+form+"`, with ~1 for a / within a part",
			"the id of %s has %d parts, not %d", a.Name, len(a.ID.Fields), len(parts))
		return nil, false
	}
	written := &schema.Value{Kind: schema.Mapping, At: at}
	for i, f := range a.ID.Fields {
		written.Entries = append(written.Entries, schema.ValueEntry{
			Key:   schema.Text{Value: f.Name, At: at},
			Value: &schema.Value{Kind: schema.QuotedText, Text: unescapePart.Replace(parts[i]), At: at},
		})
	}
	return written, true
}
