package contract_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/contract"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const golden = "../../testdata/golden"

// withGolden are the models whose contracts stand beside them. Those of the ledger are the example's own.
var withGolden = map[string]string{
	"everything": filepath.Join(golden, "everything", "model.cqrs.yaml"),
	"guards":     filepath.Join(golden, "guards", "model.cqrs.yaml"),
	"ledger":     "../../example/ledger/ledger.cqrs.yaml",
}

// goldenModels are all valid golden models.
func goldenModels(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(golden, "*", "model.cqrs.yaml"))
	require.NoError(t, err)
	var valid []string
	for _, file := range files {
		if !strings.HasPrefix(filepath.Base(filepath.Dir(file)), "mistakes") {
			valid = append(valid, file)
		}
	}
	require.NotEmpty(t, valid)
	return valid
}

// contractsOf returns the files of a model, by their names.
func contractsOf(t *testing.T, file string) map[string]string {
	t.Helper()
	docs, findings, err := gen.Documents(file)
	require.NoError(t, err)
	require.False(t, findings.Failed(), file)
	files := map[string]string{}
	for _, f := range docs.Files {
		require.NotContains(t, files, f.Name)
		files[f.Name] = string(f.Content)
	}
	return files
}

func TestGoldenContractsStandBesideTheirModels(t *testing.T) {
	for name, file := range withGolden {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(filepath.Dir(file), "docs")
			want := contractsOf(t, file)
			if *update {
				require.NoError(t, os.RemoveAll(dir))
				require.NoError(t, os.MkdirAll(dir, 0o755))
				for name, content := range want {
					require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
				}
			}
			have, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, e := range have {
				assert.Contains(t, want, e.Name(), "nothing asks for this file any more")
			}
			for name, content := range want {
				b, err := os.ReadFile(filepath.Join(dir, name))
				require.NoError(t, err, "make golden writes it")
				assert.Equal(t, content, string(b), "%s: make golden rewrites it", name)
			}
		})
	}
}

func TestEachFileSaysInItsFirstTwoLinesWhoseItIs(t *testing.T) {
	for _, file := range goldenModels(t) {
		docs, _, err := gen.Documents(file)
		require.NoError(t, err)
		for _, f := range docs.Files {
			lines := strings.SplitN(string(f.Content), "\n", 3)
			assert.Contains(t, lines[0]+lines[1], contract.Mark(docs.Model), "%s of %s", f.Name, file)
		}
	}
}

// asyncAPISchema is the official JSON Schema of AsyncAPI 3.
func asyncAPISchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("testdata/asyncapi/3.0.0.json.gz")
	require.NoError(t, err)
	defer f.Close()
	text, err := gzip.NewReader(f)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(text)
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("http://asyncapi.com/schema.json", doc))
	s, err := c.Compile("http://asyncapi.com/schema.json")
	require.NoError(t, err)
	return s
}

func TestTheAsyncAPIDocumentsKeepToTheOfficialSchema(t *testing.T) {
	schema := asyncAPISchema(t)
	for _, file := range goldenModels(t) {
		for name, content := range contractsOf(t, file) {
			if !strings.HasSuffix(name, ".asyncapi.json") {
				continue
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(content))
			require.NoError(t, err, file)
			require.NoError(t, schema.Validate(doc), file)
		}
	}
	broken, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(`{"asyncapi": "3.0.0", "info": {"title": "x"}}`)))
	require.NoError(t, err)
	assert.Error(t, schema.Validate(broken), "info has no version")
}

// references calls f with every $ref of a document.
func references(v any, f func(string)) {
	switch x := v.(type) {
	case map[string]any:
		if ref, ok := x["$ref"].(string); ok {
			f(ref)
		}
		for _, member := range x {
			references(member, f)
		}
	case []any:
		for _, item := range x {
			references(item, f)
		}
	}
}

func TestEachReferenceLeadsToSomething(t *testing.T) {
	for _, file := range goldenModels(t) {
		files := contractsOf(t, file)
		for name, content := range files {
			if !strings.HasSuffix(name, ".json") {
				continue
			}
			var doc any
			require.NoError(t, json.Unmarshal([]byte(content), &doc), name)
			references(doc, func(ref string) {
				if file, local := strings.CutPrefix(ref, "./"); local {
					assert.Contains(t, files, file, name)
					return
				}
				at := doc
				for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[step]
				}
				assert.NotNil(t, at, "%s: %s", name, ref)
			})
		}
	}
}

func TestSchemasOfEventsHaveNoRulesAndThoseOfCommandsHave(t *testing.T) {
	files := contractsOf(t, withGolden["everything"])
	assert.Contains(t, files["Booking.command.RequestBooking.schema.json"], `"maxItems": 20`)
	for name, content := range files {
		if strings.Contains(name, ".event.") {
			assert.NotContains(t, content, "maxItems", name)
			assert.NotContains(t, content, "a-z0-9-", name)
		}
	}
}

func TestAnOlderVersionHasTheFieldsThatItHadThen(t *testing.T) {
	files := contractsOf(t, filepath.Join(golden, "evolution", "model.cqrs.yaml"))
	var old struct {
		Properties map[string]any `json:"properties"`
		Required   []string       `json:"required"`
	}
	require.NoError(t, json.Unmarshal([]byte(files["Booking.event.RoomBooked.v2.schema.json"]), &old))
	assert.ElementsMatch(t, []string{"adults", "children", "room"}, old.Required, "what a later version removed")
	assert.Contains(t, old.Properties, "comment")
	require.NoError(t, json.Unmarshal([]byte(files["Booking.event.Moved.v1.schema.json"]), &old))
	assert.Equal(t, []string{"day"}, old.Required, "what a function turns into another type")
	everything := contractsOf(t, withGolden["everything"])
	require.NoError(t, json.Unmarshal([]byte(everything["Guest.event.GuestEmailChanged.v1.schema.json"]), &old))
	assert.Contains(t, old.Properties, "mail", "the name that it had")
	assert.NotContains(t, files, "Booking.event.RoomBooked.v0.schema.json")
}

func TestAnEventThatDoesNotHappenAnyMoreKeepsItsSchema(t *testing.T) {
	files := contractsOf(t, filepath.Join(golden, "evolution", "model.cqrs.yaml"))
	assert.Contains(t, files["Booking.event.Changed.v1.schema.json"], `"day"`)
	assert.Contains(t, files["Booking.event.Changed.v2.schema.json"], "read as maybe Moved, many Noted")
	assert.Contains(t, files["Booking.event.Viewed.v1.schema.json"], `"deprecated": true`)
	assert.NotContains(t, files["Booking.event.Noted.v1.schema.json"], `"deprecated"`)
	assert.Contains(t, files["model.asyncapi.json"], `"Booking.Changed.v1"`)
}

func TestThePagesTellWhatDoesNotHappenAnyMore(t *testing.T) {
	files := contractsOf(t, filepath.Join(golden, "evolution", "model.cqrs.yaml"))
	for _, line := range []string{
		"| Flagged | 1 | Nobody flags bookings any more. Those that were flagged stay so. No command leads to it any more. |\n",
		"| Changed | 2 | maybe Moved, many Noted | It was split, into what it could say. |\n",
		"| Viewed | 1 | nothing: it is skipped | It says nothing any more. |\n",
	} {
		assert.Contains(t, files["model.md"], line)
	}
	for _, part := range []string{
		`<strong>Flagged</strong><div class="quiet">No command leads to it any more.</div>`,
		`<tr id="event-Changed"><td><strong>Changed</strong>`, `<a href="#event-Moved">maybe Moved</a>`,
		`<strong>Annotated</strong><div class="quiet">stored as booking-annotated</div>`, `<td>nothing: it is skipped</td>`,
	} {
		assert.Contains(t, files["model.html"], part)
	}
}
