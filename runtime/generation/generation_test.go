package generation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The projection of these tests: what accounts hold. A release is one fold of it.

type movement struct {
	Account string
	Amount  int64
}

type row struct{ Balance, Movements int64 }

type release struct {
	fingerprint string
	// fee is taken off each movement: another one is another fold.
	fee int64
	// counts says that the row has the column movements.
	counts bool
}

var (
	first  = release{fingerprint: "000000000000000a"}
	second = release{fingerprint: "000000000000000b", fee: 1}
	third  = release{fingerprint: "000000000000000c", counts: true}
)

func (r release) definition() projection.Definition[string, row] {
	codec := readmodel.Codec[string, row]{
		Schema: readmodel.Schema{
			Projection: "Balances", Fingerprint: r.fingerprint,
			Key: []readmodel.Column{{Name: "account", Kind: readmodel.String}},
			Row: []readmodel.Column{{Name: "balance", Kind: readmodel.Int64}},
		},
		AppendKey: func(v []readmodel.Value, k *string) []readmodel.Value { return append(v, readmodel.OfString(*k)) },
		AppendRow: func(v []readmodel.Value, x *row) ([]readmodel.Value, error) {
			v = append(v, readmodel.OfInt64(x.Balance))
			if r.counts {
				v = append(v, readmodel.OfInt64(x.Movements))
			}
			return v, nil
		},
		ReadKey: func(s *readmodel.Scanner, k *string) { *k = s.String() },
		ReadRow: func(s *readmodel.Scanner, x *row) {
			x.Balance = s.Int64()
			if r.counts {
				x.Movements = s.Int64()
			}
		},
	}
	if r.counts {
		codec.Schema.Row = append(codec.Schema.Row, readmodel.Column{Name: "movements", Kind: readmodel.Int64})
	}
	return projection.Definition[string, row]{
		Name: "Balances", Events: []string{"Moved", "Closed"}, Codec: codec, Manual: true,
		NewFold: func(int) func(*projection.Rows[string, row], *cqrs.Record) error {
			return func(rows *projection.Rows[string, row], rec *cqrs.Record) error {
				var m movement
				if err := json.Unmarshal(rec.Data, &m); err != nil {
					return err
				}
				if rec.Type == "Closed" {
					rows.Delete(m.Account)
					return nil
				}
				if x := rows.At(m.Account); x != nil {
					x.Balance += m.Amount - r.fee
					x.Movements++
				}
				return nil
			}
		},
	}
}

// world is a log and a store.
type world struct {
	t     *testing.T
	log   *enginememory.Log
	store readmodel.Store
}

func eachSink(t *testing.T, test func(*world)) {
	t.Run("memory", func(t *testing.T) { test(&world{t, enginememory.New(), memory.New()}) })
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "read.db"))
		require.NoError(t, err)
		defer func() { require.NoError(t, store.Close()) }()
		test(&world{t, enginememory.New(), store})
	})
}

func (w *world) projector(r release) *projection.Projector[string, row] {
	g := projection.NewGroup(w.log, projection.WithLogger(slog.New(slog.DiscardHandler)))
	return projection.New(g, w.store, r.definition())
}

func (w *world) build(r release) *projection.Projector[string, row] {
	p := w.projector(r)
	require.NoError(w.t, p.CatchUp(w.t.Context()))
	return p
}

func (w *world) append(kind string, movements ...movement) {
	require.NoError(w.t, w.tryAppend(kind, movements...))
}

func (w *world) tryAppend(kind string, movements ...movement) error {
	c := eventlog.Commit{ID: cqrs.NewCommitID()}
	s := eventlog.StreamAppend{Stream: cqrs.StreamID{Category: "Bank", ID: "one"}, Expected: eventlog.Any}
	for _, m := range movements {
		data, err := json.Marshal(m)
		if err != nil {
			return err
		}
		s.Events = append(s.Events, eventlog.NewEvent{Type: kind, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data})
	}
	c.Streams = []eventlog.StreamAppend{s}
	_, err := w.log.Append(w.t.Context(), c)
	return err
}

// move gives n accounts an amount each.
func (w *world) move(n int, amount int64) {
	for from := 0; from < n; from += 500 {
		var all []movement
		for i := from; i < min(n, from+500); i++ {
			all = append(all, movement{account(i), amount})
		}
		w.append("Moved", all...)
	}
}

func account(i int) string { return fmt.Sprintf("acc-%05d", i) }

func (w *world) verify(p *projection.Projector[string, row], o generation.Options) *generation.Report {
	report, err := generation.Verify(w.t.Context(), w.log, p, o)
	require.NoError(w.t, err)
	return report
}

// tamper changes rows of a generation behind the projection's back.
func (w *world) tamper(r release, change func(at cqrs.Position) []readmodel.Change) {
	table, _, err := w.store.Open(w.t.Context(), "Balances", r.fingerprint)
	require.NoError(w.t, err)
	c, err := table.Checkpoint(w.t.Context())
	require.NoError(w.t, err)
	require.NoError(w.t, table.Apply(w.t.Context(), &readmodel.Batch{From: c, To: c, Changes: change(c.Position)}))
}

func key(i int) []readmodel.Value { return []readmodel.Value{readmodel.OfString(account(i))} }

func TestAnIntendedDifferenceIsExplainedByRowAndColumn(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(3, 10)
		w.append("Moved", movement{account(1), 0})
		w.build(first)
		p := w.build(second)
		r := w.verify(p, generation.Options{})
		assert.True(t, r.OK())
		assert.NoError(t, r.Err())
		assert.Equal(t, "Balances", r.Projection)
		assert.EqualValues(t, 3, r.Compared)
		assert.EqualValues(t, 3, r.Different)
		assert.EqualValues(t, 3, r.Sampled)
		assert.Equal(t, []generation.Difference{
			{Key: "account=acc-00000", In: "both", Columns: []generation.ColumnDifference{{Column: "balance", Old: "10", New: "9"}}},
			{Key: "account=acc-00001", In: "both", Columns: []generation.ColumnDifference{{Column: "balance", Old: "10", New: "8"}}},
			{Key: "account=acc-00002", In: "both", Columns: []generation.ColumnDifference{{Column: "balance", Old: "10", New: "9"}}},
		}, r.Differences)
		assert.Equal(t, "balance: 10 → 9", r.Differences[0].Columns[0].String())
		assert.NotEqual(t, r.Old.Checksum, r.New.Checksum)
		assert.Equal(t, first.fingerprint, r.Old.Generation)
		assert.Equal(t, second.fingerprint, r.New.Generation)
		r = w.verify(p, generation.Options{Differences: 1})
		assert.Len(t, r.Differences, 1)
		assert.EqualValues(t, 3, r.Different)

		data, err := json.Marshal(r)
		require.NoError(t, err)
		var again generation.Report
		require.NoError(t, json.Unmarshal(data, &again))
		assert.Equal(t, *r, again)
	})
}

func TestColumnsThatCameAreNamedAndTheOthersCompared(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(2500, 10)
		w.build(first)
		r := w.verify(w.build(third), generation.Options{})
		assert.True(t, r.OK())
		assert.Equal(t, []string{"movements"}, r.Added)
		assert.Empty(t, r.Removed)
		assert.EqualValues(t, 2500, r.Equal)
		assert.EqualValues(t, 2500, r.Compared)
		assert.Equal(t, r.Old.Checksum, r.New.Checksum, "of what both have")
		assert.InDelta(t, 1000, r.Sampled, 500)
		require.NoError(t, w.store.Promote(t.Context(), "Balances", third.fingerprint))
		r = w.verify(w.projector(first), generation.Options{})
		assert.Equal(t, []string{"movements"}, r.Removed)
	})
}

func TestRowsThatMovedAreFoldedAgainToWhereTheOldGenerationIs(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(1200, 10)
		w.append("Moved", movement{"gone", 5})
		w.build(first) // and stays there
		w.move(600, 7)
		w.append("Closed", movement{account(3), 0}, movement{"gone", 0}, movement{account(1100), 0})
		w.append("Moved", movement{"new", 1}, movement{account(3), 1})
		other := third
		p := w.build(other)
		r := w.verify(p, generation.Options{})
		assert.True(t, r.OK(), "%v", r.Mismatches)
		assert.EqualValues(t, 1201, r.Compared)
		assert.EqualValues(t, 1201, r.Equal)
		assert.Zero(t, r.Different+r.OnlyNew+r.OnlyOld)
		assert.EqualValues(t, 600+3, r.Moved, "600 moved, one was deleted and came back, two were deleted, one is new")
		assert.Equal(t, r.Old.Checksum, r.New.Checksum)
		assert.Less(t, r.Old.Position, r.New.Position)

		r = w.verify(p, generation.Options{MaxMoved: 100})
		assert.EqualValues(t, 100, r.Moved)
		assert.EqualValues(t, 503, r.Skipped)
	})
}

func TestWrongRowsAreFoundAndNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(at cqrs.Position) []readmodel.Change
		want   generation.Difference
	}{
		"a changed value": {
			func(at cqrs.Position) []readmodel.Change {
				return []readmodel.Change{{Key: key(7), Row: []readmodel.Value{readmodel.OfInt64(11)}, Position: at}}
			},
			generation.Difference{Key: "account=acc-00007", In: "both",
				Columns: []generation.ColumnDifference{{Column: "balance", Old: "11", New: "10"}}},
		},
		"a row that is missing": {
			func(at cqrs.Position) []readmodel.Change { return []readmodel.Change{{Key: key(8), Position: at}} },
			generation.Difference{Key: "account=acc-00008", In: "new"},
		},
		"a row too many": {
			func(at cqrs.Position) []readmodel.Change {
				return []readmodel.Change{{Key: key(9999), Row: []readmodel.Value{readmodel.OfInt64(1)}, Position: at}}
			},
			generation.Difference{Key: "account=acc-09999", In: "old"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachSink(t, func(w *world) {
				w.move(50, 10)
				p := w.build(first)
				w.tamper(first, c.change)
				r := w.verify(p, generation.Options{})
				assert.False(t, r.OK())
				assert.EqualValues(t, 1, r.Mismatched)
				assert.Equal(t, []generation.Difference{c.want}, r.Mismatches)
				assert.Nil(t, r.Old)
				var mismatch *generation.MismatchError
				require.ErrorAs(t, r.Err(), &mismatch)
				assert.ErrorContains(t, r.Err(), c.want.Key)
			})
		})
	}
}

func TestASampleIsAsLargeAsItShouldBeAndDependsOnTheSeedAlone(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(4000, 1)
		p := w.build(first)
		seen := map[int64]bool{}
		for seed := range uint64(5) {
			r := w.verify(p, generation.Options{Sample: 200, Seed: seed})
			assert.InDelta(t, 200, r.Sampled, 80)
			assert.Equal(t, r, w.verify(p, generation.Options{Sample: 200, Seed: seed}))
			seen[r.Sampled] = true
		}
		assert.Greater(t, len(seen), 1)
		assert.Zero(t, w.verify(p, generation.Options{Sample: -1}).Sampled)
	})
}

func TestNothingIsWrongWhileBothGenerationsAreWrittenTo(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(3000, 10)
		w.build(first)
		w.build(second)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, r := range []release{first, second} {
			wg.Go(func() { assert.NoError(t, w.projector(r).Run(ctx)) })
		}
		wg.Go(func() {
			for i := 0; ctx.Err() == nil && i < 3000; i++ {
				n := i * 37 % 3000
				kind := "Moved"
				if i%5 == 0 {
					kind = "Closed"
				}
				if !assert.NoError(t, errors.Join(
					w.tryAppend(kind, movement{account(n), 1}), w.tryAppend("Moved", movement{fmt.Sprint("new-", i), 1}))) {
					return
				}
			}
		})
		for range 4 {
			r := w.verify(w.projector(second), generation.Options{With: first.fingerprint})
			assert.True(t, r.OK(), "%v", r.Mismatches)
			assert.Zero(t, r.OnlyNew+r.OnlyOld, "%v", r.Differences)
			assert.Greater(t, r.Different, int64(2000))
			assert.Zero(t, r.Equal, "a fee is taken of every row that there is")
		}
		cancel()
		wg.Wait()
	})
}

func TestAnEmptyLogVerifies(t *testing.T) {
	eachSink(t, func(w *world) {
		w.build(first)
		r := w.verify(w.build(second), generation.Options{})
		assert.True(t, r.OK())
		assert.Zero(t, r.Compared+r.Sampled)
		assert.Equal(t, r.Old.Checksum, r.New.Checksum)
	})
}

func TestAGenerationThatIsNotBuiltIsNotVerified(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(3, 10)
		p := w.projector(first)
		_, err := generation.Verify(t.Context(), w.log, p, generation.Options{})
		assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
		_, err = w.store.Table(t.Context(), p.Schema())
		require.NoError(t, err)
		_, err = generation.Verify(t.Context(), w.log, p, generation.Options{})
		assert.ErrorAs(t, err, new(*readmodel.NotBuiltError))
		w.build(first)
		_, err = generation.Verify(t.Context(), w.log, p, generation.Options{With: "00000000000000ff"})
		assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
		_, err = generation.Verify(t.Context(), enginememory.New(), p, generation.Options{})
		assert.ErrorAs(t, err, new(*readmodel.HistoryError), "it is the work of another log")
	})
}

func TestAGenerationIsPromotedIfItsSampleIsRight(t *testing.T) {
	eachSink(t, func(w *world) {
		w.move(20, 10)
		w.build(first)
		p := w.build(second)
		w.tamper(second, func(at cqrs.Position) []readmodel.Change {
			return []readmodel.Change{{Key: key(7), Row: []readmodel.Value{readmodel.OfInt64(1)}, Position: at}}
		})
		report, err := generation.Promote(t.Context(), w.log, p, false, generation.Options{})
		require.ErrorAs(t, err, new(*generation.MismatchError))
		assert.EqualValues(t, 1, report.Mismatched)
		assert.Equal(t, first.fingerprint, w.active())

		_, err = generation.Promote(t.Context(), w.log, p, true, generation.Options{})
		require.NoError(t, err)
		assert.Equal(t, second.fingerprint, w.active())
		report, err = generation.Promote(t.Context(), w.log, p, false, generation.Options{})
		require.NoError(t, err)
		assert.Nil(t, report, "it is active already")

		report, err = generation.Promote(t.Context(), w.log, w.build(third), false, generation.Options{})
		require.NoError(t, err)
		assert.True(t, report.OK())
		assert.Equal(t, third.fingerprint, w.active())
	})
}

func (w *world) active() (fingerprint string) {
	all, err := w.store.Generations(w.t.Context(), "Balances")
	require.NoError(w.t, err)
	for _, g := range all {
		if g.Active {
			fingerprint = g.Schema.Fingerprint
		}
	}
	return fingerprint
}

func TestRollbackLeadsBackToWhatWasActiveBefore(t *testing.T) {
	eachSink(t, func(w *world) {
		ctx := t.Context()
		_, _, err := generation.Rollback(ctx, w.store, "Balances")
		assert.ErrorIs(t, err, generation.ErrNothingBefore)
		w.build(first)
		w.build(second)
		w.build(third)
		_, _, err = generation.Rollback(ctx, w.store, "Balances")
		assert.ErrorIs(t, err, generation.ErrNothingBefore, "the others were never active")
		for _, r := range []release{second, third} {
			require.NoError(t, w.store.Promote(ctx, "Balances", r.fingerprint))
		}
		for _, want := range []release{second, third, second} {
			from, to, err := generation.Rollback(ctx, w.store, "Balances")
			require.NoError(t, err)
			assert.NotEqual(t, from.Schema.Fingerprint, to.Schema.Fingerprint)
			assert.Equal(t, want.fingerprint, to.Schema.Fingerprint)
			assert.Equal(t, want.fingerprint, w.active())
		}
	})
}

func TestAGenerationIsDroppedByTheFirstDigitsOfItsFingerprint(t *testing.T) {
	eachSink(t, func(w *world) {
		ctx := t.Context()
		w.build(first)
		w.build(second)
		_, err := generation.Drop(ctx, w.store, "Balances", "0000")
		var ambiguous *generation.AmbiguousError
		require.ErrorAs(t, err, &ambiguous)
		assert.Equal(t, []string{first.fingerprint, second.fingerprint}, ambiguous.Generations)
		_, err = generation.Drop(ctx, w.store, "Balances", "ff")
		assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
		_, err = generation.Drop(ctx, w.store, "Balances", first.fingerprint)
		assert.ErrorAs(t, err, new(*readmodel.ActiveError))
		g, err := generation.Drop(ctx, w.store, "Balances", second.fingerprint)
		require.NoError(t, err)
		assert.Equal(t, second.fingerprint, g.Schema.Fingerprint)
		_, err = generation.Resolve(ctx, w.store, "Balances", second.fingerprint)
		assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
	})
}
