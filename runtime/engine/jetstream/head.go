package jetstream

import (
	"context"
	"fmt"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// head is where the log ends: the sequence of its last message, and the position of its last event.
type head struct {
	sequence uint64
	position cqrs.Position
}

// Head implements eventlog.Log.
func (l *Log) Head(ctx context.Context) (cqrs.Position, error) {
	h, err := l.head(ctx)
	return h.position, err
}

// head asks the leader where the log ends. A server that was the leader, and does not know yet that it is no more, may
// answer with less than what this process has seen: then it is asked again.
func (l *Log) head(ctx context.Context) (head, error) {
	if err := l.usable(ctx); err != nil {
		return head{}, err
	}
	var h head
	err := l.conn.retry(ctx, func() (err error) {
		least := l.news.least()
		if h, err = l.leaderHead(ctx); err == nil && h.position < least {
			err = fmt.Errorf("%w that knows position %d", errUnsent, least)
		}
		return err
	})
	return h, err
}

func (l *Log) leaderHead(ctx context.Context) (head, error) {
	m, err := l.conn.get(ctx, l.names.logStream(), selector{LastOf: everything})
	if m == nil || err != nil {
		return head{}, err
	}
	var p part
	if err := new(decoder).part(m.Data, &p); err != nil {
		return head{}, fmt.Errorf("message %d: %w", m.Sequence, err)
	}
	h := head{sequence: m.Sequence}
	switch {
	case p.index < p.parts-1:
		// The server is about to store the rest of a batch.
		return head{}, fmt.Errorf("%w all of commit %x", errUnsent, p.commit)
	case p.has(flagEvents):
		h.position = positionOf(m.Sequence, p.count-1)
	default:
		h.position, err = l.headBefore(ctx, m.Sequence, p.known)
	}
	return h, err
}

// looked is the last place where it was looked for: what headBefore answered for a sequence. Nothing changes it, so that
// many messages without events are not read again for each of them.
type looked struct {
	mu sync.Mutex
	at head
}

func (l *looked) get() head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at
}

func (l *looked) put(at head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.sequence > l.at.sequence {
		l.at = at
	}
}

// headBefore returns the position of the last event before the message of a sequence. known is that of an earlier
// event, 0 if none is known.
func (l *Log) headBefore(ctx context.Context, sequence uint64, known cqrs.Position) (cqrs.Position, error) {
	from := sequenceOf(known) + 1
	if before := l.looked.get(); before.sequence > from && before.sequence <= sequence {
		from, known = before.sequence, before.position
	}
	s := l.scan(ctx, from, sequence-1)
	defer s.close()
	for s.next() {
		if s.part.has(flagEvents) {
			known = positionOf(s.sequence, s.part.count-1)
		}
	}
	if s.err == nil {
		l.looked.put(head{sequence, known})
	}
	return known, s.err
}

// see says that this process has seen an event: nothing that it reads from now on ends before. own says that it
// appended it.
func (l *Log) see(p cqrs.Position, own bool) { l.news.see(p, own) }
