package embedded

import (
	"context"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fillLog appends n events of one type with payloads of size bytes.
func fillLog(t *testing.T, l *Log, n, size int) {
	t.Helper()
	for n > 0 {
		c := oneEvent(contended, eventlog.Any)
		e := c.Streams[0].Events[0]
		e.Data = make([]byte, size)
		c.Streams[0].Events = nil
		for range min(n, eventlog.MaxEvents, eventlog.MaxCommitBytes/max(1, size)) {
			c.Streams[0].Events = append(c.Streams[0].Events, e)
		}
		n -= len(c.Streams[0].Events)
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
	}
}

func TestALogMayEndAtAnyPlaceOfAWindow(t *testing.T) {
	l := open(t, t.TempDir())
	n := 0
	for _, grow := range []int{chunkRecords - 1, 1, 1, chunkRecords - 1, 1, 6*chunkRecords - 1, 1, 1} {
		fillLog(t, l, grow, 0)
		n += grow
		read := cqrs.Position(0)
		for r, err := range l.Read(t.Context(), eventlog.Query{}) {
			require.NoError(t, err)
			read++
			require.Equal(t, read, r.Position)
		}
		require.EqualValues(t, n, read)
	}
}

func TestAScanEndsAtTheHeadThatTheLogHadWhenItBegan(t *testing.T) {
	l := open(t, t.TempDir())
	const n = 3*chunkRecords + 7
	fillLog(t, l, n, 0)
	read := 0
	for _, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		if read++; read == 1 || read == 2*chunkRecords {
			fillLog(t, l, 2*chunkRecords, 0)
		}
	}
	assert.Equal(t, n, read)
}

// Each payload is so large that a window fills its chunk several times. That no goroutine is left is checked by
// TestMain.
func TestAScanMayStopAnywhere(t *testing.T) {
	l := open(t, t.TempDir())
	const n = 3 * chunkRecords
	fillLog(t, l, n, 4<<10)
	for _, stop := range []int{1, 255, 256, 257, chunkRecords, chunkRecords + 1, 2*chunkRecords + 300, n} {
		read := 0
		for r, err := range l.Read(t.Context(), eventlog.Query{}) {
			require.NoError(t, err)
			read++
			require.EqualValues(t, read, r.Position)
			if read == stop {
				break
			}
		}
		require.Equal(t, stop, read)
	}
}

func TestAScanEndsWithTheErrorOfItsContext(t *testing.T) {
	l := open(t, t.TempDir())
	const n = 20 * chunkRecords
	fillLog(t, l, n, 0)
	for _, types := range [][]string{nil, {"Happened", "Unknown"}} {
		ctx, cancel := context.WithCancel(t.Context())
		read, last := 0, error(nil)
		for _, err := range l.Read(ctx, eventlog.Query{Types: types}) {
			require.NoError(t, last, "nothing comes after an error")
			if last = err; err == nil {
				read++
			}
			if read == chunkRecords+1 {
				cancel()
			}
		}
		cancel()
		assert.ErrorIs(t, last, context.Canceled)
		assert.Less(t, read, n)
	}
}

func TestAnErrorOfAWindowComesAfterTheRecordsBeforeIt(t *testing.T) {
	l := open(t, t.TempDir())
	fillLog(t, l, 6*chunkRecords, 0)
	const bad = 3*chunkRecords + 10
	require.NoError(t, script(t, l.Path(), "DROP TRIGGER events_are_not_deleted"))
	require.NoError(t, script(t, l.Path(), "DELETE FROM events WHERE position = 3082"))
	require.EqualValues(t, 3082, bad)
	read, last := 0, error(nil)
	for _, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, last, "nothing comes after an error")
		if last = err; err == nil {
			read++
		}
	}
	assert.ErrorIs(t, last, eventlog.ErrCorrupt)
	assert.Equal(t, 3*chunkRecords, read, "the windows before are whole")
	assert.Equal(t, sqlitedb.Other, sqlitedb.Classify(last))
}

func TestAnAnswerThatIsThereIsNotWithheldBecauseTheContextEnded(t *testing.T) {
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		w := &writer{queue: make(chan *request)}
		go func() {
			r := <-w.queue
			r.take()
			r.answer <- answer{appended: eventlog.Appended{Position: 7}}
			cancel()
		}()
		got, err := w.submit(ctx, newSnapshotRequest(contended, nil))
		require.NoError(t, err)
		require.EqualValues(t, 7, got.Position)
	}
}
