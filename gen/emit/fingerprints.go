package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// Fingerprints emits the files that follow also from what the team's functions mean, which is found out with the help of
// the others.
func Fingerprints(p *plan.Plan, d *meaning.Digests) ([]File, error) {
	e := &emitter{p, nil}
	return e.files([]kind{
		{meaning.FingerprintsFile, func(f *jen.File) { e.fingerprints(f, d) }, e.hasFingerprints()},
		{"fingerprints_gen_test.go", func(f *jen.File) { e.fingerprintTest(f, d) }, len(p.Functions()) > 0},
	})
}

func (e *emitter) hasFingerprints() bool {
	for _, a := range e.Aggregates {
		if a.Snapshot.Any() {
			return true
		}
	}
	return len(e.Projections) > 0
}

// fingerprints emits
//
//	const (
//		accountStateFingerprint = "7df800aaa88161b3"
//	)
func (e *emitter) fingerprints(f *jen.File, d *meaning.Digests) {
	fileComments(f, "What snapshots and rows are kept under: one follows from the shape of a state or row, and from what is"+
		" done to it, in the model and in Go. One that starts with ffffffff stands for a meaning that is not known: no"+
		" snapshots are taken, and no other generation gives way to such a one by itself.")
	f.Const().DefsFunc(func(g *jen.Group) {
		for _, a := range e.Aggregates {
			if a.Snapshot.Any() {
				unknownBecause(g, a.Functions(), d)
				g.Id(a.FingerprintVar).Op("=").Lit(a.Fingerprint)
			}
		}
		for _, pr := range e.Projections {
			unknownBecause(g, pr.Functions(), d)
			g.Id(pr.FingerprintVar).Op("=").Lit(pr.Fingerprint)
		}
	})
}

// unknownBecause names the functions whose meaning is not known.
func unknownBecause(g *jen.Group, functions []meaning.Root, d *meaning.Digests) {
	for _, r := range functions {
		if d.Of[r] == "" {
			comments(g, r.String()+": "+Unknown(d.Unknown[r])+".")
		}
	}
}

// fingerprintTest emits
//
//	func TestFingerprints(t *testing.T) {
//		meaningtest.Check(t, map[string]string{
//			"Account.ApplyMoneyWithdrawn": "0123456789abcdef0123456789abcdef",
//		})
//	}
func (e *emitter) fingerprintTest(f *jen.File, d *meaning.Digests) {
	fileComments(f, plan.FingerprintTest+" fails where a function in Go, or something that it reaches, means something else"+
		" than the fingerprints stand for: run cqrsgen generate.")
	f.Func().Id(plan.FingerprintTest).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Qual(meaningtestPath, "Check").Call(jen.Id("t"), jen.Map(jen.String()).String().CustomFunc(listing(true), func(g *jen.Group) {
			for _, r := range e.Functions() {
				g.Lit(r.String()).Op(":").Lit(d.Of[r])
			}
		})),
	)
}

// Unknown says in a few words why the meaning of a function is not known, in the same way on every machine.
func Unknown(err *meaning.UnknownError) string {
	switch {
	case err == nil:
		return "its package was not looked at"
	case err.Unwrap() == meaning.ErrNotImplemented:
		return err.Unwrap().Error()
	}
	return "it does not compile, or reaches what does not"
}
