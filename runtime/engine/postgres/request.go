package postgres

import (
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// request is a commit that a caller hands to the writer, or the wish for a transaction.
type request struct {
	// commit is nil if there is none.
	commit *eventlog.Commit
	// bytes is about what the request adds to the database; events is how many it has.
	bytes, events int

	// state is stateWaiting until either side moves it on: the writer takes the request, or its caller gives up.
	state atomic.Int32
	// answer gets exactly one value, unless the caller gave up in time. It has room for it, so that the writer
	// never waits.
	answer chan answer
}

const (
	stateWaiting = iota
	stateTaken
	stateAbandoned
)

type answer struct {
	appended eventlog.Appended
	err      error
}

// rowBytes is about what a row and its entries in the indexes take besides their strings and payloads.
const rowBytes = 256

// newRequest copies the commit: the caller may go away, and change what it passed, before it is written.
func newRequest(c *eventlog.Commit) *request {
	events, bytes := 0, 0
	for i := range c.Streams {
		events += len(c.Streams[i].Events)
		for j := range c.Streams[i].Events {
			bytes += len(c.Streams[i].Events[j].Data)
		}
	}
	own := *c
	// One way to write a time, without a monotonic reading, whatever the caller's looked like.
	own.Meta.Time = time.UnixMicro(c.Meta.Time.UnixMicro()).UTC()
	own.Streams = append([]eventlog.StreamAppend(nil), c.Streams...)
	all, data := make([]eventlog.NewEvent, 0, events), make([]byte, 0, bytes)
	for i := range own.Streams {
		from := len(all)
		all = append(all, own.Streams[i].Events...)
		own.Streams[i].Events = all[from:]
	}
	for i := range all {
		from := len(data)
		data = append(data, all[i].Data...)
		all[i].Data = data[from:]
	}
	return &request{commit: &own, bytes: bytes + (events+1)*rowBytes, events: events, answer: make(chan answer, 1)}
}

// take reports whether the writer may go on with the request. If its caller gave up, it may not.
func (r *request) take() bool { return r.state.CompareAndSwap(stateWaiting, stateTaken) }

// abandon reports whether the caller gave up before the writer took the request, which then never happens.
func (r *request) abandon() bool { return r.state.CompareAndSwap(stateWaiting, stateAbandoned) }
