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
	New       = "new"       // there was none, and nothing is to be done
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

// materialized is the mode of views that the database makes.
const materialized = "materialized"

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
		o.Action, o.Reasons = New, []string{"it is new: there are no streams of it yet"}
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
		o.Notes = append(o.Notes,
			"each state is replayed from all of its events once, when the next command needs it, and snapshots are taken anew")
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

func (p *planner) projection(b *lock.Projection) Outcome {
	o := Outcome{Element: "projection", Name: b.Name, Action: Nothing, To: b.Rows}
	if strings.HasPrefix(b.Rows, unknown) {
		o.Notes = append(o.Notes, "the meaning of its folds in Go is not known: nothing is promoted by itself until they compile")
	}
	if names := personalIn(b.Row); len(names) > 0 {
		o.Notes = append(o.Notes, strings.Join(names, ", ")+
			" of its rows is encrypted: where somebody is forgotten, rows are neither redacted nor built anew")
	}
	i := slices.IndexFunc(p.old.Projections, func(a *lock.Projection) bool { return a.Name == b.Name })
	if i < 0 {
		o.Action, o.Reasons = Build, []string{"it is new: its rows are built from the whole log"}
		o.Notes = append(o.Notes, "queries fail with a *readmodel.NotBuiltError until it is built")
		return o
	}
	a := p.old.Projections[i]
	o.From = a.Rows
	mode := modeReasons(a, b)
	if a.Rows == b.Rows && len(mode) == 0 {
		return o
	}
	if a.Rows == b.Rows && a.Mode != materialized && b.Mode != materialized {
		o.Notes = append(o.Notes, mode...) // in the tables that there are
		return o
	}
	o.Action = Rebuild
	if p.old.Form < lock.Version {
		o.Reasons = []string{"its key, its row, or how events change it"}
		return o
	}
	columns := append(p.columnReasons("the key", a.Key, b.Key), p.columnReasons("the row", a.Row, b.Row)...)
	o.Reasons = append(slices.Concat(columns, p.foldReasons(a, b)), mode...)
	if len(o.Reasons) == 0 {
		o.Reasons = []string{"what its folds and upcasters in Go do, or what they are given: the lock file does not say"}
	}
	o.Notes = append(o.Notes, p.newColumns(a, b)...)
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
