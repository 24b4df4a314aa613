package jetstream

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// VersionError says that a server is too old: it does not have what a commit to several streams needs.
type VersionError struct{ Server, Has, Wants string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the NATS server %s has version %s, and %s or later is needed: update it", e.Server, e.Has, e.Wants)
}

// MissingStreamError says that a log was not created yet.
type MissingStreamError struct{ Stream string }

func (e *MissingStreamError) Error() string {
	return fmt.Sprintf("there is no JetStream stream %s: open the log once with jetstream.Migrate(), "+
		"or create the stream as jetstream.StreamConfigs says", e.Stream)
}

// SettingError says that a stream, or the server, has a setting under which events could be lost, or appends be refused,
// or that the log was created with other options. It comes from Open, and also from Append and Import after a connection
// was made anew. These store again, at most a second later, once the setting is as it must be.
type SettingError struct {
	// Stream is empty for a setting of the server.
	Stream, Setting string
	Has, Wants      string
}

func (e *SettingError) Error() string {
	where := "the JetStream stream " + e.Stream
	if e.Stream == "" {
		where = "the NATS server"
	}
	return fmt.Sprintf("%s has %s = %s, and must have %s: change it back, or do not use it as an event log",
		where, e.Setting, e.Has, e.Wants)
}

// minVersion is the first version with atomic batches of messages that have ids: 2.12.0 refuses the ids.
const minVersion = "2.12.1"

func checkVersion(server, version string) error {
	if has, ok := parseVersion(version); ok {
		if wants, _ := parseVersion(minVersion); slices.Compare(has[:], wants[:]) >= 0 {
			return nil
		}
	}
	return &VersionError{Server: server, Has: version, Wants: minVersion}
}

// parseVersion reads the three numbers of a version, such as 2.12.1 or 2.14.0-RC.1.
func parseVersion(version string) (numbers [3]int, ok bool) {
	version, _, _ = strings.Cut(version, "-")
	parts := strings.Split(version, ".")
	if len(parts) != len(numbers) {
		return numbers, false
	}
	for i := range parts {
		var err error
		if numbers[i], err = strconv.Atoi(parts[i]); err != nil {
			return numbers, false
		}
	}
	return numbers, true
}

// minPayload is the largest event with all that goes with it.
const minPayload = 1<<20 + 64<<10

// config is the configuration of a stream, as the API writes it. A field that is not there has its zero value.
type config map[string]any

// StreamConfigs returns the configurations of the JetStream streams that Open(ctx, url, Migrate(), opts...) creates,
// in the JSON that `nats stream add --config` reads: for teams whose services may not create streams.
func StreamConfigs(url string, opts ...Option) ([]map[string]any, error) {
	_, name, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	o := newOptions(opts)
	if err := o.check(); err != nil {
		return nil, err
	}
	return []map[string]any{o.logConfig(names{name}), o.snapshotConfig(names{name})}, nil
}

// logConfig is that of the stream with the events. Whatever is not here must be off.
func (o *options) logConfig(n names) config {
	return config{
		"name": n.logStream(), "subjects": []any{n.allEvents(), n.notes()},
		"retention": "limits", "discard": "new", "storage": "file", "num_replicas": float64(o.replicas),
		"max_consumers": -1.0, "max_msgs": -1.0, "max_bytes": -1.0, "max_msgs_per_subject": -1.0, "max_msg_size": -1.0,
		"compression": "none", "duplicate_window": float64(o.duplicates),
		"deny_delete": true, "deny_purge": true, "allow_direct": true, "allow_atomic": true,
	}
}

// snapshotConfig is that of the stream with the snapshots, which are a cache.
func (o *options) snapshotConfig(n names) config {
	return config{
		"name": n.snapshotStream(), "subjects": []any{n.allSnapshots()},
		"retention": "limits", "discard": "old", "storage": "file", "num_replicas": float64(o.replicas),
		"max_consumers": -1.0, "max_msgs": -1.0, "max_bytes": -1.0, "max_msgs_per_subject": 1.0, "max_msg_size": -1.0,
		"compression": "none", "duplicate_window": float64(2 * time.Minute), "deny_delete": true, "allow_direct": true,
	}
}

// free are the settings that are the operators' business.
var free = []string{"description", "placement", "metadata", "consumer_limits"}

// check compares a stream's settings with those wanted, and names the first that differs.
func (c config) check(has config) error {
	all := slices.Collect(maps.Keys(c))
	for setting := range has {
		if _, ok := c[setting]; !ok {
			all = append(all, setting)
		}
	}
	slices.Sort(all)
	for _, setting := range all {
		if slices.Contains(free, setting) || equalSetting(c[setting], has[setting]) {
			continue
		}
		name, _ := c["name"].(string)
		return &SettingError{Stream: name, Setting: setting, Has: text(has[setting]), Wants: text(c[setting])}
	}
	return nil
}

// equalSetting compares two values; one that is left out is the zero value.
func equalSetting(a, b any) bool {
	return reflect.DeepEqual(a, b) || a == nil && zero(b) || b == nil && zero(a)
}

func zero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return reflect.ValueOf(v).IsZero()
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprintf("%v", v)
}

// prepare creates a stream, if that was asked for, and checks its settings.
func (l *Log) prepare(ctx context.Context, wanted config) error {
	name, _ := wanted["name"].(string)
	has, err := l.settings(ctx, name)
	if hasCode(err, codeStreamNotFound) {
		if !l.options.migrate {
			return &MissingStreamError{Stream: name}
		}
		// Creating what is there already, as another process may have done meanwhile, is no error if it is the same.
		if has, err = l.describe(ctx, "STREAM.CREATE."+name, wanted); err != nil {
			return fmt.Errorf("create the JetStream stream %s: %w", name, err)
		}
	} else if err != nil {
		return fmt.Errorf("look for the JetStream stream %s: %w", name, err)
	}
	return wanted.check(has)
}

// settings asks the servers for the settings of a stream.
func (l *Log) settings(ctx context.Context, stream string) (config, error) {
	return l.describe(ctx, "STREAM.INFO."+stream, struct{}{})
}

// describe sends a request that is answered with the settings of a stream.
func (l *Log) describe(ctx context.Context, name string, request any) (config, error) {
	var info struct {
		Config config `json:"config"`
	}
	err := l.conn.call(ctx, name, request, &info)
	return info.Config, err
}
