package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// projections emits projections_gen.go: keys, rows, what the team folds, and how stored events reach those folds.
func (e *emitter) projections(f *jen.File) {
	for _, p := range e.Projections {
		fileComments(f, p.Key+" names one row of "+p.Name+".")
		e.strct(f, p.Key, p.KeyFields)
		fileComments(f, doc(p.Row+" is what "+p.Name+" knows under one key.", p.Doc))
		e.strct(f, p.Row, p.RowFields)
		e.initFunc(f, p.Row, p.RowFields)
		e.folds(f, p)
		e.engine(f, p)
		e.ownKey(f, p)
	}
	e.parseIDs(f)
	e.teamProjections(f)
}

// teamProjections emits what the team fills in, if there is anything:
//
//	type Projections struct {
//		BalanceByCurrency BalanceByCurrency
//	}
func (e *emitter) teamProjections(f *jen.File) {
	if !e.ProjectionsInGo() {
		return
	}
	f.Comment("// Projections has the team's folds.")
	f.Type().Id("Projections").StructFunc(func(g *jen.Group) {
		for _, p := range e.Projections {
			if p.InGo {
				g.Id(p.Team).Id(p.Team)
			}
		}
	})
	f.Line()
}

// folds emits the interface and the line that makes the compiler say what is missing:
//
//	type BalanceByCurrencyFolds interface {
//		MoneyDeposited(row *BalanceByCurrencyRow, e *MoneyDeposited, m cqrs.EventMeta) error
//	}
func (e *emitter) folds(f *jen.File, p *plan.Projection) {
	if !p.InGo {
		return
	}
	fileComments(f, p.Interface+" is how events change the rows of "+p.Name+
		". All methods are pure: they change the row that they are given, and nothing else; a new row is zero. They keep nothing of the event but what they copy into the row.")
	f.Type().Id(p.Interface).InterfaceFunc(func(g *jen.Group) {
		for _, h := range p.Handlers {
			if h.KeysInGo {
				g.Id(h.Keys).Params(params(keysParams(h))...).Params(jen.Index().Id(p.Key), jen.Error())
			}
			if h.InGo {
				g.Id(h.Event.Go).Params(params(e.foldParams(p, h))...).Error()
			}
		}
	})
	f.Line()
	f.Var().Id("_").Id(p.Interface).Op("=").Parens(jen.Op("*").Id(p.Team)).Call(jen.Nil())
	f.Line()
}

// engine emits
//
//	func (p *balanceByCurrencyProjection) fold(rows *projection.Rows[…], rec *cqrs.Record) error {
//		switch rec.Type {
//		case "MoneyDeposited":
//			e := &p.moneyDeposited
//			…
//		}
//	}
func (e *emitter) engine(f *jen.File, p *plan.Projection) {
	fileComments(f, p.Engine+" leads stored events to their folds. One goroutine uses it at a time.")
	f.Type().Id(p.Engine).StructFunc(func(g *jen.Group) {
		if p.InGo {
			g.Id("folds").Id(p.Team)
		}
		if p.DecodesPersonal() {
			g.Id("coder").Op("*").Qual(personalPath, "Coder")
		}
		for _, h := range p.Handlers {
			g.Id(h.Scratch).Id(h.Event.Go)
		}
	})
	f.Line()
	function(f, jen.Id("p").Op("*").Id(p.Engine), "fold", []jen.Code{
		jen.Id("rows").Op("*").Qual(projectionPath, "Rows").Types(jen.Id(p.Key), jen.Id(p.Row)), jen.Id("rec").Op("*").Qual(cqrsPath, "Record"),
	}, jen.Error()).BlockFunc(func(g *jen.Group) {
		g.Switch(jen.Id("rec").Dot("Type")).BlockFunc(func(g *jen.Group) {
			for _, h := range p.Handlers {
				g.Case(jen.Lit(h.Event.Wire)).BlockFunc(func(g *jen.Group) {
					e.handlerCase(g, p, h)
				})
			}
			e.forgotten(g, p)
			for _, ev := range p.Former() {
				g.Case(jen.Lit(ev.Wire)).BlockFunc(func(g *jen.Group) {
					formerCase(g, "p", ev, jen.Id("p").Dot(foldPartOf(ev.Aggregate)).Call(jen.Id("rows"), jen.Id("rec"), jen.Id("e")))
				})
			}
		})
		g.Return(jen.Id("rec").Dot("Unknown").Call())
	})
	f.Line()
	e.foldParts(f, p)
	for _, h := range p.Handlers {
		for _, fold := range h.Folds {
			if fold.Set != nil && !fold.Makes() {
				foldCase{e, p, h, fold, ""}.setFunc(f)
			}
		}
	}
}

// ownKey emits, for a key with strings, the function that copies them, so that a row that is kept does not keep the
// buffer of the event that it came from. Where one of them is the id of the event's stream, it may be one that is kept
// anyway:
//
//	func ownBalanceByCurrencyKey(k BalanceByCurrencyKey, id bool) BalanceByCurrencyKey
func (e *emitter) ownKey(f *jen.File, p *plan.Projection) {
	if !keyHasStrings(p) {
		return
	}
	whether := "_"
	if p.StreamField != nil {
		whether = "id"
	}
	f.Func().Id("own"+p.Key).Params(jen.Id("k").Id(p.Key), jen.Id(whether).Bool()).Id(p.Key).BlockFunc(func(g *jen.Group) {
		for _, field := range p.KeyFields {
			if !isOwned(&field.Type) {
				continue
			}
			x := at(id("k"), field.Go)
			own := jen.Add(x()).Op("=").Add(e.from(&field.Type, model.String, jen.Qual("strings", "Clone").Call(to(&field.Type, model.String, x))))
			if field == p.StreamField {
				own = jen.If(jen.Id("id")).Block(own)
			}
			g.Add(own)
		}
		g.Return(jen.Id("k"))
	})
	f.Line()
}

// isOwned says whether a key's field must be copied: a string that is no enum's constant.
func isOwned(t *model.Type) bool {
	k, _ := base(t)
	return k == model.String && !isEnum(t)
}

func keyHasStrings(p *plan.Projection) bool {
	for _, f := range p.KeyFields {
		if isOwned(&f.Type) {
			return true
		}
	}
	return false
}

// parseIDs emits, for each id that is no string and is part of a key, how it is read from a stream's name.
func (e *emitter) parseIDs(f *jen.File) {
	done := map[string]bool{}
	for _, p := range e.Projections {
		for _, h := range p.Handlers {
			if idType := h.Event.Aggregate.ID; h.ParsesID && idType.IDOf == nil && !done[idType.Name] {
				done[idType.Name] = true
				e.parseID(f, idType)
			}
		}
	}
}

func (e *emitter) parseID(f *jen.File, t *plan.Named) {
	call := jen.Qual(uuidPath, "Parse").Call(jen.Id("s"))
	switch ofKind(t.Base) {
	case model.Int64:
		call = jen.Qual("strconv", "ParseInt").Call(jen.Id("s"), jen.Lit(10), jen.Lit(bitsOf[t.Base]))
	case model.Uint64:
		call = jen.Qual("strconv", "ParseUint").Call(jen.Id("s"), jen.Lit(10), jen.Lit(bitsOf[t.Base]))
	}
	f.Func().Id(t.Parse).Params(jen.Id("s").String()).Params(jen.Id(t.Name), jen.Error()).Block(
		jen.List(jen.Id("v"), jen.Err()).Op(":=").Add(call),
		jen.Return(jen.Id(t.Name).Call(jen.Id("v")), jen.Err()),
	)
	f.Line()
}
