package projection

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// activeOf returns the fingerprint of the active generation of a projection.
func activeOf(t *testing.T, store readmodel.Store, projection string) (fingerprint string) {
	generations, err := store.Generations(t.Context(), projection)
	require.NoError(t, err)
	for _, g := range generations {
		if g.Active {
			fingerprint = g.Schema.Fingerprint
		}
	}
	return fingerprint
}

func TestAGenerationThatAnOperatorRolledBackWhileItWasVerifiedStaysRolledBack(t *testing.T) {
	var w writer
	log, store := newLog(), memory.New()
	historyOf(log, &w, 20)
	def := deposits("Sums", "Deposited")
	require.NoError(t, New(NewGroup(log), store, def).CatchUp(t.Context()))

	later := def
	later.Codec.Schema.Fingerprint = "2222222222222222"
	made := 0
	later.NewFold = func(lane int) func(*Rows[balanceKey, balance], *cqrs.Record) error {
		if made++; made == 2 { // the one that verifies
			require.NoError(t, store.Promote(t.Context(), "Sums", later.Codec.Schema.Fingerprint))
			require.NoError(t, store.Promote(t.Context(), "Sums", def.Codec.Schema.Fingerprint))
		}
		return def.NewFold(lane)
	}
	require.NoError(t, New(NewGroup(log), store, later).CatchUp(t.Context()))
	require.Equal(t, 2, made)
	assert.Equal(t, def.Codec.Schema.Fingerprint, activeOf(t, store, "Sums"))
}

func TestAQueryWaitsForAProjectionThatIsRefusedOrWaitsItself(t *testing.T) {
	p := over(newLog(), openTable(t), definition(&folds{}))
	p.status.phase(Live)
	p.status.refused(&generation.MismatchError{Report: &generation.Report{}})
	require.Error(t, p.Status().Err)
	assert.NoError(t, p.Err(), "it is not promoted, but goes on")
	p.status.wait(readmodel.ErrUnavailable, nil)
	require.Error(t, p.Status().Err)
	assert.NoError(t, p.Err(), "it goes on when its store is back")
	p.status.end(errPayload, false)
	assert.ErrorIs(t, p.Err(), errPayload)
}

func TestAGenerationThatIsBuiltAfterALaterOneDoesNotReplaceIt(t *testing.T) {
	var w writer
	log, store := newLog(), memory.New()
	historyOf(log, &w, 20)
	def := deposits("Sums", "Deposited")
	_, err := store.Table(t.Context(), &def.Codec.Schema) // an older release has begun it
	require.NoError(t, err)
	later := def
	later.Codec.Schema.Fingerprint = "2222222222222222"
	require.NoError(t, New(NewGroup(log), store, later).CatchUp(t.Context()))
	require.NoError(t, New(NewGroup(log), store, def).CatchUp(t.Context()))
	assert.Equal(t, later.Codec.Schema.Fingerprint, activeOf(t, store, "Sums"))
}

func TestAGenerationThatIsMadeByWhatIsNotKnownWaitsForAnOperator(t *testing.T) {
	var w writer
	log, store := newLog(), memory.New()
	historyOf(log, &w, 20)
	first := deposits("Sums", "Deposited")
	first.Codec.Schema.Fingerprint = "ffffffff11111111"
	require.NoError(t, New(NewGroup(log), store, first).CatchUp(t.Context()))
	require.Equal(t, first.Codec.Schema.Fingerprint, activeOf(t, store, "Sums"), "nobody is led away from another one")

	later := first
	later.Codec.Schema.Fingerprint = "ffffffff22222222"
	var logged bytes.Buffer
	p := New(NewGroup(log, WithLogger(slog.New(slog.NewTextHandler(&logged, nil)))), store, later)
	require.NoError(t, p.CatchUp(t.Context()))
	assert.Equal(t, first.Codec.Schema.Fingerprint, activeOf(t, store, "Sums"))
	assert.True(t, p.Status().Manual)
	assert.Contains(t, logged.String(), "the meaning of a fold in Go was not known")

	known := first
	known.Codec.Schema.Fingerprint = "2222222222222222"
	require.NoError(t, New(NewGroup(log), store, known).CatchUp(t.Context()))
	assert.Equal(t, known.Codec.Schema.Fingerprint, activeOf(t, store, "Sums"))
}
