package admin

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
)

// absent is a store that does not answer for a while: it fails, or hangs.
type absent struct {
	readmodel.Store
	gone, hangs atomic.Bool
}

func (a *absent) Generations(ctx context.Context, projection string) ([]readmodel.Generation, error) {
	if a.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if a.gone.Load() {
		return nil, readmodel.ErrUnavailable
	}
	return a.Store.Generations(ctx, projection)
}

// watched runs a command for a time, in a bubble.
func watched(t *testing.T, b *bank, d time.Duration, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	s := b.service()
	s.Stdout, s.Stderr = &out, &errs
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	code = Run(ctx, append([]string{"projections"}, args...), s)
	return code, out.String(), errs.String()
}

func TestALiveViewElsewhereIsATableEachFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{log: engine.New(), store: memory.New(), now: firstRelease}
		b.build(t, firstRelease)
		code, stdout, stderr := watched(t, b, 12*time.Second, "status", "--live")
		assert.Equal(t, 0, code)
		assert.Empty(t, stderr)
		assert.Equal(t, 3, strings.Count(stdout, "PROJECTION"))
		assert.NotContains(t, stdout, "\x1b")
		code, stdout, _ = watched(t, b, 2500*time.Millisecond, "status", "--live", "--json")
		assert.Equal(t, 0, code)
		assert.Equal(t, 3, strings.Count(stdout, `{"kind":"projection"`), "an object each second")
	})
}

func TestALiveViewGoesOnWhileAStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &absent{Store: memory.New()}
		b := &bank{log: engine.New(), store: store, now: firstRelease}
		b.build(t, firstRelease)
		go func() {
			time.Sleep(3 * time.Second)
			store.gone.Store(true)
			time.Sleep(5 * time.Second)
			store.gone.Store(false)
		}()
		code, stdout, stderr := watched(t, b, 12*time.Second, "status", "--live")
		assert.Equal(t, 0, code)
		assert.Empty(t, stderr)
		tables := strings.Split(stdout, "PROJECTION")[1:]
		require.Len(t, tables, 3)
		assert.Contains(t, tables[0], "active    idle         position 0, up to date")
		assert.Contains(t, tables[1], "unknown   waiting      its store does not answer\n  the read model's database is not available")
		assert.Equal(t, tables[0], tables[2])
	})
}

func TestAStoreThatHangsIsUnknownAndHidesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := &absent{Store: memory.New()}
		hangs.hangs.Store(true)
		both := &twoStores{&bank{log: engine.New(), store: memory.New(), now: firstRelease}, hangs}
		both.append(t, "Moved", 1, "ada")
		both.build(t, firstRelease)
		began := time.Now()
		code, stdout, stderr := both.status(t)
		assert.Equal(t, storeTime, time.Since(began))
		assert.Equal(t, 2, code)
		assert.Equal(t, `PROJECTION  SINK    GENERATION        STATE     PHASE
Balances    memory  1111111111111111  active    idle         position 1, up to date; nobody projects into it
Balances    memory  1111111111111111  unknown   waiting      its store does not answer
  context deadline exceeded
`, stdout)
		assert.Equal(t, "bank: Balances in memory: context deadline exceeded\n", stderr)
	})
}

// twoStores is a bank whose projection is kept in another store too.
type twoStores struct {
	*bank
	other readmodel.Store
}

func (x *twoStores) Projectors() []projection.Runner {
	other := &bank{log: x.log, store: x.other, now: x.now}
	return append(x.bank.Projectors(), other.Projectors()...)
}

func (x *twoStores) status(t *testing.T) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	s := x.service()
	s.Stdout, s.Stderr = &out, &errs
	s.App = func(context.Context, Store, readmodel.Store) (App, error) { return x, nil }
	code = Run(t.Context(), []string{"projections", "status"}, s)
	return code, out.String(), errs.String()
}

func TestAServerThatWentAwayIsUnknownAndComesBack(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	store, err := postgres.Open(t.Context(), server.DSN(), postgres.Migrate())
	require.NoError(t, err)
	defer func() { assert.NoError(t, store.Close()) }()
	both := &twoStores{&bank{log: engine.New(), store: memory.New(), now: firstRelease}, store}
	require.NoError(t, both.Projectors()[1].CatchUp(t.Context()))
	server.Stop(t)
	code, stdout, stderr := both.status(t)
	assert.Equal(t, 2, code)
	assert.Regexp(t, "memory +1{16} +none +idle", stdout)
	assert.Regexp(t, "postgres +1{16} +unknown +waiting +its store does not answer\n  .", stdout)
	assert.Contains(t, stderr, "bank: Balances in postgres: ")
	server.Start(t)
	code, stdout, _ = both.status(t)
	assert.Equal(t, 0, code)
	assert.Regexp(t, "postgres +1{16} +active +idle +position 0, up to date", stdout)
}
