package plan

import (
	"math"
	"slices"
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Names of the generated tests that replay: functions in Go, and histories into rows.
const (
	ReplayTest        = "TestReplay"
	ReplayDeciders    = "replayDeciders"
	ReplayProjections = "replayProjections"
	ReplayRowsTest    = "TestReplayRows"
	ReplayValues      = "replayValues"
)

// Replays reports whether there is anything to replay.
func (p *Plan) Replays() bool { return len(p.Functions()) > 0 || len(p.Projections) > 0 }

// HasReplayValues reports whether there are types whose values are not just any.
func (p *Plan) HasReplayValues() bool {
	return slices.ContainsFunc(p.Types, func(t *Named) bool {
		_, _, bounded := t.Bounds()
		return t.Kind == model.Enum || t.DrawnPattern() != "" || bounded
	})
}

// DrawnPattern is what the texts of a type match, "" where they need not match anything.
func (t *Named) DrawnPattern() string {
	if t.Kind != model.Scalar || t.Base != model.String {
		return ""
	}
	return t.Rules.Pattern
}

// Bounds are the least and the greatest of the numbers of a type that are drawn, where the model bounds whole numbers.
func (t *Named) Bounds() (low, high int64, bounded bool) {
	if t.Kind != model.Scalar || !t.Base.Integer() || t.Rules.Min == "" && t.Rules.Max == "" {
		return 0, 0, false
	}
	const far = 10
	var lowErr, highErr error
	low, lowErr = strconv.ParseInt(t.Rules.Min, 10, 64)
	high, highErr = strconv.ParseInt(t.Rules.Max, 10, 64)
	switch {
	case lowErr == nil && highErr != nil && low <= math.MaxInt32-far:
		return low, low + far, true
	case highErr == nil && lowErr != nil && high >= far:
		return high - far, high, true
	}
	return low, high, lowErr == nil && highErr == nil
}

// Starts returns the events that a stream may begin with, as far as the commands say which these are, and those that
// may follow.
func (p *Plan) Starts(a *Aggregate) (first, later []*Event) {
	var creating, others []*model.Event
	for _, c := range a.Aggregate.Commands {
		events := ownEvents(c)
		if c.Creates == model.MustBeNew {
			creating = append(creating, events...)
		} else {
			others = append(others, events...)
		}
		if c.Creates == model.MayExist {
			creating = append(creating, events...)
		}
	}
	for _, e := range a.Events {
		starts := slices.Contains(creating, e.Event)
		if starts {
			first = append(first, e)
		}
		if !starts || slices.Contains(others, e.Event) {
			later = append(later, e)
		}
	}
	return first, later
}

// ownEvents are those that a command emits on its own stream.
func ownEvents(c *model.Command) (events []*model.Event) {
	for _, em := range c.Emits {
		if em.To == nil {
			events = append(events, em.Events...)
		}
	}
	return events
}

// Past returns the versions of the event that a log may hold and no program writes any more, the newest last.
func (e *Event) Past() []*Shape {
	var list []*Shape
	for _, o := range e.Older {
		i := slices.IndexFunc(e.Shapes(), func(s *Shape) bool { return s.Version == o.Version })
		if i < 0 {
			s := e.shape(o.Version)
			s.Go = ""
			list = append(list, s)
			continue
		}
		list = append(list, e.Shapes()[i])
	}
	return list
}

// checkReplayNames reports names that collide with those of the generated tests that replay.
func (p *Plan) checkReplayNames(s *scope) {
	var names []string
	if len(p.Functions()) > 0 {
		names = append(names, FingerprintTest, ReplayTest, ReplayDeciders, ReplayProjections)
	}
	if p.Replays() {
		names = append(names, ReplayRowsTest, ReplayValues)
	}
	for _, n := range names {
		s.add(n, "a generated test", diag.Span{})
	}
}
