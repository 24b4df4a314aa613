package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var ledger = readmodel.Schema{
	Projection:  "BalanceByCurrency",
	Fingerprint: "0123456789abcdef",
	Key:         []readmodel.Column{{Name: "account", Kind: readmodel.String}, {Name: "currency", Kind: readmodel.String}},
	Row: []readmodel.Column{{Name: "balance", Kind: readmodel.Int64}, {Name: "movements", Kind: readmodel.Int64},
		{Name: "lastMovement", Kind: readmodel.Time}},
	Indexes: [][]string{{"account"}, {"currency", "balance"}},
}

const benchRows = 100_000

func ledgerChanges(n int) []readmodel.Change {
	changes := make([]readmodel.Change, n)
	for i := range changes {
		account := i * 7919 % n
		changes[i] = readmodel.Change{
			Key: []readmodel.Value{readmodel.OfString(fmt.Sprintf("acc-%06d", account/3)), readmodel.OfString([]string{"EUR", "GBP", "USD"}[account%3])},
			Row: []readmodel.Value{readmodel.OfInt64(int64(account)), readmodel.OfInt64(7), readmodel.OfTime(time.Unix(1_700_000_000, 0))},
		}
	}
	return changes
}

// BenchmarkApply stores 100,000 new rows while a generation is built, and then the same again, in one step.
func BenchmarkApply(b *testing.B) {
	changes := ledgerChanges(benchRows)
	var load, update time.Duration
	for b.Loop() {
		table, err := openStore(b, testserver.Redis(b)).Table(b.Context(), &ledger)
		require.NoError(b, err)
		var at readmodel.Checkpoint
		for _, took := range []*time.Duration{&load, &update} {
			next := readmodel.Checkpoint{Position: at.Position + cqrs.Position(benchRows), Built: true}
			start := time.Now()
			require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{From: at, To: next, Changes: changes}))
			*took += time.Since(start)
			at = next
			for i := range changes {
				changes[i].Row[0] = readmodel.OfInt64(changes[i].Row[0].Int64() + 1)
			}
		}
	}
	b.ReportMetric(float64(load.Nanoseconds())/float64(b.N)/benchRows, "ns/new-row")
	b.ReportMetric(float64(update.Nanoseconds())/float64(b.N)/benchRows, "ns/changed-row")
}

// BenchmarkGet looks up some of 100,000 rows in one call, and finds a page of them by an index.
func BenchmarkGet(b *testing.B) {
	changes := ledgerChanges(benchRows)
	table, err := openStore(b, testserver.Redis(b)).Table(b.Context(), &ledger)
	require.NoError(b, err)
	require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{To: readmodel.Checkpoint{Position: 1}, Changes: changes}))
	for _, size := range []int{1, 1000} {
		perRow := func(b *testing.B, read func(found func()) error) {
			for b.Loop() {
				n := 0
				require.NoError(b, read(func() { n++ }))
				require.Equal(b, size, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/row")
		}
		b.Run(fmt.Sprint("Get/", size), func(b *testing.B) {
			keys := make([][]readmodel.Value, size)
			for i := range keys {
				keys[i] = changes[i*31].Key
			}
			perRow(b, func(found func()) error {
				_, err := table.Get(b.Context(), keys, func(int, []readmodel.Value, cqrs.Position) error { found(); return nil })
				return err
			})
		})
		b.Run(fmt.Sprint("Find/", size), func(b *testing.B) {
			perRow(b, func(found func()) error {
				f := readmodel.Find{Index: 1, Equal: []readmodel.Value{readmodel.OfString("GBP")}, Limit: size}
				_, err := table.Find(b.Context(), f, func(_, _ []readmodel.Value, _ cqrs.Position) error { found(); return nil })
				return err
			})
		})
	}
}
