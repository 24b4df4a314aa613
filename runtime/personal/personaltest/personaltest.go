// Package personaltest has the one suite that every store of the keys of personal data passes.
package personaltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// Run tests a store. open opens the one store of a test once more, as another process would; it closes what it opened at
// the end of the test.
func Run(t *testing.T, start func(t *testing.T) (open func() personal.Store)) {
	for name, test := range map[string]func(*testing.T, func() personal.Store){
		"a subject without a key has none":                                    hasNone,
		"a key is found by its subject and by its id, also by others":         isFound,
		"of several who make a key at once one is obeyed":                     oneIsObeyed,
		"a destroyed key is told from one that never was":                     isRemembered,
		"who was forgotten before there was a key gets none":                  getsNone,
		"subjects of two types with one id are two":                           areTwo,
		"many keys are asked for at once, and those that never were left out": manyAtOnce,
	} {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

var ctx = context.Background()

func subject(n int) personal.Subject {
	return personal.Subject{Type: "GuestID", ID: fmt.Sprintf("guest-%d ä/'\"", n)}
}

// made returns a new key, as Keys makes them.
func made(s personal.Subject) personal.Record {
	r := personal.Record{Subject: s, Wrapped: make([]byte, 80)}
	rand.Read(r.ID[:])
	rand.Read(r.Wrapped)
	return r
}

func hasNone(t *testing.T, open func() personal.Store) {
	r, err := open().Find(ctx, subject(1))
	require.NoError(t, err)
	assert.Zero(t, r)
	found, err := open().Get(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func isFound(t *testing.T, open func() personal.Store) {
	s, want := open(), made(subject(1))
	got, err := s.Create(ctx, want.Subject, want)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	for _, s := range []personal.Store{s, open()} {
		got, err := s.Find(ctx, want.Subject)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		found, err := s.Get(ctx, []personal.KeyID{want.ID})
		require.NoError(t, err)
		assert.Equal(t, []personal.Record{want}, found)
	}
}

func oneIsObeyed(t *testing.T, open func() personal.Store) {
	stores := []personal.Store{open(), open()}
	got := make([]personal.Record, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			var err error
			got[i], err = stores[i%2].Create(ctx, subject(1), made(subject(1)))
			assert.NoError(t, err)
		})
	}
	all.Wait()
	for _, r := range got {
		assert.Equal(t, got[0], r)
	}
}

func isRemembered(t *testing.T, open func() personal.Store) {
	s, other := open(), open()
	a, b := made(subject(1)), made(subject(2))
	for _, r := range []personal.Record{a, b} {
		_, err := s.Create(ctx, r.Subject, r)
		require.NoError(t, err)
	}
	want := personal.Record{ID: a.ID, Subject: a.Subject, Destroyed: true}
	for range 2 { // it may be repeated
		require.NoError(t, s.Destroy(ctx, a.Subject))
		for _, s := range []personal.Store{s, other, open()} {
			got, err := s.Find(ctx, a.Subject)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			got, err = s.Create(ctx, a.Subject, made(a.Subject))
			require.NoError(t, err)
			assert.Equal(t, want, got)
			found, err := s.Get(ctx, []personal.KeyID{a.ID, b.ID, {1}})
			require.NoError(t, err)
			assert.ElementsMatch(t, []personal.Record{want, b}, found)
		}
	}
}

func getsNone(t *testing.T, open func() personal.Store) {
	s := open()
	for range 2 {
		require.NoError(t, s.Destroy(ctx, subject(1)))
		require.NoError(t, s.Destroy(ctx, subject(2)))
		got, err := s.Create(ctx, subject(1), made(subject(1)))
		require.NoError(t, err)
		assert.Equal(t, personal.Record{Subject: subject(1), Destroyed: true}, got)
	}
}

func areTwo(t *testing.T, open func() personal.Store) {
	s := open()
	a, b := made(personal.Subject{Type: "A", ID: "1"}), made(personal.Subject{Type: "B", ID: "1"})
	for _, r := range []personal.Record{a, b} {
		_, err := s.Create(ctx, r.Subject, r)
		require.NoError(t, err)
	}
	require.NoError(t, s.Destroy(ctx, a.Subject))
	got, err := s.Find(ctx, b.Subject)
	require.NoError(t, err)
	assert.Equal(t, b, got)
}

func manyAtOnce(t *testing.T, open func() personal.Store) {
	s := open()
	var want []personal.Record
	var ids []personal.KeyID
	for n := range 300 {
		r := made(subject(n))
		if n < 50 {
			_, err := s.Create(ctx, r.Subject, r)
			require.NoError(t, err)
			want = append(want, r)
		}
		ids = append(ids, r.ID)
	}
	found, err := s.Get(ctx, ids)
	require.NoError(t, err)
	assert.ElementsMatch(t, want, found)
}
