package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/admin"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// place is where a ledger is kept.
type place struct {
	engine string // that of the log
	data   string // folder of the read models and, on the engine embedded, of the log
}

func (p *place) flags(f *flag.FlagSet) {
	f.StringVar(&p.engine, "log", "embedded", "`engine` of the event log: embedded, postgres or jetstream")
	f.StringVar(&p.data, "data", "", "`folder` of the read models and of the embedded log; the demo keeps it if it is given (default data)")
}

// args are the flags that lead another process to the same place.
func (p *place) args() []string {
	return []string{"--log", p.engine, "--data", p.folder()}
}

// folder returns the folder, which has a default except for the demo.
func (p *place) folder() string {
	if p.data == "" {
		return "data"
	}
	return p.data
}

// openLog opens the event log alone.
func (p *place) openLog(ctx context.Context) (admin.Store, error) {
	switch p.engine {
	case "embedded":
		return embedded.Open(ctx, p.folder())
	}
	return nil, fmt.Errorf("there is no engine %q: it is embedded, postgres or jetstream", p.engine)
}

// service is the ledger over its log and its read models, which could be deleted at any time.
type service struct {
	*ledger.App
	log  admin.Store
	rows *sqlite.Store
	// remote says that the log is on a server, which may go away for a while.
	remote bool
}

func open(ctx context.Context, at place) (*service, error) {
	log, err := at.openLog(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := sqlite.Open(ctx, filepath.Join(at.folder(), "readmodels-"+at.engine+".db"))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	app, err := ledger.New(ctx, log, rows, ledger.Deciders{}, ledger.Projections{})
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
