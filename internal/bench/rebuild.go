package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// rebuildAccounts is how many accounts there are in the logs that are rebuilt from; each holds three currencies.
const rebuildAccounts = 100_000

// rebuildAll measures rebuilding the balances from the replay archive into memory, against loops that a person writes:
// over a plain file of framed records, and over the archive. All of it runs on one core, but for the last line.
func rebuildAll(ctx context.Context, events int) error {
	return withArchive(ctx, events, func(log *archive.Log, plain string) error {
		fmt.Printf("\nRebuild of balances from %d events of %d accounts in 3 currencies, into memory; one core\n", events, rebuildAccounts)
		fmt.Printf("  %-44s %8s %8s %9s %8s\n", "", "s", "cpu s", "ns/event", "x loop")
		m := rebuildMeter{events: events}
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		if err := m.measure("loop by hand over a plain file, map", func() error { return loopOverFile(plain) }); err != nil {
			return err
		}
		m.loop = m.last.CPU
		if err := m.measure("loop by hand over the archive, map", func() error { _, err := loopOverLog(ctx, log); return err }); err != nil {
			return err
		}
		if err := m.measure("loop by hand over the archive, array", func() error { return arrayOverLog(ctx, log) }); err != nil {
			return err
		}
		if err := m.measure("read of the archive, nothing decoded", func() error { _, err := payloads(ctx, log); return err }); err != nil {
			return err
		}
		before := allocated()
		if err := m.measure("rebuild", func() error { return catchUp(ctx, log, balanceRunner) }); err != nil {
			return err
		}
		mallocs, one := allocated()-before, m.last.Wall
		runtime.GOMAXPROCS(2)
		if err := m.measure("rebuild, two cores", func() error { return catchUp(ctx, log, balanceRunner) }); err != nil {
			return err
		}
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		fmt.Printf("  two cores are %.1f times as fast as one; %.3f allocations per event, %d rows included; %d MB of memory at most\n",
			one.Seconds()/m.last.Wall.Seconds(), float64(mallocs)/float64(rounds*events), min(events, 3*rebuildAccounts), mem.Sys>>20)
		return nil
	})
}

// together measures three projections that are rebuilt from one scan, against each of them alone.
func together(ctx context.Context, events int) error {
	return withArchive(ctx, events, func(log *archive.Log, _ string) error {
		fmt.Printf("\nRebuild of three projections from %d events, into memory; one core\n", events)
		fmt.Printf("  %-44s %8s %8s %9s %8s\n", "", "s", "cpu s", "ns/event", "x sum")
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		m := rebuildMeter{events: events}
		all := []func(*ledger.App) projection.Runner{balanceRunner,
			func(a *ledger.App) projection.Runner { return a.CurrencyTotals.Projector() },
			func(a *ledger.App) projection.Runner { return a.Accounts.Projector() }}
		var sum time.Duration
		for i, name := range []string{"BalanceByCurrency", "CurrencyTotals", "Accounts"} {
			if err := m.measure(name, func() error { return catchUp(ctx, log, all[i]) }); err != nil {
				return err
			}
			sum += m.last.CPU
		}
		m.loop = sum
		return m.measure("all three", func() error { return catchUp(ctx, log, all...) })
	})
}

func balanceRunner(a *ledger.App) projection.Runner { return a.BalanceByCurrency.Projector() }

// withArchive calls f with a log of made up events behind a replay archive that has all of them, and the path of a plain
// file with the same.
func withArchive(ctx context.Context, events int, f func(log *archive.Log, plain string) error) error {
	return inTemp(func(dir string) (err error) {
		log := newMadeUp(events, rebuildAccounts)
		plain := filepath.Join(dir, "plain")
		if err := frameAll(ctx, log, plain); err != nil {
			return err
		}
		packed, err := archive.With(ctx, log, filepath.Join(dir, "archive"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, packed.Close()) }()
		if err := packed.Seal(ctx); err != nil {
			return err
		}
		return f(packed, plain)
	})
}

// rebuildMeter prints a line for each thing that it measures.
type rebuildMeter struct {
	events int
	// last is the effort of what was measured last, loop that of what everything is compared with.
	last effort
	loop time.Duration
}

// measure prints the least effort of a few rounds.
func (m *rebuildMeter) measure(name string, f func() error) error {
	m.last = effort{time.Hour, time.Hour}
	for range rounds {
		var err error
		m.last = m.last.least(effortOf(func() { err = f() }))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("  %-44s %8.2f %8.2f %9.0f", name, m.last.Wall.Seconds(), m.last.CPU.Seconds(), float64(m.last.CPU.Nanoseconds())/float64(m.events))
	if m.loop > 0 {
		fmt.Printf(" %7.2fx", m.last.CPU.Seconds()/m.loop.Seconds())
	}
	fmt.Println()
	return nil
}

// catchUp builds some of the ledger's read models in memory, at the same time.
func catchUp(ctx context.Context, log *archive.Log, which ...func(*ledger.App) projection.Runner) error {
	app, err := ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return err
	}
	defer app.Close()
	runners := make([]projection.Runner, len(which))
	for i, runner := range which {
		runners[i] = runner(app)
	}
	return projection.CatchUp(ctx, runners...)
}

type accountInCurrency struct {
	account  string
	currency ledger.Currency
}

// movement is what the loops need of an event. Deposits and withdrawals have the same fields.
func movement(typ string, data []byte, m *ledger.MoneyDeposited) (amount int64, err error) {
	*m = ledger.MoneyDeposited{}
	if err := m.DecodeJSON(data, jsoncodec.ViewStrings); err != nil {
		return 0, err
	}
	if typ == "MoneyWithdrawn" {
		return -m.Money.Amount, nil
	}
	return m.Money.Amount, nil
}

func add(row *ledger.BalanceByCurrencyRow, amount int64, at time.Time) {
	row.Balance += amount
	row.Movements++
	row.LastMovement = at
}

// loopOverFile is the loop that a person writes: read, check, decode, add into a map.
func loopOverFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	rows := map[accountInCurrency]*ledger.BalanceByCurrencyRow{}
	buf := make([]byte, 256<<10)
	var (
		f framed
		m ledger.MoneyDeposited
	)
	for start, end := 0, 0; ; start = 0 {
		n, err := file.Read(buf[end:])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		end += n
		for end-start >= 8 {
			size := int(binary.LittleEndian.Uint32(buf[start:]))
			if end-start < 8+size {
				break
			}
			rec := buf[start+8 : start+8+size]
			if crc32.Checksum(rec, castagnoli) != binary.LittleEndian.Uint32(buf[start+4:]) {
				return errors.New("a checksum is wrong")
			}
			f.frame(rec)
			start += 8 + size
			amount, err := movement(string(f.typ), f.data, &m)
			if err != nil {
				return err
			}
			row := rows[accountInCurrency{string(f.id), m.Money.Currency}]
			if row == nil {
				row = new(ledger.BalanceByCurrencyRow)
				rows[accountInCurrency{string(f.id), m.Money.Currency}] = row
			}
			add(row, amount, time.UnixMicro(int64(f.micros)).UTC())
		}
		end = copy(buf, buf[start:end])
	}
}

// loopOverLog is the same over the archive.
func loopOverLog(ctx context.Context, log eventlog.Log) (map[accountInCurrency]*ledger.BalanceByCurrencyRow, error) {
	rows := map[accountInCurrency]*ledger.BalanceByCurrencyRow{}
	var m ledger.MoneyDeposited
	for rec, err := range log.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return nil, err
		}
		amount, err := movement(rec.Type, rec.Data, &m)
		if err != nil {
			return nil, err
		}
		key := accountInCurrency{rec.Stream.ID, m.Money.Currency}
		row := rows[key]
		if row == nil {
			row = new(ledger.BalanceByCurrencyRow)
			rows[key] = row
		}
		add(row, amount, rec.Time)
	}
	return rows, nil
}

// arrayOverLog finds rows by the numbers that the archive gives to streams: it is for this one read model alone.
func arrayOverLog(ctx context.Context, log eventlog.Log) error {
	var rows [][len(currencies)]ledger.BalanceByCurrencyRow
	var m ledger.MoneyDeposited
	for rec, err := range log.Read(ctx, eventlog.Query{Lent: true}) {
		if err != nil {
			return err
		}
		amount, err := movement(rec.Type, rec.Data, &m)
		if err != nil {
			return err
		}
		for int(rec.StreamNumber) >= len(rows) {
			rows = append(rows, [len(currencies)]ledger.BalanceByCurrencyRow{})
		}
		for i, c := range currencies {
			if c == m.Money.Currency {
				add(&rows[rec.StreamNumber][i], amount, rec.Time)
			}
		}
	}
	return nil
}
