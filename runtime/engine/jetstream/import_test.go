package jetstream

import (
	"fmt"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnImportThatIsSentWhileThereIsNoConnectionIsStoredAsItWas(t *testing.T) {
	for _, exact := range []bool{true, false} {
		l := open(t, testserver.NATS(t))
		const commits = 20
		n, err := l.Import(t.Context(), func(yield func(*eventlog.Commit, error) bool) {
			for i := range commits {
				c := deposit(i%2, eventlog.Any)
				if exact {
					c.Streams[0].Expected = eventlog.Exactly(cqrs.Version(i / 2))
				}
				if i == commits-1 {
					// What is sent before there is another connection leaves the process never.
					assert.NoError(t, l.conn.nc.ForceReconnect())
				}
				if !yield(&c, nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		assert.EqualValues(t, commits, n)
		for account := range 2 {
			version := cqrs.Version(0)
			for r, err := range l.ReadStream(t.Context(), deposit(account, 0).Streams[0].Stream, 1) {
				require.NoError(t, err)
				version++
				require.Equal(t, version, r.Version)
			}
			assert.EqualValues(t, commits/2, version)
		}
	}
}

func TestAnImportOfMoreStreamsThanItRemembersAsksForTheRest(t *testing.T) {
	l := open(t, testserver.NATS(t))
	m := importing{Log: l}
	require.NoError(t, m.begin(t.Context()))
	m.ends = newEnds(4)
	for i := range 20 {
		c := deposit(i%10, eventlog.Exactly(cqrs.Version(i/10)))
		require.NoError(t, m.add(t.Context(), &c))
		require.NoError(t, m.flush(t.Context()))
	}
	assert.EqualValues(t, 20, m.stored)
}

func TestTheHeadBehindManyCommandsWithoutEventsIsNotLookedForAgainAndAgain(t *testing.T) {
	l := open(t, testserver.NATS(t))
	want, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	for i := range 200 {
		c := deposit(1, eventlog.Any)
		c.Streams, c.Meta.CommandID = nil, fmt.Sprint(time.Now(), i)
		before := l.conn.nc.Stats().InMsgs
		got, err := l.Append(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, want.Position, got.Position)
		require.Less(t, l.conn.nc.Stats().InMsgs-before, uint64(50), "messages received for append %d", i)
	}
}
