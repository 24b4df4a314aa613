package jetstream

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALogThatWasNotCreatedIsRefused(t *testing.T) {
	url := testserver.NATS(t)
	_, err := Open(t.Context(), url)
	var missing *MissingStreamError
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "Migrate")
	open(t, url)
	l, err := Open(t.Context(), url)
	require.NoError(t, err, "now it is there")
	require.NoError(t, l.Close())
}

// deviations are settings of the stream with the events under which events could be lost, be changed, or not be found.
var deviations = map[string]any{
	"storage":                   "memory",
	"num_replicas":              1.0,
	"retention":                 "interest",
	"discard":                   "old",
	"max_age":                   float64(time.Hour),
	"max_msgs":                  1000.0,
	"max_bytes":                 1000000.0,
	"max_msgs_per_subject":      10.0,
	"max_msg_size":              1000.0,
	"deny_delete":               false,
	"deny_purge":                false,
	"allow_rollup_hdrs":         true,
	"allow_atomic":              false,
	"allow_direct":              false,
	"allow_msg_ttl":             true,
	"allow_msg_schedules":       true,
	"allow_batched":             true,
	"no_ack":                    true,
	"compression":               "s2",
	"duplicate_window":          float64(time.Minute),
	"first_seq":                 1000.0,
	"republish":                 map[string]any{"src": ">", "dest": "copy.>"},
	"sources":                   []any{map[string]any{"name": "other"}},
	"subject_transform":         map[string]any{"src": "cqrs.>", "dest": "cqrs2.>"},
	"subject_delete_marker_ttl": float64(time.Minute),
}

func TestEverySettingUnderWhichEventsCouldBeLostIsRefusedByName(t *testing.T) {
	for setting, value := range deviations {
		t.Run(setting, func(t *testing.T) {
			url := testserver.NATS(t)
			c, n := connect(t, url)
			o := newOptions(nil)
			wrong := maps.Clone(o.logConfig(n))
			wrong[setting] = value
			switch setting {
			case "allow_rollup_hdrs":
				wrong["deny_purge"] = false // the one excludes the other
			case "subject_delete_marker_ttl":
				wrong["deny_purge"], wrong["allow_rollup_hdrs"], wrong["allow_msg_ttl"] = false, true, true
			case "allow_msg_schedules":
				wrong["discard"], wrong["allow_rollup_hdrs"], wrong["deny_purge"] = "old", true, false
			}
			api(t, c, "STREAM.CREATE."+n.logStream(), wrong)
			_, err := Open(t.Context(), url, Migrate())
			var refused *SettingError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, n.logStream(), refused.Stream)
			// Of several that differ the first one is named.
			assert.LessOrEqual(t, refused.Setting, setting)
			assert.NotEqual(t, refused.Wants, refused.Has)
		})
	}
}

func TestASettingIsLookedAtAtEveryOpening(t *testing.T) {
	url := testserver.NATS(t)
	l := open(t, url)
	o := newOptions(nil)
	changed := o.logConfig(l.names)
	changed["max_age"] = float64(time.Hour)
	api(t, l.conn, "STREAM.UPDATE."+l.names.logStream(), changed)
	_, err := Open(t.Context(), url)
	var refused *SettingError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, SettingError{
		Stream: l.names.logStream(), Setting: "max_age", Has: "3600000000000", Wants: "nothing",
	}, *refused)
}

// setMaxAge lets events expire, or not.
func setMaxAge(t *testing.T, c *conn, n names, age time.Duration) {
	t.Helper()
	o := newOptions(nil)
	changed := o.logConfig(n)
	changed["max_age"] = float64(age)
	api(t, c, "STREAM.UPDATE."+n.logStream(), changed)
}

// reconnect makes the connection anew.
func reconnect(t *testing.T, l *Log) {
	t.Helper()
	before := l.conn.number()
	require.NoError(t, l.conn.nc.ForceReconnect())
	require.Eventually(t, func() bool { return l.conn.number() > before }, time.Minute, time.Millisecond)
}

func TestASettingThatBecameUnsafeStopsAppendsFromTheNextConnectionOn(t *testing.T) {
	l := open(t, testserver.NATS(t))
	stream := deposit(1, 0).Streams[0].Stream
	for round := range 2 {
		before, err := l.Append(t.Context(), deposit(1, eventlog.Any))
		require.NoError(t, err)
		setMaxAge(t, l.conn, l.names, time.Hour)
		reconnect(t, l)
		want := SettingError{Stream: l.names.logStream(), Setting: "max_age", Has: "3600000000000", Wants: "nothing"}
		for range 2 {
			_, err = l.Append(t.Context(), deposit(1, eventlog.Any))
			var refused *SettingError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, want, *refused)
			require.False(t, errors.As(err, new(*eventlog.UnknownOutcomeError)), "nothing was published")
			c := deposit(2, eventlog.Any)
			n, err := l.Import(t.Context(), func(yield func(*eventlog.Commit, error) bool) { yield(&c, nil) })
			require.ErrorAs(t, err, &refused)
			require.Zero(t, n)
		}
		head, err := l.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, before.Position, head, "nothing was stored")
		for _, err := range l.ReadStream(t.Context(), stream, 1) {
			require.NoError(t, err, "what is stored can be read")
		}
		setMaxAge(t, l.conn, l.names, 0)
		if round == 0 {
			reconnect(t, l)
			_, err := l.Append(t.Context(), deposit(1, eventlog.Any))
			require.NoError(t, err, "it is looked at again at each connection")
			continue
		}
		require.Eventually(t, func() bool {
			_, err := l.Append(t.Context(), deposit(1, eventlog.Any))
			return err == nil
		}, time.Minute, 10*time.Millisecond, "and after a while")
	}
}

func TestWhatIsFoundThroughAnotherConnectionIsNotAcknowledgedUnderAnUnsafeSetting(t *testing.T) {
	url := testserver.NATS(t)
	c, n := connect(t, url)
	p := newProxy(t, strings.TrimPrefix(c.nc.ConnectedUrl(), "nats://"))
	l := open(t, "nats://"+p.Addr().String()+"/"+n.name, Connection(nats.IgnoreDiscoveredServers()))
	first, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	setMaxAge(t, c, n, time.Hour)
	p.down.Store(8) // the answer is lost
	_, err = l.Append(t.Context(), deposit(1, eventlog.Exactly(1)))
	require.ErrorAs(t, err, new(*SettingError))
	head, headErr := l.Head(t.Context())
	require.NoError(t, headErr)
	// A ping may have been the first to be cut off.
	assert.Equal(t, head > first.Position, errors.As(err, new(*eventlog.UnknownOutcomeError)))
}

func TestTheSettingsAreAskedForOnceForEachConnection(t *testing.T) {
	l := open(t, testserver.NATS(t))
	opened := l.safety.last.Load()
	appendMany := func() *finding {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				_, err := l.Append(t.Context(), deposit(i, eventlog.Any))
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		return l.safety.last.Load()
	}
	require.Same(t, opened, appendMany())
	reconnect(t, l)
	again := appendMany()
	require.NotSame(t, opened, again)
	require.Same(t, again, appendMany())
}

func TestSnapshotsAreKeptOneForEachStream(t *testing.T) {
	url := testserver.NATS(t)
	l := open(t, url)
	o := newOptions(nil)
	changed := o.snapshotConfig(l.names)
	changed["max_msgs_per_subject"] = 2.0
	api(t, l.conn, "STREAM.UPDATE."+l.names.snapshotStream(), changed)
	_, err := Open(t.Context(), url)
	var refused *SettingError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "max_msgs_per_subject", refused.Setting)
}

func TestTheConfigurationThatIsPrintedIsTheOneThatIsCreated(t *testing.T) {
	url := testserver.NATS(t)
	c, _ := connect(t, url)
	configs, err := StreamConfigs(url, DuplicateWindow(time.Hour))
	require.NoError(t, err)
	require.Len(t, configs, 2)
	for _, config := range configs {
		api(t, c, "STREAM.CREATE."+config["name"].(string), config)
	}
	l, err := Open(t.Context(), url, DuplicateWindow(time.Hour))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = Open(t.Context(), url)
	var refused *SettingError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "duplicate_window", refused.Setting)
}

func TestAWindowInWhichARetryIsForgottenIsRefused(t *testing.T) {
	url := testserver.NATS(t)
	for _, window := range []time.Duration{MinDuplicateWindow - 1, patience, 0, -time.Hour} {
		_, err := Open(t.Context(), url, Migrate(), DuplicateWindow(window))
		var short *DuplicateWindowError
		require.ErrorAs(t, err, &short)
		assert.Equal(t, window, short.Window)
		assert.Contains(t, err.Error(), "at least 1m0s")
		_, err = StreamConfigs(url, DuplicateWindow(window))
		require.ErrorAs(t, err, &short)
	}
	_, err := Open(t.Context(), url)
	require.ErrorAs(t, err, new(*MissingStreamError), "nothing was created")
	open(t, url, DuplicateWindow(MinDuplicateWindow))
}

func TestAnAddressNamesServersAndALog(t *testing.T) {
	for address, want := range map[string][2]string{
		"nats://a:4222":                {"nats://a:4222", "events"},
		"a:4222/ledger":                {"nats://a:4222", "ledger"},
		"nats://a,nats://u:p@b/x-Y_1/": {"nats://a,nats://u:p@b", "x-Y_1"},
		"tls://a/x, tls://b/x":         {"tls://a,tls://b", "x"},
	} {
		servers, name, err := parseURL(address)
		require.NoError(t, err, address)
		assert.Equal(t, want, [2]string{servers, name}, address)
	}
	for _, address := range []string{"", "nats://", "nats://a/x.y", "nats://a/x/y", "nats://a/*", "nats://a/ä", "a b:c"} {
		_, err := Open(t.Context(), address)
		require.Error(t, err, address)
	}
}
