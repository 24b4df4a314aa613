package snapshot

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a store that saves one snapshot for each turn that it is given.
type slow struct {
	entered, turn chan struct{}

	mu    sync.Mutex
	saved []string
}

func (s *slow) ListSnapshots(context.Context, string) iter.Seq2[cqrs.StreamID, error] { return nil }

func (s *slow) LoadSnapshot(context.Context, cqrs.StreamID) ([]byte, error) { return nil, nil }

func (s *slow) SaveSnapshot(_ context.Context, stream cqrs.StreamID, sealed []byte) error {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-s.turn
	if string(sealed) == "bad" {
		return errors.New("no room")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = append(s.saved, stream.ID+string(sealed))
	return nil
}

func newSlow() *slow { return &slow{entered: make(chan struct{}, 1), turn: make(chan struct{})} }

func requireStats(t *testing.T, w *Writer, written, failed, dropped int64) {
	t.Helper()
	a, b, c := w.Stats()
	require.Equal(t, []int64{written, failed, dropped}, []int64{a, b, c}, "written, failed, dropped")
}

func TestAWriterNeverBlocksAndDropsWhatIsTooMuch(t *testing.T) {
	store := newSlow()
	w := NewWriter(store, slog.New(slog.DiscardHandler))
	w.Write(cqrs.StreamID{ID: "first"}, nil)
	<-store.entered // the store has one, so that the queue is empty
	for range queued + 10 {
		w.Write(cqrs.StreamID{ID: "more"}, nil)
	}
	requireStats(t, w, 0, 0, 10)
	close(store.turn)
	w.Close()
	requireStats(t, w, queued+1, 0, 10)
}

func TestCloseWritesWhatWaitsInOrder(t *testing.T) {
	store := newSlow()
	w := NewWriter(store, slog.New(slog.DiscardHandler))
	for _, sealed := range []string{"1", "2", "3"} {
		w.Write(cqrs.StreamID{ID: "x"}, []byte(sealed))
	}
	closed := make(chan struct{})
	go func() {
		w.Close()
		close(closed)
	}()
	for range 3 {
		select {
		case <-closed:
			t.Fatal("closed with snapshots waiting")
		case store.turn <- struct{}{}:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing is written")
		}
	}
	<-closed
	assert.Equal(t, []string{"x1", "x2", "x3"}, store.saved)
	w.Close()
	w.Write(cqrs.StreamID{ID: "x"}, []byte("4"))
	requireStats(t, w, 3, 0, 1)
}

func TestAFailureIsCountedAndLoggedAndOthersGoOn(t *testing.T) {
	store := newSlow()
	close(store.turn)
	var log strings.Builder
	w := NewWriter(store, slog.New(slog.NewTextHandler(&log, nil)))
	w.Write(cqrs.StreamID{Category: "Tally", ID: "x"}, []byte("bad"))
	w.Write(cqrs.StreamID{Category: "Tally", ID: "y"}, []byte("good"))
	w.Close()
	requireStats(t, w, 1, 1, 0)
	assert.Equal(t, []string{"ygood"}, store.saved)
	assert.Contains(t, log.String(), `level=WARN msg="snapshot was not written" stream=Tally/x error="no room"`)
}

func TestWritingAndClosingAtOnceLosesNoCount(t *testing.T) {
	store := newSlow()
	close(store.turn)
	w := NewWriter(store, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				w.Write(cqrs.StreamID{ID: "x"}, nil)
			}
		})
	}
	for range 3 {
		wg.Go(w.Close)
	}
	wg.Wait()
	written, failed, dropped := w.Stats()
	assert.Equal(t, int64(400), written+failed+dropped)
	assert.Len(t, store.saved, int(written))
}
