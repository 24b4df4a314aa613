package contract

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// dialect is the JSON Schema that all files are written in.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// schemaFiles has a file for each version of each event, and one for each command.
func schemaFiles(p *plan.Plan) []emit.File {
	var files []emit.File
	for _, a := range p.Aggregates {
		for _, e := range a.All() {
			for _, v := range versionsOf(a, e) {
				files = append(files, emit.File{Name: eventFile(a, v), Content: document(eventSchema(p, a, v))})
			}
		}
		for _, c := range a.CommandList {
			files = append(files, emit.File{Name: commandFile(a, c), Content: document(commandSchema(p, a, c))})
		}
	}
	return files
}

func eventFile(a *plan.Aggregate, v version) string {
	return fmt.Sprintf("%s.event.%s.v%d.schema.json", a.Name, v.Wire, v.number)
}

func commandFile(a *plan.Aggregate, c *plan.Command) string {
	return fmt.Sprintf("%s.command.%s.schema.json", a.Name, c.Name)
}

// schemaID names a schema for good: an event by its name on the wire, which a rename leaves as it is.
func schemaID(p *plan.Plan, a *plan.Aggregate, rest ...string) string {
	return strings.Join(append([]string{"urn:cqrsgen", p.Model.Package, a.Name}, rest...), ":")
}

func eventSchema(p *plan.Plan, a *plan.Aggregate, v version) object {
	s := schemas{plan: p, used: map[*model.Named]bool{}}
	o := heading(p, schemaID(p, a, "event", v.Wire, strconv.Itoa(v.number)), v.Name)
	o.describe(paragraphs(v.Doc, v.outdated()))
	if !v.current() {
		o.put("deprecated", true)
	}
	return append(append(o, s.fields(v.fields)...), s.defs()...)
}

func commandSchema(p *plan.Plan, a *plan.Aggregate, c *plan.Command) object {
	s := schemas{plan: p, rules: true, used: map[*model.Named]bool{}}
	o := heading(p, schemaID(p, a, "command", c.Name), c.Name)
	o.describe(paragraphs(c.Doc, checksText(c.Checks)))
	return append(append(o, s.fields(c.Command.Fields)...), s.defs()...)
}

func heading(p *plan.Plan, id, title string) object {
	return object{{"$comment", Mark(p.Model.File)}, {"$schema", dialect}, {"$id", id}, {"title", title}}
}

// checksText says what JSON Schema can't: rules over several fields.
func checksText(checks []*model.Check) string {
	var list []string
	for _, c := range checks {
		list = append(list, c.Else)
	}
	if len(list) == 0 {
		return ""
	}
	return "Refused besides, by rules over several fields: " + strings.Join(list, "; ") + "."
}

// paragraphs joins texts that are not empty.
func paragraphs(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n\n")
}

// schemas writes the schemas of one file. Those of commands have the rules; those of events have none, since rules bind
// commands only: what happened, happened.
type schemas struct {
	plan  *plan.Plan
	rules bool
	// used are the declared types that the file refers to.
	used map[*model.Named]bool
	// sealed says that it has personal data of an event, which are encrypted.
	sealed bool
}

// sealedDef is the name of the schema of what stands for personal data: no type of a model starts with a small letter.
const sealedDef = "sealed"

// sealedSchema is what stands for personal data in a stored event.
func sealedSchema() object {
	return object{
		{"type", "object"},
		{"properties", object{
			{"$sealed", append(scalarSchema(model.Bytes), member{"description", "The data, encrypted under a key of the person's own."})},
			{"$erased", object{{"description", "What is read once the data were erased."}}},
		}},
		{"minProperties", 1}, {"maxProperties", 1}, {"additionalProperties", false},
		{"description", "Personal data that are encrypted, or erased."},
	}
}

// defs are the declared types that were referred to, and those that they refer to, in the order of the model.
func (s *schemas) defs() object {
	done := map[*model.Named]object{}
	for len(done) < len(s.used) {
		for _, n := range s.plan.Model.Types {
			if _, written := done[n]; s.used[n] && !written {
				done[n] = s.declared(n)
			}
		}
	}
	var list object
	for _, n := range s.plan.Model.Types {
		if o, there := done[n]; there {
			list = append(list, member{n.Name, o})
		}
	}
	if s.sealed {
		list = append(list, member{sealedDef, sealedSchema()})
	}
	if len(list) == 0 {
		return nil
	}
	return object{{"$defs", list}}
}

// declared is the schema of a declared type.
func (s *schemas) declared(n *model.Named) object {
	var o object
	about := n.Doc
	switch n.Kind {
	case model.Enum:
		var values []string
		for _, v := range n.Values {
			values = append(values, v.Name)
		}
		o = object{{"type", "string"}, {"enum", values}}
	case model.Struct:
		o = s.fields(n.Fields)
		if s.rules {
			about = paragraphs(about, checksText(n.Checks))
		}
	default:
		o = s.bounded(n.Base, s.bounds(n.Rules), scalarSchema(n.Base))
	}
	return annotated(o, about, n.Deprecated, n.Example)
}

// bounds are the rules that the file has: none in those of events.
func (s *schemas) bounds(r model.Rules) model.Rules {
	if !s.rules {
		return model.Rules{}
	}
	return r
}

// fields is the schema of an object. Fields that it does not name are let pass, as readers have to.
func (s *schemas) fields(list []*model.Field) object {
	properties, required := object{}, []string{}
	for _, f := range list {
		properties = append(properties, member{f.Name, s.field(f)})
		if f.Type.Kind != model.Optional {
			required = append(required, f.Name)
		}
	}
	o := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		o.put("required", required)
	}
	return o
}

func (s *schemas) field(f *model.Field) object {
	o := s.of(f.Type, s.bounds(f.Rules))
	if f.Personal && !s.rules {
		s.sealed = true
		o = object{{"anyOf", []any{o, object{{"$ref", "#/$defs/" + sealedDef}}}}}
	}
	o = annotated(o, f.Doc, f.Deprecated, f.Example)
	if s.rules && f.Default != nil {
		o.put("default", jsonValue(f.Default))
	}
	if f.Personal {
		o.put("x-personal", true)
	}
	return o
}

// annotated adds what is for people to what validators read.
func annotated(o object, doc, deprecated string, example *model.Value) object {
	about := ""
	if i := o.index("description"); i >= 0 {
		about, _ = o[i].value.(string)
	}
	if deprecated != "" {
		o.put("deprecated", true)
		deprecated = "Deprecated: " + deprecated
	}
	o.describe(paragraphs(doc, about, deprecated))
	if example != nil {
		o.put("examples", []any{jsonValue(example)})
	}
	return o
}

// of is the schema of a value of a type, and of the rules that the field has for it.
func (s *schemas) of(t model.Type, r model.Rules) object {
	switch t.Kind {
	case model.Optional:
		return nullable(s.of(*t.Elem, r))
	case model.List:
		o := object{{"type", "array"}, {"items", s.of(*t.Elem, model.Rules{})}}
		if r.Distinct {
			o.put("uniqueItems", true)
		}
		return count(o, "Items", r)
	case model.Set:
		o := object{{"type", "array"}, {"items", s.of(*t.Elem, model.Rules{})}, {"uniqueItems", true}}
		return count(o, "Items", r)
	case model.Map:
		o := object{{"type", "object"}, {"propertyNames", s.key(*t.Key)}, {"additionalProperties", s.of(*t.Elem, model.Rules{})}}
		return count(o, "Properties", r)
	case model.Ref:
		return s.reference(t.Named, r)
	}
	return s.bounded(t.Kind, r, scalarSchema(t.Kind))
}

func (s *schemas) reference(n *model.Named, r model.Rules) object {
	if n.Kind == model.External {
		return externalSchema(n)
	}
	s.used[n] = true
	o := object{{"$ref", "#/$defs/" + n.Name}}
	if n.Kind == model.Scalar {
		return s.bounded(n.Base, r, o)
	}
	return o
}

// externalSchema is that of a type of a Go package, which writes itself: a text, or anything.
func externalSchema(n *model.Named) object {
	about := "As " + n.Go.String() + " of Go writes itself."
	if n.Go.Encoding == model.TextEncoding {
		return object{{"type", "string"}, {"description", about}}
	}
	return object{{"description", about}}
}

// key is the schema of a map's keys, which are texts.
func (s *schemas) key(t model.Type) object {
	kind := t.Scalar()
	if kind == model.String {
		return s.of(t, model.Rules{})
	}
	o := object{{"pattern", `^-?(?:0|[1-9][0-9]{0,18})$`}}
	if kind == model.Uint32 || kind == model.Uint64 {
		o = object{{"pattern", `^(?:0|[1-9][0-9]{0,19})$`}}
	}
	about := "A whole number: " + kind.String() + "."
	if t.Kind == model.Ref {
		about = paragraphs(about, remark("a key of this map", t.Named.Rules.Min, t.Named.Rules.Max))
	}
	o.put("description", about)
	return o
}

// remark says bounds in words, where a schema can't.
func remark(what, low, high string) string {
	switch {
	case low != "" && high != "":
		return fmt.Sprintf("Not checked here: %s is at least %s and at most %s.", what, low, high)
	case low != "":
		return fmt.Sprintf("Not checked here: %s is at least %s.", what, low)
	case high != "":
		return fmt.Sprintf("Not checked here: %s is at most %s.", what, high)
	}
	return ""
}

func count(o object, of string, r model.Rules) object {
	if r.MinItems != nil {
		o.put("min"+of, *r.MinItems)
	}
	if r.MaxItems != nil {
		o.put("max"+of, *r.MaxItems)
	}
	return o
}

// nullable takes null too.
func nullable(o object) object {
	if i := o.index("type"); i >= 0 && o.index("enum") < 0 {
		if name, single := o[i].value.(string); single {
			o[i].value = []string{name, "null"}
		}
		return o
	}
	if o.index("$ref") < 0 && o.index("type") < 0 {
		return o // which takes anything
	}
	return object{{"anyOf", []any{o, object{{"type", "null"}}}}}
}

// Patterns of what the codec writes. That a day exists is for the format to say, where a validator looks at formats.
const (
	daysPattern = `[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])`
	datePattern = `^` + daysPattern + `$`
	timePattern = `^` + daysPattern + `T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z$`
	uuidPattern = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`
	// decimalPattern lets through some numbers of more than 19 digits in all.
	decimalPattern = `^-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,19})?$`
)

// scalarSchema is what all values of a scalar have in common.
func scalarSchema(k model.Kind) object {
	switch k {
	case model.Bool:
		return object{{"type", "boolean"}}
	case model.Int, model.Int64:
		return whole("int64", strconv.FormatInt(math.MinInt64, 10), strconv.FormatInt(math.MaxInt64, 10))
	case model.Int32:
		return whole("int32", strconv.FormatInt(math.MinInt32, 10), strconv.FormatInt(math.MaxInt32, 10))
	case model.Uint32:
		return whole("uint32", "0", strconv.FormatInt(math.MaxUint32, 10))
	case model.Uint64:
		return whole("uint64", "0", strconv.FormatUint(math.MaxUint64, 10))
	case model.Duration:
		o := whole("int64", strconv.FormatInt(math.MinInt64, 10), strconv.FormatInt(math.MaxInt64, 10))
		o.put("description", "Nanoseconds.")
		return o
	case model.Float64:
		return object{{"type", "number"}}
	case model.Bytes:
		return object{{"type", "string"}, {"contentEncoding", "base64"}, {"pattern", base64Pattern(0, nil)}}
	case model.Time:
		return object{{"type", "string"}, {"format", "date-time"}, {"pattern", timePattern}}
	case model.UUID:
		return object{{"type", "string"}, {"format", "uuid"}, {"pattern", uuidPattern}}
	case model.Date:
		return object{{"type", "string"}, {"format", "date"}, {"pattern", datePattern}}
	case model.Decimal:
		return object{{"type", "string"}, {"format", "decimal"}, {"pattern", decimalPattern}}
	}
	return object{{"type", "string"}}
}

func whole(format, low, high string) object {
	return object{{"type", "integer"}, {"format", format}, {"minimum", json.Number(low)}, {"maximum", json.Number(high)}}
}

// bounded adds the rules of a scalar.
func (s *schemas) bounded(k model.Kind, r model.Rules, o object) object {
	switch k {
	case model.Decimal:
		o.describe(remark("the number", r.Min, r.Max))
	case model.Bytes:
		if r.MinLength != nil || r.MaxLength != nil {
			boundBytes(&o, orZero(r.MinLength), r.MaxLength)
		}
		return o
	default:
		bound(&o, "minimum", r.Min)
		bound(&o, "maximum", r.Max)
	}
	if r.MinLength != nil {
		o.put("minLength", *r.MinLength)
	}
	if r.MaxLength != nil {
		o.put("maxLength", *r.MaxLength)
	}
	if r.Pattern != "" {
		if pattern, said := ecmaPattern(r.Pattern); said {
			o.put("pattern", pattern)
		} else {
			o.put("description", "Not checked here: the text matches "+r.Pattern+", in the syntax of RE2.")
		}
	}
	return o
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// bound adds a bound, in the way in which JSON writes numbers.
func bound(o *object, name, literal string) {
	switch {
	case literal == "":
	case json.Valid([]byte(literal)):
		o.put(name, json.Number(literal))
	default:
		if f, err := strconv.ParseFloat(literal, 64); err == nil {
			o.put(name, f)
		}
	}
}

// maxRepeats is how often a group of four characters may repeat for every validator: RE2 has a limit of 1,000.
const maxRepeats = 200

// boundBytes bounds the number of bytes that a text of base64 stands for.
func boundBytes(o *object, low int, high *int) {
	if low/3 > maxRepeats || high != nil && *high/3 > maxRepeats {
		o.put("minLength", (low+2)/3*4)
		about := fmt.Sprintf("Checked up to padding: at least %d bytes.", low)
		if high != nil {
			o.put("maxLength", (*high+2)/3*4)
			about = fmt.Sprintf("Checked up to padding: %d to %d bytes.", low, *high)
		}
		o.put("description", about)
		return
	}
	o.put("pattern", base64Pattern(low, high))
}

// base64Pattern matches the base64 of low to high bytes: groups of three, and one or two that are left, whose last
// character has bits that are zero.
func base64Pattern(low int, high *int) string {
	const char = `[A-Za-z0-9+/]`
	rest := []string{``, char + `[AQgw]==`, char + `{2}[AEIMQUYcgkosw048]=`}
	var cases []string
	for left, text := range rest {
		from := max(0, (low-left+2)/3)
		to := ""
		if high != nil {
			if *high < left || (*high-left)/3 < from {
				continue
			}
			to = strconv.Itoa((*high - left) / 3)
		}
		cases = append(cases, fmt.Sprintf(`(?:%s{4}){%d,%s}%s`, char, from, to, text))
	}
	return `^(?:` + strings.Join(cases, "|") + `)$`
}
