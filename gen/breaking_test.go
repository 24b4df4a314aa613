package gen_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// breakingCases are a model before and after a small change each, and what is said about it.
const breakingCases = "../testdata/breaking/*.txtar"

// lockOf returns the lock file of a model, as it is shown of a branch.
func lockOf(t *testing.T, src []byte) diag.File {
	t.Helper()
	set, findings, err := gen.FromSource(modelFile, src)
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, findings.Write(&said))
	require.False(t, findings.Failed(), said.String())
	return diag.File{Name: "main:model.cqrs.lock", Src: set.Lock.Content}
}

// breakage is what programs read of a finding.
type breakage struct {
	Code, Severity, Message, Hint, Safe string
	Breaks                              []string
}

// broken returns what breaks, for people and for programs.
func broken(t *testing.T, src []byte, old diag.File) (said string, list []breakage, failed bool) {
	t.Helper()
	findings, err := gen.BreakingSources([]diag.File{{Name: modelFile, Src: src}}, old)
	require.NoError(t, err)
	var text, lines bytes.Buffer
	require.NoError(t, findings.Write(&text))
	require.NoError(t, findings.WriteJSON(&lines))
	for line := range bytes.Lines(lines.Bytes()) {
		var f breakage
		require.NoError(t, json.Unmarshal(line, &f))
		list = append(list, f)
	}
	return text.String(), list, findings.Failed()
}

func TestGoldenBreakingChangesAreNamedAndTheirRemediesMakeThemSafe(t *testing.T) {
	cases, err := filepath.Glob(breakingCases)
	require.NoError(t, err)
	require.Greater(t, len(cases), 40)
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			before, after := a.Files[0].Data, a.Files[1].Data
			old := diag.File{Name: a.Files[0].Name, Src: before}
			if strings.HasSuffix(old.Name, gen.Suffix) {
				old = lockOf(t, before)
				_, none, _ := broken(t, before, old)
				require.Empty(t, none, "a model breaks nothing of itself")
			}
			said, list, _ := broken(t, after, old)
			require.NotEmpty(t, list)
			if *update {
				a.Files[2].Data = []byte(said)
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o644))
			} else {
				assert.Equal(t, string(a.Files[2].Data), said, "make golden rewrites it")
			}
			remedied(t, after, old, list)
		})
	}
}

// remedied puts what is suggested over the model, which must then be valid, and break nothing more than what nothing was
// suggested for.
func remedied(t *testing.T, src []byte, old diag.File, list []breakage) {
	t.Helper()
	var model yaml.Node
	require.NoError(t, yaml.Unmarshal(src, &model))
	left := 0
	for _, f := range list {
		switch {
		case f.Safe != "":
			var over yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(f.Safe), &over), f.Safe)
			putOver(model.Content[0], over.Content[0])
		case f.Severity == "error":
			assert.NotEmpty(t, f.Hint, "%s says nothing of what to do", f.Message)
			left++
		}
	}
	safe, err := yaml.Marshal(&model)
	require.NoError(t, err)
	set, findings, err := gen.FromSource(modelFile, safe)
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, findings.Write(&said))
	require.False(t, findings.Failed(), "%s\n%s", said.String(), safe)
	require.NotNil(t, set)
	text, now, _ := broken(t, safe, old)
	for _, f := range now {
		if f.Severity == "error" {
			left--
		}
	}
	assert.Zero(t, left, "%s\n%s", text, safe)
}

// putOver puts YAML over other YAML: mappings are merged down to the steps of a history, everything else is replaced. What
// says the type of a field says it also where the field has more than a type.
func putOver(under, over *yaml.Node) {
	for i := 0; i < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		found := false
		for j := 0; j < len(under.Content); j += 2 {
			if under.Content[j].Value != key.Value {
				continue
			}
			found = true
			have := under.Content[j+1]
			switch {
			case have.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0:
				putOver(have, value)
			case have.Kind == yaml.MappingNode && value.Kind == yaml.ScalarNode && key.Value != "version":
				putOver(have, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "type"}, value}})
			default:
				under.Content[j+1] = value
			}
		}
		if !found {
			under.Content = append(under.Content, key, value)
		}
	}
}
