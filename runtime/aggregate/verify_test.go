package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// findings returns what a verification found, by the id of the stream.
func findings(t *testing.T, found iter.Seq2[snapshot.Finding, error]) map[string]snapshot.Finding {
	t.Helper()
	all := map[string]snapshot.Finding{}
	for f, err := range found {
		require.NoError(t, err)
		require.NotContains(t, all, f.Stream.ID)
		all[f.Stream.ID] = f
	}
	return all
}

func TestEachSnapshotIsComparedWithItsHistory(t *testing.T) {
	store := &watched{Store: memory.New()}
	first := newSystem(t, setting{store: store, every: 3})
	wrong := []byte(`{"sum":1000,"each":{}}`)
	spoil := map[string]func(h snapshot.Header, body []byte) []byte{
		"right": func(h snapshot.Header, body []byte) []byte { return snapshot.Seal(nil, h, body) },
		"otherwise": func(h snapshot.Header, _ []byte) []byte { // the same state, written in another way
			return snapshot.Seal(nil, h, []byte(`{"each": {"a": 3}, "sum": 3}`))
		},
		"wrong":   func(h snapshot.Header, _ []byte) []byte { return snapshot.Seal(nil, h, wrong) },
		"stale":   func(h snapshot.Header, _ []byte) []byte { h.Fingerprint = "other"; return snapshot.Seal(nil, h, wrong) },
		"foreign": func(h snapshot.Header, body []byte) []byte { h.Commit[3] ^= 1; return snapshot.Seal(nil, h, body) },
		"beyond":  func(h snapshot.Header, body []byte) []byte { h.Version = 5; return snapshot.Seal(nil, h, body) },
		"damaged": func(h snapshot.Header, body []byte) []byte { return snapshot.Seal(nil, h, body)[:30] },
		"no JSON": func(h snapshot.Header, _ []byte) []byte { return snapshot.Seal(nil, h, []byte(`{"sum"`)) },
	}
	for id := range spoil {
		for range 4 {
			first.must(t, add(id, 1))
		}
	}
	first.runtime.Close()
	for id, spoiled := range spoil {
		stream := cqrs.StreamID{Category: "Tally", ID: id}
		sealed, err := store.LoadSnapshot(ctx, stream)
		require.NoError(t, err)
		h, body, ok := snapshot.Open(sealed)
		require.True(t, ok)
		require.NoError(t, store.Store.SaveSnapshot(ctx, stream, spoiled(h, body)))
	}
	second := newSystem(t, setting{store: store, every: 3})
	got := findings(t, second.VerifySnapshots(ctx))
	want := map[string]snapshot.Verdict{
		"right": snapshot.Right, "otherwise": snapshot.Right, "wrong": snapshot.Wrong, "stale": snapshot.Stale,
		"foreign": snapshot.Foreign, "beyond": snapshot.Foreign, "damaged": snapshot.Damaged, "no JSON": snapshot.Damaged,
	}
	require.Len(t, got, len(want))
	for id, verdict := range want {
		assert.Equal(t, verdict, got[id].Verdict, id)
	}
	assert.JSONEq(t, string(wrong), string(got["wrong"].Snapshot))
	assert.JSONEq(t, `{"sum":3,"each":{"a":3}}`, string(got["wrong"].Replayed))
	assert.Equal(t, cqrs.Version(3), got["wrong"].Version)
	require.Error(t, got["damaged"].Err)
	require.Error(t, got["no JSON"].Err)

	for id := range want { // and so do loads
		if id != "wrong" {
			second.requireState(t, id, 4, 4)
		}
	}
	stats := second.runtime.SnapshotStats()
	assert.Equal(t, snapshot.Stats{Used: 2, Stale: 1, Damaged: 2, Foreign: 2}, stats)
}

func TestAHistoryThatCannotBeFoldedIsAFindingAndTheOthersAreVerified(t *testing.T) {
	store := memory.New()
	s := newSystem(t, setting{store: store, every: 1})
	s.must(t, add("x", 1))
	s.must(t, add("y", 1))
	s.runtime.Close()
	again := newSystem(t, setting{store: store, every: 1})
	again.def.NewFold = func() Fold[tally] { return picky{} }
	got := findings(t, again.runtime.VerifySnapshots(ctx))
	assert.Equal(t, snapshot.Right, got["y"].Verdict)
	assert.Equal(t, snapshot.Unreplayable, got["x"].Verdict)
	require.ErrorIs(t, got["x"].Err, errRefused)
}

// picky is a fold that does not understand the stream x.
type picky struct{}

func (picky) Apply(s *tally, rec *cqrs.Record) error {
	var e added
	if err := json.Unmarshal(rec.Data, &e); err != nil || rec.Stream.ID == "x" {
		return errRefused
	}
	return apply(s, &e)
}

func TestVerifyingEndsWithItsContextAndWithItsCaller(t *testing.T) {
	store := memory.New()
	s := newSystem(t, setting{store: store, every: 1})
	for i := range 3 {
		s.must(t, add(strconv.Itoa(i), 1))
	}
	s.runtime.Close()
	n := 0
	for _, err := range s.runtime.VerifySnapshots(ctx) {
		require.NoError(t, err)
		n++
		break
	}
	assert.Equal(t, 1, n)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	var last error
	for _, err := range s.runtime.VerifySnapshots(ended) {
		require.NoError(t, last, "the error is the last")
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
}

func TestAnAggregateWithoutAPolicyUsesAndVerifiesNoSnapshot(t *testing.T) {
	store := memory.New()
	s := newSystem(t, setting{store: store, every: 1})
	s.must(t, add("x", 1))
	s.runtime.Close()
	none := newSystem(t, setting{store: store})
	assert.Empty(t, findings(t, none.VerifySnapshots(ctx)))
	none.requireState(t, "x", 1, 1)
	assert.Zero(t, none.runtime.SnapshotStats())
}

func TestSnapshotsAreTakenByBytesAndByAge(t *testing.T) {
	store := &watched{Store: memory.New()}
	versions := func() (versions []cqrs.Version) {
		for _, sealed := range store.saved {
			h, _, ok := snapshot.Open(sealed)
			require.True(t, ok)
			versions = append(versions, h.Version)
		}
		store.saved = nil
		return versions
	}
	now := time.Unix(1_000_000_000, 0)
	clock := WithClock(func() time.Time { return now })
	const size = len(`{"name":"a","n":1}`)

	s := newSystem(t, setting{store: store, policy: snapshot.Policy{Bytes: int64(2*size + 1)}})
	for range 7 {
		s.must(t, add("x", 1))
	}
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{3, 6}, versions())
	s = newSystem(t, setting{store: store, policy: snapshot.Policy{Bytes: int64(2*size + 1)}})
	s.must(t, add("x", 1))
	s.must(t, add("x", 1))
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{9}, versions(), "also those of the tail are counted")

	byAge := setting{store: store, policy: snapshot.Policy{Age: time.Hour}, opts: []Option{clock}}
	s = newSystem(t, byAge)
	s.must(t, add("y", 1))
	now = now.Add(59 * time.Minute)
	s.must(t, add("y", 1))
	now = now.Add(time.Minute)
	s.must(t, add("y", 1))
	now = now.Add(59 * time.Minute)
	s.must(t, add("y", 1))
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{3}, versions())
	s = newSystem(t, byAge)
	now = now.Add(time.Minute)
	s.must(t, add("y", 1))
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{5}, versions(), "counted from the snapshot that another process left")
}

func TestAListThatFailsIsNoFinding(t *testing.T) {
	broken := errors.New("no connection")
	s := newSystem(t, setting{store: unlisted{memory.New(), broken}, every: 1})
	for found, err := range s.VerifySnapshots(ctx) {
		require.ErrorIs(t, err, broken)
		assert.Zero(t, found)
	}
}

type unlisted struct {
	*memory.Log
	err error
}

func (u unlisted) ListSnapshots(context.Context, string) iter.Seq2[cqrs.StreamID, error] {
	return func(yield func(cqrs.StreamID, error) bool) { yield(cqrs.StreamID{}, u.err) }
}
