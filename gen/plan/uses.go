package plan

import "github.com/cqrsgen/cqrsgen/gen/model"

// use is a helper that a type may need.
type use int

const (
	useCheck use = iota
	useWrite
	useRead
)

// markUses finds out which types need which helpers: what commands hold is checked, what is stored is written and
// read.
func (p *Plan) markUses() {
	for _, a := range p.Aggregates {
		if a.ID != nil {
			p.mark(&model.Type{Kind: model.Ref, Named: a.ID.Named}, useCheck)
		}
		if a.Snapshot.Any() {
			p.markAll(a.StateFields, useWrite, useRead)
		}
		for _, e := range a.Events {
			p.markAll(e.Fields, useWrite, useRead)
		}
		for _, f := range a.Former {
			p.markAll(f.Fields, useRead)
		}
		for _, e := range a.All() {
			for _, o := range e.Older {
				p.markAll(o.Fields, useRead)
			}
		}
		for _, c := range a.CommandList {
			p.markAll(c.Fields, useCheck, useWrite)
		}
	}
	for _, pr := range p.Projections {
		for _, f := range pr.RowFields {
			if InJSON(&f.Type) {
				p.markAll([]*Field{f}, useWrite, useRead)
			}
		}
	}
}

func (p *Plan) markAll(fields []*Field, uses ...use) {
	for _, f := range fields {
		for _, u := range uses {
			p.mark(&f.Type, u)
		}
	}
}

func (p *Plan) mark(t *model.Type, u use) {
	if t.Key != nil {
		p.mark(t.Key, u)
	}
	if t.Elem != nil {
		p.mark(t.Elem, u)
	}
	if t.Named == nil {
		return
	}
	n := p.named[t.Named]
	switch u {
	case useCheck:
		n.Check = true
	case useWrite:
		n.Write = true
	case useRead:
		n.Read = true
	}
	for _, f := range n.Fields {
		p.mark(&f.Type, u)
	}
}

// InJSON says whether a row keeps a value of the type in one JSON column: lists, sets, maps,
// structs, types of Go packages, and optionals of them.
func InJSON(t *model.Type) bool {
	switch t.Kind {
	case model.Optional:
		return InJSON(t.Elem)
	case model.List, model.Set, model.Map:
		return true
	case model.Ref:
		return t.Named.Kind == model.Struct || t.Named.Kind == model.External
	}
	return false
}
