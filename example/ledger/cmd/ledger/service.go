package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/admin"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
)

// place is where a ledger is kept.
type place struct {
	engine string // that of the log
	data   string // folder of the read models and, on the engine embedded, of the log
	dsn    string // address of the database that has the log, on the engine postgres
	url    string // addresses of the servers that have the log, on the engine jetstream
	stores        // of the read models
	// begins says that the command may begin a log where there is none.
	begins bool
}

func (p *place) flags(f *flag.FlagSet) {
	f.StringVar(&p.engine, "log", "embedded", "`engine` of the event log: embedded, postgres or jetstream")
	f.StringVar(&p.data, "data", "", "`folder` of the read models and of the embedded log; the demo keeps it if it is given (default data)")
	f.StringVar(&p.dsn, "dsn", "", "`address` of the database of what is in postgres, the log or read models; the demo starts a server if there is none (default $DATABASE_URL)")
	f.StringVar(&p.url, "url", "", "`addresses` of the servers, with --log jetstream; the demo starts three if there are none (default $NATS_URL)")
	p.stores.flags(f)
}

// args are the flags that lead another process to the same place.
func (p *place) args() []string {
	return append([]string{"--log", p.engine, "--data", p.folder(), "--dsn", p.dsn, "--url", p.url}, p.stores.args()...)
}

// folder returns the folder, which has a default except for the demo.
func (p *place) folder() string {
	if p.data == "" {
		return "data"
	}
	return p.data
}

// makeFolder creates the folder where there is none.
func (p *place) makeFolder() error { return os.MkdirAll(p.folder(), 0o755) }

// openLog opens the event log alone.
func (p *place) openLog(ctx context.Context) (admin.Store, error) {
	switch p.engine {
	case "embedded":
		if err := p.mustExist(); err != nil {
			return nil, err
		}
		return embedded.Open(ctx, p.folder())
	case "postgres":
		address, err := p.database()
		if err != nil {
			return nil, err
		}
		return postgres.Open(ctx, address)
	case "jetstream":
		return jetstream.Open(ctx, p.servers())
	}
	return nil, fmt.Errorf("there is no engine %q: it is embedded, postgres or jetstream", p.engine)
}

// mustExist refuses a folder without a log, unless the command may begin one: its name is likely to be mistyped, and what
// only reads would answer from a log that is empty and new.
func (p *place) mustExist() error {
	if p.begins {
		return nil
	}
	_, err := os.Stat(filepath.Join(p.folder(), logFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("there is no log in the folder %s: --data names another one, and `ledger load` or `ledger log import` "+
		"begins one", p.folder())
}

// logFile is the file of the embedded log.
const logFile = "log.db"

// database returns the address of the database.
func (p *place) database() (string, error) {
	if p.dsn != "" {
		return p.dsn, nil
	}
	return environment("DATABASE_URL", "--dsn postgres://user@host/database")
}

// environment returns the address that a variable has. Where it has none, a driver would look somewhere by itself.
func environment(variable, otherwise string) (string, error) {
	if address := os.Getenv(variable); address != "" {
		return address, nil
	}
	return "", fmt.Errorf("the variable %s is not set: it says where the server is, as %s does", variable, otherwise)
}

// servers returns the addresses of the NATS servers.
func (p *place) servers() string {
	return cmp.Or(p.url, os.Getenv("NATS_URL"), "nats://127.0.0.1:4222/ledger")
}

// migrate creates what the log is stored in, or brings it up to date.
func (p *place) migrate(ctx context.Context) error {
	var log admin.Store
	var err error
	switch p.engine {
	case "postgres":
		var address string
		if address, err = p.database(); err == nil {
			log, err = postgres.Open(ctx, address, postgres.Migrate())
		}
	case "jetstream":
		log, err = jetstream.Open(ctx, p.servers(), jetstream.Migrate())
	default:
		log, err = embedded.Open(ctx, p.folder(), embedded.Migrate())
	}
	if err != nil {
		return err
	}
	return log.Close()
}

// ddl returns what migrate creates.
func (p *place) ddl() (string, error) {
	switch p.engine {
	case "postgres":
		return postgres.DDL(), nil
	case "jetstream":
		configs, err := jetstream.StreamConfigs(p.servers())
		if err != nil {
			return "", err
		}
		text, err := json.MarshalIndent(configs, "", "  ")
		return string(text) + "\n", err
	}
	return embedded.DDL(), nil
}

// service is the ledger over its log and its read models, which could be deleted at any time.
type service struct {
	*ledger.App
	log  admin.Store
	rows *rows
	// remote says that the log is on a server, which may go away for a while.
	remote bool
}

func open(ctx context.Context, at place, opts ...aggregate.Option) (*service, error) {
	log, err := at.openLog(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := at.openRows(ctx)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	app, err := ledger.New(ctx, log, rows, ledger.Deciders{}, ledger.Projections{}, opts...)
	if err != nil {
		return nil, errors.Join(err, rows.Close(), log.Close())
	}
	return &service{app, log, rows, at.engine != "embedded"}, nil
}

// mustBeEmpty refuses a log that has events.
func (s *service) mustBeEmpty(ctx context.Context) error {
	switch head, err := s.log.Head(ctx); {
	case err != nil:
		return err
	case head > 0:
		return errors.New("the log holds events already: the demo wants an empty one")
	}
	return nil
}

func (s *service) Close() error {
	s.App.Close()
	return errors.Join(s.rows.Close(), s.log.Close())
}
