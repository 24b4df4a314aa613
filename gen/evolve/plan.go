package evolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// What a release does to a state or a read model.
const (
	Nothing   = "nothing"   // everything goes on as it is
	Snapshots = "snapshots" // those there are do not count any more
	Rebuild   = "rebuild"   // the rows are built anew, beside those there are
	Build     = "build"     // there were none
	Left      = "left"      // nobody projects into what is there
)

// Outcome is what a release does to the state of an aggregate, or the rows of a projection.
type Outcome struct {
	// Element is "aggregate" or "projection", Name its name.
	Element, Name string
	// Action is one of the constants.
	Action string
	// From and To are the fingerprints; empty where there is none.
	From, To string
	// Reasons say why, and Notes what else is to be known.
	Reasons, Notes []string
}

// unknown starts the fingerprints of what functions in Go fold whose meaning is not known, as package cqrs has it.
const unknown = "ffffffff"

// Plan returns what a release of the new model does where the old one ran.
func Plan(old, new *lock.Lock) []Outcome {
	p := &planner{comparer: &comparer{old: old, new: new, shapes: newShapes(old, new)}}
	var list []Outcome
	for _, b := range new.Aggregates {
		list = append(list, p.aggregate(b))
	}
	for _, a := range old.Aggregates {
		if !slices.ContainsFunc(new.Aggregates, func(b *lock.Aggregate) bool { return b.Name == a.Name }) {
			list = append(list, Outcome{
				Element: "aggregate", Name: a.Name, Action: Left, From: a.State,
				Reasons: []string{"it is gone: its streams stay in the log, and nobody reads them"},
			})
		}
	}
	for _, b := range new.Projections {
		list = append(list, p.projection(b))
	}
	for _, a := range old.Projections {
		if !slices.ContainsFunc(new.Projections, func(b *lock.Projection) bool { return b.Name == a.Name }) {
			list = append(list, Outcome{
				Element: "projection", Name: a.Name, Action: Left, From: a.Rows,
				Reasons: []string{"it is gone: its rows stay as they are in their stores, and nobody keeps them up to date"},
				Notes: []string{"`projections drop " + a.Name + "` of the release that has it deletes its generations, but for the active one; " +
					"the store's own tools delete that"},
			})
		}
	}
	return list
}

type planner struct{ *comparer }

func (p *planner) aggregate(b *lock.Aggregate) Outcome {
	o := Outcome{Element: "aggregate", Name: b.Name, Action: Nothing, To: b.State}
	if strings.HasPrefix(b.State, unknown) {
		o.Notes = append(o.Notes, "the meaning of its folds in Go is not known: no snapshots are taken until they compile")
	}
	i := slices.IndexFunc(p.old.Aggregates, func(a *lock.Aggregate) bool { return a.Name == b.Name })
	if i < 0 {
		o.Reasons = []string{"it is new"}
		return o
	}
	a := p.old.Aggregates[i]
	o.From = a.State
	o.Notes = append(o.Notes, p.personal(a, b)...)
	if a.State == b.State {
		return o
	}
	o.Reasons = p.stateReasons(a, b)
	switch known := p.old.Form >= lock.Version; {
	case known && !a.Snapshots || !known && !b.Snapshots:
		o.Notes = append(o.Notes, "it had no snapshots: states are replayed from their events as ever")
	default:
		o.Action = Snapshots
		o.Notes = append(o.Notes, "each state is replayed from all of its events once, when the next command needs it, and snapshots are taken anew")
	}
	return o
}

// personal says which fields of events hold a person's data from now on.
func (p *planner) personal(a, b *lock.Aggregate) (notes []string) {
	if p.old.Form < lock.Version {
		return nil
	}
	for _, e := range b.Events {
		i := slices.IndexFunc(a.Events, func(o *lock.Event) bool { return o.Wire == e.Wire })
		if i < 0 {
			continue
		}
		for _, f := range e.Fields {
			if g := fieldOf(a.Events[i].Fields, f.Name); f.Personal != "" && (g == nil || g.Personal == "") {
				notes = append(notes, fmt.Sprintf("%s of %s is a person's data from now on; events that are stored stay as they are", f.Name, e.Name))
			}
		}
	}
	return notes
}

// stateReasons say why a state is another one.
func (p *planner) stateReasons(a, b *lock.Aggregate) []string {
	if p.old.Form < lock.Version {
		return []string{"its state, or how events change it"}
	}
	reasons := p.columnReasons("the state", a.Fields, b.Fields)
	for _, e := range b.Events {
		i := slices.IndexFunc(a.Events, func(o *lock.Event) bool { return o.Wire == e.Wire })
		if i < 0 {
			reasons = append(reasons, "the event "+e.Name+" is new")
			continue
		}
		reasons = append(reasons, versionReasons(a.Events[i], e)...)
		switch was := a.Events[i]; {
		case e.Former && !was.Former:
			reasons = append(reasons, e.Name+" is read as "+orNothing(list(e.Becomes)))
		case was.Fold != e.Fold:
			reasons = append(reasons, "how "+e.Name+" changes the state")
		}
	}
	for _, e := range a.Events {
		if !slices.ContainsFunc(b.Events, func(o *lock.Event) bool { return o.Wire == e.Wire }) {
			reasons = append(reasons, "the event "+e.Name+" is gone")
		}
	}
	reasons = append(reasons, functionReasons(a.Functions, b.Functions)...)
	return orElse(reasons, "what its folds and upcasters in Go do")
}

// versionReasons say that older events are read in another way.
func versionReasons(was, is *lock.Event) []string {
	switch {
	case was.Version != is.Version:
		return []string{fmt.Sprintf("%s has come from version %d to %d", is.Name, was.Version, is.Version)}
	case !slices.EqualFunc(was.History, is.History, sameStep):
		return []string{"the history of " + is.Name}
	}
	return nil
}

func sameStep(was, is *lock.Step) bool {
	return was.Upcast == is.Upcast && sameEntries(was.Added, is.Added) && sameEntries(was.Renamed, is.Renamed) &&
		sameEntries(was.Removed, is.Removed)
}

// functionReasons say which functions in Go changed.
func functionReasons(was, is []lock.Entry) (reasons []string) {
	for _, f := range is {
		i := slices.IndexFunc(was, func(o lock.Entry) bool { return o.Name == f.Name })
		switch {
		case i < 0:
			reasons = append(reasons, f.Name+" in Go is new")
		case was[i].Text != f.Text:
			reasons = append(reasons, "what "+f.Name+" in Go does, or what it calls")
		}
	}
	return reasons
}

func orElse(reasons []string, otherwise string) []string {
	if len(reasons) == 0 {
		return []string{otherwise}
	}
	return reasons
}

// columnReasons say how fields became others: what a fingerprint is made of, and so their order too.
func (p *planner) columnReasons(of string, was, is []*lock.Field) (reasons []string) {
	for _, f := range is {
		g := fieldOf(was, f.Name)
		switch {
		case g == nil:
			reasons = append(reasons, fmt.Sprintf("%s has the new field %s", of, f.Name))
		case g.Type != f.Type:
			reasons = append(reasons, fmt.Sprintf("%s of %s was %s, and is %s", f.Name, of, g.Type, f.Type))
		case len(p.shapes.types(g.Type, f.Type)) > 0:
			reasons = append(reasons, fmt.Sprintf("%s of %s is of a type that changed: %s", f.Name, of, f.Type))
		case g.Search != f.Search:
			reasons = append(reasons, fmt.Sprintf("how rows are searched by %s", f.Name))
		}
	}
	for _, f := range was {
		if fieldOf(is, f.Name) == nil {
			reasons = append(reasons, fmt.Sprintf("%s has no field %s any more", of, f.Name))
		}
	}
	if len(reasons) == 0 && !slices.EqualFunc(was, is, func(f, g *lock.Field) bool { return f.Name == g.Name }) {
		reasons = append(reasons, "the fields of "+of+" stand in another order")
	}
	return reasons
}

func (p *planner) projection(b *lock.Projection) Outcome {
	o := Outcome{Element: "projection", Name: b.Name, Action: Nothing, To: b.Rows}
	if strings.HasPrefix(b.Rows, unknown) {
		o.Notes = append(o.Notes, "the meaning of its folds in Go is not known: nothing is promoted by itself until they compile")
	}
	if names := personalIn(b.Row); len(names) > 0 {
		o.Notes = append(o.Notes, strings.Join(names, ", ")+" of its rows is encrypted: where somebody is forgotten, rows are neither redacted nor built anew")
	}
	i := slices.IndexFunc(p.old.Projections, func(a *lock.Projection) bool { return a.Name == b.Name })
	if i < 0 {
		o.Action, o.Reasons = Build, []string{"it is new"}
		o.Notes = append(o.Notes, "queries fail with a *readmodel.NotBuiltError until it is built")
		return o
	}
	a := p.old.Projections[i]
	o.From = a.Rows
	if a.Rows == b.Rows {
		return o
	}
	o.Action = Rebuild
	if p.old.Form < lock.Version {
		o.Reasons = []string{"its key, its row, or how events change it"}
		return o
	}
	var columns []string
	columns = append(columns, p.columnReasons("the key", a.Key, b.Key)...)
	columns = append(columns, p.columnReasons("the row", a.Row, b.Row)...)
	o.Reasons = orElse(append(columns, p.foldReasons(a, b)...), "what its folds in Go do, or an upcaster")
	o.Notes = append(o.Notes, p.answers(b, columns))
	if !strings.HasPrefix(b.Rows, unknown) {
		o.Notes = append(o.Notes, promotion(b))
	}
	return o
}

// personalIn names the fields that hold a person's data.
func personalIn(fields []*lock.Field) (names []string) {
	for _, f := range fields {
		if f.Personal != "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// answers says who answers queries while the rows are built anew.
func (p *planner) answers(b *lock.Projection, columns []string) string {
	switch {
	case b.Mode == "inline":
		return "commands of this release that it folds are refused with a *projection.InactiveError until it is built and promoted: let the old release run"
	case len(columns) > 0:
		return "its columns are others: queries of this release fail with a *readmodel.NotBuiltError until it is built; those of the old one go on"
	}
	return "its columns are the same: the old rows answer queries until the new ones are promoted"
}

func promotion(b *lock.Projection) string {
	if b.Manual {
		return "it is promoted by an operator: `projections verify " + b.Name + "`, then `projections promote " + b.Name + "`"
	}
	return "it is promoted by itself, once it is built and a sample of its rows is right"
}

// foldReasons say what of the folds changed.
func (p *planner) foldReasons(a, b *lock.Projection) (reasons []string) {
	if a.Revision != b.Revision {
		reasons = append(reasons, fmt.Sprintf("`revision` was %s, and is %s", revision(a), revision(b)))
	}
	for _, h := range b.On {
		i := slices.IndexFunc(a.On, func(o lock.Entry) bool { return o.Name == h.Name })
		switch {
		case i < 0:
			reasons = append(reasons, "it folds "+h.Name+" too")
			continue
		case a.On[i].Text != h.Text:
			reasons = append(reasons, "how "+h.Name+" changes rows")
		}
		if was, is := eventOf(p.old, h.Name), eventOf(p.new, h.Name); was != nil && is != nil {
			reasons = append(reasons, versionReasons(was, is)...)
		}
	}
	for _, h := range a.On {
		if !slices.ContainsFunc(b.On, func(o lock.Entry) bool { return o.Name == h.Name }) {
			reasons = append(reasons, "it does not fold "+h.Name+" any more")
		}
	}
	return append(reasons, functionReasons(a.Functions, b.Functions)...)
}

func revision(p *lock.Projection) string {
	if p.Revision == "" {
		return "1"
	}
	return p.Revision
}
