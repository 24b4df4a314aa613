package plan

import (
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Also are further streams of a command.
type Also struct {
	*model.Also
	Aggregate *Aggregate
	// Go is the field of the command's AlsoType with the state, or with one for each element; "" where the streams are
	// new, and the decider gets none.
	Go string
	// Var is the variable that holds the streams.
	Var string
}

// Emit is one entry of a command's emits.
type Emit struct {
	*model.Emit
	// Events has more than one where exactly one of them happens: Choice is the interface that they implement.
	Events []*Event
	Choice string
	// To are the further streams that get the events, nil for the command's own.
	To *Also
	// Go is the field of the result: MoneyWithdrawn, TargetMoneyDeposited.
	Go string
	// Text is the entry as the model writes it.
	Text string
}

// addStreams plans what commands emit, and the further streams that they load, once all aggregates are known.
func (p *Plan) addStreams(events map[*model.Event]*Event) {
	byModel := map[*model.Aggregate]*Aggregate{}
	for _, a := range p.Aggregates {
		byModel[a.Aggregate] = a
	}
	for _, a := range p.Aggregates {
		for _, c := range a.CommandList {
			for _, also := range c.Command.Also {
				c.addAlso(also, byModel[also.Aggregate])
				if other := byModel[also.Aggregate]; other != a && !slices.Contains(a.Others, other) {
					a.Others = append(a.Others, other)
				}
			}
			for i := range c.Command.Emits {
				c.addEmit(&c.Command.Emits[i], events)
			}
			c.nameResult()
		}
	}
}

// OtherVar is the field in which the handlers of one aggregate hold another: stockAggregate.
func (a *Aggregate) OtherVar() string { return unexported(a.Name) + "Aggregate" }

func (c *Command) addAlso(m *model.Also, of *Aggregate) {
	a := &Also{Also: m, Aggregate: of, Var: m.Name + "Stream"}
	if m.Each != nil {
		a.Var += "s"
	}
	if m.Creates != model.MustBeNew {
		a.Go = exported(m.Name)
		c.AlsoType = c.Go + "Also"
	}
	c.Also = append(c.Also, a)
}

func (c *Command) addEmit(m *model.Emit, events map[*model.Event]*Event) {
	em := &Emit{Emit: m}
	var names []string
	for _, e := range m.Events {
		em.Events = append(em.Events, events[e])
		names = append(names, events[e].Go)
	}
	em.Go = strings.Join(names, "Or")
	em.Text = em.text()
	for _, also := range c.Also {
		if also.Also == m.To {
			em.To, em.Go = also, exported(also.Name)+em.Go
		}
	}
	if len(em.Events) > 1 {
		em.Choice = c.Go + em.Go
	}
	c.Emits = append(c.Emits, em)
}

// text is the entry as the model writes it.
func (e *Emit) text() string {
	var names []string
	for _, event := range e.Emit.Events {
		name := event.Name
		if e.Emit.To != nil {
			name = e.Emit.To.Name + "." + name
		}
		names = append(names, name)
	}
	words := map[model.Times]string{model.Maybe: "maybe ", model.Some: "some ", model.Many: "many "}
	return words[e.Times] + strings.Join(names, " or ")
}

// nameResult names what the decider returns.
func (c *Command) nameResult() {
	if len(c.Emits) == 1 && c.Emits[0].Times == model.Once {
		c.Single = true
		if only := c.Emits[0]; only.Choice != "" {
			only.Choice, c.None = c.Result, "nil"
			return
		}
		c.Result = c.Emits[0].Events[0].Go
	}
	c.None = c.Result + "{}"
}

// checkStreams reports the names of a command's streams and results that collide.
func (c *Command) checkStreams(s *scope) {
	if !c.Single {
		s.add(c.Result, "the result of "+c.Name, c.At)
	}
	if c.AlsoType != "" {
		s.add(c.AlsoType, "the further streams of "+c.Name, c.At)
	}
	states, fields := newScope(s.d, " in "+c.AlsoType), newScope(s.d, " in "+c.Result)
	for _, a := range c.Also {
		if a.Go != "" {
			states.add(a.Go, "the stream "+a.Name, a.At)
		}
	}
	for _, em := range c.Emits {
		if em.Choice != "" {
			s.add(em.Choice, "the choice of "+em.Text, em.At)
		}
		if !c.Single {
			fields.add(em.Go, "the entry "+em.Text, em.At)
		}
	}
}
