package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// ids emits ids_gen.go: the text of each id of several parts, and the way back.
func (e *emitter) ids(f *jen.File) {
	for _, t := range e.IDsOfParts() {
		e.idString(f, t)
		e.idParser(f, t)
		e.subject(f, t)
	}
}

// idString emits
//
//	func (v RoomID) String() string {
//		return cqrs.JoinID(string(v.Hotel), strconv.FormatInt(int64(v.Number), 10))
//	}
func (e *emitter) idString(f *jen.File, t *plan.Named) {
	fileComments(f, "String returns the one text of the id, which names its stream. "+t.Parse+" reads it.")
	f.Func().Params(jen.Id("v").Id(t.Name)).Id("String").Params().String().Block(
		jen.Return(jen.Qual(cqrsPath, "JoinID").CallFunc(func(g *jen.Group) {
			for _, part := range t.Fields {
				g.Add(scalarText(&part.Type, at(id("v"), part.Go)))
			}
		})))
	f.Line()
}

// idParser emits
//
//	func ParseRoomID(s string) (RoomID, error) {
//		var v RoomID
//		r := cqrs.ReadID(s)
//		v.Hotel = HotelID(r.String())
//		v.Number = r.Int(32)
//		return v, r.Finish("RoomID")
//	}
func (e *emitter) idParser(f *jen.File, t *plan.Named) {
	fileComments(f, t.Parse+" reads the text of an id. The error is a *cqrs.DecodingError."+
		" The id may share memory with s.")
	f.Func().Id(t.Parse).Params(jen.Id("s").String()).Params(jen.Id(t.Name), jen.Error()).BlockFunc(func(g *jen.Group) {
		g.Var().Id("v").Id(t.Name)
		g.Id("r").Op(":=").Qual(cqrsPath, "ReadID").Call(jen.Id("s"))
		for _, part := range t.Fields {
			e.idPart(g, &part.Type, at(id("v"), part.Go))
		}
		g.Return(jen.Id("v"), jen.Id("r").Dot("Finish").Call(jen.Lit(t.Name)))
	})
	f.Line()
}

// idPart emits the statements that read one part.
func (e *emitter) idPart(g *jen.Group, t *model.Type, x expr) {
	k, _ := base(t)
	read := func(method string, have model.Kind, args ...jen.Code) {
		g.Add(x()).Op("=").Add(e.from(t, have, jen.Id("r").Dot(method).Call(args...)))
	}
	switch wide := ofKind(k); wide {
	case model.Int64:
		read("Int", wide, jen.Lit(bitsOf[k]))
	case model.Uint64:
		read("Uint", wide, jen.Lit(bitsOf[k]))
	case model.UUID, model.Date:
		g.Id("r").Dot("Text").Call(jen.Op("&").Add(x()))
	default:
		if isEnum(t) {
			e.enumPart(g, e.NamedOf(t.Named), x)
			return
		}
		read("String", wide)
	}
}

// enumPart emits
//
//	switch r.String() {
//	case "single":
//		v.RoomType = RoomTypeSingle
//	default:
//		r.Must(false)
//	}
//
// An enum is always one of the constants, and never a part of the id's text, whose memory may be used again.
func (e *emitter) enumPart(g *jen.Group, t *plan.Named, x expr) {
	g.Switch(jen.Id("r").Dot("String").Call()).BlockFunc(func(g *jen.Group) {
		for _, v := range t.Values {
			g.Case(jen.Lit(v.Wire)).Block(jen.Add(x()).Op("=").Id(v.Go))
		}
		g.Default().Block(jen.Id("r").Dot("Must").Call(jen.False()))
	})
}

// bitsOf are the sizes of integers as package strconv has them.
var bitsOf = map[model.Kind]int{model.Int: 0, model.Int32: 32, model.Int64: 64, model.Uint32: 32, model.Uint64: 64}

// idText is an aggregate's id as the text that names its stream. x is not asked where there is no id.
func idText(a *plan.Aggregate, x expr) *jen.Statement {
	switch {
	case a.ID == nil:
		return jen.Qual(cqrsPath, "SingleID")
	case a.ID.IDOf != nil:
		return x().Dot("String").Call()
	}
	return scalarText(&model.Type{Kind: model.Ref, Named: a.ID.Named}, x)
}

// scalarText is a scalar as the one text that it has.
func scalarText(t *model.Type, x expr) *jen.Statement {
	if k, _ := base(t); k == model.UUID || k == model.Date {
		return x().Dot("String").Call()
	}
	return keyText(t, x)
}

// idParam is the parameter that takes an aggregate's id, if it has one.
func idParam(a *plan.Aggregate) []jen.Code {
	if a.ID == nil {
		return nil
	}
	return []jen.Code{jen.Id("id").Id(a.ID.Name)}
}

// idNeedsCheck says whether there is an id that could be wrong.
func idNeedsCheck(a *plan.Aggregate) bool {
	return a.ID != nil && needsCheck(&model.Type{Kind: model.Ref, Named: a.ID.Named}, model.Rules{})
}

// checkID emits the checks of an id in a variable, under the path that errors name it by.
func checkID(g *jen.Group, a *plan.Aggregate, v, path string) {
	if a.ID.IDOf == nil {
		g.Id(v).Dot("check").Call(jen.Op("&").Id("check"), jen.Lit(path))
		return
	}
	g.Id("check").Dot("Enter").Call(jen.Lit(path))
	g.Id(v).Dot("check").Call(jen.Op("&").Id("check"))
	g.Id("check").Dot("Leave").Call()
}

// parseStreamID emits what reads the id of an event's stream from its record, where that can fail. The variable
// id is then its value. With own, the strings in it are copies.
func parseStreamID(g *jen.Group, a *plan.Aggregate, own bool) {
	text := jen.Id("rec").Dot("Stream").Dot("ID")
	if own {
		text = jen.Qual("strings", "Clone").Call(text)
	}
	g.List(jen.Id("id"), jen.Err()).Op(":=").Id(a.ID.Parse).Call(text)
	g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
}
