package purity

import (
	"fmt"
	"slices"
	"strings"
)

// node is where a search is: in a function, and, when it follows a parameter, or what is kept of one in another, there.
type node struct {
	name       string
	param, own int
	// depth is how far behind the root's parameter what a callee gets as own lies.
	depth int
}

// search finds shortest paths from a root. A node is visited once.
type search struct {
	*program
	root   Root
	from   map[node]edge
	queue  []node
	result []Finding
}

// edge is how a search came to a node.
type edge struct {
	from node
	step Step
}

// root returns what a root does that it must not do.
func (p *program) root(r Root) []Finding {
	f := p.funcs[r.Func]
	if f == nil {
		return []Finding{{Kind: Unresolved, At: r.At, Role: r.Role, Root: r.Func, Path: []Step{
			{r.Func, r.At, "comes from another module, and can't be followed"},
		}}}
	}
	p.reached[f.Name] = true
	if f.Vouched {
		return nil
	}
	found := p.functions(r, f)
	for i := range f.Params {
		if !slices.Contains(r.Changes, i) {
			found = append(found, p.changesOf(r, f, i)...)
		}
		found = append(found, p.callsOf(r, f, i)...)
	}
	return append(found, p.keepsOf(r, f)...)
}

func (p *program) search(r Root, start node) *search {
	return &search{program: p, root: r, from: map[node]edge{start: {}}, queue: []node{start}}
}

// visit visits a node unless it was.
func (s *search) visit(from, to node, step Step) {
	if _, seen := s.from[to]; !seen {
		s.from[to] = edge{from, step}
		s.queue = append(s.queue, to)
	}
}

// find notes a finding at a node, with the path that led there.
func (s *search) find(kind Kind, at node, last Step) {
	path := []Step{last}
	for n := at; s.from[n] != (edge{}); n = s.from[n].from {
		path = append(path, s.from[n].step)
	}
	slices.Reverse(path)
	s.result = append(s.result, Finding{
		Kind: kind, At: path[0].At, Role: s.root.Role, Root: s.funcs[s.root.Func].Short, Path: path,
	})
}

// functions follows everything that a root calls and refers to.
func (p *program) functions(r Root, f *Func) []Finding {
	s := p.search(r, node{name: f.Name})
	for len(s.queue) > 0 {
		n := s.queue[0]
		s.queue = s.queue[1:]
		s.function(n, p.funcs[n.name])
	}
	return s.result
}

func (s *search) function(n node, f *Func) {
	s.reached[f.Name] = true
	switch {
	case f.Vouched:
		return
	case f.Command && n.name != s.root.Func && s.root.Role != Decider:
		e := s.from[n]
		s.find(CommandSide, e.from, Step{e.step.Func, e.step.At, e.step.Text + ", which decides commands"})
		return
	}
	for _, e := range f.Effects {
		if !s.early[f.Name] || e.Later || matters[e.Kind] {
			s.find(e.Kind, n, Step{f.Short, e.At, e.Text})
		}
	}
	for _, w := range s.globalWrites(f) {
		if !s.early[f.Name] || w.later {
			s.find(Global, n, w.Step)
		}
	}
	if f.isVariable() {
		s.variable(n, f)
	}
	for _, u := range f.Uses {
		s.use(n, f, u)
	}
}

// matters are the kinds that show in the initial value of a variable.
var matters = map[Kind]bool{IO: true, Clock: true, Random: true, Environment: true, MapOrder: true, ThirdParty: true, Unresolved: true}

func (f *Func) isVariable() bool { return strings.HasPrefix(f.Name, "var ") }

// variable looks at who changes a variable that is read.
func (s *search) variable(n node, f *Func) {
	e := s.from[n]
	writers := s.writers[f.Name]
	itself := slices.ContainsFunc(writers, func(w Step) bool { return w.Func == e.step.Func }) // which is a finding of its own
	if len(writers) > 0 && !itself {
		w := writers[0]
		s.find(Global, e.from, Step{e.step.Func, e.step.At, fmt.Sprintf("%s, a variable that %s changes", e.step.Text, w.Func)})
	}
	for _, name := range s.inits[f.Name] {
		s.visit(n, node{name: name}, Step{f.Short, s.funcs[name].At, "gets its value from " + s.funcs[name].Short})
	}
}

func (s *search) use(n node, f *Func, u Use) {
	targets := s.targets(u)
	if u.Interface != "" && len(targets) == 0 {
		s.find(Unresolved, n, Step{f.Short, u.At, "calls " + u.Short + ", which nothing here implements"})
		return
	}
	for _, name := range targets {
		target := s.funcs[name]
		switch {
		case target != nil:
			s.visit(n, node{name: name}, Step{f.Short, u.At, useText(u, target)})
		case !strings.HasPrefix(name, "var "):
			s.find(Unresolved, n, Step{f.Short, u.At, "uses " + u.Short + ", which is not found"})
		}
	}
}

func useText(u Use, target *Func) string {
	switch {
	case target.isVariable():
		return "uses " + target.Short
	case u.Interface != "":
		return "calls " + u.Short + ", which may be " + target.Short
	case !u.Called:
		return "refers to " + target.Short
	}
	return "calls " + target.Short
}

// passed calls back for each function that gets, as its parameter i, something behind a parameter of the caller's.
func (s *search) passed(f *Func, param int, each func(u Use, target string, i int, o Origin)) {
	for _, u := range f.Uses {
		for i, arg := range u.Args {
			for _, o := range arg {
				if o.Global != "" || o.Param != param {
					continue
				}
				for _, target := range s.targets(u) {
					if s.funcs[target] != nil {
						each(u, target, i, o)
					}
				}
			}
		}
	}
}

// changesOf follows a parameter to where it is changed.
func (p *program) changesOf(r Root, f *Func, param int) []Finding {
	if p.changes[f.Name][param] == 0 {
		return nil
	}
	s := p.search(r, node{name: f.Name, param: param})
	for len(s.queue) > 0 {
		n := s.queue[0]
		s.queue = s.queue[1:]
		at := p.funcs[n.name]
		for _, w := range at.Writes {
			if w.Global == "" && w.Param == n.param {
				s.find(Mutation, n, Step{at.Short, w.At, w.Text + ofWhom(f, param)})
			}
		}
		s.passed(at, n.param, func(u Use, target string, i int, o Origin) {
			if p.changed(target, i, o) > 0 {
				s.visit(n, node{name: target, param: i}, Step{at.Short, u.At, useText(u, p.funcs[target])})
			}
		})
	}
	return s.result
}

// ofWhom says whose memory it is.
func ofWhom(f *Func, param int) string {
	if name := f.Params[param]; name != "" && name != "_" {
		return fmt.Sprintf(", and %s is not there to be changed", name)
	}
	return ", which is not there to be changed"
}

// callsOf follows a parameter to where it is called.
func (p *program) callsOf(r Root, f *Func, param int) []Finding {
	if !p.calls[f.Name][param] {
		return nil
	}
	s := p.search(r, node{name: f.Name, param: param})
	for len(s.queue) > 0 {
		n := s.queue[0]
		s.queue = s.queue[1:]
		at := p.funcs[n.name]
		for _, c := range at.Calls {
			if c.Param == n.param {
				s.find(Unresolved, n, Step{at.Short, c.At, c.Text})
			}
		}
		s.passed(at, n.param, func(u Use, target string, i int, o Origin) {
			if p.called(target, i) {
				s.visit(n, node{name: target, param: i}, Step{at.Short, u.At, useText(u, p.funcs[target])})
			}
		})
	}
	return s.result
}

// variable stands for package variables where a parameter is followed.
const variable = -1

// keepsOf finds what is kept of the event, or of variables, in what a root is there to change. Only one row or state may
// own what an event leads to, and none the event itself, which is used again for the next one.
func (p *program) keepsOf(r Root, f *Func) (all []Finding) {
	for _, into := range r.Changes {
		for _, own := range []int{r.Event, variable} {
			all = append(all, p.keeps(r, node{name: f.Name, param: into, own: own})...)
		}
	}
	return all
}

// keeps follows a pair of parameters to where one is kept in the other.
func (p *program) keeps(r Root, start node) []Finding {
	s := p.search(r, start)
	for len(s.queue) > 0 {
		n := s.queue[0]
		s.queue = s.queue[1:]
		f := p.funcs[n.name]
		if f.Vouched {
			continue
		}
		for _, st := range f.Stores {
			if st.Global == "" && st.Into == n.param && s.kept(n, st.From) {
				s.find(Retention, n, Step{f.Short, st.At, st.Text + whatOf(f, st.From)})
			}
		}
		s.passed(f, n.param, func(u Use, target string, i int, o Origin) {
			if o.Fresh == 0 {
				s.passedWith(n, u, target, i)
			}
		})
	}
	return s.result
}

// passedWith goes on in a function that is passed both: where to keep, as its parameter i, and what is not to be kept.
func (s *search) passedWith(n node, u Use, target string, i int) {
	step := Step{s.funcs[n.name].Short, u.At, useText(u, s.funcs[target])}
	if n.own == variable {
		s.visit(n, node{name: target, param: i, own: variable}, step)
		return
	}
	for j, arg := range u.Args {
		for _, o := range arg {
			if j != i && o.Global == "" && o.Param == n.own {
				s.visit(n, node{name: target, param: i, own: j, depth: min(n.depth+o.Depth, deepest)}, step)
			}
		}
	}
}

func (s *search) kept(n node, from Origin) bool {
	if n.own == variable {
		return from.Global != ""
	}
	return from.Global == "" && from.Param == n.own && (s.root.Shared || n.depth+from.Depth == 0)
}

func whatOf(f *Func, from Origin) string {
	if from.Global != "" {
		return ", which then shares the memory of " + base(from.Global) + ": copy it"
	}
	if name := f.Params[from.Param]; name != "" && name != "_" {
		return ", which then shares memory with " + name + ": copy it"
	}
	return ", which then shares memory: copy it"
}

// vouching reports what is wrong with exceptions: no reason, nothing that needs them.
func (p *program) vouching(r *Result, s *Summary, report, whole bool, found map[string]*Finding) {
	if !report {
		return
	}
	wrong := func(at Position, name, text string) {
		found["vouching"+at.String()] = &Finding{Kind: Vouching, At: at, Path: []Step{{name, at, text}}}
	}
	for _, m := range s.Misplaced {
		wrong(m.At, directive, m.Text)
	}
	for _, f := range s.Funcs {
		if !f.Vouched {
			continue
		}
		r.Vouched = append(r.Vouched, Vouched{f.Short, f.At, f.Reason})
		switch {
		case f.Reason == "":
			wrong(f.At, f.Short, "is vouched for without a reason: write "+directive+" REASON")
		case p.pureAnyway(f):
			wrong(f.At, f.Short, "is vouched for, and is pure without that: remove the "+directive)
		case whole && !p.reached[f.Name]:
			wrong(f.At, f.Short, "is vouched for, and nothing that has to be pure reaches it: remove the "+directive)
		}
	}
}

// pureAnyway reports whether there is nothing to find in a function.
func (p *program) pureAnyway(f *Func) bool {
	if len(f.Writes) > 0 || len(f.Stores) > 0 || len(f.Calls) > 0 {
		return false
	}
	bare := *f
	bare.Vouched = false
	reached := p.reached
	p.funcs[f.Name], p.reached = &bare, map[string]bool{}
	defer func() { p.funcs[f.Name], p.reached = f, reached }()
	for _, u := range f.Uses {
		for _, target := range p.targets(u) {
			if slices.Max(append(slices.Clone(p.changes[target]), 0)) > 0 || slices.Contains(p.calls[target], true) {
				return false
			}
		}
	}
	return len(p.functions(Root{Role: Fold, Func: f.Name}, &bare)) == 0
}
