package golangcilint

import (
	"testing"

	"github.com/golangci/plugin-module-register/register"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis"

	"github.com/cqrsgen/cqrsgen/gen/purity"
)

func TestThePluginIsRegisteredAndNeedsTypes(t *testing.T) {
	create, err := register.GetPlugin("cqrsgen")
	require.NoError(t, err)
	for _, settings := range []any{nil, map[string]any{}} {
		p, err := create(settings)
		require.NoError(t, err)
		analyzers, err := p.BuildAnalyzers()
		require.NoError(t, err)
		assert.Equal(t, []*analysis.Analyzer{purity.Analyzer}, analyzers)
		assert.Equal(t, register.LoadModeTypesInfo, p.GetLoadMode())
		assert.NoError(t, analysis.Validate(analyzers))
	}
}

func TestThePluginRefusesSettingsThatItDoesNotHave(t *testing.T) {
	_, err := New(map[string]any{"strict": true})
	assert.ErrorContains(t, err, "no settings")
}
