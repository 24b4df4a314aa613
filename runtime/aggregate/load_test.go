package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

var ctx = context.Background()

func TestAStreamIsLoadedFromItsFirstEvent(t *testing.T) {
	s := newSystem(t, setting{})
	s.must(t, add("x", 1, 2))
	s.must(t, add("x", 4))
	state, v, err := s.Load(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, tally{7, map[string]int64{"a": 5, "b": 2}}, state)
	assert.Equal(t, cqrs.Version(3), v)
}

func TestAStreamWithoutEventsIsNotFound(t *testing.T) {
	s := newSystem(t, setting{every: 1})
	_, _, err := s.Load(ctx, "x")
	var notFound *cqrs.NotFoundError
	require.ErrorAs(t, err, &notFound)
	assert.Equal(t, cqrs.StreamID{Category: "Tally", ID: "x"}, notFound.Stream)
	_, _, err = s.Load(ctx, "")
	require.ErrorAs(t, err, new(*cqrs.InvalidStreamError))
}

func TestALoadedStateBelongsToItsCaller(t *testing.T) {
	s := newSystem(t, setting{every: 1})
	s.must(t, add("x", 1))
	state, _, err := s.Load(ctx, "x")
	require.NoError(t, err)
	state.Each["a"] = 100
	s.must(t, command("x", "Look", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
		assert.Equal(t, int64(1), s.Each["a"])
		return nil, nil
	}))
}

func TestASnapshotSparesTheEventsBeforeIt(t *testing.T) {
	store := memory.New()
	writer := newSystem(t, setting{store: store, every: 10})
	for range 23 {
		writer.must(t, add("x", 1))
	}
	writer.runtime.Close()

	reader := newSystem(t, setting{store: store, every: 10})
	state, v, err := reader.Load(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, tally{23, map[string]int64{"a": 23}}, state)
	assert.Equal(t, cqrs.Version(23), v)
	assert.Equal(t, int64(3), reader.folded.Swap(0), "events behind the snapshot")

	_, _, err = reader.Load(ctx, "x", WithoutSnapshot())
	require.NoError(t, err)
	assert.Equal(t, int64(23), reader.folded.Swap(0), "all events, without the snapshot")

	state, v, err = reader.Load(ctx, "x", AtVersion(7))
	require.NoError(t, err)
	assert.Equal(t, int64(7), state.Sum)
	assert.Equal(t, cqrs.Version(7), v)
	assert.Equal(t, int64(7), reader.folded.Swap(0), "all events before a version before the snapshot")

	reader.must(t, add("x", 1))
	assert.Equal(t, int64(3), reader.folded.Swap(0), "the first command starts from the snapshot")
	reader.must(t, add("x", 1))
	assert.Zero(t, reader.folded.Load(), "the second command has the state in the cache")
	writer.must(t, add("x", 1))
	assert.Equal(t, int64(5), writer.folded.Swap(0), "the other process was too late, and starts from the snapshot")
	reader.must(t, add("x", 1))
	writer.must(t, add("x", 1))
	assert.Equal(t, int64(1), writer.folded.Load(), "from now on it reads what is new first, and no more")
	writer.requireState(t, "x", 28, 28)
}

func TestAVersionThatIsNotThereIsNotMadeUp(t *testing.T) {
	s := newSystem(t, setting{every: 2})
	s.must(t, add("x", 1, 1, 1))
	for _, v := range []cqrs.Version{0, -1} {
		_, _, err := s.Load(ctx, "x", AtVersion(v))
		assert.ErrorAs(t, err, new(*cqrs.NotFoundError), "version %d", v)
	}
	state, v, err := s.Load(ctx, "x", AtVersion(100))
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(3), v)
	assert.Equal(t, int64(3), state.Sum)
}

// TestSnapshotAndTailEqualFullReplay is the oracle of all snapshots: each one that is ever taken is put in place, and
// every version is loaded on top of it.
func TestSnapshotAndTailEqualFullReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := &watched{Store: memory.New()}
		now := time.Unix(1_000_000_000, 0)
		s := newSystem(t, setting{
			store: store,
			policy: snapshot.Policy{
				Events: rapid.IntRange(0, 4).Draw(t, "every"),
				Bytes:  rapid.Int64Range(0, 80).Draw(t, "bytes"),
				Age:    time.Duration(rapid.IntRange(1, 10).Draw(t, "age")) * time.Minute,
			},
			opts: []Option{WithCache(rapid.IntRange(0, 1).Draw(t, "cache")), WithClock(func() time.Time { return now })},
		})
		prefixes := []tally{{Each: map[string]int64{}}}
		for _, numbers := range rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(0, 9), 1, 4), 1, 10).Draw(t, "commands") {
			now = now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "minutes")) * time.Minute)
			s.must(t, add("x", numbers...))
			for i, n := range numbers {
				next := clone(prefixes[len(prefixes)-1])
				require.NoError(t, apply(&next, &added{string(rune('a' + i)), n}))
				prefixes = append(prefixes, next)
			}
		}
		s.runtime.Close()
		for _, sealed := range append([][]byte{nil}, store.saved...) {
			require.NoError(t, store.Store.SaveSnapshot(ctx, cqrs.StreamID{Category: "Tally", ID: "x"}, sealed))
			for v, want := range prefixes[1:] {
				state, version, err := s.Load(ctx, "x", AtVersion(cqrs.Version(v+1)))
				require.NoError(t, err)
				require.Equal(t, cqrs.Version(v+1), version)
				require.Equal(t, want, state)
			}
			for found, err := range s.VerifySnapshots(ctx) {
				require.NoError(t, err)
				if sealed == nil {
					require.Equal(t, snapshot.Damaged, found.Verdict)
					continue
				}
				require.Equal(t, snapshot.Right, found.Verdict)
			}
		}
	})
}

func TestASnapshotThatDoesNotFitIsIgnoredAndReplaced(t *testing.T) {
	stream := cqrs.StreamID{Category: "Tally", ID: "x"}
	wrong := []byte(`{"sum":1000,"each":{}}`)
	for name, spoil := range map[string]func(h snapshot.Header) []byte{
		"of another fingerprint": func(h snapshot.Header) []byte {
			h.Fingerprint = "other"
			return snapshot.Seal(nil, h, wrong)
		},
		"with a bad checksum": func(h snapshot.Header) []byte {
			sealed := snapshot.Seal(nil, h, wrong)
			sealed[len(sealed)-1] ^= 1
			return sealed
		},
		"of another history": func(h snapshot.Header) []byte {
			h.Commit[3] ^= 1
			return snapshot.Seal(nil, h, wrong)
		},
		"of a version beyond the stream": func(h snapshot.Header) []byte {
			h.Version = 1000
			return snapshot.Seal(nil, h, wrong)
		},
		"of a version one beyond the stream": func(h snapshot.Header) []byte {
			h.Version = 7
			return snapshot.Seal(nil, h, wrong)
		},
		"of version 0":         func(h snapshot.Header) []byte { h.Version = 0; return snapshot.Seal(nil, h, wrong) },
		"of version -1":        func(h snapshot.Header) []byte { h.Version = -1; return snapshot.Seal(nil, h, wrong) },
		"that can't be read":   func(h snapshot.Header) []byte { return snapshot.Seal(nil, h, []byte(`{"sum":1000,"each"`)) },
		"that is cut":          func(h snapshot.Header) []byte { return snapshot.Seal(nil, h, wrong)[:20] },
		"without a single bit": func(snapshot.Header) []byte { return []byte{} },
	} {
		t.Run(name, func(t *testing.T) {
			store := &watched{Store: memory.New()}
			first := newSystem(t, setting{store: store, every: 6})
			for range 6 {
				first.must(t, add("x", 1))
			}
			first.runtime.Close()
			require.Len(t, store.saved, 1)
			h, _, ok := snapshot.Open(store.saved[0])
			require.True(t, ok)
			require.Equal(t, cqrs.Version(6), h.Version)
			require.NoError(t, store.Store.SaveSnapshot(ctx, stream, spoil(h)))

			second := newSystem(t, setting{store: store, every: 6})
			second.requireState(t, "x", 6, 6)
			second.must(t, add("x", 1))
			second.requireState(t, "x", 7, 7)
			second.runtime.Close()
			require.Len(t, store.saved, 2, "it is replaced")
			h, body, ok := snapshot.Open(store.saved[1])
			require.True(t, ok)
			assert.Equal(t, "print", h.Fingerprint)
			assert.Equal(t, cqrs.Version(7), h.Version)
			assert.JSONEq(t, `{"sum":7,"each":{"a":7}}`, string(body))
		})
	}
}

func TestSnapshotsAreTakenEveryNEvents(t *testing.T) {
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
	s := newSystem(t, setting{store: store, every: 3})
	for range 10 {
		s.must(t, add("x", 1))
	}
	_, err := s.Execute(ctx, add("x", -1000))
	require.ErrorAs(t, err, new(negative))
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{3, 6, 9}, versions())

	s = newSystem(t, setting{store: store, every: 3})
	s.must(t, add("x", 1))
	s.must(t, add("x", 1))
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{12}, versions(), "counted from the snapshot that another process left")

	s = newSystem(t, setting{store: store, every: 3})
	for range 4 {
		s.must(t, add("y", 1, 1))
	}
	s.runtime.Close()
	assert.Equal(t, []cqrs.Version{4, 8}, versions(), "between commands, never within one")

	s = newSystem(t, setting{store: store})
	for range 10 {
		s.must(t, add("z", 1))
	}
	s.runtime.Close()
	assert.Empty(t, versions(), "without a policy there are none")
}

func TestNoCommandFailsWithItsSnapshot(t *testing.T) {
	broken := errors.New("no room")
	store := &watched{Store: memory.New()}
	store.saving = func() error { return broken }
	store.loading = func() error { return broken }
	s := newSystem(t, setting{store: store, every: 1, opts: []Option{WithCache(0)}})
	for i := range 5 {
		s.must(t, add("x", 1))
		s.requireState(t, "x", int64(i+1), cqrs.Version(i+1))
	}
	s.runtime.Close()
	assert.Equal(t, snapshot.Stats{Unread: 10, Failed: 5}, s.runtime.SnapshotStats())
	s.must(t, add("x", 1))
	assert.Equal(t, int64(1), s.runtime.SnapshotStats().Dropped, "after Close commands go on without snapshots")
}

func TestAStateThatCannotBeEncodedFailsNoCommand(t *testing.T) {
	s := newSystem(t, setting{every: 1})
	s.def.AppendState = func([]byte, *tally) ([]byte, error) { return nil, errors.New("can't") }
	s.must(t, add("x", 1))
	s.must(t, add("x", 1))
	s.requireState(t, "x", 2, 2)
}

func TestCloseWritesTheSnapshotsThatWait(t *testing.T) {
	turn := make(chan struct{})
	store := &watched{Store: memory.New(), saving: func() error { <-turn; return nil }}
	s := newSystem(t, setting{store: store, every: 1})
	for range 5 {
		s.must(t, add("x", 1)) // no command waits for a snapshot
	}
	close(turn)
	s.runtime.Close()
	require.Len(t, store.saved, 5)
	h, _, _ := snapshot.Open(store.saved[4])
	assert.Equal(t, cqrs.Version(5), h.Version)
}

func TestAnEventThatCannotBeAppliedIsNamed(t *testing.T) {
	event := func(n int64) string {
		data, err := json.Marshal(added{"a", n})
		require.NoError(t, err)
		return string(data)
	}
	for name, c := range map[string]struct {
		typ, data string
		is        func(error) bool
	}{
		"refused":       {"Added", event(refused), func(err error) bool { return errors.Is(err, errRefused) }},
		"panics":        {"Added", event(panics), func(err error) bool { return errors.As(err, new(*cqrs.PanicError)) }},
		"not decodable": {"Added", "{", func(err error) bool { return errors.As(err, new(*json.SyntaxError)) }},
		"unknown":       {"Removed", "{}", func(err error) bool { return errors.As(err, new(*cqrs.UnknownEventError)) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, setting{})
			s.must(t, add("x", 1))
			appendRaw(t, s.store, "x", c.typ, c.data)
			_, _, loading := s.Load(ctx, "x")
			_, cached := s.Execute(ctx, add("x", 1))
			_, fresh := s.Execute(ctx, add("x", 1))
			for _, err := range []error{loading, cached, fresh} {
				var failed *ApplyError
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, cqrs.StreamID{Category: "Tally", ID: "x"}, failed.Stream)
				assert.Equal(t, cqrs.Version(2), failed.Version)
				assert.Equal(t, c.typ, failed.Type)
				assert.True(t, c.is(err), "%v", err)
				assert.Contains(t, err.Error(), "event "+c.typ+" at version 2 of Tally/x can't be applied")
			}
			_, v, err := s.Load(ctx, "x", AtVersion(1))
			require.NoError(t, err)
			assert.Equal(t, cqrs.Version(1), v, "what stands before it can still be loaded")
			requireFree(t, s)
		})
	}
}

// gapped is a log that lost an event.
type gapped struct{ Store }

func (g gapped) ReadStream(ctx context.Context, s cqrs.StreamID, from cqrs.Version) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		for rec, err := range g.Store.ReadStream(ctx, s, from) {
			if (rec == nil || rec.Version != 2) && !yield(rec, err) {
				return
			}
		}
	}
}

func TestAMissingEventIsNotSkipped(t *testing.T) {
	log := memory.New()
	newSystem(t, setting{store: log}).must(t, add("x", 1, 1, 1))
	s := newSystem(t, setting{store: gapped{log}})
	_, _, err := s.Load(ctx, "x")
	require.ErrorIs(t, err, eventlog.ErrCorrupt)
	_, err = s.Execute(ctx, add("x", 1))
	require.ErrorIs(t, err, eventlog.ErrCorrupt)
}

func TestNoSnapshotIsTakenOfAStateThatIsMadeByWhatIsNotKnown(t *testing.T) {
	var logged bytes.Buffer
	s := newSystem(t, setting{every: 1, unknown: "ffffffff", opts: []Option{WithLogger(slog.New(slog.NewTextHandler(&logged, nil)))}})
	for range 3 {
		s.must(t, add("x", 1))
	}
	s.runtime.Close()
	sealed, err := s.store.LoadSnapshot(ctx, cqrs.StreamID{Category: "Tally", ID: "x"})
	require.NoError(t, err)
	assert.Nil(t, sealed)
	assert.Contains(t, logged.String(), "no snapshots are taken")
}
