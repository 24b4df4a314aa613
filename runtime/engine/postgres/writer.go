package postgres

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Bounds of one transaction. A batch is closed once it is at or above one of them.
const (
	maxBatch      = 1024
	maxBatchBytes = 4 << 20
)

// writer takes the requests that wait, puts them into one transaction, and answers them once that was committed.
type writer struct {
	session *session
	queue   chan *request
	done    chan struct{}
	// announce tells the log's readers, and other processes, about the head after each commit.
	announce func(cqrs.Position)
	// last is the size of the batch before: as many callers are likely to come back.
	last int

	// mu is held for reading by whoever sends to queue, so that it is closed when nobody does.
	mu      sync.RWMutex
	stopped bool
}

func newWriter(s *session, announce func(cqrs.Position)) *writer {
	w := &writer{session: s, announce: announce, queue: make(chan *request, maxBatch), done: make(chan struct{})}
	go w.run()
	return w
}

// close stops the writer once it has answered everything that was handed in.
func (w *writer) close() {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
}

// append hands a commit to the writer and waits for the answer.
func (w *writer) append(ctx context.Context, c *eventlog.Commit) (eventlog.Appended, error) {
	got, err := w.submit(ctx, newRequest(c))
	if errors.Is(err, errUnanswered) {
		err = &eventlog.UnknownOutcomeError{Commit: c.ID, Err: ctx.Err()}
	}
	return got, err
}

// errUnanswered says that ctx ended while the writer was at the request.
var errUnanswered = errors.New("no answer yet")

func (w *writer) submit(ctx context.Context, r *request) (eventlog.Appended, error) {
	if err := w.send(ctx, r); err != nil {
		return eventlog.Appended{}, err
	}
	select {
	case a := <-r.answer:
		return a.appended, a.err
	case <-ctx.Done():
		if r.abandon() {
			return eventlog.Appended{}, ctx.Err()
		}
	}
	// Of two cases that are both ready select picks any: an answer that is there is not to be withheld.
	select {
	case a := <-r.answer:
		return a.appended, a.err
	default:
		return eventlog.Appended{}, errUnanswered
	}
}

func (w *writer) send(ctx context.Context, r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.stopped {
		return cqrs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) run() {
	defer close(w.done)
	for batch := w.gather(nil); len(batch) > 0; batch = w.gather(batch[:0]) {
		w.process(batch)
		w.last = len(batch)
		// What was written must not be kept alive by the batch's memory.
		clear(batch)
	}
	w.session.close()
}

// patience is how often the writer steps aside for other goroutines while fewer requests wait than it answered
// last. The callers that it has just woken need that to come back: without it they would always find a transaction
// under way that began with the first of them alone.
const patience = 32

// gather waits for requests and returns those of one transaction. It returns none when the writer is to stop.
func (w *writer) gather(batch []*request) []*request {
	for len(batch) == 0 {
		r, ok := <-w.queue
		if !ok {
			return nil
		}
		if r.take() {
			batch = append(batch, r)
		}
	}
	bytes, tries := batch[0].bytes, 0
	for len(batch) < maxBatch && bytes < maxBatchBytes {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return batch
			}
			if r.take() {
				batch = append(batch, r)
				bytes += r.bytes
			}
		default:
			if len(batch) >= w.last || tries == patience {
				return batch
			}
			tries++
			runtime.Gosched()
		}
	}
	return batch
}

// process writes a batch and answers all of its requests. Also a refusal is only an answer after the commit: it may be
// due to another request of the same batch.
func (w *writer) process(batch []*request) {
	if i := slices.IndexFunc(batch, func(r *request) bool { return r.commit == nil }); i >= 0 {
		w.settle(batch)
		return
	}
	answers := make([]answer, len(batch))
	commits := make([]*eventlog.Commit, len(batch))
	for i, r := range batch {
		commits[i] = r.commit
	}
	p, err := w.session.run(&work{commits: commits, plan: func(p *plan) {
		for i, c := range commits {
			answers[i].appended, answers[i].err = p.append(c)
		}
	}})
	if err != nil && len(batch) > 1 && ofOneRequest(err) {
		// The server refused one request for a reason of its own. The others must not suffer from it.
		for _, r := range batch {
			w.process([]*request{r})
		}
		return
	}
	if err == nil {
		w.announce(p.head)
	}
	for i, r := range batch {
		if err != nil {
			answers[i] = answer{err: errorOf(r.commit, err)}
		}
		r.answer <- answers[i]
	}
}

// settle processes a batch in which somebody asks for no more than a transaction.
func (w *writer) settle(batch []*request) {
	commits := slices.DeleteFunc(slices.Clone(batch), func(r *request) bool { return r.commit == nil })
	if len(commits) > 0 {
		w.process(commits)
	}
	err := w.session.settle()
	for _, r := range batch {
		if r.commit == nil {
			r.answer <- answer{err: err}
		}
	}
}

// errorOf gives a failure of the batch its meaning for one of its commits.
func errorOf(c *eventlog.Commit, err error) error {
	if unanswered := (*unansweredError)(nil); errors.As(err, &unanswered) {
		return &eventlog.UnknownOutcomeError{Commit: c.ID, Err: unanswered.err}
	}
	return err
}

// ofOneRequest reports whether the server refused some value, or some row: classes 22 and 23 of SQLSTATE.
func ofOneRequest(err error) bool {
	code := sqlState(err)
	return len(code) == 5 && (code[:2] == "22" || code[:2] == "23" || code[:2] == "54")
}
