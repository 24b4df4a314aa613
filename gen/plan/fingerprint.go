package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// semantics is part of every fingerprint. It changes when the runtime folds or stores in another way, so that snapshots
// and rows of before must not be used, and not with the tool's version.
const semantics = "1"

// fingerprint computes what snapshots and read models are keyed by. Docs, rules and the order of declarations do not
// enter; names, types and the order of fields do. What was found out about functions in Go enters: where nothing was, the
// fingerprint of what they fold is one of an unknown meaning.
func (p *Plan) fingerprint(d *meaning.Digests) {
	for _, a := range p.Aggregates {
		events := byWire(a.Events, func(e *Event) string { return e.Wire })
		parts := []string{"state", a.Name, shapeOf(a.StateFields) + a.Lifecycle.meaningOf(events) + meaningOf(events)}
		for _, e := range events {
			parts = append(parts, e.evolution()...)
		}
		for _, f := range byWire(a.Former, func(f *Former) string { return f.Wire }) {
			parts = append(parts, f.evolution()...)
		}
		a.Fingerprint = p.fingerprintOf(parts, a.Functions(), d)
	}
	for _, pr := range p.Projections {
		parts := []string{"rows", pr.Name, shapeOf(pr.KeyFields), shapeOf(pr.RowFields)}
		parts = append(parts, searchedBy(pr)...)
		if pr.Revision != "" {
			parts = append(parts, "revision "+pr.Revision)
		}
		for _, h := range byWire(pr.Handlers, func(h *Handler) string { return h.Event.Wire }) {
			parts = append(parts, h.Event.Wire)
			parts = append(parts, h.Event.evolution()...)
			for _, f := range h.Folds {
				parts = append(parts, f.meaning()...)
			}
		}
		for _, f := range byWire(pr.Former(), func(f *Former) string { return f.Wire }) {
			parts = append(parts, f.evolution()...)
		}
		pr.Fingerprint = p.fingerprintOf(parts, pr.Functions(), d)
	}
}

// byWire returns a list in the order of names on the wire, and not in that of the model.
func byWire[T any](list []T, wire func(T) string) []T {
	return slices.SortedStableFunc(slices.Values(list), func(a, b T) int { return strings.Compare(wire(a), wire(b)) })
}

// searchedBy says how rows are searched: an index that is searched in another way is made anew.
func searchedBy(pr *Projection) (parts []string) {
	for _, f := range pr.Columns() {
		if f.Search != "" {
			parts = append(parts, "search "+f.Name+" "+f.Search)
		}
	}
	return parts
}

// unknown starts the fingerprints of what folds of an unknown meaning make, as package cqrs has it. No other one starts so.
const unknown = "ffffffff"

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(semantics + "\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// fingerprintOf returns a fingerprint of what the model says and of what functions in Go mean.
func (p *Plan) fingerprintOf(parts []string, functions []meaning.Root, d *meaning.Digests) string {
	known := true
	slices.SortFunc(functions, func(r, s meaning.Root) int { return strings.Compare(r.String(), s.String()) })
	for _, r := range functions {
		text := d.Of[r]
		known = known && text != ""
		parts = append(parts, "go "+r.String()+" "+text)
		for _, name := range d.Generated[r] {
			if means := p.meaningOfName(name); means != "" {
				parts = append(parts, "name "+name+" "+means)
			}
		}
	}
	text := digest(parts...)
	switch {
	case !known:
		return unknown + text[len(unknown):]
	case strings.HasPrefix(text, unknown):
		return "0" + text[1:]
	}
	return text
}

func shapeOf(fields []*Field) string {
	var b strings.Builder
	b.WriteString("{")
	for _, f := range fields {
		b.WriteString(f.Name + ":" + keptAs(f.Field))
		writeShape(&b, &f.Type)
		b.WriteString(";")
	}
	b.WriteString("}")
	return b.String()
}

var scalarNames = map[model.Kind]string{
	model.String: "string", model.Bool: "bool", model.Int: "int", model.Int32: "int32", model.Int64: "int64",
	model.Uint32: "uint32", model.Uint64: "uint64", model.Float64: "float64", model.Bytes: "bytes", model.Time: "time",
	model.Duration: "duration", model.UUID: "uuid", model.Date: "date",
	model.Decimal: "decimal",
}

// writeShape writes the type's shape with all that it refers to, which ends because types do not refer to themselves.
func writeShape(b *strings.Builder, t *model.Type) {
	switch t.Kind {
	case model.Optional:
		b.WriteString("optional ")
		writeShape(b, t.Elem)
	case model.List:
		b.WriteString("list ")
		writeShape(b, t.Elem)
	case model.Set:
		b.WriteString("set ")
		writeShape(b, t.Elem)
	case model.Map:
		b.WriteString("map ")
		writeShape(b, t.Key)
		b.WriteString(" to ")
		writeShape(b, t.Elem)
	case model.Ref:
		writeNamedShape(b, t.Named)
	default:
		b.WriteString(scalarNames[t.Kind])
	}
}

func writeNamedShape(b *strings.Builder, n *model.Named) {
	switch n.Kind {
	case model.Scalar:
		b.WriteString(scalarNames[n.Base])
	case model.Enum:
		b.WriteString("enum(")
		for _, v := range n.Values {
			b.WriteString(v.Name + ",")
		}
		b.WriteString(")")
	case model.External:
		b.WriteString(n.Name + " as " + string(n.Go.Encoding))
	case model.Struct:
		b.WriteString("{")
		for _, f := range n.Fields {
			b.WriteString(f.Name + ":" + keptAs(f))
			writeShape(b, &f.Type)
			b.WriteString(";")
		}
		b.WriteString("}")
	}
}

// keptAs says whether a field is encrypted where it is kept.
func keptAs(f *model.Field) string {
	if f.Personal {
		return "personal "
	}
	return ""
}
