package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// replay rebuilds the balances from the embedded log, and compares with the loop that a person writes by hand over the
// same bytes in memory.
func replay(ctx context.Context, events int) error {
	fmt.Printf("\nReplay of %d events into balances per account and currency\n", events)
	fmt.Printf("  %-10s %-28s %10s %10s %8s\n", "accounts", "", "seconds", "M ev/s", "x loop")
	for _, accounts := range []int{1_000, 100_000} {
		if err := inTemp(func(dir string) error { return replayWith(ctx, dir, events, accounts) }); err != nil {
			return err
		}
	}
	return nil
}

func replayWith(ctx context.Context, dir string, events, accounts int) (err error) {
	log, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	stored, err := fill(ctx, log, events, accounts)
	if err != nil {
		return err
	}
	rows, err := sqlite.Open(ctx, filepath.Join(dir, "readmodels.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var loop, scan, memory, durable time.Duration
	var sum int64
	var mallocs uint64
	for range 3 {
		loop, sum = best(loop, func() int64 { return byHand(stored) })
	}
	for range 3 {
		scan, _ = best(scan, func() int64 { return scanOnly(ctx, log) })
	}
	for range 3 {
		before := allocated()
		began := time.Now()
		if err := rebuild(ctx, log, memorysink.New(), sum); err != nil {
			return err
		}
		memory, mallocs = shorter(memory, time.Since(began)), allocated()-before
	}
	began := time.Now()
	if err := rebuild(ctx, log, rows, sum); err != nil {
		return err
	}
	durable = time.Since(began)
	for _, r := range []struct {
		name string
		took time.Duration
	}{{"loop by hand, from a slice", loop}, {"scan of the log, no decoding", scan}, {"rebuild into memory", memory}, {"rebuild into SQLite, indexed", durable}} {
		fmt.Printf("  %-10d %-28s %10.2f %10.2f %7.1fx\n", accounts, r.name, r.took.Seconds(), float64(events)/1e6/r.took.Seconds(), r.took.Seconds()/loop.Seconds())
	}
	fmt.Printf("  %-10s %.3f allocations per event in the rebuild into memory, its %d rows included\n", "", float64(mallocs)/float64(events), min(accounts*3, events))
	return nil
}

// fill appends the events, and returns their payloads and streams in one slice, each framed by its lengths.
func fill(ctx context.Context, log *embedded.Log, events, accounts int) ([]byte, error) {
	currencies := []ledger.Currency{ledger.CurrencyEUR, ledger.CurrencyGBP, ledger.CurrencyUSD}
	var framed []byte
	const perCommit = 5_000
	meta := cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)}
	for done := 0; done < events; {
		streams := map[cqrs.StreamID]int{}
		commit := eventlog.Commit{ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: meta}
		for i := 0; i < perCommit && done < events; i, done = i+1, done+1 {
			n := done * 7919 % accounts
			stream := cqrs.StreamID{Category: "Account", ID: fmt.Sprintf("acc-%d", n)}
			e := ledger.MoneyDeposited{Money: ledger.Money{Amount: int64(1 + done%10_000), Currency: currencies[(done+done/accounts)%3]}}
			data, err := e.AppendJSON(nil)
			if err != nil {
				return nil, err
			}
			at, ok := streams[stream]
			if !ok {
				at = len(commit.Streams)
				streams[stream] = at
				commit.Streams = append(commit.Streams, eventlog.StreamAppend{Stream: stream, Expected: eventlog.Any})
			}
			commit.Streams[at].Events = append(commit.Streams[at].Events, eventlog.NewEvent{
				Type: e.EventType(), SchemaVersion: 1, ContentType: cqrs.JSON, Data: data})
			framed = binary.LittleEndian.AppendUint16(framed, uint16(len(stream.ID)))
			framed = binary.LittleEndian.AppendUint16(framed, uint16(len(data)))
			framed = append(append(framed, stream.ID...), data...)
		}
		if _, err := log.Append(ctx, commit); err != nil {
			return nil, err
		}
	}
	return framed, nil
}

// byHand is the loop that a person writes: decode with the generated decoder, add into a map.
func byHand(framed []byte) int64 {
	type key struct {
		account  string
		currency ledger.Currency
	}
	balances := map[key]int64{}
	var e ledger.MoneyDeposited
	for at := 0; at < len(framed); {
		id, size := int(binary.LittleEndian.Uint16(framed[at:])), int(binary.LittleEndian.Uint16(framed[at+2:]))
		account := framed[at+4 : at+4+id]
		e = ledger.MoneyDeposited{}
		if err := e.DecodeJSON(framed[at+4+id:at+4+id+size], jsoncodec.ViewStrings); err != nil {
			panic(err)
		}
		balances[key{string(account), e.Money.Currency}] += e.Money.Amount
		at += 4 + id + size
	}
	return total(balances)
}

func total[K comparable](balances map[K]int64) (sum int64) {
	for _, b := range balances {
		sum += b
	}
	return sum
}

func scanOnly(ctx context.Context, log *embedded.Log) (bytes int64) {
	for rec, err := range log.Read(ctx, eventlog.Query{}) {
		if err != nil {
			panic(err)
		}
		bytes += int64(len(rec.Data))
	}
	return bytes
}

// rebuild builds the read model from nothing and checks its sum.
func rebuild(ctx context.Context, log *embedded.Log, rows readmodel.Store, want int64) error {
	app, err := ledger.New(ctx, log, rows, ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return err
	}
	defer app.Close()
	if err := app.BalanceByCurrency.Projector().CatchUp(ctx); err != nil {
		return err
	}
	var sum int64
	for _, c := range []ledger.Currency{ledger.CurrencyEUR, ledger.CurrencyGBP, ledger.CurrencyUSD} {
		found, _, err := app.BalanceByCurrency.ByCurrencyOrderedByBalance(ctx, c)
		if err != nil {
			return err
		}
		for _, e := range found {
			sum += e.Row.Balance
		}
	}
	if sum != want {
		return fmt.Errorf("the read model adds up to %d, the loop to %d", sum, want)
	}
	return nil
}

// best runs f and returns the shorter of its time and the one so far.
func best(soFar time.Duration, f func() int64) (time.Duration, int64) {
	began := time.Now()
	result := f()
	return shorter(soFar, time.Since(began)), result
}

func shorter(soFar, took time.Duration) time.Duration {
	if soFar == 0 {
		return took
	}
	return min(soFar, took)
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
