// Command ledger is the example service: accounts that hold money in several currencies.
//
//	ledger demo [--events N]         show everything, in less than a minute
//	ledger load [--events N]         write random movements, and print each that was acknowledged
//	ledger run [--publish ADDRESS]   keep the read models up to date until it is told to end, and publish the events
//	ledger balances ACCOUNT          print what an account holds
//	ledger movements ACCOUNT         print the last movements of an account
//	ledger accounts WORDS            print the accounts whose owner's name has the words
//	ledger totals                    print what all accounts hold together
//	ledger log …, snapshots …, projections …    operate the event log and the read models: ledger log help
//
// Each takes --log embedded, postgres or jetstream, which says where the events are, and for each read model a flag that
// says in which stores it is kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/admin"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if admin.Knows(os.Args[1:]) {
		os.Exit(operate(ctx, os.Args[1:]))
	}
	switch err := command(ctx, os.Args[1:]); {
	case err == nil:
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func command(ctx context.Context, args []string) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	var at place
	flags := flag.NewFlagSet("ledger "+name, flag.ContinueOnError)
	at.flags(flags)
	events := flags.Int("events", 200_000, "demo, load: `number` of movements to write")
	publish := flags.String("publish", "", "run: `address` that the events are published to: nats://host:4222/subject")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	for _, word := range flags.Args() {
		if strings.HasPrefix(word, "--") {
			return fmt.Errorf("flags come before the other words: ledger %s %s … %s", name, word, flags.Arg(0))
		}
	}
	at.begins = name == "demo" || name == "load" || name == "run"
	if name == "accounts" && flags.NArg() > 0 {
		return accounts(ctx, at, strings.Join(flags.Args(), " "))
	}
	switch fmt.Sprint(name, " ", flags.NArg()) {
	case "demo 0":
		return demo(ctx, at, *events)
	case "load 0":
		return load(ctx, at, *events, os.Stdout)
	case "run 0":
		return run(ctx, at, *publish)
	case "balances 1":
		return balances(ctx, at, ledger.AccountID(flags.Arg(0)))
	case "movements 1":
		return movements(ctx, at, ledger.AccountID(flags.Arg(0)))
	case "totals 0":
		return totals(ctx, at)
	}
	fmt.Fprint(os.Stderr, "usage: ledger demo [--events N]\n       ledger load [--events N]\n       ledger run [--publish ADDRESS]\n"+
		"       ledger balances ACCOUNT\n       ledger movements ACCOUNT\n       ledger accounts WORDS\n       ledger totals\n"+
		"       ledger log …, ledger snapshots …, ledger projections …: ledger log help\n\nflags of all of them:\n")
	flags.PrintDefaults()
	return errUsage
}

// operate runs a command of package admin.
func operate(ctx context.Context, args []string) int {
	at := place{begins: len(args) > 1 && (args[1] == "import" || args[1] == "migrate")}
	return admin.Run(ctx, args, admin.Service{
		Name:  "ledger",
		Flags: at.flags,
		Open:  at.openLog,
		Rows:  func(ctx context.Context) (admin.Rows, error) { return at.openRows(ctx) },
		App: func(ctx context.Context, log admin.Store, rows readmodel.Store) (admin.App, error) {
			return ledger.New(ctx, log, rows, ledger.Deciders{}, ledger.Projections{})
		},
		DDL:     at.ddl,
		Migrate: at.migrate,
	})
}
