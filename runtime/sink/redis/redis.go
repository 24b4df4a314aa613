// Package redis keeps read models in a Redis server: a hash for each row, and sorted sets for the order of the keys and
// for each index, that other programs read with plain commands.
//
// What a generation of a read model consists of begins with a prefix, "cqrs:" unless the address has another one, the
// projection and the fingerprint. Of the generation 0123456789abcdef of BalanceByCurrency:
//
//	cqrs:BalanceByCurrency:active                                   the fingerprint of the active generation
//	cqrs:BalanceByCurrency:0123456789abcdef                         a hash: position, built, schema, lease
//	cqrs:BalanceByCurrency:0123456789abcdef:row:acc-1:EUR           a hash: the fields of a row, and of its key
//	cqrs:BalanceByCurrency:0123456789abcdef:keys                    a sorted set of all rows, by their keys
//	cqrs:BalanceByCurrency:0123456789abcdef:index:currency,balance  a sorted set of all rows, by an index
//
// Fields are written as people write them:
//
//	bool                      0 or 1
//	int64, uint64, float64    decimal; a float64 as short as possible
//	string, bytes, json       as they are
//	time                      2026-03-01T10:00:00.000000Z
//	duration                  nanoseconds
//	date                      2026-03-01, and empty for the zero date
//	uuid                      in lower case
//	decimal                   12.5
//
// A field that is null is not there. The fields that begin with @ are the sink's own: @position is the position of the
// last event that was folded into the row.
//
// Rows, index entries and checkpoint change in one step, a script; while a generation is being built, in several, of
// which the last one moves the checkpoint. What Redis has no language for, conditions on rows and orders without an
// index, is answered here, from all rows of the range.
//
// A server that lost its last second has an older checkpoint with the rows that belong to it, and the projector goes on
// from there. A server that may evict rows, a replica and a cluster are refused.
package redis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Store implements readmodel.Store. It is safe for concurrent use, also by several processes on one server.
type Store struct {
	readmodel.Signal

	client *redis.Client
	// patient is the same client, for batches: what the server does in one step may take it long.
	patient *redis.Client
	prefix  string
	// usable says that the server's settings were looked at since the last connection was made.
	usable atomic.Bool
	closed atomic.Bool
	// mostChanges is how many changes one part of a batch has at most. Tests have fewer.
	mostChanges int

	mu      sync.Mutex
	signals map[string]*readmodel.Signal
}

// Open returns a store on the server at an address: redis://user:password@host:6379/0, rediss:// for TLS, or
// unix:///path. The parameters are those of go-redis, pool_size for example, and prefix, which is what all keys begin
// with. Several services share a server by having other prefixes.
//
// A server that can't keep read models is a *SettingError. One that is away is none: the calls of the store fail with
// readmodel.ErrUnavailable until it is there.
func Open(ctx context.Context, address string) (*Store, error) {
	o, prefix, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("open read models in Redis: %w", err)
	}
	s := &Store{prefix: prefix, signals: map[string]*readmodel.Signal{}, mostChanges: mostChanges}
	o.OnConnect = func(context.Context, *redis.Conn) error {
		s.usable.Store(false) // it may have been started with other settings, or be another one
		return nil
	}
	s.client = redis.NewClient(o)
	s.patient = s.client.WithTimeout(max(batchWait, o.ReadTimeout))
	if err := s.check(ctx); err != nil && !errors.Is(err, readmodel.ErrUnavailable) {
		return nil, errors.Join(fmt.Errorf("open read models in Redis at %s: %w", o.Addr, err), s.Close())
	}
	return s, nil
}

// The longest that a call waits for the server, unless its context ends before.
const (
	dialWait  = 5 * time.Second
	readWait  = 10 * time.Second
	batchWait = 2 * time.Minute
)

func parse(address string) (*redis.Options, string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", errors.New("the address is not a URL: redis://user:password@host:6379/0") // which may have a password
	}
	prefix := "cqrs:"
	query := u.Query()
	if query.Has("prefix") {
		prefix = query.Get("prefix")
		query.Del("prefix")
		u.RawQuery = query.Encode()
	}
	o, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, "", err
	}
	// A call that is sent again could be one that was done: who called decides. Deadlines are those of contexts.
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ContextTimeoutEnabled = true
	o.Protocol = 2
	o.DisableIdentity = true
	if o.DialTimeout == 0 {
		o.DialTimeout = dialWait
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = readWait
	}
	return o, prefix, nil
}

// Close closes all connections. Every later call fails with cqrs.ErrClosed.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.client.Close()
}

// Name implements readmodel.Store.
func (s *Store) Name() string { return "redis" }

// SettingError says that a server can't keep read models as it is set up.
type SettingError struct {
	// Setting is what the server calls it in INFO, Value what it is there, and Want what it has to be.
	Setting, Value, Want string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("this Redis server can't keep read models: its %s is %s, and has to be %s", e.Setting, e.Value, e.Want)
}

// check refuses a server that could lose single rows, or can't be written.
func (s *Store) check(ctx context.Context) error {
	if s.usable.Load() {
		return nil
	}
	text, err := call(ctx, func() (string, error) { return s.client.Info(ctx).Result() })
	if err != nil {
		return s.failed(ctx, err)
	}
	info := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		info[name] = value
	}
	refuse := func(setting, want string) error { return &SettingError{setting, info[setting], want} }
	switch {
	case info["redis_version"] != "" && !atLeast(info["redis_version"], 6, 2):
		return refuse("redis_version", "6.2 or later")
	case info["redis_mode"] == "cluster":
		return refuse("redis_mode", "standalone: the keys of a read model change together, and a cluster spreads them")
	case info["role"] == "slave":
		return refuse("role", "master: a replica takes no writes")
	case strings.HasPrefix(info["maxmemory_policy"], "allkeys-"):
		return refuse("maxmemory_policy", "noeviction: a read model of which rows are evicted is wrong, and nobody sees it")
	}
	s.usable.Store(true)
	return nil
}

func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	first, _ := strconv.Atoi(parts[0])
	second, _ := strconv.Atoi(parts[1])
	return first > major || first == major && second >= minor
}

// signal returns what wakes the readers of a generation in this process.
func (s *Store) signal(generation string) *readmodel.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signals[generation] == nil {
		s.signals[generation] = &readmodel.Signal{}
	}
	return s.signals[generation]
}

// errNoGeneration names a generation that is not there.
func errNoGeneration(projection, fingerprint string) error {
	return fmt.Errorf("read model %s: %w: %s", projection, readmodel.ErrNoGeneration, fingerprint)
}

var zeroCommit = commitText(cqrs.CommitID{})
