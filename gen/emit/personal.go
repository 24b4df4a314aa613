package emit

import (
	"slices"

	"github.com/dave/jennifer/jen"

	tree "github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// fieldType is the Go type of a field: that of a personal one keeps what it holds to itself.
func (e *emitter) fieldType(f *model.Field) *jen.Statement {
	if f.Personal {
		return jen.Qual(personalPath, "Value").Types(e.goType(&f.Type))
	}
	return e.goType(&f.Type)
}

// maybeAbsent says whether a field is not written where it has no value. A personal one always is: nobody is to see whether
// there is one.
func maybeAbsent(f *model.Field) bool { return f.Type.Kind == model.Optional && !f.Personal }

// writePersonal emits
//
//	personal.Write(w, "name", v.Guest.Subject(), &v.Name, func(w *jsoncodec.Writer, x *string) {
//		w.String(*x)
//	})
func (e *emitter) writePersonal(g *jen.Group, f *plan.Field) {
	g.Qual(personalPath, "Write").Call(jen.Id("w"), jen.Lit(f.Name), e.subjectOf(f), jen.Op("&").Id("v").Dot(f.Go), e.writeFunc(&f.Type))
}

// subjectOf is the person whose data a field of v has.
func (e *emitter) subjectOf(f *plan.Field) *jen.Statement {
	if f.PersonalOf == nil {
		return jen.Qual(personalPath, "Subject").Values()
	}
	return e.expr(f.PersonalOf, subjectSpelling).Dot("Subject").Call()
}

// subjectSpelling is how the expressions read that name a person.
var subjectSpelling = spelling{
	roots: map[string]func() *jen.Statement{"event": id("v"), "state": id("v"), "command": id("v")},
}

// readPersonal emits
//
//	personal.Read(r, &v.Name, func(r *jsoncodec.Reader, x *string) {
//		*x = r.String()
//	}, nil)
func (e *emitter) readPersonal(g *jen.Group, into expr, f *plan.Field) {
	g.Qual(personalPath, "Read").Call(jen.Id("r"), jen.Op("&").Add(into()).Dot(f.Go), e.readFunc(&f.Type), e.erased(f))
}

// erased is the function that returns what is read of a field that was erased, nil for the zero value.
func (e *emitter) erased(f *plan.Field) *jen.Statement {
	if f.Erased == nil {
		return jen.Nil()
	}
	return jen.Func().Params().Add(e.goType(&f.Type)).Block(jen.Return(e.value(f.Erased)))
}

// personalCodec emits how an event with personal fields is stored, which is read by DecodeSealed:
//
//	func (v *Cancelled) AppendSealed(b []byte, c *personal.Coder) ([]byte, error)
func (e *emitter) personalCodec(f *jen.File, ev *plan.Event) {
	if !ev.Personal() {
		return
	}
	f.Comment("// AppendSealed is AppendJSON with personal fields encrypted, as the event is stored.")
	function(f, jen.Id("v").Op("*").Id(ev.Go), "AppendSealed", []jen.Code{jen.Id("b").Index().Byte(), coderParam()},
		jen.Index().Byte(), jen.Error()).Block(
		jen.Id("w").Op(":=").Qual(jsoncodecPath, "NewWriter").Call(jen.Id("b")),
		jen.Id("w").Dot("With").Call(jen.Id("c").Dot("Event").Call(jen.Lit(ev.Wire), jen.Lit(ev.Aggregate.Subject()))),
		jen.Id("v").Dot("writeJSON").Call(jen.Op("&").Id("w")),
		jen.Return(jen.Id("w").Dot("Finish").Call(jen.Lit(ev.Name))),
	)
	f.Line()
}

// coderParam is what encrypts and decrypts, as a parameter.
func coderParam() *jen.Statement { return jen.Id("c").Op("*").Qual(personalPath, "Coder") }

// subject emits, for a type whose values name persons,
//
//	func (v GuestID) Subject() personal.Subject {
//		return personal.Subject{Type: "GuestID", ID: v.String()}
//	}
func (e *emitter) subject(f *jen.File, t *plan.Named) {
	if !e.IsSubject(t) {
		return
	}
	text := jen.Id("v").Dot("String").Call()
	if t.IDOf == nil {
		text = scalarText(&model.Type{Kind: model.Ref, Named: t.Named}, id("v"))
	}
	fileComments(f, "Subject is who the id names: whose personal data Forget erases.")
	f.Func().Params(jen.Id("v").Id(t.Name)).Id("Subject").Params().Qual(personalPath, "Subject").Block(
		jen.Return(jen.Qual(personalPath, "Subject").Add(inline([]entry{{"Type", jen.Lit(t.Name)}, {"ID", text}}))))
	f.Line()
}

// forget emits Forget.
func (e *emitter) forget(f *jen.File) {
	if !e.Personal() {
		return
	}
	fileComments(f, "Forget erases all personal data of somebody, for ever: what was encrypted for them can't be read any more, in events,"+
		" snapshots, read models, archives and backups of these. It says so in the log first. Repeat it after an error: it goes"+
		" on where it was. Data that were stored before the model called them personal are not erased.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("Forget").
		Params(jen.Id("ctx").Qual("context", "Context"), jen.Id("who").Qual(personalPath, "Subject")).Error().Block(
		jen.Return(jen.Id("a").Dot("runtime").Dot("Forget").Call(jen.Id("ctx"), jen.Id("who"))))
	f.Line()
}

// demandKeys emits, in New,
//
//	if err := a.runtime.CheckKeys(ctx, "Cancelled"); err != nil {
//		return nil, err
//	}
func (e *emitter) demandKeys(g *jen.Group) {
	if !e.Personal() {
		return
	}
	args := []jen.Code{jen.Id("ctx")}
	for _, a := range e.Aggregates {
		for _, ev := range a.Events {
			if ev.Personal() {
				args = append(args, jen.Lit(ev.Wire))
			}
		}
	}
	g.If(jen.Err().Op(":=").Id("a").Dot("runtime").Dot("CheckKeys").Call(args...), jen.Err().Op("!=").Nil()).
		Block(jen.Return(jen.Nil(), jen.Err()))
}

// forgotten emits the case of the event that says that somebody was forgotten:
//
//	case personal.Forgotten:
//		_, err := p.coder.Keys().Learn(rec)
//		return err
func (e *emitter) forgotten(g *jen.Group, p *plan.Projection) {
	if !p.Reveals() {
		return
	}
	g.Case(jen.Qual(personalPath, "Forgotten")).Block(
		jen.List(jen.Id("_"), jen.Err()).Op(":=").Id("p").Dot("coder").Dot("Keys").Call().Dot("Learn").Call(jen.Id("rec")),
		jen.Return(jen.Err()),
	)
}

// coderOf is what a projection reads events with.
func coderOf(p *plan.Projection) *jen.Statement {
	if p.Reveals() {
		return jen.Qual(personalPath, "NewCoder").Call(jen.Id("keys"))
	}
	return jen.Qual(personalPath, "Unread").Call()
}

// rowsCodec is how a projection's rows become columns. Those with personal data need keys.
func rowsCodec(p *plan.Projection) *jen.Statement {
	if plan.HasPersonal(p.Projection.Row) {
		return jen.Id(p.Codec).Call(jen.Id("keys"))
	}
	return jen.Id(p.Codec)
}

// sealedCodec emits
//
//	func guestsCodec(keys *personal.Keys) readmodel.Codec[GuestsKey, GuestsRow] {
//		c := personal.OfRows(keys, "Guests")
//		return readmodel.Codec[GuestsKey, GuestsRow]{
//			…
//			AppendRow: func(values []readmodel.Value, row *GuestsRow) ([]readmodel.Value, error) {
//				return appendGuestsRow(values, row, c)
//			},
//		}
//	}
func (e *emitter) sealedCodec(f *jen.File, p *plan.Projection, codec func(appendRow, readRow jen.Code) *jen.Statement) {
	values := jen.Index().Qual(readmodelPath, "Value")
	appendRow := jen.Func().Params(jen.Id("values").Add(values.Clone()), jen.Id("row").Op("*").Id(p.Row)).
		Params(values.Clone(), jen.Error()).
		Block(jen.Return(jen.Id("append"+p.Row).Call(jen.Id("values"), jen.Id("row"), jen.Id("c"))))
	readRow := jen.Func().Params(jen.Id("s").Op("*").Qual(readmodelPath, "Scanner"), jen.Id("v").Op("*").Id(p.Row)).
		Block(jen.Id("read"+p.Row).Call(jen.Id("s"), jen.Id("v"), jen.Id("c")))
	f.Func().Id(p.Codec).Params(jen.Id("keys").Op("*").Qual(personalPath, "Keys")).
		Qual(readmodelPath, "Codec").Types(jen.Id(p.Key), jen.Id(p.Row)).Block(
		jen.Id("c").Op(":=").Qual(personalPath, "OfRows").Call(jen.Id("keys"), jen.Lit(p.Name)),
		jen.Return(codec(appendRow, readRow)),
	)
	f.Line()
}

// sealedIn is a function that writes or reads an element with personal fields, which needs c.
func sealedIn(rw string, fn *jen.Statement, t *jen.Statement, kind string) *jen.Statement {
	return jen.Func().Params(jen.Id(rw).Op("*").Qual(jsoncodecPath, kind), jen.Id("x").Op("*").Add(t)).Block(
		jen.Id(rw).Dot("With").Call(jen.Id("c")),
		fn.Call(jen.Id(rw), jen.Id("x")),
	)
}

// rowWriter is the function that writes a field of a row as JSON.
func (e *emitter) rowWriter(f *plan.Field) *jen.Statement {
	if !plan.HasPersonal([]*model.Field{f.Field}) {
		return e.writeFunc(&f.Type)
	}
	return sealedIn("w", e.writeFunc(&f.Type), e.goType(&f.Type), "Writer")
}

// rowReader is the function that reads a field of a row from JSON.
func (e *emitter) rowReader(f *plan.Field) *jen.Statement {
	if !plan.HasPersonal([]*model.Field{f.Field}) {
		return e.readFunc(&f.Type)
	}
	return sealedIn("r", e.readFunc(&f.Type), e.goType(&f.Type), "Reader")
}

// fieldValue is a value of the model as the literal of a field.
func (e *emitter) fieldValue(f *model.Field, v *model.Value) *jen.Statement {
	if !f.Personal {
		return e.value(v)
	}
	return jen.Qual(personalPath, "Of").Types(e.goType(&f.Type)).Call(e.value(v))
}

// isPersonal says whether a node is a personal field, whose value is never changed and therefore never copied.
func isPersonal(n *tree.Node) bool {
	f, ok := n.Ref.(*model.Field)
	return n.Op == tree.OpSelect && ok && f.Personal
}

// givenValue is what an older event is given for a field that it lacks.
func (e *emitter) givenValue(x plan.GivenValue) *jen.Statement {
	if !x.Personal {
		return e.value(x.Value)
	}
	return jen.Qual(personalPath, "Default").Types(e.goType(&x.Value.Type)).Call(e.value(x.Value))
}

// commandCodec emits how a command is encoded. Nobody reads that again, so that personal data are left out.
func (e *emitter) commandCodec(f *jen.File, c *plan.Command) {
	if !plan.HasPersonal(c.Command.Fields) {
		e.appendMethod(f, "v", c.Go, c.Name, "AppendJSON appends the command's JSON encoding to b.")
		return
	}
	fileComments(f, "AppendJSON appends the command's JSON encoding to b, without its personal data.")
	f.Func().Params(jen.Id("v").Op("*").Id(c.Go)).Id("AppendJSON").Params(jen.Id("b").Index().Byte()).
		Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Id("w").Op(":=").Qual(jsoncodecPath, "NewWriter").Call(jen.Id("b")),
		jen.Id("w").Dot("With").Call(jen.Qual(personalPath, "Hidden").Call()),
		jen.Id("v").Dot("writeJSON").Call(jen.Op("&").Id("w")),
		jen.Return(jen.Id("w").Dot("Finish").Call(jen.Lit(c.Name))),
	)
	f.Line()
}

// upcastArgs are what goes on is called with.
func upcastArgs(ev *plan.Event, old jen.Code) []jen.Code {
	if ev.Personal() {
		return []jen.Code{old, jen.Id("c")}
	}
	return []jen.Code{old}
}

// adopt emits, for each personal field that goes on from what an upcaster returned,
//
//	if err := personal.Adopt(c, &next.To, personal.Subject{}, nil, old.First, old.Last); err != nil {
//		return &cqrs.UpcastError{Type: "Billed", Version: 1, Err: err}
//	}
func (e *emitter) adopt(g *jen.Group, ev *plan.Event, u *plan.Upcaster) {
	var made []jen.Code
	for _, f := range u.From.Fields {
		if f.Personal {
			made = append(made, jen.Id("old").Dot(f.Go))
		}
	}
	for _, f := range u.To.Fields {
		if !f.Personal || !u.AsIs() && !slices.Contains(u.Sources, f.Go) {
			continue
		}
		of := jen.Qual(personalPath, "Subject").Values()
		if f.PersonalOf != nil && u.To.Now {
			of = e.expr(f.PersonalOf, spelling{roots: map[string]func() *jen.Statement{"event": id("next")}}).Dot("Subject").Call()
		}
		args := append([]jen.Code{jen.Id("c"), jen.Op("&").Id("next").Dot(f.Go), of, e.erased(f)}, made...)
		g.If(jen.Err().Op(":=").Qual(personalPath, "Adopt").Call(args...), jen.Err().Op("!=").Nil()).
			Block(jen.Return(upcastError(ev, u.From.Version, jen.Err())))
	}
}
