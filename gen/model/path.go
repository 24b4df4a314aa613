package model

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// pathForm is what a path looks like.
var pathForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

// metaNames are what a key can take from an event's meta, in the order of the reference, and metaTypes their types.
var (
	metaNames = []string{"time", "actor", "commandID", "correlationID", "causationID"}
	metaTypes = map[string]Kind{
		"time": Time, "actor": String, "commandID": String, "correlationID": String, "causationID": String,
	}
)

// pathHelp says what a key's value can be.
const pathHelp = "a key takes `event.field`, `stream.id` or `meta.time` and the like: " +
	"whatever else it needs belongs into the event"

// handlerKey resolves how an event gives a row's key: a path for each field of the key, in their order.
func (r *resolver) handlerKey(m *Projection, h *schema.Handler, event *Event) []Path {
	if len(m.Key) == 0 {
		return nil // which was reported, and leaves nothing to compare with
	}
	if missing(h.Keys, "key", len(h.Key)) {
		var values []string
		for _, f := range m.Key {
			values = append(values, f.Name+": …")
		}
		r.errorf(diag.KeyFieldMissing, h.Name.At, "add `key: {"+strings.Join(values, ", ")+"}`",
			"%s gives no key to find its row by", event.Name)
		return nil
	}
	given := map[string]schema.KeyValue{}
	for _, kv := range h.Key {
		if fieldNamed(m.Key, kv.Field.Value, equal) == nil {
			r.extraKeyField(m, kv, given)
			continue
		}
		given[kv.Field.Value] = kv
	}
	paths := make([]Path, 0, len(m.Key))
	for _, f := range m.Key {
		kv, ok := given[f.Name]
		switch {
		case ok && kv.Value.Given():
			paths = append(paths, r.path(kv.Value, f, event))
		case !ok && !unread(h.Keys, "key", len(h.Key)):
			r.errorf(diag.KeyFieldMissing, h.Name.At, "add `"+f.Name+": …` to its key",
				"%s gives the key's field %s no value", event.Name, f.Name)
		}
	}
	return paths
}

func (r *resolver) extraKeyField(m *Projection, kv schema.KeyValue, given map[string]schema.KeyValue) {
	names := fieldNames(m.Key)
	r.errorf(diag.KeyFieldUnknown, kv.Field.At, diag.DidYouMean(kv.Field.Value, names),
		"the key of %s has no field %q", m.Name, kv.Field.Value)
	if near := diag.Nearest(kv.Field.Value, names); near != "" {
		if _, ok := given[near]; !ok {
			given[near] = schema.KeyValue{Field: kv.Field}
		}
	}
}

// path resolves the value that an event gives a field of the key.
func (r *resolver) path(text schema.Text, key *Field, event *Event) Path {
	p := Path{Text: text.Value, At: text.At}
	segments := strings.Split(text.Value, ".")
	root := segments[0]
	var t Type
	switch {
	case !pathForm.MatchString(text.Value):
		r.errorf(diag.NotAPath, text.At, pathHelp, "`%s` can't give a key its value", text.Value)
		return p
	case root == "row" || root == "state" || root == "command":
		r.errorf(diag.NotAPath, text.At, pathHelp,
			"a key can't depend on the %s: it must be the same whenever the event is read", root)
		return p
	case root != "event" && root != "stream" && root != "meta":
		hint := pathHelp
		if near := diag.Nearest(root, []string{"event", "stream", "meta"}); near != "" && len(segments) > 1 {
			hint = did(near + text.Value[len(root):])
		} else if fieldNamed(event.Fields, root, equal) != nil {
			hint = did("event." + text.Value)
		}
		r.errorf(diag.NotAPath, text.At, hint, "`%s` can't give a key its value", text.Value)
		return p
	case len(segments) == 1:
		r.errorf(diag.NotAPath, text.At, pathHelp, "`%s` alone is not a value", root)
		return p
	case root == "stream":
		t = r.streamPath(&p, text, segments, event)
	case root == "meta":
		t = r.metaPath(&p, text, segments)
	default:
		t = r.eventPath(&p, text, segments, event)
	}
	p.Root = root
	if !t.broken() && !key.Type.broken() && !t.Equal(key.Type) {
		r.pathType(text, t, key)
	}
	return p
}

func (r *resolver) pathType(text schema.Text, t Type, key *Field) {
	hint := ""
	if t.Kind == Optional && t.Elem.Equal(key.Type) {
		hint = "an optional can't be in a key: make the event's field required"
	}
	r.diags.Add(diag.Diagnostic{
		Code: diag.PathType, At: text.At, Hint: hint,
		Message: fmt.Sprintf("%s has the type %s, and the key's field %s the type %s", text.Value, t, key.Name, key.Type),
		Related: []diag.Related{{At: key.At, Message: "the key's field is declared here"}},
	})
}

// streamPath resolves stream.id.
func (r *resolver) streamPath(p *Path, text schema.Text, segments []string, event *Event) Type {
	if segments[1] != "id" {
		r.errorf(diag.PathUnknown, segment(text, segments, 1), "did you mean \"id\"?",
			"a stream has no %q", segments[1])
		return Type{}
	}
	p.Name = "id"
	id := event.Aggregate.ID
	switch {
	case event.Aggregate.Single:
		r.errorf(diag.PathUnknown, segment(text, segments, 1), "there is one stream of it: give its rows a key of the event's",
			"%s is single, and has no id", event.Aggregate.Name)
		return Type{}
	case id == nil:
		return Type{}
	case len(segments) == 2:
		return Type{Kind: Ref, Named: id}
	case id.IDOf == nil:
		r.errorf(diag.PathThrough, segment(text, segments, 2), "", "an id has no fields")
		return Type{}
	}
	return r.throughFields(p, text, segments, 2, "the id of "+event.Aggregate.Name, id.Fields, r.fieldsUnknown[id])
}

func (r *resolver) metaPath(p *Path, text schema.Text, segments []string) Type {
	kind, ok := metaTypes[segments[1]]
	switch {
	case !ok:
		r.errorf(diag.PathUnknown, segment(text, segments, 1), diag.DidYouMean(segments[1], metaNames),
			"the meta has no %q", segments[1])
	case len(segments) > 2:
		r.errorf(diag.PathThrough, segment(text, segments, 2), "", "meta.%s has no fields", segments[1])
	default:
		p.Name = segments[1]
		return Type{Kind: kind}
	}
	return Type{}
}

// eventPath follows a path through an event's fields and their structs.
func (r *resolver) eventPath(p *Path, text schema.Text, segments []string, event *Event) Type {
	return r.throughFields(p, text, segments, 1, "the event "+event.Name, event.Fields, r.fieldsUnknown[event])
}

// throughFields follows the segments of a path from the i-th one through fields.
func (r *resolver) throughFields(
	p *Path, text schema.Text, segments []string, i int, owner string, fields []*Field, unknown bool,
) Type {
	for ; ; i++ {
		f := fieldNamed(fields, segments[i], equal)
		if f == nil {
			if !unknown {
				r.errorf(diag.PathUnknown, segment(text, segments, i), diag.DidYouMean(segments[i],
					fieldNames(fields)), "%s has no field %q", owner, segments[i])
			}
			return Type{}
		}
		p.Fields = append(p.Fields, f)
		if i == len(segments)-1 || f.Type.broken() {
			if i < len(segments)-1 {
				return Type{}
			}
			return f.Type
		}
		if f.Type.Kind != Ref || f.Type.Named.Kind != Struct {
			r.notThrough(segment(text, segments, i), f)
			return Type{}
		}
		owner, fields, unknown = "the struct "+f.Type.Named.Name, f.Type.Named.Fields, r.fieldsUnknown[f.Type.Named]
	}
}

func fieldNames(fields []*Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// notThrough reports a field that a path can't lead through.
func (r *resolver) notThrough(at diag.Span, f *Field) {
	switch f.Type.Kind {
	case Optional:
		r.errorf(diag.PathThrough, at, "make the field required, or give the event a field of its own",
			"a path can't lead through %s: it is optional, and may be absent", f.Name)
	case List, Set, Map:
		r.errorf(diag.PathThrough, at, "give the event a field of its own",
			"a path can't lead through %s: it is a %s, and may hold many values", f.Name, f.Type.Kind)
	default:
		r.errorf(diag.PathThrough, at, "", "a path can't lead through %s: %s has no fields", f.Name, f.Type)
	}
}

// segment returns the place of one segment of a path.
func segment(text schema.Text, segments []string, i int) diag.Span {
	if text.At.Len != len(text.Value) {
		return text.At // in quotes
	}
	before := len(strings.Join(segments[:i], ".")) + 1
	return diag.Span{Pos: diag.Pos{Line: text.At.Line, Col: text.At.Col + before}, Len: len(segments[i])}
}
