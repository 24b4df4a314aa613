package subscription_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/memory"
)

const noted, ignored = "Noted", "Ignored"

func stream(id string) cqrs.StreamID { return cqrs.StreamID{Category: "Note", ID: id} }

// add appends one event to each stream that is named.
func add(t testing.TB, log eventlog.Log, name string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := log.Append(t.Context(), eventlog.Commit{
			ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
			Streams: []eventlog.StreamAppend{{Stream: stream(id), Expected: eventlog.Any, Events: []eventlog.NewEvent{
				{Type: name, SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(`{}`)},
			}}},
		})
		require.NoError(t, err)
	}
}

// book writes down what a handler gets: "a1" is version 1 of stream a.
type book struct {
	mu      sync.Mutex
	entries []string
	fail    func(entry string, attempt int) error
	keys    map[string]string
	most    int
	at      map[string]int
	now     int
}

func (b *book) handle(_ context.Context, d *subscription.Delivery) error {
	entry := fmt.Sprint(d.Record.Stream.ID, d.Record.Version)
	b.mu.Lock()
	if b.now++; b.now > b.most {
		b.most = b.now
	}
	if b.at == nil {
		b.at, b.keys = map[string]int{}, map[string]string{}
	}
	b.at[d.Record.Stream.ID]++
	twice := b.at[d.Record.Stream.ID] > 1
	fail := b.fail
	b.mu.Unlock()
	var err error
	if fail != nil {
		err = fail(entry, d.Attempt)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now--
	b.at[d.Record.Stream.ID]--
	if twice {
		b.entries = append(b.entries, "two at once: "+entry)
	}
	if err != nil {
		return err
	}
	b.entries = append(b.entries, entry)
	b.keys[entry] = d.Key()
	return nil
}

func (b *book) read() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.entries...)
}

// of returns the entries of one stream.
func (b *book) of(id string) (entries []string) {
	for _, e := range b.read() {
		if e[:1] == id {
			entries = append(entries, e)
		}
	}
	return entries
}

func (b *book) failing(f func(entry string, attempt int) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = f
}

var quick = []subscription.Option{
	subscription.Backoff(time.Millisecond, 5*time.Millisecond), subscription.Attempts(3),
	subscription.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))), subscription.Lease(time.Second),
}

func subscribe(log eventlog.Log, store subscription.Store, start subscription.Start, b *book, opts ...subscription.Option,
) *subscription.Subscription {
	return subscription.New(log, store, subscription.Definition{
		Name: "notes", Start: start, Events: []string{noted}, Handle: b.handle,
	}, append(append([]subscription.Option(nil), quick...), opts...)...)
}

// run runs a subscription until stop is called, or the test ends.
func run(t testing.TB, s *subscription.Subscription) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return stop
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 30*time.Second, 2*time.Millisecond, what)
}

func fixture() (*engine.Log, *memory.Store, *book) { return engine.New(), memory.New(), &book{} }
