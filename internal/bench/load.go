package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// history is how many events the account has that is loaded.
const history = 1_000

// load measures how long an account with a history takes to load: from its first event, against decoding the same bytes in
// a loop; and from its snapshot, whatever came before that.
func load(ctx context.Context) error {
	deposit, err := depositJSON()
	if err != nil {
		return err
	}
	fmt.Printf("\nLoad of an account of %d events, against decoding the same bytes in a loop\n", history)
	fmt.Printf("  %-10s %10s %10s %8s %8s\n", "log", "load µs", "decode µs", "ratio", "allocs")
	var event ledger.MoneyDeposited
	limit := measure(func() error {
		for range history {
			event = ledger.MoneyDeposited{}
			if err := event.DecodeJSON(deposit, jsoncodec.CopyStrings); err != nil {
				return err
			}
		}
		return nil
	})
	whole := func(name string, log aggregate.Store) error {
		return withHistory(ctx, log, history, func(app *ledger.App) error {
			loaded := measure(func() error {
				_, _, err := app.Account.Load(ctx, accountID(0), aggregate.WithoutSnapshot())
				return err
			})
			fmt.Printf("  %-10s %10.0f %10.0f %7.1fx %8d\n",
				name, loaded.ns/1e3, limit.ns/1e3, loaded.ns/limit.ns, loaded.allocs)
			return nil
		})
	}
	if err := whole("memory", memory.New()); err != nil {
		return err
	}
	err = inTemp(func(dir string) (err error) {
		log, err := embedded.Open(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		return whole("embedded", log)
	})
	if err != nil {
		return err
	}
	return loadFromSnapshots(ctx)
}

// loadFromSnapshots loads accounts of which all but the last ten events are in the snapshot.
func loadFromSnapshots(ctx context.Context) error {
	const tail = 10
	fmt.Printf("\nLoad of an account from its snapshot and the %d events behind it, memory\n", tail)
	fmt.Printf("  %-18s %10s %8s\n", "events before", "load µs", "ratio")
	var least float64
	for _, before := range []int{history, 100 * history} {
		err := withHistory(ctx, memory.New(), before, func(app *ledger.App) error {
			for range tail {
				if _, err := app.Account.Deposit(ctx, accountID(0), aDeposit); err != nil {
					return err
				}
			}
			loaded := measure(func() error {
				_, _, err := app.Account.Load(ctx, accountID(0))
				return err
			})
			if app.SnapshotStats().Used == 0 {
				return errors.New("no snapshot was used")
			}
			if least == 0 {
				least = loaded.ns
			}
			fmt.Printf("  %-18d %10.1f %7.1fx\n", before, loaded.ns/1e3, loaded.ns/least)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// command measures a whole command over the log in memory, on accounts that are in the cache, against what none can do
// without: encoding its event and decoding it once.
func command(ctx context.Context) error {
	app, err := ledger.New(ctx, memory.New(), memorysink.New(), ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return err
	}
	defer app.Close()
	if err := openAccounts(ctx, app); err != nil {
		return err
	}
	ids := make([]ledger.AccountID, accounts)
	for n := range ids {
		ids[n] = accountID(n)
	}
	n := 0
	whole := measure(func() error {
		n++
		_, err := app.Account.Deposit(ctx, ids[n%accounts], aDeposit)
		return err
	})
	event := ledger.MoneyDeposited(aDeposit)
	var again ledger.MoneyDeposited
	buf := make([]byte, 0, 1024)
	codec := measure(func() error {
		data, err := event.AppendJSON(buf[:0])
		if err != nil {
			return err
		}
		again = ledger.MoneyDeposited{}
		return again.DecodeJSON(data, jsoncodec.CopyStrings)
	})
	fmt.Printf("\nA whole command over the log in memory (check, decide, encode, apply, append), against the codec alone\n")
	fmt.Printf("  %10s %8s %10s %8s\n", "ns", "allocs", "codec ns", "ratio")
	fmt.Printf("  %10.0f %8d %10.0f %7.1fx\n", whole.ns, whole.allocs, codec.ns, whole.ns/codec.ns)
	return nil
}

var aDeposit = ledger.Deposit{
	Money: ledger.Money{Amount: 12_345, Currency: ledger.CurrencyEUR}, Reference: cqrs.Some("invoice 4711"),
}

func depositJSON() ([]byte, error) {
	event := ledger.MoneyDeposited(aDeposit)
	return event.AppendJSON(nil)
}

// withHistory calls f with a ledger in which one account has n events, and a snapshot of all of them.
func withHistory(ctx context.Context, log aggregate.Store, n int, f func(*ledger.App) error) error {
	app, err := ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return err
	}
	if _, err := app.Account.OpenAccount(ctx, accountID(0), ledger.OpenAccount{Owner: "Ada"}); err != nil {
		return err
	}
	if err := appendDeposits(ctx, log, n-2); err != nil {
		return err
	}
	app.Close()
	// Another program, which has nothing in memory, adds the last event and takes the snapshot.
	if app, err = ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{}); err != nil {
		return err
	}
	_, err = app.Account.Deposit(ctx, accountID(0), aDeposit)
	app.Close()
	if err != nil {
		return err
	}
	if app, err = ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{}); err != nil {
		return err
	}
	defer app.Close()
	return f(app)
}

func appendDeposits(ctx context.Context, log eventlog.Log, n int) error {
	data, err := depositJSON()
	if err != nil {
		return err
	}
	const most = 1_000
	for n > 0 {
		events := make([]eventlog.NewEvent, min(n, most))
		for i := range events {
			events[i] = eventlog.NewEvent{Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON, Data: data}
		}
		_, err := log.Append(ctx, eventlog.Commit{
			ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
			Streams: []eventlog.StreamAppend{{
				Stream: cqrs.StreamID{Category: "Account", ID: string(accountID(0))}, Expected: eventlog.Any, Events: events,
			}},
		})
		if err != nil {
			return err
		}
		n -= len(events)
	}
	return nil
}
