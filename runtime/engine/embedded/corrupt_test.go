package embedded

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/require"
)

// written is a log that is damaged again and again.
type written struct {
	file    []byte
	records []cqrs.Record
	streams map[cqrs.StreamID][]cqrs.Record
}

func writeLog(t *testing.T, random *rand.Rand) *written {
	dir := t.TempDir()
	l, err := Open(t.Context(), dir)
	require.NoError(t, err)
	for range 300 {
		_, err := l.Append(t.Context(), randomCommit(random))
		require.NoError(t, err)
	}
	w := &written{streams: make(map[cqrs.StreamID][]cqrs.Record)}
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		w.records = append(w.records, *r)
		w.streams[r.Stream] = append(w.streams[r.Stream], *r)
	}
	require.NoError(t, l.Close())
	w.file, err = os.ReadFile(filepath.Join(dir, fileName))
	require.NoError(t, err)
	return w
}

// damage is what became of a log with flipped bits.
type damage int

const (
	unseen    damage = iota // nothing that was read touched it
	notOpened               // the log does not open
	found                   // a read fails
	shorter                 // a read ends early, without an error: SQLite has no checksums, and what is not found is not compared
)

// flipBits opens a copy of the log in which bits are flipped, and reads all of it.
func (w *written) flipBits(t *testing.T, random *rand.Rand) damage {
	dir := t.TempDir()
	file := append([]byte{}, w.file...)
	for range 1 + random.IntN(4) {
		file[random.IntN(len(file))] ^= 1 << random.IntN(8)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, fileName), file, 0o600))
	l, err := Open(t.Context(), dir)
	if err != nil {
		requireNamed(t, err)
		return notOpened
	}
	defer func() { _ = l.Close() }()
	worst := w.compare(t, w.records, l.Read(t.Context(), eventlog.Query{}))
	for typ := range 3 {
		name := fmt.Sprint("Type", typ)
		var want []cqrs.Record
		for _, r := range w.records {
			if r.Type == name {
				want = append(want, r)
			}
		}
		worst = max(worst, w.compare(t, want, l.Read(t.Context(), eventlog.Query{Types: []string{name}})))
	}
	for stream, want := range w.streams {
		worst = max(worst, w.compare(t, want, l.ReadStream(t.Context(), stream, 1)))
	}
	// What a damaged log takes is its own; it only must not panic.
	if _, err := l.Append(t.Context(), randomCommit(random)); err != nil {
		requireNamed(t, err)
	}
	return worst
}

// requireNamed checks that an error says that the file is damaged, and is no mistake of SQL.
func requireNamed(t *testing.T, err error) {
	t.Helper()
	var refused *RefusedError
	var failed *eventlog.FailedError
	var conflict *cqrs.ConflictError
	known := errors.As(err, &refused) || errors.As(err, &failed) || errors.As(err, &conflict) ||
		errors.Is(err, eventlog.ErrCorrupt) || sqlitedb.Classify(err) != sqlitedb.None
	require.True(t, known, "%v", err)
}

// compare checks that what is read was written: the same events, in the same order, up to an error or an early end.
func (w *written) compare(t *testing.T, want []cqrs.Record, seq func(func(*cqrs.Record, error) bool)) damage {
	t.Helper()
	n := 0
	for r, err := range seq {
		if err != nil {
			requireNamed(t, err)
			return found
		}
		for n < len(want) && want[n].Position < r.Position {
			n++ // one that the index by type lost
		}
		require.Less(t, n, len(want), "position %d was never written", r.Position)
		require.Equal(t, want[n], *r)
		n++
	}
	if n < len(want) {
		return shorter
	}
	return unseen
}

func TestFlippedBitsNeverShowWhatWasNotWritten(t *testing.T) {
	t.Parallel()
	random := soak.Rand(t)
	w := writeLog(t, random)
	outcomes := make(map[damage]int)
	for range soak.Box(t, 6*time.Second, 0).Rounds(soak.Rounds(400, 20_000), "damaged files") {
		outcomes[w.flipBits(t, random)]++
	}
	soak.Logf(t, "%d refused, %d found by reading, %d unseen, %d read short", outcomes[notOpened], outcomes[found],
		outcomes[unseen], outcomes[shorter])
	require.NotZero(t, outcomes[found])
}
