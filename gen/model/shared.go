package model

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Events, commands and rejections of different aggregates can share a name. Outside of its aggregate, each of them is
// named with it: Cart.ItemAdded.

// qualified is a name with that of its aggregate.
func qualified(a *Aggregate, name string) string { return a.Name + "." + name }

// Ref is how the event is named outside of its aggregate: "ItemAdded", or, if another aggregate has that name too,
// "Cart.ItemAdded".
func (e *Event) Ref() string { return ref(e.Aggregate, e.Name, e.Shared) }

// Ref is how the rejection is named outside of its aggregate.
func (x *Rejection) Ref() string { return ref(x.Aggregate, x.Name, x.Shared) }

// Ref is how the command is named outside of its aggregate.
func (c *Command) Ref() string { return ref(c.Aggregate, c.Name, c.Shared) }

func ref(a *Aggregate, name string, shared bool) string {
	if shared {
		return qualified(a, name)
	}
	return name
}

// byName finds elements of aggregates by their names, plain and qualified: several have one plain name where aggregates
// share it.
type byName[T any] map[string][]*T

// add adds the elements of an aggregate; of two with one name the first.
func (b byName[T]) add(a *Aggregate, list []*T, name func(*T) string) {
	for _, x := range list {
		if q := qualified(a, name(x)); len(b[q]) == 0 {
			b[q] = []*T{x}
			b[name(x)] = append(b[name(x)], x)
		}
	}
}

// first returns the first element of a name, nil if there is none.
func (b byName[T]) first(name string) *T {
	if list := b[name]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// markShared marks the elements of which another aggregate has one of the same name, of whatever kind: in Go they are
// types of one package.
func (r *resolver) markShared() {
	shared := func(name string) bool {
		list := r.names[strings.ToLower(name)]
		return len(list) > 1 && list[0].name.Value == name
	}
	for _, a := range r.model.Aggregates {
		for _, e := range a.Events {
			e.Shared = shared(e.Name)
		}
		for _, e := range a.Former {
			e.Shared = shared(e.Name)
		}
		for _, x := range a.Rejections {
			x.Shared = shared(x.Name)
		}
		for _, c := range a.Commands {
			c.Shared = shared(c.Name)
		}
	}
}

// ambiguous reports a plain name that several aggregates use.
func (r *resolver) ambiguous(kind string, name schema.Text, events []*Event) {
	var candidates []string
	d := diag.Diagnostic{Code: diag.AmbiguousName, At: name.At}
	for _, e := range events {
		candidates = append(candidates, e.Ref())
		d.Related = append(d.Related, diag.Related{At: e.At, Message: "one is declared here"})
	}
	d.Message = "several aggregates have " + article(kind) + " " + name.Value
	d.Hint = "write " + strings.Join(candidates, " or ")
	r.diags.Add(d)
}

// maxWire bounds the name under which an event is stored, in bytes: a qualified name fits.
const maxWire = 2*MaxName + 1

var wireForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// wire returns the name under which an event is stored. It follows from the event's own declaration alone, so that
// nothing that is said elsewhere can change it.
func (r *resolver) wire(e *schema.Event) string {
	if !e.Wire.Given() {
		return e.Name.Value
	}
	if len(e.Wire.Value) > maxWire || !wireForm.MatchString(e.Wire.Value) {
		r.errorf(diag.WireName, e.Wire.At, "", "an event is stored under at most %d letters, digits, `_` and `-`, in parts "+
			"with a `.` between them, and starts with a letter", maxWire)
		return ""
	}
	return e.Wire.Value
}

// declared reports whether a name was entered into the namespace, and not reported.
func (r *resolver) declared(name schema.Text) bool {
	return slices.ContainsFunc(r.names[strings.ToLower(name.Value)], func(d declaration) bool { return d.name == name })
}

// wires reports events that would be stored under one name.
func (r *resolver) wires(f *schema.File) {
	type stored struct {
		event *Event
		at    diag.Span
	}
	first := map[string]stored{}
	for i, a := range f.Aggregates {
		m := r.model.Aggregates[i]
		events := slices.Concat(m.Events, m.Former)
		for j, s := range slices.Concat(a.Events, a.Former) {
			e, at := events[j], s.Name.At
			if s.Wire.Given() {
				at = s.Wire.At
			}
			if e.Wire == "" || !r.declared(s.Name) {
				continue
			}
			lower := strings.ToLower(e.Wire)
			other, taken := first[lower]
			if !taken {
				first[lower] = stored{e, at}
				continue
			}
			r.diags.Add(diag.Diagnostic{
				Code: diag.WireTaken, At: at,
				Message: "the events " + qualified(other.event.Aggregate, other.event.Name) + " and " +
					qualified(e.Aggregate, e.Name) + " would both be stored as " + e.Wire,
				Hint:    "add `wire: " + qualified(e.Aggregate, e.Name) + "` to the newer one; the older one must keep its name",
				Related: []diag.Related{{At: other.at, Message: "the other one"}},
			})
		}
	}
}

// use notes that a declared type is used.
func (r *resolver) use(n *Named) *Named {
	if n != nil {
		r.used[n] = true
	}
	return n
}

// unusedTypes warns of declared types that nothing refers to.
func (r *resolver) unusedTypes() {
	for _, n := range r.model.Types {
		if !r.used[n] {
			r.diags.Add(diag.Diagnostic{
				Code: diag.TypeNotUsed, At: n.At, Warning: true,
				Message: "nothing in the model uses the type " + n.Name, Hint: "remove it, or use it",
			})
		}
	}
}
