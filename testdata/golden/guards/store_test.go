package guards_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// foreign stores events that no command of this program decided.
func foreign(t *testing.T, store aggregate.Store, stream cqrs.StreamID, events ...cqrs.Event) {
	t.Helper()
	s := eventlog.StreamAppend{Stream: stream, Expected: eventlog.Any}
	for _, e := range events {
		data, err := e.AppendJSON(nil)
		require.NoError(t, err)
		s.Events = append(s.Events, eventlog.NewEvent{
			Type: e.EventType(), SchemaVersion: 1, ContentType: cqrs.JSON, Data: data,
		})
	}
	_, err := store.Append(context.Background(), eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
		Streams: []eventlog.StreamAppend{s},
	})
	require.NoError(t, err)
}
