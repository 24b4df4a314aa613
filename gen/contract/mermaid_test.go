package contract_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/contract"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const golden = "../../testdata/golden"

func diagramOf(t *testing.T, name string) string {
	t.Helper()
	m, _, err := gen.Model(filepath.Join(golden, name, "model.cqrs.yaml"))
	require.NoError(t, err)
	require.NotNil(t, m)
	return contract.Mermaid(m)
}

func TestGoldenDiagramsShowPhasesAndTheEventsBetweenThem(t *testing.T) {
	file := filepath.Join(golden, "guards", "lifecycle.mmd")
	got := diagramOf(t, "guards")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make golden writes it")
	assert.Equal(t, string(want), got)
}

func TestAModelWithoutALifecycleHasNoDiagram(t *testing.T) {
	assert.Empty(t, diagramOf(t, "minimal"))
}
