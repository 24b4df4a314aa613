// Package plan decides what is generated for a model: every Go name, once, checked for collisions; which files there
// are and who owns them; and which helpers each type needs, so that nothing is emitted that nobody calls.
//
// The emitters only spell out what stands here. They decide nothing.
package plan

import (
	"go/token"
	"slices"
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Plan is a model with everything that its Go code needs.
type Plan struct {
	Model       *model.Model
	Types       []*Named
	Aggregates  []*Aggregate
	Projections []*Projection

	named map[*model.Named]*Named
	names *scope
	// goNames has the Go name of each field.
	goNames map[*model.Field]string
	of      lookups
	// patterns and scratches are the names of variables of patterns, and of fields that events are decoded into.
	patterns, scratches map[string]bool
	// digests are what functions of the team's mean; nil where nobody asked.
	digests *meaning.Digests
}

// Named is a declared type.
type Named struct {
	*model.Named
	// Check, Write and Read say which helpers the type needs: for the rules of commands, the encoder, the decoder.
	Check, Write, Read bool
	// Clone is the function that copies a value with all that it holds, empty where there is none.
	Clone string
	// Pattern is the variable of a scalar's compiled pattern, Parse the function that reads an id from its text.
	Pattern, Parse string
	Values         []EnumValue
	Fields         []*Field
}

// EnumValue is a constant of an enum.
type EnumValue struct {
	Go   string
	Wire string
}

// Field is a field of a Go struct.
type Field struct {
	*model.Field
	Go string
	// Pattern is the variable of the field's own compiled pattern.
	Pattern string
}

// Aggregate has the names of an aggregate's Go types. Decider is the team's type.
type Aggregate struct {
	*model.Aggregate
	// ID is nil where there is one instance, which has none.
	ID *Named

	Decider   string // Account: the team's
	Interface string // AccountDecider
	State     string // AccountState
	Event     string // AccountEvent
	Commands  string // AccountCommands
	Fold      string // accountFold
	File      string // account.go: the team's

	StateFields []*Field
	Events      []*Event
	Former      []*Former
	Rejections  []*Rejection
	CommandList []*Command
	// Others are the aggregates whose streams commands of this one load as well, without itself.
	Others []*Aggregate
	// Fingerprint stands for the state's shape and what makes it, FingerprintVar is the constant that has it.
	Fingerprint, FingerprintVar string
	// Lifecycle is nil where there are no phases.
	Lifecycle *Lifecycle
	// UniqueVar is accountUnique: the variable that has the unique values.
	UniqueVar string
	Unique    []*Unique
}

// Event is an event's Go struct.
type Event struct {
	*model.Event
	Aggregate *Aggregate
	Go        string
	Fields    []*Field
	// Apply is the decider's method that folds the event: ApplyMoneyDeposited. Scratch is the field of the fold that
	// the event is decoded into.
	Apply, Scratch string
	// Fold is nil where the team folds the event, Fill where the decider says all of its fields.
	Fold *Fold
	Fill *Fill
	// Older are the versions before the event's own, from 1, and Upcasters the steps between versions that the team's
	// code does.
	Older     []*Older
	Upcasters []*Upcaster
}

// Rejection is a rejection's Go struct.
type Rejection struct {
	*model.Rejection
	Go     string
	Fields []*Field
	// Text is what its error message starts with: "insufficient funds".
	Text string
}

// Command is a command's Go struct.
type Command struct {
	*model.Command
	Go string
	// Method is what executes the command, and what decides it: the command's name, also where other aggregates have
	// it too.
	Method string
	Fields []*Field
	// Emits are the entries of emits, Also the further streams.
	Emits []*Emit
	Also  []*Also
	// AlsoType is the struct in which the decider gets the states of further streams, "" where it gets none.
	AlsoType string
	// Result is what the decider returns, and None its value where there is none. It is the event itself where there is
	// exactly one, or the choice where one of several happens: then Single. Else it is a struct with one field for each
	// entry of emits.
	Result, None string
	Single       bool
}

// HasDefaults reports whether fields of the command are filled in where the caller left them out.
func (c *Command) HasDefaults() bool {
	return slices.ContainsFunc(c.Fields, func(f *Field) bool { return f.Default != nil })
}

// Projection has the names of a projection's Go types. Team is the team's type.
type Projection struct {
	*model.Projection
	Team      string // BalanceByCurrency: the team's
	Interface string // BalanceByCurrencyFolds
	Key       string // BalanceByCurrencyKey
	Row       string // BalanceByCurrencyRow
	Model     string // BalanceByCurrencyModel
	Engine    string // balanceByCurrencyProjection
	Codec     string // balanceByCurrencyCodec
	File      string // balance_by_currency.go: the team's

	KeyFields []*Field
	RowFields []*Field
	Handlers  []*Handler
	Finders   []Finder
	Queries   []*Query
	// StreamField is the field of the key that is the id of the event's stream, wherever an event leads to; nil if none is.
	StreamField *Field
	// KeepsStrings says that rows have strings, which must not point into the buffers that they came from.
	KeepsStrings bool
	// InGo says that the team has something to write: a type with folds or functions for keys.
	InGo bool
	// Fingerprint stands for the shape of key and row, and how events are folded into them; FingerprintVar is the
	// constant that has it.
	Fingerprint, FingerprintVar string
	// View is the query of a materialized view over the log's tables, empty where the model asks for none. {log} stands for
	// their PostgreSQL schema.
	View string
}

// Columns returns the fields of the key and of the row.
func (pr *Projection) Columns() []*Field {
	return append(slices.Clone(pr.KeyFields), pr.RowFields...)
}

// Finder is the query that an index gives.
type Finder struct {
	Name string
	// Count is the name of the query that counts; it is empty where another index gives the same.
	Count string
	Index int
	// By are the fields that are given; the rows come in the order of those that remain.
	By   []*Field
	Rest []*Field
}

// NamedOf returns the plan of a declared type.
func (p *Plan) NamedOf(n *model.Named) *Named { return p.named[n] }

// GoName returns the Go name of a field.
func (p *Plan) GoName(f *model.Field) string { return p.goNames[f] }

// ProjectionsInGo reports whether the team has folds of any projection to write.
func (p *Plan) ProjectionsInGo() bool {
	return slices.ContainsFunc(p.Projections, func(pr *Projection) bool { return pr.InGo })
}

// New plans a valid model. Names that can't stand beside each other in Go are reported to d.
func New(m *model.Model, d *diag.List) *Plan {
	p := &Plan{
		Model: m, named: map[*model.Named]*Named{}, goNames: map[*model.Field]string{}, patterns: map[string]bool{}, scratches: map[string]bool{},
	}
	for _, n := range m.Types {
		p.addType(n)
	}
	for _, n := range m.Externals {
		p.named[n] = &Named{Named: n}
	}
	events := map[*model.Event]*Event{}
	for _, a := range m.Aggregates {
		p.addAggregate(a, events)
	}
	p.addStreams(events)
	for _, pr := range m.Projections {
		p.addProjection(pr, events)
	}
	p.newLookups()
	p.markUses()
	p.markClones()
	p.fingerprint(&meaning.Digests{})
	for _, pr := range p.Projections {
		p.materialize(pr, d)
	}
	p.checkNames(d)
	return p
}

func (p *Plan) addType(n *model.Named) {
	t := &Named{Named: n, Parse: parserOf(n), Fields: p.fields(n.Name, n.Fields)}
	if n.Rules.Pattern != "" {
		t.Pattern = p.pattern(n.Name)
	}
	for _, v := range n.Values {
		t.Values = append(t.Values, EnumValue{Go: n.Name + exported(v.Name), Wire: v.Name})
	}
	p.Types = append(p.Types, t)
	p.named[n] = t
}

func (p *Plan) addAggregate(m *model.Aggregate, events map[*model.Event]*Event) {
	a := &Aggregate{
		Aggregate: m, ID: p.named[m.ID],
		Decider: m.Name, Interface: m.Name + "Decider", State: m.Name + "State", Event: m.Name + "Event",
		Commands: m.Name + "Commands", Fold: unexported(m.Name) + "Fold", File: snake(m.Name) + ".go",
		StateFields: p.fields(m.Name+"State", m.State), FingerprintVar: unexported(m.Name) + "StateFingerprint",
	}
	for _, e := range m.Events {
		name := goName(m, e.Name, e.Shared)
		pe := &Event{
			Event: e, Aggregate: a, Go: name, Fields: p.fields(name, e.Fields),
			Apply: "Apply" + e.Name, Scratch: p.scratch(name), Fold: newFold(e, name),
		}
		pe.Fill = newFill(pe)
		pe.addEvolution()
		a.Events = append(a.Events, pe)
		events[e] = pe
	}
	p.addFormer(a, events)
	for _, r := range m.Rejections {
		name := RejectionGo(r)
		a.Rejections = append(a.Rejections, &Rejection{
			Rejection: r, Go: name, Fields: p.fields(name, r.Fields), Text: words(r.Name),
		})
	}
	for _, c := range m.Commands {
		a.CommandList = append(a.CommandList, p.newCommand(c))
	}
	a.Lifecycle = p.newLifecycle(a)
	a.UniqueVar, a.Unique = unexported(m.Name)+"Unique", newUnique(a)
	p.Aggregates = append(p.Aggregates, a)
}

// goName is the Go type of an event, rejection or command. Where other aggregates have the name too, each of them gets
// that of its aggregate in front.
func goName(a *model.Aggregate, name string, shared bool) string {
	if shared {
		return a.Name + name
	}
	return name
}

// RejectionGo is the Go type of a rejection.
func RejectionGo(r *model.Rejection) string { return goName(r.Aggregate, r.Name, r.Shared) }

// scratch is the field that an event is decoded into: none that stands beside it already.
func (p *Plan) scratch(event string) string {
	name := unexported(event)
	for token.IsKeyword(name) || name == "decider" || name == "folds" || name == "fold" || name == "coder" || p.scratches[name] {
		name += "Event"
	}
	p.scratches[name] = true
	return name
}

func (p *Plan) newCommand(m *model.Command) *Command {
	name := goName(m.Aggregate, m.Name, m.Shared)
	return &Command{Command: m, Go: name, Method: m.Name, Fields: p.fields(name, m.Fields), Result: name + "Result"}
}

func (p *Plan) addProjection(m *model.Projection, events map[*model.Event]*Event) {
	pr := &Projection{
		Projection: m, Team: m.Name, Interface: m.Name + "Folds", Key: m.Name + "Key", Row: m.Name + "Row",
		Model: m.Name + "Model", Engine: unexported(m.Name) + "Projection", Codec: unexported(m.Name) + "Codec",
		File: snake(m.Name) + ".go", FingerprintVar: unexported(m.Name) + "RowFingerprint",
		KeyFields: p.fields(m.Name+"Key", m.Key), RowFields: p.fields(m.Name+"Row", m.Row),
	}
	byModel := map[*model.Field]*Field{}
	for _, f := range append(append([]*Field{}, pr.KeyFields...), pr.RowFields...) {
		byModel[f.Field] = f
	}
	for _, f := range pr.RowFields {
		pr.KeepsStrings = pr.KeepsStrings || holdsStrings(&f.Type)
	}
	for _, h := range m.On {
		pr.Handlers = append(pr.Handlers, newHandler(pr, h, events[h.Event]))
	}
	if i := streamField(m); i >= 0 {
		pr.StreamField = pr.KeyFields[i]
	}
	for i, ix := range m.Indexes {
		f := newFinder(i, ix, byModel)
		if slices.ContainsFunc(pr.Finders, func(other Finder) bool { return other.Count == f.Count }) {
			f.Count = ""
		}
		pr.Finders = append(pr.Finders, f)
	}
	p.addQueries(pr, byModel)
	p.Projections = append(p.Projections, pr)
}

// newFinder names the query of an index: all fields but the last are given, or the only one, and the rows come in the
// order of the rest.
func newFinder(i int, ix model.Index, byModel map[*model.Field]*Field) Finder {
	f := Finder{Name: "By", Count: "CountBy", Index: i}
	by := max(1, len(ix.Fields)-1)
	for j, field := range ix.Fields {
		g := byModel[field]
		switch {
		case j < by:
			f.By = append(f.By, g)
			f.Name += g.Go
			f.Count += g.Go
		default:
			f.Rest = append(f.Rest, g)
			f.Name += "OrderedBy" + g.Go
		}
	}
	return f
}

func (p *Plan) fields(owner string, list []*model.Field) []*Field {
	var out []*Field
	for _, m := range list {
		f := &Field{Field: m, Go: exported(m.Name)}
		p.goNames[m] = f.Go
		if m.Rules.Pattern != "" {
			f.Pattern = p.pattern(owner + f.Go)
		}
		out = append(out, f)
	}
	return out
}

// pattern names the variable of a compiled pattern. The field id of Account and the type AccountID would have the same.
func (p *Plan) pattern(of string) string {
	base := unexported(of) + "Pattern"
	name := base
	for n := 2; p.patterns[name]; n++ {
		name = base + strconv.Itoa(n)
	}
	p.patterns[name] = true
	return name
}

// holdsStrings says whether a value of the type has strings of the payload that it was decoded from. Enums are decoded
// to constants; bytes are always copied.
func holdsStrings(t *model.Type) bool {
	switch t.Kind {
	case model.String:
		return true
	case model.Optional, model.List, model.Set:
		return holdsStrings(t.Elem)
	case model.Map:
		return holdsStrings(t.Key) || holdsStrings(t.Elem)
	case model.Ref:
		switch t.Named.Kind {
		case model.Scalar:
			return t.Named.Base == model.String
		case model.Struct:
			for _, f := range t.Named.Fields {
				if holdsStrings(&f.Type) {
					return true
				}
			}
		}
	}
	return false
}
