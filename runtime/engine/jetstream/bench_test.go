package jetstream

import (
	"context"
	"fmt"
	"iter"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// payload is what the benchmarks store: a deposit with its meta data has about 180 bytes.
const payload = `{"money":{"amount":123456,"currency":"EUR"},"reference":"invoice 2026-03-01/4711"}`

func deposit(account int, expected eventlog.Expected) eventlog.Commit {
	return eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{
			Time: time.Now().UTC().Truncate(time.Microsecond), CorrelationID: "0198c5a2-7f3e-7000-8000-1234567890ab",
		},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Account", ID: fmt.Sprintf("acc-%06d", account)}, Expected: expected,
			Events: []eventlog.NewEvent{
				{Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(payload)},
			},
		}},
	}
}

// BenchmarkAppend appends commits of one event, each with the exact version that its stream must have, with three
// replicas, on servers that sync always, and on servers that sync every two minutes as is their default.
func BenchmarkAppend(b *testing.B) {
	for _, interval := range []string{"always", "2m"} {
		c := testserver.StartNATS(b, testserver.NATSOptions{SyncInterval: interval})
		for _, callers := range []int{1, 16, 128} {
			b.Run(fmt.Sprintf("sync=%s/callers=%d", interval, callers), func(b *testing.B) {
				l := open(b, fmt.Sprintf("%s/a%d", c.URL(), time.Now().UnixNano()))
				b.ResetTimer()
				var wg sync.WaitGroup
				for caller := range callers {
					wg.Go(func() {
						version := cqrs.Version(0)
						for i := caller; i < b.N; i += callers {
							_, err := l.Append(context.Background(), deposit(caller, eventlog.Exactly(version)))
							if err != nil {
								b.Error(err)
								return
							}
							version++
						}
					})
				}
				wg.Wait()
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			})
		}
	}
}

// deposits yields n commits of one event in so many streams.
func deposits(n, streams int) iter.Seq2[*eventlog.Commit, error] {
	return func(yield func(*eventlog.Commit, error) bool) {
		for i := range n {
			c := deposit(i%streams, eventlog.Exactly(cqrs.Version(i/streams)))
			if !yield(&c, nil) {
				return
			}
		}
	}
}

// BenchmarkWhole imports a log of events that are a commit each, reads it, counts it, and loads streams of it.
func BenchmarkWhole(b *testing.B) {
	n := 200_000
	if os.Getenv("CQRSGEN_SOAK") == "1" {
		n = 1_000_000
	}
	l := open(b, testserver.NATS(b))
	start := time.Now()
	stored, err := l.Import(b.Context(), deposits(n, n/100))
	require.NoError(b, err)
	require.EqualValues(b, n, stored)
	b.Logf("import of %d events in %v: %.0f events/s", n, time.Since(start), float64(n)/time.Since(start).Seconds())
	start = time.Now()
	count, err := l.Count(b.Context())
	require.NoError(b, err)
	require.EqualValues(b, n, count)
	b.Logf("first count in %v", time.Since(start))
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			read := 0
			for _, err := range l.Read(b.Context(), eventlog.Query{}) {
				if err != nil {
					b.Fatal(err)
				}
				read++
			}
			require.Equal(b, n, read)
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	for _, from := range []cqrs.Version{1, 95} {
		b.Run(fmt.Sprintf("stream/events=100/from=%d", from), func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				s := deposit(i%(n/100), 0).Streams[0].Stream
				read := 0
				for _, err := range l.ReadStream(b.Context(), s, from) {
					if err != nil {
						b.Fatal(err)
					}
					read++
				}
				require.Equal(b, 101-int(from), read)
			}
		})
	}
}
