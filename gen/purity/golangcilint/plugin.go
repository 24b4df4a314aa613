// Package golangcilint makes purity.Analyzer a module plugin of golangci-lint: a linter with the name `cqrsgen`.
package golangcilint

import (
	"errors"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/cqrsgen/cqrsgen/gen/purity"
)

func init() { register.Plugin("cqrsgen", New) } //nolint:gochecknoinits // which is how plugins are found

// New returns the plugin. It has no settings.
func New(settings any) (register.LinterPlugin, error) {
	if given, ok := settings.(map[string]any); settings != nil && (!ok || len(given) > 0) {
		return nil, errors.New("the linter cqrsgen has no settings: remove them")
	}
	return plugin{}, nil
}

type plugin struct{}

// BuildAnalyzers implements register.LinterPlugin.
func (plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) {
	return []*analysis.Analyzer{purity.Analyzer}, nil
}

// GetLoadMode implements register.LinterPlugin.
func (plugin) GetLoadMode() string { return register.LoadModeTypesInfo }
