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
	l.mu.Lock()
	if l.held == nil {
		l.held = map[cqrs.StreamID]*lock{}
	}
	k := l.held[s]
	if k == nil {
		k = &lock{turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		l.held[s] = k
	}
	k.users++
	l.mu.Unlock()
	select {
	case <-k.turn:
		return nil
	case <-ctx.Done():
		l.leave(s, k)
		return ctx.Err()
	}
}

func (l *locks) release(streams []cqrs.StreamID) {
	for _, s := range streams {
		l.mu.Lock()
		k := l.held[s]
		l.mu.Unlock()
		k.turn <- struct{}{}
		l.leave(s, k)
	}
}

func (l *locks) leave(s cqrs.StreamID, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.held, s)
	}
}
