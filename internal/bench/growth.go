package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	sqlitesink "github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// growth measures rebuilds of the balances from logs that grow: at first with as many rows in the end, and then with rows
// that grow too. Each is the work of a process of its own, on one core, whose memory is shown.
func growth(ctx context.Context, most int) error {
	fmt.Printf("\nRebuild of balances from a replay archive that grows; one core\n")
	fmt.Printf("  %12s %10s %10s   %-8s %8s %9s %9s\n", "events", "rows", "events/row", "into", "s", "ns/event", "peak MB")
	for _, of := range []struct{ events, accounts int }{
		{1_000_000, rebuildAccounts}, {10_000_000, rebuildAccounts}, {50_000_000, rebuildAccounts},
		{1_000_000, 10_000}, {50_000_000, 500_000},
	} {
		if of.events > most {
			continue
		}
		if err := grow(ctx, of.events, of.accounts); err != nil {
			return err
		}
	}
	return nil
}

// grow prints a line for each store that is rebuilt into.
func grow(ctx context.Context, events, accounts int) error {
	return inTemp(func(dir string) error {
		task := growthTask{Events: events, Accounts: accounts, Archive: filepath.Join(dir, "archive")}
		log, err := task.open(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(log.Seal(ctx), log.Close()); err != nil {
			return err
		}
		for _, into := range []string{"memory", "sqlite"} {
			if into == "sqlite" {
				task.SQLite = filepath.Join(dir, "read.db")
			}
			least, peak, rows := effort{time.Hour, time.Hour}, int64(0), int64(0)
			for range rounds {
				done, err := inChild(childTask{Rebuild: &task})
				if err != nil {
					return err
				}
				least, peak, rows = least.least(done.Effort), max(peak, done.Peak), done.Rows
			}
			fmt.Printf("  %12d %10d %10d   %-8s %8.2f %9.0f %9d\n", events, rows, int64(events)/rows, into, least.Wall.Seconds(),
				float64(least.CPU.Nanoseconds())/float64(events), peak>>20)
		}
		return nil
	})
}

// growthTask is one rebuild.
type growthTask struct {
	Events, Accounts int
	Archive          string
	// SQLite is the file that is rebuilt into, and removed; memory if it is empty.
	SQLite string
}

// open opens the archive of a log that is made up.
func (g *growthTask) open(ctx context.Context) (*archive.Log, error) {
	return archive.With(ctx, newMadeUp(g.Events, g.Accounts), g.Archive)
}

func (g *growthTask) do(ctx context.Context) (done childDone, err error) {
	runtime.GOMAXPROCS(1)
	log, err := g.open(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var store readmodel.Store = memorysink.New()
	if g.SQLite != "" {
		file, err := sqlitesink.Open(ctx, g.SQLite)
		if err != nil {
			return done, err
		}
		defer func() { err = errors.Join(err, file.Close(), os.Remove(g.SQLite)) }()
		store = file
	}
	app, err := ledger.New(ctx, log, store, ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return done, err
	}
	defer app.Close()
	done.Effort = effortOf(func() { err = app.BalanceByCurrency.Projector().CatchUp(ctx) })
	if err != nil {
		return done, err
	}
	done.Peak = peakMemory()
	done.Rows, _, err = app.BalanceByCurrency.Count(ctx, readmodel.Find{Index: -1})
	return done, err
}
