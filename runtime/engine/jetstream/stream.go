package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// ReadStream implements eventlog.Log.
func (l *Log) ReadStream(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return l.readStream(ctx, stream, func(r *streamReading) error { return r.forwards(max(1, from)) })
}

// ReadStreamBackwards implements eventlog.Log.
func (l *Log) ReadStreamBackwards(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return l.readStream(ctx, stream, func(r *streamReading) error { return r.backwards(from) })
}

func (l *Log) readStream(
	ctx context.Context, stream cqrs.StreamID, read func(*streamReading) error,
) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		if err := stream.Validate(); err != nil {
			yield(nil, err)
			return
		}
		r := streamReading{
			reading: reading{log: l, ctx: ctx, yield: yield, stopped: eventlog.ReadError{Stream: stream}},
			stream:  stream, subject: l.names.events(stream),
		}
		err := l.usable(ctx)
		if err == nil {
			err = r.end()
		}
		if err == nil && r.last.count > 0 {
			err = read(&r)
		}
		if err != nil && !r.over {
			r.fail(err)
		}
	}
}

// streamReading reads one stream.
type streamReading struct {
	reading
	stream  cqrs.StreamID
	subject string
	// last is the stream's last part when reading began, and lastSequence that of its message.
	last         part
	lastSequence uint64
	decoder      decoder
}

// end reads the stream's last part, from the leader.
func (r *streamReading) end() error {
	return r.log.conn.retry(r.ctx, func() error {
		m, at, err := r.log.lastOf(r.ctx, r.stream, &r.last)
		if err != nil {
			return err
		}
		if known, ok := r.log.ends.get(r.stream); ok && known.sequence > at.sequence {
			return fmt.Errorf("%w that knows version %d", errUnsent, known.version)
		}
		if m != nil {
			r.lastSequence = m.Sequence
		}
		return nil
	})
}

// located is a part of the stream, and where it is. Its events are not read yet.
type located struct {
	part
	sequence uint64
}

// forwards hands out the events from a version on.
func (r *streamReading) forwards(from cqrs.Version) error {
	if from > r.last.last() {
		return nil
	}
	return r.walk(from, func(p *located) error {
		// The position is no bound here, but the version is.
		after := cqrs.Position(0)
		if from > p.version {
			after = positionOf(p.sequence, uint64(from-p.version)-1)
		}
		if !r.part(&p.part, p.sequence, after, math.MaxInt64) {
			return errOver
		}
		return nil
	})
}

// walk visits the parts from the one with a version on to the last one.
func (r *streamReading) walk(from cqrs.Version, visit func(*located) error) error {
	if from >= r.last.version {
		return ignoreOver(visit(&located{r.last, r.lastSequence}))
	}
	start, err := r.find(from)
	if err != nil {
		return err
	}
	return ignoreOver(r.follow(start, from, visit))
}

func ignoreOver(err error) error {
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// follow visits the parts that lie at a sequence or behind, and hold the version or a later one. Each must begin where
// the one before ended.
func (r *streamReading) follow(sequence uint64, from cqrs.Version, visit func(*located) error) error {
	next := cqrs.Version(0)
	count := firstMessages
	a := r.request(sequence, count)
	defer func() { r.log.conn.close(a.asked) }()
	for {
		parts, err := r.receive(a)
		if err != nil {
			return err
		}
		lastOne := parts[len(parts)-1].sequence >= r.lastSequence
		if !lastOne {
			count = min(maxMessagesAsked, max(1, r.log.segmentBytes()/(1+a.bytes/len(a.frames))))
			a = r.request(parts[len(parts)-1].sequence+1, count)
		}
		for i := range parts {
			p := &parts[i]
			if next > 0 && p.version != next || next == 0 && p.version > from {
				return corruptf("stream %s has version %d where %d must be", r.stream, p.version, max(next, from))
			}
			next = p.last() + 1
			if p.last() < from {
				continue
			}
			if err := r.log.usable(r.ctx); err != nil {
				return err
			}
			if err := visit(p); err != nil {
				return err
			}
			if p.sequence >= r.lastSequence {
				return nil
			}
		}
	}
}

func (r *streamReading) request(sequence uint64, count int) *segment {
	a := &segment{from: sequence, count: count}
	r.log.ask(a, r.subject)
	return a
}

// receive gets the parts of a segment, at least one.
func (r *streamReading) receive(a *segment) (parts []located, err error) {
	err = r.log.conn.retry(r.ctx, func() error {
		if a.asked.token == "" {
			r.log.ask(a, r.subject)
		}
		err := r.log.receive(r.ctx, a)
		if err == nil {
			parts, err = r.locate(a)
		}
		if err != nil {
			*a = segment{from: a.from, count: a.count}
		}
		return err
	})
	return parts, err
}

// locate finds out where the messages of a segment are: the server tells it of the last one, and each says where the one
// before is.
func (r *streamReading) locate(a *segment) ([]located, error) {
	if len(a.frames) == 0 {
		return nil, r.absent()
	}
	parts := make([]located, len(a.frames))
	for i, frame := range a.frames {
		p := &parts[i].part
		if err := r.decoder.part(frame, p); err != nil {
			return nil, fmt.Errorf("stream %s behind message %d: %w", r.stream, a.from, err)
		}
		if p.stream != r.stream || !p.has(flagEvents) {
			return nil, corruptf("a message of %s has the subject of %s", p.stream, r.stream)
		}
	}
	sequence := a.last
	for i := len(parts) - 1; i >= 0; i-- {
		p := &parts[i]
		if sequence < a.from {
			// An answer was lost on its way, or the message itself is.
			return nil, fmt.Errorf("%w: the messages of %s behind %d are not those that follow each other", errNoAnswer, r.stream, a.from)
		}
		p.sequence = sequence
		sequence = p.previous
		if p.has(flagContinued) {
			sequence = p.sequence - 1
		}
	}
	return parts, nil
}

// absent finds out why a replica has no message of the stream from a sequence on, where its last one must be at least.
func (r *streamReading) absent() error {
	if _, err := r.log.message(r.ctx, r.lastSequence); err != nil {
		return err
	}
	return errBehind
}

// near is how many versions before the one wanted reading may begin, rather than going on to look for it.
const near = 64

// find returns a sequence from which on reading the stream gets to a version soon.
func (r *streamReading) find(version cqrs.Version) (uint64, error) {
	// The version lies behind low and before high.
	low, high := end{}, end{r.lastSequence, r.last.version}
	for turn := 0; version-low.version > near && high.sequence > low.sequence+1; turn++ {
		middle := low.sequence + (high.sequence-low.sequence)/2
		if turn%3 != 2 {
			// Streams often grow evenly.
			part := float64(version-low.version-near/2) / float64(high.version-low.version)
			middle = low.sequence + uint64(part*float64(high.sequence-low.sequence))
		}
		middle = min(max(middle, low.sequence+1), high.sequence-1)
		p, err := r.at(middle)
		switch {
		case err != nil:
			return 0, err
		case p.version > version:
			high = end{middle, p.version}
		case p.last() >= version:
			return p.sequence, nil
		default:
			low = end{p.sequence, p.last()}
		}
	}
	return low.sequence + 1, nil
}

// at reads the first part of the stream from a sequence on.
func (r *streamReading) at(sequence uint64) (located, error) {
	parts, err := r.receive(r.request(sequence, 1))
	if err != nil {
		return located{}, err
	}
	return parts[0], nil
}

// firstWindow and maxWindow bound the versions that are read at a time to be handed out backwards.
const (
	firstWindow = 64
	maxWindow   = 4096
)

// backwards hands out the events from a version down to the first.
func (r *streamReading) backwards(from cqrs.Version) error {
	if last := r.last.last(); from <= 0 || from > last {
		from = last
	}
	for window := cqrs.Version(1); from > 0; window = min(maxWindow, max(firstWindow, 2*window)) {
		w, err := r.window(max(1, from-window+1), from)
		if err != nil {
			return err
		}
		for i := len(w) - 1; i >= 0; i-- {
			r.record = w[i]
			if !r.hand(uint64(len(w) - 1 - i)) {
				return nil
			}
		}
		from = w[0].Version - 1
	}
	return nil
}

// window reads the events of some versions. If they are more than is to be held in memory, the first ones are missing.
func (r *streamReading) window(from, through cqrs.Version) (records []cqrs.Record, err error) {
	bytes := 0
	collect := streamReading{
		reading: reading{log: r.log, ctx: r.ctx}, stream: r.stream, subject: r.subject,
		last: r.last, lastSequence: r.lastSequence,
	}
	collect.last.types = append([]eventType(nil), r.last.types...)
	collect.yield = func(rec *cqrs.Record, failed error) bool {
		if failed != nil {
			err = collect.stopped.Err
			return false
		}
		if rec.Version > through {
			return false
		}
		records = append(records, *rec)
		bytes += len(rec.Data)
		for bytes > r.log.options.readBuffer && len(records) > 1 {
			bytes -= len(records[0].Data)
			records[0] = cqrs.Record{}
			records = records[1:]
		}
		return rec.Version < through
	}
	if failed := collect.forwards(from); failed != nil {
		return nil, failed
	}
	if err == nil && len(records) == 0 {
		err = corruptf("stream %s does not have version %d", r.stream, through)
	}
	return records, err
}
