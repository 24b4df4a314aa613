package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// BenchmarkApply stores 100,000 new rows, and then the same again, in one batch each.
func BenchmarkApply(b *testing.B) {
	changes := ledgerChanges(benchRows)
	var load, update time.Duration
	for b.Loop() {
		store := openStore(b, filepath.Join(b.TempDir(), "read.db"))
		table, err := store.Table(b.Context(), &ledger)
		require.NoError(b, err)
		var at readmodel.Checkpoint
		for _, took := range []*time.Duration{&load, &update} {
			next := readmodel.Checkpoint{Position: at.Position + cqrs.Position(benchRows)}
			start := time.Now()
			require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{From: at, To: next, Changes: changes}))
			*took += time.Since(start)
			at = next
		}
	}
	b.ReportMetric(float64(load.Nanoseconds())/float64(b.N)/benchRows, "ns/new-row")
	b.ReportMetric(float64(update.Nanoseconds())/float64(b.N)/benchRows, "ns/changed-row")
}

// BenchmarkGet looks up 1,000 of 100,000 rows in one call.
func BenchmarkGet(b *testing.B) {
	changes := ledgerChanges(benchRows)
	table, err := openStore(b, filepath.Join(b.TempDir(), "read.db")).Table(b.Context(), &ledger)
	require.NoError(b, err)
	require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{To: readmodel.Checkpoint{Position: 1}, Changes: changes}))
	for _, size := range []int{1, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			keys := make([][]readmodel.Value, size)
			for i := range keys {
				keys[i] = changes[i*31].Key
			}
			for b.Loop() {
				n := 0
				_, err := table.Get(b.Context(), keys, func(int, []readmodel.Value, cqrs.Position) error { n++; return nil })
				require.NoError(b, err)
				require.Equal(b, size, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/row")
		})
	}
}
