package jetstream

import (
	"context"
	"encoding/binary"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// counts are how many events the log has of each type, up to a message. They are made by reading the log once, and then
// what is new.
type counts struct {
	// turn has a value while somebody reads on.
	turn    chan struct{}
	through uint64
	of      map[string]int64
}

// Count implements eventlog.Log. The first time in a process it reads the whole log; later only what was appended since.
func (l *Log) Count(ctx context.Context, types ...string) (int64, error) {
	h, err := l.head(ctx)
	if err != nil {
		return 0, err
	}
	c := &l.counts
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.conn.done:
		return 0, cqrs.ErrClosed
	}
	if err := c.extend(ctx, l, h.sequence); err != nil {
		return 0, err
	}
	// Nobody counts an event twice because its type is named twice.
	wanted := setOf(types)
	var n int64
	for t, count := range c.of {
		if wanted.admits(t) {
			n += count
		}
	}
	return n, nil
}

// extend counts what lies behind what was counted. After an error it goes on from where it came to.
func (c *counts) extend(ctx context.Context, l *Log, through uint64) error {
	if c.of == nil {
		c.of = make(map[string]int64)
	}
	s := l.scan(ctx, c.through+1, through)
	defer s.close()
	for s.next() {
		if err := c.add(&s.part); err != nil {
			return err
		}
		c.through = s.sequence
	}
	return s.err
}

// add counts the events of a part.
func (c *counts) add(p *part) error {
	if !p.has(flagEvents) {
		return nil
	}
	if len(p.types) == 1 {
		c.of[p.types[0].name] += int64(p.count)
		return nil
	}
	events := p.events
	for range p.count {
		typ, n := binary.Uvarint(events)
		if n <= 0 || typ >= uint64(len(p.types)) {
			return corruptf("an event's type is unknown")
		}
		size, m := binary.Uvarint(events[n:])
		if m <= 0 || size > uint64(len(events)-n-m) {
			return corruptf("an event is cut off")
		}
		events = events[n+m+int(size):]
		c.of[p.types[typ].name]++
	}
	return nil
}
