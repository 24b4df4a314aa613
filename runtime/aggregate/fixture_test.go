package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// The aggregate of these tests: numbers are added under names. Its state has a map, because that is what a command
// could change by accident in a state that others see too.

type tally struct {
	Sum  int64            `json:"sum"`
	Each map[string]int64 `json:"each"`
}

type added struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

// Numbers that make trouble: where an event with one of them is applied or encoded.
const (
	refused   int64 = -1<<40 - iota // apply returns errRefused
	panics                          // apply panics
	unencoded                       // AppendJSON fails, after apply
)

var errRefused = errors.New("refused")

func (*added) EventType() string { return "Added" }

func (e *added) AppendJSON(b []byte) ([]byte, error) {
	if e.N == unencoded {
		return b, &cqrs.EncodingError{Type: "Added", Field: "n", Reason: "is unencodable"}
	}
	data, err := json.Marshal(e)
	return append(b, data...), err
}

func apply(s *tally, e *added) error {
	s.Sum += e.N
	s.Each[e.Name] += e.N
	switch e.N {
	case refused:
		return errRefused
	case panics:
		panic("apply failed")
	}
	return nil
}

// negative is the rejection of a command that would leave less than nothing.
type negative struct{ Sum int64 }

func (negative) Error() string         { return "less than nothing" }
func (negative) RejectionType() string { return "Negative" }

// system is one process: a runtime over a store that others may share.
type system struct {
	*Aggregate[tally]
	store  Store
	folded atomic.Int64 // stored events that were applied
}

type setting struct {
	store    Store
	every    int // shorthand of a policy
	policy   snapshot.Policy
	print    string
	unknown  string // starts the fingerprint
	category string
	replaced []cqrs.Replacement
	opts     []Option
}

func newSystem(t interface{ Cleanup(func()) }, set setting) *system {
	if set.store == nil {
		set.store = memory.New()
	}
	if set.category == "" {
		set.category = "Tally"
	}
	if set.every > 0 {
		set.policy.Events = set.every
	}
	s := &system{store: set.store}
	r := NewRuntime(set.store, set.opts...)
	t.Cleanup(r.Close)
	s.Aggregate = New(r, Definition[tally]{
		Category: set.category, Fingerprint: set.unknown + "print" + set.print, Snapshot: set.policy,
		Init:        func(v *tally) { v.Each = map[string]int64{} },
		NewFold:     func() Fold[tally] { return &fold{system: s} },
		Replaced:    set.replaced,
		AppendState: appendTally,
		DecodeState: func(data []byte, v *tally) error { return json.Unmarshal(data, v) },
	})
	return s
}

func appendTally(b []byte, v *tally) ([]byte, error) {
	data, err := json.Marshal(v)
	return append(b, data...), err
}

type fold struct{ system *system }

func (f *fold) Apply(s *tally, rec *cqrs.Record) error {
	if rec.Type != "Added" {
		return rec.Unknown()
	}
	var e added
	if err := json.Unmarshal(rec.Data, &e); err != nil {
		return err
	}
	if rec.Position > 0 { // it was stored, and is not the command's own
		f.system.folded.Add(1)
	}
	return apply(s, &e)
}

// command makes a command of a decider that sees the state and returns events.
func command(id, name string, decide func(s tally, m cqrs.CommandMeta) ([]added, error)) Command[tally] {
	return Command[tally]{
		Name: name, ID: id, Stream: MayExist, Rejects: []string{"Negative"},
		Check:      func() error { return nil },
		AppendJSON: func(b []byte) ([]byte, error) { return append(b, "{}"...), nil },
		Decide: func(s *tally, m cqrs.CommandMeta, out *Events) error {
			events, err := decide(*s, m)
			for i := range events {
				if err := out.Add(&events[i]); err != nil {
					return err
				}
			}
			return err
		},
	}
}

// add is the command that adds numbers, and rejects a sum below zero, unless the numbers make trouble.
func add(id string, numbers ...int64) Command[tally] {
	c := command(id, "Add", func(s tally, _ cqrs.CommandMeta) (events []added, err error) {
		sum := s.Sum
		for i, n := range numbers {
			if sum += n; n > refused && sum < 0 {
				return nil, negative{s.Sum}
			}
			events = append(events, added{Name: string(rune('a' + i)), N: n})
		}
		return events, nil
	})
	c.AppendJSON = func(b []byte) ([]byte, error) {
		data, err := json.Marshal(numbers)
		return append(b, data...), err
	}
	return c
}

func (s *system) must(t require.TestingT, c Command[tally], opts ...cqrs.CommandOption) cqrs.Receipt {
	r, err := s.Execute(context.Background(), c, opts...)
	require.NoError(t, err)
	return r
}

// requireState checks a stream against the fold of its history, and that against the expected sum.
func (s *system) requireState(t require.TestingT, id string, sum int64, v cqrs.Version) {
	for _, opts := range [][]LoadOption{nil, {WithoutSnapshot()}} {
		state, version, err := s.Load(context.Background(), id, opts...)
		require.NoError(t, err)
		require.Equal(t, v, version)
		require.Equal(t, sum, state.Sum)
	}
}

// stored returns the events of a stream, checking that their versions have no gap.
func stored(t require.TestingT, s Store, id string) (events []added) {
	for rec, err := range s.ReadStream(context.Background(), cqrs.StreamID{Category: "Tally", ID: id}, 1) {
		require.NoError(t, err)
		require.Equal(t, cqrs.Version(len(events)+1), rec.Version)
		var e added
		require.NoError(t, json.Unmarshal(rec.Data, &e))
		events = append(events, e)
	}
	return events
}

// appendRaw stores an event past all deciders.
func appendRaw(t require.TestingT, s Store, id, typ, data string) eventlog.Appended {
	done, err := s.Append(context.Background(), eventlog.Commit{
		ID: cqrs.CommitID{15: byte(time.Now().Nanosecond()), 0: 1}, Meta: cqrs.CommandMeta{Time: time.Unix(0, 0).UTC()},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Tally", ID: id}, Expected: eventlog.Any,
			Events: []eventlog.NewEvent{{Type: typ, SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(data)}},
		}},
	})
	require.NoError(t, err)
	return done
}

func clone(s tally) tally { return tally{s.Sum, maps.Clone(s.Each)} }

// watched is a store that can be made to fail, and remembers the snapshots that it was given.
type watched struct {
	Store
	mu       sync.Mutex
	saved    [][]byte
	saving   func() error
	loading  func() error
	asked    func()
	appended func(eventlog.Appended, error) (eventlog.Appended, error)
}

func (w *watched) SaveSnapshot(ctx context.Context, stream cqrs.StreamID, sealed []byte) error {
	if w.saving != nil {
		if err := w.saving(); err != nil {
			return err
		}
	}
	w.mu.Lock()
	w.saved = append(w.saved, append([]byte{}, sealed...))
	w.mu.Unlock()
	return w.Store.SaveSnapshot(ctx, stream, sealed)
}

func (w *watched) LoadSnapshot(ctx context.Context, stream cqrs.StreamID) ([]byte, error) {
	if w.loading != nil {
		if err := w.loading(); err != nil {
			return nil, err
		}
	}
	return w.Store.LoadSnapshot(ctx, stream)
}

func (w *watched) Command(ctx context.Context, id string, hash [32]byte) (eventlog.Appended, bool, error) {
	done, found, err := w.Store.Command(ctx, id, hash)
	if w.asked != nil {
		w.asked()
	}
	return done, found, err
}

func (w *watched) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	done, err := w.Store.Append(ctx, c)
	if w.appended != nil {
		return w.appended(done, err)
	}
	return done, err
}

// together returns a function that holds its first n callers until all of them are there.
func together(n int) func() {
	var arrived atomic.Int64
	all := make(chan struct{})
	return func() {
		switch i := arrived.Add(1); {
		case i == int64(n):
			close(all)
		case i < int64(n):
			<-all
		}
	}
}

func requireFree(t *testing.T, s *system) {
	t.Helper()
	s.runtime.locks.mu.Lock()
	defer s.runtime.locks.mu.Unlock()
	require.Empty(t, s.runtime.locks.held, "locks are left behind")
}
