//go:build unix

package testserver

import (
	"net/url"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func redisClient(t *testing.T, address string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(address)
	require.NoError(t, err)
	c := redis.NewClient(o)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func TestACommonRedisKeepsNothingOfATest(t *testing.T) {
	var address, prefix string
	t.Run("one", func(t *testing.T) {
		u, err := url.Parse(Redis(t))
		require.NoError(t, err)
		prefix = u.Query().Get("prefix")
		assert.NotContains(t, Redis(t), prefix)
		u.RawQuery = ""
		address = u.String()
		require.NoError(t, redisClient(t, address).Set(t.Context(), prefix+"a", "stored", 0).Err())
	})
	keys, err := redisClient(t, address).Keys(t.Context(), prefix+"*").Result()
	require.NoError(t, err)
	assert.Empty(t, keys)
}

func TestAKilledRedisHasWhatIsInItsFileAndNothingThatWasCutOff(t *testing.T) {
	s := StartRedis(t, RedisOptions{AppendFsync: "everysec", Settings: map[string]string{"maxmemory": "20mb"}})
	set := func(key string) {
		t.Helper()
		require.NoError(t, redisClient(t, s.URL()).Set(t.Context(), key, "stored", 0).Err())
	}
	get := func(key string) string { return redisClient(t, s.URL()).Get(t.Context(), key).Val() }
	assert.Equal(t, "20mb", map[string]string{"20971520": "20mb"}[redisClient(t, s.URL()).ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]])
	set("a")
	size := s.Appended(t)
	set("b")
	s.Pause(t)
	s.Resume(t)
	s.Kill(t)
	s.Start(t)
	assert.Equal(t, []string{"stored", "stored"}, []string{get("a"), get("b")})
	s.Stop(t)
	s.CutTo(t, size)
	s.Start(t)
	assert.Equal(t, []string{"stored", ""}, []string{get("a"), get("b")})
}
