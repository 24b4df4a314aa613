package emit

import (
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

func isExternal(t *model.Type) bool { return t.Kind == model.Ref && t.Named.Kind == model.External }

// codecOf is what the functions of an encoding are called: WriteText, ReadText.
var codecOf = map[model.Encoding]string{
	model.TextEncoding: "Text", model.JSONEncoding: "JSON", model.PlainEncoding: "Plain",
}

// writeExternal emits
//
//	jsoncodec.WriteText(w, v.Addr)
func (e *emitter) writeExternal(g *jen.Group, t *model.Type, x expr) {
	g.Qual(jsoncodecPath, "Write"+codecOf[t.Named.Go.Encoding]).Call(jen.Id("w"), x())
}

// readExternal emits
//
//	v.Addr = jsoncodec.ReadText[netip.Addr](r)
func (e *emitter) readExternal(g *jen.Group, t *model.Type, x expr) {
	g.Add(x()).Op("=").Qual(jsoncodecPath, "Read"+codecOf[t.Named.Go.Encoding]).Types(e.goType(t)).Call(jen.Id("r"))
}

// externalValue is a value that a scenario gives to a type of a Go package:
//
//	cqrstest.Text[netip.Addr]("10.0.0.1")
func (e *emitter) externalValue(v *model.Value) *jen.Statement {
	fn := "JSON"
	if v.Type.Named.Go.Encoding == model.TextEncoding {
		fn = "Text"
	}
	return jen.Qual(cqrstestPath, fn).Types(e.goType(&v.Type)).Call(jen.Lit(v.Text))
}

// importNames decides what all files call the packages of types: by their own names, as long as these are free.
func importNames(externals []*model.Named) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, p := range slices.Concat(allowed, allowedInTests) {
		taken[path.Base(p)] = true
	}
	for _, n := range externals {
		p := n.Go.Path
		switch _, named := names[p]; {
		case named:
			continue
		case slices.Contains(allowed, p):
			names[p] = path.Base(p)
			continue
		}
		own := n.Go.Package
		if local(own) {
			own += "pkg"
		}
		name := own
		for i := 2; taken[name]; i++ {
			name = own + strconv.Itoa(i)
		}
		names[p], taken[name] = name, true
	}
	return names
}

// local reports whether a package's name could be that of a variable or a function in the emitted code, behind which
// the package could not be named.
func local(name string) bool {
	return len(name) < 3 || types.Universe.Lookup(name) != nil || slices.Contains(locals, name) || strings.ToLower(name) != name
}

// locals are the variables of emitted functions that have names of one word. Those of the package have several.
var locals = []string{
	"aggregate", "all", "allowed", "also", "but", "check", "codes", "command", "ctx", "data", "decider", "deciders",
	"entry", "err", "event", "fault", "field", "folds", "from", "item", "items", "key", "keys", "least", "level",
	"levels", "line", "mode", "name", "note", "opts", "out", "own", "phase", "phases", "projections", "projector",
	"rec", "row", "rows", "run", "runtime", "seen", "size", "state", "store", "stream", "table", "today", "total",
	"values", "waits", "weight",
}
