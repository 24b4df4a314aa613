package model

import (
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Expr is an expression that was checked.
type Expr struct {
	// Text is as written.
	Text string
	At   diag.Span
	// Type is that of its value.
	Type Type
	// Node is its tree. Fields are referred to by their *Field, declared types by their *Named.
	Node *expr.Node
}

// Fails reports whether computing the value can fail: whether there is arithmetic that may overflow, or a division.
func (x *Expr) Fails() bool {
	fails := false
	x.Node.Walk(func(n *expr.Node) { fails = fails || n.Fails() })
	return fails
}

// Uses reports whether the value depends on a root.
func (x *Expr) Uses(root string) bool {
	uses := false
	x.Node.Walk(func(n *expr.Node) { uses = uses || n.Op == expr.OpName && n.Name == root })
	return uses
}

// root is a name that an expression can start from.
type root struct {
	name   string
	what   string // for messages: "the event MoneyDeposited"
	fields []*Field
	// open says that there may be other fields, which could not be read.
	open bool
	// value is the type of a root that is a value itself.
	value *Type
}

// scope has the names that an expression may start from.
type scope []root

// fieldsRoot is a root that has fields: event, state, row, command, self.
func fieldsRoot(name string, fields []*Field) root {
	return root{name: name, what: "`" + name + "`", fields: fields}
}

// called says what a root is, for messages.
func (x root) called(what string) root {
	x.what = what
	return x
}

// valueRoot is a root that is a value: item.
func valueRoot(name string, t Type) root { return root{name: name, value: &t} }

// eventRoot is the root of an event's fields.
func (r *resolver) eventRoot(e *Event) root {
	x := fieldsRoot("event", e.Fields).called("the event " + e.Name)
	x.open = r.fieldsUnknown[e]
	return x
}

// stateRoot is the root of an aggregate's state.
func (r *resolver) stateRoot(a *Aggregate) root {
	x := fieldsRoot("state", a.State).called("the state of " + a.Name)
	x.open = r.fieldsUnknown[a]
	return x
}

// streamRoot has what is known of an event's stream: stream.id.
func streamRoot(a *Aggregate) root {
	if a.Single {
		return fieldsRoot("stream", nil).called("the one stream of " + a.Name)
	}
	id := Type{}
	if a.ID != nil {
		id = Type{Kind: Ref, Named: a.ID}
	}
	return fieldsRoot("stream", []*Field{{Name: "id", Type: id}}).called("a stream")
}

// metaNames are what expressions can take from an event's meta, in the order of the reference, and metaTypes their types.
var (
	metaNames = []string{"version", "time", "actor", "commandID", "correlationID", "causationID"}
	metaTypes = map[string]Kind{
		"version": Int64, "time": Time, "actor": String, "commandID": String, "correlationID": String, "causationID": String,
	}
)

var metaFields = func() []*Field {
	var fields []*Field
	for _, name := range metaNames {
		fields = append(fields, &Field{Name: name, Type: Type{Kind: metaTypes[name]}})
	}
	return fields
}()

// metaRoot has what is known of an event besides its fields: meta.time.
func metaRoot() root { return fieldsRoot("meta", metaFields).called("the meta") }

// expr checks an expression. Its value has the type want, or any type where want is zero; where want is an optional, a
// value that it may hold will do, and so does none. It returns nil where something was reported, now or before.
func (r *resolver) expr(t schema.Text, in scope, want Type) *Expr {
	if !t.Given() || r.typesUnknown || r.cyclic || want.Kind != 0 && want.broken() {
		return nil
	}
	w := r.exprTypes()
	var wanted *expr.Type
	if want.Kind != 0 {
		wanted = w.typeOf(want)
	}
	node := w.Check(expr.Source{Text: t.Value, At: t.Within}, w.scope(in), wanted, r.diags.Add)
	if node == nil {
		return nil
	}
	return &Expr{Text: t.Value, At: t.At, Type: TypeOf(node.Type), Node: node}
}

// world has the model's types as expressions see them.
type world struct {
	*expr.World
	declared map[*Named]*expr.Type
	roots    map[rootKey]*expr.Type
}

// rootKey tells roots apart: the fields of an element are one list.
type rootKey struct {
	what  string
	first *Field
	count int
}

// exprTypes returns the types of the model, once they are resolved.
func (r *resolver) exprTypes() *world {
	if r.exprs != nil {
		return r.exprs
	}
	w := &world{World: expr.New(), declared: map[*Named]*expr.Type{}, roots: map[rootKey]*expr.Type{}}
	r.exprs = w
	var structs []*Named
	for _, n := range r.model.Types {
		if r.types[n.Name] != n || !identifier.MatchString(n.Name) || n.Name[0] < 'A' || n.Name[0] > 'Z' {
			continue
		}
		switch {
		case Type{Kind: Ref, Named: n}.broken():
			w.Broken(n.Name)
		case n.Kind == Scalar:
			w.declared[n] = w.Named(n.Name, kindWords[n.Base], n)
		case n.Kind == Enum:
			w.declared[n] = w.Enum(n.Name, valueNames(n), n)
		case n.Kind == Struct:
			w.declared[n] = w.Struct(n.Name, n)
			structs = append(structs, n)
		}
	}
	for _, n := range structs {
		w.Complete(w.declared[n], w.fields(n.Fields), r.fieldsUnknown[n])
	}
	return w
}

func valueNames(n *Named) []string {
	var names []string
	for _, v := range n.Values {
		names = append(names, v.Name)
	}
	return names
}

func (w *world) fields(list []*Field) []expr.Field {
	fields := make([]expr.Field, len(list))
	for i, f := range list {
		fields[i] = expr.Field{Name: f.Name, Type: w.typeOf(f.Type), Ref: f}
	}
	return fields
}

// scope returns the names of a scope with their types.
func (w *world) scope(in scope) expr.Scope {
	names := expr.Scope{}
	for _, x := range in {
		names[x.name] = w.root(x)
	}
	return names
}

// root returns the type of a root, nil where it was reported.
func (w *world) root(x root) *expr.Type {
	if x.value != nil {
		return w.typeOf(*x.value)
	}
	key := rootKey{what: x.what, count: len(x.fields)}
	if len(x.fields) > 0 {
		key.first = x.fields[0]
	}
	if t, ok := w.roots[key]; ok {
		return t
	}
	t := w.Root(x.what, w.fields(x.fields), x.open)
	w.roots[key] = t
	return t
}

// kindWords are the scalars as expressions know them, and kinds leads back.
var kindWords, kinds = func() (map[Kind]expr.Kind, map[expr.Kind]Kind) {
	words, back := map[Kind]expr.Kind{}, map[expr.Kind]Kind{}
	for name, kind := range scalars {
		words[kind], back[expr.Kind(name)] = expr.Kind(name), kind
	}
	return words, back
}()

// typeOf returns a type as expressions see it, nil where it was reported.
func (w *world) typeOf(t Type) *expr.Type {
	if t.broken() {
		return nil
	}
	if t.Kind == Ref && t.Named.Kind == External && w.declared[t.Named] == nil {
		w.declared[t.Named] = w.External(t.Named.Name, t.Named)
	}
	switch t.Kind {
	case Optional:
		return over(w.typeOf(*t.Elem), w.Optional)
	case List:
		return over(w.typeOf(*t.Elem), w.List)
	case Set:
		return over(w.typeOf(*t.Elem), w.Set)
	case Map:
		key := w.typeOf(*t.Key)
		return over(w.typeOf(*t.Elem), func(elem *expr.Type) *expr.Type {
			if key == nil {
				return nil
			}
			return w.Map(key, elem)
		})
	case Ref:
		return w.declared[t.Named]
	}
	return w.Scalar(kindWords[t.Kind])
}

func over(elem *expr.Type, make func(*expr.Type) *expr.Type) *expr.Type {
	if elem == nil {
		return nil
	}
	return make(elem)
}

var collections = map[expr.Class]Kind{expr.Optional: Optional, expr.List: List, expr.Set: Set}

// TypeOf returns the type of a part of an expression.
func TypeOf(t *expr.Type) Type {
	switch t.Class {
	case expr.Optional, expr.List, expr.Set:
		elem := TypeOf(t.Elem)
		return Type{Kind: collections[t.Class], Elem: &elem}
	case expr.Map:
		key, elem := TypeOf(t.Key), TypeOf(t.Elem)
		return Type{Kind: Map, Key: &key, Elem: &elem}
	}
	if n, ok := t.Ref.(*Named); ok {
		return Type{Kind: Ref, Named: n}
	}
	return Type{Kind: kinds[t.Kind]}
}
