package model

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// MaxPhases bounds the phases of a lifecycle.
const MaxPhases = 64

// PhaseField is the state field that holds the phase.
const PhaseField = "phase"

// Lifecycle is the phases of an aggregate.
type Lifecycle struct {
	// Phases is the enum <Aggregate>Phase, which is one of the model's types. Its first value is where a stream starts.
	Phases *Named
	// NotInPhase answers a command that is given in a phase in which it can't be. It is one of the aggregate's
	// rejections.
	NotInPhase *Rejection
}

// PhaseSet is a set of phases, by their places in the lifecycle.
type PhaseSet uint64

// Has reports whether the phase at place i is in the set.
func (s PhaseSet) Has(i int) bool { return s>>i&1 == 1 }

func phaseAt(i int) PhaseSet { return 1 << i }

// allPhases is the set of the first n phases.
func allPhases(n int) PhaseSet { return 1<<n - 1 }

// All returns the set of all phases.
func (l *Lifecycle) All() PhaseSet { return allPhases(len(l.Phases.Values)) }

// Names returns the names of the phases of a set, in the order of the lifecycle.
func (l *Lifecycle) Names(s PhaseSet) []string {
	var names []string
	for i, v := range l.Phases.Values {
		if s.Has(i) {
			names = append(names, v.Name)
		}
	}
	return names
}

// Moves says in which phases an event can happen, and to which it leads.
type Moves struct {
	From PhaseSet
	To   int
	At   diag.Span
}

// Ends reports whether streams end in the phase at place i: no event leaves it.
func (a *Aggregate) Ends(i int) bool {
	for _, e := range a.Events {
		if e.Moves != nil && e.Moves.From.Has(i) && e.Moves.To != i {
			return false
		}
	}
	return true
}

// declareLifecycle declares what a lifecycle brings: the type of the phases and the rejection.
func (r *resolver) declareLifecycle(a *schema.Aggregate, m *Aggregate) {
	if a.Keys["lifecycle"] == schema.Absent {
		return
	}
	at := a.Name.At
	if len(a.Lifecycle) > 0 {
		at = a.Lifecycle[0].At
	}
	phases := &Named{
		Name: m.Name + "Phase", Doc: "The phase that one " + m.Name + " is in.", At: at, Kind: Enum,
	}
	if !r.phases(a, phases) {
		phases.Kind = 0 // what uses it has nothing to say
	}
	r.reserve(phases.Name, "the phases of "+m.Name, at)
	r.model.Types = append(r.model.Types, phases)
	if _, taken := r.types[phases.Name]; !taken {
		r.types[phases.Name] = phases
	}
	x := &Rejection{
		Aggregate: m, Name: m.Name + "NotInPhase", At: at, Generated: true,
		Doc: "The command can't be given in the phase that the " + m.Name + " is in.",
	}
	phase := Type{Kind: Ref, Named: r.use(phases)}
	x.Fields = []*Field{
		{Name: "command", Type: Type{Kind: String}, At: at},
		{Name: "phase", Type: phase, At: at},
		{Name: "allowed", Type: Type{Kind: List, Elem: &phase}, At: at},
	}
	r.reserve(x.Name, "the rejection of commands in the wrong phase of "+m.Name, at)
	m.Lifecycle = &Lifecycle{Phases: phases, NotInPhase: x}
}

// reserve enters a name that is generated into the package's namespace.
func (r *resolver) reserve(name, what string, at diag.Span) {
	lower := strings.ToLower(name)
	if list := r.names[lower]; len(list) > 0 {
		first := list[0]
		r.clash(diag.DuplicateName, at, first.name.At, first.what+" is declared here",
			"%s can't be named %s: %s has this name", what, name, first.what)
		return
	}
	r.names[lower] = []declaration{{name: schema.Text{Value: name, At: at}, what: what}}
}

// phases enters the phases into the enum. It reports false if one of them was reported.
func (r *resolver) phases(a *schema.Aggregate, n *Named) bool {
	before := r.diags.Len()
	first := map[string]schema.Text{}
	for _, p := range a.Lifecycle {
		folded := strings.ReplaceAll(strings.ToLower(p.Value), "_", "")
		switch same, twice := first[folded]; {
		case folded == schema.AnyPhase:
			r.errorf(diag.PhaseName, p.At, "give the phase another name", "`any` stands for every phase: none can be named so")
		case len(p.Value) > MaxName || !enumValue.MatchString(p.Value):
			hint := ""
			if better := camel(p.Value); better != "" {
				hint = did(lowerFirst(better))
			}
			r.errorf(diag.PhaseName, p.At, hint, "the name of a phase has 1 to %d letters, digits and _", MaxName)
		case twice && same.Value == p.Value:
			r.clash(diag.PhaseTwice, p.At, same.At, "the first one", "the phase %s stands here twice", p.Value)
		case twice:
			r.clash(diag.PhaseTwice, p.At, same.At, "the first one",
				"the phase %s differs from %s only in case or _", p.Value, same.Value)
		default:
			first[folded] = p
			n.Values = append(n.Values, EnumValue{Name: p.Value, At: p.At})
		}
	}
	if a.Keys["lifecycle"] == schema.Faulty || r.diags.Len() != before {
		return false
	}
	if len(n.Values) < 2 || len(n.Values) > MaxPhases {
		r.errorf(diag.PhaseCount, n.At, "", "the lifecycle of %s has 2 to %d phases, not %d",
			a.Name.Value, MaxPhases, len(n.Values))
		return false
	}
	return true
}

// stateFields are the fields of an aggregate's state as they are declared, behind the one for the phase.
func (r *resolver) stateFields(a *schema.Aggregate, m *Aggregate) []*schema.Field {
	if m.Lifecycle == nil {
		return a.State
	}
	for _, f := range a.State {
		switch {
		case f.Name.Value == PhaseField:
			r.clash(diag.PhaseDeclared, f.Name.At, m.Lifecycle.Phases.At, "the lifecycle brings it",
				"the state of %s has the field `%s` already", m.Name, PhaseField)
			return a.State
		case strings.EqualFold(f.Name.Value, PhaseField):
			return a.State // no name of a field, which is reported
		}
	}
	at := m.Lifecycle.Phases.At
	phase := &schema.Field{
		Decl: schema.Decl{
			Name: schema.Text{Value: PhaseField, At: at}, Keys: schema.Keys{"type": schema.Written},
			Doc: "What can happen next. The events change it, by their moves.",
		},
		Type: &schema.TypeExpr{Kind: schema.Name, Name: m.Lifecycle.Phases.Name, At: at},
	}
	return append([]*schema.Field{phase}, a.State...)
}

// lifecycle resolves what events and commands say about phases. Their other parts are resolved already.
func (r *resolver) lifecycle(a *schema.Aggregate, m *Aggregate) {
	if m.Lifecycle == nil {
		r.noLifecycle(a)
		return
	}
	m.Rejections = append(m.Rejections, m.Lifecycle.NotInPhase)
	if m.Lifecycle.Phases.Kind == 0 {
		return
	}
	before, whole := r.diags.Len(), a.Keys["events"] != schema.Faulty && a.Keys["commands"] != schema.Faulty
	for i, e := range a.Events {
		m.Events[i].Moves = r.moves(m, e.Moves)
	}
	for i, c := range a.Commands {
		m.Commands[i].In = r.in(m, c)
		whole = whole && len(c.Emits) == len(m.Commands[i].Emits)
	}
	if !whole || r.diags.Len() != before {
		return
	}
	r.possible(a, m)
	for _, c := range m.Commands {
		if c.Guarded() {
			c.Rejects = append(c.Rejects, m.Lifecycle.NotInPhase)
		}
	}
}

// Guarded reports whether the command depends on the phase: there is one in which it can't be given.
func (c *Command) Guarded() bool {
	l := c.Aggregate.Lifecycle
	return l != nil && c.Creates != MustBeNew && c.In != l.All()
}

// noLifecycle reports phases that nobody declared.
func (r *resolver) noLifecycle(a *schema.Aggregate) {
	hint := "add `lifecycle: [new, open, closed]` to " + a.Name.Value + ", with its phases"
	for _, e := range a.Events {
		if e.Moves.Given() {
			r.errorf(diag.NoLifecycle, e.Moves.From[0].At, hint, "%s moves, but %s has no `lifecycle`",
				e.Name.Value, a.Name.Value)
		}
	}
	for _, c := range a.Commands {
		if len(c.In) > 0 {
			r.errorf(diag.NoLifecycle, c.In[0].At, hint, "%s is given in a phase, but %s has no `lifecycle`",
				c.Name.Value, a.Name.Value)
		}
	}
}

func (r *resolver) moves(m *Aggregate, s schema.Moves) *Moves {
	if !s.Given() {
		return nil
	}
	moves := &Moves{To: r.phase(m, s.To), At: s.From[0].At}
	if s.From[0].Value == schema.AnyPhase && len(s.From) == 1 {
		moves.From = m.Lifecycle.All()
		return moves
	}
	moves.From = r.phaseSet(m, s.From)
	return moves
}

// in resolves the phases in which a command can be given, where it says so.
func (r *resolver) in(m *Aggregate, c *schema.Command) PhaseSet {
	if c.Keys["in"] == schema.Written && len(c.In) == 0 {
		r.errorf(diag.UnknownPhase, c.Name.At, "leave `in` out: it follows from the events",
			"%s is given in no phase at all", c.Name.Value)
	}
	return r.phaseSet(m, c.In)
}

func (r *resolver) phaseSet(m *Aggregate, names []schema.Text) PhaseSet {
	var set PhaseSet
	for _, name := range names {
		i := r.phase(m, name)
		if i < 0 {
			continue
		}
		if set.Has(i) {
			r.errorf(diag.PhaseTwice, name.At, "", "the phase %s stands here twice", name.Value)
		}
		set |= phaseAt(i)
	}
	return set
}

// phase returns the place of a phase, -1 for one that is unknown.
func (r *resolver) phase(m *Aggregate, name schema.Text) int {
	var names []string
	for i, v := range m.Lifecycle.Phases.Values {
		if v.Name == name.Value {
			return i
		}
		names = append(names, v.Name)
	}
	if name.Value == schema.AnyPhase {
		r.errorf(diag.UnknownPhase, name.At, "", "`any` stands alone before the arrow: `any -> %s`", names[len(names)-1])
		return -1
	}
	r.errorf(diag.UnknownPhase, name.At, diag.DidYouMean(name.Value, names), "%s has no phase %q", m.Name, name.Value)
	return -1
}

// either lists names as a choice: "new, open or closed".
func either(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return fmt.Sprintf("%s or %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}
