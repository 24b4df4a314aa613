package redis

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// counts is a projection that counts the events of each stream.
var counts = projection.Definition[string, int64]{
	Name: "Counts", Events: []string{"Noted"},
	Codec: readmodel.Codec[string, int64]{
		Schema: readmodel.Schema{
			Projection: "Counts", Fingerprint: "00000000000000cc",
			Key:     []readmodel.Column{{Name: "stream", Kind: readmodel.String}},
			Row:     []readmodel.Column{{Name: "events", Kind: readmodel.Int64}},
			Indexes: [][]string{{"events"}},
		},
		AppendKey: func(v []readmodel.Value, k *string) []readmodel.Value { return append(v, readmodel.OfString(*k)) },
		AppendRow: func(v []readmodel.Value, n *int64) ([]readmodel.Value, error) {
			return append(v, readmodel.OfInt64(*n)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *string) { *k = s.String() },
		ReadRow: func(s *readmodel.Scanner, n *int64) { *n = s.Int64() },
	},
	OwnKey: func(k string, _ bool) string { return strings.Clone(k) },
	NewFold: func(int) func(*projection.Rows[string, int64], *cqrs.Record) error {
		return func(rows *projection.Rows[string, int64], rec *cqrs.Record) error {
			if n := rows.At(rec.Stream.ID); n != nil {
				*n++
			}
			return nil
		}
	},
}

func note(t *testing.T, log eventlog.Log, stream string) {
	t.Helper()
	_, err := log.Append(t.Context(), eventlog.Commit{
		ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Unix(0, 0).UTC()},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Note", ID: stream}, Expected: eventlog.Any,
			Events: []eventlog.NewEvent{{Type: "Noted", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte("{}")}},
		}},
	})
	require.NoError(t, err)
}

// live is a projector that follows a log, with the server that it writes to.
type live struct {
	log    *engine.Log
	store  *Store
	server *testserver.RedisServer
}

func startLive(t *testing.T) *live {
	l := &live{log: engine.New(), server: testserver.StartRedis(t, testserver.RedisOptions{AppendFsync: "everysec"})}
	l.store = openStore(t, l.server.URL())
	g := projection.NewGroup(l.log, projection.WithLease(200*time.Millisecond), projection.WithLogger(slog.New(slog.DiscardHandler)))
	projection.New(g, l.store, counts)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	return l
}

// reaches waits until the active generation has counted so many events of stream a.
func (l *live) reaches(t *testing.T, want int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		generations, err := l.store.Generations(t.Context(), "Counts")
		if err != nil || len(generations) != 1 || !generations[0].Active {
			return false
		}
		table, _, err := l.store.Open(t.Context(), "Counts", counts.Codec.Schema.Fingerprint)
		if err != nil {
			return false
		}
		var n int64
		_, err = table.Get(t.Context(), [][]readmodel.Value{{readmodel.OfString("a")}},
			func(_ int, row []readmodel.Value, _ cqrs.Position) error {
				n = row[0].Int64()
				return nil
			})
		return err == nil && n == want
	}, 30*time.Second, 5*time.Millisecond)
}

func TestAProjectionCatchesUpByItselfWithAServerThatLostItsLastSecond(t *testing.T) {
	l := startLive(t)
	note(t, l.log, "a")
	l.reaches(t, 1)
	kept := l.server.Appended(t)
	note(t, l.log, "a")
	note(t, l.log, "a")
	l.reaches(t, 3)
	l.server.Kill(t)
	l.server.CutTo(t, kept)
	l.server.Start(t)
	l.reaches(t, 3) // though nothing is appended any more
	note(t, l.log, "a")
	l.reaches(t, 4)
}

func TestAProjectionBeginsAgainOnAServerThatWasEmptied(t *testing.T) {
	l := startLive(t)
	note(t, l.log, "a")
	note(t, l.log, "a")
	l.reaches(t, 2)
	require.NoError(t, l.store.client.FlushAll(t.Context()).Err())
	l.reaches(t, 2)
	note(t, l.log, "a")
	l.reaches(t, 3)
}

func TestAProjectionWaitsForAServerThatIsKilledOrPaused(t *testing.T) {
	l := startLive(t)
	note(t, l.log, "a")
	l.reaches(t, 1)
	for n := range int64(3) {
		l.server.Pause(t)
		note(t, l.log, "a")
		l.server.Resume(t)
		l.server.Kill(t)
		l.server.Start(t)
		l.reaches(t, n+2)
	}
}
