package logtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A history has so many operations, of so many callers at once, on so few streams that they get into each other's way.
const (
	historyOperations = 2_000
	historyCallers    = 8
	historyStreams    = 4
	historyCommands   = 100
)

// checkWithin is how long finding an order may take; a history that takes longer could not be checked, which fails.
const checkWithin = time.Minute

// histories records what concurrent callers did and got, and demands that there is one order of all operations, in which
// each begins and ends when it did, and in which a log that does one thing at a time answers the same.
func histories(t *testing.T, open func(testing.TB) Harness) {
	box := soak.Box(t, 7*time.Second, 0)
	rounds, seed := soak.Rounds(20, 100), soak.Seed(t)
	what := fmt.Sprintf("histories of %d operations, all linearizable", historyOperations)
	for i := range box.Rounds(rounds, what) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			f := newFixture(t, open(t))
			f.rand = rand.New(rand.NewPCG(seed, uint64(i)))
			h := newHistory(f)
			h.record()
			h.check()
		})
		if t.Failed() {
			return
		}
	}
}

// RunDisturbed records histories as RunSeries does, while disturb makes the log's servers fail and come back, and demands
// the same of them: whatever was answered was true, and nothing that was acknowledged is gone. Disturb goes on until done
// is closed, and leaves servers that work. A call that fails meanwhile must say that the log was not available, or that
// its outcome is not known. Open opens a log on servers that nobody else uses.
func RunDisturbed(t *testing.T, open func(testing.TB) Harness, disturb func(done <-chan struct{})) {
	box := soak.Box(t, 7*time.Second, 0)
	for range box.Rounds(soak.Rounds(5, 100), "histories under faults, nothing acknowledged lost, all linearizable") {
		h := newHistory(newFixture(t, open(t)))
		h.disturbed = box
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.record()
		}()
		disturb(done)
		h.check()
		soak.Logf(t, "%d operations, of which %d could not be carried out and %d had no known outcome",
			len(h.operations), h.failed, h.unknown)
	}
}

// patience is how long a caller waits for one operation while servers fail.
const patience = 5 * time.Second

// operation is what one caller did, and what it got.
type operation struct {
	kind         operationKind
	caller       int
	called, done time.Duration

	// number is that of an append, from 1: its events carry it, and its meta data too. Number 0 is no operation.
	number int
	commit eventlog.Commit
	// command and content are those of an append that has a command id.
	command, content int
	appended         eventlog.Appended
	err              error
	// rank is the place of an append that stored events among all of those, from 1.
	rank int

	stream int
	after  cqrs.Position
	seen   []seenEvent
	head   cqrs.Position
}

type operationKind int

const (
	appending operationKind = iota
	readingStream
	readingTail
	readingHead
)

// seenEvent is the event of an append, by its number and the event's index in it.
type seenEvent struct{ number, index int }

func (op *operation) String() string {
	switch op.kind {
	case appending:
		text := fmt.Sprintf("append %d", op.number)
		if op.command != 0 {
			text += fmt.Sprintf(" (command %d.%d)", op.command, op.content)
		}
		for _, s := range op.commit.Streams {
			text += fmt.Sprintf(" %s@%d+%d", s.Stream.ID, s.Expected, len(s.Events))
		}
		if op.err != nil {
			return fmt.Sprint(text, " → ", op.err)
		}
		return fmt.Sprintf("%s → position %d, version %d, repeated %t",
			text, op.appended.Position, op.appended.Version, op.appended.Repeated)
	case readingStream:
		return fmt.Sprintf("read stream %d → %d events", op.stream, len(op.seen))
	case readingTail:
		return fmt.Sprintf("read after %d → %d events", op.after, len(op.seen))
	}
	return fmt.Sprint("head → ", op.head)
}

// history is a log, and what was done to it.
type history struct {
	*fixture
	started time.Time
	logs    []eventlog.Log
	// versions are about those of the streams: callers take from them what they expect.
	versions [historyStreams]atomic.Int64
	numbers  atomic.Int64

	operations []*operation
	// disturbed is not nil if servers fail, and bounds how long that goes on; failed operations were not carried out for
	// that reason, unknown ones may have been.
	disturbed       *soak.TimeBox
	failed, unknown int
}

func newHistory(f *fixture) *history { return &history{fixture: f, logs: f.logs()} }

// record lets the callers do what they do.
func (h *history) record() {
	h.started = time.Now()
	each := make([][]*operation, historyCallers)
	var wg sync.WaitGroup
	for c := range each {
		caller := &caller{history: h, number: c, log: h.logs[c%len(h.logs)], rand: rand.New(rand.NewPCG(h.rand.Uint64(), 0))}
		wg.Go(func() {
			for range historyOperations / historyCallers {
				if h.disturbed == nil || h.disturbed.Open() {
					each[c] = append(each[c], caller.do())
				}
			}
		})
	}
	wg.Wait()
	h.operations = slices.Concat(each...)
}

// caller does one operation after the other.
type caller struct {
	*history
	number int
	log    eventlog.Log
	rand   *rand.Rand
	// last is the position of something that this caller stored.
	last cqrs.Position
}

// do does and records one operation.
func (c *caller) do() *operation {
	op := &operation{caller: c.number}
	var run func(context.Context, *operation)
	switch p := c.rand.IntN(100); {
	case p < 65:
		run = c.prepareAppend(op)
	case p < 80:
		op.kind, op.stream, run = readingStream, c.rand.IntN(historyStreams), c.readStream
	case p < 90:
		op.kind, op.after, run = readingTail, c.last, c.readTail
	default:
		op.kind, run = readingHead, c.readHead
	}
	ctx := c.ctx
	if c.disturbed != nil {
		// So that a history lasts longer than its servers do.
		time.Sleep(time.Duration(c.rand.IntN(6000)) * time.Microsecond)
		within, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		ctx = within
	}
	op.called = time.Since(c.started)
	run(ctx, op)
	op.done = time.Since(c.started)
	if op.kind == appending && op.err == nil && !op.appended.Repeated {
		c.last = op.appended.Position
	}
	return op
}

// prepareAppend makes a commit to one stream, or to several, some of which it may only expect at a version.
func (c *caller) prepareAppend(op *operation) func(context.Context, *operation) {
	op.number = int(c.numbers.Add(1))
	op.commit = commit()
	streams := c.rand.Perm(historyStreams)[:1+max(0, c.rand.IntN(6)-3)]
	if c.rand.IntN(5) == 0 {
		// A command stays with its stream, and rarely has another content.
		op.command, op.content = 1+c.rand.IntN(historyCommands), 0
		if c.rand.IntN(20) == 0 {
			op.content = 1
		}
		streams = []int{op.command % historyStreams}
		op.commit = command(fmt.Sprint("cmd-", op.command), fmt.Sprint(op.content))
	}
	op.commit.Meta.Actor = fmt.Sprint(op.number)
	total := 0
	for i, s := range streams {
		part := to(historyStream(s), c.expectation(s))
		// Only the first stream must get an event, if it is not a command that is recorded alone.
		n := c.rand.IntN(3)
		if part.Expected == eventlog.Any || i == 0 && op.command == 0 {
			n = max(1, n)
		}
		for range n {
			e := event("Happened", 0)
			e.Data = fmt.Appendf(nil, "%d %d", op.number, total)
			part.Events = append(part.Events, e)
			total++
		}
		op.commit.Streams = append(op.commit.Streams, part)
	}
	return c.append
}

func historyStream(i int) cqrs.StreamID { return stream(fmt.Sprint(i)) }

func streamNumber(s cqrs.StreamID) int { return int(s.ID[0] - '0') }

func (c *caller) expectation(s int) eventlog.Expected {
	switch p := c.rand.IntN(20); {
	case p < 8:
		return eventlog.Any
	case p == 8:
		return eventlog.New
	case p == 9:
		return eventlog.Expected(c.versions[s].Load() + 1)
	}
	return eventlog.Expected(c.versions[s].Load())
}

// append appends, now and then without the patience to wait for the outcome.
func (c *caller) append(ctx context.Context, op *operation) {
	if c.rand.IntN(20) == 0 {
		short, cancel := context.WithTimeout(ctx, time.Duration(c.rand.IntN(500))*time.Microsecond)
		defer cancel()
		ctx = short
	}
	op.appended, op.err = c.log.Append(ctx, op.commit)
	if op.err == nil && !op.appended.Repeated {
		c.versions[streamNumber(op.commit.Streams[0].Stream)].Store(int64(op.appended.Version))
	}
	if conflict := (*cqrs.ConflictError)(nil); errors.As(op.err, &conflict) {
		c.versions[streamNumber(conflict.Stream)].Store(int64(conflict.Actual))
	}
}

func (c *caller) readStream(ctx context.Context, op *operation) {
	version := cqrs.Version(0)
	for r, err := range c.log.ReadStream(ctx, historyStream(op.stream), 1) {
		if op.err = err; err != nil {
			return
		}
		if version++; r.Version != version {
			assert.Equal(c, version, r.Version)
		}
		op.seen = append(op.seen, c.parse(r))
	}
}

func (c *caller) readTail(ctx context.Context, op *operation) {
	for r, err := range c.log.Read(ctx, eventlog.Query{After: op.after}) {
		if op.err = err; err != nil {
			return
		}
		op.seen = append(op.seen, c.parse(r))
	}
}

func (c *caller) readHead(ctx context.Context, op *operation) { op.head, op.err = c.log.Head(ctx) }

func (h *history) parse(r *cqrs.Record) seenEvent {
	number, index, _ := strings.Cut(string(r.Data), " ")
	n, err := strconv.Atoi(number)
	i, err2 := strconv.Atoi(index)
	if err != nil || err2 != nil {
		assert.Fail(h, "not the payload of any append", "%q", r.Data)
	}
	return seenEvent{n, i}
}

// settle appends once more through each handle: what comes last is stored after whatever is still on its way.
func (h *history) settle() {
	for _, log := range h.logs {
		require.Eventually(h, func() bool {
			_, err := log.Append(h.ctx, commit(to(stream("last"), eventlog.Any, event("Last", 0))))
			if err != nil && h.disturbed == nil {
				require.NoError(h, err)
			}
			return err == nil
		}, soon, time.Millisecond)
	}
}

// dropFailedReads forgets the reads that could not be carried out: they say nothing.
func (h *history) dropFailedReads() {
	h.operations = slices.DeleteFunc(h.operations, func(op *operation) bool {
		if op.kind == appending || op.err == nil {
			return false
		}
		h.requireExcused(op)
		return true
	})
}

// requireExcused checks that what was not carried out was not for a good reason.
func (h *history) requireExcused(op *operation) {
	h.failed++
	gaveUp := errors.Is(op.err, context.DeadlineExceeded) && (h.disturbed != nil || op.kind == appending)
	if !gaveUp && (h.disturbed == nil || !errors.Is(op.err, eventlog.ErrUnavailable)) {
		require.NoError(h, op.err, "%s", op)
	}
}

// check looks for the order.
func (h *history) check() {
	h.settle()
	final := h.readAll()
	h.requireOrder(final)
	all := final
	final = only(final, func(r *cqrs.Record) bool { return r.Stream != stream("last") })
	// What one handle had on its way for long may be stored behind what another one settled with, which leaves a gap.
	gapless := h.engine.Gapless && (len(final) == 0 || final[len(final)-1].Position == all[len(final)-1].Position)
	h.dropFailedReads()
	h.resolve(final)
	checked := h.operations
	if h.engine.StaleReads {
		h.requirePrefixes(final)
		checked = slices.DeleteFunc(checked, func(op *operation) bool { return op.kind != appending })
	}
	var recorded []porcupine.Operation
	for _, op := range checked {
		recorded = append(recorded, porcupine.Operation{
			ClientId: op.caller, Input: op, Call: int64(op.called), Return: int64(op.done),
		})
	}
	model := historyModel(gapless)
	result, info := porcupine.CheckOperationsVerbose(model, recorded, checkWithin)
	if result == porcupine.Ok {
		return
	}
	if result == porcupine.Unknown {
		require.Fail(h, "the history could not be checked", "in %v", checkWithin)
	}
	h.explain(info)
}
