package emit

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// handlerCase emits what happens with one event:
//
//	e := &p.moneyDeposited
//	*e = MoneyDeposited{}
//	if err := e.DecodeRecord(rec, jsoncodec.ViewStrings); err != nil {
//		return err
//	}
//	…
func (e *emitter) handlerCase(g *jen.Group, p *plan.Projection, h *plan.Handler) {
	mode := "ViewStrings"
	if h.CopiesStrings {
		mode = "CopyStrings"
	}
	decodeInto(g, "p", h.Scratch, h.Event, mode)
	e.handlerBody(g, p, h)
}

// handlerBody emits what happens with an event once it is decoded.
func (e *emitter) handlerBody(g *jen.Group, p *plan.Projection, h *plan.Handler) {
	if h.ParsesID {
		parseStreamID(g, h.Event.Aggregate, h.OwnsID)
	}
	if h.Fails {
		faultVar(g)
	}
	if h.KeysInGo {
		g.List(jen.Id("keys"), jen.Err()).Op(":=").Id("p").Dot("folds").Dot(h.Keys).Call(jen.Id("e"), goMeta(p))
		g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	}
	if len(h.Folds) == 1 && h.Folds[0].Plain() {
		foldCase{e, p, h, h.Folds[0], ""}.plain(g)
		return
	}
	for i, f := range h.Folds {
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i + 1)
		}
		foldCase{e, p, h, f, suffix}.each(g)
	}
	g.Return(jen.Nil())
}

// goMeta is the meta that the team's code is given. What that keeps of it must not keep a buffer.
func goMeta(p *plan.Projection) *jen.Statement {
	if p.KeepsStrings {
		return jen.Id("rec").Dot("EventMeta").Dot("Clone").Call()
	}
	return jen.Id("rec").Dot("EventMeta")
}

// foldCase emits one fold of an event. The names of its variables end with suffix.
type foldCase struct {
	*emitter
	p      *plan.Projection
	h      *plan.Handler
	f      *plan.RowFold
	suffix string
}

// plain emits a fold of one row that always happens:
//
//	row := rows.At(BalanceByCurrencyKey{…})
//	if row == nil {
//		return nil
//	}
//	return foldBalanceByCurrencyMoneyDeposited(row, e, &rec.EventMeta)
func (c foldCase) plain(g *jen.Group) {
	if c.f.Makes() {
		g.Id("rows").Dot("At").Call(c.key(g))
		g.Return(jen.Nil())
		return
	}
	g.Id("row").Op(":=").Id("rows").Dot("At").Call(c.key(g))
	g.If(jen.Id("row").Op("==").Nil()).Block(jen.Return(jen.Nil()))
	call, fails := c.call()
	if fails {
		g.Return(call)
		return
	}
	g.Add(call)
	g.Return(jen.Nil())
}

// each emits the loop over the elements, if there is one. What has no order of its own is sorted, because elements may
// meet in one row:
//
//	for _, item := range e.Lines {
func (c foldCase) each(g *jen.Group) {
	if c.f.Each == nil {
		c.where(g)
		return
	}
	over := c.value(g, "items", "each", c.f.Each.Over)
	item := "item"
	switch t := c.f.Each.Over.Type; t.Kind {
	case model.Set:
		if !c.f.UsesItem {
			break
		}
		over = over.Dot("Sorted").Call(compareFunc(t.Elem))
	case model.Map:
		item = "itemKey"
		if c.f.UsesItem {
			g.Id("items" + c.suffix).Op(":=").Add(over)
			over = jen.Qual("slices", "Sorted").Call(jen.Qual("maps", "Keys").Call(jen.Id("items" + c.suffix)))
		}
	}
	loop := jen.List(jen.Id("_"), jen.Id(item)).Op(":=").Range().Add(over)
	if !c.f.UsesItem {
		loop = jen.Range().Add(over)
	}
	g.For(loop).BlockFunc(c.where)
}

// where emits the condition, if there is one. Where that depends on the row, the row comes first.
func (c foldCase) where(g *jen.Group) {
	switch {
	case c.f.Where == nil:
		c.eachKey(g, c.row)
	case c.f.Looks:
		c.eachKey(g, c.look)
	default:
		g.If(c.value(g, "where", "where", c.f.Where)).BlockFunc(func(g *jen.Group) { c.eachKey(g, c.row) })
	}
}

// eachKey emits what is done with each key.
func (c foldCase) eachKey(g *jen.Group, do func(*jen.Group, *jen.Statement)) {
	if !c.f.KeyInGo {
		do(g, c.key(g))
		return
	}
	g.For(jen.List(jen.Id("_"), jen.Id("key")).Op(":=").Range().Id("keys")).BlockFunc(func(g *jen.Group) { do(g, jen.Id("key")) })
}

// row emits the change of a row:
//
//	if row := rows.At(StockKey{Item: item.Sku}); row != nil {
//		foldStockOrderPlaced(row, item)
//	}
func (c foldCase) row(g *jen.Group, key *jen.Statement) {
	switch {
	case c.f.Delete:
		g.Id("rows").Dot("Delete").Call(key)
		return
	case c.f.Makes():
		g.Id("rows").Dot("At").Call(key)
		return
	}
	g.If(jen.Id("row").Op(":=").Id("rows").Dot("At").Call(key), jen.Id("row").Op("!=").Nil()).BlockFunc(c.changes)
}

func (c foldCase) changes(g *jen.Group) {
	call, fails := c.call()
	if fails {
		call = jen.If(jen.Err().Op(":=").Add(call), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	}
	g.Add(call)
}

// look emits the change of a row that depends on what the row says:
//
//	key := StockKey{Item: e.Sku}
//	if row := rows.Look(key); row != nil && row.Count == 0 {
//		row = rows.At(key)
//		foldStockCounted(row, e)
//	}
//
// The row that Look shows of one that does not exist is not the row that At makes.
func (c foldCase) look(g *jen.Group, key *jen.Statement) {
	if !c.f.KeyInGo {
		name := "key" + c.suffix
		g.Id(name).Op(":=").Add(key)
		key = jen.Id(name)
	}
	then := func(g *jen.Group) {
		if c.f.Delete {
			g.Id("rows").Dot("Delete").Call(key)
			return
		}
		at := jen.Id("rows").Dot("At").Call(key)
		if c.f.Makes() {
			g.Add(at)
			return
		}
		g.Id("row").Op("=").Add(at)
		c.changes(g)
	}
	row := jen.Id("row").Op(":=").Id("rows").Dot("Look").Call(key)
	if !c.f.Where.Fails() {
		holds := c.operand(c.f.Where)
		g.If(row, jen.Id("row").Op("!=").Nil().Op("&&").Add(holds)).BlockFunc(then)
		return
	}
	g.If(row, jen.Id("row").Op("!=").Nil()).BlockFunc(func(g *jen.Group) {
		g.If(c.value(g, "where", "where", c.f.Where)).BlockFunc(then)
	})
}

// operand is the condition as an operand of &&.
func (c foldCase) operand(x *model.Expr) *jen.Statement {
	return exprs{c.emitter, c.inCase()}.operand(x.Node, precedences["&&"])
}

// key is the key of a row.
func (c foldCase) key(g *jen.Group) *jen.Statement {
	var key []entry
	fails := false
	for i, x := range c.f.Key {
		field := c.p.KeyFields[i]
		key = append(key, entry{field.Go, c.expr(x, c.inCase().in(field.Name))})
		fails = fails || x.Fails()
	}
	layout := inline
	if len(key) > 1 {
		layout = literal
	}
	literal := jen.Id(c.p.Key).Add(layout(key))
	if !fails {
		return literal
	}
	return c.checked(g, "key", literal)
}

// value is the value of an expression.
func (c foldCase) value(g *jen.Group, name, field string, x *model.Expr) *jen.Statement {
	value := c.expr(x, c.inCase().in(field))
	if !x.Fails() {
		return value
	}
	return c.checked(g, name, value)
}

// checked emits a variable for a value that can't be computed for every event:
//
//	key := DayKey{Day: …}
//	if err := fault.Err(); err != nil {
//		return err
//	}
func (c foldCase) checked(g *jen.Group, name string, value *jen.Statement) *jen.Statement {
	name += c.suffix
	g.Id(name).Op(":=").Add(value)
	g.If(jen.Err().Op(":=").Id("fault").Dot("Err").Call(), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	return jen.Id(name)
}

// call is the call that changes a row, and whether it returns an error.
func (c foldCase) call() (call *jen.Statement, fails bool) {
	args := []jen.Code{jen.Id("row")}
	if c.f.InGo() || c.f.Set.Event {
		args = append(args, jen.Id("e"))
	}
	if c.f.InGo() && c.f.KeyInGo {
		args = append(args, jen.Id("key"))
	}
	if c.f.Each != nil && (c.f.InGo() || c.f.TakesItem) {
		if c.f.Each.Over.Type.Kind == model.Map {
			args = append(args, jen.Id("itemKey"), jen.Id("items"+c.suffix).Index(jen.Id("itemKey")))
		} else {
			args = append(args, jen.Id("item"))
		}
	}
	if c.f.InGo() {
		return jen.Id("p").Dot("folds").Dot(c.h.Event.Go).Call(append(args, goMeta(c.p))...), true
	}
	if c.f.TakesID {
		args = append(args, jen.Id("id"))
	}
	if c.f.Set.Meta {
		args = append(args, jen.Op("&").Id("rec").Dot("EventMeta"))
	}
	return jen.Id(c.f.Set.Func).Call(args...), c.f.Set.Fails
}

// inCase is how the names of expressions read beside a record.
func (c foldCase) inCase() spelling {
	s := c.names(id("rec"), func(x *jen.Statement) *jen.Statement { return x })
	if c.f.Each != nil && s.paths[c.f.Each.Name+".value"] != nil {
		s.paths[c.f.Each.Name+".value"] = func() *jen.Statement { return jen.Id("items" + c.suffix).Index(jen.Id("itemKey")) }
	}
	return s
}

// inFunc is how they read in the function that changes a row, which keeps no memory of the meta.
func (c foldCase) inFunc() spelling {
	return c.names(id("m"), func(x *jen.Statement) *jen.Statement { return jen.Qual("strings", "Clone").Call(x) })
}

func (c foldCase) names(meta expr, text func(*jen.Statement) *jen.Statement) spelling {
	s := spelling{
		roots: map[string]func() *jen.Statement{"event": id("e"), "row": id("row")},
		paths: map[string]func() *jen.Statement{
			"meta.time": at(meta, "Time"), "meta.version": metaVersion(meta),
			"stream.id": func() *jen.Statement {
				if c.h.ParsesID {
					return jen.Id("id")
				}
				return jen.Id(c.h.Event.Aggregate.ID.Name).Call(text(meta().Dot("Stream").Dot("ID")))
			},
		},
	}
	for name, field := range metaStrings {
		s.paths["meta."+name] = func() *jen.Statement { return text(meta().Dot(field)) }
	}
	if c.f.Each != nil {
		name := c.f.Each.Name
		s.roots[name] = id("item")
		if c.f.Each.Over.Type.Kind == model.Map {
			s.paths[name+".key"], s.paths[name+".value"] = id("itemKey"), id("itemValue")
		}
	}
	return s
}

// metaStrings are the texts of an event's meta.
var metaStrings = map[string]string{
	"commandID": "CommandID", "correlationID": "CorrelationID", "causationID": "CausationID", "actor": "Actor",
}

// setFunc emits the function that changes a row:
//
//	func foldBalanceByCurrencyMoneyDeposited(row *BalanceByCurrencyRow, e *MoneyDeposited, m *cqrs.EventMeta) error {
//		var fault checked.Fault
//		row.Balance = checked.Add(fault.In("balance"), row.Balance, e.Money.Amount)
//		row.LastMovement = m.Time
//		return fault.Err()
//	}
func (c foldCase) setFunc(f *jen.File) {
	set := c.f.Set
	fileComments(f, doc(set.Func+" folds "+c.h.Event.Name+" into a row of "+c.p.Name+", as the model says.", c.f.Doc))
	var results []jen.Code
	if set.Fails {
		results = append(results, jen.Error())
	}
	function(f, nil, set.Func, c.setParams(), results...).BlockFunc(func(g *jen.Group) {
		if set.Fails {
			faultVar(g)
		}
		c.emitter.change(g, c.f.Change, set, "row", c.inFunc())
		if set.Fails {
			g.Return(jen.Id("fault").Dot("Err").Call())
		}
	})
	f.Line()
}

func (c foldCase) setParams() []jen.Code {
	list := []param{{"row", jen.Op("*").Id(c.p.Row)}}
	if c.f.Set.Event {
		list = append(list, param{"e", jen.Op("*").Id(c.h.Event.Go)})
	}
	if c.f.TakesItem {
		list = append(list, c.itemParams(c.f)...)
	}
	if c.f.TakesID {
		list = append(list, param{"id", jen.Id(c.h.Event.Aggregate.ID.Name)})
	}
	if c.f.Set.Meta {
		list = append(list, param{"m", jen.Op("*").Qual(cqrsPath, "EventMeta")})
	}
	return params(list)
}
