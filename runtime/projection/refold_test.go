package projection

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestFoldingAgainKeepsNoRowsThatCameAndWent(t *testing.T) {
	def := definition(&folds{})
	def.NewFold = func(int) func(*Rows[balanceKey, balance], *cqrs.Record) error {
		return func(rows *Rows[balanceKey, balance], rec *cqrs.Record) error {
			at := int(rec.Position)
			if row := rows.At(balanceKey{strconv.Itoa(at), "EUR"}); row != nil {
				row.Balance += int64(at)
			}
			if at > 3 {
				rows.Delete(balanceKey{strconv.Itoa(at - 3), "EUR"})
			}
			return nil
		}
	}
	var w writer
	log := newLog()
	const events = 3 * maxChanged
	for range events {
		log.append(w.commitOf(deposited("a", "EUR", 1))...)
	}
	p := over(log, openTable(t), def)
	most := 0
	rows := p.chosen(0, func([]readmodel.Value) cqrs.Position { return events })
	for i := range log.records {
		require.NoError(t, rows.refold(&log.records[i]))
		most = max(most, rows.cache.rows)
	}
	assert.Less(t, most, 2*maxChanged)

	got := map[string]int64{}
	require.NoError(t, p.Refold(t.Context(), events, readmodel.Refolding{
		UpTo: func([]readmodel.Value) cqrs.Position { return events },
		Found: func(key, row []readmodel.Value) error {
			got[key[0].Text()] = row[1].Int64()
			return nil
		},
	}))
	want := map[string]int64{}
	for at := events - 2; at <= events; at++ {
		want[strconv.Itoa(at)] = int64(at)
	}
	assert.Equal(t, want, got)
}
