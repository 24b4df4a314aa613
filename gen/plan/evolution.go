package plan

import (
	"slices"
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Names of what brings older events up to date: the team's type, the interface that it implements, and the variable.
const (
	Upcasters    = "Upcasters"
	UpcastersSet = "EventUpcasters"
	UpcastersVar = "upcasters"
	UpcastFile   = "upcasters.go"
)

// Shape is a version of an event as a Go type: what an upcaster is given, or returns.
type Shape struct {
	Version int
	// Go is the type: MovedV1. It is the event's own type under another name if Now.
	Go     string
	Now    bool
	Fields []*Field
	// origins are the fields of the model, which versions share.
	origins []*model.Field
}

// Upcaster is a step between two versions that the team's code does, and what declared steps make of its result.
type Upcaster struct {
	// Method is the team's: MovedV1.
	Method   string
	From, To *Shape
	// Goes on from To: Into the event as it is now, or what Next takes.
	Carried
	Next *Upcaster
}

// Older is how a version before the event's own is decoded: into the event as it is now, or into what Next takes.
type Older struct {
	Version int
	Carried
	Next *Upcaster
}

// Carried is what declared steps make of one version.
type Carried struct {
	Into *Shape
	// Fields are those that stay: under their name in the older version, with the Go field that they become.
	Fields []*Field
	// Sources are their Go fields in the older version.
	Sources []string
	// Values are what the older version lacks.
	Values []GivenValue
}

// GivenValue is the value that a field gets.
type GivenValue struct {
	Go    string
	Value *model.Value
	// Personal says that the field holds a person's data.
	Personal bool
}

// AsIs reports whether what the upcaster returns is what goes on.
func (u *Upcaster) AsIs() bool { return u.To.Version == u.Into.Version }

// HasUpcasters reports whether the team has code that brings older events up to date.
func (p *Plan) HasUpcasters() bool {
	return slices.ContainsFunc(p.Aggregates, func(a *Aggregate) bool {
		return slices.ContainsFunc(a.All(), func(e *Event) bool { return len(e.Upcasters) > 0 }) ||
			slices.ContainsFunc(a.Former, func(f *Former) bool { return len(f.Becomes) > 0 })
	})
}

// HasOlder reports whether an event has had other versions, or is read as others.
func (p *Plan) HasOlder() bool {
	return p.HasUpcasters() || slices.ContainsFunc(p.Aggregates, func(a *Aggregate) bool {
		return slices.ContainsFunc(a.All(), func(e *Event) bool { return len(e.Older) > 0 })
	})
}

// Shapes returns the types of the event's older versions that upcasters take or return, by version.
func (e *Event) Shapes() []*Shape {
	var list []*Shape
	for _, u := range e.Upcasters {
		for _, s := range []*Shape{u.From, u.To} {
			if !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}

// addEvolution plans how the older versions of an event are decoded.
func (e *Event) addEvolution() {
	now := &Shape{Version: e.Version, Go: e.Go, Now: true, Fields: e.Fields, origins: e.Event.Fields}
	shapes := map[int]*Shape{}
	shape := func(version int) *Shape {
		if shapes[version] == nil {
			shapes[version] = e.shape(version)
		}
		return shapes[version]
	}
	var next *Upcaster
	into := now
	for i := len(e.History) - 1; i >= 0; i-- {
		c := e.History[i]
		if c.Upcast {
			u := &Upcaster{From: shape(c.Version - 1), To: shape(c.Version), Next: next}
			u.Method = u.From.Go
			u.Carried = e.carry(c.Version, into)
			e.Upcasters = slices.Insert(e.Upcasters, 0, u)
			next, into = u, u.From
		}
		e.Older = slices.Insert(e.Older, 0, &Older{Version: c.Version - 1, Carried: e.carry(c.Version-1, into), Next: next})
	}
}

// shape is the Go type of a version.
func (e *Event) shape(version int) *Shape {
	s := &Shape{Version: version, Go: e.Go + "V" + strconv.Itoa(version), Now: version == e.Version}
	for _, old := range e.FieldsOf(version) {
		s.Fields = append(s.Fields, oldField(old, exported(old.Name)))
		s.origins = append(s.origins, old.Field)
	}
	return s
}

// oldField is a field under the name that it had.
func oldField(old model.OldField, name string) *Field {
	field := *old.Field
	field.Name = old.Name
	return &Field{Field: &field, Go: name}
}

// carry finds out what declared steps make of a version, up to another one.
func (e *Event) carry(version int, into *Shape) Carried {
	c := Carried{Into: into}
	for _, old := range e.FieldsOf(version) {
		if i := slices.Index(into.origins, old.Field); i >= 0 {
			c.Fields = append(c.Fields, oldField(old, into.Fields[i].Go))
			c.Sources = append(c.Sources, exported(old.Name))
		}
	}
	for _, step := range e.History {
		if step.Version <= version || step.Version > into.Version {
			continue
		}
		for _, a := range step.Added {
			if i := slices.Index(into.origins, a.Field); i >= 0 && !a.Value.Absent {
				c.Values = append(c.Values, GivenValue{into.Fields[i].Go, a.Value, a.Field.Personal})
			}
		}
	}
	return c
}

// evolution stands for how older versions of an event are read, in fingerprints.
func (e *Event) evolution() (parts []string) {
	if e.Version > 1 {
		parts = append(parts, "version "+strconv.Itoa(e.Version))
	}
	return append(parts, e.declaredSteps()...)
}

// checkEvolution reports names of older versions that collide.
func (e *Event) checkEvolution(s *scope) {
	for _, shape := range e.Shapes() {
		what := "version " + strconv.Itoa(shape.Version) + " of " + e.Name
		s.add(shape.Go, what, e.At)
		if !shape.Now {
			checkFields(s.d, what, shape.Fields)
		}
	}
}

// upcasterNames enters the names of what brings older events up to date, where there is any.
func (p *Plan) upcasterNames(s *scope) {
	if p.HasUpcasters() {
		for _, n := range []string{Upcasters, UpcastersSet, UpcastersVar} {
			s.add(n, "what brings older events up to date", diag.Span{})
		}
	}
}
