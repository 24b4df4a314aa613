package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// codec emits codec_gen.go: how each type is written as JSON and read back.
func (e *emitter) codec(f *jen.File) {
	for _, t := range e.Types {
		switch {
		case t.Kind == model.Enum && t.Read:
			e.readEnum(f, t)
		case t.Kind == model.Struct:
			if t.Write {
				e.writeMethod(f, t.Name, t.Fields)
			}
			if t.Read {
				e.readMethod(f, t.Name, t.Fields)
			}
		}
	}
	for _, a := range e.Aggregates {
		for _, ev := range a.Events {
			e.eventCodec(f, ev)
		}
		for _, ev := range a.Former {
			e.formerCodec(f, ev)
		}
		for _, c := range a.CommandList {
			e.commandCodec(f, c)
			e.writeMethod(f, c.Go, c.Fields)
		}
		if a.Snapshot.Any() {
			e.stateCodec(f, a)
		}
	}
}

// eventCodec emits the methods that every event has, over the two that do the work.
func (e *emitter) eventCodec(f *jen.File, ev *plan.Event) {
	e.appendMethod(f, "v", ev.Go, ev.Name, "AppendJSON appends the event's JSON encoding to b. See cqrs.Event for what it refuses.")
	e.decodeMethods(f, ev)
	e.personalCodec(f, ev)
	e.writeMethod(f, ev.Go, ev.Fields)
	e.readMethod(f, ev.Go, ev.Fields)
}

// decodeMethods emits the methods that read an event.
func (e *emitter) decodeMethods(f *jen.File, ev *plan.Event) {
	f.Comment("// DecodeJSON reads the event's JSON encoding into v, which must be empty.")
	f.Func().Params(jen.Id("v").Op("*").Id(ev.Go)).Id("DecodeJSON").
		Params(jen.Id("data").Index().Byte(), jen.Id("mode").Qual(jsoncodecPath, "Strings")).Error().Block(
		jen.Id("r").Op(":=").Qual(jsoncodecPath, "NewReader").Call(jen.Id("data"), jen.Id("mode")),
		jen.Id("v").Dot("readJSON").Call(jen.Op("&").Id("r")),
		jen.Return(jen.Id("r").Dot("Finish").Call(jen.Lit(ev.Name))),
	)
	f.Line()
	e.decodeRecord(f, ev)
}

// appendMethod emits
//
//	func (v *Deposit) AppendJSON(b []byte) ([]byte, error)
func (e *emitter) appendMethod(f *jen.File, recv, typ, name, comment string) {
	fileComments(f, comment)
	f.Func().Params(jen.Id(recv).Op("*").Id(typ)).Id("AppendJSON").Params(jen.Id("b").Index().Byte()).
		Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Id("w").Op(":=").Qual(jsoncodecPath, "NewWriter").Call(jen.Id("b")),
		jen.Id(recv).Dot("writeJSON").Call(jen.Op("&").Id("w")),
		jen.Return(jen.Id("w").Dot("Finish").Call(jen.Lit(name))),
	)
	f.Line()
}

// stateCodec emits how snapshots keep a state.
func (e *emitter) stateCodec(f *jen.File, a *plan.Aggregate) {
	sealed := plan.HasPersonal(a.Aggregate.State)
	coder := func(params ...jen.Code) []jen.Code {
		if sealed {
			params = append(params, jen.Id("c").Op("*").Qual(personalPath, "Coder"))
		}
		return params
	}
	with := func(rw string) jen.Code {
		if !sealed {
			return jen.Null()
		}
		return jen.Id(rw).Dot("With").Call(jen.Id("c").Dot("State").Call(jen.Lit(a.Subject())))
	}
	f.Func().Id("append"+a.State).Params(coder(jen.Id("b").Index().Byte(), jen.Id("s").Op("*").Id(a.State))...).
		Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Id("w").Op(":=").Qual(jsoncodecPath, "NewWriter").Call(jen.Id("b")),
		jen.Id("w").Dot("AllowZero").Call(),
		with("w"),
		jen.Id("s").Dot("writeJSON").Call(jen.Op("&").Id("w")),
		jen.Return(jen.Id("w").Dot("Finish").Call(jen.Lit(a.State))),
	)
	f.Line()
	f.Func().Id("decode"+a.State).Params(coder(jen.Id("data").Index().Byte(), jen.Id("s").Op("*").Id(a.State))...).Error().Block(
		jen.Id("r").Op(":=").Qual(jsoncodecPath, "NewReader").Call(jen.Id("data"), jen.Qual(jsoncodecPath, "CopyStrings")),
		jen.Id("r").Dot("AllowZero").Call(),
		with("r"),
		jen.Id("s").Dot("readJSON").Call(jen.Op("&").Id("r")),
		jen.Return(jen.Id("r").Dot("Finish").Call(jen.Lit(a.State))),
	)
	f.Line()
	e.writeMethod(f, a.State, a.StateFields)
	e.readMethod(f, a.State, a.StateFields)
}

// writeMethod emits
//
//	func (v *Money) writeJSON(w *jsoncodec.Writer) {
//		w.Raw(`{"amount":`)
//		w.Int(v.Amount)
//		…
//	}
//
// What is certain to be written goes out with the field before it in one piece.
func (e *emitter) writeMethod(f *jen.File, name string, fields []*plan.Field) {
	recv := jen.Id("v").Op("*").Id(name)
	if len(fields) == 0 {
		recv = jen.Op("*").Id(name)
	}
	f.Func().Params(recv).Id("writeJSON").Params(jen.Id("w").Op("*").Qual(jsoncodecPath, "Writer")).
		BlockFunc(func(g *jen.Group) { e.writeFields(g, fields) })
	f.Line()
}

func (e *emitter) writeFields(g *jen.Group, fields []*plan.Field) {
	if len(fields) == 0 {
		g.Id("w").Dot("Raw").Call(raw("{}"))
		return
	}
	sure := false // a field has been written before, whatever the values are
	if maybeAbsent(fields[0].Field) {
		g.Id("w").Dot("Raw").Call(raw("{"))
	}
	for i, field := range fields {
		key := `"` + field.Name + `":`
		x := at(id("v"), field.Go)
		if maybeAbsent(field.Field) {
			g.If(jen.List(jen.Id("x"), jen.Id("ok")).Op(":=").Add(x()).Dot("Get").Call(), jen.Id("ok")).BlockFunc(func(g *jen.Group) {
				g.Id("w").Dot("Field").Call(raw(key))
				e.write(g, field.Type.Elem, place{id("x"), id("x")})
			})
			continue
		}
		switch {
		case i == 0:
			g.Id("w").Dot("Raw").Call(raw("{" + key))
		case sure:
			g.Id("w").Dot("Raw").Call(raw("," + key))
		default:
			g.Id("w").Dot("Field").Call(raw(key))
		}
		if field.Personal {
			e.writePersonal(g, field)
		} else {
			e.write(g, &field.Type, place{x, x})
		}
		sure = true
	}
	g.Id("w").Dot("Raw").Call(raw("}"))
}

// raw is a string literal in back quotes: names of fields hold none.
func raw(s string) *jen.Statement { return jen.Id("`" + s + "`") }

// write emits the statements that write one value to w.
func (e *emitter) write(g *jen.Group, t *model.Type, x place) {
	w := func(method string, args ...jen.Code) { g.Id("w").Dot(method).Call(args...) }
	switch {
	case t.Kind == model.Optional:
		g.If(jen.List(jen.Id("x"), jen.Id("ok")).Op(":=").Add(x.recv()).Dot("Get").Call(), jen.Id("ok")).
			BlockFunc(func(g *jen.Group) { e.write(g, t.Elem, place{id("x"), id("x")}) }).
			Else().Block(jen.Id("w").Dot("Null").Call())
	case t.Kind == model.List:
		g.Qual(jsoncodecPath, "WriteList").Call(jen.Id("w"), x.value(), e.writeFunc(t.Elem))
	case t.Kind == model.Set:
		g.Qual(jsoncodecPath, "WriteSet").Call(jen.Id("w"), x.value(), compareFunc(t.Elem), e.writeFunc(t.Elem))
	case t.Kind == model.Map:
		g.Qual(jsoncodecPath, "Write"+mapKind(t.Key)).Call(jen.Id("w"), x.value(), e.writeFunc(t.Elem))
	case isStruct(t):
		g.Add(x.recv()).Dot("writeJSON").Call(jen.Id("w"))
	case isExternal(t):
		e.writeExternal(g, t, x.value)
	case isEnum(t):
		w("Enum", jen.String().Call(x.value()), x.recv().Dot("Valid").Call())
	default:
		k, _ := base(t)
		switch wide := ofKind(k); wide {
		case model.Int64:
			w("Int", to(t, wide, x.value))
		case model.Uint64:
			w("Uint", to(t, wide, x.value))
		case model.Float64:
			w("Float", to(t, wide, x.value))
		default:
			w(method[wide], to(t, wide, x.value))
		}
	}
}

// writeFunc is a function that writes an element.
func (e *emitter) writeFunc(t *model.Type) *jen.Statement {
	return jen.Func().Params(jen.Id("w").Op("*").Qual(jsoncodecPath, "Writer"), jen.Id("x").Op("*").Add(e.goType(t))).
		BlockFunc(func(g *jen.Group) { e.write(g, t, pointee("x")) })
}

// mapKind is the part of a function's name that says what keys a map has.
func mapKind(key *model.Type) string {
	if isEnum(key) {
		return "EnumMap"
	}
	switch k, _ := base(key); ofKind(k) {
	case model.Int64:
		return "IntMap"
	case model.Uint64:
		return "UintMap"
	}
	return "StringMap"
}

// readEnum emits
//
//	func (v *Currency) readJSON(r *jsoncodec.Reader) {
//		switch string(r.Text()) {
//		case "EUR":
//			*v = CurrencyEUR
//		default:
//			r.Unknown("Currency")
//		}
//	}
func (e *emitter) readEnum(f *jen.File, t *plan.Named) {
	f.Func().Params(jen.Id("v").Op("*").Id(t.Name)).Id("readJSON").Params(jen.Id("r").Op("*").Qual(jsoncodecPath, "Reader")).Block(
		jen.Switch(jen.String().Call(jen.Id("r").Dot("Text").Call())).BlockFunc(func(g *jen.Group) {
			for _, v := range t.Values {
				g.Case(jen.Lit(v.Wire)).Block(jen.Op("*").Id("v").Op("=").Id(v.Go))
			}
			g.Default().Block(jen.Id("r").Dot("Unknown").Call(jen.Lit(t.Name)))
		}),
	)
	f.Line()
}

// readMethod emits
//
//	func (v *Money) readJSON(r *jsoncodec.Reader) {
//		var seen uint64
//		for r.Object(); r.Field(); {
//			switch string(r.Name()) {
//			case "amount":
//				v.Amount = r.Int64()
//				seen |= 1 << 0
//			…
//			}
//		}
//		if seen != 1<<2-1 {
//			r.Missing(seen, "amount", "currency")
//		}
//	}
func (e *emitter) readMethod(f *jen.File, name string, fields []*plan.Field) {
	recv := jen.Id("v").Op("*").Id(name)
	if len(fields) == 0 {
		recv = jen.Op("*").Id(name)
	}
	f.Func().Params(recv).Id("readJSON").Params(jen.Id("r").Op("*").Qual(jsoncodecPath, "Reader")).
		BlockFunc(func(g *jen.Group) { e.readFields(g, id("v"), fields) })
	f.Line()
}

// readFields emits the statements that read an object from r into the fields of a struct.
func (e *emitter) readFields(g *jen.Group, into expr, fields []*plan.Field) {
	var required []jen.Code
	body := jen.Switch(jen.String().Call(jen.Id("r").Dot("Name").Call())).BlockFunc(func(g *jen.Group) {
		for _, field := range fields {
			g.Case(jen.Lit(field.Name)).BlockFunc(func(g *jen.Group) {
				if field.Personal {
					e.readPersonal(g, into, field)
				} else {
					e.read(g, &field.Type, at(into, field.Go), at(into, field.Go))
				}
				if field.Type.Kind != model.Optional {
					g.Id("seen").Op("|=").Lit(1).Op("<<").Lit(len(required))
					required = append(required, jen.Lit(field.Name))
				}
			})
		}
		g.Default().Block(jen.Id("r").Dot("Skip").Call())
	})
	if len(fields) == 0 {
		body = jen.Id("r").Dot("Skip").Call()
	}
	loop := jen.For(jen.Id("r").Dot("Object").Call(), jen.Id("r").Dot("Field").Call(), jen.Empty()).Block(body)
	if len(required) == 0 && !hasRequired(fields) {
		g.Add(loop)
		return
	}
	g.Var().Id("seen").Uint64()
	g.Add(loop)
	g.If(jen.Id("seen").Op("!=").Lit(1).Op("<<").Lit(len(required)).Op("-").Lit(1)).Block(
		jen.Id("r").Dot("Missing").Call(append([]jen.Code{jen.Id("seen")}, required...)...))
}

func hasRequired(fields []*plan.Field) bool {
	for _, f := range fields {
		if f.Type.Kind != model.Optional {
			return true
		}
	}
	return false
}

// read emits the statements that read one value from r. recv is what a method of the value is called on.
func (e *emitter) read(g *jen.Group, t *model.Type, x, recv expr) {
	switch {
	case t.Kind == model.Optional:
		g.Add(x()).Op("=").Qual(jsoncodecPath, "ReadOptional").Call(jen.Id("r"), e.readFunc(t.Elem))
	case t.Kind == model.List:
		g.Add(x()).Op("=").Qual(jsoncodecPath, "ReadList").Call(jen.Id("r"), e.readFunc(t.Elem))
	case t.Kind == model.Set:
		g.Add(x()).Op("=").Qual(jsoncodecPath, "ReadSet").Call(jen.Id("r"), e.readFunc(t.Elem))
	case t.Kind == model.Map:
		g.Add(x()).Op("=").Qual(jsoncodecPath, "Read"+mapKind(t.Key)).Types(e.goType(t.Key)).Call(jen.Id("r"), e.readFunc(t.Elem))
	case isExternal(t):
		e.readExternal(g, t, x)
	case isStruct(t), isEnum(t):
		g.Add(recv()).Dot("readJSON").Call(jen.Id("r"))
	default:
		k, _ := base(t)
		g.Add(x()).Op("=").Add(e.from(t, k, jen.Id("r").Dot(method[k]).Call()))
	}
}

// readFunc is a function that reads an element.
func (e *emitter) readFunc(t *model.Type) *jen.Statement {
	return jen.Func().Params(jen.Id("r").Op("*").Qual(jsoncodecPath, "Reader"), jen.Id("x").Op("*").Add(e.goType(t))).
		BlockFunc(func(g *jen.Group) {
			p := pointee("x")
			e.read(g, t, p.value, p.recv)
		})
}
