package logtest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// modelState is a log that does one thing at a time, as the last of its commits. It never changes, so that orders which
// begin alike share what they have in common; nil is the empty log.
type modelState struct {
	before *modelState
	commit *operation
	// rank counts the commits that have events.
	rank     int
	head     cqrs.Position
	versions [historyStreams]cqrs.Version
	hash     uint64
}

// historyModel compares states by a hash of their commits in order: 64 bits, of some thousand states.
func historyModel(gapless bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return (*modelState)(nil) },
		Step: func(state, input, _ any) (bool, any) {
			s, op := state.(*modelState), input.(*operation)
			switch op.kind {
			case readingStream:
				return s.streamIs(op), s
			case readingTail:
				return s.tailIs(op), s
			case readingHead:
				return op.head == s.at().head, s
			}
			return s.append(op, gapless)
		},
		Equal:             func(a, b any) bool { return a.(*modelState).at().hash == b.(*modelState).at().hash },
		Hash:              func(s any) uint64 { return s.(*modelState).at().hash },
		DescribeOperation: func(input, _ any) string { return input.(*operation).String() },
	}
}

// at returns what can be asked of an empty log too.
func (s *modelState) at() *modelState {
	if s == nil {
		return &modelState{}
	}
	return s
}

// append reports whether op got the answer that it must get now, and returns the log afterwards.
func (s *modelState) append(op *operation, gapless bool) (bool, *modelState) {
	if first := s.command(op.command); op.command != 0 && first != nil {
		if first.content != op.content {
			return errors.As(op.err, new(*cqrs.CommandReusedError)), s
		}
		want := first.appended
		want.Repeated = true
		return op.err == nil && op.appended == want, s
	}
	if conflict := (*cqrs.ConflictError)(nil); errors.As(op.err, &conflict) {
		return s.conflicts(op, conflict), s
	}
	return s.store(op, gapless)
}

// command returns the append that is recorded under a command, if there is one.
func (s *modelState) command(command int) *operation {
	for ; s != nil; s = s.before {
		if s.commit.command == command {
			return s.commit
		}
	}
	return nil
}

func (s *modelState) conflicts(op *operation, conflict *cqrs.ConflictError) bool {
	actual := s.at().versions[streamNumber(conflict.Stream)]
	return conflict.Actual == actual && slices.ContainsFunc(op.commit.Streams, func(p eventlog.StreamAppend) bool {
		return p.Stream == conflict.Stream && p.Expected != eventlog.Any && p.Expected != eventlog.Exactly(actual)
	})
}

func (s *modelState) store(op *operation, gapless bool) (bool, *modelState) {
	if op.err != nil || op.appended.Repeated {
		return false, s
	}
	next := *s.at()
	next.before, next.commit = s, op
	added := 0
	for _, p := range op.commit.Streams {
		version := &next.versions[streamNumber(p.Stream)]
		if p.Expected != eventlog.Any && p.Expected != eventlog.Exactly(*version) {
			return false, s
		}
		*version += cqrs.Version(len(p.Events))
		added += len(p.Events)
	}
	if added > 0 {
		next.rank++
		next.head = op.appended.Position
	}
	next.hash = (next.hash ^ uint64(op.number)) * 0x9e3779b97f4a7c15
	next.hash ^= next.hash >> 29
	fits := op.appended.Position == next.head && op.appended.Meta == op.commit.Meta &&
		op.appended.Version == next.versions[streamNumber(op.commit.Streams[0].Stream)] &&
		(added == 0 || op.rank == next.rank) && (!gapless || next.head == s.at().head+cqrs.Position(added))
	return fits, &next
}

// streamIs reports whether a read of a whole stream saw what the stream has now.
func (s *modelState) streamIs(op *operation) bool {
	left := len(op.seen)
	if cqrs.Version(left) != s.at().versions[op.stream] {
		return false
	}
	for ; s != nil; s = s.before {
		index := s.commit.events()
		for _, p := range slices.Backward(s.commit.commit.Streams) {
			for range p.Events {
				index--
				if streamNumber(p.Stream) != op.stream {
					continue
				}
				left--
				if op.seen[left] != (seenEvent{s.commit.number, index}) {
					return false
				}
			}
		}
	}
	return true
}

// tailIs reports whether a read saw what the log has now after a position that is the end of a commit.
func (s *modelState) tailIs(op *operation) bool {
	left := len(op.seen)
	for ; s != nil && s.head > op.after; s = s.before {
		for index := s.commit.events() - 1; index >= 0; index-- {
			left--
			if left < 0 || op.seen[left] != (seenEvent{s.commit.number, index}) {
				return false
			}
		}
	}
	return left == 0
}

// events returns how many events an append has.
func (op *operation) events() (n int) {
	for _, p := range op.commit.Streams {
		n += len(p.Events)
	}
	return n
}

// resolve finds out by looking what became of the appends whose outcome is not known, and what the order of all others
// was. An append that is not stored in the end is left out: whoever saw it nevertheless saw what can't be.
func (h *history) resolve(final []cqrs.Record) {
	last := make(map[cqrs.CommitID]*cqrs.Record)
	for i := range final {
		last[final[i].Commit] = &final[i]
	}
	h.operations = slices.DeleteFunc(h.operations, func(op *operation) bool {
		return op.kind == appending && !answered(op.err) && !h.happened(op, last)
	})
	stored := make(map[cqrs.CommitID]*operation)
	var ranked []*operation
	for _, op := range h.operations {
		if op.kind == appending && op.err == nil && !op.appended.Repeated && op.events() > 0 {
			ranked = append(ranked, op)
			stored[op.commit.ID] = op
		}
	}
	slices.SortFunc(ranked, func(a, b *operation) int { return cmp.Compare(a.appended.Position, b.appended.Position) })
	for i, op := range ranked {
		op.rank = i + 1
	}
	// Whatever is stored was either acknowledged or had no known outcome, and the reverse.
	for id, record := range last {
		if stored[id] == nil {
			require.Fail(h, "a commit is stored that was refused", "%+v", record.EventMeta)
		}
	}
	for id, op := range stored {
		if last[id] == nil || last[id].Position != op.appended.Position {
			require.Fail(h, "a commit was acknowledged that is not stored there", "%s", op)
		}
	}
}

// answered reports whether an append's error says what became of it, and could be due to the state of the log.
func answered(err error) bool {
	return err == nil || errors.As(err, new(*cqrs.ConflictError)) || errors.As(err, new(*cqrs.CommandReusedError))
}

// happened reports whether an append was stored whose caller was not told. It may have happened at any time since it was
// called.
func (h *history) happened(op *operation, last map[cqrs.CommitID]*cqrs.Record) bool {
	if _, ok := errors.AsType[*eventlog.UnknownOutcomeError](op.err); !ok {
		h.requireExcused(op)
		require.Nil(h, last[op.commit.ID], "an append that is said not to have happened")
		return false
	}
	h.unknown++
	op.done = math.MaxInt64
	if op.command != 0 {
		return h.wasRecorded(op)
	}
	record, ok := last[op.commit.ID]
	if !ok {
		return false
	}
	op.err = nil
	op.appended = eventlog.Appended{Position: record.Position, Meta: op.commit.Meta}
	for _, r := range h.readStream(op.commit.Streams[0].Stream) {
		if r.Commit == op.commit.ID {
			op.appended.Version = r.Version
		}
	}
	return true
}

// wasRecorded reports whether this append, and not another one of the same command, is what is recorded.
func (h *history) wasRecorded(op *operation) bool {
	id := op.commit.Meta.CommandID
	got, ok, err := h.log.Command(h.ctx, id, op.commit.CommandHash)
	if errors.As(err, new(*cqrs.CommandReusedError)) {
		return false
	}
	require.NoError(h, err)
	if !ok || got.Meta.Actor != strconv.Itoa(op.number) {
		return false
	}
	got.Repeated = false
	op.err, op.appended = nil, got
	return true
}

// requirePrefixes is what is asked of reads that may be stale: each saw a prefix, and each caller no shorter one than
// before.
func (h *history) requirePrefixes(final []cqrs.Record) {
	streams := make([][]seenEvent, historyStreams)
	var all []seenEvent
	var ends []cqrs.Position
	for i := range final {
		e := h.parse(&final[i])
		all, ends = append(all, e), append(ends, final[i].Position)
		s := streamNumber(final[i].Stream)
		streams[s] = append(streams[s], e)
	}
	type view struct{ caller, stream int }
	reached := make(map[view]int)
	for _, op := range h.operations {
		v, whole, length := view{op.caller, op.stream}, all, 0
		switch op.kind {
		case appending:
			continue
		case readingStream:
			whole, length = streams[op.stream], len(op.seen)
		case readingTail:
			v.stream = -1
			from, _ := slices.BinarySearch(ends, op.after+1)
			whole, length = all[from:], from+len(op.seen)
		case readingHead:
			v.stream = -1
			length, _ = slices.BinarySearch(ends, op.head+1)
		}
		require.LessOrEqual(h, len(op.seen), len(whole), "%s", op)
		require.True(h, slices.Equal(whole[:len(op.seen)], op.seen), "not a prefix: %s", op)
		require.GreaterOrEqual(h, length, reached[v], "caller %d saw more before: %s", op.caller, op)
		reached[v] = length
	}
}

// explain fails the test with the operations that fit nowhere in the longest order, and with the end of that.
func (h *history) explain(info porcupine.LinearizationInfo) {
	var longest []porcupine.Operation
	for _, orders := range info.PartialLinearizationsOperations() {
		for _, order := range orders {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	var text strings.Builder
	placed := make(map[*operation]bool)
	for i, o := range longest {
		op := o.Input.(*operation)
		placed[op] = true
		if i >= len(longest)-15 {
			fmt.Fprintf(&text, "%v–%v caller %d: %s\n", op.called, min(op.done, time.Hour), op.caller, op)
		}
	}
	text.WriteString("what fits nowhere:\n")
	for _, op := range h.operations {
		if !placed[op] {
			fmt.Fprintf(&text, "%v–%v caller %d: %s\n", op.called, min(op.done, time.Hour), op.caller, op)
		}
	}
	assert.Fail(h, "no order of the operations explains what their callers saw",
		"the longest has %d of %d operations and ends with:\n%s", len(longest), len(h.operations), &text)
}
