package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
)

// Headers of messages that are published.
const (
	headerMessageID      = "Nats-Msg-Id"
	headerExpectedLast   = "Nats-Expected-Last-Sequence"
	headerExpectedLastID = "Nats-Expected-Last-Msg-Id"
	headerExpected       = "Nats-Expected-Last-Subject-Sequence"
	headerExpectedOf     = "Nats-Expected-Last-Subject-Sequence-Subject"
	headerBatchID        = "Nats-Batch-Id"
	headerBatchSequence  = "Nats-Batch-Sequence"
	headerBatchCommit    = "Nats-Batch-Commit"
)

const (
	// reserved is what a message needs besides its events, at most: headers, meta data and names.
	reserved = 8 << 10
	// eventBytes is what an event needs besides its payload and names, at most.
	eventBytes = 32
	// maxMessages is how many messages a server takes in one batch.
	maxMessages = 1000
)

// messageID is what the server recognises a repeated command by. An id may hold what a header can't.
func messageID(command string) string {
	sum := sha256.Sum256([]byte(command))
	return hex.EncodeToString(sum[:])
}

// envelope is a commit as it is published.
type envelope struct {
	messages []*nats.Msg
	// lastCount is how many events the last message has, 0 for a commit without events.
	lastCount uint64
	// lastPart is the index of the last message of each of the commit's streams, -1 for those without events.
	lastPart []int
}

// slice is what one part holds of a commit: events of one stream. A note has none, and stream -1 stands for none.
type slice struct{ stream, from, to int }

// slices cuts a commit into parts: first the notes, then events in their order.
func (l *Log) slices(c *eventlog.Commit) []slice {
	most := int(l.conn.nc.MaxPayload()) - reserved
	var all []slice
	for i := range c.Streams {
		if len(c.Streams[i].Events) == 0 {
			all = append(all, slice{stream: i})
		}
	}
	for i := range c.Streams {
		from, bytes := 0, 0
		events := c.Streams[i].Events
		for j := range events {
			e := &events[j]
			size := len(e.Data) + len(e.Type) + len(e.ContentType) + eventBytes
			if bytes += size; bytes > most && j > from {
				all = append(all, slice{i, from, j})
				from, bytes = j, size
			}
		}
		if len(events) > 0 {
			all = append(all, slice{i, from, len(events)})
		}
	}
	if len(all) == 0 {
		all = append(all, slice{stream: -1})
	}
	return all
}

// sealing is what a commit is stored with.
type sealing struct {
	at      []end         // where the commit's streams end
	known   cqrs.Position // the head, which notes mention
	version cqrs.Version  // on record for a command
	attempt uint64
}

// seal encodes a commit.
func (l *Log) seal(c *eventlog.Commit, with sealing) (*envelope, error) {
	all := l.slices(c)
	if len(all) > maxMessages {
		return nil, &eventlog.LimitError{
			What: fmt.Sprintf("the number of messages of a commit, with the servers' max_payload of %d,", l.conn.nc.MaxPayload()),
			Size: len(all), Most: maxMessages,
		}
	}
	e := &envelope{messages: make([]*nats.Msg, len(all)), lastPart: make([]int, len(c.Streams))}
	for i := range e.lastPart {
		e.lastPart[i] = -1
	}
	last := all[len(all)-1]
	e.lastCount = uint64(last.to - last.from)
	for i, s := range all {
		p := part{commit: c.ID, index: uint64(i), parts: uint64(len(all)), meta: c.Meta, known: with.known}
		m := &nats.Msg{Subject: l.names.notes(), Header: make(nats.Header, 4)}
		if i == 0 && c.Meta.CommandID != "" {
			p.flags, p.hash, p.lastCount = flagCommand, c.CommandHash, e.lastCount
			p.outcome, p.attempt = with.version, with.attempt
			m.Header[headerMessageID] = []string{messageID(c.Meta.CommandID)}
		}
		l.fill(m, &p, c, with.at, s)
		if s.to > 0 {
			e.lastPart[s.stream] = i
		}
		e.messages[i] = m
	}
	return e, nil
}

// fill writes a part into its message.
func (l *Log) fill(m *nats.Msg, p *part, c *eventlog.Commit, at []end, s slice) {
	if s.stream < 0 {
		m.Data = p.appendNote(nil)
		return
	}
	a := &c.Streams[s.stream]
	subject := l.names.events(a.Stream)
	p.flags |= flagStream
	p.stream, p.version = a.Stream, at[s.stream].version
	if s.from == 0 {
		m.Header[headerExpected] = []string{strconv.FormatUint(at[s.stream].sequence, 10)}
	}
	if s.to == 0 {
		m.Header[headerExpectedOf] = []string{subject}
		m.Data = p.appendNote(nil)
		return
	}
	m.Subject = subject
	p.flags |= flagEvents
	p.version += cqrs.Version(s.from) + 1
	if p.previous = at[s.stream].sequence; s.from > 0 {
		p.flags |= flagContinued
		p.previous = 0
	}
	size := 512
	for i := s.from; i < s.to; i++ {
		size += len(a.Events[i].Data) + eventBytes/2
	}
	m.Data = p.appendEvents(make([]byte, 0, size), a.Events[s.from:s.to])
}

// outcomeVersion is what the commit's Appended.Version will say.
func outcomeVersion(c *eventlog.Commit, at []end) cqrs.Version {
	if len(c.Streams) == 0 {
		return c.Version
	}
	return at[0].version + cqrs.Version(len(c.Streams[0].Events))
}

// batch makes an atomic batch of the messages.
func batch(messages []*nats.Msg, id string) {
	for i, m := range messages {
		m.Header[headerBatchID] = []string{id}
		m.Header[headerBatchSequence] = []string{strconv.Itoa(i + 1)}
	}
	messages[len(messages)-1].Header[headerBatchCommit] = []string{"1"}
}

// ack is the server's answer to a publish.
type ack struct {
	Sequence  uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"`
}

// duplicateError says that the command id is on record, in the message of this sequence.
type duplicateError struct{ sequence uint64 }

func (e *duplicateError) Error() string { return fmt.Sprintf("message %d has the same id", e.sequence) }

// publish publishes a message and returns the sequence that it got. The errors are those of ask, *apiError and
// *duplicateError.
func (c *conn) publish(ctx context.Context, m *nats.Msg) (uint64, error) {
	answer, err := c.ask(ctx, m)
	if err != nil {
		return 0, err
	}
	return parseAck(answer.Data)
}

func parseAck(data []byte) (uint64, error) {
	var a ack
	if err := parseAnswer(data, &a); err != nil {
		return 0, err
	}
	if a.Duplicate {
		return 0, &duplicateError{a.Sequence}
	}
	if a.Sequence == 0 {
		return 0, fmt.Errorf("%w: %.80q instead of an acknowledgement", errNoAnswer, data)
	}
	return a.Sequence, nil
}

// publish publishes the commit once, and returns the sequence of its first message.
func (a *appending) publish(ctx context.Context) (first uint64, err error) {
	if a.known == 0 && needsHead(a.commit) {
		if a.known, err = a.Head(ctx); err != nil {
			return 0, err
		}
	}
	if !a.unknown {
		with := sealing{at: a.at, known: a.known, version: outcomeVersion(a.commit, a.at), attempt: a.attempt}
		if a.sent, err = a.seal(a.commit, with); err != nil {
			return 0, err
		}
	}
	n := len(a.sent.messages)
	if n > 1 {
		select {
		case a.batches <- struct{}{}:
			defer func() { <-a.batches }()
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		batch(a.sent.messages, fmt.Sprintf("%x-%d", a.commit.ID, a.tries))
		for _, m := range a.sent.messages[:n-1] {
			if err := a.conn.send(m); err != nil {
				return 0, err
			}
		}
	}
	a.published = true
	last, err := a.conn.publish(ctx, a.sent.messages[n-1])
	return last - uint64(n-1), err
}

// needsHead reports whether the commit has a note.
func needsHead(c *eventlog.Commit) bool {
	for i := range c.Streams {
		if len(c.Streams[i].Events) == 0 {
			return true
		}
	}
	return len(c.Streams) == 0
}
