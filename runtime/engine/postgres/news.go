package postgres

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
)

// How often the head is looked at while somebody waits: soon after there was something new, and ever less often while
// there is nothing. Notifications make it sooner; nothing relies on them.
const (
	minPause = 2 * time.Millisecond
	maxPause = 200 * time.Millisecond
	// linger is how long the connection that listens is kept when nobody waits: whoever waits comes back soon.
	linger = time.Second
	// notifyPause is the least time between two notifications of one process.
	notifyPause = 20 * time.Millisecond
)

// news tells those who wait when the log grows. Commits of this process are announced by its writer; those of others
// are found by a goroutine that listens and polls, and only lives while somebody waits.
type news struct {
	log *Log
	// ctx ends when the log is closed.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	// grown has a value when other processes are to be told.
	grown chan struct{}

	mu sync.Mutex
	// head is the highest position that was heard of, as long as the server has it.
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

func newNews(l *Log) *news {
	n := &news{
		log: l, next: &bulletin{out: make(chan struct{})}, grown: make(chan struct{}, 1),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.work.Go(n.notify)
	return n
}

// announce says that the log's head is at least at this position; tell it that other processes should hear it.
func (n *news) announce(head cqrs.Position, tell bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if head <= n.head {
		return
	}
	n.head = head
	n.publish(nil)
	if tell {
		select {
		case n.grown <- struct{}{}:
		default: // it was not told of the last growth yet
		}
	}
}

// latest is what there was news of.
func (n *news) latest() cqrs.Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.head
}

// polled says what the server answered to a question after its head that was asked when known was the latest, and
// reports whether that is new. An answer below what was known then says that the server lost events, by a failover to a
// standby that was behind: what is remembered of them would be told for ever to those who then find nothing.
func (n *news) polled(known, head cqrs.Position) bool {
	n.mu.Lock()
	if head < known && n.head == known {
		n.head = head
	}
	isNew := head > n.head
	n.mu.Unlock()
	n.announce(head, false)
	return isNew
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
	n.work.Wait()
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
			n.work.Go(n.poll)
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

func (n *news) wanted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.waiting > 0
}

// poll looks for other processes' commits until nobody waits for them.
func (n *news) poll() {
	err := n.log.withConn(n.ctx, n.follow)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.polling = false
	switch {
	case n.ctx.Err() != nil:
	case err != nil:
		n.publish(err)
	case n.waiting > 0:
		// Somebody came while this goroutine was about to go.
		n.polling = true
		n.work.Go(n.poll)
	}
}

func (n *news) follow(_ context.Context, c *pgx.Conn) error {
	if err := execScript(n.ctx, c, "LISTEN "+postgresdb.Quote(notifyChannel(n.log.settings.schema))); err != nil {
		return err
	}
	defer func() {
		if !c.IsClosed() {
			_ = execScript(n.ctx, c, "UNLISTEN *") // else the connection is of no use, which the pool finds out
		}
	}()
	pause := minPause
	var idle time.Time
	for {
		if n.wanted() {
			idle = time.Time{}
			known := n.latest()
			head, err := n.log.headOn(n.ctx, c)
			if err != nil {
				return err
			}
			if n.polled(known, head) {
				pause = minPause
			}
		} else if idle.IsZero() {
			idle = time.Now()
		} else if time.Since(idle) > linger {
			return nil
		}
		told, err := n.rest(c, pause)
		if err != nil {
			return err
		}
		if pause = min(pause*3/2, maxPause); told {
			pause = minPause
		}
	}
}

// rest pauses, unless a notification comes, which it reports. Its error is that of the connection, or that the log is
// closed.
func (n *news) rest(c *pgx.Conn, pause time.Duration) (told bool, err error) {
	ctx, cancel := context.WithTimeout(n.ctx, pause)
	defer cancel()
	err = c.PgConn().WaitForNotification(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !c.IsClosed() {
		return false, nil
	}
	return err == nil, err
}

// notifyChannel is the channel of a log's notifications. Its name is a hash where the schema's would make it too long.
func notifyChannel(schema string) string {
	name := "cqrsgen_" + schema
	if len(name) <= maxIdentifier {
		return name
	}
	hash := uint64(14695981039346656037) // FNV-1a
	for i := range len(schema) {
		hash = (hash ^ uint64(schema[i])) * 1099511628211
	}
	return "cqrsgen_" + strconv.FormatUint(hash, 16)
}

// notify tells other processes that the log has grown. It does so outside of the commit, which would hold a lock of the
// whole server for it while it syncs, and not for each commit.
func (n *news) notify() {
	channel := notifyChannel(n.log.settings.schema)
	for {
		select {
		case <-n.grown:
		case <-n.ctx.Done():
			return
		}
		_ = n.log.withConn(n.ctx, func(ctx context.Context, c *pgx.Conn) error {
			return execScript(ctx, c, "NOTIFY "+postgresdb.Quote(channel)) // what is lost is found by polling
		})
		timer := time.NewTimer(notifyPause)
		select {
		case <-timer.C:
		case <-n.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Wait implements eventlog.Log.
func (l *Log) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	known := l.news.latest()
	head, err := l.Head(ctx)
	if err != nil || head > after {
		return head, err
	}
	l.news.polled(known, head)
	return l.news.wait(ctx, after)
}
