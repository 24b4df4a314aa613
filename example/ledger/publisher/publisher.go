// Package publisher publishes the ledger's events to NATS: each to a stream of JetStream, once, in the order of its
// account.
package publisher

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// Events are the wire names of what is published.
var Events = []string{
	new(ledger.AccountOpened).EventType(), new(ledger.MoneyDeposited).EventType(), new(ledger.MoneyWithdrawn).EventType(),
}

// The headers of a message, as ledger.asyncapi.json has them, besides Nats-Msg-Id, which is the event's key: a stream takes a message twice only if more
// than its duplicate window lies between.
const (
	StreamHeader       = "Ledger-Stream"
	VersionHeader      = "Ledger-Version"
	EventVersionHeader = "Ledger-Event-Version"
	TimeHeader         = "Ledger-Time"
)

// duplicates is how long the stream remembers keys.
const duplicates = time.Hour

// Publisher publishes events. It is safe for concurrent use.
type Publisher struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	subject string
}

// Connect connects to nats://host:4222/subject, and creates the stream that keeps what is published below the subject,
// subject.MoneyDeposited for example, if there is none.
func Connect(ctx context.Context, address string) (*Publisher, error) {
	servers, subject, err := split(address)
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect(servers, nats.MaxReconnects(-1))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", servers, err)
	}
	p := &Publisher{conn: conn, subject: subject}
	if p.js, err = jetstream.New(conn); err == nil {
		_, err = p.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: strings.ReplaceAll(subject, ".", "_"), Subjects: []string{subject + ".>"}, Duplicates: duplicates,
		})
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		conn.Close()
		return nil, fmt.Errorf("create the stream of %s: %w", subject, err)
	}
	return p, nil
}

// split takes the subject from the end of an address of one or more servers.
func split(address string) (servers, subject string, err error) {
	u, err := url.Parse(address)
	if subject = strings.Trim(address[strings.LastIndex(address, "/")+1:], "/"); err != nil || u.Path == "" || subject == "" {
		return "", "", fmt.Errorf("%q is not nats://host:4222/subject", address)
	}
	return strings.TrimSuffix(address, "/"+subject), subject, nil
}

// Close closes the connection.
func (p *Publisher) Close() { p.conn.Close() }

// Subscription returns what publishes every event of the log, from its beginning.
func (p *Publisher) Subscription(log eventlog.Log, store subscription.Store, opts ...subscription.Option) *subscription.Subscription {
	return subscription.New(log, store, subscription.Definition{
		Name: "publish to " + p.subject, Start: subscription.Beginning, Events: Events, Handle: p.publish,
	}, opts...)
}

// publish waits for the stream's answer: the next event of the account follows only then.
func (p *Publisher) publish(ctx context.Context, d *subscription.Delivery) error {
	r := &d.Record
	m := nats.NewMsg(p.subject + "." + r.Type)
	m.Data = r.Data
	m.Header.Set(nats.MsgIdHdr, d.Key())
	m.Header.Set(StreamHeader, r.Stream.String())
	m.Header.Set(VersionHeader, strconv.FormatInt(int64(r.Version), 10))
	m.Header.Set(EventVersionHeader, strconv.Itoa(r.SchemaVersion))
	m.Header.Set(TimeHeader, r.Time.Format(time.RFC3339Nano))
	_, err := p.js.PublishMsg(ctx, m)
	var refused *jetstream.APIError
	if err == nil || errors.As(err, &refused) || errors.Is(err, nats.ErrMaxPayload) {
		return err
	}
	return fmt.Errorf("%w: %w", subscription.ErrAway, err)
}
