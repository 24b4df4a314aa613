package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func openTable(t testing.TB, address string) *table {
	t.Helper()
	opened, err := openStore(t, address).Table(t.Context(), &ledger)
	require.NoError(t, err)
	return opened.(*table)
}

func built(position int) readmodel.Checkpoint {
	return readmodel.Checkpoint{Position: cqrs.Position(position), Commit: cqrs.CommitID{15: byte(position)}, Built: position > 0}
}

// step applies changes, from one position to the next.
func step(t testing.TB, table readmodel.Table, position int, changes ...readmodel.Change) error {
	t.Helper()
	for i := range changes {
		changes[i].Position = cqrs.Position(position)
	}
	return table.Apply(t.Context(), &readmodel.Batch{From: built(position - 1), To: built(position), Changes: changes})
}

func change(account string, balance int64) readmodel.Change {
	return readmodel.Change{
		Key: []readmodel.Value{readmodel.OfString(account), readmodel.OfString("EUR")},
		Row: []readmodel.Value{readmodel.OfInt64(balance), readmodel.OfInt64(1), readmodel.OfTime(time.Unix(0, 0))},
	}
}

// balances reads all rows by an index: "acc-1=7 acc-2=9".
func balances(t testing.TB, table readmodel.Table) string {
	t.Helper()
	var rows []string
	_, err := table.Find(t.Context(), readmodel.Find{Index: 1}, func(key, row []readmodel.Value, _ cqrs.Position) error {
		rows = append(rows, fmt.Sprintf("%s=%d", key[0].Text(), row[0].Int64()))
		return nil
	})
	require.NoError(t, err)
	return strings.Join(rows, " ")
}

func TestAServerThatCannotKeepReadModelsIsRefusedByName(t *testing.T) {
	master := testserver.StartRedis(t, testserver.RedisOptions{})
	host, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(master.URL(), "redis://"), "/0"))
	require.NoError(t, err)
	for setting, settings := range map[string]map[string]string{
		"maxmemory_policy": {"maxmemory-policy": "allkeys-lru"},
		"role":             {"replicaof": host + " " + port},
		"redis_mode":       {"cluster-enabled": "yes"},
	} {
		s := testserver.StartRedis(t, testserver.RedisOptions{Settings: settings})
		_, err := Open(t.Context(), s.URL())
		var refused *SettingError
		require.ErrorAs(t, err, &refused, setting)
		assert.Equal(t, setting, refused.Setting)
		assert.ErrorContains(t, err, "has to be")
	}
	s := testserver.StartRedis(t, testserver.RedisOptions{Settings: map[string]string{"maxmemory-policy": "volatile-lru"}})
	openStore(t, s.URL())
}

func TestAServerThatComesBackWithOtherSettingsIsRefused(t *testing.T) {
	s := testserver.StartRedis(t, testserver.RedisOptions{})
	table := openTable(t, s.URL())
	client := table.store.client
	require.NoError(t, step(t, table, 1, change("a", 1)))
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	require.NoError(t, client.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "no").Err())
	require.Eventually(t, func() bool {
		_, err := table.Checkpoint(t.Context())
		return errors.As(err, new(*SettingError))
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	require.NoError(t, step(t, table, 2, change("a", 2)))
}

func TestAStoreWaitsForItsServerAndSaysSo(t *testing.T) {
	s := testserver.StartRedis(t, testserver.RedisOptions{AppendFsync: "always"})
	s.Kill(t)
	store := openStore(t, s.URL())
	_, err := store.Table(t.Context(), &ledger)
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	s.Start(t)
	table, err := store.Table(t.Context(), &ledger)
	require.NoError(t, err)
	require.NoError(t, step(t, table, 1, change("a", 1)))

	s.Kill(t)
	_, err = table.Checkpoint(t.Context())
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	require.ErrorIs(t, step(t, table, 2, change("a", 2)), readmodel.ErrUnavailable)
	_, err = table.Get(t.Context(), nil, nil)
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	require.ErrorIs(t, table.Hold(t.Context(), "me", time.Second, nil), readmodel.ErrUnavailable)
	_, err = store.Generations(t.Context(), "")
	require.ErrorIs(t, err, readmodel.ErrUnavailable)

	s.Start(t)
	require.NoError(t, step(t, table, 2, change("a", 2)))
	assert.Equal(t, "a=2", balances(t, table))
}

func TestACallOfAPausedServerEndsWithItsContext(t *testing.T) {
	s := testserver.StartRedis(t, testserver.RedisOptions{})
	table := openTable(t, s.URL())
	s.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := table.Checkpoint(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for name, f := range map[string]func(context.Context) error{
		"Hold":  func(ctx context.Context) error { return table.Hold(ctx, "me", time.Second, nil) },
		"Apply": func(ctx context.Context) error { return table.Apply(ctx, &readmodel.Batch{To: built(1)}) },
		"Get": func(ctx context.Context) error {
			_, err := table.Get(ctx, make([][]readmodel.Value, 0), nil)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel) // once it was asked
		began := time.Now()
		require.ErrorIs(t, f(ctx), context.Canceled, name)
		assert.Less(t, time.Since(began), 5*time.Second, name)
	}
	s.Resume(t)
	_, err = table.Checkpoint(t.Context())
	require.NoError(t, err)
}

func TestAFullServerKeepsNothingOfABatchAndTakesItOnceThereIsRoom(t *testing.T) {
	s := testserver.StartRedis(t, testserver.RedisOptions{Settings: map[string]string{"maxmemory": "4mb"}})
	table := openTable(t, s.URL())
	position := 0
	var err error
	for err == nil && position < 1000 {
		position++
		var changes []readmodel.Change
		for i := range 1500 {
			changes = append(changes, change(fmt.Sprintf("acc-%d-%d", position, i), 1))
		}
		err = step(t, table, position, changes...)
	}
	require.ErrorIs(t, err, readmodel.ErrUnavailable)
	require.Regexp(t, "OOM|EXECABORT", err)
	at, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Equal(t, built(position-1), at)
	n, _, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	require.EqualValues(t, (position-1)*1500, n)
	require.NoError(t, table.store.client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	require.NoError(t, step(t, table, position, change("z", 1)))
}

func TestAServerThatLostItsLastSecondFencesWhoWroteInIt(t *testing.T) {
	s := testserver.StartRedis(t, testserver.RedisOptions{AppendFsync: "everysec"})
	table := openTable(t, s.URL())
	require.NoError(t, table.Hold(t.Context(), "me", time.Hour, nil))
	require.NoError(t, step(t, table, 1, change("a", 1), change("b", 2)))
	kept := s.Appended(t)
	require.NoError(t, step(t, table, 2, change("a", 3), readmodel.Change{Key: change("b", 0).Key}, change("c", 4)))
	require.NoError(t, table.Hold(t.Context(), "me", time.Hour, nil))
	s.Kill(t)
	s.CutTo(t, kept)
	s.Start(t)

	assert.Equal(t, "a=1 b=2", balances(t, table), "the rows are those of the older checkpoint")
	require.ErrorIs(t, table.Hold(t.Context(), "me", time.Hour, nil), readmodel.ErrFenced, "who is idle learns it too")
	require.ErrorIs(t, step(t, table, 3, change("a", 5)), readmodel.ErrFenced)
	require.NoError(t, step(t, table, 2, change("a", 3), readmodel.Change{Key: change("b", 0).Key}, change("c", 4)))
	assert.Equal(t, "a=3 c=4", balances(t, table))
	require.NoError(t, table.Hold(t.Context(), "me", time.Hour, nil))
}

func TestAServerThatWasEmptiedHasNoGeneration(t *testing.T) {
	s := testserver.StartRedis(t, testserver.RedisOptions{})
	table := openTable(t, s.URL())
	require.NoError(t, step(t, table, 1, change("a", 1)))
	require.NoError(t, table.store.Promote(t.Context(), ledger.Projection, ledger.Fingerprint))
	require.NoError(t, table.store.client.FlushAll(t.Context()).Err())
	_, err := table.Checkpoint(t.Context())
	require.ErrorIs(t, err, readmodel.ErrNoGeneration)
	require.ErrorIs(t, step(t, table, 2), readmodel.ErrNoGeneration)
	require.ErrorIs(t, table.Hold(t.Context(), "me", time.Hour, nil), readmodel.ErrNoGeneration)
	all, err := table.store.Generations(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, all)
	again, err := table.store.Table(t.Context(), &ledger)
	require.NoError(t, err)
	require.NoError(t, step(t, again, 1, change("b", 1)))
	assert.Equal(t, "b=1", balances(t, again))
}
