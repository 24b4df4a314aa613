package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
)

// maxGroupBytes bounds the payloads that an import publishes at once, and maxMessages the messages.
const maxGroupBytes = 4 << 20

// Import implements eventlog.Transfer. Commits are published in groups, each of them an atomic batch that names the
// sequence that the log's last message must have: whatever anybody else appends, a group lies together, or is refused.
func (l *Log) Import(ctx context.Context, commits iter.Seq2[*eventlog.Commit, error]) (int64, error) {
	if err := l.enter(ctx); err != nil {
		return 0, err
	}
	defer l.appends.Done()
	m := importing{Log: l}
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	for c, err := range commits {
		if err == nil {
			err = m.add(ctx, c)
		}
		if err != nil {
			// What came before is stored all the same, but not if the reason is that nothing can be.
			if m.failed == nil {
				err = cmp.Or(m.flush(context.WithoutCancel(ctx)), err)
			}
			return m.stored, err
		}
	}
	err := m.flush(ctx)
	return m.stored, err
}

// importing is an import under way. As long as nobody else appends it knows where the log and each stream end.
type importing struct {
	*Log
	ends *ends
	// empty says that a stream that is not among the ends has no events, unless the ends forgot some.
	empty bool
	// next is the sequence of the group's first message, and known the position of the last event before it.
	next  uint64
	known cqrs.Position

	group    []*eventlog.Commit
	messages []*nats.Msg
	size     int // messages that the group will have, at least
	bytes    int
	batches  int
	stored   int64
	// planned says that the messages are those of the group, from next on.
	planned bool
	// after is where the log is once the group is stored.
	after head
	// failed is why nothing more can be stored.
	failed error
}

// begin finds out where the log ends.
func (m *importing) begin(ctx context.Context) error {
	h, err := m.head(ctx)
	m.next, m.known, m.empty, m.ends = h.sequence+1, h.position, h.sequence == 0, newEnds(1<<20)
	m.planned = false
	return err
}

// add adds a commit to the group, which is published first if there is no room in it.
func (m *importing) add(ctx context.Context, c *eventlog.Commit) error {
	if err := c.Check(); err != nil {
		return err
	}
	if err := m.open(ctx); err != nil {
		return err
	}
	size, bytes := len(m.slices(c)), 0
	for i := range c.Streams {
		for j := range c.Streams[i].Events {
			bytes += len(c.Streams[i].Events[j].Data)
		}
	}
	if len(m.group) > 0 && (m.size+size > maxMessages || m.bytes+bytes > maxGroupBytes || m.repeats(c)) {
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	m.group = append(m.group, clone(c))
	m.size += size
	m.bytes += bytes
	return nil
}

// open reports what speaks against going on.
func (m *importing) open(ctx context.Context) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return cqrs.ErrClosed
	}
	return ctx.Err()
}

// repeats reports whether a command of the group has the commit's id: the servers would refuse the whole group.
func (m *importing) repeats(c *eventlog.Commit) bool {
	return c.Meta.CommandID != "" && slices.ContainsFunc(m.group, func(other *eventlog.Commit) bool {
		return other.Meta.CommandID == c.Meta.CommandID
	})
}

// clone copies a commit: its owner uses its memory again when the iteration goes on.
func clone(c *eventlog.Commit) *eventlog.Commit {
	own := *c
	own.Meta.Time = time.UnixMicro(c.Meta.Time.UnixMicro()).UTC()
	own.Streams = slices.Clone(c.Streams)
	for i := range own.Streams {
		own.Streams[i].Events = slices.Clone(c.Streams[i].Events)
		for j := range own.Streams[i].Events {
			e := &own.Streams[i].Events[j]
			e.Data = slices.Clone(e.Data)
		}
	}
	return &own
}

// flush publishes the group until it is stored. If a commit of the group can't be stored, those before it are.
func (m *importing) flush(ctx context.Context) error {
	deadline, unknown := time.Now().Add(patience), false
	for n := 0; ; n++ {
		if !m.planned {
			m.plan(ctx)
		}
		if len(m.group) == 0 {
			return m.failed
		}
		stored, err := m.try(ctx, n, deadline, &unknown)
		if stored {
			err = m.safe(ctx)
			unknown = err != nil
		}
		switch {
		case stored && err == nil:
			return m.done()
		case err != nil:
			m.failed = err
			if unknown {
				m.failed = unknownOutcome(m.group[0].ID, err)
			}
			return m.failed
		}
	}
}

// try publishes the group once, and decides what follows.
func (m *importing) try(ctx context.Context, n int, deadline time.Time, unknown *bool) (stored bool, err error) {
	if err := m.safe(ctx); err != nil {
		return false, err
	}
	failed := m.publish(ctx)
	if failed == nil {
		return true, nil
	}
	// A refusal is no proof, as with a commit that is appended.
	*unknown = *unknown || !errors.Is(failed, errUnsent)
	return m.judge(ctx, failed, n, deadline, unknown)
}

// plan encodes the group. It ends before a commit that can't be stored.
func (m *importing) plan(ctx context.Context) {
	m.messages, m.planned = m.messages[:0], true
	if err := m.seek(ctx); err != nil {
		m.failed, m.group = err, nil
		return
	}
	m.after = head{sequence: m.next - 1, position: m.known}
	for i, c := range m.group {
		if err := m.encode(c); err != nil {
			m.failed, m.group = m.explain(ctx, c, err), m.group[:i]
			break
		}
	}
	if len(m.group) > 0 {
		m.messages[0].Header[headerExpectedLast] = []string{strconv.FormatUint(m.next-1, 10)}
	}
}

// explain says why a commit can't be stored: what looks like a conflict may be a command that was carried out before.
func (m *importing) explain(ctx context.Context, c *eventlog.Commit, err error) error {
	if c.Meta.CommandID == "" || !errors.As(err, new(*cqrs.ConflictError)) {
		return err
	}
	_, ok, probeErr := m.probe(ctx, c.Meta.CommandID, 0)
	switch {
	case probeErr != nil:
		return probeErr
	case ok:
		return &cqrs.CommandReusedError{CommandID: c.Meta.CommandID}
	}
	return err
}

// seek finds out where the group's streams end that were not seen before.
func (m *importing) seek(ctx context.Context) error {
	if m.empty && !m.ends.forgot() {
		return nil
	}
	unseen := make(map[cqrs.StreamID]struct{})
	for _, c := range m.group {
		for i := range c.Streams {
			if _, ok := m.ends.get(c.Streams[i].Stream); !ok {
				unseen[c.Streams[i].Stream] = struct{}{}
			}
		}
	}
	streams := make([]cqrs.StreamID, 0, len(unseen))
	for s := range unseen {
		streams = append(streams, s)
	}
	errs := make([]error, len(streams))
	parallel(len(streams), func(i int) {
		at, err := m.endOf(ctx, streams[i])
		m.ends.put(streams[i], at)
		errs[i] = err
	})
	return errors.Join(errs...)
}

// encode appends the messages of a commit, and goes on to where the log is behind them.
func (m *importing) encode(c *eventlog.Commit) error {
	at := make([]end, len(c.Streams))
	for i := range c.Streams {
		s := &c.Streams[i]
		at[i], _ = m.ends.get(s.Stream)
		if s.Expected != eventlog.Any && s.Expected != eventlog.Exactly(at[i].version) {
			return &cqrs.ConflictError{Stream: s.Stream, Expected: cqrs.Version(s.Expected), Actual: at[i].version}
		}
	}
	e, err := m.seal(c, sealing{at: at, known: m.after.position, version: c.Version})
	if err != nil {
		return err
	}
	for _, message := range e.messages {
		// That no stream has changed follows from nobody having appended.
		delete(message.Header, headerExpected)
		delete(message.Header, headerExpectedOf)
	}
	first := m.after.sequence + 1
	for i, last := range e.lastPart {
		if last >= 0 {
			s := &c.Streams[i]
			m.ends.put(s.Stream, end{first + uint64(last), at[i].version + cqrs.Version(len(s.Events))})
		}
	}
	m.messages = append(m.messages, e.messages...)
	m.after.sequence += uint64(len(e.messages))
	if e.lastCount > 0 {
		m.after.position = positionOf(m.after.sequence, e.lastCount-1)
	}
	return nil
}

// publish publishes the group once.
func (m *importing) publish(ctx context.Context) error {
	n := len(m.messages)
	if n > 1 {
		m.batches++
		batch(m.messages, fmt.Sprintf("%x-%d", m.group[0].ID, m.batches))
		for _, message := range m.messages[:n-1] {
			if err := m.conn.send(message); err != nil {
				return err
			}
		}
	}
	last, err := m.conn.publish(ctx, m.messages[n-1])
	if err == nil && last != m.after.sequence {
		return corruptf("a message that must be %d became %d", m.after.sequence, last)
	}
	return err
}

// done says that the group is stored.
func (m *importing) done() error {
	m.stored += int64(len(m.group))
	m.next, m.known = m.after.sequence+1, m.after.position
	m.see(m.known, true)
	m.group, m.size, m.bytes, m.planned = m.group[:0], 0, 0, false
	return m.failed
}

// judge decides what follows from a publish that failed: the group is stored, or an error is final, or else it is tried
// again.
func (m *importing) judge(
	ctx context.Context, failed error, n int, deadline time.Time, unknown *bool,
) (stored bool, err error) {
	duplicate := errors.As(failed, new(*duplicateError)) || hasCode(failed, codeBatchDuplicate)
	switch {
	case !duplicate && !retriable(failed):
		*unknown = *unknown && !answered(failed)
		return false, explain(failed)
	case time.Now().After(deadline):
		return false, unavailable(fmt.Errorf("tried for %v: %w", patience, failed))
	}
	if err := m.conn.pause(ctx, n, failed); err != nil {
		return false, err
	}
	message, err := m.conn.get(ctx, m.names.logStream(), selector{Sequence: m.next})
	if err != nil {
		return false, err
	}
	if message != nil {
		var p part
		if err := new(decoder).part(message.Data, &p); err != nil {
			return false, fmt.Errorf("message %d: %w", m.next, err)
		}
		if p.commit == m.group[0].ID {
			return true, nil
		}
		*unknown = false // its place is taken
		return false, m.begin(ctx)
	}
	if duplicate {
		return m.cut(ctx, unknown)
	}
	return false, nil // it is published again as it was
}

// cut ends the group before the first command that is on record, which may be the group's own doing.
func (m *importing) cut(ctx context.Context, unknown *bool) (stored bool, err error) {
	for i, c := range m.group {
		if c.Meta.CommandID == "" {
			continue
		}
		sequence, ok, err := m.probe(ctx, c.Meta.CommandID, 0)
		switch {
		case err != nil:
			return false, err
		case ok && sequence >= m.next && sequence <= m.after.sequence:
			return true, nil
		case ok:
			// No server stores the group as it is.
			m.failed, m.group, *unknown = &cqrs.CommandReusedError{CommandID: c.Meta.CommandID}, m.group[:i], false
			return false, m.begin(ctx)
		}
	}
	return false, nil
}
