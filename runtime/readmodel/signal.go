package readmodel

import "sync"

// Watcher is implemented by tables that know when a batch was applied through them. It spares queries that wait for
// a position the polling, as long as the projector runs in their own process.
type Watcher interface {
	// Changed returns a channel that is closed when the next batch is applied.
	Changed() <-chan struct{}
}

// Signal implements Watcher for the sink that embeds it. Its zero value is ready, and safe for concurrent use.
type Signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// Changed implements Watcher.
func (s *Signal) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// Notify wakes whoever waits for the channel that Changed returned. A sink calls it after each batch.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
