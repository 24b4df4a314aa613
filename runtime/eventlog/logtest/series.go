package logtest

import (
	"testing"
)

// RunSeries runs what finds its faults by number, where Run has a test for each promise: recorded histories that must be
// linearizable, races that must have one winner, readers beside writers that must miss nothing, and random operations
// whose results must be those of the engine in memory. Package internal/soak says how long each is; what was done is
// logged. Open is as for Run.
func RunSeries(t *testing.T, open func(testing.TB) Harness) {
	t.Run("Histories", func(t *testing.T) { histories(t, open) })
	t.Run("Races", func(t *testing.T) { races(newFixture(t, open(t))) })
	t.Run("Gaps", func(t *testing.T) { gaps(t, open) })
	t.Run("Equality", func(t *testing.T) { equality(t, open) })
}
