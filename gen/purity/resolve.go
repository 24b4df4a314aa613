package purity

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Step is one step on the way to what is impure.
type Step struct {
	// Func does it, at At; Text continues "the function …".
	Func string
	At   Position
	Text string
}

// Finding is something that a function which has to be pure does, itself or through what it calls.
type Finding struct {
	Kind Kind
	// At is in the root: where the path begins.
	At   Position
	Role Role
	Root string
	// Path leads from the root to the culprit, its last step. It is a shortest one.
	Path []Step
	// Others is how many other roots lead to the same culprit.
	Others int
}

// Message says it in one line.
func (f *Finding) Message() string {
	last := f.Path[len(f.Path)-1]
	if f.Role == "" {
		return last.Func + " " + last.Text
	}
	through, others := "", ""
	if len(f.Path) > 1 {
		through = fmt.Sprintf("through %s, which ", f.Path[len(f.Path)-1].Func)
	}
	if f.Others > 0 {
		others = fmt.Sprintf(" (and so do %d other functions)", f.Others)
		if f.Others == 1 {
			others = " (and so does another function)"
		}
	}
	return fmt.Sprintf("the %s %s has to be pure: %s%s%s", f.Role, f.Root, through, last.Text, others)
}

// shown is how many steps of a path are shown.
const shown = 5

// Steps are the lines that show the path, those in the middle of a long one left out.
func (f *Finding) Steps(name func(Position) string) (lines []string) {
	for i, s := range f.Path {
		if skip := len(f.Path) - shown; skip > 0 && i >= shown-1 && i < len(f.Path)-1 {
			if i == shown-1 {
				lines = append(lines, fmt.Sprintf("… %d more calls", skip))
			}
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s %s", name(s.At), s.Func, s.Text))
	}
	return lines
}

// Vouched is a function that somebody vouches for.
type Vouched struct {
	Func   string
	At     Position
	Reason string
}

// Result is what following all summaries gives.
type Result struct {
	// Checked is the number of functions that have to be pure.
	Checked  int
	Findings []Finding
	Vouched  []Vouched
}

// program is all that is known, for following it.
type program struct {
	funcs   map[string]*Func
	names   []string
	behind  map[string][]string
	callers map[string][]string
	// deepest says for each function how deep it changes what its parameters lead to, calls which of them it calls.
	changes map[string][]int
	calls   map[string][]bool
	writers map[string][]Step
	inits   map[string][]string
	reached map[string]bool
	// early are the functions that only run before main.
	early map[string]bool
}

// Resolve follows the roots of the packages that are to be reported on, over all summaries. Its result does not depend
// on the order of the summaries. If whole is set, the summaries are all of the module, and what is reached by none of
// its roots is known to be reached by none.
func Resolve(summaries []*Summary, report func(path string) bool, whole bool) *Result {
	p := &program{
		funcs: map[string]*Func{}, behind: map[string][]string{}, changes: map[string][]int{}, calls: map[string][]bool{},
		writers: map[string][]Step{}, inits: map[string][]string{}, reached: map[string]bool{}, callers: map[string][]string{},
		early: map[string]bool{},
	}
	summaries = slices.SortedFunc(slices.Values(summaries), func(a, b *Summary) int { return cmp.Compare(a.Path, b.Path) })
	for _, s := range summaries {
		for _, f := range s.Funcs {
			p.funcs[f.Name] = f
		}
		for _, i := range s.Implementations {
			p.behind[i.Interface] = append(p.behind[i.Interface], i.Method)
		}
	}
	p.names = slices.Sorted(maps.Keys(p.funcs))
	for method, names := range p.behind {
		slices.Sort(names)
		p.behind[method] = slices.Compact(names)
	}
	p.spread()
	p.initialOnly(whole)
	p.variables()
	r := &Result{}
	found := map[string]*Finding{}
	for _, s := range summaries {
		for _, root := range s.Roots {
			findings := p.root(root)
			if report(s.Path) {
				r.Checked++
				group(found, findings)
			}
		}
	}
	for _, s := range summaries {
		p.vouching(r, s, report(s.Path), whole, found)
	}
	for _, f := range found {
		r.Findings = append(r.Findings, *f)
	}
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(a.At.compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message(), b.Message()))
	})
	slices.SortFunc(r.Vouched, func(a, b Vouched) int { return a.At.compare(b.At) })
	return r
}

// group keeps one finding of each culprit: the one with the shortest path, and of those the first.
func group(found map[string]*Finding, findings []Finding) {
	seen := map[string]bool{}
	for _, f := range findings {
		last := f.Path[len(f.Path)-1]
		key := fmt.Sprint(f.Kind, last.At, last.Text)
		if f.Kind == Mutation {
			key = fmt.Sprint(f.Kind, last.At) // whatever the parameter of the root is called
		}
		before := found[key]
		switch {
		case seen[key]:
		case before == nil:
			found[key] = &f
		case len(f.Path) < len(before.Path) || len(f.Path) == len(before.Path) && f.At.compare(before.At) < 0:
			f.Others = before.Others + 1
			found[key] = &f
		default:
			before.Others++
		}
		seen[key] = true
	}
}

// targets are the functions that a use leads to.
func (p *program) targets(u Use) []string {
	if u.Interface != "" {
		return p.behind[u.Name]
	}
	return []string{u.Name}
}

// spread finds how deep each function changes what its parameters lead to, and which it calls, through all that it
// calls, until nothing is added.
func (p *program) spread() {
	for _, name := range p.names {
		f := p.funcs[name]
		p.changes[name], p.calls[name] = make([]int, len(f.Params)), make([]bool, len(f.Params))
		if f.Vouched {
			continue
		}
		for _, w := range f.Writes {
			if w.Global == "" {
				p.changes[name][w.Param] = max(p.changes[name][w.Param], w.Depth)
			}
		}
		for _, c := range f.Calls {
			p.calls[name][c.Param] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for _, name := range p.names {
			changed = p.spreadTo(p.funcs[name]) || changed
		}
	}
}

func (p *program) spreadTo(f *Func) (changed bool) {
	if f.Vouched {
		return false
	}
	changes, calls := p.changes[f.Name], p.calls[f.Name]
	for _, u := range f.Uses {
		for i, arg := range u.Args {
			for _, o := range arg {
				if o.Global != "" {
					continue
				}
				for _, target := range p.targets(u) {
					if depth := p.changed(target, i, o); depth > changes[o.Param] {
						changes[o.Param], changed = depth, true
					}
					if p.called(target, i) && !calls[o.Param] {
						calls[o.Param], changed = true, true
					}
				}
			}
		}
	}
	return changed
}

// changed returns how deep behind a parameter of the caller's a callee changes memory that it is passed, 0 for not.
func (p *program) changed(target string, i int, o Origin) int {
	if c := p.changes[target]; i < len(c) && c[i] > o.Fresh {
		return min(o.Depth+c[i]-o.Fresh, deepest)
	}
	return 0
}

func (p *program) called(target string, i int) bool {
	c := p.calls[target]
	return i < len(c) && c[i]
}

// initialOnly finds the functions that only run before main, because nothing else uses them. Exported ones may be used by
// packages that are not known, unless all are.
func (p *program) initialOnly(whole bool) {
	kept := map[string]bool{}
	for _, name := range p.names {
		f := p.funcs[name]
		p.early[name] = f.Initial
		for _, u := range f.Uses {
			for _, target := range p.targets(u) {
				p.callers[target] = append(p.callers[target], name)
				kept[target] = kept[target] || f.Initial && (u.Later || !u.Called)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, name := range p.names {
			f := p.funcs[name]
			if p.early[name] || f.Exported && !whole || len(p.callers[name]) == 0 || kept[name] {
				continue
			}
			if !slices.ContainsFunc(p.callers[name], func(c string) bool { return !p.early[c] }) {
				p.early[name], changed = true, true
			}
		}
	}
}

// variables finds what changes each package variable: before main, which is a part of its initial value, or later.
func (p *program) variables() {
	for _, name := range p.names {
		f := p.funcs[name]
		for _, step := range p.globalWrites(f) {
			v := "var " + step.global
			if !p.early[name] || step.later {
				p.writers[v] = append(p.writers[v], step.Step)
			} else if name != v {
				p.inits[v] = append(p.inits[v], name)
			}
		}
	}
}

type globalWrite struct {
	Step
	global string
	later  bool
}

// globalWrites are the changes of package variables that a function makes, itself or by passing them on.
func (p *program) globalWrites(f *Func) (all []globalWrite) {
	for _, w := range f.Writes {
		if w.Global != "" {
			all = append(all, globalWrite{Step{f.Short, w.At, w.Text}, strings.TrimPrefix(w.Global, "var "), w.Later})
		}
	}
	for _, u := range f.Uses {
		for i, arg := range u.Args {
			for _, o := range arg {
				if o.Global == "" {
					continue
				}
				for _, target := range p.targets(u) {
					if c := p.changes[target]; i < len(c) && c[i] > o.Fresh {
						name := strings.TrimPrefix(o.Global, "var ")
						all = append(all, globalWrite{Step{f.Short, u.At, "passes " + base(name) + " to " + u.Short + ", which changes it"}, name, u.Later})
					}
				}
			}
		}
	}
	return all
}

// base is the last part of a path, with its package's name.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
