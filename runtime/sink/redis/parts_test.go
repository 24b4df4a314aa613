package redis

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// event adds to a balance; a row whose balance becomes a multiple of four is deleted, so that what is deleted depends on
// the row.
type event struct {
	account string
	amount  int64
}

func drawEvents(r *rand.Rand, n int) []event {
	events := make([]event, n)
	for i := range events {
		events[i] = event{fmt.Sprint("acc-", r.IntN(12)), 1 + int64(r.IntN(3))}
	}
	return events
}

// folded is the pure fold of events.
func folded(events []event) map[string]int64 {
	rows := map[string]int64{}
	for _, e := range events {
		if rows[e.account] += e.amount; rows[e.account]%4 == 0 {
			delete(rows, e.account)
		}
	}
	return rows
}

// project folds events onto the table's rows as a projector does: from the checkpoint on, and none into a row that
// reflects it already. It stops after some parts of the batch, if parts is not negative.
func project(t *testing.T, table *table, events []event, through, parts int, last bool) {
	from, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	rows, changed := map[string]*readmodel.Change{}, map[string]bool{}
	for i, e := range events[from.Position:through] {
		at := from.Position + cqrs.Position(i) + 1
		c := rows[e.account]
		if c == nil {
			c = loadChange(t, table, e.account)
			rows[e.account] = c
		}
		if at <= c.Position {
			continue
		}
		c.Position, changed[e.account] = at, true
		balance := e.amount
		if c.Row != nil {
			balance += c.Row[0].Int64()
		}
		c.Row = nil
		if balance%4 != 0 {
			c.Row = change("", balance).Row
		}
	}
	b := &readmodel.Batch{From: from, To: readmodel.Checkpoint{Position: cqrs.Position(through), Built: last}}
	for _, account := range slices.Sorted(maps.Keys(changed)) {
		b.Changes = append(b.Changes, *rows[account])
	}
	if parts < 0 {
		require.NoError(t, table.Apply(t.Context(), b))
		return
	}
	w := table.newWriter(b)
	for range parts {
		args := w.part()
		if w.done() {
			return // the last part is the one that is not sent
		}
		require.NoError(t, table.store.client.Eval(t.Context(), applyText, w.keys, args...).Err())
	}
}

func loadChange(t *testing.T, table *table, account string) *readmodel.Change {
	c := change(account, 0)
	c.Row = nil
	_, err := table.Get(t.Context(), [][]readmodel.Value{c.Key}, func(_ int, row []readmodel.Value, at cqrs.Position) error {
		c.Position = at
		if row != nil {
			c.Row = slices.Clone(row)
		}
		return nil
	})
	require.NoError(t, err)
	return &c
}

func TestABatchOfWhichSomePartsWereStoredIsFoldedAgainWithoutHarm(t *testing.T) {
	seed := soak.Seed(t)
	box := soak.Box(t, 0, 0)
	for round := range box.Rounds(soak.Rounds(40, 2000), "histories") {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		table := openTable(t, testserver.Redis(t))
		table.store.mostChanges = 1 + r.IntN(3)
		events := drawEvents(r, 60)
		for at := 0; at < len(events); {
			for range r.IntN(3) {
				project(t, table, events, at+1+r.IntN(len(events)-at), r.IntN(5), false)
			}
			at += 1 + r.IntN(len(events)-at)
			project(t, table, events, at, -1, at == len(events))
		}
		rows := map[string]int64{}
		for index := range ledger.Indexes {
			clear(rows)
			_, err := table.Find(t.Context(), readmodel.Find{Index: index}, func(key, row []readmodel.Value, _ cqrs.Position) error {
				rows[key[0].Text()] = row[0].Int64()
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, folded(events), rows, "seed %d, round %d", seed, round)
		}
		n, _, err := table.Count(t.Context(), readmodel.Find{Index: 1})
		require.NoError(t, err)
		require.EqualValues(t, len(rows), n, "no entry of an index is left over")
		stored, err := table.store.client.Keys(t.Context(), table.row()+"*").Result()
		require.NoError(t, err)
		require.Len(t, stored, len(rows), "no tombstone outlives its batch")
	}
}

func TestAProjectorThatWasPausedBetweenTwoPartsIsFenced(t *testing.T) {
	table := openTable(t, testserver.Redis(t))
	table.store.mostChanges = 1
	w := table.newWriter(&readmodel.Batch{
		To: built(2), Changes: []readmodel.Change{change("a", 1), change("b", 1)},
	})
	require.Equal(t, answerOK, table.store.client.Eval(t.Context(), applyText, w.keys, w.part()...).Val())
	require.NoError(t, step(t, table, 1, change("c", 1)))
	require.Equal(t, answerFenced, table.store.client.Eval(t.Context(), applyText, w.keys, w.part()...).Val())
	assert.True(t, w.done())
}

func TestAPartDoesNotOverwriteARowThatIsFurther(t *testing.T) {
	table := openTable(t, testserver.Redis(t))
	table.store.mostChanges = 1
	further, behind := change("a", 9), change("a", 5)
	further.Position, behind.Position = 9, 5
	w := table.newWriter(&readmodel.Batch{To: built(9), Changes: []readmodel.Change{further, change("b", 1)}})
	require.Equal(t, answerOK, table.store.client.Eval(t.Context(), applyText, w.keys, w.part()...).Val())
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: built(5), Changes: []readmodel.Change{behind}}))
	assert.Equal(t, "a=9", balances(t, table))
	assert.EqualValues(t, 9, loadChange(t, table, "a").Position, "so that the events up to there are not folded again")
}
