package jetstream

import (
	"strings"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// end is where a stream ends: the sequence of its last message and the version of its last event. The zero value is
// that of a stream without events.
type end struct {
	sequence uint64
	version  cqrs.Version
}

// ends remembers where streams ended. It is a guess at best: others append as well, and whoever relies on it says so
// to the server, which refuses what was built on an old end.
type ends struct {
	mu sync.Mutex
	// young gets what is new or used again; what old still holds when young is full is forgotten.
	young, old map[cqrs.StreamID]end
	size       int
	forgetful  bool // something was forgotten
}

func newEnds(size int) *ends { return &ends{young: make(map[cqrs.StreamID]end), size: size} }

func (e *ends) get(s cqrs.StreamID) (end, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at, ok := e.young[s]; ok {
		return at, true
	}
	at, ok := e.old[s]
	if ok {
		e.add(s, at)
	}
	return at, ok
}

// forgot reports whether a stream that is not known may have been once.
func (e *ends) forgot() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.forgetful
}

// put remembers an end unless a later one is known. The key's strings may share a larger buffer.
func (e *ends) put(s cqrs.StreamID, at end) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known, young := e.young[s]
	if !young {
		known = e.old[s]
	}
	if known.sequence > at.sequence {
		return
	}
	if !young {
		s.ID = strings.Clone(s.ID)
	}
	e.add(s, at)
}

func (e *ends) add(s cqrs.StreamID, at end) {
	if len(e.young) >= e.size/2 {
		if _, ok := e.young[s]; !ok {
			e.forgetful = e.forgetful || len(e.old) > 0
			e.old, e.young = e.young, make(map[cqrs.StreamID]end, e.size/2)
		}
	}
	e.young[s] = at
}
