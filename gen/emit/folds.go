package emit

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// declaredFolds emits folds_gen.go: the folds that the model declares, and what fills events from the state.
func (e *emitter) declaredFolds(f *jen.File) {
	for _, a := range e.Aggregates {
		for _, ev := range a.Events {
			if ev.Fold != nil && ev.Fold.Func != "" {
				e.applyFunc(f, a, ev)
			}
			if ev.Fill != nil {
				e.fillFunc(f, a, ev)
			}
		}
	}
	for _, t := range e.Types {
		if t.Clone != "" {
			e.cloneFunc(f, t)
		}
	}
}

// applyFunc emits
//
//	func applyMoneyDeposited(s *AccountState, e *MoneyDeposited) error {
//		var fault checked.Fault
//		s.Balances[e.Money.Currency] = checked.Add(fault.In("balances"), s.Balances[e.Money.Currency], e.Money.Amount)
//		return fault.Err()
//	}
func (e *emitter) applyFunc(f *jen.File, a *plan.Aggregate, ev *plan.Event) {
	fileComments(f, ev.Fold.Func+" changes the state as the model says.")
	params := []jen.Code{jen.Id("s").Op("*").Id(a.State)}
	if ev.Fold.Event {
		params = append(params, jen.Id("e").Op("*").Id(ev.Go))
	}
	if ev.Fold.Meta {
		params = append(params, jen.Id("m").Op("*").Qual(cqrsPath, "EventMeta"))
	}
	var results []jen.Code
	if ev.Fold.Fails {
		results = append(results, jen.Error())
	}
	function(f, nil, ev.Fold.Func, params, results...).BlockFunc(func(g *jen.Group) {
		if ev.Fold.Fails {
			faultVar(g)
		}
		e.change(g, ev.Event.Apply, ev.Fold, "state", stateSpelling)
		if ev.Fold.Fails {
			g.Return(jen.Id("fault").Dot("Err").Call())
		}
	})
	f.Line()
}

// stateSpelling is how the expressions of an aggregate's folds read.
var stateSpelling = spelling{
	roots: map[string]func() *jen.Statement{"state": id("s"), "event": id("e")},
	paths: map[string]func() *jen.Statement{
		"meta.version": metaVersion(id("m")), "meta.time": at(id("m"), "Time"), "meta.actor": ownedMeta("Actor"), "meta.commandID": ownedMeta("CommandID"),
		"meta.correlationID": ownedMeta("CorrelationID"), "meta.causationID": ownedMeta("CausationID"),
	},
}

// metaVersion is an event's place in its stream.
func metaVersion(meta expr) func() *jen.Statement {
	return func() *jen.Statement { return jen.Int64().Call(meta().Dot("Version")) }
}

// ownedMeta is a text of the meta that does not keep the buffer that it was read from.
func ownedMeta(field string) func() *jen.Statement {
	return func() *jen.Statement { return jen.Qual("strings", "Clone").Call(jen.Id("m").Dot(field)) }
}

// applyCall calls the fold of an event, which the model or the team says, and returns from Apply.
func (e *emitter) applyCall(g *jen.Group, a *plan.Aggregate, ev *plan.Event) {
	var after []jen.Code
	if ev.Moves != nil {
		after = append(after, jen.Id("s").Dot(a.Lifecycle.Field).Op("=").Id(a.Lifecycle.PhaseConst(ev.Moves.To)))
	}
	call, fails := jen.Id("f").Dot("decider").Dot(ev.Apply).Call(jen.Id("s"), jen.Id("e")), true
	if ev.Fold != nil {
		args := []jen.Code{jen.Id("s")}
		if ev.Fold.Event {
			args = append(args, jen.Id("e"))
		}
		if ev.Fold.Meta {
			args = append(args, jen.Op("&").Id("rec").Dot("EventMeta"))
		}
		call, fails = jen.Id(ev.Fold.Func).Call(args...), ev.Fold.Fails
	}
	switch {
	case ev.Fold != nil && ev.Fold.Func == "":
	case fails && len(after) == 0:
		g.Return(call)
		return
	case fails:
		g.If(jen.Err().Op(":=").Add(call), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	default:
		g.Add(call)
	}
	for _, line := range after {
		g.Add(line)
	}
	g.Return(jen.Nil())
}

// fillFunc emits
//
//	func fillTicketClosed(s *TicketState, e *TicketClosed) {
//		e.Assignees = s.Assignees
//	}
func (e *emitter) fillFunc(f *jen.File, a *plan.Aggregate, ev *plan.Event) {
	fileComments(f, ev.Fill.Func+" gives the event what it takes from the state.")
	var results []jen.Code
	if ev.Fill.Fails {
		results = append(results, jen.Error())
	}
	function(f, nil, ev.Fill.Func, []jen.Code{jen.Id("s").Op("*").Id(a.State), jen.Id("e").Op("*").Id(ev.Go)}, results...).
		BlockFunc(func(g *jen.Group) {
			if ev.Fill.Fails {
				faultVar(g)
			}
			for _, field := range ev.Fill.Fields {
				g.Id("e").Dot(field.Go).Op("=").Add(e.expr(field.From, stateSpelling.in(field.Name)))
			}
			if ev.Fill.Fails {
				g.Return(jen.Id("fault").Dot("Err").Call())
			}
		})
	f.Line()
}

// fill emits the call that fills an event before it is stored, if it takes anything from the state.
func fill(g *jen.Group, ev *plan.Event, state, ptr *jen.Statement) {
	switch {
	case ev.Fill == nil:
	case ev.Fill.Fails:
		g.If(jen.Err().Op(":=").Id(ev.Fill.Func).Call(state, ptr), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	default:
		g.Id(ev.Fill.Func).Call(state, ptr)
	}
}

// change emits the changes of a fold: first what must be computed before anything changes, then each change.
func (e *emitter) change(g *jen.Group, m *model.Apply, f *plan.Fold, root string, s spelling) {
	c := &changer{emitter: e, fold: f, spelling: s, root: root, names: map[string]int{}, first: map[string]string{}}
	c.firstKeys(g, m)
	var list []setting
	for _, a := range m.Set {
		if !takesAway(a) {
			list = append(list, c.setting(g, a))
		}
	}
	c.set(g, s.roots[root], nil, list)
	for _, a := range m.Set {
		if takesAway(a) {
			c.remove(g, a.Place)
		}
	}
	for _, p := range m.Remove {
		c.remove(g, p)
	}
}

// takesAway reports whether an assignment is that an element is not in a set.
func takesAway(a *model.Assignment) bool {
	return a.Place.Last().InSet && a.Value.Node.Value.ExactString() == "false"
}

// changer emits the changes of one fold.
type changer struct {
	*emitter
	spelling
	fold *plan.Fold
	root string
	// names counts the local variables by their name, and first has those of keys that must be found first.
	names map[string]int
	first map[string]string
}

// setting is one change: the steps that are left, with the keys among them, and the value, nil for an element of a set.
type setting struct {
	steps []model.Step
	keys  []expr // nil for fields
	value *jen.Statement
}

// local is a new name of a local variable.
func (c *changer) local(name string) string {
	c.names[name]++
	if n := c.names[name]; n > 1 {
		return name + strconv.Itoa(n)
	}
	return name
}

// firstKeys finds the keys that are read from what the fold changes.
func (c *changer) firstKeys(g *jen.Group, m *model.Apply) {
	places := m.Remove
	for _, a := range m.Set {
		places = append(places[:len(places):len(places)], a.Place)
	}
	for _, p := range places {
		for _, step := range p.Steps {
			if !step.First || c.first[step.Key.Canonical()] != "" {
				continue
			}
			name := c.local("key")
			g.Id(name).Op(":=").Add(exprs{c.emitter, c.in(p.Name())}.node(step.Key))
			c.first[step.Key.Canonical()] = name
		}
	}
}

// setting spells out an assignment. A value that must be computed first goes into a variable.
func (c *changer) setting(g *jen.Group, a *model.Assignment) setting {
	p := a.Place
	out := setting{steps: p.Steps, keys: c.keys(p)}
	if p.Last().InSet {
		return out
	}
	s := c.in(p.Name())
	s.copies = a.Copy
	if model.AppendsTo(a.Value.Node, p, c.root) {
		s.appends = a.Value.Node
	}
	out.value = c.expr(a.Value, s)
	if a.First {
		name := c.local("next" + c.GoName(lastField(p)))
		g.Id(name).Op(":=").Add(out.value)
		out.value = jen.Id(name)
	}
	return out
}

// lastField is the last field on the way to a place.
func lastField(p *model.Place) *model.Field {
	for i := len(p.Steps) - 1; ; i-- {
		if f := p.Steps[i].Field; f != nil {
			return f
		}
	}
}

// keys spells the keys of a place out.
func (c *changer) keys(p *model.Place) []expr {
	keys := make([]expr, len(p.Steps))
	for i, step := range p.Steps {
		switch {
		case step.First:
			keys[i] = id(c.first[step.Key.Canonical()])
		case step.Key != nil:
			keys[i] = func() *jen.Statement { return exprs{c.emitter, c.in(p.Name())}.node(step.Key) }
		}
	}
	return keys
}

// remove emits what takes an entry of a map or an element of a set away: nothing where it, or what it is in, is not
// there.
func (c *changer) remove(g *jen.Group, p *model.Place) {
	x, last := c.roots[c.root](), len(p.Steps)-1
	keys := c.keys(p)
	for i, step := range p.Steps[:last] {
		if step.Key != nil {
			x = x.Index(keys[i]())
		} else {
			x = x.Dot(c.GoName(step.Field))
		}
	}
	if p.Last().InSet {
		g.Add(x).Dot("Remove").Call(keys[last]())
		return
	}
	g.Delete(x, keys[last]())
}

// set emits changes below x, which the steps in way lead to. Those of one entry of a map are made together, since an
// entry is taken out, changed and put back.
func (c *changer) set(g *jen.Group, x expr, way []model.Step, list []setting) {
	for len(list) > 0 {
		first := list[0]
		n := toKey(first.steps)
		to := x
		for _, step := range first.steps[:n] {
			to = at(to, c.GoName(step.Field))
		}
		if n >= len(first.steps)-1 {
			c.setOne(g, to, append(way[:len(way):len(way)], first.steps[:n]...), first)
			list = list[1:]
			continue
		}
		var inside, others []setting
		for _, s := range list {
			if len(s.steps) > n+1 && model.SameWay(s.steps[:n+1], first.steps[:n+1]) {
				s.steps, s.keys = s.steps[n+1:], s.keys[n+1:]
				inside = append(inside, s)
			} else {
				others = append(others, s)
			}
		}
		c.entry(g, to, append(way[:len(way):len(way)], first.steps[:n+1]...), first.keys[n], inside)
		list = others
	}
}

// toKey is how many fields stand before the first key.
func toKey(steps []model.Step) int {
	for i, s := range steps {
		if s.Key != nil {
			return i
		}
	}
	return len(steps)
}

// setOne emits one change of a field, or of an entry of the map or set x.
func (c *changer) setOne(g *jen.Group, x expr, way []model.Step, s setting) {
	last := s.steps[len(s.steps)-1]
	key := s.keys[len(s.keys)-1]
	switch {
	case last.Key == nil:
		g.Add(x()).Op("=").Add(s.value)
	case last.InSet:
		g.Add(x()).Dot("Add").Call(key())
	default:
		c.made(g, x, way, last)
		g.Add(x()).Index(key()).Op("=").Add(s.value)
	}
}

// made emits what makes a map that may be nil.
func (c *changer) made(g *jen.Group, x expr, way []model.Step, entry model.Step) {
	if !c.fold.MayBeNil(way) {
		return
	}
	t := way[len(way)-1].Type
	g.If(x().Op("==").Nil()).Block(x().Op("=").Add(c.goType(&t)).Values())
}

// entry emits changes within one entry of the map x.
func (c *changer) entry(g *jen.Group, x expr, way []model.Step, key expr, inside []setting) {
	step := way[len(way)-1]
	c.made(g, x, way[:len(way)-1], step)
	name := c.local("entry")
	g.Id(name).Op(":=").Add(x()).Index(key())
	c.set(g, id(name), way, inside)
	g.Add(x()).Index(key()).Op("=").Id(name)
}

// cloneFunc emits, for a struct that holds lists, sets, maps or bytes, the function that copies them with it:
//
//	func cloneOrder(v Order) Order {
//		v.Lines = slices.Clone(v.Lines)
//		return v
//	}
func (e *emitter) cloneFunc(f *jen.File, t *plan.Named) {
	fileComments(f, t.Clone+" returns a copy that shares no memory with v.")
	f.Func().Id(t.Clone).Params(jen.Id("v").Id(t.Name)).Id(t.Name).BlockFunc(func(g *jen.Group) {
		for _, field := range t.Fields {
			if !field.Personal && model.Shares(field.Type) {
				g.Id("v").Dot(field.Go).Op("=").Add(e.clone(&field.Type, jen.Id("v").Dot(field.Go)))
			}
		}
		g.Return(jen.Id("v"))
	})
	f.Line()
}

// clone is a copy of x that shares no memory with it.
func (e *emitter) clone(t *model.Type, x *jen.Statement) *jen.Statement {
	deep := t.Elem != nil && model.Shares(*t.Elem)
	switch {
	case isStruct(t):
		return jen.Id(e.NamedOf(t.Named).Clone).Call(x)
	case t.Kind == model.Optional:
		return jen.Qual(cqrsPath, "CloneOptional").Call(x, e.cloner(t.Elem))
	case t.Kind == model.List && deep:
		return jen.Qual(cqrsPath, "CloneList").Call(x, e.cloner(t.Elem))
	case t.Kind == model.Map && deep:
		return jen.Qual(cqrsPath, "CloneMap").Call(x, e.cloner(t.Elem))
	case t.Kind == model.Map, t.Kind == model.Set:
		return jen.Qual("maps", "Clone").Call(x)
	}
	return jen.Qual("slices", "Clone").Call(x)
}

// cloner is the function that copies a value.
func (e *emitter) cloner(t *model.Type) *jen.Statement {
	if isStruct(t) {
		return jen.Id(e.NamedOf(t.Named).Clone)
	}
	return jen.Func().Params(jen.Id("v").Add(e.goType(t))).Add(e.goType(t)).Block(jen.Return(e.clone(t, jen.Id("v"))))
}
