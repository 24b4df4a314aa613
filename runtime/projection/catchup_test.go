package projection

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func TestProjectionsThatCatchUpTogetherShareAScan(t *testing.T) {
	var w writer
	log := newLog()
	for i := range 20_000 {
		log.append(w.commitOf(deposited(fmt.Sprint("acc-", i%50), "EUR", 1))...)
	}
	var read atomic.Int64
	log.onRead = func(*cqrs.Record) error { read.Add(1); return nil }
	g := NewGroup(log)
	var runners []Runner
	for _, name := range []string{"One", "Two", "Three"} {
		runners = append(runners, New(g, memory.New(), deposits(name, "Deposited")))
	}
	require.NoError(t, CatchUp(t.Context(), runners...))
	require.Less(t, read.Load(), int64(2*20_000))
}
