package postgres

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

// BenchmarkBulk stores the finished rows of a new generation in one batch, and makes its indexes.
func BenchmarkBulk(b *testing.B) {
	const rows = 3 * benchRows
	changes := ledgerChanges(rows)
	for _, built := range []bool{false, true} {
		b.Run(fmt.Sprintf("indexed=%t", built), func(b *testing.B) {
			dsn := testserver.Postgres(b)
			n := 0
			for b.Loop() {
				b.StopTimer()
				n++
				table := openTable(b, openStore(b, dsn, Schema(fmt.Sprintf("bulk %d", n))), &ledger)
				b.StartTimer()
				to := readmodel.Checkpoint{Position: 1, Built: built}
				require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{To: to, Changes: changes}))
			}
			b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkApply stores batches of changed rows into a generation of 300,000 that is indexed.
func BenchmarkApply(b *testing.B) {
	changes := ledgerChanges(3 * benchRows)
	table := openTable(b, openStore(b, testserver.Postgres(b)), &ledger)
	at := readmodel.Checkpoint{Position: 1, Built: true}
	require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{To: at, Changes: changes}))
	for _, size := range []int{1, 100, 1_000, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			first := 0
			for b.Loop() {
				next := at
				next.Position++
				some := changes[first : first+size]
				for i := range some {
					some[i].Row[0] = readmodel.OfInt64(int64(next.Position))
				}
				require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{From: at, To: next, Changes: some}))
				at, first = next, (first+size)%(len(changes)-size)
			}
			b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkGet looks up some of 100,000 rows in one call.
func BenchmarkGet(b *testing.B) {
	changes := ledgerChanges(benchRows)
	table := openTable(b, openStore(b, testserver.Postgres(b)), &ledger)
	to := readmodel.Checkpoint{Position: 1, Built: true}
	require.NoError(b, table.Apply(b.Context(), &readmodel.Batch{To: to, Changes: changes}))
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
