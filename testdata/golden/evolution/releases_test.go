package hotel

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// The model of these tests is that of the release that split Changed. What ran before is written here as generated.

// changes is the projection of a release that stores Changed: how often the booking was changed. A release between the
// two also takes what is stored in its place.
func changes(log eventlog.Log, rows readmodel.Store, takes, ignores []string) *projection.Projector[ArrivalsKey, ArrivalsRow] {
	codec := arrivalsCodec
	codec.Schema.Projection, codec.Schema.Fingerprint = "Changes", "00000000000000"+string('a'+rune(len(takes)))+"0"
	return projection.New(projection.NewGroup(log), rows, projection.Definition[ArrivalsKey, ArrivalsRow]{
		Name: "Changes", Events: takes, Ignores: ignores, Codec: codec,
		OwnKey: func(k ArrivalsKey, _ bool) ArrivalsKey {
			return ArrivalsKey{BookingID(strings.Clone(string(k.Booking)))}
		},
		NewFold: func(int) func(*projection.Rows[ArrivalsKey, ArrivalsRow], *cqrs.Record) error {
			return func(rows *projection.Rows[ArrivalsKey, ArrivalsRow], rec *cqrs.Record) error {
				if row := rows.At(ArrivalsKey{BookingID(rec.Stream.ID)}); row != nil {
					row.Guests++
				}
				return nil
			}
		},
	})
}

// changesOf returns the rows of the projection, and the position that they reflect.
func changesOf(t *testing.T, p *projection.Projector[ArrivalsKey, ArrivalsRow]) (map[string]int64, cqrs.Position) {
	table, err := p.Store().Table(t.Context(), p.Schema())
	require.NoError(t, err)
	rows := map[string]int64{}
	at, err := table.Find(t.Context(), readmodel.Find{Index: -1}, func(key, row []readmodel.Value, _ cqrs.Position) error {
		rows[key[0].Text()] = row[0].Int64()
		return nil
	})
	require.NoError(t, err)
	return rows, at.Position
}

// requireStopped checks that a projection of the older release has what was stored before the newer one wrote, and stops
// there.
func requireStopped(t *testing.T, p *projection.Projector[ArrivalsKey, ArrivalsRow], at cqrs.Position) {
	t.Helper()
	err := p.CatchUp(t.Context())
	var stopped *projection.FoldError
	require.ErrorAs(t, err, &stopped)
	assert.Equal(t, at, stopped.Position)
	var replaced *cqrs.ReplacedEventError
	require.ErrorAs(t, err, &replaced)
	assert.Equal(t, cqrs.ReplacedEventError{
		Position: at, Type: "Changed", By: []string{"Moved", "Noted"}, Unknown: []string{"Moved", "Noted"},
	}, *replaced)
	assert.Equal(t, projection.Stopped, p.Status().Phase)
	assert.Contains(t, p.Status().Error, "deploy the release that wrote it first")
	rows, reached := changesOf(t, p)
	assert.Equal(t, map[string]int64{"b-1": 2}, rows)
	assert.Less(t, reached, at)
}

// newerRelease opens this model's program on a log.
func newerRelease(t *testing.T, log aggregate.Store) *App {
	app, err := New(t.Context(), log, memory.New(), Deciders{}, Projections{}, aggregate.WithKeys(cqrstest.Keys()))
	require.NoError(t, err)
	t.Cleanup(app.Close)
	return app
}

// replacedAt returns where the log says that Changed is replaced.
func replacedAt(t *testing.T, log eventlog.Log) (at cqrs.Position) {
	for rec, err := range log.Read(t.Context(), eventlog.Query{Types: []string{cqrs.Replaced}}) {
		require.NoError(t, err)
		if rec.Stream.ID == "Changed" {
			require.Zero(t, at, "it is said once")
			at = rec.Position
		}
	}
	require.NotZero(t, at)
	return at
}

// engines are those that a test runs on.
var engines = map[string]func(t *testing.T) aggregate.Store{
	"memory": func(*testing.T) aggregate.Store { return enginememory.New() },
	"embedded": func(t *testing.T) aggregate.Store {
		log, err := embedded.Open(t.Context(), t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, log.Close()) })
		return log
	},
	"archive": func(t *testing.T) aggregate.Store {
		log, err := archive.With(t.Context(), enginememory.New(), t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, log.Close()) })
		return log
	},
	"postgres": func(t *testing.T) aggregate.Store {
		log, err := postgres.Open(t.Context(), testserver.Postgres(t), postgres.Migrate())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, log.Close()) })
		return log
	},
	"jetstream": func(t *testing.T) aggregate.Store {
		log, err := jetstream.Open(t.Context(), testserver.NATS(t), jetstream.Migrate())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, log.Close()) })
		return log
	},
}

func TestAnOlderReleaseStopsWhereANewerOneStoresOtherEventsInThePlaceOfItsOwn(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "postgres" || name == "jetstream") {
				t.Skip("it needs a server")
			}
			log, rows := open(t), memory.New()
			older := changes(log, rows, []string{"Changed"}, nil)
			between := changes(log, memory.New(), []string{"Changed", "Moved"}, []string{"Noted"})
			history(t, log, "b-1", stored("Changed", 2, `{"notes":["a"]}`), stored("Changed", 2, `{"notes":["b"]}`))
			require.NoError(t, older.CatchUp(t.Context()))
			app := newerRelease(t, log)
			_, err := app.Booking.Book(t.Context(), "b-2", Book{Adults: 2})
			require.NoError(t, err)
			require.NoError(t, older.CatchUp(t.Context()), "nothing that it does not know was stored yet")

			done, err := app.Booking.Note(t.Context(), "b-1", Note{Text: "c"})
			require.NoError(t, err)
			at := replacedAt(t, log)
			require.Less(t, at, done.Position)
			requireStopped(t, older, at)
			requireStopped(t, changes(log, rows, []string{"Changed"}, nil), at)         // who comes back
			requireStopped(t, changes(log, memory.New(), []string{"Changed"}, nil), at) // who begins anew

			require.NoError(t, between.CatchUp(t.Context()), "a release that was told of them goes on")
			_, reached := changesOf(t, between)
			assert.Equal(t, done.Position, reached)
			for _, p := range app.Projectors() {
				require.NoError(t, p.CatchUp(t.Context()))
			}
			note, _, err := app.Notes.Get(t.Context(), NotesKey{"c"})
			require.NoError(t, err)
			assert.EqualValues(t, 1, note.Times)
		})
	}
}

func TestAnOlderReleaseStopsAtTheSamePlaceInAnotherLogThatTheEventsWereCarriedTo(t *testing.T) {
	from := enginememory.New()
	history(t, from, "b-1", stored("Changed", 2, `{"notes":["a"]}`), stored("Changed", 2, `{"notes":["b"]}`))
	_, err := newerRelease(t, from).Booking.Note(t.Context(), "b-1", Note{Text: "c"})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "log")
	_, err = archive.Export(t.Context(), from, file, archive.Range{}, nil)
	require.NoError(t, err)

	to, err := embedded.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer to.Close()
	_, err = archive.Import(t.Context(), file, to, nil)
	require.NoError(t, err)
	requireStopped(t, changes(to, memory.New(), []string{"Changed"}, nil), replacedAt(t, to))
	_, err = newerRelease(t, to).Booking.Note(t.Context(), "b-1", Note{Text: "d"})
	require.NoError(t, err)
	replacedAt(t, to)

	dir := t.TempDir()
	sealed, err := archive.With(t.Context(), from, dir)
	require.NoError(t, err)
	defer sealed.Close()
	require.NoError(t, sealed.Seal(context.Background()))
	requireStopped(t, changes(sealed, memory.New(), []string{"Changed"}, nil), replacedAt(t, from))
}
