package contract

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

//go:embed page.html.tmpl
var pageText string

// pageTemplate escapes every text for where it stands. The page has no scripts, and tells browsers to run none.
var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is the event model as one HTML file that needs nothing else.
func page(p *plan.Plan) []byte {
	data := pageOf(p)
	var b bytes.Buffer
	// A comment ends with >, which no name of a file needs.
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<!-- %s -->\n", strings.ReplaceAll(Mark(p.Model.File), ">", ""))
	if err := pageTemplate.Execute(&b, data); err != nil {
		panic(err) // the data are texts and numbers, and a buffer takes all
	}
	return b.Bytes()
}

type pageData struct {
	Package, Doc string
	Drawing      drawing
	Aggregates   []pageAggregate
	Projections  []pageProjection
	Types        []pageType
}

type pageAggregate struct {
	Name, Doc, ID string
	Ladder        *ladder
	State         []pageField
	Commands      []pageCommand
	Events        []pageEvent
	Former        []pageFormer
	Rejections    []pageType
}

type pageCommand struct {
	Go, Name, Doc, In, Creates string
	Fields                     []pageField
	Checks, Emits, Rejects     []string
}

type pageEvent struct {
	Go, Name, Doc, Wire, Moves string
	Retired                    string
	Version                    int
	Fields                     []pageField
}

// pageFormer is an event that does not happen any more, and what it is read as.
type pageFormer struct {
	pageEvent
	Becomes []pageRef
}

type pageProjection struct {
	Name, Doc string
	Key, Row  []pageField
	Folds     []pageRef
	Queries   []pageType
}

// pageRef is a link to something of the page.
type pageRef struct{ ID, Name string }

// pageType is something that has a text and fields.
type pageType struct {
	Name, Doc, About, Deprecated string
	Fields                       []pageField
}

type pageField struct {
	Name, Type, Rules, Doc, Deprecated string
	Personal                           bool
}

func pageOf(p *plan.Plan) pageData {
	data := pageData{Package: p.Model.Package, Doc: shown(p.Model.Doc), Drawing: draw(p)}
	for _, a := range p.Aggregates {
		data.Aggregates = append(data.Aggregates, aggregateOf(a))
	}
	for _, pr := range p.Projections {
		data.Projections = append(data.Projections, projectionOf(pr))
	}
	for _, t := range p.Types {
		data.Types = append(data.Types, typeOf(t))
	}
	return data
}

func aggregateOf(a *plan.Aggregate) pageAggregate {
	out := pageAggregate{Name: a.Name, Doc: shown(a.Doc), ID: "there is one", Ladder: climb(a), State: fieldsOf(a.Aggregate.State)}
	if a.ID != nil {
		out.ID = a.ID.Name
	}
	for _, c := range a.CommandList {
		out.Commands = append(out.Commands, commandOf(a, c))
	}
	for _, e := range a.Events {
		event := eventOf(e)
		if l := a.Aggregate.Lifecycle; e.Moves != nil {
			event.Moves = strings.Join(l.Names(e.Moves.From), ", ") + " → " + l.Phases.Values[e.Moves.To].Name
		}
		out.Events = append(out.Events, event)
	}
	for _, f := range a.Former {
		former := pageFormer{pageEvent: eventOf(f.Event)}
		for _, x := range f.Becomes {
			former.Becomes = append(former.Becomes, pageRef{x.Events[0].Go, x.Text})
		}
		out.Former = append(out.Former, former)
	}
	for _, r := range a.Rejections {
		out.Rejections = append(out.Rejections, pageType{Name: r.Name, Doc: shown(r.Doc), Fields: fieldsOf(r.Rejection.Fields)})
	}
	return out
}

func eventOf(e *plan.Event) pageEvent {
	out := pageEvent{
		Go: e.Go, Name: e.Name, Doc: shown(e.Doc), Retired: retiredText(e), Version: max(1, e.Version), Fields: fieldsOf(e.Event.Fields),
	}
	if e.Wire != e.Name {
		out.Wire = e.Wire
	}
	return out
}

// creates says whether a command's stream has to exist.
var creates = map[model.Creates]string{model.MustBeNew: "starts a stream", model.MayExist: "starts a stream, or goes on"}

func commandOf(a *plan.Aggregate, c *plan.Command) pageCommand {
	out := pageCommand{Go: c.Go, Name: c.Name, Doc: shown(c.Doc), Creates: creates[c.Creates], Fields: fieldsOf(c.Command.Fields)}
	if l := a.Aggregate.Lifecycle; l != nil && c.In != 0 && c.In != l.All() {
		out.In = strings.Join(l.Names(c.In), ", ")
	}
	for _, x := range c.Checks {
		out.Checks = append(out.Checks, shown(x.Else))
	}
	for _, x := range c.Emits {
		out.Emits = append(out.Emits, x.Text)
	}
	for _, r := range c.Rejects {
		out.Rejects = append(out.Rejects, r.Name)
	}
	return out
}

func projectionOf(pr *plan.Projection) pageProjection {
	out := pageProjection{Name: pr.Name, Doc: shown(pr.Doc), Key: fieldsOf(pr.Projection.Key), Row: fieldsOf(pr.Projection.Row)}
	for _, h := range pr.Handlers {
		out.Folds = append(out.Folds, pageRef{h.Event.Go, h.Event.Name})
	}
	for _, q := range pr.Projection.Queries {
		query := pageType{Name: q.Name, Doc: shown(q.Doc), Fields: fieldsOf(q.Params)}
		if q.Where != nil {
			query.About = q.Where.Text
		}
		out.Queries = append(out.Queries, query)
	}
	return out
}

func typeOf(t *plan.Named) pageType {
	out := pageType{Name: t.Name, Doc: shown(t.Doc), Deprecated: shown(t.Deprecated), Fields: fieldsOf(t.Named.Fields)}
	switch t.Kind {
	case model.Enum:
		var values []string
		for _, v := range t.Values {
			values = append(values, v.Wire)
		}
		out.About = "one of " + strings.Join(values, ", ")
	case model.Struct:
		var checks []string
		for _, c := range t.Checks {
			checks = append(checks, shown(c.Else))
		}
		if len(checks) > 0 {
			out.About = "refused: " + strings.Join(checks, "; ")
		}
	default:
		out.About = t.Base.String()
		if r := rulesText(t.Rules); r != "" {
			out.About += ", " + r
		}
	}
	return out
}

func fieldsOf(list []*model.Field) []pageField {
	var out []pageField
	for _, f := range list {
		out = append(out, pageField{
			Name: f.Name, Type: f.Type.String(), Rules: rulesText(f.Rules), Doc: shown(f.Doc), Deprecated: shown(f.Deprecated), Personal: f.Personal,
		})
	}
	return out
}

// rulesText says rules in words.
func rulesText(r model.Rules) string {
	var list []string
	say := func(text string) {
		if text != "" {
			list = append(list, text)
		}
	}
	say(between(r.Min, r.Max, ""))
	say(between(written(r.MinLength), written(r.MaxLength), " long"))
	say(between(written(r.MinItems), written(r.MaxItems), " items"))
	if r.Distinct {
		say("none twice")
	}
	if r.Pattern != "" {
		say("matches " + r.Pattern)
	}
	return strings.Join(list, ", ")
}

// between says bounds, of which an empty one is none.
func between(low, high, unit string) string {
	switch {
	case low != "" && high != "":
		return low + " to " + high + unit
	case low != "":
		return "at least " + low + unit
	case high != "":
		return "at most " + high + unit
	}
	return ""
}

func written(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
