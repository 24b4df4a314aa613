package jetstream

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/nats-io/nats.go"
)

const (
	// tellPause is the least time between two messages that say that this process appended.
	tellPause = time.Millisecond
	// pollPause is how often the head is asked for while somebody waits: a message that says so may get lost.
	pollPause = time.Second
)

// news tells those who wait when the log grows, and the other processes when this one appended.
type news struct {
	log *Log
	// ctx ends when the log is closed.
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	// hint gets a value when the log may have grown, tell when this process appended.
	hint, tell chan struct{}

	mu sync.Mutex
	// head is the highest position that this process has seen; own the highest that it appended.
	head, own cqrs.Position
	waiting   int
	polling   bool
	next      *bulletin
}

// bulletin is what those who wait at one time wait for.
type bulletin struct {
	out chan struct{}
	// err is set before out is closed: the head can't be found out.
	err error
}

func newBulletin() *bulletin { return &bulletin{out: make(chan struct{})} }

func newNews(l *Log) *news {
	n := &news{log: l, hint: make(chan struct{}, 1), tell: make(chan struct{}, 1), next: newBulletin()}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// start subscribes to what other processes tell.
func (n *news) start() error {
	_, err := n.log.conn.nc.Subscribe(n.log.names.news(), func(m *nats.Msg) {
		if len(m.Data) == 8 && cqrs.Position(binary.BigEndian.Uint64(m.Data)) > n.least() {
			ring(n.hint)
		}
	})
	if err == nil {
		n.tasks.Go(n.teller)
	}
	return err
}

// ring puts a value into a channel that has none.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (n *news) close() {
	n.mu.Lock()
	n.cancel() // from now on nobody begins to poll
	n.mu.Unlock()
	n.tasks.Wait()
}

// least returns the highest position that this process has seen.
func (n *news) least() cqrs.Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.head
}

// see says that this process has seen a position, which may be its own.
func (n *news) see(p cqrs.Position, own bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if own && p > n.own {
		n.own = p
		ring(n.tell)
	}
	if p > n.head {
		n.head = p
		n.publish(nil)
	}
}

// publish wakes all who wait; n.mu must be held.
func (n *news) publish(err error) {
	n.next.err = err
	close(n.next.out)
	n.next = newBulletin()
}

// teller tells the other processes, but not for each append by itself.
func (n *news) teller() {
	pause := time.NewTicker(tellPause)
	defer pause.Stop()
	for {
		select {
		case <-n.tell:
		case <-n.ctx.Done():
			return
		}
		n.mu.Lock()
		own := n.own
		n.mu.Unlock()
		// Whoever misses it finds out a little later.
		_ = n.log.conn.nc.Publish(n.log.names.news(), binary.BigEndian.AppendUint64(nil, uint64(own)))
		select {
		case <-pause.C:
		case <-n.ctx.Done():
			return
		}
	}
}

// Wait implements eventlog.Log.
func (l *Log) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	h, err := l.head(ctx)
	if err != nil || h.position > after {
		return h.position, err
	}
	return l.news.wait(ctx, after)
}

// wait blocks until the head is beyond after.
func (n *news) wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting++
	defer func() { n.waiting-- }()
	for n.head <= after {
		if n.ctx.Err() != nil {
			return 0, cqrs.ErrClosed
		}
		if !n.polling {
			n.polling = true
			n.tasks.Go(n.poll)
		}
		next := n.next
		n.mu.Unlock()
		var err error
		select {
		case <-next.out:
			err = next.err
		case <-ctx.Done():
			err = ctx.Err()
		case <-n.ctx.Done():
			err = cqrs.ErrClosed
		}
		n.mu.Lock()
		if err != nil {
			return 0, err
		}
	}
	return n.head, nil
}

// poll asks for the head, when there is a hint and now and then, while somebody waits.
func (n *news) poll() {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for n.wanted() {
		select {
		case <-n.hint:
		case <-tick.C:
		case <-n.ctx.Done():
			return
		}
		h, err := n.log.head(n.ctx)
		if err != nil {
			n.mu.Lock()
			n.publish(err)
			n.mu.Unlock()
			continue
		}
		n.see(h.position, false)
	}
}

func (n *news) wanted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.polling = n.waiting > 0
	return n.polling
}
