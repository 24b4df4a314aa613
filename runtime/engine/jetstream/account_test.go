package jetstream

import (
	"strings"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// servicePermissions are what a service needs that may append, and may not change what is stored: those of the
// documentation.
const servicePermissions = `
	publish: ["cqrs.events.>",
		"$JS.API.STREAM.INFO.cqrs-log-events", "$JS.API.STREAM.INFO.cqrs-snapshots-events",
		"$JS.API.STREAM.MSG.GET.cqrs-log-events", "$JS.API.STREAM.MSG.GET.cqrs-snapshots-events",
		"$JS.API.DIRECT.GET.cqrs-log-events"]
	subscribe: ["_INBOX.>", "cqrs.events.news"]
`

func TestAServiceNeedsNoPermissionToChangeWhatIsStored(t *testing.T) {
	t.Parallel()
	c := testserver.StartNATS(t, testserver.NATSOptions{Config: `
		authorization { users: [
			{user: admin, password: x}
			{user: service, password: x, permissions: {` + servicePermissions + `}}
		] }`})
	as := func(user string) string { return strings.ReplaceAll(c.URL(), "nats://", "nats://"+user+":x@") }
	open(t, as("admin"))

	l, err := Open(t.Context(), as("service"))
	require.NoError(t, err)
	defer l.Close()
	commit := deposit(1, eventlog.New)
	commit.Meta.CommandID = "cmd-1"
	first, err := l.Append(t.Context(), commit)
	require.NoError(t, err)
	commit = deposit(1, eventlog.Exactly(1))
	commit.Streams = append(commit.Streams, deposit(2, eventlog.New).Streams...)
	_, err = l.Append(t.Context(), commit)
	require.NoError(t, err)
	_, ok, err := l.Command(t.Context(), "cmd-1", [32]byte{})
	require.NoError(t, err)
	assert.True(t, ok)
	_, err = l.Wait(t.Context(), first.Position)
	require.NoError(t, err)
	s := cqrs.StreamID{Category: "Account", ID: "acc-000001"}
	require.NoError(t, l.SaveSnapshot(t.Context(), s, []byte("x")))
	snapshot, err := l.LoadSnapshot(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, "x", string(snapshot))
	for _, seq := range []func(func(*cqrs.Record, error) bool){
		l.Read(t.Context(), eventlog.Query{}), l.ReadStream(t.Context(), s, 1), l.ReadStreamBackwards(t.Context(), s, 0),
	} {
		for _, err := range seq {
			require.NoError(t, err)
		}
	}

	nc, err := nats.Connect(as("service"))
	require.NoError(t, err)
	defer nc.Close()
	for _, forbidden := range []string{"STREAM.DELETE.", "STREAM.PURGE.", "STREAM.UPDATE.", "STREAM.MSG.DELETE."} {
		_, err := nc.Request("$JS.API."+forbidden+l.names.logStream(), []byte("{}"), 200*time.Millisecond)
		require.Error(t, err, forbidden)
	}
}
