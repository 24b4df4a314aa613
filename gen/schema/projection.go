package schema

import (
	"regexp"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

var projectionShape = shape[Projection]{
	what:     "a projection",
	required: []string{"key", "row", "on"},
	keys: []key[Projection]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, j *Projection, e entry) { j.Doc = p.doc(e) }},
		{"key", fieldsForm, "The fields that name a row.", func(p *parser, j *Projection, e entry) { j.Key = p.fields(e) }},
		{"row", fieldsForm, "The fields of a row.", func(p *parser, j *Projection, e entry) { j.Row = p.fields(e) }},
		{"on", handlersForm, "The events that change rows.", func(p *parser, j *Projection, e entry) {
			j.On = declaredBy(p, e, p.handler, func(h *Handler) *Decl { return &h.Decl })
		}},
		{"ignore", either(othersForm, listOf(either(aName, othersForm))), "The events that change nothing here, on purpose: [Event], others, others of Aggregate.", func(p *parser, j *Projection, e entry) { j.Ignore = p.ignore(e) }},
		{"indexes", listOf(listOfNames), "The lists of fields by which rows are found.", func(p *parser, j *Projection, e entry) { j.Indexes = p.indexes(e) }},
		{"mode", oneWord("inline"), "inline: rows change in the transaction that stores the events; without it, they follow the log.", func(p *parser, j *Projection, e entry) { j.Mode = p.mode(e) }},
		{"promote", oneWord("manual"), "manual: a generation that is built waits for an operator who promotes it; without it, one is promoted once a sample of its rows was verified.", func(p *parser, j *Projection, e entry) {
			j.Promote = p.only("manual", e, "write `promote: manual`, or leave it out: a generation is then promoted once it is verified")
		}},
		{"revision", aNumber, "The revision of the folds, from 1: with another one the rows are built anew, beside the old ones. It is for a fold that was changed in Go.", func(p *parser, j *Projection, e entry) { j.Revision = p.revision(e) }},
		{"queries", named(element(func() *shape[Query] { return &queryShape })), "Queries with parameters.", func(p *parser, j *Projection, e entry) {
			j.Queries = declared(p, e, &queryShape, func(q *Query) *Decl { return &q.Decl })
		}},
		{"materialized", oneWord("true"), "PostgreSQL can compute the rows, as a materialized view over the events of a log that is in the same database.", func(p *parser, j *Projection, e entry) {
			j.Materialized = p.onlyTrue(e, "leave `materialized` out")
		}},
	},
	later: map[string]string{
		"sinks":   "the program chooses where rows are kept",
		"version": "rows are made anew when their shape, or a declared fold, changes; with another `revision` they are too",
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"fields":      "a projection has the fields of its `key` and of its `row`",
		"events":      "the events that a projection handles stand under `on`",
		"index":       "write `indexes: [[field]]`",
	},
}

func (p *parser) mode(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "inline" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `mode: inline`, or leave it out: the projection then follows the log",
			"`mode` can't be %q", t.Value)
		return Text{}
	}
	return t
}

var revisions = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

func (p *parser) revision(e entry) Text {
	t, ok := p.text(e)
	if ok && !revisions.MatchString(t.Value) {
		p.errorf(diag.ValueNotAllowed, t.At, "write `revision: 2`, and 3 when the fold changes again",
			"a revision is a whole number from 1, not %q", t.Value)
		return Text{}
	}
	return t
}

func (p *parser) indexes(e entry) []Index {
	const example = "`indexes: [[field]]`"
	var list []Index
	for _, n := range p.items(e, example) {
		if n.Kind == yaml.ScalarNode && !p.unusable[n] {
			p.errorf(diag.WrongForm, p.span(n), "write `indexes: [["+n.Value+"]]`", "an index is itself a list of fields")
			continue
		}
		before := p.faults
		x := Index{At: p.span(n), Fields: p.texts(entry{key: e.key, value: n}, example)}
		x.Faulty = p.faults != before
		list = append(list, x)
	}
	return list
}
