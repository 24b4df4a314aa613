// Command ledger is the example service: accounts that hold money in several currencies.
//
//	ledger demo [--data DIR] [--events N]      show everything, in less than a minute
//	ledger load --data DIR [--events N]        write random movements, and print each that was acknowledged
//	ledger balances --data DIR ACCOUNT         print what an account holds
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
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
	flags := flag.NewFlagSet("ledger "+command, flag.ContinueOnError)
	data := flags.String("data", "", "folder of the log and the read models; the demo keeps it if it is given")
	events := flags.Int("events", 200_000, "number of movements to write")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	switch {
	case command == "demo" && flags.NArg() == 0:
		return demo(ctx, *data, *events)
	case command == "load" && *data != "" && flags.NArg() == 0:
		return load(ctx, *data, *events, os.Stdout)
	case command == "balances" && *data != "" && flags.NArg() == 1:
		return balances(ctx, *data, ledger.AccountID(flags.Arg(0)))
	}
	fmt.Fprint(os.Stderr, "usage: ledger demo [--data DIR] [--events N]\n"+
		"       ledger load --data DIR [--events N]\n       ledger balances --data DIR ACCOUNT\n")
	return errUsage
}

// service is the ledger over its two files: the log, and the read models, which could be deleted at any time.
type service struct {
	*ledger.App
	log  *embedded.Log
	rows *sqlite.Store
}

func open(ctx context.Context, dir string) (*service, error) {
	log, err := embedded.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	rows, err := sqlite.Open(ctx, filepath.Join(dir, "readmodels.db"))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	app, err := ledger.New(ctx, log, rows, ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return nil, errors.Join(err, rows.Close(), log.Close())
	}
	return &service{app, log, rows}, nil
}

func (s *service) Close() error {
	s.App.Close()
	return errors.Join(s.rows.Close(), s.log.Close())
}

// balances prints what an account holds, whether or not another process is writing.
func balances(ctx context.Context, dir string, account ledger.AccountID) error {
	s, err := open(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(s.printBalances(ctx, account, 0), s.Close())
}
