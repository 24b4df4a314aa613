package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// How much of the log is asked for at a time.
const (
	// ahead is how many requests are under way while the answers to one are used.
	ahead = 3
	// firstMessages and maxMessagesAsked bound the messages of one request: few at first, until their size is known.
	firstMessages    = 64
	maxMessagesAsked = 2048
)

// getRequest asks a replica for messages from a sequence on, of all subjects or of one.
type getRequest struct {
	Sequence  uint64 `json:"seq"`
	NextOf    string `json:"next_by_subj,omitempty"`
	Batch     int    `json:"batch"`
	MaxBytes  int    `json:"max_bytes"`
	NoHeaders bool   `json:"no_hdr"`
}

// segment is a run of messages that one request asks for.
type segment struct {
	from  uint64 // the sequence of the first message
	count int
	asked place
	err   error // of asking

	frames [][]byte
	bytes  int
	last   uint64 // the sequence of the last message that arrived
}

// ask sends the request of a segment.
func (l *Log) ask(s *segment, subject string) {
	request := getRequest{Sequence: s.from, NextOf: subject, Batch: s.count, MaxBytes: l.segmentBytes(), NoHeaders: true}
	body, err := json.Marshal(request)
	if err != nil {
		s.err = err
		return
	}
	s.asked = l.conn.open(s.count + 1)
	m := &nats.Msg{Subject: "$JS.API.DIRECT.GET." + l.names.logStream(), Reply: s.asked.reply, Data: body}
	s.err = l.conn.send(m)
}

func (l *Log) segmentBytes() int { return max(1, l.options.readBuffer/(ahead+1)) }

// receive waits for the answers to a segment's request. There may be fewer messages than were asked for, or none: a
// replica may not have all of them yet, and sends no more than a number of bytes.
func (l *Log) receive(ctx context.Context, s *segment) error {
	defer l.conn.close(s.asked)
	if s.err != nil {
		return s.err
	}
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	for {
		m, err := l.conn.answer(ctx, s.asked, timer.C)
		if err != nil {
			return err
		}
		if len(m.Header) == 0 {
			s.frames = append(s.frames, m.Data)
			s.bytes += len(m.Data)
			continue
		}
		return s.finish(m.Header)
	}
}

// finish reads what ends the answers.
func (s *segment) finish(h nats.Header) error {
	switch status := h.Get("Status"); status {
	case "204":
		last, err := strconv.ParseUint(h.Get("Nats-Last-Sequence"), 10, 64)
		s.last = last
		return err
	case "404":
		return nil
	case "503":
		return errUnsent
	default:
		return fmt.Errorf("%w: a replica answers with status %s %s", errNoAnswer, status, h.Get("Description"))
	}
}

// scanner reads the messages of a range of sequences, all of them, and in order. It asks for the next ones while the
// caller is at the ones before.
type scanner struct {
	log *Log
	ctx context.Context
	// asked are the segments that were asked for, in order; from is where the next one begins, through the last
	// sequence of all.
	asked         []*segment
	from, through uint64
	count         int // messages to ask for

	frames [][]byte // not yet handed out
	decoder

	// sequence and part are those of the message that next arrived at.
	sequence uint64
	part     part
	err      error
}

// scan starts to read the messages from one sequence through another. The caller closes the scanner.
func (l *Log) scan(ctx context.Context, from, through uint64) *scanner {
	return &scanner{
		log: l, ctx: ctx, from: max(1, from), through: through, count: firstMessages, sequence: max(1, from) - 1,
	}
}

// close gives up what was asked for.
func (s *scanner) close() {
	for _, a := range s.asked {
		s.log.conn.close(a.asked)
	}
	s.asked = nil
}

// next goes on to the next message, and reports whether there is one.
func (s *scanner) next() bool {
	if s.err != nil || s.sequence >= s.through {
		return false
	}
	if s.err = s.log.usable(s.ctx); s.err != nil {
		return false
	}
	if len(s.frames) == 0 {
		if s.err = s.fetch(); s.err != nil {
			return false
		}
	}
	frame := s.frames[0]
	s.frames[0] = nil
	s.frames = s.frames[1:]
	s.sequence++
	if err := s.decoder.part(frame, &s.part); err != nil {
		s.err = fmt.Errorf("message %d: %w", s.sequence, err)
		return false
	}
	return true
}

// request keeps requests under way.
func (s *scanner) request() {
	for len(s.asked) < ahead && s.from <= s.through {
		a := &segment{from: s.from, count: int(min(uint64(s.count), s.through-s.from+1))}
		s.log.ask(a, "")
		s.asked = append(s.asked, a)
		s.from += uint64(a.count)
	}
}

// fetch gets the next segment.
func (s *scanner) fetch() error {
	s.request()
	a := s.asked[0]
	s.asked = s.asked[1:]
	err := s.complete(a)
	if err != nil {
		return err
	}
	s.frames = a.frames
	s.count = min(maxMessagesAsked, max(1, s.log.segmentBytes()/(1+a.bytes/len(a.frames))))
	s.request()
	return nil
}

// complete gets at least the first message of a segment, and asks again for the rest.
func (s *scanner) complete(a *segment) error {
	return s.log.conn.retry(s.ctx, func() error {
		if a.asked.token == "" {
			s.log.ask(a, "")
		}
		err := s.log.receive(s.ctx, a)
		if err == nil {
			err = s.check(a)
		}
		if err != nil {
			*a = segment{from: a.from, count: a.count}
			return err
		}
		if got := len(a.frames); got < a.count {
			rest := &segment{from: a.from + uint64(got), count: a.count - got}
			s.log.ask(rest, "")
			s.asked = append([]*segment{rest}, s.asked...)
		}
		return nil
	})
}

// check finds out whether the messages that arrived are those that follow each other.
func (s *scanner) check(a *segment) error {
	got := uint64(len(a.frames))
	if got > 0 && a.last == a.from+got-1 {
		return nil
	}
	if got == 0 && a.last == 0 {
		// The replica does not have the first message. Does the leader?
		if _, err := s.log.message(s.ctx, a.from); err != nil {
			return err
		}
		return errBehind
	}
	if a.last < a.from+got-1 {
		return fmt.Errorf("%w: messages arrived twice", errNoAnswer)
	}
	return s.jump(a)
}

// jump finds the message that is not there. If all are, answers were lost on their way.
func (s *scanner) jump(a *segment) error {
	for sequence := a.from; sequence <= min(a.last, a.from+uint64(a.count)-1); sequence++ {
		if _, err := s.log.message(s.ctx, sequence); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: messages did not arrive", errNoAnswer)
}

// message reads a message that must be there from the leader. Only a server that has later ones can say that it is not.
func (l *Log) message(ctx context.Context, sequence uint64) (m *message, err error) {
	err = l.conn.retry(ctx, func() error {
		m, err = l.conn.get(ctx, l.names.logStream(), selector{Sequence: sequence, NextOf: everything})
		switch {
		case err != nil:
			return err
		case m == nil:
			return errBehind
		case m.Sequence != sequence:
			return lost(sequence)
		}
		return nil
	})
	return m, err
}

// errBehind says that a server does not have yet what another one has.
var errBehind = fmt.Errorf("%w: the replica is behind", errUnsent)

// lost says that the log has a hole.
func lost(sequence uint64) error {
	return corruptf("message %d is missing: it was deleted, or the servers lost it; restore the log from a backup", sequence)
}
