package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// commands measures durable commands: load, decide, append, synced to disk. The limit is a plain file to which callers
// append as many bytes, and share syncs. Both take turns, so that a disk whose speed drifts treats them alike.
func commands(ctx context.Context, each time.Duration) error {
	fmt.Printf("\nDurable commands per second, against appends of the same bytes to a plain file with group commit\n")
	fmt.Printf("  %-8s %12s %12s %8s\n", "callers", "commands/s", "file/s", "ratio")
	return inTemp(func(dir string) (err error) {
		log, err := embedded.Open(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		app, err := ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{})
		if err != nil {
			return err
		}
		defer app.Close()
		file, err := openFile(filepath.Join(dir, "plain"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.close()) }()
		if err := openAccounts(ctx, app); err != nil {
			return err
		}
		for _, callers := range []int{1, 16, 128} {
			if err := compare(ctx, app, file, callers, each); err != nil {
				return err
			}
		}
		return nil
	})
}

const accounts = 1_000

func accountID(n int) ledger.AccountID { return ledger.AccountID(fmt.Sprintf("acc-%d", n%accounts)) }

func openAccounts(ctx context.Context, app *ledger.App) error {
	for n := range accounts {
		if _, err := app.Account.OpenAccount(ctx, accountID(n), ledger.OpenAccount{Owner: "Ada"}); err != nil {
			return err
		}
	}
	return nil
}

const rounds = 3

// recordBytes is what a log keeps of such an event: payload, stream, type, times and ids.
const recordBytes = 180

func compare(ctx context.Context, app *ledger.App, file *plainFile, callers int, each time.Duration) error {
	deposit := ledger.Deposit{Money: ledger.Money{Amount: 12_345, Currency: ledger.CurrencyEUR}, Reference: cqrs.Some("invoice 4711")}
	record := make([]byte, recordBytes)
	var ours, limit float64
	for range rounds {
		rate, err := drive(callers, each/rounds, func(n int) error {
			_, err := app.Account.Deposit(ctx, accountID(n), deposit)
			return err
		})
		if err != nil {
			return err
		}
		ours += rate / rounds
		if rate, err = drive(callers, each/rounds, func(int) error { return file.append(record) }); err != nil {
			return err
		}
		limit += rate / rounds
	}
	fmt.Printf("  %-8d %12.0f %12.0f %7.1fx\n", callers, ours, limit, limit/ours)
	return nil
}

// drive calls f from many callers for a while and returns the calls per second.
func drive(callers int, d time.Duration, f func(n int) error) (float64, error) {
	var calls atomic.Int64
	return driveEach(callers, d, func(int) func() error {
		return func() error { return f(int(calls.Add(1))) }
	})
}

// caller returns what one of several callers does over and over.
type caller func(n int) func() error

// driveEach lets callers do what is theirs for a while and returns how often per second they did.
func driveEach(callers int, d time.Duration, each caller) (float64, error) {
	calls, failures := make([]int64, callers), make([]error, callers)
	began := time.Now()
	var wg sync.WaitGroup
	for c := range callers {
		call := each(c)
		wg.Go(func() {
			n := int64(0)
			for ; time.Since(began) < d && failures[c] == nil; n++ {
				failures[c] = call()
			}
			calls[c] = n
		})
	}
	wg.Wait()
	total := int64(0)
	for _, n := range calls {
		total += n
	}
	return float64(total) / time.Since(began).Seconds(), errors.Join(failures...)
}

// plainFile is the least that a durable append can be: bytes behind bytes, one sync for all that wait.
type plainFile struct {
	file  *os.File
	queue chan request
	done  chan error
}

type request struct {
	data []byte
	ack  chan error
}

func openFile(path string) (*plainFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	p := &plainFile{file: f, queue: make(chan request, 1024), done: make(chan error, 1)}
	go p.run()
	return p, nil
}

func (p *plainFile) append(data []byte) error {
	r := request{data, make(chan error, 1)}
	p.queue <- r
	return <-r.ack
}

func (p *plainFile) close() error {
	close(p.queue)
	return <-p.done
}

func (p *plainFile) run() {
	var buf []byte
	var waiting []request
	for r := range p.queue {
		buf, waiting = append(buf[:0], r.data...), append(waiting[:0], r)
		for more := true; more; {
			select {
			case r, ok := <-p.queue:
				if more = ok; ok {
					buf, waiting = append(buf, r.data...), append(waiting, r)
				}
			default:
				more = false
			}
		}
		_, err := p.file.Write(buf)
		if err == nil {
			err = datasync(p.file)
		}
		for _, r := range waiting {
			r.ack <- err
		}
	}
	p.done <- p.file.Close()
}
