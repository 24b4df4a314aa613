package aggregate

import (
	"cmp"
	"context"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// locks let one command of this process at a time work on a stream. Without them, of n commands on one stream n-1
// would decide in vain, again and again; correctness does not depend on them, the append's expected version does.
type locks struct {
	mu   sync.Mutex
	held map[cqrs.StreamID]*lock
	free []*lock // for streams to come: as many as were ever held at a time
}

type lock struct {
	turn  chan struct{} // holds one token while the stream is free
	users int
}

// byName is the order in which all commands lock their streams: two that want the same ones never wait for each other.
func byName(a, b cqrs.StreamID) int {
	return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.ID, b.ID))
}

// acquire waits for the turn of each stream, or for the end of ctx, which leaves none locked. The streams are distinct
// and in the order of byName.
func (l *locks) acquire(ctx context.Context, streams []cqrs.StreamID) error {
	for i, s := range streams {
		if err := l.acquireOne(ctx, s); err != nil {
			l.release(streams[:i])
			return err
		}
	}
	return nil
}

func (l *locks) acquireOne(ctx context.Context, s cqrs.StreamID) error {
	k := l.join(s)
	select {
	case <-k.turn:
		return nil
	default:
	}
	select {
	case <-k.turn:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		l.leave(s, k)
		return ctx.Err()
	}
}

// join returns the lock of a stream, which stays until everybody who joined has left.
func (l *locks) join(s cqrs.StreamID) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.held[s]
	if k == nil {
		k = l.unused()
		if l.held == nil {
			l.held = map[cqrs.StreamID]*lock{}
		}
		l.held[s] = k
	}
	k.users++
	return k
}

// unused returns a lock that nobody holds.
func (l *locks) unused() *lock {
	if last := len(l.free) - 1; last >= 0 {
		k := l.free[last]
		l.free = l.free[:last]
		return k
	}
	k := &lock{turn: make(chan struct{}, 1)}
	k.turn <- struct{}{}
	return k
}

func (l *locks) release(streams []cqrs.StreamID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range streams {
		k := l.held[s]
		k.turn <- struct{}{} // never blocks: the token was taken
		l.leave(s, k)
	}
}

// leave ends a use of a lock. The mutex must be held.
func (l *locks) leave(s cqrs.StreamID, k *lock) {
	if k.users--; k.users == 0 {
		delete(l.held, s)
		l.free = append(l.free, k)
	}
}
