package personaltest_test

import (
	"bytes"
	"context"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	enginepostgres "github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	keystore "github.com/cqrsgen/cqrsgen/runtime/personal/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/elastic"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/sink/redis"
	clinic "github.com/cqrsgen/cqrsgen/testdata/golden/personal"
)

const mark = "Qwertz Uiop"

var doctor = clinic.DoctorID(uuid.MustParse("11111111-2222-4333-8444-555555555555"))

// log is what all engines offer.
type log interface {
	aggregate.Store
	eventlog.Transfer
}

func keysIn(t *testing.T, dsn string) *personal.Keys {
	store, err := keystore.Open(t.Context(), dsn, true)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	master, err := personal.NewMasterKey(bytes.Repeat([]byte{9}, 32))
	require.NoError(t, err)
	return personal.NewKeys(store, master)
}

func open(t *testing.T, log aggregate.Store, rows readmodel.Store, keys *personal.Keys) *clinic.App {
	app, err := clinic.New(t.Context(), log, rows, clinic.Deciders{}, clinic.Projections{}, aggregate.WithKeys(keys))
	require.NoError(t, err)
	t.Cleanup(app.Close)
	return app
}

func fill(t *testing.T, app *clinic.App) {
	ctx := t.Context()
	_, err := app.Patient.Register(ctx, "p-1", clinic.Register{
		Name: personal.Of(mark), Mail: personal.Of("a@" + mark), Born: personal.Of(cqrs.Date{Year: 1999, Month: 12, Day: 31}),
		Contact: clinic.Contact{Mail: personal.Of("b@" + mark), Kind: "home"},
	})
	require.NoError(t, err)
	_, err = app.Patient.Assign(ctx, "p-1", clinic.Assign{Doctor: doctor, Name: personal.Of("Dr. " + mark)})
	require.NoError(t, err)
	for range 3 {
		_, err = app.Patient.Visit(ctx, "p-1", clinic.Visit{Day: cqrs.Date{Year: 2026, Month: 1, Day: 1}})
		require.NoError(t, err)
	}
}

// requireName requires what state and row of the patient say.
func requireName(t *testing.T, app *clinic.App, inState, inRow string) {
	t.Helper()
	for _, p := range app.Projectors() {
		require.NoError(t, p.CatchUp(t.Context()))
	}
	row, _, err := app.Patients.Get(t.Context(), clinic.PatientsKey{Patient: "p-1"})
	require.NoError(t, err)
	name, _ := row.Name.Reveal()
	require.Equal(t, inRow, name)
	// By now the process has met the event, if there is one.
	state, _, err := app.Patient.Load(t.Context(), "p-1")
	require.NoError(t, err)
	name, _ = state.Name.Reveal()
	require.Equal(t, inState, name)
}

// requireSealed requires that no payload of a log has a text.
func requireSealed(t *testing.T, records iter.Seq2[*cqrs.Record, error]) {
	n := 0
	for rec, err := range records {
		require.NoError(t, err)
		require.NotContains(t, string(rec.Data), mark)
		n++
	}
	require.NotZero(t, n)
}

func TestPersonsAreForgottenOnEveryEngineInRowsAndInArchives(t *testing.T) {
	for name, c := range map[string]struct {
		log  func(*testing.T) (log, error)
		rows func(*testing.T) (readmodel.Store, error)
	}{
		"PostgreSQL": {
			func(t *testing.T) (log, error) {
				return enginepostgres.Open(context.Background(), testserver.Postgres(t), enginepostgres.Migrate())
			},
			func(t *testing.T) (readmodel.Store, error) {
				return postgres.Open(context.Background(), testserver.Postgres(t), postgres.Migrate())
			},
		},
		"JetStream, Redis": {
			func(t *testing.T) (log, error) {
				return jetstream.Open(context.Background(), testserver.NATS(t), jetstream.Migrate())
			},
			func(t *testing.T) (readmodel.Store, error) {
				return redis.Open(context.Background(), testserver.Redis(t))
			},
		},
		"embedded, Elasticsearch": {
			func(t *testing.T) (log, error) { return embedded.Open(context.Background(), t.TempDir()) },
			func(t *testing.T) (readmodel.Store, error) {
				return elastic.Open(context.Background(), testserver.Elasticsearch(t))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := c.log(t)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, log.(interface{ Close() error }).Close()) })
			rows, err := c.rows(t)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, rows.(interface{ Close() error }).Close()) })
			dsn := testserver.Postgres(t)
			app := open(t, log, rows, keysIn(t, dsn))
			fill(t, app)
			requireName(t, app, mark, mark)
			requireSealed(t, log.Read(t.Context(), eventlog.Query{}))
			path := filepath.Join(t.TempDir(), "log.archive")
			_, err = archive.Export(t.Context(), log, path, archive.Range{}, nil)
			require.NoError(t, err)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.NotContains(t, string(data), mark)

			require.NoError(t, open(t, log, rows, keysIn(t, dsn)).Forget(t.Context(), clinic.PatientID("p-1").Subject()))
			requireName(t, app, "somebody", "gone")
			requireName(t, open(t, log, memory.New(), keysIn(t, dsn)), "somebody", "gone")

			// The archive was made before, and is none the wiser.
			restored, err := embedded.Open(t.Context(), t.TempDir())
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, restored.Close()) })
			_, err = archive.Import(t.Context(), path, restored, nil)
			require.NoError(t, err)
			requireName(t, open(t, restored, memory.New(), keysIn(t, dsn)), "somebody", "gone")
		})
	}
}
