package embedded

import (
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// request is what a caller hands to the writer: a commit, commits to import, a snapshot, or nothing but the wish for a
// transaction.
type request struct {
	commit   *eventlog.Commit
	imported []*eventlog.Commit
	settles  bool
	// stream and sealed are those of a snapshot, if there is no commit.
	stream cqrs.StreamID
	sealed []byte
	// bytes is about what the request adds to the file.
	bytes int

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
	// imported is how many of the commits to import were stored; err is about the one after them.
	imported int
	err      error
}

// rowBytes is about what a row and its entries in the indexes take besides their strings and payloads.
const rowBytes = 128

func newCommitRequest(c *eventlog.Commit) *request {
	return &request{commit: copyCommit(c), bytes: commitBytes(c), answer: make(chan answer, 1)}
}

// size counts a commit's events, and the bytes of their payloads.
func size(c *eventlog.Commit) (events, bytes int) {
	for i := range c.Streams {
		events += len(c.Streams[i].Events)
		for j := range c.Streams[i].Events {
			bytes += len(c.Streams[i].Events[j].Data)
		}
	}
	return events, bytes
}

// commitBytes returns about what a commit adds to the file.
func commitBytes(c *eventlog.Commit) int {
	events, bytes := size(c)
	return bytes + (events+1)*rowBytes
}

// copyCommit copies what the caller may change, or take back, before it is written.
func copyCommit(c *eventlog.Commit) *eventlog.Commit {
	events, bytes := size(c)
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
	return &own
}

func newSnapshotRequest(stream cqrs.StreamID, sealed []byte) *request {
	return &request{
		stream: stream, sealed: append([]byte{}, sealed...), bytes: len(sealed) + rowBytes,
		answer: make(chan answer, 1),
	}
}

// take reports whether the writer may go on with the request. If its caller gave up, it may not.
func (r *request) take() bool { return r.state.CompareAndSwap(stateWaiting, stateTaken) }

// abandon reports whether the caller gave up before the writer took the request, which then never happens.
func (r *request) abandon() bool { return r.state.CompareAndSwap(stateWaiting, stateAbandoned) }
