package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/elastic"
	"github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/sink/redis"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// stores says in which stores each read model is kept: lists, the first of which answers queries. What is empty is sqlite.
type stores struct{ balances, totals, movements, accounts string }

func (s *stores) flags(f *flag.FlagSet) {
	f.StringVar(&s.balances, "balances", "", "`stores` of the balances, separated by commas, of which the first answers "+
		"queries: sqlite, postgres, redis, elastic, or the address of one: postgres://…, redis://…, http://… (default sqlite)")
	f.StringVar(&s.totals, "totals", "", "`stores` of the totals per currency; with --log postgres also materialized, "+
		"a view that the database computes beside the log (default sqlite)")
	f.StringVar(&s.movements, "movements", "", "`stores` of the recent movements; the demo starts a Redis (default sqlite)")
	f.StringVar(&s.accounts, "accounts", "", "`stores` of the list of accounts (default sqlite)")
}

func (s *stores) args() []string {
	return []string{"--balances", s.balances, "--totals", s.totals, "--movements", s.movements, "--accounts", s.accounts}
}

// of returns the stores of each projection, as they were named.
func (s *stores) of() map[string][]string {
	list := func(names string) []string { return strings.Split(cmp.Or(names, "sqlite"), ",") }
	return map[string][]string{
		"BalanceByCurrency": list(s.balances), "CurrencyTotals": list(s.totals),
		"RecentMovements": list(s.movements), "Accounts": list(s.accounts),
	}
}

// rows are all stores of read models, each opened once.
type rows struct {
	*readmodel.Sinks
	opened []io.Closer
}

// openRows opens the stores of the read models, all of which could be deleted at any time.
func (p *place) openRows(ctx context.Context) (*rows, error) {
	r := &rows{Sinks: &readmodel.Sinks{Of: map[string][]readmodel.Store{}}}
	named := map[string]readmodel.Store{}
	of := p.of()
	for _, projection := range slices.Sorted(maps.Keys(of)) {
		if err := checkStores(projection, of[projection]); err != nil {
			return nil, errors.Join(err, r.Close())
		}
		for _, name := range of[projection] {
			if named[name] == nil {
				store, err := p.openStore(ctx, name)
				if err != nil { // with which store may be a pointer to nothing
					return nil, errors.Join(err, r.Close())
				}
				named[name], r.opened = store, append(r.opened, store)
			}
			r.Of[projection] = append(r.Of[projection], named[name])
		}
	}
	return r, nil
}

// checkStores refuses stores that can't keep a projection, before anything runs that would go on without it.
func checkStores(projection string, names []string) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("%s is to be kept in %s twice: name each store once", projection, name)
		}
		if name == "materialized" && projection != "CurrencyTotals" {
			return fmt.Errorf("%s can't be a materialized view: a projection that PostgreSQL can compute says "+
				"`materialized: true`, as CurrencyTotals does", projection)
		}
	}
	return nil
}

// rowStore is a store that can be closed.
type rowStore interface {
	readmodel.Store
	io.Closer
}

// logSchema is the PostgreSQL schema that has the log.
const logSchema = "eventlog"

// openStore opens a store by its kind, with the address that the environment has for it, or by its address.
func (p *place) openStore(ctx context.Context, name string) (rowStore, error) {
	kind, _, address := strings.Cut(name, ":")
	url, err := name, error(nil)
	if !address {
		url, err = p.address(kind)
	}
	if err != nil {
		return nil, err
	}
	switch kind {
	case "sqlite":
		if err := p.makeFolder(); err != nil {
			return nil, err
		}
		return sqlite.Open(ctx, filepath.Join(p.folder(), "readmodels-"+p.engine+".db"))
	case "postgres", "postgresql":
		return postgres.Open(ctx, url, postgres.Migrate())
	case "materialized":
		return postgres.Open(ctx, url, postgres.Migrate(), postgres.Materialized(logSchema))
	case "redis", "rediss":
		return redis.Open(ctx, url)
	case "elastic", "http", "https":
		return elastic.Open(ctx, url)
	}
	return nil, fmt.Errorf("there is no store %q: it is sqlite, postgres, redis or elastic, or the address of one; "+
		"for totals also materialized", name)
}

// address returns where the server of a kind of store is, of those that have one.
func (p *place) address(kind string) (string, error) {
	switch kind {
	case "postgres":
		return p.database()
	case "materialized":
		if p.engine != "postgres" {
			return "", fmt.Errorf("materialized views are computed from a log in PostgreSQL: they need --log postgres, not %s",
				p.engine)
		}
		return p.database()
	case "redis":
		return environment("REDIS_URL", "redis://host:6379 in place of redis")
	case "elastic":
		return environment("ELASTICSEARCH_URL", "http://host:9200 in place of elastic")
	}
	return "", nil
}

// Close closes the stores.
func (r *rows) Close() error {
	var err error
	for _, s := range r.opened {
		err = errors.Join(err, s.Close())
	}
	return err
}
