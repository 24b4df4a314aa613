package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// FingerprintTest is the generated test that functions in Go mean what they meant when the code was generated.
const FingerprintTest = "TestFingerprints"

// Functions are those of the team's that the state follows from.
func (a *Aggregate) Functions() (list []meaning.Root) {
	for _, e := range a.Events {
		if e.Fold == nil {
			list = append(list, meaning.Root{Type: a.Decider, Name: e.Apply})
		}
		list = append(list, e.upcasters()...)
	}
	for _, f := range a.Former {
		list = append(list, f.functions()...)
	}
	return list
}

// Functions are those of the team's that the rows follow from.
func (pr *Projection) Functions() (list []meaning.Root) {
	for _, h := range pr.Handlers {
		if h.KeysInGo {
			list = append(list, meaning.Root{Type: pr.Team, Name: h.Keys})
		}
		if h.InGo {
			list = append(list, meaning.Root{Type: pr.Team, Name: h.Event.Go})
		}
		list = append(list, h.Event.upcasters()...)
	}
	for _, f := range pr.Former() {
		list = append(list, f.functions()...)
	}
	return list
}

func (e *Event) upcasters() (list []meaning.Root) {
	for _, u := range e.Upcasters {
		list = append(list, meaning.Root{Type: Upcasters, Name: u.Method})
	}
	return list
}

// Functions are those of the team's that states and rows follow from, each once.
func (p *Plan) Functions() (list []meaning.Root) {
	for _, a := range p.Aggregates {
		list = append(list, a.Functions()...)
	}
	for _, pr := range p.Projections {
		list = append(list, pr.Functions()...)
	}
	seen := map[meaning.Root]bool{}
	return slices.DeleteFunc(list, func(r meaning.Root) bool {
		was := seen[r]
		seen[r] = true
		return was
	})
}

// TakeIn computes the fingerprints with what the team's functions mean.
func (p *Plan) TakeIn(d *meaning.Digests) {
	p.digests = d
	p.fingerprint(d)
}

// MeaningOf returns what tells the meaning of a function of the team's from another one: a digest of what it does, and one
// of what it takes of the generated code. They are empty where the meaning is not known, or was not asked for.
func (p *Plan) MeaningOf(r meaning.Root) (own, given string) {
	if p.digests == nil || p.digests.Of[r] == "" {
		return "", ""
	}
	parts := []string{p.digests.Given[r]}
	for _, name := range p.digests.Generated[r] {
		parts = append(parts, name, p.meaningOfName(name))
	}
	return p.digests.Own[r][:16], digest(parts...)
}

// ModulesOf returns the other modules that a function of the team's reaches.
func (p *Plan) ModulesOf(r meaning.Root) []meaning.Module {
	if p.digests == nil {
		return nil
	}
	return p.digests.Modules[r]
}

// declaredSteps are what the model says becomes of older versions of an event when they are read.
func (e *Event) declaredSteps() (parts []string) {
	for _, c := range e.History {
		text := "since " + strconv.Itoa(c.Version)
		for _, v := range c.Added {
			text += ";+" + v.Field.Name + "=" + canonical(v.Value)
		}
		for _, r := range c.Renamed {
			text += ";" + r.Old + ">" + r.Field.Name
		}
		for _, f := range c.Removed {
			var b strings.Builder
			writeShape(&b, &f.Type)
			text += ";-" + f.Name + ":" + b.String()
		}
		parts = append(parts, text)
	}
	return parts
}

// canonical writes a value in one way, however it was written.
func canonical(v *model.Value) string {
	list := func(open, end string, n int, item func(int) string, sorted bool) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		if sorted {
			slices.Sort(items)
		}
		return open + strings.Join(items, ",") + end
	}
	switch {
	case v.Absent:
		return "none"
	case v.Type.Kind == model.Map:
		return list("{", "}", len(v.Entries), func(i int) string {
			return strconv.Quote(v.Entries[i].Key.Text) + ":" + canonical(v.Entries[i].Value)
		}, true)
	case v.Type.Elem != nil:
		return list("[", "]", len(v.Items), func(i int) string { return canonical(v.Items[i]) }, v.Type.Kind == model.Set)
	case len(v.Fields) > 0:
		return list("{", "}", len(v.Fields), func(i int) string {
			return v.Fields[i].Field.Name + ":" + canonical(v.Fields[i].Value)
		}, true)
	}
	return strconv.Quote(v.Text)
}

// meaningOfName is what the model says of a generated declaration, or method of a type, beyond its shape in Go; empty
// where that is all.
func (p *Plan) meaningOfName(name string) string {
	of, _, _ := strings.Cut(name, ".")
	for _, t := range p.Types {
		if t.Name == of || t.Parse == of || t.Clone == of {
			var b strings.Builder
			writeNamedShape(&b, t.Named)
			return b.String() + rulesOf(t.Rules)
		}
	}
	for _, a := range p.Aggregates {
		for _, e := range a.All() {
			for _, s := range e.Shapes() {
				if s.Go == of {
					return shapeOf(s.Fields)
				}
			}
			switch {
			case e.Go == of:
				return shapeOf(e.Fields)
			case e.Fold != nil && e.Fold.Func == of:
				var b strings.Builder
				writeMeaning(&b, e.Event.Apply)
				return b.String()
			}
		}
	}
	return ""
}

// rulesOf writes the rules of a type, which its methods and functions in Go may go by.
func rulesOf(r model.Rules) string {
	text := fmt.Sprintf(" %q %q %q %t", r.Min, r.Max, r.Pattern, r.Distinct)
	for _, bound := range []*int{r.MinLength, r.MaxLength, r.MinItems, r.MaxItems} {
		if bound == nil {
			text += " -"
		} else {
			text += " " + strconv.Itoa(*bound)
		}
	}
	return text
}

// checkFingerprintNames reports names that collide with those of fingerprints.
func (p *Plan) checkFingerprintNames(s *scope) {
	for _, a := range p.Aggregates {
		s.add(a.FingerprintVar, "the fingerprint of "+a.Name, diag.Span{})
	}
	for _, pr := range p.Projections {
		s.add(pr.FingerprintVar, "the fingerprint of "+pr.Name, diag.Span{})
	}
}
