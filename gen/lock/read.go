package lock

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Read reads a lock file, of this form or an older one. The error is a *DamagedError, or a *NewerError for a file of a
// later release, which is told apart by its line `lock: N` alone.
func Read(src []byte) (*Lock, error) {
	if len(src) > MaxSize {
		return nil, &DamagedError{1, fmt.Sprintf("it is larger than %d bytes", MaxSize)}
	}
	form, line := formOf(src)
	switch {
	case form < 1:
		return nil, &DamagedError{line, "it does not begin with `lock: 1`"}
	case form > Version:
		return nil, &NewerError{form}
	}
	root, err := tree(src)
	if err != nil {
		return nil, err
	}
	r := &reader{form: form}
	l := r.lock(root)
	if r.err == nil && len(l.Files) == 0 {
		r.fail(root, "it lists no files") // there is no model without
	}
	if l.Package == "" {
		r.fail(root, "it names no package")
	}
	if r.err == nil {
		r.check(l)
	}
	if r.err != nil {
		return nil, r.err
	}
	return l, nil
}

// formOf returns the version of a file's form, 0 if it has none, and the line where that stands: the first that is no
// comment.
func formOf(src []byte) (form, line int) {
	for rest := src; len(rest) > 0; {
		var s []byte
		s, rest, _ = bytes.Cut(rest, []byte("\n"))
		line++
		if s = bytes.TrimSpace(s); len(s) == 0 || s[0] == '#' {
			continue
		}
		text, ok := bytes.CutPrefix(s, []byte("lock: "))
		if form, err := strconv.Atoi(string(text)); ok && err == nil {
			return form, line
		}
		return 0, line
	}
	return 0, max(1, line)
}

// reader reads the tree, and remembers what was wrong first.
type reader struct {
	form int
	err  error
}

func (r *reader) fail(n *node, format string, args ...any) {
	if r.err == nil {
		r.err = &DamagedError{max(1, n.at.Line), fmt.Sprintf(format, args...)}
	}
}

// keys calls what is to be done with each key. Others are no keys of a lock file.
func (r *reader) keys(n *node, known map[string]func(*node)) {
	if n.value != "" {
		r.fail(n, "%q has a value", n.key)
	}
	for _, c := range n.list {
		if do, ok := known[c.key]; ok && !c.item {
			do(c)
		} else {
			r.fail(c, "%q does not belong there", c.key+c.value)
		}
	}
}

// text is the value of a line that has nothing below it.
func (r *reader) text(n *node, into *string) {
	if len(n.list) > 0 || n.value == "" {
		r.fail(n, "%q has no value", n.key)
	}
	*into = n.value
}

func (r *reader) into(s *string) func(*node) { return func(n *node) { r.text(n, s) } }

// sign reads a key that is there with its one value, or not at all.
func (r *reader) sign(value string, into *bool) func(*node) {
	return func(n *node) {
		if *into = n.value == value; !*into {
			r.fail(n, "%q can only be %s", n.key, value)
		}
	}
}

// named reads each of the lines below one.
func named[T any](r *reader, into *[]T, read func(*node) T) func(*node) {
	return func(n *node) {
		if n.value != "" {
			r.fail(n, "%q has a value", n.key)
		}
		for _, c := range n.list {
			if c.item {
				r.fail(c, "a key belongs there")
			}
			*into = append(*into, read(c))
		}
	}
}

func (r *reader) lock(n *node) *Lock {
	l := &Lock{Form: r.form}
	var files []Value
	r.keys(n, map[string]func(*node){
		"lock":        func(n *node) { l.FormAt = n.at },
		"package":     r.into(&l.Package),
		"types":       named(r, &l.Types, r.typ),
		"aggregates":  named(r, &l.Aggregates, r.aggregate),
		"projections": named(r, &l.Projections, r.projection),
		"files":       r.values(&files),
	})
	for _, f := range files {
		l.Files = append(l.Files, f.Text)
	}
	return l
}

func (r *reader) values(into *[]Value) func(*node) {
	return func(n *node) {
		for _, c := range n.list {
			if !c.item {
				r.fail(c, "a list belongs there")
			}
			*into = append(*into, Value{c.value, c.at})
		}
		if n.value != "" {
			r.fail(n, "%q has a value", n.key)
		}
	}
}

func (r *reader) typ(n *node) *Type {
	t := &Type{Name: n.key, At: n.at}
	if r.form == 1 {
		r.firstType(t, n)
		return t
	}
	r.keys(n, map[string]func(*node){
		"base": r.into(&t.Base), "encoding": r.into(&t.Encoding), "struct": r.sign("true", &t.Struct),
		"rules": r.rules(&t.Rules), "values": r.values(&t.Values), "checks": r.values(&t.Checks),
		"fields": r.fields(&t.Fields), "personal": r.personal(&t.Fields), "bounds": r.bounds(&t.Fields),
	})
	is := 0
	for _, one := range []bool{t.Base != "", t.Encoding != "", t.Struct, len(t.Values) > 0} {
		if one {
			is++
		}
	}
	if is != 1 {
		r.fail(n, "the type %s is not one of base, encoding, struct and values", t.Name)
	}
	return t
}

// firstType reads a type of the first form, which tells an encoding from a base by the name, and a struct from an enum by
// what stands below it.
func (r *reader) firstType(t *Type, n *node) {
	switch {
	case strings.HasPrefix(n.key, "go:"):
		t.Encoding = n.value
	case n.value != "":
		t.Base = n.value
	case len(n.list) > 0 && n.list[0].item:
		r.values(&t.Values)(n)
	default:
		t.Struct = true
		r.fields(&t.Fields)(n)
	}
}

func (r *reader) rules(into *[]Rule) func(*node) {
	return named(r, into, func(n *node) Rule {
		rule := Rule{Name: n.key, At: n.at}
		r.text(n, &rule.Bound)
		if !ruleNames[rule.Name] {
			r.fail(n, "%q is no rule", rule.Name)
		}
		return rule
	})
}

var ruleNames = map[string]bool{
	"min": true, "max": true, "minLength": true, "maxLength": true, "minItems": true, "maxItems": true, "pattern": true,
	"distinct": true,
}

func (r *reader) fields(into *[]*Field) func(*node) {
	return named(r, into, func(n *node) *Field {
		f := &Field{Name: n.key, At: n.at}
		r.text(n, &f.Type)
		return f
	})
}

// of calls what is to be done with each line that says more of a field.
func (r *reader) of(fields *[]*Field, do func(*Field, *node)) func(*node) {
	return func(n *node) {
		named := map[string]*Field{}
		for _, f := range *fields {
			named[f.Name] = f
		}
		for _, c := range n.list {
			if f := named[c.key]; f != nil && !c.item {
				do(f, c)
			} else {
				r.fail(c, "there is no field %q", c.key)
			}
		}
	}
}

func (r *reader) personal(fields *[]*Field) func(*node) {
	return r.of(fields, func(f *Field, n *node) { r.text(n, &f.Personal) })
}

func (r *reader) bounds(fields *[]*Field) func(*node) {
	return r.of(fields, func(f *Field, n *node) { r.rules(&f.Rules)(n) })
}

func (r *reader) aggregate(n *node) *Aggregate {
	a := &Aggregate{Name: n.key, At: n.at}
	single := false
	r.keys(n, map[string]func(*node){
		"id": r.into(&a.ID), "single": r.sign("true", &single), "state": r.into(&a.State),
		"snapshots": r.sign("true", &a.Snapshots), "fields": r.fields(&a.Fields), "unique": r.values(&a.Unique),
		"personal": r.personal(&a.Fields), "go": r.entries(&a.Functions), "modules": r.entries(&a.Modules),
		"events": named(r, &a.Events, r.event), "commands": named(r, &a.Commands, r.command),
	})
	if a.State == "" {
		r.fail(n, "the aggregate %s has no state", a.Name)
	}
	if single == (a.ID != "") {
		r.fail(n, "the aggregate %s has an id, or is single", a.Name)
	}
	return a
}

func (r *reader) event(n *node) *Event {
	e := &Event{Wire: n.key, Name: n.key, At: n.at}
	version := ""
	r.keys(n, map[string]func(*node){
		"name": r.into(&e.Name), "version": r.into(&version), "fold": r.into(&e.Fold),
		"retired": r.sign("true", &e.Retired), "former": r.sign("true", &e.Former), "becomes": r.values(&e.Becomes),
		"fields": r.fields(&e.Fields), "personal": r.personal(&e.Fields), "history": named(r, &e.History, r.step),
	})
	e.Version = r.number(n, version)
	return e
}

func (r *reader) number(n *node, text string) int {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || strconv.Itoa(number) != text {
		r.fail(n, "%q is no version", text)
	}
	return number
}

func (r *reader) step(n *node) *Step {
	s := &Step{Version: r.number(n, n.key), At: n.at}
	r.keys(n, map[string]func(*node){
		"upcast": r.sign("go", &s.Upcast),
		"added":  r.entries(&s.Added), "renamed": r.entries(&s.Renamed), "removed": r.entries(&s.Removed),
		"from": r.fields(&s.From), "personal": r.personal(&s.From),
	})
	return s
}

func (r *reader) entries(into *[]Entry) func(*node) {
	return named(r, into, func(n *node) Entry {
		e := Entry{Name: n.key, At: n.at}
		r.text(n, &e.Text)
		return e
	})
}

func (r *reader) command(n *node) *Command {
	c := &Command{Name: n.key, At: n.at}
	r.keys(n, map[string]func(*node){
		"fields": r.fields(&c.Fields), "personal": r.personal(&c.Fields), "bounds": r.bounds(&c.Fields),
		"checks": r.values(&c.Checks),
	})
	return c
}

func (r *reader) projection(n *node) *Projection {
	p := &Projection{Name: n.key, At: n.at}
	r.keys(n, map[string]func(*node){
		"rows": r.into(&p.Rows), "revision": r.into(&p.Revision), "mode": r.into(&p.Mode),
		"key": r.fields(&p.Key), "row": r.fields(&p.Row), "personal": r.personal(&p.Row),
		"promote": r.sign("manual", &p.Manual), "on": r.entries(&p.On), "go": r.entries(&p.Functions),
		"modules": r.entries(&p.Modules),
		"search": func(n *node) {
			columns := append(slices.Clone(p.Key), p.Row...)
			r.of(&columns, func(f *Field, n *node) { r.text(n, &f.Search) })(n)
		},
	})
	if p.Rows == "" {
		r.fail(n, "the projection %s has no rows", p.Name)
	}
	return p
}

// check refuses what no model says: types that are not there or hold themselves, and two of one name.
func (r *reader) check(l *Lock) {
	k := &checker{types: map[string]*Type{}, state: map[*Type]int{}}
	for _, t := range l.Types {
		k.types[t.Name] = t
	}
	fields := func(list []*Field) {
		for _, f := range list {
			if err := k.resolve(f.Type); err != nil && r.err == nil {
				r.err = &DamagedError{f.At.Line, err.Error()}
			}
		}
	}
	for _, t := range l.Types {
		fields(t.Fields)
		if t.Base != "" && !Scalars[t.Base] && r.err == nil {
			r.err = &DamagedError{t.At.Line, fmt.Sprintf("%q is no scalar", t.Base)}
		}
	}
	for _, a := range l.Aggregates {
		fields(a.Fields)
		if a.ID != "" && k.types[a.ID] == nil && r.err == nil {
			r.err = &DamagedError{a.At.Line, fmt.Sprintf("there is no type %q", a.ID)}
		}
		for _, e := range a.Events {
			fields(e.Fields)
			for _, s := range e.History {
				fields(s.From)
				for _, x := range s.Removed {
					fields([]*Field{{Name: x.Name, Type: x.Text, At: x.At}})
				}
			}
		}
		for _, c := range a.Commands {
			fields(c.Fields)
		}
	}
	for _, p := range l.Projections {
		fields(p.Key)
		fields(p.Row)
	}
}

// checker resolves types. state is 1 for a type that is being resolved, and 2 for one that was.
type checker struct {
	types map[string]*Type
	state map[*Type]int
}

func (k *checker) resolve(text string) error {
	t, err := ParseType(text)
	if err != nil {
		return err
	}
	for ; t != nil; t = t.Elem {
		if t.Key != nil {
			if err := k.resolve(t.Key.String()); err != nil {
				return err
			}
		}
		if t.Kind == "" {
			return k.named(t.Name)
		}
	}
	return nil
}

func (k *checker) named(name string) error {
	t := k.types[name]
	switch {
	case Scalars[name]:
		return nil
	case t == nil:
		return fmt.Errorf("there is no type %q", name)
	case k.state[t] == 2:
		return nil
	case k.state[t] == 1:
		return fmt.Errorf("the type %s holds itself", name)
	}
	k.state[t] = 1
	for _, f := range t.Fields {
		if err := k.resolve(f.Type); err != nil {
			return err
		}
	}
	k.state[t] = 2
	return nil
}
