package plan

import (
	"fmt"
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
	for start < len(runes) && runes[start] == '_' {
		start++
	}
	flush := func(end int) {
		if end > start {
			out = append(out, string(runes[start:end]))
		}
		start = end
	}
	for i := start + 1; i < len(runes); i++ {
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
	parts[0] = strings.ToLower(parts[0])
	return strings.Join(parts, "")
}

// snake returns a name in lower case with underscores, for file names: "BalanceByCurrency" is balance_by_currency.
func snake(name string) string {
	parts := splitWords(name)
	for i := range parts {
		parts[i] = strings.ToLower(parts[i])
	}
	s := strings.Join(parts, "_")
	if last := parts[len(parts)-1]; len(parts) > 1 && reservedEndings[last] {
		s += "_model"
	}
	return s
}

// reservedEndings end the names of files that belong to tests, to the tool, or to one system only, now or in a release
// of Go to come.
var reservedEndings = map[string]bool{
	"test": true, "gen": true, "unix": true,

	"aix": true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "hurd": true, "illumos": true,
	"ios": true, "js": true, "linux": true, "nacl": true, "netbsd": true, "openbsd": true, "plan9": true,
	"solaris": true, "wasip1": true, "windows": true, "zos": true,

	"386": true, "amd64": true, "amd64p32": true, "arm": true, "armbe": true, "arm64": true, "arm64be": true,
	"loong64": true, "mips": true, "mipsle": true, "mips64": true, "mips64le": true, "mips64p32": true,
	"mips64p32le": true, "ppc": true, "ppc64": true, "ppc64le": true, "riscv": true, "riscv64": true, "s390": true,
	"s390x": true, "sparc": true, "sparc64": true, "wasm": true,
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
		Code: diag.GoNamesCollide, At: at,
		Message: fmt.Sprintf("the Go name %s of %s is also that of %s%s", name, what, first.what, s.where),
		Hint:    "rename one of them",
	}
	if first.at.Line > 0 {
		dg.Related = []diag.Related{{At: first.at, Message: first.what + " stands here"}}
	}
	s.d.Add(dg)
}

// vetted are the method names of which go vet demands the signatures of well-known interfaces.
var vetted = []string{
	"GobDecode", "GobEncode", "MarshalJSON", "MarshalXML", "ReadByte", "ReadRune", "UnmarshalJSON", "UnmarshalXML",
	"UnreadByte", "UnreadRune", "WriteByte",
}

// newMethodScope is the scope of the methods of an interface that the team implements.
func newMethodScope(d *diag.List, of string) *scope {
	s := newScope(d, " in "+of)
	for _, m := range vetted {
		s.add(m, "a method that go vet knows with other parameters", diag.Span{})
	}
	return s
}

// Names calls f with every Go name of the package that stands for something in the model, what that is, and where.
func (p *Plan) Names(f func(name, what string, at diag.Span)) {
	for name, o := range p.names.taken {
		f(name, o.what, o.at)
	}
}

// checkNames reports every pair of elements whose Go names collide.
func (p *Plan) checkNames(d *diag.List) {
	s := newScope(d, "")
	p.names = s
	for _, n := range []string{"App", "New", "Deciders", "Projections"} {
		s.add(n, "the wiring", diag.Span{})
	}
	p.scenarioNames(s)
	p.upcasterNames(s)
	for _, t := range p.Types {
		s.add(t.Name, "type "+t.Name, t.At)
		for i, v := range t.Values {
			s.add(v.Go, "the value "+v.Wire+" of "+t.Name, t.Named.Values[i].At)
		}
		if t.Pattern != "" {
			s.add(t.Pattern, "the pattern of "+t.Name, t.At)
		}
		if t.IDOf != nil {
			checkFields(d, "the id of "+t.IDOf.Name, t.Fields, "String")
			continue
		}
		checkFields(d, "type "+t.Name, t.Fields)
	}
	app := newScope(d, " in App")
	methods := []string{"Run", "Close", "Projectors", "Status", "VerifySnapshots", "SnapshotStats"}
	if p.HasUnique() {
		methods = append(methods, "ClaimUnique")
	}
	for _, m := range methods {
		app.add(m, "a method", diag.Span{})
	}
	p.checkFoldNames(s)
	p.checkFingerprintNames(s)
	p.checkReplayNames(s)
	for _, t := range p.Types {
		s.add(t.Parse, "what reads "+t.Name, t.At)
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
		{a.Commands, "the commands of"}, {a.Fold, "what folds"},
	} {
		s.add(n.name, n.what+" "+a.Name, a.At)
	}
	checkFields(s.d, "the state of "+a.Name, a.StateFields)
	a.Lifecycle.checkNames(s, a)
	if len(a.Unique) > 0 {
		s.add(a.UniqueVar, "the unique values of "+a.Name, a.At)
	}
	methods := newMethodScope(s.d, a.Interface)
	for _, e := range a.Events {
		s.add(e.Go, "event "+e.Name, e.At)
		if e.Fold == nil {
			methods.add(e.Apply, "the fold of "+e.Name, e.At)
		}
		checkFields(s.d, "event "+e.Name, e.Fields, "EventType", "EventVersion", "EventEncoding",
			"AppendJSON", "DecodeJSON", "DecodeRecord")
		e.checkEvolution(s)
	}
	for _, f := range a.Former {
		f.checkFormer(s)
	}
	for _, r := range a.Rejections {
		s.add(r.Go, "rejection "+r.Name, r.At)
		checkFields(s.d, "rejection "+r.Name, r.Fields, "Error", "RejectionType")
	}
	methods.add("Load", "the method of "+a.Commands+" that loads the state", diag.Span{})
	if len(a.Unique) > 0 {
		methods.add("ClaimUnique", "the method of "+a.Commands+" that claims unique values", diag.Span{})
	}
	for _, c := range a.CommandList {
		s.add(c.Go, "command "+c.Name, c.At)
		methods.add(c.Method, "command "+c.Name, c.At)
		c.checkStreams(s)
		checkFields(s.d, "command "+c.Name, c.Fields, "Validate", "AppendJSON")
	}
}

func (p *Plan) checkProjection(s *scope, pr *Projection) {
	for _, n := range []struct{ name, what string }{
		{pr.Team, "projection"}, {pr.Interface, "the folds of"}, {pr.Key, "the key of"}, {pr.Row, "the rows of"},
		{pr.Model, "the read model of"}, {pr.Engine, "what folds"}, {pr.Codec, "the codec of"},
	} {
		s.add(n.name, n.what+" "+pr.Name, pr.At)
	}
	checkFields(s.d, "the key of "+pr.Name, pr.KeyFields)
	checkFields(s.d, "the row of "+pr.Name, pr.RowFields)
	folds := newMethodScope(s.d, pr.Interface)
	for _, h := range pr.Handlers {
		if h.InGo {
			folds.add(h.Event.Go, "the fold of "+h.Event.Name, h.At)
		}
		if h.KeysInGo {
			folds.add(h.Keys, "the keys of "+h.Event.Name, h.At)
		}
		for _, f := range h.Folds {
			if f.Set != nil && !f.Makes() {
				s.add(f.Set.Func, "the fold of "+h.Event.Name+" in "+pr.Name, f.At)
			}
		}
	}
	finders := newScope(s.d, " in "+pr.Model)
	queryNames(finders, pr)
	for i, f := range pr.Finders {
		finders.add(f.Name, "the finder of this index", pr.Indexes[i].At)
		if f.Count != "" {
			finders.add(f.Count, "what counts the rows of the finder "+f.Name, pr.Indexes[i].At)
		}
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
