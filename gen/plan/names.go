package plan

import (
	"fmt"
	"go/token"
	"strings"
	"unicode"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// initialisms are written in capitals in Go names.
var initialisms = map[string]bool{
	"API": true, "CPU": true, "CSS": true, "DNS": true, "EOF": true, "HTML": true, "HTTP": true, "HTTPS": true, "ID": true,
	"IP": true, "JSON": true, "RPC": true, "SQL": true, "SSH": true, "TCP": true, "TLS": true, "TTL": true, "UDP": true,
	"UI": true, "URI": true, "URL": true, "UTC": true, "UTF8": true, "UUID": true, "VAT": true, "VM": true, "XML": true,
}

// splitWords splits a name at capitals and underscores: "lastMovementID" is "last", "Movement", "ID".
func splitWords(name string) []string {
	var out []string
	runes := []rune(name)
	start := 0
	flush := func(end int) {
		if end > start {
			out = append(out, string(runes[start:end]))
		}
		start = end
	}
	for i := 1; i < len(runes); i++ {
		switch {
		case runes[i] == '_':
			flush(i)
			start = i + 1
		case unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush(i)
		}
	}
	flush(len(runes))
	return out
}

// exported returns the exported Go name of a name in the model: "lastMovement" is LastMovement, "customerId" is
// CustomerID.
func exported(name string) string {
	var b strings.Builder
	for _, w := range splitWords(name) {
		if up := strings.ToUpper(w); initialisms[up] {
			b.WriteString(up)
			continue
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

// unexported returns the unexported Go name of an exported one: "AccountID" is accountID, "URLList" is urlList.
func unexported(name string) string {
	parts := splitWords(name)
	if len(parts) == 0 {
		return name
	}
	parts[0] = strings.ToLower(parts[0])
	s := strings.Join(parts, "")
	if token.IsKeyword(s) {
		s += "_"
	}
	return s
}

// snake returns a name in lower case with underscores, for file names: "BalanceByCurrency" is balance_by_currency.
func snake(name string) string {
	parts := splitWords(name)
	for i := range parts {
		parts[i] = strings.ToLower(parts[i])
	}
	s := strings.Join(parts, "_")
	// A file that ends so belongs to tests, to one system, or to the tool.
	for _, reserved := range []string{"_test", "_gen", "_linux", "_windows", "_darwin", "_js", "_plan9", "_unix", "_amd64", "_arm64", "_arm", "_386", "_wasm"} {
		if strings.HasSuffix(s, reserved) {
			return s + "_model"
		}
	}
	return s
}

// words returns a name as words: "InsufficientFunds" is "insufficient funds".
func words(name string) string {
	parts := splitWords(name)
	for i, w := range parts {
		if !initialisms[strings.ToUpper(w)] {
			parts[i] = strings.ToLower(w)
		}
	}
	return strings.Join(parts, " ")
}

// CodeCollision reports two elements of the model that would get the same Go name.
const CodeCollision = "CQ1501"

// scope collects the Go names of one scope, with what they stand for.
type scope struct {
	d     *diag.List
	where string
	taken map[string]owner
}

type owner struct {
	what string
	at   diag.Span
}

func newScope(d *diag.List, where string) *scope {
	return &scope{d: d, where: where, taken: map[string]owner{}}
}

func (s *scope) add(name, what string, at diag.Span) {
	first, taken := s.taken[name]
	if !taken {
		s.taken[name] = owner{what, at}
		return
	}
	dg := diag.Diagnostic{
		Code: CodeCollision, At: at,
		Message: fmt.Sprintf("the Go name %s of %s is also that of %s%s", name, what, first.what, s.where),
		Hint:    "rename one of them",
	}
	if first.at.Line > 0 {
		dg.Related = []diag.Related{{At: first.at, Message: first.what + " stands here"}}
	}
	s.d.Add(dg)
}

// checkNames reports every pair of elements whose Go names collide.
func (p *Plan) checkNames(d *diag.List) {
	s := newScope(d, "")
	for _, n := range []string{"App", "New", "Deciders", "Projections"} {
		s.add(n, "the wiring", diag.Span{})
	}
	for _, t := range p.Types {
		s.add(t.Name, "type "+t.Name, t.At)
		for i, v := range t.Values {
			s.add(v.Go, "the value "+v.Wire+" of "+t.Name, t.Named.Values[i].At)
		}
		checkFields(d, "type "+t.Name, t.Fields)
	}
	app := newScope(d, " in App")
	for _, m := range []string{"Run", "Close", "Projectors"} {
		app.add(m, "a method", diag.Span{})
	}
	for _, a := range p.Aggregates {
		app.add(a.Name, "aggregate "+a.Name, a.At)
		p.checkAggregate(s, a)
	}
	for _, pr := range p.Projections {
		app.add(pr.Name, "projection "+pr.Name, pr.At)
		p.checkProjection(s, pr)
	}
}

func (p *Plan) checkAggregate(s *scope, a *Aggregate) {
	for _, n := range []struct{ name, what string }{
		{a.Decider, "aggregate"}, {a.Interface, "the decider of"}, {a.State, "the state of"}, {a.Event, "the events of"},
		{a.Commands, "the commands of"},
	} {
		s.add(n.name, n.what+" "+a.Name, a.At)
	}
	checkFields(s.d, "the state of "+a.Name, a.StateFields)
	methods := newScope(s.d, " in "+a.Interface)
	for _, e := range a.Events {
		s.add(e.Go, "event "+e.Name, e.At)
		methods.add(e.Apply, "the fold of "+e.Name, e.At)
		checkFields(s.d, "event "+e.Name, e.Fields, "EventType", "AppendJSON", "DecodeJSON")
	}
	for _, r := range a.Rejections {
		s.add(r.Go, "rejection "+r.Name, r.At)
		checkFields(s.d, "rejection "+r.Name, r.Fields, "Error", "RejectionType")
	}
	methods.add("Load", "the method that loads the state", diag.Span{})
	for _, c := range a.CommandList {
		s.add(c.Go, "command "+c.Name, c.At)
		methods.add(c.Go, "command "+c.Name, c.At)
		if !c.Single {
			s.add(c.Result, "the result of "+c.Name, c.At)
		}
		checkFields(s.d, "command "+c.Name, c.Fields, "Validate", "AppendJSON")
	}
}

func (p *Plan) checkProjection(s *scope, pr *Projection) {
	for _, n := range []struct{ name, what string }{
		{pr.Team, "projection"}, {pr.Interface, "the folds of"}, {pr.Key, "the key of"}, {pr.Row, "the rows of"},
		{pr.Model, "the read model of"},
	} {
		s.add(n.name, n.what+" "+pr.Name, pr.At)
	}
	checkFields(s.d, "the key of "+pr.Name, pr.KeyFields)
	checkFields(s.d, "the row of "+pr.Name, pr.RowFields)
	finders := newScope(s.d, " in "+pr.Model)
	for i, f := range pr.Finders {
		finders.add(f.Name, "the finder of this index", pr.Indexes[i].At)
	}
}

func checkFields(d *diag.List, of string, list []*Field, methods ...string) {
	s := newScope(d, " in "+of)
	for _, m := range methods {
		s.add(m, "a method", diag.Span{})
	}
	for _, f := range list {
		s.add(f.Go, "field "+f.Name, f.At)
	}
}
