// Package jetstream is the event log, and the snapshot store, on NATS JetStream, version 2.12.1 and later, with three
// replicas: the engine of services that already run on NATS.
//
// # Commits
//
// A commit to one stream is one message that holds all of its events; a commit to several streams is an atomic batch.
// Each message names the sequence that its stream's last message must have, so that the server refuses whatever was
// decided on an old state. Positions rise but have gaps: they are the message's sequence, shifted, plus the event's
// place in it.
//
// A publish without an answer, or with an ambiguous one, is never taken for anything: the log looks, at the leader, for
// the commit, and publishes it again only where the server refuses it if the first one was stored after all.
//
// # Durability
//
// Append returns after a majority of the servers stored the commit. Whether "stored" means synced to disk is a setting
// of the servers, which a client can't read: sync_interval must be "always". Without that a loss of power of several
// servers at once loses what was acknowledged.
//
// The settings that a client can read are looked at when the log is opened, and by the first append after the connection
// was lost and made again: while one is not safe nothing is acknowledged, and appends fail with a *SettingError.
//
// # Reading
//
// Reads are served by all replicas, and end at the head that the leader tells. While a leader is being replaced, the old
// one may for moments tell a head that is behind what other processes appended, never behind what this one appended or
// read. What was read is a prefix in any case, and an append that relies on it is refused if it is not the end.
//
// # Idempotency
//
// A repeated command is recognised for the time of DuplicateWindow, ten minutes unless the log was created with
// another.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
	"github.com/nats-io/nats.go"
)

// Log is an event log on JetStream. It is safe for concurrent use.
type Log struct {
	options options
	names   names
	conn    *conn
	ends    *ends
	news    *news
	counts  counts
	looked  looked
	safety  *safety
	// batches bounds the atomic batches that are open at a time, of which a server takes 50 per stream.
	batches chan struct{}

	mu     sync.RWMutex // held for reading by who begins to append
	closed bool
	// appends are under way, and end before the log does.
	appends sync.WaitGroup
	closing sync.Once
}

var (
	_ eventlog.Log      = (*Log)(nil)
	_ eventlog.Transfer = (*Log)(nil)
	_ snapshot.Store    = (*Log)(nil)
)

type options struct {
	migrate    bool
	readBuffer int
	replicas   int
	duplicates time.Duration
	connection []nats.Option
}

// Option is an option of Open.
type Option func(*options)

func newOptions(all []Option) options {
	o := options{readBuffer: 8 << 20, replicas: 3, duplicates: 10 * time.Minute}
	for _, set := range all {
		set(&o)
	}
	return o
}

// Migrate creates the streams of JetStream that the log is stored in, unless they are there.
func Migrate() Option { return func(o *options) { o.migrate = true } }

// ReadBuffer bounds, in bytes, what one iteration holds in memory: 8 MiB unless said otherwise. One commit always fits.
func ReadBuffer(bytes int) Option { return func(o *options) { o.readBuffer = max(1, bytes) } }

// Replicas is how many servers store the log: 3 unless said otherwise, and 5 for clusters of that size. With 1, which is
// for development, the loss of a server is the loss of the log.
func Replicas(n int) Option { return func(o *options) { o.replicas = n } }

// DuplicateWindow is how long a command id is remembered from the commit on: 10 minutes unless said otherwise, and at
// least MinDuplicateWindow, or Open fails with a *DuplicateWindowError. The servers keep each id in memory for that long,
// in about 200 bytes. All who open a log must agree on it.
func DuplicateWindow(d time.Duration) Option { return func(o *options) { o.duplicates = d } }

// MinDuplicateWindow is the shortest DuplicateWindow. An append may be tried for half a minute, and its last try must
// still find what the first one stored.
const MinDuplicateWindow = time.Minute

// DuplicateWindowError says that a command id would be forgotten while the command may still be tried again.
type DuplicateWindowError struct{ Window time.Duration }

func (e *DuplicateWindowError) Error() string {
	return fmt.Sprintf("a duplicate window of %v is shorter than an append may be tried: give jetstream.DuplicateWindow "+
		"at least %v", e.Window, MinDuplicateWindow)
}

// check reports what can't be asked for.
func (o *options) check() error {
	if o.duplicates < MinDuplicateWindow {
		return &DuplicateWindowError{Window: o.duplicates}
	}
	return nil
}

// Connection adds options of the NATS connection, such as nats.UserCredentials or nats.RootCAs.
func Connection(with ...nats.Option) Option {
	return func(o *options) { o.connection = append(o.connection, with...) }
}

// Open opens the log at an address such as nats://a:4222,nats://b:4222/ledger: servers of a cluster, and the name of the
// log, which is "events" if there is none. The end of ctx ends the opening; it has no effect on the log afterwards.
//
// Errors: *MissingStreamError for a log that was not created, see Migrate; *SettingError for settings of a stream, or of
// a server, that are not safe; *VersionError for an old server; *DuplicateWindowError for an option;
// eventlog.ErrUnavailable if no server can be reached; otherwise those of the connection.
func Open(ctx context.Context, url string, opts ...Option) (*Log, error) {
	servers, name, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := newOptions(opts)
	if err := o.check(); err != nil {
		return nil, err
	}
	c, err := dial(servers, o.connection)
	if err != nil {
		return nil, err
	}
	l := newLog(c, o, name)
	if err := l.start(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func newLog(c *conn, o options, name string) *Log {
	l := &Log{
		options: o, names: names{name}, conn: c, ends: newEnds(1 << 17), batches: make(chan struct{}, 16),
		counts: counts{turn: make(chan struct{}, 1)}, safety: newSafety(),
	}
	l.news = newNews(l)
	return l
}

// start checks what the log relies on.
func (l *Log) start(ctx context.Context) error {
	nc := l.conn.nc
	if err := checkVersion(nc.ConnectedServerName(), nc.ConnectedServerVersion()); err != nil {
		return err
	}
	if err := l.checkPayload(); err != nil {
		return err
	}
	if err := l.prepare(ctx, l.options.logConfig(l.names)); err != nil {
		return err
	}
	if err := l.prepare(ctx, l.options.snapshotConfig(l.names)); err != nil {
		return err
	}
	return l.news.start()
}

// checkPayload reports a server that takes no message of the size of an event.
func (l *Log) checkPayload() error {
	has := l.conn.nc.MaxPayload()
	if has >= minPayload {
		return nil
	}
	return &SettingError{
		Setting: "max_payload", Has: fmt.Sprint(has), Wants: fmt.Sprintf("at least %d, better 8MB", minPayload),
	}
}

// parseURL separates the servers' addresses from the name of the log.
func parseURL(address string) (servers, name string, err error) {
	all := strings.Split(address, ",")
	name = "events"
	for i, s := range all {
		s = strings.TrimSpace(s)
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			return "", "", fmt.Errorf("%.80q is not the address of a NATS server, such as nats://host:4222/ledger", all[i])
		}
		if path := strings.Trim(u.Path, "/"); path != "" {
			name = path
		}
		u.Path = ""
		all[i] = u.String()
	}
	return strings.Join(all, ","), name, checkName(name)
}

// Close waits until the commits that were handed in are stored, wakes whoever waits for news, and closes the
// connection. Every later call fails with cqrs.ErrClosed, and so does an iteration that needs more. Closing twice is
// harmless.
func (l *Log) Close() error {
	l.closing.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		l.appends.Wait()
		close(l.conn.done)
		l.news.close()
		l.conn.nc.Close()
	})
	return nil
}

// enter lets an append begin, which then calls l.appends.Done.
func (l *Log) enter(ctx context.Context) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return cqrs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l.appends.Add(1)
	return nil
}

// usable reports what speaks against answering.
func (l *Log) usable(ctx context.Context) error {
	select {
	case <-l.conn.done:
		return cqrs.ErrClosed
	default:
		return ctx.Err()
	}
}
