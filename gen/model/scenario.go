package model

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Scenario is a test by example.
type Scenario struct {
	// Name is as written: any text.
	Name string
	Doc  string
	At   diag.Span
	// Time is when all of it happens, as a Value of Time has it; "" leaves it open.
	Time  string
	Given []StreamEvents
	When  *Execution
	// Then has the events that the command leads to; it is nil where nothing is said of them.
	Then *Outcome
	Rows []ScenarioRows
}

// StreamEvents are events of one stream.
type StreamEvents struct {
	Stream Stream
	Events []ScenarioEvent
}

// Stream names a stream.
type Stream struct {
	Aggregate *Aggregate
	// ID is of the type of the aggregate's id, nil where there is one instance. Its Text is what names the stream.
	ID *Value
}

// Name is "Account/acc-1".
func (s Stream) Name() string {
	if s.ID == nil {
		return s.Aggregate.Name + "/" + singleID
	}
	return s.Aggregate.Name + "/" + s.ID.Text
}

// ScenarioEvent is an event with its fields: all of them where it is given, those that are compared where it is
// expected.
type ScenarioEvent struct {
	Event *Event
	// Version is that of the event's declaration.
	Version int
	Fields  *Value
	At      diag.Span
}

// Execution is a command, with its fields, to a stream.
type Execution struct {
	Stream  Stream
	Command *Command
	Fields  *Value
	At      diag.Span
}

// Outcome is what a command leads to: events, none at all, or a rejection.
type Outcome struct {
	Events    []StreamEvents
	Rejection *Rejection
	// Fields are those of the rejection that are compared.
	Fields *Value
	At     diag.Span
}

// ScenarioRows are all rows of a projection.
type ScenarioRows struct {
	Projection *Projection
	// Rows have fields of the key and of the row.
	Rows []*Value
	At   diag.Span
}

// unreadParts has what could not be read of a file, which was reported: what it declares is unknown and not wrong.
type unreadParts struct {
	aggregates, commands, projections bool
	// fields, emits and rejects are those of commands; fields also those of rejections and projections.
	fields, emits, rejects map[any]bool
}

func (r *resolver) unreadParts(f *schema.File) *unreadParts {
	u := &unreadParts{
		aggregates:  r.aggregatesUnknown,
		projections: f.Partial || unread(f.Keys, "projections", len(f.Projections)),
		fields:      map[any]bool{}, emits: map[any]bool{}, rejects: map[any]bool{},
	}
	u.commands = u.aggregates
	for i, a := range f.Aggregates {
		m := r.model.Aggregates[i]
		u.commands = u.commands || unread(a.Keys, "commands", len(a.Commands))
		for j, c := range a.Commands {
			u.fields[m.Commands[j]] = unread(c.Keys, "fields", len(c.Fields))
			u.emits[m.Commands[j]] = len(c.Emits) == 0 || c.Keys["emits"] == schema.Faulty || len(m.Commands[j].Emits) < len(c.Emits)
			u.rejects[m.Commands[j]] = c.Keys["rejects"] == schema.Faulty || len(m.Commands[j].Rejects) < len(c.Rejects)
		}
		for j, x := range a.Rejections {
			u.fields[m.Rejections[j]] = unread(x.Keys, "fields", len(x.Fields))
		}
	}
	for i, p := range f.Projections {
		u.fields[r.model.Projections[i]] = len(p.Key) == 0 || len(p.Row) == 0
	}
	return u
}

func (r *resolver) scenarios(f *schema.File) {
	u := r.unreadParts(f)
	for _, s := range f.Scenarios {
		r.scenario(s, u)
	}
}

// scenario resolves one scenario.
func (r *resolver) scenario(s *schema.Scenario, u *unreadParts) {
	m := &Scenario{Name: s.Name.Value, Doc: s.Doc, At: s.Name.At, Time: r.scenarioTime(s.At)}
	r.model.Scenarios = append(r.model.Scenarios, m)
	x := scenarioReader{resolver: r, scenario: m, unread: u, unnamed: map[*Aggregate]bool{}}
	r.scenarioParts(s)
	if s.Given != nil {
		m.Given = x.streams(s.Given, "given", asGiven, nil)
	}
	if s.When != nil {
		m.When = x.when(s.When)
	}
	if s.Then != nil {
		m.Then = x.then(s.Then)
	}
	if s.Rows != nil {
		x.rows(s.Rows)
	}
}

// scenarioParts reports what a scenario has to have, and lacks.
func (r *resolver) scenarioParts(s *schema.Scenario) {
	has := func(key string) bool { return s.Keys[key] != schema.Absent }
	for _, state := range s.Keys {
		if state == schema.Faulty {
			return // who knows what was meant
		}
	}
	switch {
	case has("then") && !has("when"):
		r.errorf(diag.ScenarioParts, s.Name.At, "say which command leads to it: `when: {Command: {…}}`",
			"the scenario has a `then` and no `when`")
	case has("when") && !has("then") && !has("rows"):
		r.errorf(diag.ScenarioParts, s.Name.At, "add `then`: events, `[]` for none, or `{rejection: {Name: {…}}}`",
			"the scenario does not say what the command leads to")
	case !has("when") && !has("rows"):
		r.errorf(diag.ScenarioParts, s.Name.At, "add `when` and `then`, or `rows`", "the scenario expects nothing")
	}
}

func (r *resolver) scenarioTime(at schema.Text) string {
	if !at.Given() {
		return ""
	}
	text, ok := canonical(at.Value, Time)
	if !ok {
		r.errorf(diag.ScenarioValue, at.At, scenarioTimeHint, "%q is not a time", at.Value)
	}
	return text
}

const scenarioTimeHint = "write `2026-03-01T10:00:00Z`"

// scenarioReader resolves what one scenario names.
type scenarioReader struct {
	*resolver
	scenario *Scenario
	unread   *unreadParts
	// unnamed has the aggregates of which it was reported that their stream must be named.
	unnamed map[*Aggregate]bool
}

// streams reads a list of events, each on its aggregate's default stream or below the name of its stream. Where a
// command is given, they are what it leads to.
func (x *scenarioReader) streams(s *schema.Value, key string, how strictness, by *Execution) []StreamEvents {
	if s.Faulty {
		return nil
	}
	if s.Kind != schema.Sequence {
		x.errorf(diag.ScenarioForm, s.At, "write `"+key+": [{Event: {…}}]`, or `[]` for none",
			"`%s` is a list of events, not %s", key, s.Kind)
		return nil
	}
	var list []StreamEvents
	for _, item := range s.Items {
		entry, ok := x.single(item, "an event", "{Event: {…}}")
		if !ok {
			continue
		}
		stream, events, ok := x.entryEvents(entry, how, by)
		if !ok {
			continue
		}
		if last := len(list) - 1; last >= 0 && list[last].Stream.same(stream) {
			list[last].Events = append(list[last].Events, events...)
			continue
		}
		list = append(list, StreamEvents{Stream: stream, Events: events})
	}
	return list
}

func (s Stream) same(t Stream) bool {
	return s.Aggregate == t.Aggregate && s.Name() == t.Name()
}

// single returns the only entry of a mapping.
func (x *scenarioReader) single(s *schema.Value, what, example string) (schema.ValueEntry, bool) {
	switch {
	case s.Faulty:
		return schema.ValueEntry{}, false
	case s.Kind == schema.PlainText && identifier.MatchString(s.Text):
		x.errorf(diag.ScenarioForm, s.At, "write `{"+s.Text+": {}}`", "%s is written with its fields", what)
		return schema.ValueEntry{}, false
	case s.Kind != schema.Mapping || len(s.Entries) != 1:
		x.errorf(diag.ScenarioForm, s.At, "write `"+example+"`", "this is to be %s: one name with its fields", what)
		return schema.ValueEntry{}, false
	}
	return s.Entries[0], true
}

// entryEvents reads `Event: {…}` or `Account/acc-1: [{Event: {…}}]`.
func (x *scenarioReader) entryEvents(
	entry schema.ValueEntry, how strictness, by *Execution,
) (Stream, []ScenarioEvent, bool) {
	if !x.namesStream(entry.Key) {
		event, ok := x.event(entry, nil, how, by)
		if !ok {
			return Stream{}, nil, false
		}
		stream, ok := x.defaultStream(event.Event.Aggregate, entry.Key)
		return stream, []ScenarioEvent{event}, ok
	}
	stream, ok := x.stream(entry.Key)
	if !ok || entry.Value.Faulty {
		return stream, nil, false
	}
	if entry.Value.Kind != schema.Sequence {
		x.errorf(diag.ScenarioForm, entry.Value.At, "write `"+entry.Key.Value+": [{Event: {…}}]`",
			"a stream has a list of events, not %s", entry.Value.Kind)
		return stream, nil, false
	}
	var events []ScenarioEvent
	for _, item := range entry.Value.Items {
		entry, whole := x.single(item, "an event", "{Event: {…}}")
		if !whole {
			ok = false
			continue
		}
		event, whole := x.event(entry, stream.Aggregate, how, by)
		events, ok = append(events, event), ok && whole
	}
	return stream, events, ok
}

// event reads `MoneyDeposited: {…}` or `MoneyDeposited@1: {…}`; of is the aggregate of its stream, if that is named.
func (x *scenarioReader) event(
	entry schema.ValueEntry, of *Aggregate, how strictness, by *Execution,
) (ScenarioEvent, bool) {
	name, version, old := strings.Cut(entry.Key.Value, "@")
	event := x.scenarioEvent(schema.Text{Value: name, At: entry.Key.At}, of)
	if event == nil {
		return ScenarioEvent{}, false
	}
	m := ScenarioEvent{Event: event, Version: event.Version, At: entry.Key.At}
	if old && !x.version(&m, entry.Key, version) {
		return m, false
	}
	if by != nil && !x.emitted(event, entry.Key, by) {
		return m, false
	}
	if by != nil && (m.Version < event.Version || slices.Contains(event.Aggregate.Former, event)) {
		x.errorf(diag.ScenarioVersion, m.At, "write `"+event.Name+"`", "a command leads to events as they are today")
		return m, false
	}
	m.Fields = x.elementFields(entry.Value, "the event "+event.Name, event.fieldsAt(m.Version), x.fieldsUnknown[event], how)
	return m, m.Fields != nil
}

// elementFields reads the fields of an event, a command or a rejection. It returns nil where something was reported.
func (r *resolver) elementFields(
	s *schema.Value, owner string, fields []*Field, unknown bool, how strictness,
) *Value {
	v := &Value{At: s.At}
	if s.Faulty || !r.fieldValues(s, v, owner, fields, unknown, how) {
		return nil
	}
	return v
}

// scenarioEvent finds an event, of one aggregate if that is known.
func (x *scenarioReader) scenarioEvent(name schema.Text, of *Aggregate) *Event {
	if of == nil {
		if e := x.formerEvent(name.Value); e != nil {
			return e
		}
		return x.resolver.event(name, diag.ScenarioUnknown, map[*Event]diag.Span{})
	}
	for _, e := range slices.Concat(of.Events, of.Former) {
		if e.Name == name.Value || qualified(of, e.Name) == name.Value {
			return e
		}
	}
	if x.eventsUnknown {
		return nil
	}
	hint, _ := x.hint(name.Value, eventNames(of))
	x.errorf(diag.ScenarioUnknown, name.At, hint, "%s has no event %q", of.Name, name.Value)
	return nil
}

// formerEvent finds the only event of a name that is read as others.
func (x *scenarioReader) formerEvent(name string) (found *Event) {
	if len(x.events[name]) > 0 {
		return nil
	}
	for _, a := range x.model.Aggregates {
		for _, e := range a.Former {
			if qualified(a, e.Name) == name || e.Name == name && found == nil && !e.Shared {
				found = e
			}
		}
	}
	return found
}

// version checks which declaration of an event is given.
func (x *scenarioReader) version(m *ScenarioEvent, key schema.Text, text string) bool {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > m.Event.Version {
		x.errorf(diag.ScenarioVersion, key.At, "",
			"%s has the versions 1 to %d, not %q", m.Event.Name, m.Event.Version, text)
		return false
	}
	m.Version = n
	return true
}

// emitted reports an event that a command can't lead to.
func (x *scenarioReader) emitted(event *Event, name schema.Text, by *Execution) bool {
	for _, e := range by.Command.Emits {
		if slices.Contains(e.Events, event) {
			return true
		}
	}
	if x.unread.emits[by.Command] {
		return false
	}
	x.clash(diag.ScenarioNever, name.At, by.Command.At, by.Command.Name+" is declared here",
		"%s does not emit %s: it can't be expected", by.Command.Name, event.Name)
	return false
}

// when reads the command of a scenario.
func (x *scenarioReader) when(s *schema.Value) *Execution {
	entry, ok := x.single(s, "a command", "when: {Command: {…}}")
	if !ok {
		return nil
	}
	m := &Execution{At: entry.Key.At}
	if x.namesStream(entry.Key) {
		if m.Stream, ok = x.stream(entry.Key); !ok {
			return nil
		}
		if entry, ok = x.single(entry.Value, "a command", entry.Key.Value+": {Command: {…}}"); !ok {
			return nil
		}
	}
	if m.Command = x.command(entry.Key, m.Stream.Aggregate); m.Command == nil {
		return nil
	}
	if m.Stream.Aggregate == nil {
		if m.Stream, ok = x.defaultStream(m.Command.Aggregate, entry.Key); !ok {
			return nil
		}
	}
	m.Fields = x.elementFields(entry.Value, "the command "+m.Command.Name, m.Command.Fields,
		x.unread.fields[m.Command], asCommand)
	return m
}

// command finds a command, of one aggregate if that is known.
func (x *scenarioReader) command(name schema.Text, of *Aggregate) *Command {
	var names []string
	var found, others []*Command
	for _, a := range x.model.Aggregates {
		for _, c := range a.Commands {
			switch named := c.Name == name.Value || qualified(a, c.Name) == name.Value; {
			case named && (of == nil || of == a):
				found = append(found, c)
			case named:
				others = append(others, c)
			case of == nil || of == a:
				names = append(names, c.Ref())
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		x.ambiguousCommand(name, found)
	case len(others) > 0:
		x.clash(diag.ScenarioUnknown, name.At, others[0].At, others[0].Name+" is declared here",
			"%s is a command of %s, not of %s", others[0].Name, others[0].Aggregate.Name, of.Name)
	case !x.unread.commands:
		hint, _ := x.hint(name.Value, names)
		x.errorf(diag.ScenarioUnknown, name.At, hint, "unknown command %q", name.Value)
	}
	return nil
}

func (x *scenarioReader) ambiguousCommand(name schema.Text, found []*Command) {
	d := diag.Diagnostic{
		Code: diag.AmbiguousName, At: name.At, Message: "several aggregates have a command " + name.Value,
		Hint: "write " + found[0].Ref() + " or " + found[1].Ref(),
	}
	for _, c := range found {
		d.Related = append(d.Related, diag.Related{At: c.At, Message: "one is declared here"})
	}
	x.diags.Add(d)
}

// then reads what the command leads to.
func (x *scenarioReader) then(s *schema.Value) *Outcome {
	m := &Outcome{At: s.At}
	by := x.scenario.When
	switch {
	case s.Faulty:
		return nil
	case s.Kind == schema.Mapping && len(s.Entries) == 1 && s.Entries[0].Key.Value == "rejection":
		if entry, ok := x.single(s.Entries[0].Value, "a rejection", "rejection: {Name: {…}}"); ok {
			x.rejection(entry, m, by)
		}
	case s.Kind == schema.Mapping:
		x.errorf(diag.ScenarioForm, s.At, "write `[{Event: {…}}]` for events, `{rejection: {Name: {…}}}` for a rejection",
			"`then` is a list of events, or a rejection")
	default:
		m.Events = x.streams(s, "then", asExpected, by)
	}
	return m
}

func (x *scenarioReader) rejection(entry schema.ValueEntry, m *Outcome, by *Execution) {
	if by == nil {
		return // without the command nobody knows what it rejects with
	}
	var names []string
	for _, rejection := range by.Command.Answers() {
		names = append(names, rejection.Name)
		if rejection.Name == entry.Key.Value || qualified(rejection.Aggregate, rejection.Name) == entry.Key.Value {
			m.Rejection = rejection
		}
	}
	if m.Rejection == nil && (x.rejectionsUnknown || x.unread.rejects[by.Command]) {
		return
	}
	if m.Rejection == nil {
		if _, declared := x.rejections[entry.Key.Value]; declared {
			x.clash(diag.ScenarioNever, entry.Key.At, by.Command.At, by.Command.Name+" is declared here",
				"%s does not reject with %s: it can't be expected", by.Command.Name, entry.Key.Value)
			return
		}
		if l := by.Command.Aggregate.Lifecycle; l != nil && entry.Key.Value == l.NotInPhase.Name {
			if !x.diags.Failed() { // else it is not known in which phases the command can be given
				x.errorf(diag.ScenarioNever, entry.Key.At, "say `in: […]` for "+by.Command.Name+" to bind it to phases",
					"%s can be given in every phase: it is never rejected with %s", by.Command.Name, entry.Key.Value)
			}
			return
		}
		hint, _ := x.hint(entry.Key.Value, names)
		x.errorf(diag.ScenarioUnknown, entry.Key.At, hint, "unknown rejection %q", entry.Key.Value)
		return
	}
	m.At = entry.Key.At
	m.Fields = x.elementFields(entry.Value, "the rejection "+m.Rejection.Name, m.Rejection.Fields,
		x.unread.fields[m.Rejection], asExpected)
}

// rows reads the rows of projections.
func (x *scenarioReader) rows(s *schema.Value) {
	if s.Faulty {
		return
	}
	if s.Kind != schema.Mapping {
		x.errorf(diag.ScenarioForm, s.At, "write `rows: {Projection: [{field: …}]}`",
			"`rows` has projections, not %s", s.Kind)
		return
	}
	for _, entry := range s.Entries {
		p := x.projectionNamed(entry.Key)
		if p == nil || entry.Value.Faulty {
			continue
		}
		if entry.Value.Kind != schema.Sequence {
			x.errorf(diag.ScenarioForm, entry.Value.At, "write `"+p.Name+": [{field: …}]`, or `[]` for none",
				"a projection has a list of rows, not %s", entry.Value.Kind)
			continue
		}
		m := ScenarioRows{Projection: p, At: entry.Key.At}
		fields := append(append([]*Field(nil), p.Key...), p.Row...)
		for _, row := range entry.Value.Items {
			m.Rows = append(m.Rows, x.elementFields(row, "a row of "+p.Name, fields, x.unread.fields[p], asExpected))
		}
		x.scenario.Rows = append(x.scenario.Rows, m)
	}
}

func (x *scenarioReader) projectionNamed(name schema.Text) *Projection {
	var names []string
	for _, p := range x.model.Projections {
		if p.Name == name.Value {
			return p
		}
		names = append(names, p.Name)
	}
	if x.unread.projections {
		return nil
	}
	hint, _ := x.hint(name.Value, names)
	x.errorf(diag.ScenarioUnknown, name.At, hint, "unknown projection %q", name.Value)
	return nil
}
