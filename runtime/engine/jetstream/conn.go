package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
)

// How long the cluster may take. A leader that died is replaced within about ten seconds.
const (
	// answerTime is how long one request waits for its answer.
	answerTime = 4 * time.Second
	// patience is how long something is tried again.
	patience = 30 * time.Second
	// minPause and maxPause bound the pause between two tries.
	minPause = 2 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

var (
	// errNoAnswer says that a request was sent, or may have been, and that nobody answered.
	errNoAnswer = errors.New("no answer from the cluster")
	// errUnsent says that a request did not leave this process, or found nobody.
	errUnsent = errors.New("no connection to a server that leads")
)

// unavailable gives an error that passes its meaning, if nothing was stored.
func unavailable(err error) error {
	if passing(err) {
		return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
	}
	return err
}

// conn is the connection to the cluster. It gives each request its own place for answers.
type conn struct {
	nc *nats.Conn
	// done is closed when the log is.
	done chan struct{}
	// heard is when an answer arrived last, or another server was tried: nanoseconds since 1970.
	heard atomic.Int64

	mu sync.Mutex
	// lost is closed, and replaced, when the connection breaks: what was not answered by then never will be.
	lost    chan struct{}
	inbox   string // ends with a dot
	answers *nats.Subscription
	waiting map[string]chan *nats.Msg
	next    uint64
}

func dial(servers string, options []nats.Option) (*conn, error) {
	c := &conn{done: make(chan struct{}), lost: make(chan struct{}), waiting: make(map[string]chan *nats.Msg)}
	all := append([]nats.Option{
		nats.Name("cqrsgen"), nats.Timeout(5 * time.Second), nats.MaxReconnects(-1),
		nats.ReconnectWait(50 * time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2),
	}, options...)
	all = append(all,
		// A message that waits for a connection would be sent when nobody expects it any more.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { c.breakOff() }),
	)
	nc, err := nats.Connect(servers, all...)
	if err != nil {
		return nil, connecting(err)
	}
	c.nc, c.inbox = nc, nc.NewInbox()+"."
	if c.answers, err = nc.Subscribe(c.inbox+"*", c.deliver); err != nil {
		nc.Close()
		return nil, connecting(err)
	}
	// Nobody is to drop answers that this process itself asked for: how many there can be is bounded elsewhere.
	return c, c.answers.SetPendingLimits(-1, -1)
}

// connecting says why there is no connection.
func connecting(err error) error {
	if errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) {
		return fmt.Errorf("%w: connect to NATS: %w", eventlog.ErrUnavailable, err)
	}
	return fmt.Errorf("connect to NATS: %w", err)
}

func (c *conn) breakOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.lost)
	c.lost = make(chan struct{})
}

// deliver hands an answer to whoever waits for it. It is called by one goroutine.
func (c *conn) deliver(m *nats.Msg) {
	c.heard.Store(time.Now().UnixNano())
	c.mu.Lock()
	to := c.waiting[m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]]
	c.mu.Unlock()
	if to == nil {
		return
	}
	select {
	case to <- m:
	default: // more than was asked for; the asker will count
	}
}

// place is where the answers to one request arrive.
type place struct {
	reply   string
	token   string
	answers chan *nats.Msg
	// lost is closed when the connection breaks that the request went through.
	lost chan struct{}
}

// open makes a place with room for so many answers.
func (c *conn) open(room int) place {
	answers := make(chan *nats.Msg, room)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	token := strconv.FormatUint(c.next, 36)
	c.waiting[token] = answers
	return place{reply: c.inbox + token, token: token, answers: answers, lost: c.lost}
}

func (c *conn) close(p place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, p.token)
}

// answer waits for the next answer.
func (c *conn) answer(ctx context.Context, p place, timeout <-chan time.Time) (*nats.Msg, error) {
	select {
	case m := <-p.answers:
		return m, nil
	default:
	}
	select {
	case m := <-p.answers:
		return m, nil
	case <-p.lost:
		return nil, errNoAnswer
	case <-timeout:
		return nil, errNoAnswer
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, cqrs.ErrClosed
	}
}

// ask sends a request and waits for its one answer. The errors are errUnsent, errNoAnswer, ctx's and cqrs.ErrClosed.
func (c *conn) ask(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	p := c.open(1)
	defer c.close(p)
	m.Reply = p.reply
	if err := c.send(m); err != nil {
		return nil, err
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	a, err := c.answer(ctx, p, timer.C)
	if err != nil {
		return nil, err
	}
	if nobody(a) {
		return nil, errUnsent
	}
	return a, nil
}

// nobody reports whether the server says that nobody got a request.
func nobody(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// send hands a message to the connection.
func (c *conn) send(m *nats.Msg) error {
	err := c.nc.PublishMsg(m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return err
	case errors.Is(err, nats.ErrConnectionClosed):
		return cqrs.ErrClosed
	case errors.Is(err, nats.ErrReconnectBufExceeded):
		return errUnsent
	}
	return fmt.Errorf("%w: %w", errNoAnswer, err)
}

// pause waits before the nth next try, from 0. A server that does not answer at all is left for another one.
func (c *conn) pause(ctx context.Context, n int, err error) error {
	if errors.Is(err, errNoAnswer) {
		c.moveOn()
	}
	t := time.NewTimer(min(maxPause, minPause<<min(n, 10)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return cqrs.ErrClosed
	}
}

// moveOn tries another server if this one has answered nothing at all for as long as an answer may take.
func (c *conn) moveOn() {
	heard, now := c.heard.Load(), time.Now().UnixNano()
	if now-heard > int64(answerTime) && c.heard.CompareAndSwap(heard, now) && c.nc.IsConnected() {
		_ = c.nc.ForceReconnect() // fails only when there is nothing to give up
	}
}

// passing reports whether an error may be gone soon.
func passing(err error) bool {
	var api *apiError
	return errors.Is(err, errUnsent) || errors.Is(err, errNoAnswer) || errors.As(err, &api) && api.passing()
}

// retry calls f until it succeeds, fails for good, or patience ends.
func (c *conn) retry(ctx context.Context, f func() error) error {
	deadline := time.Now().Add(patience)
	for n := 0; ; n++ {
		err := f()
		if err == nil || !passing(err) || time.Now().After(deadline) {
			return unavailable(err)
		}
		if err := c.pause(ctx, n, err); err != nil {
			return err
		}
	}
}
