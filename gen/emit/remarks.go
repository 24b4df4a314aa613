package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// fieldDoc is what the model says about a field, in paragraphs: its doc, its default, an example, and, at the end as Go
// has it, what to use instead.
func fieldDoc(f *plan.Field) string {
	var said []string
	if f.Doc != "" {
		said = append(said, f.Doc)
	}
	if text, ok := shown(f.Default); ok {
		said = append(said, "By default "+text+".")
	}
	if text, ok := shown(f.Example); ok {
		said = append(said, "For example "+text+".")
	}
	return deprecated(strings.Join(said, "\n"), f.Deprecated)
}

// remarked adds the example of a type, and what to use instead.
func remarked(text string, example *model.Value, instead string) string {
	if x, ok := shown(example); ok {
		text += "\n\nFor example " + x + "."
	}
	return deprecated(text, instead)
}

// deprecated adds the paragraph by which Go's tools know what should no longer be used.
func deprecated(text, instead string) string {
	if instead == "" {
		return text
	}
	return strings.TrimSpace(text + "\n\nDeprecated: " + strings.Join(strings.Fields(instead), " "))
}

// shown returns a scalar as it is written, and false for other values.
func shown(v *model.Value) (string, bool) {
	switch {
	case v == nil || v.Absent:
		return "", false
	case v.Type.Kind == model.Optional:
		return shown(v.Items[0])
	case v.Type.Scalar() == 0:
		return "", false
	case v.Type.Scalar() == model.String:
		return jen.Lit(v.Text).GoString(), true
	}
	return v.Text, true
}

// setDefaults emits, for a command with defaults,
//
//	func (v *OrderTea) setDefaults() {
//		if !v.Cups.Present() {
//			v.Cups = cqrs.Some[int64](1)
//		}
//	}
func (e *emitter) setDefaults(f *jen.File, c *plan.Command) {
	if !c.HasDefaults() {
		return
	}
	f.Comment("// setDefaults fills in what the caller left out.")
	f.Func().Params(jen.Id("v").Op("*").Id(c.Go)).Id("setDefaults").Params().BlockFunc(func(g *jen.Group) {
		for _, field := range c.Fields {
			if field.Default != nil {
				x := at(id("v"), field.Go)
				if field.Personal {
					g.If(jen.List(jen.Id("x"), jen.Id("_")).Op(":=").Add(x()).Dot("Reveal").Call(), jen.Op("!").Id("x").Dot("Present").Call()).
						Block(x().Op("=").Add(e.fieldValue(field.Field, field.Default)))
					continue
				}
				g.If(jen.Op("!").Add(x()).Dot("Present").Call()).Block(x().Op("=").Add(e.value(field.Default)))
			}
		}
	})
	f.Line()
}
