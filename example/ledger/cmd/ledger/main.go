// Command ledger is the example service: accounts that hold money in several currencies.
//
//	ledger demo [--events N]         show everything, in less than a minute
//	ledger load [--events N]         write random movements, and print each that was acknowledged
//	ledger balances ACCOUNT          print what an account holds
//	ledger log …, snapshots …        operate the event log: ledger log help
//
// Each takes --log embedded, postgres or jetstream, which says where the events are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/admin"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if admin.Knows(os.Args[1:]) {
		os.Exit(operate(ctx, os.Args[1:]))
	}
	switch err := run(ctx, os.Args[1:]); {
	case err == nil:
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	var at place
	flags := flag.NewFlagSet("ledger "+command, flag.ContinueOnError)
	at.flags(flags)
	events := flags.Int("events", 200_000, "number of movements to write")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	switch {
	case command == "demo" && flags.NArg() == 0:
		return demo(ctx, at, *events)
	case command == "load" && flags.NArg() == 0:
		return load(ctx, at, *events, os.Stdout)
	case command == "balances" && flags.NArg() == 1:
		return balances(ctx, at, ledger.AccountID(flags.Arg(0)))
	}
	fmt.Fprint(os.Stderr, "usage: ledger demo [--events N]\n       ledger load [--events N]\n       ledger balances ACCOUNT\n"+
		"       ledger log …, ledger snapshots …: ledger log help\n\nflags of all of them:\n")
	flags.PrintDefaults()
	return errUsage
}

// operate runs a command of package admin.
func operate(ctx context.Context, args []string) int {
	var at place
	return admin.Run(ctx, args, admin.Service{
		Name:  "ledger",
		Flags: at.flags,
		Open:  at.openLog,
		App: func(ctx context.Context, log admin.Store) (admin.App, error) {
			return ledger.New(ctx, log, memory.New(), ledger.Deciders{}, ledger.Projections{})
		},
		DDL:     at.ddl,
		Migrate: at.migrate,
	})
}

// balances prints what an account holds. Where another process keeps the balances up to date, they are as it has them.
func balances(ctx context.Context, at place, account ledger.AccountID) error {
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	if err = s.BalanceByCurrency.Projector().CatchUp(ctx); err == nil || errors.Is(err, readmodel.ErrFenced) {
		err = s.printBalances(ctx, account, 0)
	}
	return errors.Join(err, s.Close())
}
