package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// types emits types_gen.go: named scalars, enums and structs, and the rules on them.
func (e *emitter) types(f *jen.File) {
	for _, t := range e.Types {
		switch t.Kind {
		case model.Scalar:
			e.scalar(f, t)
		case model.Enum:
			e.enum(f, t)
		case model.Struct:
			fileComments(f, typeDoc(t, "a value of the model"))
			e.strct(f, t.Name, t.Fields)
			if t.Check && (e.needsCheckFields(t.Fields) || len(t.Checks) > 0) {
				e.patterns(f, t.Fields)
				e.checkMethod(f, t.Name, t.Fields, t.Checks)
			}
		}
	}
}

// scalar emits
//
//	type AccountID string
//
// with the rules of its values, and the text form that its base has.
func (e *emitter) scalar(f *jen.File, t *plan.Named) {
	fileComments(f, typeDoc(t, "a "+kindWords[t.Base]+" with a meaning of its own"))
	f.Type().Id(t.Name).Add(scalarType(t.Base))
	f.Line()
	e.subject(f, t)
	switch t.Base {
	case model.UUID, model.Date, model.Time, model.Decimal:
		e.textMethods(f, t)
	}
	self := &model.Type{Kind: t.Base}
	if !t.Check || !needsCheck(self, t.Rules) {
		return
	}
	if t.Pattern != "" {
		patternVar(f, t.Pattern, t.Rules.Pattern)
	}
	c := checks{e: e, field: jen.Id("field"), pattern: t.Pattern}
	f.Func().Params(jen.Id("v").Id(t.Name)).Id("check").
		Params(jen.Id("c").Op("*").Qual(validatePath, "Checker"), jen.Id("field").String()).
		BlockFunc(func(g *jen.Group) {
			c.scalar(g, &model.Type{Kind: model.Ref, Named: t.Named}, t.Base, t.Rules, id("v"))
		})
	f.Line()
}

// typeDoc is a type's doc: the model's own words, or what kind of type it is.
func typeDoc(t *plan.Named, kind string) string {
	return remarked(wordsOf(t, kind), t.Example, t.Deprecated)
}

func wordsOf(t *plan.Named, kind string) string {
	if t.Doc == "" {
		return t.Name + " is " + kind + "."
	}
	first, _, _ := strings.Cut(t.Doc, " ")
	switch first {
	case t.Name:
		return t.Doc
	case "A", "An", "The", "One":
		return t.Name + " is " + strings.ToLower(first) + strings.TrimPrefix(t.Doc, first)
	}
	return doc(t.Name+" is "+kind+".", t.Doc)
}

var kindWords = map[model.Kind]string{
	model.String: "string", model.Bool: "bool", model.Int: "number", model.Int32: "number", model.Int64: "number",
	model.Uint32: "number", model.Uint64: "number", model.Float64: "number", model.Bytes: "byte string",
	model.Time: "time", model.Duration: "duration", model.UUID: "UUID", model.Date: "date",
	model.Decimal: "decimal number",
}

// textMethods gives a named type the text form of its base, which Go does not inherit.
func (e *emitter) textMethods(f *jen.File, t *plan.Named) {
	f.Comment("// String returns the text form.")
	f.Func().Params(jen.Id("v").Id(t.Name)).Id("String").Params().String().Block(
		jen.Return(scalarType(t.Base).Call(jen.Id("v")).Dot("String").Call()))
	f.Line()
	f.Comment("// MarshalText implements encoding.TextMarshaler.")
	f.Func().Params(jen.Id("v").Id(t.Name)).Id("MarshalText").Params().Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Return(scalarType(t.Base).Call(jen.Id("v")).Dot("MarshalText").Call()))
	f.Line()
	f.Comment("// UnmarshalText implements encoding.TextUnmarshaler.")
	f.Func().Params(jen.Id("v").Op("*").Id(t.Name)).Id("UnmarshalText").Params(jen.Id("b").Index().Byte()).Error().Block(
		jen.Return(jen.Parens(jen.Op("*").Add(scalarType(t.Base))).Call(jen.Id("v")).Dot("UnmarshalText").Call(jen.Id("b"))))
	f.Line()
}

// enum emits the type, its constants, and
//
//	func (v Currency) Valid() bool
func (e *emitter) enum(f *jen.File, t *plan.Named) {
	fileComments(f, typeDoc(t, "one of a fixed set of values"))
	f.Type().Id(t.Name).String()
	f.Line()
	f.Comment("// The values of " + t.Name + ".")
	f.Const().DefsFunc(func(g *jen.Group) {
		for _, v := range t.Values {
			g.Id(v.Go).Id(t.Name).Op("=").Lit(v.Wire)
		}
	})
	f.Line()
	f.Comment("// Valid reports whether v is one of the values that the model declares.")
	f.Func().Params(jen.Id("v").Id(t.Name)).Id("Valid").Params().Bool().Block(
		jen.Switch(jen.Id("v")).Block(
			jen.CaseFunc(func(g *jen.Group) {
				for _, v := range t.Values {
					g.Id(v.Go)
				}
			}).Block(jen.Return(jen.True())),
		),
		jen.Return(jen.False()),
	)
	f.Line()
}

// known lists an enum's values for a message.
func known(n *model.Named) string {
	var out []string
	for _, v := range n.Values {
		out = append(out, v.Name)
	}
	return strings.Join(out, ", ")
}

// patterns declares the compiled patterns of fields.
func (e *emitter) patterns(f *jen.File, fields []*plan.Field) {
	for _, field := range fields {
		if field.Pattern != "" {
			patternVar(f, field.Pattern, field.Rules.Pattern)
		}
	}
}

func patternVar(f *jen.File, name, pattern string) {
	lit := jen.Lit(pattern)
	if !strings.Contains(pattern, "`") && strings.ContainsAny(pattern, `\"`) {
		lit = jen.Id("`" + pattern + "`")
	}
	f.Var().Id(name).Op("=").Qual("regexp", "MustCompile").Call(lit)
	f.Line()
}
