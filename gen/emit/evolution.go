package emit

import (
	"fmt"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// evolution emits evolution_gen.go: how older versions of events are read, and what the team writes for that.
func (e *emitter) evolution(f *jen.File) {
	if e.HasUpcasters() {
		e.upcasters(f)
	}
	for _, a := range e.Aggregates {
		for _, ev := range a.Former {
			e.parts(f, ev)
		}
		for _, ev := range a.All() {
			for _, s := range ev.Shapes() {
				e.shape(f, ev, s)
			}
			for _, o := range ev.Older {
				e.decodeOlder(f, ev, o)
			}
			for _, u := range ev.Upcasters {
				e.upcast(f, ev, u)
			}
		}
	}
}

// upcasters emits what the team writes:
//
//	type EventUpcasters interface {
//		// MovedV1 turns version 1 of Moved into version 2.
//		MovedV1(old MovedV1) (MovedV2, error)
//	}
//
//	var _ EventUpcasters = (*Upcasters)(nil)
//
//	var upcasters Upcasters
func (e *emitter) upcasters(f *jen.File) {
	fileComments(f, plan.UpcastersSet+" is how events of older versions become newer ones, where the model leaves that to Go."+
		" All methods are pure: what they return depends on what they are given alone. They may be called concurrently.")
	f.Type().Id(plan.UpcastersSet).InterfaceFunc(func(g *jen.Group) {
		for _, a := range e.Aggregates {
			for _, ev := range a.All() {
				for _, u := range ev.Upcasters {
					comments(g, upcasterDoc(ev, u))
					g.Id(u.Method).Params(jen.Id("old").Id(u.From.Go)).Params(jen.Id(u.To.Go), jen.Error())
				}
			}
			for _, ev := range a.Former {
				if len(ev.Becomes) > 0 {
					comments(g, formerDoc(ev))
					g.Id(ev.Go).Params(jen.Id("old").Id(ev.Go)).Params(jen.Id(ev.Result), jen.Error())
				}
			}
		}
	})
	f.Line()
	f.Var().Id("_").Id(plan.UpcastersSet).Op("=").Parens(jen.Op("*").Id(plan.Upcasters)).Call(jen.Nil())
	f.Line()
	fileComments(f, plan.UpcastersVar+" has the team's upcasters. Nothing assigns to it.")
	f.Var().Id(plan.UpcastersVar).Id(plan.Upcasters)
	f.Line()
}

func upcasterDoc(ev *plan.Event, u *plan.Upcaster) string {
	return fmt.Sprintf("%s turns version %d of %s into version %d.", u.Method, u.From.Version, ev.Name, u.To.Version)
}

// upcasterMethods are the methods of the team's type.
func upcasterMethods(p *plan.Plan) (list []Method) {
	for _, a := range p.Aggregates {
		for _, ev := range a.All() {
			for _, u := range ev.Upcasters {
				list = append(list, Method{
					Name: u.Method, Doc: upcasterDoc(ev, u), Params: "old " + u.From.Go,
					Results: "(" + u.To.Go + ", error)", Return: u.To.Go + "{}, ",
				})
			}
		}
		for _, ev := range a.Former {
			if len(ev.Becomes) > 0 {
				list = append(list, Method{
					Name: ev.Go, Doc: formerDoc(ev), Params: "old " + ev.Go,
					Results: "(" + ev.Result + ", error)", Return: ev.None + ", ",
				})
			}
		}
	}
	return list
}

// shape emits the type of an older version, or another name for the event's own.
func (e *emitter) shape(f *jen.File, ev *plan.Event, s *plan.Shape) {
	fileComments(f, fmt.Sprintf("%s is version %d of %s.", s.Go, s.Version, ev.Name))
	if s.Now {
		f.Type().Id(s.Go).Op("=").Id(ev.Go)
		f.Line()
		return
	}
	e.strct(f, s.Go, s.Fields)
}

// decodeRecord emits the method that reads a stored event of any version:
//
//	func (v *Booked) DecodeRecord(rec *cqrs.Record, mode jsoncodec.Strings) error {
//		if err := rec.CheckVersion(2); err != nil {
//			return err
//		}
//		if rec.SchemaVersion == 1 {
//			return v.decodeV1(rec.Data, mode)
//		}
//		return v.DecodeJSON(rec.Data, mode)
//	}
func (e *emitter) decodeRecord(f *jen.File, ev *plan.Event) {
	fileComments(f, "DecodeRecord reads a stored event of this type into v, which must be empty, whichever version it has."+
		" A version that this program does not know, and that did more than to add fields, is a *cqrs.NewerEventError.")
	args := []jen.Code{jen.Id("rec").Dot("Data"), jen.Id("mode")}
	name, params := "DecodeRecord", []jen.Code{jen.Id("rec").Op("*").Qual(cqrsPath, "Record"), jen.Id("mode").Qual(jsoncodecPath, "Strings")}
	if ev.Personal() {
		f.Func().Params(jen.Id("v").Op("*").Id(ev.Go)).Id(name).Params(params...).Error().
			Block(jen.Return(jen.Id("v").Dot("DecodeSealed").Call(jen.Id("rec"), jen.Id("mode"), jen.Nil())))
		f.Line()
		fileComments(f, "DecodeSealed is DecodeRecord with personal fields decrypted, which it refuses.")
		name, params = "DecodeSealed", append(params, coderParam())
		args = []jen.Code{jen.Id("rec"), jen.Id("mode"), jen.Id("c")}
	}
	function(f, jen.Id("v").Op("*").Id(ev.Go), name, params, jen.Error()).
		BlockFunc(func(g *jen.Group) {
			g.If(jen.Err().Op(":=").Id("rec").Dot("CheckVersion").Call(jen.Lit(ev.Version)), jen.Err().Op("!=").Nil()).
				Block(jen.Return(jen.Err()))
			older := func(o *plan.Older) *jen.Statement {
				return jen.Return(jen.Id("v").Dot(decoderOf(o.Version)).Call(args...))
			}
			switch len(ev.Older) {
			case 0:
			case 1:
				g.If(jen.Id("rec").Dot("SchemaVersion").Op("==").Lit(1)).Block(older(ev.Older[0]))
			default:
				g.Switch(jen.Id("rec").Dot("SchemaVersion")).BlockFunc(func(g *jen.Group) {
					for _, o := range ev.Older {
						g.Case(jen.Lit(o.Version)).Block(older(o))
					}
				})
			}
			if ev.Personal() {
				g.Id("r").Op(":=").Qual(jsoncodecPath, "NewReader").Call(jen.Id("rec").Dot("Data"), jen.Id("mode"))
				g.Id("r").Dot("With").Call(jen.Id("c").Dot("Record").Call(jen.Id("rec"), jen.Lit(ev.Aggregate.Subject())))
				g.Id("v").Dot("readJSON").Call(jen.Op("&").Id("r"))
				g.Return(jen.Id("r").Dot("Finish").Call(jen.Lit(ev.Name)))
				return
			}
			g.Return(jen.Id("v").Dot("DecodeJSON").Call(args...))
		})
	f.Line()
}

func decoderOf(version int) string { return "decodeV" + strconv.Itoa(version) }

func upcastOf(u *plan.Upcaster) string { return "upcastV" + strconv.Itoa(u.From.Version) }

// decodeOlder emits
//
//	func (v *Booked) decodeV1(data []byte, mode jsoncodec.Strings) error {
//		reader := jsoncodec.NewReader(data, mode)
//		r := &reader
//		…
//		v.Children = 0
//		return r.Finish("Booked@1")
//	}
//
// Where an upcaster takes what was read, it is read into its type, and goes on from there.
func (e *emitter) decodeOlder(f *jen.File, ev *plan.Event, o *plan.Older) {
	fileComments(f, fmt.Sprintf("%s reads version %d of the event.", decoderOf(o.Version), o.Version))
	into := id("v")
	if o.Next != nil {
		into = id("old")
	}
	data := jen.Id("data")
	params := []jen.Code{jen.Id("data").Index().Byte(), jen.Id("mode").Qual(jsoncodecPath, "Strings")}
	if ev.Personal() {
		data, params[0] = jen.Id("rec").Dot("Data"), jen.Id("rec").Op("*").Qual(cqrsPath, "Record")
		params = append(params, coderParam())
	}
	function(f, jen.Id("v").Op("*").Id(ev.Go), decoderOf(o.Version), params, jen.Error()).
		BlockFunc(func(g *jen.Group) {
			if o.Next != nil {
				g.Var().Id("old").Id(o.Into.Go)
			}
			g.Id("reader").Op(":=").Qual(jsoncodecPath, "NewReader").Call(data, jen.Id("mode"))
			g.Id("r").Op(":=").Op("&").Id("reader")
			if ev.Personal() {
				g.Id("r").Dot("With").Call(jen.Id("c").Dot("Record").Call(jen.Id("rec"), jen.Lit(ev.Aggregate.Subject())))
			}
			e.readFields(g, into, o.Fields)
			for _, x := range o.Values {
				g.Add(at(into, x.Go)()).Op("=").Add(e.givenValue(x))
			}
			finish := jen.Id("r").Dot("Finish").Call(jen.Lit(fmt.Sprintf("%s@%d", ev.Name, o.Version)))
			if o.Next == nil {
				g.Return(finish)
				return
			}
			g.If(jen.Err().Op(":=").Add(finish), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
			g.Return(jen.Id("v").Dot(upcastOf(o.Next)).Call(upcastArgs(ev, jen.Id("old"))...))
		})
	f.Line()
}

// upcast emits what follows from the team's upcaster:
//
//	func (v *Moved) upcastV1(old MovedV1) error {
//		next, err := upcasters.MovedV1(old)
//		if err != nil {
//			return &cqrs.UpcastError{Type: "Moved", Version: 1, Err: err}
//		}
//		*v = Moved{To: next.Day}
//		return nil
//	}
func (e *emitter) upcast(f *jen.File, ev *plan.Event, u *plan.Upcaster) {
	fileComments(f, fmt.Sprintf("%s goes on with what the team's code makes of version %d.", upcastOf(u), u.From.Version))
	params := []jen.Code{jen.Id("old").Id(u.From.Go)}
	if ev.Personal() {
		params = append(params, coderParam())
	}
	f.Func().Params(jen.Id("v").Op("*").Id(ev.Go)).Id(upcastOf(u)).Params(params...).Error().
		BlockFunc(func(g *jen.Group) {
			next := jen.Id("next")
			if len(u.Fields) == 0 && !u.AsIs() {
				next = jen.Id("_")
			}
			g.List(next, jen.Err()).Op(":=").Id(plan.UpcastersVar).Dot(u.Method).Call(jen.Id("old"))
			g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(upcastError(ev, u.From.Version, jen.Err())))
			e.adopt(g, ev, u)
			result := jen.Id("next")
			if !u.AsIs() {
				result = jen.Id(u.Into.Go).Add(inline(e.carried(u)))
			}
			if u.Next != nil {
				g.Return(jen.Id("v").Dot(upcastOf(u.Next)).Call(upcastArgs(ev, result)...))
				return
			}
			g.Op("*").Id("v").Op("=").Add(result)
			g.Return(jen.Nil())
		})
	f.Line()
}

// carried are the fields of what declared steps make of an upcaster's result.
func (e *emitter) carried(u *plan.Upcaster) (entries []entry) {
	for i, field := range u.Fields {
		entries = append(entries, entry{field.Go, jen.Id("next").Dot(u.Sources[i])})
	}
	for _, x := range u.Values {
		entries = append(entries, entry{x.Go, e.givenValue(x)})
	}
	return entries
}
