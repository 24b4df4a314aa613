package purity

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
)

func TestTheAnalyzerFollowsFactsOfOtherPackages(t *testing.T) {
	analysistest.Run(t, analysistest.TestData()+"/analyzer", Analyzer, "lib", "app")
}
