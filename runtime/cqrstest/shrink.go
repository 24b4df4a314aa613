package cqrstest

import (
	"context"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// How often it is tried whether fewer events show a difference, and how often each time: chance may hide it.
const (
	mostTries = 400
	triesEach = 2
)

// shrinking looks for few events that two ways to fold do not agree on.
type shrinking struct {
	*rowReplay
	ctx     context.Context
	way     way
	through cqrs.Position
	tries   int

	in         []bool
	difference string
}

// shrink returns fewer events that still make a difference, and the difference; all of them and "" if none were found.
func (r *rowReplay) shrink(ctx context.Context, w way, through cqrs.Position) (in []bool, difference string) {
	s := &shrinking{rowReplay: r, ctx: ctx, way: w, through: through, in: slices.Clone(r.in)}
	for i := range s.in {
		s.in[i] = s.in[i] && r.records[i].Position <= through
	}
	// Events of types that the projection does not handle are seldom needed.
	s.leaveOut(func(i int) bool { return !slices.Contains(r.events, r.records[i].Type) })
	s.prefix()
	for _, stream := range r.streams {
		s.leaveOut(func(i int) bool { return r.records[i].Stream == stream.id })
	}
	for left := len(s.in) + 1; s.left() < left && s.tries < mostTries; {
		left = s.left()
		s.pieces()
	}
	return s.in, s.difference
}

// left is the number of events that are left.
func (s *shrinking) left() (n int) {
	for _, in := range s.in {
		if in {
			n++
		}
	}
	return n
}

// pieces leaves out events that are next to each other, fewer and fewer of them.
func (s *shrinking) pieces() {
	for size := len(s.in) / 4; size >= 1; size /= 2 {
		for from := 0; from < len(s.in); from += size {
			s.leaveOut(func(i int) bool { return i >= from && i < from+size })
		}
	}
}

// prefix leaves out the end of the history, by halves.
func (s *shrinking) prefix() {
	for low, high := 0, len(s.in); low < high; {
		mid := (low + high) / 2
		if s.leaveOut(func(i int) bool { return i >= mid }) {
			high = mid
		} else {
			low = mid + 1
		}
	}
}

// leaveOut leaves out some events if the others still make a difference, and says whether.
func (s *shrinking) leaveOut(some func(i int) bool) bool {
	fewer, left := slices.Clone(s.in), 0
	changed := false
	for i, in := range s.in {
		if in && some(i) {
			fewer[i], changed = false, true
		} else if in {
			left++
		}
	}
	if !changed {
		return true // there is nothing to leave out, and what is left does
	}
	if left == 0 {
		return false
	}
	for range triesEach {
		if difference := s.differs(fewer); difference != "" {
			s.in, s.difference = fewer, difference
			return true
		}
	}
	return false
}

// differs says what two ways do not agree on with these events; "" if it is nothing, or they can't be folded.
func (s *shrinking) differs(in []bool) string {
	if s.tries++; s.tries > mostTries {
		return ""
	}
	base, err := s.run(s.ctx, oneByOne, in, s.through)
	if err != nil {
		return ""
	}
	got, err := s.run(s.ctx, s.way, in, s.through)
	if err != nil || s.way.refolded && base.refused > 0 {
		return ""
	}
	return s.rowReplay.difference(base, got)
}
