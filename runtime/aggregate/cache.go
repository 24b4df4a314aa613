package aggregate

import (
	"container/list"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// cache keeps the states of the streams that were used last, so that a command reads only what is new. Whoever takes
// a state owns it until it is put back: commands change it in place. It never decides what is true: the tail is read
// on top of it, and the append expects the version.
type cache[S any] struct {
	mu     sync.Mutex
	most   int
	byID   map[cqrs.StreamID]*list.Element
	recent *list.List // of *cached[S], the last used in front
}

type cached[S any] struct {
	stream cqrs.StreamID
	state  *loaded[S]
}

func newCache[S any](most int) *cache[S] {
	return &cache[S]{most: most, byID: map[cqrs.StreamID]*list.Element{}, recent: list.New()}
}

// take removes a state from the cache and returns it, nil if there is none.
func (c *cache[S]) take(s cqrs.StreamID) *loaded[S] {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[s]
	if e == nil {
		return nil
	}
	delete(c.byID, s)
	return c.recent.Remove(e).(*cached[S]).state
}

// put gives a state back, and forgets the one that was not used for longest if there are too many.
func (c *cache[S]) put(s cqrs.StreamID, l *loaded[S]) {
	if c.most <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[s]; e != nil {
		c.recent.Remove(e)
	}
	c.byID[s] = c.recent.PushFront(&cached[S]{s, l})
	if c.recent.Len() > c.most {
		oldest := c.recent.Remove(c.recent.Back()).(*cached[S])
		delete(c.byID, oldest.stream)
	}
}
