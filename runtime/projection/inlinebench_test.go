package projection

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
)

// BenchmarkInline appends events, with and without an inline projection that folds each into one of 10,000 rows.
func BenchmarkInline(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		for _, callers := range []int{1, 16, 128} {
			for _, inline := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/callers=%d/inline=%v", database, callers, inline), func(b *testing.B) {
					at := b.TempDir()
					if database == "postgres" {
						at = testserver.Postgres(b)
					}
					benchmarkInline(b, openInline(b, at), callers, inline)
				})
			}
		}
	}
}

func benchmarkInline(b *testing.B, d inlineDatabase, callers int, inline bool) {
	if inline {
		g := NewGroup(d.log)
		def := definition(&folds{})
		def.Inline = true
		New(g, d.store, def)
		require.NoError(b, g.Inline())
		defer g.Close()
	}
	var wg sync.WaitGroup
	b.ResetTimer()
	for caller := range callers {
		wg.Go(func() {
			for i := caller; i < b.N; i += callers {
				c := operated("Deposited", fmt.Sprint("acc-", i%10_000))
				c.Streams[0].Events[0].Data = payload{Currency: "EUR", Amount: 1}.encode()
				if _, err := d.log.Append(b.Context(), c); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
