package embedded

import (
	"context"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// How often other processes' commits are looked for: soon after there was one, and ever less often while there is
// none.
const (
	minPause = time.Millisecond
	maxPause = 50 * time.Millisecond
)

// news tells those who wait when the log grows. Commits of this process are announced by its writer; those of others
// are found by a goroutine that polls, and only lives while somebody waits.
type news struct {
	readers *sqlitedb.Pool
	// ctx ends when the log is closed.
	ctx    context.Context
	cancel context.CancelFunc
	poller sync.WaitGroup

	mu sync.Mutex
	// head is the highest position that was heard of.
	head    cqrs.Position
	next    *bulletin
	waiting int
	polling bool
}

// bulletin is what those who wait at one time wait for.
type bulletin struct {
	out chan struct{}
	// err is set before out is closed: the head can't be found out.
	err error
}

func newNews(readers *sqlitedb.Pool) *news {
	n := &news{readers: readers, next: &bulletin{out: make(chan struct{})}}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// announce says that the log's head is at least at this position.
func (n *news) announce(head cqrs.Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if head > n.head {
		n.head = head
		n.publish(nil)
	}
}

// publish wakes all who wait; n.mu must be held.
func (n *news) publish(err error) {
	n.next.err = err
	close(n.next.out)
	n.next = &bulletin{out: make(chan struct{})}
}

// close wakes all who wait, with cqrs.ErrClosed.
func (n *news) close() {
	n.mu.Lock()
	n.cancel()
	n.publish(cqrs.ErrClosed)
	n.mu.Unlock()
	n.poller.Wait()
}

// wait blocks until the head is beyond after.
func (n *news) wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if n.ctx.Err() != nil {
			return 0, cqrs.ErrClosed
		}
		if n.head > after {
			return n.head, nil
		}
		if !n.polling {
			n.polling = true
			n.poller.Go(n.poll)
		}
		if err := n.await(ctx, n.next); err != nil {
			return 0, err
		}
	}
}

// await blocks until the bulletin is out, without n.mu, which must be held.
func (n *news) await(ctx context.Context, b *bulletin) error {
	n.waiting++
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.waiting--
	}()
	select {
	case <-b.out:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// poll looks for other processes' commits until nobody waits for them.
func (n *news) poll() {
	err := n.follow()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.polling = false
	switch {
	case n.ctx.Err() != nil:
	case err != nil:
		n.publish(explain(n.ctx, err))
	case n.waiting > 0:
		// Somebody came while this goroutine was about to go.
		n.polling = true
		n.poller.Go(n.poll)
	}
}

func (n *news) follow() error {
	c, err := n.readers.Get(n.ctx)
	if err != nil {
		return err
	}
	defer n.readers.Put(c)
	// What happened before is found by the first look, since no connection starts with this data_version.
	version, pause := int64(-1), minPause
	for n.wanted() {
		now, err := integer(c, selectVersion)
		if err != nil {
			return err
		}
		if now != version {
			head, err := selectHead(c)
			if err != nil {
				return err
			}
			n.announce(head)
			version, pause = now, minPause
		}
		if !n.rest(pause) {
			return nil
		}
		pause = min(pause*5/4, maxPause)
	}
	return nil
}

func (n *news) wanted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.waiting > 0
}

// rest pauses; it reports false when the log is closed.
func (n *news) rest(pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// Wait implements eventlog.Log.
func (l *Log) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	head, err := l.Head(ctx)
	if err != nil || head > after {
		return head, err
	}
	return l.news.wait(ctx, after)
}
