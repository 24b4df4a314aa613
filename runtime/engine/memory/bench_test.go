package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// BenchmarkAppend appends commits of one event to 1,000 streams.
func BenchmarkAppend(b *testing.B) {
	l := memory.New()
	ids := make([]cqrs.StreamID, 1000)
	for i := range ids {
		ids[i] = cqrs.StreamID{Category: "Account", ID: fmt.Sprint("acc-", i)}
	}
	events := []eventlog.NewEvent{{Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON, Data: make([]byte, 80)}}
	streams := []eventlog.StreamAppend{{Expected: eventlog.Any, Events: events}}
	now := time.Now().UTC().Truncate(time.Microsecond)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		streams[0].Stream = ids[i%len(ids)]
		i++
		c := eventlog.Commit{ID: cqrs.CommitID{1, byte(i)}, Meta: cqrs.CommandMeta{Time: now}, Streams: streams}
		if _, err := l.Append(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}
