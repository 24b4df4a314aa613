package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

const goldenFolder = "../../testdata/golden"

func TestTheGoldenJSONSchemaIsTheOneOfTheTables(t *testing.T) {
	const file = "cqrsgen.schema.json"
	if *update {
		require.NoError(t, os.WriteFile(file, schema.JSONSchema(), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(schema.JSONSchema()), "make golden writes it")
}

// validator compiles the schema with a validator that shares nothing with what wrote it.
func validator(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSONSchema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("cqrsgen.schema.json", doc))
	s, err := c.Compile("cqrsgen.schema.json")
	require.NoError(t, err)
	return s
}

// asEditorsSee turns YAML into the values that an editor validates: those of YAML 1.2, in which a date is a text.
func asEditorsSee(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return asEditorsSee(n.Content[0])
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = asEditorsSee(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, asEditorsSee(c))
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		return json.Number("1")
	}
	return n.Value
}

// valid asks the JSON Schema about a model.
func valid(t testing.TB, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal(src, &n))
	return s.Validate(asEditorsSee(&n))
}

func TestEveryGoldenModelIsValidToTheJSONSchema(t *testing.T) {
	s := validator(t)
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*", "model.cqrs.yaml"))
	require.NoError(t, err)
	examples, err := filepath.Glob("../../example/*/*.cqrs.yaml")
	require.NoError(t, err)
	for _, file := range append(files, examples...) {
		if strings.HasPrefix(filepath.Base(filepath.Dir(file)), "mistakes") {
			continue
		}
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NoError(t, valid(t, s, src), file)
	}
}

const small = `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
  Colour: {enum: [no, null, 0150, red]}
  Size: {fields: {width: {type: int, min: 1, doc: 2026}, height: int}}
aggregates:
  Door:
    id: DoorID
    state: {size: optional Size, colours: list of Colour}
    snapshot: {every: 10}
    events: {Opened: {fields: {by: string}}, Closed: }
    rejections: {Locked: {}}
    commands:
      Open: {creates: true, fields: {by: {type: string, personal: true}}, emits: [Opened, maybe Closed], rejects: [Locked]}
projections:
  Doors:
    key: {door: DoorID}
    row: {open: bool}
    on: {Opened: {key: {door: stream.id}}}
    ignore: [Closed]
    indexes: [[open]]
`

func TestMistakesOfKeysAreInvalidToTheJSONSchema(t *testing.T) {
	s := validator(t)
	require.NoError(t, valid(t, s, []byte(small)))
	for name, change := range map[string][2]string{
		"another language":        {"cqrsgen: 1", "cqrsgen: 2"},
		"no language":             {"cqrsgen: 1\n", ""},
		"no package":              {"package: door\n", ""},
		"an unknown key":          {"types:", "tpyes:"},
		"an unknown key, deeper":  {"rejections:", "errors:"},
		"an unknown base":         {"base: string", "base: text"},
		"a base and fields":       {"{base: string}", "{base: string, fields: {a: int}}"},
		"an empty type":           {"{base: string}", "{}"},
		"no type":                 {"{type: int, min: 1, doc: 2026}", "{min: 1}"},
		"a rule that is no bound": {"min: 1", "min: low"},
		"a type of another world": {"optional Size", "'Size?'"},
		"a list for a type":       {"width: {type: int,", "width: {type: [int],"},
		"a lower-case type":       {"  Colour: {", "  colour: {"},
		"an upper-case field":     {"height: int", "Height: int"},
		"no id":                   {"    id: DoorID\n", ""},
		"no policy":               {"{every: 10}", "{}"},
		"a text for a policy":     {"{every: 10}", "often"},
		"creates never":           {"creates: true", "creates: never"},
		"no emits":                {"emits: [Opened, maybe Closed], ", ""},
		"a text for a list":       {"rejects: [Locked]", "rejects: Locked"},
		"personal to nobody":      {"personal: true", "personal: nobody"},
		"a projection without on": {"    on: {Opened: {key: {door: stream.id}}}\n", ""},
		"an index of no list":     {"[[open]]", "[open]"},
		"a list for a mapping":    {"rejections: {Locked: {}}", "rejections: [Locked]"},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(small, change[0], change[1], 1)
			require.NotEqual(t, small, src)
			assert.Error(t, valid(t, s, []byte(src)))
		})
	}
}

// The parser's own findings about keys and forms; what the others are about, no schema can know.
var keyLevel = map[string]bool{
	diag.NoLanguageVersion: true, diag.LanguageVersion: true, diag.UnknownKey: true, diag.WrongForm: true,
	diag.MissingKey: true, diag.NotYet: true, diag.ValueNotAllowed: true,
}

func TestGoldenMistakesOfKeysAreInvalidToTheJSONSchema(t *testing.T) {
	s := validator(t)
	files, err := filepath.Glob(filepath.Join(goldenFolder, "mistakes*", "model.cqrs.yaml"))
	require.NoError(t, err)
	asked := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		var d diag.List
		schema.Parse(filepath.Base(file), src, &d)
		for _, found := range d.Sorted() {
			var n yaml.Node
			if keyLevel[found.Code] && yaml.Unmarshal(src, &n) == nil {
				asked++
				assert.Error(t, s.Validate(asEditorsSee(&n)), "%s: %s", file, found.Message)
				break
			}
		}
	}
	assert.Positive(t, asked)
}
