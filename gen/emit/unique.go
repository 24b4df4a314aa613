package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// uniqueVar is the variable that has the unique values of an aggregate.
func (e *emitter) uniqueVar(f *jen.File, a *plan.Aggregate) {
	if len(a.Unique) == 0 {
		return
	}
	fileComments(f, a.UniqueVar+" has the values that no two streams of "+a.Name+" have at a time.")
	f.Var().Id(a.UniqueVar).Op("=").Index().Qual(aggregatePath, "Unique").Types(jen.Id(a.State)).
		Add(jen.CustomFunc(jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true}, func(g *jen.Group) {
			for _, u := range a.Unique {
				g.Add(e.unique(a, u))
			}
		}))
	f.Line()
}

// unique emits
//
//	{
//		Space: "User.email lower",
//		Value: func(s *UserState, v *claim.Value) {
//			v.Text(strings.ToLower(s.Email))
//		},
//		Taken: func(s *UserState) cqrs.Rejection {
//			return EmailTaken{Email: s.Email}
//		},
//	}
func (e *emitter) unique(a *plan.Aggregate, u *plan.Unique) *jen.Statement {
	state := func() *jen.Statement { return jen.Id("s").Op("*").Id(a.State) }
	taken := state()
	if len(u.Rejects.Fields) == 0 {
		taken = jen.Op("*").Id(a.State)
	}
	entries := []entry{
		{"Space", jen.Lit(u.Space)},
		{"Value", jen.Func().Params(state(), jen.Id("v").Op("*").Qual(claimPath, "Value")).BlockFunc(func(g *jen.Group) {
			for _, field := range u.Fields {
				claimField(g, u, field)
			}
		})},
		{"Taken", jen.Func().Params(taken).Qual(cqrsPath, "Rejection").BlockFunc(func(g *jen.Group) { takenBy(g, u) })},
	}
	if u.Keep {
		entries = append(entries, entry{"Keep", jen.True()})
	}
	return literal(entries)
}

// claimField adds a field of the state s to the value v.
func claimField(g *jen.Group, u *plan.Unique, field *plan.Field) {
	x := at(id("s"), field.Go)
	if field.Personal { // what was erased claims nothing
		g.If(jen.List(jen.Id("x"), jen.Id("ok")).Op(":=").Add(x()).Dot("Reveal").Call(), jen.Id("ok")).BlockFunc(func(g *jen.Group) {
			claimValue(g, u, &field.Type, id("x"))
		}).Else().Block(jen.Id("v").Dot("Absent").Call())
		return
	}
	claimValue(g, u, &field.Type, x)
}

// claimValue adds x to the value v.
func claimValue(g *jen.Group, u *plan.Unique, t *model.Type, x expr) {
	if t.Kind != model.Optional {
		g.Add(claimScalar(u, t, x))
		return
	}
	g.If(jen.List(jen.Id("x"), jen.Id("ok")).Op(":=").Add(x()).Dot("Get").Call(), jen.Id("ok")).
		Block(claimScalar(u, t.Elem, id("x"))).
		Else().Block(jen.Id("v").Dot("Absent").Call())
}

// claimScalar adds a scalar to the value v.
func claimScalar(u *plan.Unique, t *model.Type, x expr) *jen.Statement {
	k, _ := base(t)
	name, arg := method[ofKind(k)], to(t, ofKind(k), x)
	switch ofKind(k) {
	case model.String:
		name = "Text"
		if model.Folds(*t) && u.Trim {
			arg = jen.Qual("strings", "TrimSpace").Call(arg)
		}
		if model.Folds(*t) && u.Lower {
			arg = jen.Qual("strings", "ToLower").Call(arg)
		}
	case model.Int64:
		name = "Int"
	case model.Uint64:
		name = "Uint"
	case model.Duration:
		name, arg = "Int", jen.Int64().Call(x())
	}
	return jen.Id("v").Dot(name).Call(arg)
}

// takenBy emits the body that makes the rejection. A field that is optional in the state alone has a value: it is taken.
func takenBy(g *jen.Group, u *plan.Unique) {
	var fields []entry
	for _, field := range u.Rejects.Fields {
		from := u.Filled(field)
		x := jen.Id("s").Dot(from.Go)
		if from.Type.Kind == model.Optional && field.Type.Kind != model.Optional && !field.Personal {
			local := "the" + field.Go
			g.List(jen.Id(local), jen.Id("_")).Op(":=").Add(x).Dot("Get").Call()
			x = jen.Id(local)
		}
		fields = append(fields, entry{field.Go, x})
	}
	g.Return(jen.Id(u.Rejects.Go).Add(inline(fields)))
}

// claimUnique emits
//
//	func (h *UserCommands) ClaimUnique(ctx context.Context) error {
//		return h.aggregate.ClaimUnique(ctx)
//	}
func (e *emitter) claimUnique(f *jen.File, a *plan.Aggregate) {
	if len(a.Unique) == 0 {
		return
	}
	fileComments(f, "ClaimUnique claims the unique values of every "+a.Name+" that has not claimed them: run it once after"+
		" the model says that they are unique. Commands may run meanwhile. Values that several have are an *aggregate.DuplicatesError.")
	function(f, jen.Id("h").Op("*").Id(a.Commands), "ClaimUnique", []jen.Code{jen.Id("ctx").Qual("context", "Context")}, jen.Error()).
		Block(jen.Return(jen.Id("h").Dot("aggregate").Dot("ClaimUnique").Call(jen.Id("ctx"))))
	f.Line()
}

// claimAll emits
//
//	func (a *App) ClaimUnique(ctx context.Context) error {
//		return errors.Join(
//			a.Team.ClaimUnique(ctx),
//			a.User.ClaimUnique(ctx),
//		)
//	}
func (e *emitter) claimAll(f *jen.File) {
	var calls []jen.Code
	for _, a := range e.Aggregates {
		if len(a.Unique) > 0 {
			calls = append(calls, jen.Id("a").Dot(a.Name).Dot("ClaimUnique").Call(jen.Id("ctx")))
		}
	}
	all := jen.Add(calls[0])
	if len(calls) > 1 {
		all = jen.Qual("errors", "Join").Custom(jen.Options{Open: "(", Close: "\n)", Separator: ",", Multi: true}, calls...)
	}
	fileComments(f, "ClaimUnique claims the unique values that were stored before the model said that they are unique, of all aggregates.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("ClaimUnique").Params(jen.Id("ctx").Qual("context", "Context")).Error().
		Block(jen.Return(all))
	f.Line()
}
