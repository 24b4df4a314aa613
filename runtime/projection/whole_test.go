package projection

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// builtTable notes where its generation became built.
type builtTable struct {
	readmodel.Table
	at *cqrs.Position
}

func (b builtTable) Apply(ctx context.Context, batch *readmodel.Batch) error {
	if batch.To.Built && !batch.From.Built {
		*b.at = batch.To.Position
	}
	return b.Table.Apply(ctx, batch)
}

func TestAGenerationIsNotBuiltBecauseItReachedALiveScanThatIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), memory.New()
		def, other := deposits("Stuck", "Deposited"), deposits("Late", "Deposited")
		table, err := store.Table(t.Context(), &def.Codec.Schema)
		require.NoError(t, err)
		slow := &stuckTable{Table: table, free: make(chan struct{})}
		close(slow.free)
		late, err := store.Table(t.Context(), &other.Codec.Schema)
		require.NoError(t, err)
		built := cqrs.Position(-1)
		g := NewGroup(log)
		g.feed.chunkRecords = 10
		stuck := New(g, tableStore{schema: def.Codec.Schema, table: slow}, def)
		joining := New(g, tableStore{schema: other.Codec.Schema, table: builtTable{late, &built}}, other)
		stopStuck := run(t, stuck)
		synctest.Wait()
		slow.free = make(chan struct{})
		historyOf(log, &w, 1000)
		synctest.Wait()
		stopJoining := run(t, joining)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, w.position, built, "the log's head when it arrived")
		close(slow.free)
		require.NoError(t, stopStuck())
		require.NoError(t, stopJoining())
	})
}
