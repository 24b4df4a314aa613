package cqrstest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// The projection of these tests, written as the generator writes it: what is in each shelf, and in all.

type stocked struct {
	Good  kind             `json:"good"`
	N     int64            `json:"n"`
	Parts map[string]int64 `json:"parts"`
}

func (*stocked) EventType() string                     { return "Stocked" }
func (e *stocked) AppendJSON(b []byte) ([]byte, error) { return appendJSON(b, e) }

type opened struct {
	Room string `json:"room"`
}

func (*opened) EventType() string                     { return "Opened" }
func (e *opened) AppendJSON(b []byte) ([]byte, error) { return appendJSON(b, e) }

func appendJSON(b []byte, e any) ([]byte, error) {
	text, err := json.Marshal(e)
	return append(b, text...), err
}

type shelfID string

type shelfKey struct{ Shelf, Good string }

type shelf struct {
	Room  string
	N     int64
	Parts string
	At    time.Time
}

// shelfFold is what a team writes: how an event changes the row of a shelf. of has its own values in each lane.
type shelfFold func(of *laneState, row *shelf, e *stocked, m cqrs.EventMeta) error

type laneState struct {
	last  int64
	row   *shelf
	store map[string]int64
}

// sharedState is what a fold must not have: one for all lanes.
type sharedState struct {
	sync.Mutex
	stream string
	at     cqrs.Position
	calls  int64
}

func shelves(fold shelfFold) func(cqrstest.Replaying) []projection.Runner {
	return func(in cqrstest.Replaying) []projection.Runner {
		return []projection.Runner{projection.Keep(in.Group, in.Rows, projection.Definition[shelfKey, shelf]{
			Name: "Shelves", Events: []string{"Stocked", "Opened"}, Codec: shelfCodec(),
			OwnKey: func(k shelfKey, _ bool) shelfKey { return shelfKey{strings.Clone(k.Shelf), strings.Clone(k.Good)} },
			NewFold: func(int) func(*projection.Rows[shelfKey, shelf], *cqrs.Record) error {
				state := &laneState{store: map[string]int64{}}
				return func(rows *projection.Rows[shelfKey, shelf], rec *cqrs.Record) error {
					if rec.Type == "Opened" {
						var e opened
						row := rows.At(shelfKey{rec.Stream.ID, "all"})
						if err := json.Unmarshal(rec.Data, &e); row == nil || err != nil {
							return err
						}
						row.Room = e.Room
						return nil
					}
					var e stocked
					if err := json.Unmarshal(rec.Data, &e); err != nil {
						return err
					}
					for _, k := range []shelfKey{{rec.Stream.ID, string(e.Good)}, {"all", string(e.Good)}} {
						if row := rows.At(k); row != nil {
							if err := fold(state, row, &e, rec.EventMeta); err != nil {
								return err
							}
						}
					}
					return nil
				}
			},
		}).Projector()}
	}
}

func shelfCodec() readmodel.Codec[shelfKey, shelf] {
	return readmodel.Codec[shelfKey, shelf]{
		Schema: readmodel.Schema{
			Projection: "Shelves", Fingerprint: "0123456789abcdef",
			Key: []readmodel.Column{{Name: "shelf", Kind: readmodel.String}, {Name: "good", Kind: readmodel.String}},
			Row: []readmodel.Column{{Name: "room", Kind: readmodel.String}, {Name: "n", Kind: readmodel.Int64},
				{Name: "parts", Kind: readmodel.String}, {Name: "at", Kind: readmodel.Time}},
		},
		AppendKey: func(v []readmodel.Value, k *shelfKey) []readmodel.Value {
			return append(v, readmodel.OfString(k.Shelf), readmodel.OfString(k.Good))
		},
		AppendRow: func(v []readmodel.Value, r *shelf) ([]readmodel.Value, error) {
			if r.N < 0 {
				return nil, errors.New("there is less than nothing")
			}
			return append(v, readmodel.OfString(r.Room), readmodel.OfInt64(r.N), readmodel.OfString(r.Parts),
				readmodel.OfTime(r.At)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *shelfKey) { k.Shelf, k.Good = s.String(), s.String() },
		ReadRow: func(s *readmodel.Scanner, r *shelf) {
			r.Room, r.N, r.Parts, r.At = s.String(), s.Int64(), s.String(), s.Time()
		},
	}
}

// replayedRows returns what ReplayRows says of a fold.
func replayedRows(t *testing.T, fold shelfFold) []string {
	w := &rowObserver{TB: t}
	cqrstest.ReplayRows(w, shelves(fold), cqrstest.History{
		Streams: []cqrstest.Streams{
			cqrstest.StreamsOf[shelfID]("Shelf", new(stocked)).Starting(new(opened)),
			cqrstest.SingleStream("Unseen", new(unseen)),
		},
		Values: []any{kind("a"), kind("b")},
	})
	return w.said
}

type unseen struct{}

func (*unseen) EventType() string                     { return "Unseen" }
func (e *unseen) AppendJSON(b []byte) ([]byte, error) { return append(b, "{}"...), nil }

type rowObserver struct {
	testing.TB
	said []string
}

func (o *rowObserver) Errorf(format string, args ...any) {
	o.said = append(o.said, fmt.Sprintf(format, args...))
}

func TestFoldsMakeTheSameRowsHoweverTheyAreRun(t *testing.T) {
	var folded atomic.Int64
	for what, fold := range map[string]shelfFold{
		"a sum": func(_ *laneState, row *shelf, e *stocked, m cqrs.EventMeta) error {
			row.N += max(e.N, 0)
			row.At = m.Time
			folded.Add(1)
			return nil
		},
		"what is left is refused": func(_ *laneState, row *shelf, e *stocked, _ cqrs.EventMeta) error {
			if row.N == 0 && e.N < 0 {
				return errors.New("there is nothing")
			}
			row.N += max(e.N, -row.N)
			return nil
		},
		"a panic": func(_ *laneState, _ *shelf, e *stocked, _ cqrs.EventMeta) error {
			return []error{nil}[max(e.N-9, 0)]
		},
		"not written": func(*laneState, *shelf, *stocked, cqrs.EventMeta) error {
			return &cqrs.NotImplementedError{}
		},
		"a row that can't be kept": func(_ *laneState, row *shelf, e *stocked, _ cqrs.EventMeta) error {
			row.N = e.N
			return nil
		},
	} {
		assert.Empty(t, replayedRows(t, fold), what)
	}
	assert.Greater(t, folded.Load(), int64(100))
}

func TestFoldsThatDependOnHowTheyAreRunAreFound(t *testing.T) {
	var shared sharedState
	for what, c := range map[string]struct {
		fold shelfFold
		want string
	}{
		"it counts its calls": {func(s *laneState, row *shelf, _ *stocked, _ cqrs.EventMeta) error {
			s.last++
			row.N = s.last
			return nil
		}, "makes another row"},
		"all lanes count together": {func(_ *laneState, row *shelf, _ *stocked, _ cqrs.EventMeta) error {
			shared.Lock()
			defer shared.Unlock()
			shared.calls++
			row.N = shared.calls
			return nil
		}, "makes another row"},
		"it remembers its row beyond the call": {func(s *laneState, row *shelf, e *stocked, _ cqrs.EventMeta) error {
			if s.row != nil {
				row.N = s.row.N
			}
			s.row = row
			row.N += max(e.N, 0)
			return nil
		}, "makes another row"},
		"it depends on where a batch ends": {func(s *laneState, row *shelf, e *stocked, m cqrs.EventMeta) error {
			if s.store[m.Stream.ID]++; s.store[m.Stream.ID] == 3 {
				row.Parts = "third since the start"
			}
			return nil
		}, "makes another row"},
		"it depends on the stream before": {func(_ *laneState, row *shelf, _ *stocked, m cqrs.EventMeta) error {
			shared.Lock()
			defer shared.Unlock()
			row.Parts = shared.stream
			shared.stream = strings.Clone(m.Stream.ID)
			return nil
		}, "makes another row"},
		"it depends on the stream before, whenever the log is read again": {
			func(_ *laneState, row *shelf, _ *stocked, m cqrs.EventMeta) error {
				shared.Lock()
				defer shared.Unlock()
				if m.Position < shared.at {
					shared.stream = ""
				}
				row.Parts = shared.stream
				shared.stream, shared.at = strings.Clone(m.Stream.ID), m.Position
				return nil
			}, "makes another row",
		},
		"a map is gone through": {func(_ *laneState, row *shelf, e *stocked, _ cqrs.EventMeta) error {
			row.Parts = ""
			for name := range e.Parts {
				row.Parts += name
			}
			return nil
		}, "its parts is"},
		"it refuses by its calls": {func(s *laneState, _ *shelf, _ *stocked, _ cqrs.EventMeta) error {
			if s.last++; s.last > 7 {
				return errors.New("that is enough")
			}
			return nil
		}, "refuses "},
	} {
		t.Run(what, func(t *testing.T) {
			said := replayedRows(t, c.fold)
			require.Len(t, said, 1)
			t.Log(said[0])
			assert.Contains(t, said[0], c.want)
			assert.Contains(t, said[0], "CQRSGEN_SEED=")
			assert.Less(t, strings.Count(said[0], "\n"), 30, "few events show it:\n%s", said[0])
		})
	}
}
