package aggregate

import "sync"

// cache keeps the states of the streams that were used last, by their ids, so that a command reads nothing or only what
// is new. Whoever takes a state owns it until it is put back: commands change it in place. It never decides what is
// true: the append expects the version, and a refusal is only answered once nothing is new behind the state.
type cache[S any] struct {
	mu   sync.Mutex
	most int
	byID map[string]*loaded[S]
	// newest and oldest are the ends of the list of all states, in the order in which they were put back.
	newest, oldest *loaded[S]
}

func newCache[S any](most int) *cache[S] {
	return &cache[S]{most: most, byID: map[string]*loaded[S]{}}
}

// take removes a state from the cache and returns it, nil if there is none.
func (c *cache[S]) take(id string) *loaded[S] {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.byID[id]
	if l != nil {
		c.remove(l)
	}
	return l
}

// put gives a state back, and forgets the one that was not used for longest if there are too many.
func (c *cache[S]) put(id string, l *loaded[S]) {
	if c.most <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.byID[id]; old != nil {
		c.remove(old)
	}
	l.id, l.older = id, c.newest
	if c.newest != nil {
		c.newest.newer = l
	} else {
		c.oldest = l
	}
	c.newest, c.byID[id] = l, l
	if len(c.byID) > c.most {
		c.remove(c.oldest)
	}
}

// remove takes a state out of the map and the list. The lock must be held.
func (c *cache[S]) remove(l *loaded[S]) {
	delete(c.byID, l.id)
	if l.newer != nil {
		l.newer.older = l.older
	} else {
		c.newest = l.older
	}
	if l.older != nil {
		l.older.newer = l.newer
	} else {
		c.oldest = l.newer
	}
	l.newer, l.older = nil, nil
}
