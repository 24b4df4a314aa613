// Package memory keeps the checkpoints of subscriptions in the memory of the process: for tests, and for programs whose
// log is in memory too.
package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// Store implements subscription.Store. It is safe for concurrent use.
type Store struct {
	mu   sync.Mutex
	subs map[string]*state
}

type state struct {
	info   subscription.Info
	parked map[cqrs.StreamID]subscription.Parked
}

// New returns an empty Store.
func New() *Store { return &Store{subs: map[string]*state{}} }

// state returns what is kept of a subscription. It is called under mu.
func (s *Store) state(name string) *state {
	if s.subs[name] == nil {
		s.subs[name] = &state{info: subscription.Info{Name: name}, parked: map[cqrs.StreamID]subscription.Parked{}}
	}
	return s.subs[name]
}

// Load implements subscription.Store.
func (s *Store) Load(ctx context.Context, name string) (subscription.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs[name] == nil || ctx.Err() != nil {
		return subscription.Checkpoint{}, ctx.Err()
	}
	return s.subs[name].info.Checkpoint, nil
}

// Save implements subscription.Store.
func (s *Store) Save(ctx context.Context, name string, step *subscription.Step) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	st := s.state(name)
	if st.info.Checkpoint != step.From || st.info.Holder != "" && st.info.Holder != step.Holder {
		return subscription.ErrFenced
	}
	st.info.Checkpoint = step.To
	for _, id := range step.Unpark {
		delete(st.parked, id)
	}
	for _, p := range step.Park {
		st.parked[p.Stream] = p
	}
	return nil
}

// Parked implements subscription.Store.
func (s *Store) Parked(ctx context.Context, name string) ([]subscription.Parked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs[name] == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return slices.SortedFunc(maps.Values(s.subs[name].parked), func(a, b subscription.Parked) int {
		return cmp.Compare(a.Position, b.Position)
	}), nil
}

// Retry implements subscription.Store.
func (s *Store) Retry(ctx context.Context, name string, stream cqrs.StreamID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	p, ok := s.state(name).parked[stream]
	if !ok {
		return subscription.ErrNotParked
	}
	p.Retry = true
	s.state(name).parked[stream] = p
	return nil
}

// Hold implements subscription.Store.
func (s *Store) Hold(ctx context.Context, name, holder string, ttl time.Duration, report []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	info, now := &s.state(name).info, time.Now().UTC()
	if info.Holder != "" && info.Holder != holder && info.Until.After(now) {
		return &subscription.HeldError{Subscription: name, Holder: info.Holder, Until: info.Until}
	}
	info.Holder, info.Until, info.Report, info.Reported = holder, now.Add(ttl), slices.Clone(report), now
	return nil
}

// Release implements subscription.Store.
func (s *Store) Release(ctx context.Context, name, holder string, report []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if info := &s.state(name).info; info.Holder == holder {
		info.Holder, info.Until, info.Report, info.Reported = "", time.Time{}, slices.Clone(report), time.Now().UTC()
	}
	return nil
}

// Subscriptions implements subscription.Store.
func (s *Store) Subscriptions(ctx context.Context) ([]subscription.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var all []subscription.Info
	for _, st := range s.subs {
		info := st.info
		info.Parked = len(st.parked)
		info.Report = slices.Clone(info.Report)
		all = append(all, info)
	}
	slices.SortFunc(all, func(a, b subscription.Info) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
