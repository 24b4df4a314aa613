package emit

import (
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// app emits app_gen.go: the package's doc, and the wiring in one New.
func (e *emitter) app(f *jen.File) {
	for _, line := range wrap(doc("Package "+e.Model.Package+" is a bounded context, generated from "+sourcesOf(e.Model)+".", e.Model.Doc)) {
		f.PackageComment(line)
	}
	e.appType(f)
	e.newFunc(f)
	if len(e.Projections) > 0 {
		e.runMethods(f)
	}
	if e.HasUnique() {
		e.claimAll(f)
	}
	e.snapshotMethods(f)
	e.forget(f)
	e.closeMethod(f)
}

// closeMethod emits Close.
func (e *emitter) closeMethod(f *jen.File) {
	f.Comment("// Close writes the snapshots that wait to be written. The stores stay open: they are the caller's.")
	if e.hasInline() {
		f.Comment("// Inline projections fold no more: call it when no command runs, and before the log is closed.")
	}
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("Close").Params().BlockFunc(func(g *jen.Group) {
		g.Id("a").Dot("runtime").Dot("Close").Call()
		if e.hasInline() {
			g.Id("a").Dot("group").Dot("Close").Call()
		}
	})
	f.Line()
}

// hasInline says whether rows of a projection change in the log's transactions.
func (e *emitter) hasInline() bool {
	return slices.ContainsFunc(e.Projections, func(p *plan.Projection) bool { return p.Inline })
}

// appType emits
//
//	type App struct {
//		Account           *AccountCommands
//		BalanceByCurrency *BalanceByCurrencyModel
//		runtime           *aggregate.Runtime
//	}
func (e *emitter) appType(f *jen.File) {
	f.Comment("// App has the commands of every aggregate, and the read models that answer queries. It is safe for")
	f.Comment("// concurrent use.")
	f.Type().Id("App").StructFunc(func(g *jen.Group) {
		for _, a := range e.Aggregates {
			g.Id(a.Name).Op("*").Id(a.Commands)
		}
		for _, p := range e.Projections {
			g.Id(p.Name).Op("*").Id(p.Model)
		}
		g.Line()
		g.Id("runtime").Op("*").Qual(aggregatePath, "Runtime")
		if len(e.Projections) > 0 {
			g.Id("group").Op("*").Qual(projectionPath, "Group")
		}
	})
	f.Line()
}

// newFunc emits
//
//	func New(ctx context.Context, store aggregate.Store, rows readmodel.Store, deciders Deciders, projections Projections, opts ...aggregate.Option) (*App, error)
func (e *emitter) newFunc(f *jen.File) {
	text := "New wires the bounded context: commands append to store, read models live in rows. Nothing is projected until Run."
	params := []jen.Code{
		jen.Id("ctx").Qual("context", "Context"), jen.Id("store").Qual(aggregatePath, "Store"), jen.Id("rows").Qual(readmodelPath, "Store"),
		jen.Id("deciders").Id("Deciders"), jen.Id("projections").Id("Projections"), jen.Id("opts").Op("...").Qual(aggregatePath, "Option"),
	}
	results := []jen.Code{jen.Op("*").Id("App"), jen.Error()}
	switch {
	case len(e.Projections) == 0:
		text = "New wires the bounded context: commands append to store."
		params = []jen.Code{params[0], params[1], params[3], params[5]}
		if !e.Personal() {
			params, results = params[1:], results[:1]
		}
	case !e.ProjectionsInGo():
		params = slices.Delete(params, 4, 5)
	}
	fileComments(f, text)
	function(f, nil, "New", params, results...).BlockFunc(func(g *jen.Group) {
		if len(e.Projections) > 0 {
			e.checkSinks(g)
		}
		g.Id("a").Op(":=").Op("&").Id("App").Values(jen.Dict{
			jen.Id("runtime"): jen.Qual(aggregatePath, "NewRuntime").Call(jen.Id("store"), jen.Id("opts").Op("...")),
		})
		e.demandKeys(g)
		if len(e.Projections) > 0 {
			g.Id("a").Dot("group").Op("=").Qual(projectionPath, "NewGroup").Call(
				jen.Id("store"), jen.Qual(projectionPath, "WithLogger").Call(jen.Id("a").Dot("runtime").Dot("Logger").Call()))
		}
		for _, p := range e.Projections {
			e.openModel(g, p)
		}
		if e.hasInline() {
			g.If(jen.Err().Op(":=").Id("a").Dot("group").Dot("Inline").Call(), jen.Err().Op("!=").Nil()).
				Block(jen.Return(jen.Nil(), jen.Err()))
		}
		for _, ag := range e.Aggregates {
			g.Id("a").Dot(ag.Name).Op("=").Id("new"+ag.Commands).Call(jen.Id("a").Dot("runtime"), jen.Id("deciders").Dot(ag.Decider))
		}
		e.linkOthers(g)
		if len(results) == 1 {
			g.Return(jen.Id("a"))
			return
		}
		g.Return(jen.Id("a"), jen.Nil())
	})
	f.Line()
}

// checkSinks emits
//
//	if err := readmodel.CheckSinks(rows, "BalanceByCurrency"); err != nil {
//		return nil, err
//	}
func (e *emitter) checkSinks(g *jen.Group) {
	args := []jen.Code{jen.Id("rows")}
	for _, p := range e.Projections {
		args = append(args, jen.Lit(p.Name))
	}
	g.If(jen.Err().Op(":=").Qual(readmodelPath, "CheckSinks").Call(args...), jen.Err().Op("!=").Nil()).
		Block(jen.Return(jen.Nil(), jen.Err()))
}

func (e *emitter) openModel(g *jen.Group, p *plan.Projection) {
	args := []jen.Code{jen.Id("a").Dot("group"), jen.Id("rows")}
	if p.InGo {
		args = append(args, jen.Id("projections").Dot(p.Team))
	}
	if p.Reveals() {
		args = append(args, jen.Id("a").Dot("runtime").Dot("Keys").Call())
	}
	g.Id("a").Dot(p.Name).Op("=").Id("new" + p.Model).Call(args...)
}

// runMethods emits Run, Status and Projectors.
func (e *emitter) runMethods(f *jen.File) {
	fileComments(f, "Run keeps all read models up to date until ctx ends. Any number of processes may run it: one of them works on each read model,"+
		" and others take over when it ends or dies."+
		" A projection that fails stops, which is logged at once, and the others go on; when none is left, or ctx ends, Run returns all failures together.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("Run").Params(jen.Id("ctx").Qual("context", "Context")).Error().Block(
		jen.Return(jen.Id("a").Dot("group").Dot("Run").Call(jen.Id("ctx"))))
	f.Line()
	f.Comment("// Status says how far each read model is, in each store that it is kept in. It does no I/O.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("Status").Params().Index().Qual(projectionPath, "Status").Block(
		jen.Return(jen.Id("a").Dot("group").Dot("Status").Call()))
	f.Line()
	f.Comment("// Projectors returns what keeps each read model up to date, to run or to watch one by one.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("Projectors").Params().Index().Qual(projectionPath, "Runner").Block(
		jen.Return(jen.Id("a").Dot("group").Dot("Runners").Call()))
	f.Line()
}

// snapshotMethods emits VerifySnapshots and SnapshotStats. A model without snapshots has them too: what calls them need not
// change with the model.
func (e *emitter) snapshotMethods(f *jen.File) {
	fileComments(f, "VerifySnapshots replays the stream of every snapshot, compares the states, and yields one finding for each snapshot."+
		" It reads, and changes nothing; commands may run meanwhile.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("VerifySnapshots").Params(jen.Id("ctx").Qual("context", "Context")).
		Qual("iter", "Seq2").Types(jen.Qual(snapshotPath, "Finding"), jen.Error()).
		Block(jen.Return(jen.Id("a").Dot("runtime").Dot("VerifySnapshots").Call(jen.Id("ctx"))))
	f.Line()
	f.Comment("// SnapshotStats says what became of snapshots since New.")
	f.Func().Params(jen.Id("a").Op("*").Id("App")).Id("SnapshotStats").Params().Qual(snapshotPath, "Stats").
		Block(jen.Return(jen.Id("a").Dot("runtime").Dot("SnapshotStats").Call()))
	f.Line()
}

// sourcesOf names the files of a model.
func sourcesOf(m *model.Model) string {
	names := m.FileNames()
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
