package jetstream

import (
	"errors"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openCareless opens a log whose messages can be deleted, as Open would refuse to.
func openCareless(t *testing.T, url string) *Log {
	t.Helper()
	servers, name, err := parseURL(url)
	require.NoError(t, err)
	o := newOptions([]Option{Migrate()})
	c, err := dial(servers, nil)
	require.NoError(t, err)
	l := newLog(c, o, name)
	careless := o.logConfig(l.names)
	careless["deny_delete"] = false
	api(t, c, "STREAM.CREATE."+l.names.logStream(), careless)
	require.NoError(t, l.news.start())
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

func TestAMessageThatIsMissingStopsEveryReadThatWouldHaveSeenIt(t *testing.T) {
	l := openCareless(t, testserver.NATS(t))
	for i := range 30 {
		_, err := l.Append(t.Context(), deposit(i%3, eventlog.Any))
		require.NoError(t, err)
	}
	// Streams 0, 1 and 2 take turns: message 14 is the fifth of stream 1.
	api(t, l.conn, "STREAM.MSG.DELETE."+l.names.logStream(), map[string]any{"seq": 14})
	stream := func(i int) cqrs.StreamID { return deposit(i, 0).Streams[0].Stream }
	for name, read := range map[string]struct {
		seq   func(func(*cqrs.Record, error) bool)
		until int
	}{
		"the whole log": {l.Read(t.Context(), eventlog.Query{}), 13},
		"a category":    {l.Read(t.Context(), eventlog.Query{Categories: []string{"Account"}}), 13},
		"from behind":   {l.Read(t.Context(), eventlog.Query{After: positionOf(14, 0)}), -1},
		"the stream":    {l.ReadStream(t.Context(), stream(1), 1), 4},
		"backwards":     {l.ReadStreamBackwards(t.Context(), stream(1), 0), -1},
	} {
		n, failed := 0, error(nil)
		for _, err := range read.seq {
			if err != nil {
				failed = err
				continue
			}
			n++
		}
		require.ErrorIs(t, failed, eventlog.ErrCorrupt, name)
		var stopped *eventlog.ReadError
		require.ErrorAs(t, failed, &stopped, name)
		if read.until >= 0 {
			assert.LessOrEqual(t, n, read.until, name)
		}
	}
	_, err := l.Count(t.Context())
	require.ErrorIs(t, err, eventlog.ErrCorrupt)
	n := 0
	for _, err := range l.ReadStream(t.Context(), stream(2), 1) {
		require.NoError(t, err, "nothing of this stream is missing")
		n++
	}
	assert.Equal(t, 10, n)
}

func TestAMessageThatIsNoPartOfACommitStopsReading(t *testing.T) {
	l := openCareless(t, testserver.NATS(t))
	_, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	_, err = l.conn.publish(t.Context(), &nats.Msg{Subject: l.names.notes(), Data: []byte("hello")})
	require.NoError(t, err)
	var failed error
	for _, err := range l.Read(t.Context(), eventlog.Query{}) {
		failed = errors.Join(failed, err)
	}
	require.ErrorIs(t, failed, eventlog.ErrCorrupt)
}
