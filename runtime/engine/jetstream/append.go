package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
)

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if err := c.Check(); err != nil {
		return eventlog.Appended{}, err
	}
	if err := l.enter(ctx); err != nil {
		return eventlog.Appended{}, err
	}
	defer l.appends.Done()
	// One way to write a time, without a monotonic reading, whatever the caller's looked like.
	c.Meta.Time = time.UnixMicro(c.Meta.Time.UnixMicro()).UTC()
	a := appending{
		Log: l, commit: &c, at: make([]end, len(c.Streams)),
		began: time.Now(), since: sequenceOf(l.news.least()), attempt: rand.Uint64(),
	}
	return a.append(ctx)
}

// unknownOutcome is an error of an append that may have been stored: eventlog.ErrUnavailable would say that it was not.
func unknownOutcome(id cqrs.CommitID, err error) error {
	if errors.Is(err, eventlog.ErrUnavailable) || passing(err) {
		err = errors.New(err.Error())
	}
	return &eventlog.UnknownOutcomeError{Commit: id, Err: err}
}

// appending is a commit on its way.
type appending struct {
	*Log
	commit *eventlog.Commit
	// at is where each stream ends: what the last publish relied on, or the next one will.
	at []end
	// known is a head, for the notes of the commit.
	known cqrs.Position
	sent  *envelope
	// published says that the last message was handed to the connection; unknown that it may be stored, or be stored
	// yet; unanswered that a publish got no answer, or one that says nothing.
	published, unknown, unanswered bool

	tries   int
	began   time.Time
	since   uint64 // the sequence of a message that was stored before
	attempt uint64 // tells this call from others for the same commit
}

// append runs, and says so if the outcome is not known.
func (a *appending) append(ctx context.Context) (eventlog.Appended, error) {
	outcome, err := a.run(ctx)
	if err == nil {
		// It is stored. If it was found through another connection, that is not enough.
		if err = a.safe(ctx); err != nil {
			outcome, a.unknown = eventlog.Appended{}, true
		}
	}
	if err != nil && a.unknown {
		err = unknownOutcome(a.commit.ID, err)
	}
	return outcome, err
}

// run publishes until the commit is stored, or can't be.
func (a *appending) run(ctx context.Context) (eventlog.Appended, error) {
	for ; ; a.tries++ {
		if err := a.safe(ctx); err != nil {
			return eventlog.Appended{}, err
		}
		if !a.unknown {
			// What may be stored yet must be published again as it was, or not at all.
			if err := a.expect(ctx); err != nil {
				return a.refused(ctx, err)
			}
		}
		a.published = false
		first, err := a.publish(ctx)
		if err == nil {
			return a.stored(ctx, first)
		}
		if outcome, done, err := a.judge(ctx, err); done || err != nil {
			return outcome, err
		}
	}
}

// judge decides what follows from a publish that failed: the commit is stored, or an error is final, or else it is
// tried again.
func (a *appending) judge(ctx context.Context, failed error) (outcome eventlog.Appended, done bool, err error) {
	if duplicate := (*duplicateError)(nil); errors.As(failed, &duplicate) {
		outcome, err = a.settled(ctx, duplicate.sequence)
		return outcome, true, err
	}
	// A refusal is no proof: a server that is the leader no more, and does not know it yet, refuses what the new leader,
	// who got it too, stores.
	a.unknown = a.unknown || a.published && !errors.Is(failed, errUnsent)
	a.unanswered = a.unanswered || a.published && !answered(failed)
	if !retriable(failed) {
		if a.published {
			a.unknown = a.unanswered
		} // else it says nothing about what was published before
		return outcome, false, explain(failed)
	}
	if time.Now().After(a.limit(failed)) {
		if hasCode(failed, full...) {
			a.unknown = a.unanswered
		}
		return outcome, false, unavailable(explain(fmt.Errorf("tried for %v: %w", time.Since(a.began), failed)))
	}
	if a.tries > 0 || !hasCode(failed, codeWrongLastSequence) {
		if err := a.conn.pause(ctx, a.tries, failed); err != nil {
			return outcome, false, err
		}
	}
	return a.look(ctx)
}

// retriable reports whether a publish that failed so is worth another one.
func retriable(err error) bool {
	return passing(err) || hasCode(err, codeWrongLastSequence, codeLastSequenceUnclear, codeBatchIncomplete,
		codeBatchDuplicate, codeTooManyBatches) || hasCode(err, full...)
}

// answered reports whether an error is that of a publish that was refused, or did not happen.
func answered(err error) bool {
	return errors.As(err, new(*apiError)) && !hasCode(err, codeStoreFailed) ||
		errors.Is(err, errUnsent) || errors.Is(err, nats.ErrMaxPayload)
}

// fullPatience is how long servers may say that they are full before it is believed.
const fullPatience = 3 * time.Second

// limit returns when an append that failed so is given up.
func (a *appending) limit(failed error) time.Time {
	if hasCode(failed, full...) {
		return a.began.Add(fullPatience)
	}
	return a.began.Add(patience)
}

// explain gives a server's final refusal its meaning.
func explain(err error) error {
	if hasCode(err, full...) {
		return fmt.Errorf("%w: %w", eventlog.ErrFull, err)
	}
	return err
}

// look finds out whether the commit is stored. It forgets that the outcome is unknown once nothing that was published
// can be stored any more.
func (a *appending) look(ctx context.Context) (outcome eventlog.Appended, done bool, err error) {
	if a.unknown {
		if outcome, done, err = a.resolve(ctx); done || err != nil {
			return outcome, done, err
		}
	}
	if a.commit.Meta.CommandID == "" {
		return outcome, false, nil
	}
	sequence, ok, err := a.probe(ctx, a.commit.Meta.CommandID, 0)
	if err != nil || !ok {
		return outcome, false, err
	}
	outcome, err = a.settled(ctx, sequence)
	return outcome, true, err
}

// resolve looks for the commit where it must be if it is stored.
func (a *appending) resolve(ctx context.Context) (outcome eventlog.Appended, done bool, err error) {
	broken := uint64(0)
	for i := range a.commit.Streams {
		first, taken, err := a.place(ctx, i)
		switch {
		case err != nil:
			return outcome, false, err
		case first > 0:
			return a.found(ctx, first)
		case taken > 0 && len(a.commit.Streams[i].Events) > 0:
			// Another commit took the place that this one relied on.
			a.unknown = false
			return outcome, false, nil
		}
		broken = max(broken, taken)
	}
	if broken == 0 {
		return outcome, false, nil // it may be stored yet
	}
	// A stream that gets no event is not any more what the commit relied on. It is stored before that, or never.
	first, err := a.search(ctx, broken)
	if first > 0 {
		return a.found(ctx, first)
	}
	a.unknown = err != nil
	return outcome, false, err
}

// found is the end of an append whose commit is stored, by this call or another one.
func (a *appending) found(ctx context.Context, first uint64) (outcome eventlog.Appended, done bool, err error) {
	if a.commit.Meta.CommandID != "" {
		outcome, err = a.settled(ctx, first)
	} else {
		outcome, err = a.stored(ctx, first)
	}
	return outcome, true, err
}

// search reads what was stored since this append began, and before a sequence, and returns the first sequence of the
// commit, 0 if it is not there.
func (a *appending) search(ctx context.Context, before uint64) (uint64, error) {
	from := a.since
	for i := range a.at {
		from = max(from, a.at[i].sequence)
	}
	s := a.scan(ctx, from+1, before-1)
	defer s.close()
	for s.next() {
		if s.part.commit == a.commit.ID {
			return s.sequence - s.part.index, nil
		}
	}
	return 0, s.err
}

// place looks at the place that the commit's ith stream has for it: the sequence of the commit's first message if it is
// there, and that of another commit's message if that is there.
func (a *appending) place(ctx context.Context, i int) (first, taken uint64, err error) {
	s := selector{Sequence: a.at[i].sequence + 1, NextOf: a.names.events(a.commit.Streams[i].Stream)}
	next, err := a.conn.get(ctx, a.names.logStream(), s)
	if next == nil || err != nil {
		return 0, 0, err
	}
	var p part
	if err := new(decoder).part(next.Data, &p); err != nil {
		return 0, 0, fmt.Errorf("message %d: %w", next.Sequence, err)
	}
	if p.commit == a.commit.ID {
		return next.Sequence - p.index, 0, nil
	}
	return 0, next.Sequence, nil
}

// refused is the end of an append whose streams are not at their expected versions. If it is a command's, that may be
// because the command was carried out already.
func (a *appending) refused(ctx context.Context, err error) (eventlog.Appended, error) {
	if a.commit.Meta.CommandID == "" || !errors.As(err, new(*cqrs.ConflictError)) {
		return eventlog.Appended{}, err
	}
	last := uint64(0)
	for i := range a.at {
		last = max(last, a.at[i].sequence)
	}
	sequence, ok, probeErr := a.probe(ctx, a.commit.Meta.CommandID, last)
	switch {
	case probeErr != nil:
		return eventlog.Appended{}, probeErr
	case ok:
		return a.settled(ctx, sequence)
	}
	return eventlog.Appended{}, err
}

// settled is the end of an append whose command id is on record.
func (a *appending) settled(ctx context.Context, sequence uint64) (eventlog.Appended, error) {
	r, err := a.recorded(ctx, sequence)
	if err != nil {
		return eventlog.Appended{}, err
	}
	r.outcome.Repeated = r.attempt != a.attempt
	a.unknown = false
	if r.hash != a.commit.CommandHash {
		return eventlog.Appended{}, &cqrs.CommandReusedError{CommandID: a.commit.Meta.CommandID}
	}
	a.see(r.outcome.Position, true)
	return r.outcome, nil
}

// stored is the end of an append whose first message got this sequence.
func (a *appending) stored(ctx context.Context, first uint64) (eventlog.Appended, error) {
	outcome := eventlog.Appended{Version: outcomeVersion(a.commit, a.at), Meta: a.commit.Meta}
	for i, last := range a.sent.lastPart {
		if last >= 0 {
			s := &a.commit.Streams[i]
			a.ends.put(s.Stream, end{first + uint64(last), a.at[i].version + cqrs.Version(len(s.Events))})
		}
	}
	if a.sent.lastCount > 0 {
		outcome.Position = positionOf(first+uint64(len(a.sent.messages))-1, a.sent.lastCount-1)
		a.see(outcome.Position, true)
		return outcome, nil
	}
	var err error
	if outcome.Position, err = a.headBefore(ctx, first, a.known); err != nil {
		// It is stored, but this process can't say where.
		a.unknown = true
	}
	return outcome, err
}

// expect finds out where the streams end, and compares that with the versions that are expected.
func (a *appending) expect(ctx context.Context) error {
	streams := a.commit.Streams
	var unsure []int
	for i := range streams {
		s := &streams[i]
		at, known := a.ends.get(s.Stream)
		if !known && s.Expected == eventlog.New {
			known = a.tries == 0 // whether it is new is for the server to say
		}
		failed := a.tries > 0 && a.at[i].sequence == at.sequence
		if !known || failed || s.Expected != eventlog.Any && s.Expected != eventlog.Exactly(at.version) {
			unsure = append(unsure, i)
			continue
		}
		a.at[i] = at
	}
	errs := make([]error, len(unsure))
	parallel(len(unsure), func(n int) {
		i := unsure[n]
		s := &streams[i]
		if a.at[i], errs[n] = a.endOf(ctx, s.Stream); errs[n] != nil {
			return
		}
		if actual := a.at[i].version; s.Expected != eventlog.Any && s.Expected != eventlog.Exactly(actual) {
			errs[n] = &cqrs.ConflictError{Stream: s.Stream, Expected: cqrs.Version(s.Expected), Actual: actual}
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// parallel calls f for 0 to n-1, several at a time.
func parallel(n int, f func(i int)) {
	const most = 32
	if n == 1 {
		f(0)
		return
	}
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, most) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// endOf asks the leader where a stream ends.
func (l *Log) endOf(ctx context.Context, s cqrs.StreamID) (end, error) {
	_, at, err := l.lastOf(ctx, s, new(part))
	return at, err
}

// lastOf reads the last part of a stream from the leader; nil if the stream has no events.
func (l *Log) lastOf(ctx context.Context, s cqrs.StreamID, p *part) (*message, end, error) {
	m, err := l.conn.get(ctx, l.names.logStream(), selector{LastOf: l.names.events(s)})
	if m == nil || err != nil {
		return nil, end{}, err
	}
	if err := new(decoder).part(m.Data, p); err != nil {
		return nil, end{}, fmt.Errorf("message %d: %w", m.Sequence, err)
	}
	if p.stream != s || !p.has(flagEvents) {
		return nil, end{}, corruptf("message %d is not one of %s", m.Sequence, s)
	}
	at := end{m.Sequence, p.last()}
	l.ends.put(s, at)
	return m, at, nil
}
