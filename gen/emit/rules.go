package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// needsCheck says whether there is a value of the type that could be wrong.
func needsCheck(t *model.Type, r model.Rules) bool {
	if r.Any() {
		return true
	}
	switch t.Kind {
	case model.String, model.Float64, model.Time, model.Date:
		return true
	case model.Optional, model.List, model.Set:
		return needsCheck(t.Elem, model.Rules{})
	case model.Map:
		return needsCheck(t.Key, model.Rules{}) || needsCheck(t.Elem, model.Rules{})
	case model.Ref:
		switch t.Named.Kind {
		case model.Enum:
			return true
		case model.Scalar:
			return needsCheck(&model.Type{Kind: t.Named.Base}, t.Named.Rules)
		case model.Struct:
			if len(t.Named.Checks) > 0 {
				return true
			}
			for _, f := range t.Named.Fields {
				if needsCheck(&f.Type, f.Rules) {
					return true
				}
			}
		}
	}
	return false
}

func (e *emitter) needsCheckFields(fields []*plan.Field) bool {
	for _, f := range fields {
		if needsCheck(&f.Type, f.Rules) {
			return true
		}
	}
	return false
}

// checkMethod emits
//
//	func (v *Money) check(c *validate.Checker) {
//		validate.Min(c, "amount", v.Amount, 1)
//		…
//	}
func (e *emitter) checkMethod(f *jen.File, name string, fields []*plan.Field, together []*model.Check) {
	f.Func().Params(jen.Id("v").Op("*").Id(name)).Id("check").Params(jen.Id("c").Op("*").Qual(validatePath, "Checker")).
		BlockFunc(func(g *jen.Group) {
			for _, field := range fields {
				c := checks{e: e, field: jen.Lit(field.Name), pattern: field.Pattern}
				if field.Personal && needsCheck(&field.Type, field.Rules) {
					g.If(jen.List(jen.Id("x"), jen.Id("ok")).Op(":=").Id("v").Dot(field.Go).Dot("Reveal").Call(), jen.Id("ok")).
						BlockFunc(func(g *jen.Group) {
							g.Id("c").Dot("Hide").Call(jen.True())
							c.value(g, &field.Type, field.Rules, id("x"))
							g.Id("c").Dot("Hide").Call(jen.False())
						})
					continue
				}
				c.value(g, &field.Type, field.Rules, at(id("v"), field.Go))
			}
			e.checksTogether(g, together)
		})
	f.Line()
}

// checks emits the checks of one value. field is the name that messages give it.
type checks struct {
	e       *emitter
	field   *jen.Statement
	pattern string
}

func (c checks) name() *jen.Statement { return c.field.Clone() }

func (c checks) value(g *jen.Group, t *model.Type, r model.Rules, x expr) {
	if !needsCheck(t, r) {
		return
	}
	switch t.Kind {
	case model.Optional:
		g.If(jen.List(jen.Id("x"), jen.Id("ok")).Op(":=").Add(x()).Dot("Get").Call(), jen.Id("ok")).
			BlockFunc(func(g *jen.Group) { c.value(g, t.Elem, r, id("x")) })
	case model.List:
		c.items(g, r, x)
		if r.Distinct {
			g.Qual(validatePath, "Distinct").Call(jen.Id("c"), c.name(), x())
		}
		c.list(g, t, x)
	case model.Set:
		c.items(g, r, x)
		c.set(g, t, x)
	case model.Map:
		c.items(g, r, x)
		c.mapping(g, t, x)
	case model.Ref:
		c.named(g, t, r, x)
	default:
		c.scalar(g, t, t.Kind, r, x)
	}
}

func (c checks) named(g *jen.Group, t *model.Type, r model.Rules, x expr) {
	switch t.Named.Kind {
	case model.Enum:
		g.Id("c").Dot("Enum").Call(c.name(), jen.String().Call(x()), x().Dot("Valid").Call(), jen.Lit(known(t.Named)))
	case model.Struct:
		g.Id("c").Dot("Enter").Call(c.name())
		g.Add(x()).Dot("check").Call(jen.Id("c"))
		g.Id("c").Dot("Leave").Call()
	case model.Scalar:
		if needsCheck(t, model.Rules{}) {
			g.Add(x()).Dot("check").Call(jen.Id("c"), c.name())
		}
		c.rules(g, t, t.Named.Base, r, x)
	}
}

// scalar emits what every value of a kind must keep to, and the rules.
func (c checks) scalar(g *jen.Group, t *model.Type, k model.Kind, r model.Rules, x expr) {
	switch k {
	case model.String:
		g.Id("c").Dot("Text").Call(c.name(), to(t, k, x))
	case model.Float64:
		g.Id("c").Dot("Finite").Call(c.name(), to(t, k, x))
	case model.Time:
		g.Id("c").Dot("Time").Call(c.name(), to(t, k, x))
	case model.Date:
		g.Id("c").Dot("Date").Call(c.name(), to(t, k, x))
	}
	c.rules(g, t, k, r, x)
}

func (c checks) rules(g *jen.Group, t *model.Type, k model.Kind, r model.Rules, x expr) {
	for _, bound := range []struct{ fn, lit string }{{"Min", r.Min}, {"Max", r.Max}} {
		switch {
		case bound.lit == "":
		case k == model.Decimal:
			g.Id("c").Dot(bound.fn+"Decimal").Call(c.name(), to(t, k, x), jen.Lit(bound.lit))
		default:
			g.Qual(validatePath, bound.fn).Call(jen.Id("c"), c.name(), x(), jen.Id(bound.lit))
		}
	}
	if r.MinLength != nil || r.MaxLength != nil {
		fn := "Length"
		if k == model.Bytes {
			fn = "Size"
		}
		g.Id("c").Dot(fn).Call(c.name(), to(t, k, x), orElse(r.MinLength, 0), orElse(r.MaxLength, -1))
	}
	if r.Pattern != "" {
		g.Id("c").Dot("Pattern").Call(c.name(), to(t, k, x), jen.Id(c.pattern))
	}
}

func (c checks) items(g *jen.Group, r model.Rules, x expr) {
	if r.MinItems != nil || r.MaxItems != nil {
		g.Id("c").Dot("Items").Call(c.name(), jen.Len(x()), orElse(r.MinItems, 0), orElse(r.MaxItems, -1))
	}
}

func (c checks) list(g *jen.Group, t *model.Type, x expr) {
	if !needsCheck(t.Elem, model.Rules{}) {
		return
	}
	vars, elem := jen.List(jen.Id("i"), jen.Id("x")), id("x")
	if isStruct(t.Elem) { // which is checked where it stands, and not copied
		vars, elem = jen.Id("i"), func() *jen.Statement { return x().Index(jen.Id("i")) }
	}
	g.For(vars.Op(":=").Range().Add(x())).BlockFunc(func(g *jen.Group) {
		g.Id("c").Dot("EnterIndex").Call(c.name(), jen.Id("i"))
		c.element(g, t.Elem, elem)
		g.Id("c").Dot("Leave").Call()
	})
}

func (c checks) set(g *jen.Group, t *model.Type, x expr) {
	if !needsCheck(t.Elem, model.Rules{}) {
		return
	}
	elements := x().Dot("Sorted").Call(compareFunc(t.Elem))
	g.For(jen.List(jen.Id("_"), jen.Id("x")).Op(":=").Range().Add(elements)).BlockFunc(func(g *jen.Group) {
		g.Id("c").Dot("EnterKey").Call(c.name(), keyText(t.Elem, id("x")))
		c.element(g, t.Elem, id("x"))
		g.Id("c").Dot("Leave").Call()
	})
}

func (c checks) mapping(g *jen.Group, t *model.Type, x expr) {
	if !needsCheck(t.Key, model.Rules{}) && !needsCheck(t.Elem, model.Rules{}) {
		return
	}
	keys := jen.Qual("slices", "Sorted").Call(jen.Qual("maps", "Keys").Call(x()))
	g.For(jen.List(jen.Id("_"), jen.Id("k")).Op(":=").Range().Add(keys)).BlockFunc(func(g *jen.Group) {
		g.Id("c").Dot("EnterKey").Call(c.name(), keyText(t.Key, id("k")))
		c.element(g, t.Key, id("k"))
		if needsCheck(t.Elem, model.Rules{}) {
			g.Id("x").Op(":=").Add(x()).Index(jen.Id("k"))
			c.element(g, t.Elem, id("x"))
		}
		g.Id("c").Dot("Leave").Call()
	})
}

// element emits the checks of an element, whose path was entered already.
func (c checks) element(g *jen.Group, t *model.Type, x expr) {
	if isStruct(t) && needsCheck(t, model.Rules{}) {
		g.Add(x()).Dot("check").Call(jen.Id("c"))
		return
	}
	checks{e: c.e, field: jen.Lit("")}.value(g, t, model.Rules{}, x)
}

// keyText is a map's key, or a set's element, as text.
func keyText(t *model.Type, x expr) *jen.Statement {
	switch k, _ := base(t); ofKind(k) {
	case model.Date, model.Decimal:
		return x().Dot("String").Call()
	case model.Int64:
		return jen.Qual("strconv", "FormatInt").Call(to(t, model.Int64, x), jen.Lit(10))
	case model.Uint64:
		return jen.Qual("strconv", "FormatUint").Call(to(t, model.Uint64, x), jen.Lit(10))
	}
	return to(t, model.String, x)
}

func orElse(n *int, otherwise int) *jen.Statement {
	if n == nil {
		return jen.Lit(otherwise)
	}
	return jen.Lit(*n)
}
