package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// rebuildSinks measures rebuilding the balances from the replay archive into databases, all rows landed and indexed,
// against what a person writes: the loop into a map, whose finished rows are then loaded in bulk; and upserts for each
// event, in transactions of a thousand events and of one. What is written by hand has the same columns, indexes and
// settings of durability as the sink's.
func rebuildSinks(ctx context.Context, events int) error {
	return withArchive(ctx, events, func(log *archive.Log, plain string) error {
		fmt.Printf("\nRebuild of balances from %d events of %d accounts in 3 currencies, all rows landed and indexed\n",
			events, rebuildAccounts)
		fmt.Printf("  %-10s %-46s %8s %9s %9s %10s\n", "", "", "s", "µs/event", "x by hand", "x rebuild")
		into := func(name string, open func(context.Context) (database, error)) error {
			db, err := open(ctx)
			if err != nil {
				return err
			}
			m := &sinkMeter{name: name, log: log, events: events, db: db}
			return errors.Join(m.measure(ctx), db.close())
		}
		dir := filepath.Dir(plain)
		if err := into("sqlite", func(context.Context) (database, error) { return newSQLiteByHand(dir) }); err != nil {
			return err
		}
		return onServer(func(t testing.TB) error {
			dsn := startPostgres(t)
			return into("postgres", func(ctx context.Context) (database, error) { return newPostgresByHand(ctx, dsn) })
		})
	})
}

// database is one that read models are in, together with what a person writes for it.
type database interface {
	// store returns a store with nothing in it, and what closes and removes it.
	store(ctx context.Context) (readmodel.Store, func() error, error)
	// load makes the table anew, and loads finished rows and makes the indexes in the way that takes least.
	load(ctx context.Context, rows []finishedRow) error
	// check returns how many rows there are, and the sum of all balances: by hand, or in the store's view.
	check(ctx context.Context, byHand bool) (rows, sum int64, err error)
	// upsert and commit are what a loop over events does: all upserts up to a commit are one transaction.
	upsert(ctx context.Context, at cqrs.Position, key accountInCurrency, amount int64, moved time.Time) error
	commit(ctx context.Context, at cqrs.Position) error
	close() error
}

// finishedRow is a row with its key.
type finishedRow struct {
	accountInCurrency
	*ledger.BalanceByCurrencyRow
}

// sinkMeter measures one database.
type sinkMeter struct {
	name   string
	log    *archive.Log
	events int
	db     database
}

// measure takes turns, and prints the least time of each.
func (m *sinkMeter) measure(ctx context.Context) error {
	var fold, load, hand, memory, ours time.Duration
	for range rounds {
		runtime.GC()
		began := time.Now()
		rows, err := loopOverLog(ctx, m.log)
		if err != nil {
			return err
		}
		folded := time.Now()
		if err := m.db.load(ctx, inKeyOrder(rows)); err != nil {
			return fmt.Errorf("loading rows by hand: %w", err)
		}
		fold, load = shorter(fold, folded.Sub(began)), shorter(load, time.Since(folded))
		hand = shorter(hand, time.Since(began))
		runtime.GC()
		began = time.Now()
		if err := catchUp(ctx, m.log, balanceRunner); err != nil {
			return err
		}
		memory = shorter(memory, time.Since(began))
		took, err := m.rebuild(ctx)
		if err != nil {
			return err
		}
		ours = shorter(ours, took)
	}
	name := m.name
	line := func(what string, took time.Duration) {
		fmt.Printf("  %-10s %-46s %8.2f %9.3f %8.2fx %9.2fx\n", name, what, took.Seconds(),
			float64(took.Nanoseconds())/1e3/float64(m.events), took.Seconds()/hand.Seconds(), took.Seconds()/ours.Seconds())
		name = ""
	}
	line("fold by hand", fold)
	line("bulk load of the finished rows, indexed", load)
	line("both by hand, one after the other", hand)
	line("rebuild into memory, then the bulk load", memory+load)
	line("rebuild", ours)
	for _, by := range []struct{ commit, sample int }{{1000, 100_000}, {1, 3_000}} {
		sample := min(by.sample, m.events)
		took, err := m.upserts(ctx, sample, by.commit)
		if err != nil {
			return fmt.Errorf("upserts by hand: %w", err)
		}
		took = time.Duration(float64(took) * float64(m.events) / float64(sample))
		line(fmt.Sprintf("upserts, %d in a transaction (%d sampled)", by.commit, sample), took)
	}
	return nil
}

// inKeyOrder returns the rows of a map as indexes like them best.
func inKeyOrder(rows map[accountInCurrency]*ledger.BalanceByCurrencyRow) []finishedRow {
	sorted := make([]finishedRow, 0, len(rows))
	for key, row := range rows {
		sorted = append(sorted, finishedRow{key, row})
	}
	slices.SortFunc(sorted, func(a, b finishedRow) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency))
	})
	return sorted
}

// rebuild builds the read model in a store of its own, and compares its rows with those that were loaded by hand.
func (m *sinkMeter) rebuild(ctx context.Context) (took time.Duration, err error) {
	store, remove, err := m.db.store(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	runtime.GC()
	began := time.Now()
	app, err := ledger.New(ctx, m.log, store, ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return 0, err
	}
	defer app.Close()
	if err := app.BalanceByCurrency.Projector().CatchUp(ctx); err != nil {
		return 0, err
	}
	took = time.Since(began)
	wantRows, wantSum, err := m.db.check(ctx, true)
	if err != nil {
		return 0, err
	}
	rows, sum, err := m.db.check(ctx, false)
	if err == nil && (rows != wantRows || sum != wantSum) {
		err = fmt.Errorf("%d rows add up to %d, and those by hand, %d of them, to %d", rows, sum, wantRows, wantSum)
	}
	return took, err
}

// upserts changes the rows that load left, event by event: those of the log's end, by which time all rows exist.
func (m *sinkMeter) upserts(ctx context.Context, sample, perCommit int) (time.Duration, error) {
	began, n := time.Now(), 0
	var event ledger.MoneyDeposited
	for rec, err := range m.log.Read(ctx, eventlog.Query{After: cqrs.Position(m.events - sample)}) {
		if err != nil {
			return 0, err
		}
		amount, err := movement(rec.Type, rec.Data, &event)
		if err == nil {
			key := accountInCurrency{rec.Stream.ID, event.Money.Currency}
			err = m.db.upsert(ctx, rec.Position, key, amount, rec.Time)
		}
		if n++; err == nil && n%perCommit == 0 {
			err = m.db.commit(ctx, rec.Position)
		}
		if err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
