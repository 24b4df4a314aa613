package output_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

func mark(model string) string { return "made from " + model + "." }

func documents(files ...emit.File) output.Documents {
	return output.Documents{Model: model, Models: []string{model, "more.cqrs.yaml"}, Files: files, Mark: mark}
}

// document is a document of the tool's, whose format has comments in the second line.
func document(name, rest string) emit.File {
	return emit.File{Name: name, Content: []byte("{\n  \"$comment\": \"" + mark(model) + "\",\n" + rest + "}\n")}
}

func writeDocuments(t *testing.T, dir string, d output.Documents) (*output.Result, error) {
	t.Helper()
	p, err := output.PrepareDocuments(dir, d)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	require.NoError(t, p.Stage())
	return p.Commit()
}

func TestDocumentsThatNothingAsksForAnyMoreAreRemovedAndOthersStay(t *testing.T) {
	dir := folder(t, map[string]string{
		"old.json":         string(document("", "").Content),
		"merged.json":      "<<<<<<< HEAD\n" + string(document("", "").Content),
		"of-before.md":     "<!-- " + mark("more.cqrs.yaml") + " -->\n",
		"same.json":        string(document("", "").Content),
		"notes.md":         "Mine.\n",
		"cites.md":         "# Notes\n\n\nIt is " + mark(model) + "\n",
		"others.json":      "{\n  \"$comment\": \"" + mark("window.cqrs.yaml") + "\"\n}\n",
		".a.cqrsgen-tmp":   "half",
		"stale.json":       string(document("", "  \"old\": true\n").Content),
		"not-a-document":   "",
		"one-line":         "x",
		"changed-mark.txt": "made from door.cqrs.yaml\n",
	})
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link.json")))
	result, err := writeDocuments(t, dir, documents(document("same.json", ""), document("stale.json", ""), document("new.json", "")))
	require.NoError(t, err)
	assert.Equal(t, []string{"new.json", "stale.json"}, result.Written)
	assert.Equal(t, []string{"same.json"}, result.Unchanged)
	assert.ElementsMatch(t, []string{"old.json", "merged.json", "of-before.md"}, result.Removed)
	have := contents(t, dir)
	assert.Len(t, have, 10)
	assert.Equal(t, "Mine.\n", have["notes.md"])
	assert.Equal(t, "-> /etc/passwd", have["link.json"])
	assert.NotContains(t, have, ".a.cqrsgen-tmp")
}

func TestADocumentOfSomebodyElseIsRefusedAndNothingIsWritten(t *testing.T) {
	before := map[string]string{"new.json": "{}\n", "old.json": string(document("", "").Content)}
	dir := folder(t, before)
	_, err := writeDocuments(t, dir, documents(document("a.json", ""), document("new.json", "")))
	var foreign *output.NotOursError
	require.ErrorAs(t, err, &foreign)
	assert.Equal(t, "new.json", foreign.Name)
	assert.Equal(t, before, contents(t, dir))

	dir = folder(t, nil)
	require.NoError(t, os.Symlink("elsewhere.json", filepath.Join(dir, "new.json")))
	_, err = writeDocuments(t, dir, documents(document("new.json", "")))
	require.ErrorContains(t, err, "new.json is not a regular file")
}
