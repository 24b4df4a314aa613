package emit

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// handlers emits handlers_gen.go: for each aggregate, the typed commands, and the fold of its stored events.
func (e *emitter) handlers(f *jen.File) {
	for _, a := range e.Aggregates {
		e.handlerType(f, a)
		for _, c := range a.CommandList {
			e.handler(f, a, c)
		}
		e.guard(f, a)
		e.loader(f, a)
		e.claimUnique(f, a)
		e.moves(f, a)
		e.uniqueVar(f, a)
		e.fold(f, a)
	}
}

// handlerType emits
//
//	type AccountCommands struct {
//		aggregate *aggregate.Aggregate[AccountState]
//		decider   Account
//	}
func (e *emitter) handlerType(f *jen.File, a *plan.Aggregate) {
	fileComments(f, a.Commands+" executes the commands of "+a.Name+". It is safe for concurrent use.")
	f.Type().Id(a.Commands).StructFunc(func(g *jen.Group) {
		g.Id("aggregate").Op("*").Qual(aggregatePath, "Aggregate").Types(jen.Id(a.State))
		g.Id("decider").Id(a.Decider)
		for _, other := range a.Others {
			g.Id(other.OtherVar()).Op("*").Qual(aggregatePath, "Aggregate").Types(jen.Id(other.State))
		}
	})
	f.Line()
	f.Func().Id("new"+a.Commands).
		Params(jen.Id("runtime").Op("*").Qual(aggregatePath, "Runtime"), jen.Id("decider").Id(a.Decider)).
		Op("*").Id(a.Commands).Block(
		jen.Return(jen.Op("&").Id(a.Commands).Add(literal([]entry{
			{"aggregate", jen.Qual(aggregatePath, "New").Call(jen.Id("runtime"), e.definition(a))},
			{"decider", jen.Id("decider")},
		}))),
	)
	f.Line()
}

func (e *emitter) definition(a *plan.Aggregate) *jen.Statement {
	entries := []entry{{"Category", jen.Lit(a.Name)}}
	if init := initOf(a.State, a.StateFields); init != nil || a.Lifecycle != nil {
		entries = append(entries, entry{"Init", jen.Id("init" + a.State)})
	}
	if a.Lifecycle != nil && a.Lifecycle.Checks {
		entries = append(entries, entry{"Admits", lifecycle{a}.admits()})
	}
	entries = append(entries, entry{"NewFold", jen.Func().Params().Qual(aggregatePath, "Fold").Types(jen.Id(a.State)).Block(
		jen.Return(jen.Op("&").Id(a.Fold).ValuesFunc(func(g *jen.Group) {
			if a.GoFolds() {
				g.Id("decider").Op(":").Id("decider")
			}
			if a.DecodesPersonal() {
				g.Id("coder").Op(":").Qual(personalPath, "NewCoder").Call(jen.Id("runtime").Dot("Keys").Call())
			}
		})))})
	if len(a.Unique) > 0 {
		entries = append(entries, entry{"Unique", jen.Id(a.UniqueVar)})
	}
	stateCodec := []string{"AppendState", "DecodeState"}
	if plan.HasPersonal(a.Aggregate.State) {
		stateCodec = []string{"SealState", "OpenState"}
	}
	if a.Snapshot.Any() {
		entries = append(entries,
			entry{"Snapshot", snapshotPolicy(a.Snapshot)},
			entry{"Fingerprint", jen.Id(a.FingerprintVar)},
			entry{stateCodec[0], jen.Id("append" + a.State)},
			entry{stateCodec[1], jen.Id("decode" + a.State)},
		)
	}
	if a.Personal() {
		entries = append(entries, entry{"Personal", jen.True()})
	}
	if replaced := a.Replaced(); len(replaced) > 0 {
		entries = append(entries, entry{"Replaced", replacements(replaced)})
	}
	return jen.Qual(aggregatePath, "Definition").Types(jen.Id(a.State)).Add(literal(entries))
}

// replacements emits what is stored in the place of former events:
//
//	[]cqrs.Replacement{
//		{Event: "MoneyWithdrawn", By: []string{"CashPaidOut", "FeeCharged"}},
//	}
func replacements(replaced []*plan.Former) *jen.Statement {
	return jen.Index().Qual(cqrsPath, "Replacement").CustomFunc(jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true},
		func(g *jen.Group) {
			for _, f := range replaced {
				g.Add(inline([]entry{{"Event", jen.Lit(f.Wire)}, {"By", wires(f.Successors())}}))
			}
		})
}

// snapshotPolicy emits snapshot.Policy{Events: 500}.
func snapshotPolicy(s model.Snapshot) *jen.Statement {
	var entries []entry
	if s.Every > 0 {
		entries = append(entries, entry{"Events", jen.Lit(s.Every)})
	}
	if s.Bytes > 0 {
		entries = append(entries, entry{"Bytes", jen.Lit(s.Bytes)})
	}
	if s.Age > 0 {
		entries = append(entries, entry{"Age", durationValue(s.Age)})
	}
	return jen.Qual(snapshotPath, "Policy").Add(inline(entries))
}

// handler emits
//
//	func (h *AccountCommands) Withdraw(ctx context.Context, id AccountID, c Withdraw, opts ...cqrs.CommandOption) (cqrs.Receipt, error)
func (e *emitter) handler(f *jen.File, a *plan.Aggregate, c *plan.Command) {
	fileComments(f, handlerDoc(a, c)+phaseDoc(a, c))
	params := append([]jen.Code{jen.Id("ctx").Qual("context", "Context")}, idParam(a)...)
	params = append(params, jen.Id("c").Id(c.Go), jen.Id("opts").Op("...").Qual(cqrsPath, "CommandOption"))
	function(f, jen.Id("h").Op("*").Id(a.Commands), c.Method, params, jen.Qual(cqrsPath, "Receipt"), jen.Error()).BlockFunc(func(g *jen.Group) {
		if c.HasDefaults() {
			g.Id("c").Dot("setDefaults").Call()
		}
		alsoVars(g, c)
		g.Return(jen.Id("h").Dot("aggregate").Dot("Execute").Call(
			jen.Id("ctx"),
			jen.Qual(aggregatePath, "Command").Types(jen.Id(a.State)).Add(literal(e.commandEntries(a, c))),
			jen.Id("opts").Op("..."),
		))
	})
	f.Line()
}

func handlerDoc(a *plan.Aggregate, c *plan.Command) string {
	switch {
	case c.Creates == model.MustBeNew && a.Single:
		return c.Method + " executes the command on the " + a.Name + ", which is new; otherwise it is a *cqrs.AlreadyExistsError."
	case c.Creates == model.MayExist && a.Single:
		return c.Method + " executes the command on the " + a.Name + ", new or not."
	case a.Single:
		return c.Method + " executes the command on the " + a.Name + ", which exists; otherwise it is a *cqrs.NotFoundError."
	case c.Creates == model.MustBeNew:
		return c.Method + " executes the command on a new " + a.Name + "; one that exists is a *cqrs.AlreadyExistsError."
	case c.Creates == model.MayExist:
		return c.Method + " executes the command on " + article(a.Name) + ", new or not."
	}
	return c.Method + " executes the command on " + article(a.Name) + " that exists; otherwise it is a *cqrs.NotFoundError."
}

func (e *emitter) commandEntries(a *plan.Aggregate, c *plan.Command) []entry {
	entries := []entry{{"Name", jen.Lit(c.Name)}, {"ID", idText(a, id("id"))}}
	switch c.Creates {
	case model.MustBeNew:
		entries = append(entries, entry{"Stream", jen.Qual(aggregatePath, "MustBeNew")})
	case model.MayExist:
		entries = append(entries, entry{"Stream", jen.Qual(aggregatePath, "MayExist")})
	}
	if slices.ContainsFunc(c.Rejects, func(r *model.Rejection) bool { return !r.Generated }) {
		entries = append(entries, entry{"Rejects", jen.Index().String().ValuesFunc(func(g *jen.Group) {
			for _, r := range c.Rejects {
				if !r.Generated {
					g.Lit(r.Name)
				}
			}
		})})
	}
	if c.Guarded() {
		entries = append(entries, entry{"Guard", lifecycle{a}.guardFunc(c)})
	}
	entries = append(entries,
		entry{"Check", e.checkFunc(a, c)},
		entry{"AppendJSON", jen.Id("c").Dot("AppendJSON")},
	)
	if len(c.Also) > 0 {
		entries = append(entries, entry{"Also", e.alsoFunc(a, c)})
	}
	return append(entries, entry{"Decide", e.decideFunc(a, c)})
}

func (e *emitter) checkFunc(a *plan.Aggregate, c *plan.Command) *jen.Statement {
	if !idNeedsCheck(a) {
		return jen.Id("c").Dot("Validate")
	}
	return jen.Func().Params().Error().BlockFunc(func(g *jen.Group) {
		g.Var().Id("check").Qual(validatePath, "Checker")
		checkID(g, a, "id", "id")
		if e.needsCheck(c) {
			g.Id("c").Dot("check").Call(jen.Op("&").Id("check"))
		}
		g.Return(jen.Id("check").Dot("Err").Call(jen.Lit(c.Name)))
	})
}

func loaderDoc(a *plan.Aggregate) string {
	if a.Single {
		return "Load returns the state and its version. Without events it is a *cqrs.NotFoundError."
	}
	return "Load returns the state of one " + a.Name + " and its version. One without events is a *cqrs.NotFoundError."
}

// loader emits Load.
func (e *emitter) loader(f *jen.File, a *plan.Aggregate) {
	fileComments(f, loaderDoc(a))
	params := append([]jen.Code{jen.Id("ctx").Qual("context", "Context")}, idParam(a)...)
	params = append(params, jen.Id("opts").Op("...").Qual(aggregatePath, "LoadOption"))
	function(f, jen.Id("h").Op("*").Id(a.Commands), "Load", params, jen.Id(a.State), jen.Qual(cqrsPath, "Version"), jen.Error()).Block(
		jen.Return(jen.Id("h").Dot("aggregate").Dot("Load").Call(jen.Id("ctx"), idText(a, id("id")), jen.Id("opts").Op("..."))),
	)
	f.Line()
}

// fold emits how stored events change the state:
//
//	type accountFold struct {
//		decider        Account
//		moneyDeposited MoneyDeposited
//	}
//
//	func (f *accountFold) Apply(s *AccountState, rec *cqrs.Record) error
func (e *emitter) fold(f *jen.File, a *plan.Aggregate) {
	fileComments(f, a.Fold+" applies stored events. It decodes each into the same place, so that a long history costs no allocation per event.")
	f.Type().Id(a.Fold).StructFunc(func(g *jen.Group) {
		if a.GoFolds() {
			g.Id("decider").Id(a.Decider)
		}
		if a.DecodesPersonal() {
			g.Id("coder").Op("*").Qual(personalPath, "Coder")
		}
		for _, ev := range a.Events {
			if ev.Decoded() {
				g.Id(ev.Scratch).Id(ev.Go)
			}
		}
	})
	f.Line()
	f.Comment("// Apply decodes one stored event and applies it.")
	f.Func().Params(jen.Id("f").Op("*").Id(a.Fold)).Id("Apply").
		Params(jen.Id("s").Op("*").Id(a.State), jen.Id("rec").Op("*").Qual(cqrsPath, "Record")).Error().BlockFunc(func(g *jen.Group) {
		g.Switch(jen.Id("rec").Dot("Type")).BlockFunc(func(g *jen.Group) {
			for _, ev := range a.Events {
				g.Case(jen.Lit(ev.Wire)).BlockFunc(func(g *jen.Group) {
					if ev.Decoded() {
						decodeInto(g, "f", ev.Scratch, ev, "CopyStrings")
					} else {
						g.If(jen.Err().Op(":=").Id("rec").Dot("CheckVersion").Call(jen.Lit(ev.Version)), jen.Err().Op("!=").Nil()).
							Block(jen.Return(jen.Err()))
					}
					e.applyCall(g, a, ev)
				})
			}
			for _, ev := range a.Former {
				g.Case(jen.Lit(ev.Wire)).BlockFunc(func(g *jen.Group) {
					formerCase(g, "f", ev, jen.Id("f").Dot("applyPart").Call(jen.Id("s"), jen.Id("rec"), jen.Id("e")))
				})
			}
		})
		g.Return(jen.Id("rec").Dot("Unknown").Call())
	})
	f.Line()
	e.applyPart(f, a)
}

// decodeInto decodes the record into a field that is used again and again.
func decodeInto(g *jen.Group, recv, scratch string, ev *plan.Event, mode string) {
	g.Id("e").Op(":=").Op("&").Id(recv).Dot(scratch)
	g.Op("*").Id("e").Op("=").Id(ev.Go).Values()
	decode := jen.Id("e").Dot("DecodeRecord").Call(jen.Id("rec"), jen.Qual(jsoncodecPath, mode))
	if ev.Personal() {
		decode = jen.Id("e").Dot("DecodeSealed").Call(jen.Id("rec"), jen.Qual(jsoncodecPath, mode), jen.Id(recv).Dot("coder"))
	}
	g.If(jen.Err().Op(":=").Add(decode), jen.Err().Op("!=").Nil()).
		Block(jen.Return(jen.Err()))
}
