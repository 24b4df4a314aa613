package jetstream

import (
	"maps"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
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
