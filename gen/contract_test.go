package gen_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// codecProgram decodes and encodes with the codecs of generated packages: a line of input is a type and its JSON, a line
// of output what came of it.
const codecProgram = `package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
%s)

type answer struct {
	JSON  json.RawMessage ` + "`json:\"json,omitempty\"`" + `
	Error string          ` + "`json:\"error,omitempty\"`" + `
}

func answered(b []byte, err error) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{JSON: b}
}

type appender[T any] interface {
	*T
	AppendJSON([]byte) ([]byte, error)
}

// keys encrypt the personal data of a log that ends with the program.
var keys = func() *personal.Keys {
	master, err := personal.NewMasterKey(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	return personal.NewKeys(personal.NewMemory(), master)
}()

func event[T any, P interface {
	cqrs.Event
	*T
	DecodeRecord(*cqrs.Record, jsoncodec.Strings) error
}](version int, data []byte) answer {
	var v T
	rec := cqrs.Record{Type: P(&v).EventType(), SchemaVersion: version, ContentType: cqrs.JSON, Data: data}
	if err := P(&v).DecodeRecord(&rec, jsoncodec.CopyStrings); err != nil {
		return answered(nil, err)
	}
	stream := cqrs.StreamID{Category: "Any", ID: "8c5a7d2e-4a0c-4b59-9a53-0d3f6b1c2a4e"}
	return answered(personal.AppendEvent(nil, P(&v), personal.OfStream(keys, stream)))
}

func command[T interface{ Validate() error }, P appender[T]](_ int, data []byte) answer {
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return answered(nil, err)
	}
	if err := v.Validate(); err != nil {
		return answered(nil, err)
	}
	return answered(P(&v).AppendJSON(nil))
}

var types = map[string]func(int, []byte) answer{
%s}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		name, rest, _ := bytes.Cut(line, []byte(" "))
		version, data, _ := bytes.Cut(rest, []byte(" "))
		n, _ := strconv.Atoi(string(version))
		_ = json.NewEncoder(out).Encode(types[string(name)](n, data))
		_ = out.Flush()
	}
}
`

// coded is a version of an event, or a command, of a generated package.
type coded struct {
	name    string
	version int
	fields  []*model.Field
	// unsaid says that the code refuses more than the schema can.
	unsaid  bool
	command bool
	// upcasts says that a function of the team's turns the version into a newer one.
	upcasts bool
	// schema is that of the version, now that of the current one.
	schema, now *jsonschema.Schema
}

// codedModel is a model with the import path of its package.
type codedModel struct {
	alias, path string
	types       []*coded
}

func newCodedModel(t *testing.T, alias, path string, m *model.Model, files []emit.File) codedModel {
	t.Helper()
	c := codedModel{alias: alias, path: path}
	schemas := compiledSchemas(t, files)
	p := plan.New(m, new(diag.List))
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			for version := 1; version <= max(1, e.Version); version++ {
				x := &coded{name: e.Go, version: version,
					schema: schemas[fmt.Sprintf("urn:cqrsgen:%s:%s:event:%s:%d", m.Package, a.Name, e.Wire, version)]}
				for _, old := range e.FieldsOf(version) {
					f := *old.Field
					f.Name = old.Name
					x.fields = append(x.fields, &f)
				}
				x.now = schemas[fmt.Sprintf("urn:cqrsgen:%s:%s:event:%s:%d", m.Package, a.Name, e.Wire, max(1, e.Version))]
				x.unsaid = unsaid(x.fields)
				x.upcasts = slices.ContainsFunc(e.History, func(c *model.Change) bool { return c.Upcast && c.Version > version })
				c.types = append(c.types, x)
			}
		}
		for _, x := range a.CommandList {
			c.types = append(c.types, &coded{name: x.Go, fields: x.Command.Fields, command: true, unsaid: len(x.Checks) > 0 || unsaid(x.Command.Fields),
				schema: schemas[fmt.Sprintf("urn:cqrsgen:%s:%s:command:%s", m.Package, a.Name, x.Name)]})
		}
	}
	for _, x := range c.types {
		require.NotNil(t, x.schema, x.name)
	}
	return c
}

// compiledSchemas compiles schemas with a validator that shares nothing with what wrote them.
func compiledSchemas(t *testing.T, files []emit.File) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	var ids []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name, ".schema.json") {
			continue
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.Content))
		require.NoError(t, err)
		id := doc.(map[string]any)["$id"].(string)
		require.NoError(t, c.AddResource(id, doc))
		ids = append(ids, id)
	}
	schemas := map[string]*jsonschema.Schema{}
	for _, id := range ids {
		s, err := c.Compile(id)
		require.NoError(t, err, id)
		schemas[id] = s
	}
	return schemas
}

// unsaid reports whether fields have rules that JSON Schema has no words for: bounds of decimals and of keys that are
// numbers, and rules over several fields.
func unsaid(fields []*model.Field) bool {
	for _, f := range fields {
		if unsaidOf(f.Type, f.Rules) {
			return true
		}
	}
	return false
}

func unsaidOf(t model.Type, r model.Rules) bool {
	switch t.Kind {
	case model.Optional:
		return unsaidOf(*t.Elem, r)
	case model.List, model.Set:
		return unsaidOf(*t.Elem, model.Rules{})
	case model.Map:
		return t.Key.Scalar() != model.String && t.Key.Kind == model.Ref && t.Key.Named.Rules.Any() ||
			unsaidOf(*t.Key, model.Rules{}) || unsaidOf(*t.Elem, model.Rules{})
	case model.Ref:
		n := t.Named
		return n.Kind == model.External || len(n.Checks) > 0 || unsaid(n.Fields) ||
			n.Kind == model.Scalar && (unsaidOf(model.Type{Kind: n.Base}, r) || unsaidOf(model.Type{Kind: n.Base}, n.Rules))
	}
	return t.Kind == model.Decimal && (r.Min != "" || r.Max != "")
}

// codecs is the program of some models.
type codecs struct {
	in  *bufio.Writer
	out *bufio.Reader
}

type codecAnswer struct {
	JSON  json.RawMessage `json:"json"`
	Error string          `json:"error"`
}

func startCodecs(t *testing.T, module string, models []codedModel) *codecs {
	t.Helper()
	var imports, types strings.Builder
	for _, m := range models {
		fmt.Fprintf(&imports, "\t%s %q\n", m.alias, m.path)
		for _, x := range m.types {
			if x.version > 1 {
				continue
			}
			fmt.Fprintf(&types, "\t%q: %s[%s.%s],\n", m.alias+"."+x.name, map[bool]string{false: "event", true: "command"}[x.command], m.alias, x.name)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(module, "main.go"), fmt.Appendf(nil, codecProgram, imports.String(), types.String()), 0o644))
	build := exec.Command("go", "build", "-o", "codecs", ".")
	build.Dir = module
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	text, err := build.CombinedOutput()
	require.NoError(t, err, "%s", text)

	cmd := exec.CommandContext(t.Context(), filepath.Join(module, "codecs"))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &codecs{bufio.NewWriter(in), bufio.NewReader(out)}
}

func (c *codecs) ask(t *testing.T, typ string, version int, text string) codecAnswer {
	t.Helper()
	_, err := fmt.Fprintf(c.in, "%s %d %s\n", typ, version, text)
	require.NoError(t, err)
	require.NoError(t, c.in.Flush())
	line, err := c.out.ReadBytes('\n')
	require.NoError(t, err)
	var a codecAnswer
	require.NoError(t, json.Unmarshal(line, &a))
	return a
}

func accepts(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err, "%s", text)
	return s.Validate(v)
}

// codedModels are golden models, and random ones in a module of their own.
func codedModels(t *testing.T, module string, seed uint64, random int) []codedModel {
	t.Helper()
	var models []codedModel
	for _, name := range []string{"everything", "types", "evolution", "shared-names", "personal"} {
		models = append(models, codedModelOf(t, "golden"+strings.ReplaceAll(name, "-", ""), "github.com/cqrsgen/cqrsgen/testdata/golden/"+name,
			filepath.Join(golden, name, modelFile)))
	}
	for i := seed; random > 0; i++ {
		src := newRandomModel(i)
		set, collided := generateRandom(t, src)
		if collided {
			continue
		}
		random--
		alias := fmt.Sprintf("m%d", random)
		dir := filepath.Join(module, alias)
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, modelFile), []byte(src), 0o644))
		_, err := output.Write(dir, *set)
		require.NoError(t, err)
		models = append(models, codedModelOf(t, alias, "random/"+alias, filepath.Join(dir, modelFile)))
	}
	return models
}

func codedModelOf(t *testing.T, alias, path, file string) codedModel {
	t.Helper()
	m, _, err := gen.Model(file)
	require.NoError(t, err)
	docs, _, err := gen.Documents(file)
	require.NoError(t, err)
	return newCodedModel(t, alias, path, m, docs.Files)
}

func TestWhatCodecsWriteKeepsToTheSchemasAndCommandsAreRefusedByBothOrNone(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	seed := fromEnv(t, "CQRSGEN_SEED", uint64(time.Now().UnixNano()))
	t.Logf("CQRSGEN_SEED=%d", seed)
	module := newModule(t)
	models := codedModels(t, module, seed, int(fromEnv(t, "CQRSGEN_RANDOM_MODELS", 2)))
	program := startCodecs(t, module, models)
	r := &randomValues{Rand: rand.New(rand.NewPCG(seed, 1))}
	said := map[bool]int{}
	for _, m := range models {
		for _, x := range m.types {
			for range 20 {
				if r.wild = x.command && r.IntN(2) == 0; x.command {
					commandGoesBothWays(t, program, r, m.alias, x, said)
				} else {
					eventKeepsToItsSchema(t, program, r, m.alias, x)
				}
			}
		}
	}
	t.Logf("commands that were accepted: %d, refused: %d", said[true], said[false])
	assert.Greater(t, min(said[true], said[false]), 50)
}

func eventKeepsToItsSchema(t *testing.T, program *codecs, r *randomValues, alias string, x *coded) {
	t.Helper()
	text := r.object(x.fields)
	require.NoError(t, accepts(t, x.schema, []byte(text)), "%s: %s", x.name, text)
	a := program.ask(t, alias+"."+x.name, x.version, text)
	if x.upcasts && a.Error != "" {
		require.Contains(t, a.Error, "can't be brought up to date", "%s: %s", x.name, text)
		return // which is for the team's function to say
	}
	require.Empty(t, a.Error, "%s: %s", x.name, text)
	require.NoError(t, accepts(t, x.now, a.JSON), "%s: %s", x.name, a.JSON)
	changed := r.changed(text)
	if !x.unsaid && !x.upcasts && accepts(t, x.schema, []byte(changed)) == nil {
		require.Empty(t, program.ask(t, alias+"."+x.name, x.version, changed).Error, "%s: the schema takes %s", x.name, changed)
	}
}

func commandGoesBothWays(t *testing.T, program *codecs, r *randomValues, alias string, x *coded, said map[bool]int) {
	t.Helper()
	text := r.object(x.fields)
	a := program.ask(t, alias+"."+x.name, x.version, text)
	refusal := accepts(t, x.schema, []byte(text))
	if a.Error == "" {
		require.NoError(t, refusal, "%s: the code takes %s", x.name, text)
		if !bytes.Contains(a.JSON, []byte("[personal]")) { // which a command hides from logs
			require.NoError(t, accepts(t, x.schema, a.JSON), "%s: %s", x.name, a.JSON)
		}
	} else if !x.unsaid {
		require.Error(t, refusal, "%s: the schema takes %s, the code says %s", x.name, text, a.Error)
	}
	said[a.Error == ""]++
}

// changed replaces a value in a JSON text, wherever it stands, by one of another type, or adds a field.
func (r *randomValues) changed(text string) string {
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&v)
	b, err := json.Marshal(r.change(v))
	if err != nil {
		panic(err) // what was just decoded, and numbers of JSON
	}
	return string(b)
}

func (r *randomValues) change(v any) any {
	others := []any{true, "", "x", json.Number("1.5"), json.Number("-1"), json.Number("7"), nil, []any{}, map[string]any{}}
	switch x := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(x))
		switch n := r.IntN(len(keys) + 2); {
		case n == len(keys)+1:
			x["added later"] = []any{map[string]any{"deep": true}}
		case n == len(keys) && n > 0:
			delete(x, keys[r.IntN(len(keys))])
		case n < len(keys):
			x[keys[n]] = r.change(x[keys[n]])
		}
		return x
	case []any:
		if len(x) > 0 && r.IntN(4) > 0 {
			i := r.IntN(len(x))
			x[i] = r.change(x[i])
			return x
		}
	}
	return others[r.IntN(len(others))]
}
