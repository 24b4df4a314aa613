package model

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Apply is how an event changes a state. All values are those from before the event.
type Apply struct {
	Set    []*Assignment
	Remove []*Place
}

// Assignment gives a place a value.
type Assignment struct {
	Place *Place
	Value *Expr
	// First says that the value is read from what an assignment before this one changes: it must be computed before all of
	// them.
	First bool
	// Copy has the parts of the value that must be copied: they share memory that changes later.
	Copy map[*expr.Node]bool
}

// Place is what can be changed: a field of a state, or what is reached from there.
type Place struct {
	Text  string
	At    diag.Span
	Steps []Step
	// Type is that of the place: bool for the element of a set.
	Type Type
}

// Step is one step to a place: a field, or a key.
type Step struct {
	Field *Field
	// Key is the key of a map, or the element of a set.
	Key *expr.Node
	// Type is what the step leads to.
	Type Type
	// InSet says that Key is an element of a set.
	InSet bool
	// First says that the key is read from what the fold changes: it must be found before that.
	First bool
	// text is the key as it is written.
	text string
}

// apply resolves how an event changes the state of its aggregate, nil where that is written in Go.
func (r *resolver) apply(e *schema.Event, m *Event) *Apply {
	if e.Keys["apply"] == schema.Absent && e.Keys["remove"] == schema.Absent {
		return nil
	}
	in := scope{r.eventRoot(m), r.stateRoot(m.Aggregate), metaRoot()}
	a := r.changes(e.Apply, e.Remove, "state", in, false)
	if m.Aggregate.Lifecycle != nil {
		r.notThePhase(a)
	}
	return a
}

// notThePhase reports assignments to the phase, which the moves of events change.
func (r *resolver) notThePhase(a *Apply) {
	for _, s := range a.Set {
		if s.Place.Steps[0].Field.Name == PhaseField {
			r.errorf(diag.ExprPlace, s.Place.At, "write `moves: from -> to` beside `apply`", "the phase is changed by `moves`")
		}
	}
}

// changes resolves the assignments to places of one root. shared says that other changes take values from the same
// event, so that these are copied.
func (r *resolver) changes(set []schema.Assignment, remove []schema.Text, to string, in scope, shared bool) *Apply {
	m := &Apply{}
	for _, s := range set {
		if a := r.assignment(s, to, in); a != nil {
			m.Set = append(m.Set, a)
		}
	}
	for _, t := range remove {
		p := r.place(t, to, in)
		if p == nil {
			continue
		}
		if p.Last().Key == nil {
			r.errorf(diag.RemoveWhat, p.At, "an optional is cleared by `"+p.Text+": none`",
				"`%s` is no entry of a map or set", p.Text)
			continue
		}
		m.Remove = append(m.Remove, p)
	}
	r.samePlaces(m)
	m.group()
	m.order(to)
	m.copies(to, shared)
	return m
}

func (r *resolver) assignment(s schema.Assignment, to string, in scope) *Assignment {
	p := r.place(s.Target, to, in)
	var want Type
	if p != nil {
		want = p.Type
	}
	if !s.Value.Given() {
		return nil
	}
	x := r.expr(s.Value, in, want)
	if p == nil || x == nil {
		return nil
	}
	if p.Last().InSet && x.Node.Value == nil {
		r.errorf(diag.SetElementIs, x.At, "write `true` to add the element, `false` to take it away",
			"whether `%s` is there can't be computed", p.Text)
		return nil
	}
	if way, ok := wayTo(x.Node, to); ok && SameWay(way, p.Steps) {
		r.errorf(diag.SetToItself, x.At, "leave it out", "`%s` is set to itself", p.Text)
		return nil
	}
	return &Assignment{Place: p, Value: x}
}

// place resolves what is changed.
func (r *resolver) place(t schema.Text, to string, in scope) *Place {
	if !t.Given() || r.typesUnknown || r.cyclic {
		return nil
	}
	w := r.exprTypes()
	n := w.Place(expr.Source{Text: t.Value, At: t.Within}, w.scope(in), to, r.diags.Add)
	if n == nil {
		return nil
	}
	p := &Place{Text: t.Value, At: t.At, Type: TypeOf(n.Type)}
	for ; n.Op != expr.OpName; n = n.Args[0] {
		s := Step{Type: TypeOf(n.Type)}
		if n.Op == expr.OpIndex {
			s.Key, s.InSet = n.Args[1], n.Args[0].Type.Class == expr.Set
			s.text = n.Args[1].Text
		} else {
			s.Field = n.Ref.(*Field)
		}
		p.Steps = append([]Step{s}, p.Steps...)
	}
	return p
}

// Last is the last step to the place.
func (p *Place) Last() Step { return p.Steps[len(p.Steps)-1] }

// overlap says how two places relate.
type overlap int

const (
	apart   overlap = iota // they are never the same
	perhaps                // they are the same if keys are equal
	same                   // one is the other, or a part of it
)

// overlaps compares two ways from one root.
func overlaps(a, b []Step) overlap {
	result := same
	for i := range min(len(a), len(b)) {
		switch {
		case a[i].Field != b[i].Field:
			return apart
		case a[i].Key == nil || a[i].text == b[i].text:
		case differ(a[i].Key, b[i].Key):
			return apart
		default:
			result = perhaps
		}
	}
	return result
}

// differ reports whether two keys are constants that are not the same.
func differ(a, b *expr.Node) bool {
	return a.Value != nil && b.Value != nil && a.Value.ExactString() != b.Value.ExactString()
}

// SameWay reports whether two ways lead to the same, for certain.
func SameWay(a, b []Step) bool { return len(a) == len(b) && overlaps(a, b) == same }

// samePlaces reports places that are changed twice.
func (r *resolver) samePlaces(m *Apply) {
	type change struct {
		place *Place
		what  string // what becomes of an element: two changes of one kind to a set do not harm each other
	}
	var all []change
	for _, a := range m.Set {
		what := ""
		if a.Place.Last().InSet {
			what = a.Value.Node.Value.ExactString()
		}
		all = append(all, change{a.Place, what})
	}
	for _, p := range m.Remove {
		all = append(all, change{p, "false"})
	}
	for i, b := range all {
		for _, a := range all[:i] {
			how := overlaps(a.place.Steps, b.place.Steps)
			if how == perhaps && a.what == b.what && a.what != "" {
				how = apart
			}
			if how != apart {
				r.twice(a.place, b.place, how)
				break
			}
		}
	}
}

// twice reports a place that is, or may be, changed by an entry before it.
func (r *resolver) twice(first, second *Place, how overlap) {
	if how == same {
		r.clash(diag.SamePlace, second.At, first.At, "it is changed here", "`%s` changes what `%s` changes",
			second.Text, first.Text)
		return
	}
	r.clash(diag.MayBeSame, second.At, first.At, "it may be changed here",
		"`%s` and `%s` may be the same: write this fold in Go", second.Text, first.Text)
}

// group puts the assignments within one entry of a map behind each other: the entry is taken out, changed, and put back.
func (m *Apply) group() {
	var list []*Assignment
	for len(m.Set) > 0 {
		first := m.Set[0]
		entry := first.Place.entry()
		var others []*Assignment
		for i, a := range m.Set {
			if i == 0 || entry != nil && SameWay(entry, a.Place.entry()) {
				list = append(list, a)
			} else {
				others = append(others, a)
			}
		}
		m.Set = others
	}
	m.Set = list
}

// entry is the way to the entry of a map that the place lies in, nil if it lies in none.
func (p *Place) entry() []Step {
	for i, s := range p.Steps[:len(p.Steps)-1] {
		if s.Key != nil {
			return p.Steps[:i+1]
		}
	}
	return nil
}

// order marks the values that read what an assignment before theirs changes, and the keys that read what any changes.
func (m *Apply) order(root string) {
	for i, a := range m.Set {
		a.First = readsOf(a.Value.Node, root, m.Set[:i])
		m.orderKeys(a.Place, root)
	}
	for _, p := range m.Remove {
		m.orderKeys(p, root)
	}
}

func (m *Apply) orderKeys(p *Place, root string) {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Key != nil {
			s.First = readsOf(s.Key, root, m.Set)
		}
	}
}

// readsOf reports whether an expression reads what one of the assignments changes.
func readsOf(n *expr.Node, root string, changes []*Assignment) bool {
	for _, way := range reads(n, root) {
		for _, c := range changes {
			if c.Place.Reaches(way) {
				return true
			}
		}
	}
	return false
}

// reads are the ways to all places below a root that a value is computed from.
func reads(n *expr.Node, root string) [][]Step {
	if way, ok := wayTo(n, root); ok {
		list := [][]Step{way}
		for _, s := range way {
			if s.Key != nil {
				list = append(list, reads(s.Key, root)...)
			}
		}
		return list
	}
	var list [][]Step
	for _, a := range n.Args {
		list = append(list, reads(a, root)...)
	}
	return list
}

// wayTo is the way from a root to what a node reads there, if it is nothing but that.
func wayTo(n *expr.Node, root string) ([]Step, bool) {
	switch n.Op {
	case expr.OpName:
		return nil, n.Name == root
	case expr.OpSelect:
		way, ok := wayTo(n.Args[0], root)
		f, isField := n.Ref.(*Field)
		return append(way, Step{Field: f}), ok && isField
	case expr.OpIndex:
		way, ok := wayTo(n.Args[0], root)
		return append(way, Step{Key: n.Args[1], text: n.Args[1].Text}), ok
	}
	return nil, false
}

// copies marks the parts of values that share memory with what changes later: what the state holds already, and what
// the event gives to more than one place.
func (m *Apply) copies(root string, shared bool) {
	given := map[string]int{}
	for _, a := range m.Set {
		for _, n := range stored(a.Value.Node, a.Place, root) {
			given[rootOf(n)+" "+outerField(n)]++
		}
	}
	for _, a := range m.Set {
		a.Copy = map[*expr.Node]bool{}
		for _, n := range stored(a.Value.Node, a.Place, root) {
			from := rootOf(n)
			if from == root || shared || given[from+" "+outerField(n)] > 1 {
				a.Copy[n] = true
			}
		}
	}
}

// stored are the parts of a value that become a part of the state as they are, and share memory: lists, sets, maps,
// bytes, and what holds them. A list that is appended to where it stands is not among them.
func stored(n *expr.Node, into *Place, root string) []*expr.Node {
	switch n.Op {
	case expr.OpSelect, expr.OpIndex, expr.OpName:
		if Shares(TypeOf(n.Type)) {
			return []*expr.Node{n}
		}
		return nil
	case expr.OpCall:
		if n.Name != "append" {
			return nil
		}
		list := n.Args
		if AppendsTo(n, into, root) {
			list = list[1:]
		}
		return storedAll(list, into, root)
	case expr.OpSome, expr.OpBuild, expr.OpMethod:
		return storedAll(n.Args, into, root)
	}
	return nil
}

func storedAll(list []*expr.Node, into *Place, root string) []*expr.Node {
	var all []*expr.Node
	for _, a := range list {
		all = append(all, stored(a, into, root)...)
	}
	return all
}

// AppendsTo reports whether a value is a list that is appended to where it stands: items: append(state.items, x).
func AppendsTo(n *expr.Node, into *Place, root string) bool {
	if n.Op != expr.OpCall || n.Name != "append" {
		return false
	}
	way, ok := wayTo(n.Args[0], root)
	return ok && len(way) == len(into.Steps) && overlaps(way, into.Steps) == same
}

// rootOf is the name that a part starts from.
func rootOf(n *expr.Node) string {
	for n.Op != expr.OpName {
		n = n.Args[0]
	}
	return n.Name
}

// outerField is the field of the root that a part is read from.
func outerField(n *expr.Node) string {
	for n.Op != expr.OpName && n.Args[0].Op != expr.OpName {
		n = n.Args[0]
	}
	return n.Name
}

// Shares reports whether copies of a value of the type share memory that can change.
func Shares(t Type) bool {
	switch t.Kind {
	case List, Set, Map:
		return true
	case Optional:
		return Shares(*t.Elem)
	case Ref:
		if t.Named.Kind == Struct {
			for _, f := range t.Named.Fields {
				if Shares(f.Type) {
					return true
				}
			}
			return false
		}
	}
	return t.Scalar() == Bytes
}

// Check is a rule over several fields.
type Check struct {
	// That must be true.
	That *Expr
	// Else says what is wrong where it is not.
	Else string
	// Field is the first field that the check names: the fault is reported there.
	Field string
}

// checks resolves the checks of an element's fields.
func (r *resolver) checks(list []schema.Check, fields []*Field, what string, open bool) []*Check {
	self := fieldsRoot("self", fields).called(what)
	self.open = open
	var checks []*Check
	for _, c := range list {
		x := r.expr(c.That, scope{self}, Type{Kind: Bool})
		if x == nil || !c.Else.Given() {
			continue
		}
		m := &Check{That: x, Else: strings.TrimSpace(c.Else.Value)}
		x.Node.Walk(func(n *expr.Node) {
			if f, ok := n.Ref.(*Field); ok && m.Field == "" && n.Args[0].Op == expr.OpName {
				m.Field = f.Name
			}
		})
		checks = append(checks, m)
	}
	return checks
}

// from resolves what the fields of an event are filled with.
func (r *resolver) from(list []*schema.Field, m *Event) {
	for _, f := range list {
		field := fieldNamed(m.Fields, f.Name.Value, equal)
		if !f.From.Given() || f.Duplicate || field == nil {
			continue
		}
		field.From = r.expr(f.From, scope{r.stateRoot(m.Aggregate)}, field.Type)
	}
}

// Reaches reports whether the place is, or may be, what the steps lead to or over.
func (p *Place) Reaches(steps []Step) bool { return overlaps(p.Steps, steps) != apart }

// Canonical returns the place's meaning as a text: the same however it was written.
func (p *Place) Canonical() string {
	var b strings.Builder
	for _, s := range p.Steps {
		if s.Key != nil {
			b.WriteString("[" + s.Key.Canonical() + "]")
			continue
		}
		b.WriteString("." + s.Field.Name)
	}
	return b.String()
}

// Name is the place without its keys, for people: "comments.text".
func (p *Place) Name() string {
	var names []string
	for _, s := range p.Steps {
		if s.Field != nil {
			names = append(names, s.Field.Name)
		}
	}
	return strings.Join(names, ".")
}
