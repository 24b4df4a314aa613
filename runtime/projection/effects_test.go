package projection

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// The projection of these tests: an event leads to any rows, and deletes some.

// effect is one thing that an event does to one row.
type effect struct {
	row byte
	do  byte
}

const (
	add         = iota // writes itself into the row
	addOnce            // does so where the row does not exist
	remove             // deletes the row
	removeOften        // deletes the row where three effects or more stand in it
	effectKinds
)

// history is what was done to a row: the positions of the events, and which of their effects it was.
type history struct{ Text string }

func (h *history) add(at cqrs.Position, i int) { h.Text += fmt.Sprintf("%d.%d ", at, i) }

func (h *history) often() bool { return len(h.Text) >= 12 }

func historyCodec() readmodel.Codec[byte, history] {
	return readmodel.Codec[byte, history]{
		Schema: readmodel.Schema{
			Projection: "Histories", Fingerprint: "0123456789abcdef",
			Key: []readmodel.Column{{Name: "row", Kind: readmodel.Int64}},
			Row: []readmodel.Column{{Name: "text", Kind: readmodel.String}},
		},
		AppendKey: func(v []readmodel.Value, k *byte) []readmodel.Value { return append(v, readmodel.OfInt64(int64(*k))) },
		AppendRow: func(v []readmodel.Value, r *history) ([]readmodel.Value, error) {
			return append(v, readmodel.OfString(r.Text)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *byte) { *k = byte(s.Int64()) },
		ReadRow: func(s *readmodel.Scanner, r *history) { r.Text = s.String() },
	}
}

// newHistory is what a new row says.
const newHistory = "new "

func historyDefinition() Definition[byte, history] {
	return Definition[byte, history]{
		Name: "Histories", Events: []string{"Happened"}, Codec: historyCodec(),
		Init: func(r *history) { r.Text = newHistory },
		NewFold: func(int) func(*Rows[byte, history], *cqrs.Record) error {
			return func(rows *Rows[byte, history], rec *cqrs.Record) error {
				for i := 0; i < len(rec.Data); i += 2 {
					foldEffect(rows, rec, i, effect{rec.Data[i], rec.Data[i+1]})
				}
				return nil
			}
		},
	}
}

func foldEffect(rows *Rows[byte, history], rec *cqrs.Record, i int, x effect) {
	switch x.do {
	case add:
		if row := rows.At(x.row); row != nil {
			row.add(rec.Position, i)
		}
	case addOnce:
		if row := rows.Look(x.row); row != nil && row.Text == newHistory {
			rows.At(x.row).add(rec.Position, i)
		}
	case remove:
		rows.Delete(x.row)
	case removeOften:
		if row := rows.Look(x.row); row != nil && row.often() {
			rows.Delete(x.row)
		}
	}
}

// simpleHistories is the loop that a person would write.
func simpleHistories(records []cqrs.Record, through cqrs.Position) map[byte]history {
	rows := map[byte]history{}
	for _, rec := range records {
		for i := 0; i < len(rec.Data) && rec.Position <= through; i += 2 {
			key, do := rec.Data[i], rec.Data[i+1]
			row, exists := rows[key]
			if !exists {
				row.Text = newHistory
			}
			switch {
			case do == add, do == addOnce && !exists:
				row.add(rec.Position, i)
				rows[key] = row
			case do == remove, do == removeOften && row.often():
				delete(rows, key)
			}
		}
	}
	return rows
}

func happened(effects ...effect) cqrs.Record {
	rec := cqrs.Record{Type: "Happened", SchemaVersion: 1, ContentType: cqrs.JSON}
	for _, x := range effects {
		rec.Data = append(rec.Data, x.row, x.do)
	}
	return rec
}

func drawHappened(t *rapid.T) cqrs.Record {
	effects := make([]effect, rapid.IntRange(0, 6).Draw(t, "effects"))
	for i := range effects {
		effects[i] = effect{byte(rapid.IntRange(0, 5).Draw(t, "row")), byte(rapid.IntRange(0, effectKinds-1).Draw(t, "do"))}
	}
	return happened(effects...)
}

// openHistories opens the nth table of a store.
func openHistories(t require.TestingT, store readmodel.Store, n int) readmodel.Table {
	schema := historyCodec().Schema
	schema.Fingerprint = fmt.Sprintf("%016x", n)
	table, err := store.Table(context.Background(), &schema)
	require.NoError(t, err)
	return table
}

// histories returns the rows of a table, and the position that they reflect.
func histories(t require.TestingT, table readmodel.Table) (map[byte]history, cqrs.Position) {
	rows := map[byte]history{}
	at, err := table.Find(context.Background(), readmodel.Find{Index: -1}, func(key, row []readmodel.Value, _ cqrs.Position) error {
		rows[byte(key[0].Int64())] = history{row[0].Text()}
		return nil
	})
	require.NoError(t, err)
	return rows, at.Position
}

// tornTable is a sink that does not store rows and checkpoint in one step: a write that is cut leaves some of the rows
// behind, and of deleted ones a tombstone.
type tornTable struct {
	cutTable
	tombstones map[byte]cqrs.Position
	// torn chooses the changes that a cut leaves; nil leaves none.
	torn func(*readmodel.Change) bool
}

func (s *tornTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	err := s.cutTable.Apply(ctx, b)
	if errors.Is(err, errCut) && !s.after && s.torn != nil {
		at, _ := s.Checkpoint(ctx)
		b = &readmodel.Batch{From: at, To: at, Changes: slices.DeleteFunc(slices.Clone(b.Changes),
			func(c readmodel.Change) bool { return !s.torn(&c) })}
		err = errors.Join(err, s.Table.Apply(ctx, b))
	} else if err != nil && !s.after {
		return err
	}
	for i := range b.Changes {
		key := byte(b.Changes[i].Key[0].Int64())
		delete(s.tombstones, key)
		if b.Changes[i].Row == nil {
			s.tombstones[key] = b.Changes[i].Position
		}
	}
	return err
}

func (s *tornTable) Get(ctx context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	for i, key := range keys {
		if at, deleted := s.tombstones[byte(key[0].Int64())]; deleted {
			if err := found(i, nil, at); err != nil {
				return readmodel.Checkpoint{}, err
			}
		}
	}
	return s.Table.Get(ctx, keys, found)
}

// TestAnyEffectsOnAnyRowsEndInTheSimpleLoop lets a projection that fans out and deletes run over random events, with
// random bounds, and cuts its writes off, also in the middle.
func TestAnyEffectsOnAnyRowsEndInTheSimpleLoop(t *testing.T) {
	inFile, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "read.db"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, inFile.Close()) })
	for name, store := range map[string]readmodel.Store{"memory": memory.New(), "sqlite": inFile} {
		t.Run(name, func(t *testing.T) {
			tables := 0
			rapid.Check(t, func(t *rapid.T) {
				tables++
				w, log := &writer{}, newLog()
				table := &tornTable{cutTable{Table: openHistories(t, store, tables)}, map[byte]cqrs.Position{}, nil}
				for range rapid.IntRange(1, 6).Draw(t, "runs") {
					appendHappened(t, w, log)
					tear(t, log, table)
				}
				table.left = -2
				require.NoError(t, over(log, table, historyDefinition()).CatchUp(context.Background()))
				rows, at := histories(t, table)
				require.Equal(t, simpleHistories(log.all(), at), rows)
				require.Equal(t, w.position, at)
			})
		})
	}
}

func appendHappened(t *rapid.T, w *writer, log *sliceLog) {
	for range rapid.IntRange(0, 12).Draw(t, "commits") {
		records := make([]cqrs.Record, rapid.IntRange(1, 3).Draw(t, "events"))
		for i := range records {
			records[i] = drawHappened(t)
		}
		log.append(w.commitOf(records...)...)
	}
}

// tear makes one run with bounds and faults of its own.
func tear(t *rapid.T, log *sliceLog, table *tornTable) {
	p := over(log, table, historyDefinition(), CacheRows(rapid.IntRange(1, 8).Draw(t, "cache")))
	p.inBatches(rapid.IntRange(1, 10).Draw(t, "batch"))
	p.settings.lanes = rapid.IntRange(1, 4).Draw(t, "lanes")
	if rapid.Bool().Draw(t, "write often") {
		p.settings.bulk, p.settings.building = 0, 0
	}
	table.left, table.after = rapid.IntRange(-1, 4).Draw(t, "writes until cut")-1, rapid.Bool().Draw(t, "cut after")
	table.torn = nil
	torn := rapid.Bool().Draw(t, "torn")
	if torn {
		table.torn = func(*readmodel.Change) bool { return rapid.Bool().Draw(t, "stored") }
	}
	err := p.CatchUp(context.Background())
	if err != nil {
		require.ErrorIs(t, err, errCut)
	}
	if err == nil {
		rows, at := histories(t, table)
		require.Equal(t, simpleHistories(log.all(), at), rows)
	}
}

func TestAnEventSeesWhatItDidToTheSameRowBefore(t *testing.T) {
	for _, c := range []struct {
		name    string
		effects []effect
		want    map[byte]history
	}{
		{"twice", []effect{{1, add}, {1, add}}, map[byte]history{1: {"new 1.0 1.2 "}}},
		{"deleted and made again", []effect{{1, add}, {1, remove}, {1, add}}, map[byte]history{1: {"new 1.4 "}}},
		{"made and deleted", []effect{{1, add}, {2, add}, {1, remove}}, map[byte]history{2: {"new 1.2 "}}},
		{"deleted where it is not", []effect{{1, remove}}, map[byte]history{}},
		{"looked at where it is not", []effect{{1, removeOften}}, map[byte]history{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w writer
			table := openHistories(t, memory.New(), 1)
			log := newLog(w.commitOf(happened(c.effects...))...)
			require.NoError(t, over(log, table, historyDefinition()).CatchUp(t.Context()))
			rows, _ := histories(t, table)
			assert.Equal(t, c.want, rows)
		})
	}
}

// aheadTable notes the changes of its batches, and may be one whose rows can be ahead of their checkpoint.
type aheadTable struct {
	readmodel.Table
	ahead   bool
	changes []readmodel.Change
}

func (a *aheadTable) RowsAhead() bool { return a.ahead }

func (a *aheadTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	for _, c := range b.Changes {
		a.changes = append(a.changes, readmodel.Change{Key: slices.Clone(c.Key), Row: slices.Clone(c.Row), Position: c.Position})
	}
	return a.Table.Apply(ctx, b)
}

func TestARowThatWasMadeAndDeletedInABatchIsDeletedWhereAnotherProjectorMayStoreIt(t *testing.T) {
	for _, ahead := range []bool{false, true} {
		var w writer
		table := &aheadTable{Table: openHistories(t, memory.New(), 1), ahead: ahead}
		log := newLog(w.commitOf(happened(effect{1, add}))...)
		log.append(w.commitOf(happened(effect{1, remove}))...)
		require.NoError(t, over(log, table, historyDefinition()).CatchUp(t.Context()))
		var want []readmodel.Change
		if ahead {
			want = []readmodel.Change{{Key: []readmodel.Value{readmodel.OfInt64(1)}, Position: 2}}
		}
		assert.Equal(t, want, table.changes)
	}
}

func TestARowThatHasToBeLoadedDoesNotFoldAnotherOneTwice(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(happened(effect{1, add}, effect{2, add}))...), openHistories(t, memory.New(), 1)
	require.NoError(t, over(log, table, historyDefinition()).CatchUp(t.Context()))
	// Row 1 is cached when the second of these leads to row 2, which is not.
	p := over(log, table, historyDefinition())
	log.append(w.commitOf(happened(effect{1, add}))...)
	p.inBatches(1)
	log.append(w.commitOf(happened(effect{1, add}, effect{2, removeOften}, effect{2, add}, effect{1, add}))...)
	require.NoError(t, p.CatchUp(t.Context()))
	rows, at := histories(t, table)
	assert.Equal(t, simpleHistories(log.all(), at), rows)
}

func TestADeletedRowThatWasStoredWithoutTheCheckpointStaysDeleted(t *testing.T) {
	var w writer
	table := &tornTable{cutTable{Table: openHistories(t, memory.New(), 1), left: -1}, map[byte]cqrs.Position{}, nil}
	log := newLog(w.commitOf(happened(effect{1, add}, effect{1, add}, effect{1, add}))...)
	require.NoError(t, over(log, table, historyDefinition()).CatchUp(t.Context()))
	log.append(w.commitOf(happened(effect{1, removeOften}))...)
	log.append(w.commitOf(happened(effect{2, add}))...)
	table.left, table.torn = 0, func(*readmodel.Change) bool { return true }
	require.ErrorIs(t, over(log, table, historyDefinition()).CatchUp(t.Context()), errCut)
	rows, at := histories(t, table)
	assert.EqualValues(t, 1, at, "the rows are ahead of the checkpoint")
	assert.Equal(t, map[byte]history{2: {"new 3.0 "}}, rows)

	log.append(w.commitOf(happened(effect{1, add}))...)
	require.NoError(t, over(log, table, historyDefinition()).CatchUp(t.Context()))
	rows, _ = histories(t, table)
	assert.Equal(t, map[byte]history{1: {"new 4.0 "}, 2: {"new 3.0 "}}, rows)
}

func TestRowsThatComeAndGoDoNotFillTheCache(t *testing.T) {
	var w writer
	log, table := newLog(), &countingTable{Table: openHistories(t, memory.New(), 1)}
	p := over(log, table, historyDefinition(), CacheRows(5))
	p.inBatches(1)
	p.settings.bulk, p.settings.building = 0, 0
	for i := range 1000 {
		row := byte(i % 200)
		log.append(w.commitOf(happened(effect{row, add}))...)
		log.append(w.commitOf(happened(effect{row, remove}, effect{row + 1, remove}))...)
	}
	require.NoError(t, p.CatchUp(t.Context()))
	assert.Zero(t, table.gets, "a cache that has every row needs no loading")
	rows, _ := histories(t, table)
	assert.Empty(t, rows)
}
