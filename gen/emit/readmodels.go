package emit

import (
	"go/types"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// readModels emits readmodels_gen.go: the typed queries of each projection, and how its rows become columns.
func (e *emitter) readModels(f *jen.File) {
	for _, p := range e.Projections {
		e.modelType(f, p)
		for _, find := range p.Finders {
			e.finder(f, p, find)
		}
		for _, q := range p.Queries {
			e.query(f, p, q)
		}
		e.search(f, p)
		e.codecVar(f, p)
		e.appendKey(f, p)
		e.appendRow(f, p)
		e.readColumns(f, "read"+p.Key, p.Key, p.KeyFields)
		e.readColumns(f, "read"+p.Row, p.Row, p.RowFields)
	}
}

// modelType emits
//
//	type BalanceByCurrencyModel struct {
//		*projection.Kept[BalanceByCurrencyKey, BalanceByCurrencyRow]
//	}
func (e *emitter) modelType(f *jen.File, p *plan.Projection) {
	types := []jen.Code{jen.Id(p.Key), jen.Id(p.Row)}
	fileComments(f, doc(p.Model+" answers queries about "+p.Name+". Every answer says which position it reflects. It is safe for concurrent use.", p.Doc))
	f.Type().Id(p.Model).Struct(jen.Op("*").Qual(projectionPath, "Kept").Types(types...))
	f.Line()
	params := []jen.Code{jen.Id("group").Op("*").Qual(projectionPath, "Group"), jen.Id("rows").Qual(readmodelPath, "Store")}
	if p.InGo {
		params = append(params, jen.Id("folds").Id(p.Team))
	}
	if p.Reveals() {
		params = append(params, jen.Id("keys").Op("*").Qual(personalPath, "Keys"))
	}
	function(f, nil, "new"+p.Model, params, jen.Op("*").Id(p.Model)).Block(
		jen.Return(jen.Op("&").Id(p.Model).Values(
			jen.Qual(projectionPath, "Keep").Call(jen.Id("group"), jen.Id("rows"), e.projectionDefinition(p)))))
	f.Line()
	fileComments(f, "In returns the read model as another one of its stores keeps it, by the store's name."+
		" The error is a *readmodel.SinksError.")
	f.Func().Params(jen.Id("m").Op("*").Id(p.Model)).Id("In").Params(jen.Id("sink").String()).
		Params(jen.Op("*").Id(p.Model), jen.Error()).Block(
		jen.List(jen.Id("kept"), jen.Err()).Op(":=").Id("m").Dot("Kept").Dot("In").Call(jen.Id("sink")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Op("&").Id(p.Model).Values(jen.Id("kept")), jen.Nil()),
	)
	f.Line()
}

func (e *emitter) projectionDefinition(p *plan.Projection) *jen.Statement {
	entries := []entry{
		{"Name", jen.Lit(p.Name)},
		{"Events", jen.Index().String().ValuesFunc(func(g *jen.Group) {
			for _, h := range p.Handlers {
				g.Lit(h.Event.Wire)
			}
			if p.Reveals() {
				g.Qual(personalPath, "Forgotten")
			}
			for _, ev := range p.Former() {
				g.Lit(ev.Wire)
			}
		})},
	}
	if left := p.LeftOut(); len(left) > 0 {
		entries = append(entries, entry{"Ignores", wires(left)})
	}
	entries = append(entries, entry{"Codec", rowsCodec(p)})
	if init := initOf(p.Row, p.RowFields); init != nil {
		entries = append(entries, entry{"Init", init})
	}
	if keyHasStrings(p) {
		entries = append(entries, entry{"OwnKey", jen.Id("own" + p.Key)})
	}
	if p.StreamField != nil {
		entries = append(entries, entry{"ByStream", jen.True()})
	}
	if p.Inline {
		entries = append(entries, entry{"Inline", jen.True()})
	}
	if p.Manual {
		entries = append(entries, entry{"Manual", jen.True()})
	}
	if p.Reveals() {
		entries = append(entries, entry{"Keys", jen.Id("keys")})
	}
	entries = append(entries, entry{"NewFold", e.newFold(p)})
	return jen.Qual(projectionPath, "Definition").Types(jen.Id(p.Key), jen.Id(p.Row)).Add(literal(entries))
}

// wires emits the wire names of events.
func wires(events []*plan.Event) *jen.Statement {
	return jen.Index().String().ValuesFunc(func(g *jen.Group) {
		for _, ev := range events {
			g.Lit(ev.Wire)
		}
	})
}

// newFold emits
//
//	func(int) func(*projection.Rows[…], *cqrs.Record) error {
//		return (&balanceByCurrencyProjection{folds: folds}).fold
//	}
func (e *emitter) newFold(p *plan.Projection) *jen.Statement {
	engine := jen.New(jen.Id(p.Engine))
	values := jen.Dict{}
	if p.InGo {
		values[jen.Id("folds")] = jen.Id("folds")
	}
	if p.DecodesPersonal() {
		values[jen.Id("coder")] = coderOf(p)
	}
	if len(values) > 0 {
		engine = jen.Parens(jen.Op("&").Id(p.Engine).Values(values))
	}
	return jen.Func().Params(jen.Int()).Func().Params(
		jen.Op("*").Qual(projectionPath, "Rows").Types(jen.Id(p.Key), jen.Id(p.Row)), jen.Op("*").Qual(cqrsPath, "Record"),
	).Error().Block(jen.Return(engine.Dot("fold")))
}

// finder emits the query of an index, and one that counts.
func (e *emitter) finder(f *jen.File, p *plan.Projection, find plan.Finder) {
	var by, order []string
	params := []jen.Code{}
	names := paramNames(find.By)
	for i, field := range find.By {
		by = append(by, field.Name)
		params = append(params, jen.Id(names[i]).Add(e.goType(&field.Type)))
	}
	for _, field := range append(slices.Clone(find.Rest), p.KeyFields...) {
		if !slices.Contains(by, field.Name) && !slices.Contains(order, field.Name) {
			order = append(order, field.Name)
		}
	}
	one := "the rows of one " + strings.Join(by, " and ")
	text := find.Name + " returns " + one
	if len(order) > 0 {
		text += ", in the order of " + strings.Join(order, ", ")
	}
	selected := inline([]entry{
		{"Index", jen.Lit(find.Index)},
		{"Equal", jen.Index().Qual(readmodelPath, "Value").ValuesFunc(func(g *jen.Group) {
			for i, field := range find.By {
				g.Add(e.columnValue(&field.Type, id(names[i])))
			}
		})},
	})
	fileComments(f, text+".")
	finding{p, params, selected}.find(f, find.Name)
	if find.Count != "" {
		fileComments(f, find.Count+" returns the number of "+one+".")
		finding{p, params, selected}.count(f, find.Count)
	}
}

// finding is a method of a read model that asks its rows something: the parameters besides the context and the options,
// and what it selects.
type finding struct {
	p        *plan.Projection
	params   []jen.Code
	selected *jen.Statement
}

// find emits the method that returns the rows.
func (q finding) find(f *jen.File, name string) {
	q.method(f, name, "Find", jen.Index().Qual(readmodelPath, "Entry").Types(jen.Id(q.p.Key), jen.Id(q.p.Row)))
}

// count emits the method that returns their number.
func (q finding) count(f *jen.File, name string) { q.method(f, name, "Count", jen.Int64()) }

func (q finding) method(f *jen.File, name, by string, result jen.Code) {
	params := append([]jen.Code{jen.Id("ctx").Qual("context", "Context")}, q.params...)
	params = append(params, jen.Id("opts").Op("...").Qual(cqrsPath, "QueryOption"))
	function(f, jen.Id("m").Op("*").Id(q.p.Model), name, params, result, jen.Qual(readmodelPath, "Freshness"), jen.Error()).Block(
		jen.Return(jen.Id("m").Dot(by).Call(
			jen.Id("ctx"), jen.Qual(readmodelPath, "Find").Add(q.selected.Clone()), jen.Id("opts").Op("..."),
		)),
	)
	f.Line()
}

// paramNames are the names of fields as parameters: none that hides what the function's body needs, or Go has
// predeclared, and none twice.
func paramNames(fields []*plan.Field) []string {
	taken := []string{"ctx", "opts", "m", "x", "readmodel", "cqrs", "time", "uuid", "strings", "math", "slices"}
	var names []string
	for _, f := range fields {
		name := f.Name
		for types.Universe.Lookup(name) != nil || slices.Contains(taken, name) {
			name += "Value"
		}
		names, taken = append(names, name), append(taken, name)
	}
	return names
}

// codecVar emits
//
//	var balanceByCurrencyCodec = readmodel.Codec[BalanceByCurrencyKey, BalanceByCurrencyRow]{…}
func (e *emitter) codecVar(f *jen.File, p *plan.Projection) {
	codec := func(appendRow, readRow jen.Code) *jen.Statement {
		entries := []entry{
			{"Schema", e.schema(p)},
			{"AppendKey", jen.Id("append" + p.Key)},
			{"AppendRow", appendRow},
			{"ReadKey", jen.Id("read" + p.Key)},
			{"ReadRow", readRow},
		}
		if plan.HasPersonal(p.Projection.Row) {
			entries = append(entries, entry{"Keys", jen.Id("keys")})
		}
		return jen.Qual(readmodelPath, "Codec").Types(jen.Id(p.Key), jen.Id(p.Row)).Add(literal(entries))
	}
	if plan.HasPersonal(p.Projection.Row) {
		e.sealedCodec(f, p, codec)
		return
	}
	f.Var().Id(p.Codec).Op("=").Add(codec(jen.Id("append"+p.Row), jen.Id("read"+p.Row)))
	f.Line()
}

func (e *emitter) schema(p *plan.Projection) *jen.Statement {
	entries := []entry{
		{"Projection", jen.Lit(p.Name)},
		{"Fingerprint", jen.Id(p.FingerprintVar)},
		{"Key", e.columns(p.KeyFields)},
		{"Row", e.columns(p.RowFields)},
	}
	if len(p.Indexes) > 0 {
		lines := jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true}
		entries = append(entries, entry{"Indexes", jen.Index().Index().String().CustomFunc(lines, func(g *jen.Group) {
			for _, ix := range p.Indexes {
				g.ValuesFunc(func(g *jen.Group) {
					for _, field := range ix.Fields {
						g.Lit(field.Name)
					}
				})
			}
		})})
	}
	if p.View != "" {
		entries = append(entries, entry{"View", jen.Id(viewName(p))})
	}
	return jen.Qual(readmodelPath, "Schema").Add(literal(entries))
}

func (e *emitter) columns(fields []*plan.Field) *jen.Statement {
	return jen.Index().Qual(readmodelPath, "Column").CustomFunc(jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true}, func(g *jen.Group) {
		for _, field := range fields {
			if field.Personal {
				g.Add(inline([]entry{
					{"Name", jen.Lit(field.Name)}, {"Kind", jen.Qual(readmodelPath, "String")},
					{"Optional", jen.True()}, {"Sealed", jen.True()},
				}))
				continue
			}
			column := []entry{{"Name", jen.Lit(field.Name)}, {"Kind", jen.Qual(readmodelPath, columnKind(&field.Type))}}
			if field.Type.Kind == model.Optional || isExternal(&field.Type) { // whose JSON can be null
				column = append(column, entry{"Optional", jen.True()})
			}
			if plan.HasPersonal([]*model.Field{field.Field}) {
				column = append(column, entry{"Sealed", jen.True()})
			}
			if field.Search != "" {
				column = append(column, entry{"Search", jen.Qual(readmodelPath, searchable[field.Search])})
			}
			g.Add(inline(column))
		}
	})
}

var searchable = map[string]string{"text": "SearchText", "keyword": "SearchKeyword"}

// columnKind is the kind of column that keeps a type.
func columnKind(t *model.Type) string {
	if t.Kind == model.Optional {
		return columnKind(t.Elem)
	}
	if plan.InJSON(t) {
		return "JSON"
	}
	k, _ := base(t)
	return method[ofKind(k)]
}

// columnValue is a value as a column's value.
func (e *emitter) columnValue(t *model.Type, x expr) *jen.Statement {
	if t.Kind == model.Optional {
		if k, named := base(t.Elem); !named && ofKind(k) == k {
			return jen.Qual(readmodelPath, "OfOptional").Call(x(), jen.Qual(readmodelPath, "Of"+method[k]))
		}
		return jen.Qual(readmodelPath, "OfOptional").Call(x(), jen.Func().Params(jen.Id("x").Add(e.goType(t.Elem))).
			Qual(readmodelPath, "Value").Block(jen.Return(e.columnValue(t.Elem, id("x")))))
	}
	k, _ := base(t)
	return jen.Qual(readmodelPath, "Of"+method[ofKind(k)]).Call(to(t, ofKind(k), x))
}

func (e *emitter) appendKey(f *jen.File, p *plan.Projection) {
	value := jen.Qual(readmodelPath, "Value")
	f.Func().Id("append"+p.Key).Params(jen.Id("values").Index().Add(value), jen.Id("k").Op("*").Id(p.Key)).Index().Add(value).Block(
		jen.Return(appendCall(p.KeyFields, func(field *plan.Field) *jen.Statement {
			return e.columnValue(&field.Type, at(id("k"), field.Go))
		})),
	)
	f.Line()
}

func appendCall(fields []*plan.Field, value func(*plan.Field) *jen.Statement) *jen.Statement {
	if len(fields) == 0 {
		return jen.Id("values")
	}
	return jen.Append(jen.ListFunc(func(g *jen.Group) {
		g.Id("values")
		for _, field := range fields {
			g.Line().Add(value(field))
		}
		g.Line()
	}))
}

// appendRow emits how a row becomes columns; what has no column type of its own goes into one as JSON.
func (e *emitter) appendRow(f *jen.File, p *plan.Projection) {
	value := jen.Qual(readmodelPath, "Value")
	name := "row"
	if len(p.RowFields) == 0 {
		name = "_"
	}
	params := []jen.Code{jen.Id("values").Index().Add(value), jen.Id(name).Op("*").Id(p.Row)}
	if plan.HasPersonal(p.Projection.Row) {
		params = append(params, jen.Id("c").Op("*").Qual(personalPath, "Coder"))
	}
	function(f, nil, "append"+p.Row, params,
		jen.Index().Add(value.Clone()), jen.Error()).BlockFunc(func(g *jen.Group) {
		for _, field := range p.RowFields {
			switch {
			case field.Personal:
				g.List(jen.Id(jsonVar(field)), jen.Err()).Op(":=").Qual(readmodelPath, "Sealed").Call(
					jen.Id("c"), jen.Lit(field.Name), jen.Op("&").Id("row").Dot(field.Go), e.writeFunc(&field.Type))
				g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
				continue
			case !plan.InJSON(&field.Type):
				continue
			}
			g.List(jen.Id(jsonVar(field)), jen.Err()).Op(":=").Qual(readmodelPath, "JSONOf").Call(
				jen.Lit(p.Row), jen.Op("&").Id("row").Dot(field.Go), e.rowWriter(field))
			g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
		}
		g.Return(appendCall(p.RowFields, func(field *plan.Field) *jen.Statement {
			if field.Personal || plan.InJSON(&field.Type) {
				return jen.Id(jsonVar(field))
			}
			return e.columnValue(&field.Type, at(id("row"), field.Go))
		}), jen.Nil())
	})
	f.Line()
}

// jsonVar is the variable of a field's JSON.
func jsonVar(field *plan.Field) string { return field.Name + "JSON" }

// readColumns emits how columns become a key or a row.
func (e *emitter) readColumns(f *jen.File, name, typ string, fields []*plan.Field) {
	s, v := "s", "v"
	if len(fields) == 0 {
		s, v = "_", "_"
	}
	params := []jen.Code{jen.Id(s).Op("*").Qual(readmodelPath, "Scanner"), jen.Id(v).Op("*").Id(typ)}
	if slices.ContainsFunc(fields, func(f *plan.Field) bool { return plan.HasPersonal([]*model.Field{f.Field}) }) {
		params = append(params, jen.Id("c").Op("*").Qual(personalPath, "Coder"))
	}
	f.Func().Id(name).Params(params...).BlockFunc(func(g *jen.Group) {
		for _, field := range fields {
			e.readColumn(g, field, at(id("v"), field.Go))
		}
	})
	f.Line()
}

func (e *emitter) readColumn(g *jen.Group, field *plan.Field, x expr) {
	t := &field.Type
	switch {
	case field.Personal:
		g.Qual(readmodelPath, "ReadSealed").Call(
			jen.Id("s"), jen.Id("c"), jen.Lit(field.Name), jen.Op("&").Add(x()), e.readFunc(t), e.erased(field))
	case plan.InJSON(t):
		g.Qual(readmodelPath, "ReadJSON").Call(jen.Id("s"), jen.Op("&").Add(x()), e.rowReader(field))
	case t.Kind == model.Optional:
		g.If(jen.Op("!").Id("s").Dot("Null").Call()).Block(
			x().Op("=").Qual(cqrsPath, "Some").Call(e.scanned(t.Elem)))
	default:
		g.Add(x()).Op("=").Add(e.scanned(t))
	}
}

// scanned is a scalar that the scanner reads.
func (e *emitter) scanned(t *model.Type) *jen.Statement {
	k, _ := base(t)
	wide := ofKind(k)
	return e.from(t, wide, jen.Id("s").Dot(method[wide]).Call())
}
