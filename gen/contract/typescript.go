package contract

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// typeScript is the module of types of what a model has in JSON.
func typeScript(p *plan.Plan) []byte {
	w := &tsWriter{plan: p, names: map[string]bool{}, scalars: map[model.Kind]bool{}}
	w.reserve()
	w.types()
	for _, a := range p.Aggregates {
		w.aggregate(a)
	}
	w.union(w.name("AnyEvent"), "Every event of "+p.Model.Package+", by its type.", w.eventUnions)
	w.union(w.name("AnyCommand"), "Every command of "+p.Model.Package+", by its type.", w.commandUnions)
	for _, pr := range p.Projections {
		w.projection(pr)
	}
	body := w.b.String()
	w.b.Reset()
	w.b.WriteString("// " + Mark(p.Model.File) + "\n\n")
	w.doc(0, paragraphs(p.Model.Doc, "What events, commands and rows of "+p.Model.Package+" are in JSON. Fields that are not named here may be added to "+
		"events at any time."), "@packageDocumentation")
	w.b.WriteString("\n")
	w.scalarTypes()
	return []byte(w.b.String() + strings.TrimSuffix(body, "\n"))
}

type tsWriter struct {
	plan *plan.Plan
	b    strings.Builder
	// names are those that are taken; scalars those of the model's scalars that types are made of.
	names   map[string]bool
	scalars map[model.Kind]bool
	// personal says that fields of events hold personal data.
	personal bool
	// eventUnions and commandUnions are the unions of each aggregate.
	eventUnions, commandUnions []string
}

// reserve takes the names that follow from the model alone: they are unique as names of Go.
func (w *tsWriter) reserve() {
	for _, t := range w.plan.Types {
		w.names[t.Name] = true
	}
	for _, a := range w.plan.Aggregates {
		for _, e := range a.All() {
			w.names[e.Go] = true
		}
		for _, c := range a.CommandList {
			w.names[c.Go] = true
		}
		for _, r := range a.Rejections {
			w.names[r.Go] = true
		}
	}
	for _, pr := range w.plan.Projections {
		w.names[pr.Team], w.names[pr.Key], w.names[pr.Row] = true, true, true
	}
}

// name is a name that is free.
func (w *tsWriter) name(wanted string) string {
	for w.names[wanted] {
		wanted += "_"
	}
	w.names[wanted] = true
	return wanted
}

func (w *tsWriter) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// doc writes a comment, if there is something to say. Nothing in it ends it, or is taken for a tag.
func (w *tsWriter) doc(depth int, text string, tags ...string) {
	indent := strings.Repeat("  ", depth)
	var lines []string
	if text != "" {
		for _, line := range linesOf(text) {
			lines = append(lines, tsComment(line))
		}
	}
	for _, tag := range tags {
		if tag != "" {
			lines = append(lines, tag)
		}
	}
	switch len(lines) {
	case 0:
	case 1:
		w.line("%s/** %s */", indent, lines[0])
	default:
		w.line("%s/**", indent)
		for _, line := range lines {
			w.line("%s", strings.TrimRight(indent+" * "+line, " "))
		}
		w.line("%s */", indent)
	}
}

// linesOf splits a text wherever something takes it to be split, and replaces what is not to be seen.
func linesOf(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(strings.TrimSpace(text))
	return strings.Split(strings.Map(visible, text), "\n")
}

// visible replaces characters that would show a text otherwise than it is, or not at all.
func visible(c rune) rune {
	switch {
	case c == '\n' || c == '\t':
		return c
	case c < ' ', c >= 0x7f && c < 0xa0, c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c == 0xfeff, c == 0x200e, c == 0x200f:
		return '\ufffd'
	}
	return c
}

func tsComment(line string) string {
	line = strings.ReplaceAll(line, "*/", "*\\/")
	if i := strings.IndexFunc(line, func(c rune) bool { return c != ' ' && c != '\t' && c != '*' && c != '/' }); i >= 0 && line[i] == '@' {
		line = line[:i] + "\\" + line[i:]
	}
	return line
}

func deprecatedTag(text string) string {
	if text == "" {
		return ""
	}
	return "@deprecated " + tsComment(strings.Join(linesOf(text), " "))
}

// tsScalars are the types of scalars, under the names that the model has for them.
var tsScalars = []struct {
	kind            model.Kind
	name, typ, text string
}{
	{model.Int64, "int64", "number", "A whole number. JSON.parse rounds those beyond Number.MAX_SAFE_INTEGER."},
	{model.Uint64, "uint64", "number", "A whole number that is not negative. JSON.parse rounds those beyond Number.MAX_SAFE_INTEGER."},
	{model.Int32, "int32", "number", "A whole number of 32 bits."},
	{model.Uint32, "uint32", "number", "A whole number of 32 bits that is not negative."},
	{model.Duration, "duration", "number", "A whole number of nanoseconds. JSON.parse rounds those beyond Number.MAX_SAFE_INTEGER, which is 104 days."},
	{model.Decimal, "decimal", "string", `A decimal number as text: "-12.5".`},
	{model.Bytes, "bytes", "string", "Bytes in base64 with padding."},
	{model.Time, "time", "string", `A time in UTC, to the microsecond: "2026-03-01T10:00:00.5Z".`},
	{model.Date, "date", "string", `A day: "2026-03-01".`},
	{model.UUID, "uuid", "string", "A UUID in its 36 characters."},
}

func (w *tsWriter) scalarTypes() {
	w.scalars[model.Bytes] = w.scalars[model.Bytes] || w.personal
	for _, s := range tsScalars {
		if w.scalars[s.kind] {
			w.doc(0, s.text)
			w.line("export type %s = %s;\n", s.name, s.typ)
		}
	}
	if w.personal {
		w.doc(0, "Personal data: as they are where nothing is encrypted yet, encrypted under a key of the person's own, or what is "+
			"read once they were erased.")
		w.line("export type personal<T> = T | { readonly $sealed: bytes } | { readonly $erased: T };\n")
	}
}

func (w *tsWriter) scalar(k model.Kind) string {
	switch k {
	case model.Bool:
		return "boolean"
	case model.Float64:
		return "number"
	case model.Int:
		k = model.Int64
	}
	for _, s := range tsScalars {
		if s.kind == k {
			w.scalars[k] = true
			return s.name
		}
	}
	return "string"
}

func (w *tsWriter) types() {
	for _, t := range w.plan.Types {
		switch t.Kind {
		case model.Enum:
			var values []string
			for _, v := range t.Values {
				values = append(values, `"`+v.Wire+`"`)
			}
			w.doc(0, t.Doc, deprecatedTag(t.Deprecated))
			w.line("export type %s = %s;\n", t.Name, strings.Join(values, " | "))
		case model.Struct:
			w.fields(t.Name, t.Named.Fields, paragraphs(t.Doc, checksText(t.Checks)), inEvent, deprecatedTag(t.Deprecated))
		default:
			w.doc(0, t.Doc, deprecatedTag(t.Deprecated))
			w.line("export type %s = %s;\n", t.Name, w.scalar(t.Base))
		}
	}
}

// place says where a field stands. In an event, personal data are encrypted. In a row, they are shown only if that was
// meant, and what nothing was assigned to yet is empty.
type place int

const (
	elsewhere place = iota
	inEvent
	inRow
)

// fields writes an interface.
func (w *tsWriter) fields(name string, fields []*model.Field, doc string, where place, tags ...string) {
	w.doc(0, doc, tags...)
	if len(fields) == 0 {
		w.line("export type %s = { readonly [name: string]: never };\n", name)
		return
	}
	w.line("export interface %s {", name)
	for _, f := range fields {
		w.field(f, where)
	}
	w.line("}\n")
}

func (w *tsWriter) field(f *model.Field, where place) {
	personal := ""
	if f.Personal {
		personal = "Personal data."
	}
	w.doc(1, paragraphs(f.Doc, personal), deprecatedTag(f.Deprecated))
	mark, typ := "", w.of(f.Type)
	switch {
	case f.Personal && where == inEvent:
		w.personal = true
		typ = "personal<" + typ + ">"
	case f.Personal && where == inRow:
		typ += ` | "[personal]"`
	}
	if f.Type.Kind == model.Optional {
		mark = "?"
	}
	if where == inRow && emptyAtFirst(f.Type) {
		typ += ` | ""`
	}
	w.line("  readonly %s%s: %s;", f.Name, mark, typ)
}

// emptyAtFirst reports whether a row has an empty text where nothing was assigned to a field yet.
func emptyAtFirst(t model.Type) bool {
	return t.Kind == model.Date || t.Kind == model.Ref && (t.Named.Kind == model.Enum || t.Named.Kind == model.Scalar && t.Named.Base == model.Date)
}

// of is a type as fields use it.
func (w *tsWriter) of(t model.Type) string {
	switch t.Kind {
	case model.Optional:
		return w.of(*t.Elem) + " | null"
	case model.List, model.Set:
		elem := w.of(*t.Elem)
		if k := t.Elem.Kind; k == model.Optional || k == model.List || k == model.Set {
			elem = "(" + elem + ")"
		}
		return "readonly " + elem + "[]"
	case model.Map:
		if t.Key.Kind == model.Ref && t.Key.Named.Kind == model.Enum {
			return "{ readonly [key in " + t.Key.Named.Name + "]?: " + w.of(*t.Elem) + " }"
		}
		return "{ readonly [key: string]: " + w.of(*t.Elem) + " }"
	case model.Ref:
		if t.Named.Kind == model.External {
			return externalTS(t.Named)
		}
		return t.Named.Name
	}
	return w.scalar(t.Kind)
}

func externalTS(n *model.Named) string {
	if n.Go.Encoding == model.TextEncoding {
		return "string"
	}
	return "unknown"
}

// aggregate writes the events, commands and rejections of an aggregate, each with a union of all.
func (w *tsWriter) aggregate(a *plan.Aggregate) {
	var events, commands, rejections []string
	for _, e := range a.All() {
		for _, v := range versionsOf(a, e) {
			events = append(events, w.event(a, v))
		}
	}
	if len(events) > 0 {
		name := w.name(a.Name + "Event")
		w.eventUnions = append(w.eventUnions, name)
		w.union(name, "Every event of "+a.Name+", by its type and version.", events)
	}
	for _, c := range a.CommandList {
		w.fields(c.Go, c.Command.Fields, paragraphs(c.Doc, checksText(c.Checks), "A command to "+a.Name+"."), elsewhere)
		commands = append(commands, fmt.Sprintf(`{ readonly aggregate: %q; readonly type: %q; readonly data: %s }`, a.Name, c.Name, c.Go))
	}
	if len(commands) > 0 {
		name := w.name(a.Name + "Command")
		w.commandUnions = append(w.commandUnions, name)
		w.union(name, "Every command to "+a.Name+", by its type.", commands)
	}
	for _, r := range a.Rejections {
		w.fields(r.Go, r.Rejection.Fields, paragraphs(r.Doc, "A reason for which commands to "+a.Name+" are refused."), elsewhere)
		rejections = append(rejections, fmt.Sprintf(`{ readonly rejection: %q; readonly details: %s }`, r.Name, r.Go))
	}
	if len(rejections) > 0 {
		w.union(w.name(a.Name+"Rejection"), "Every reason for which commands to "+a.Name+" are refused.", rejections)
	}
}

// event writes the interface of a version, and returns its entry in the union.
func (w *tsWriter) event(a *plan.Aggregate, v version) string {
	name, about := v.Go, "An event of "+a.Name+"."
	deprecated := ""
	if !v.last() {
		name = w.name(v.Go + v.suffix())
	}
	if !v.current() {
		deprecated = "@deprecated " + v.outdated()
	}
	w.fields(name, v.fields, paragraphs(v.Doc, about), inEvent, deprecated)
	return fmt.Sprintf(`{ readonly aggregate: %q; readonly type: %q; readonly version: %d; readonly data: %s }`, a.Name, v.Wire, v.number, name)
}

func (w *tsWriter) union(name, doc string, of []string) {
	if len(of) == 0 {
		return
	}
	w.doc(0, doc)
	w.line("export type %s =\n  | %s;\n", name, strings.Join(of, "\n  | "))
}

// projection writes the key of a projection, its row, and both as the one object that queries answer with.
func (w *tsWriter) projection(pr *plan.Projection) {
	w.fields(pr.Key, pr.Projection.Key, "The key of a row of "+pr.Name+".", elsewhere)
	w.fields(pr.Row, pr.Projection.Row, "What a row of "+pr.Name+" has besides its key.", inRow)
	w.doc(0, paragraphs(pr.Doc, "A row with its key."))
	w.line("export type %s = %s & %s;\n", pr.Team, pr.Key, pr.Row)
}
