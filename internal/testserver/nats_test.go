//go:build unix

package testserver

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func connect(t *testing.T, url string) nats.JetStreamContext {
	t.Helper()
	nc, err := nats.Connect(url)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := nc.JetStream(nats.MaxWait(30 * time.Second))
	require.NoError(t, err)
	return js
}

func TestACommonClusterOfThreeServersKeepsNothingOfATest(t *testing.T) {
	var url string
	t.Run("one", func(t *testing.T) {
		url = NATS(t)
		assert.NotEqual(t, url, NATS(t))
		name := url[len(url)-len("t_")-26:]
		info, err := connect(t, url).AddStream(&nats.StreamConfig{Name: "x_" + name, Replicas: 3})
		require.NoError(t, err)
		assert.Len(t, info.Cluster.Replicas, 2)
	})
	for stream := range connect(t, url).StreamNames() {
		assert.NotContains(t, stream, url[len(url)-10:])
	}
}

func TestAMessageIsThereAfterTheLeaderWasKilled(t *testing.T) {
	c := StartNATS(t, NATSOptions{})
	js := connect(t, c.URL())
	_, err := js.AddStream(&nats.StreamConfig{Name: "s", Replicas: 3})
	require.NoError(t, err)
	_, err = js.Publish("s", []byte("stored"))
	require.NoError(t, err)
	leader := c.StreamLeader("s")
	require.GreaterOrEqual(t, leader, 0)
	c.Pause(t, leader)
	c.Resume(t, leader)
	c.Kill(t, leader)
	eventually(t, "another leader", func() bool {
		now := c.StreamLeader("s")
		return now >= 0 && now != leader
	})
	c.StartAll(t)
	m, err := js.GetLastMsg("s", "s")
	require.NoError(t, err)
	assert.Equal(t, "stored", string(m.Data))
}
