package claim

import (
	"context"
	"crypto/hmac"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

func TestNothingIsClaimedWithoutAValue(t *testing.T) {
	for name, c := range map[string]struct {
		add  func(v *Value)
		want bool
	}{
		"nothing":               {func(*Value) {}, false},
		"empty text":            {func(v *Value) { v.Text("") }, false},
		"text":                  {func(v *Value) { v.Text("a") }, true},
		"no bytes":              {func(v *Value) { v.Bytes(nil) }, false},
		"bytes":                 {func(v *Value) { v.Bytes([]byte{0}) }, true},
		"nil UUID":              {func(v *Value) { v.UUID(uuid.Nil) }, false},
		"UUID":                  {func(v *Value) { v.UUID(uuid.UUID{1}) }, true},
		"zero time":             {func(v *Value) { v.Time(time.Time{}) }, false},
		"the time 0 of Unix":    {func(v *Value) { v.Time(time.Unix(0, 0).UTC()) }, true},
		"zero date":             {func(v *Value) { v.Date(cqrs.Date{}) }, false},
		"zero":                  {func(v *Value) { v.Int(0) }, false},
		"number":                {func(v *Value) { v.Int(-1) }, true},
		"unsigned zero":         {func(v *Value) { v.Uint(0) }, false},
		"false":                 {func(v *Value) { v.Bool(false) }, false},
		"true":                  {func(v *Value) { v.Bool(true) }, true},
		"absent":                {func(v *Value) { v.Absent() }, false},
		"absent beside text":    {func(v *Value) { v.Text("a"); v.Absent() }, false},
		"empty beside text":     {func(v *Value) { v.Text("a"); v.Text("") }, false},
		"zero beside text":      {func(v *Value) { v.Text("a"); v.Int(0) }, true},
		"two zeros":             {func(v *Value) { v.Int(0); v.Bool(false) }, false},
		"zero beside one":       {func(v *Value) { v.Int(1); v.Uint(0) }, true},
		"zero time beside text": {func(v *Value) { v.Time(time.Time{}); v.Text("a") }, false},
	} {
		var v Value
		c.add(&v)
		assert.Equal(t, c.want, v.Claimed(), name)
	}
}

func TestValuesAreEqualOnlyIfAllTheirFieldsAre(t *testing.T) {
	field := rapid.SampledFrom([]any{"", "a", "ab", "b", "\x00", int64(1), int64(256), uint64(1), true, []byte("a")})
	fields := rapid.SliceOfN(field, 1, 3)
	of := func(list []any) *Value {
		v := &Value{}
		for _, f := range list {
			switch f := f.(type) {
			case string:
				v.Text("x" + f) // never empty
			case int64:
				v.Int(f)
			case uint64:
				v.Uint(f)
			case bool:
				v.Bool(f)
			case []byte:
				v.Bytes(append([]byte("y"), f...))
			}
		}
		return v
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := fields.Draw(t, "a"), fields.Draw(t, "b")
		if got, want := of(a).Equal(of(b)), assert.ObjectsAreEqual(a, b); got != want {
			t.Fatalf("%v and %v: %v", a, b, got)
		}
	})
}

func clock() time.Time { return time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC) }

func TestOfManyThatMakeTheKeyOneDoes(t *testing.T) {
	ctx, log := context.Background(), memory.New()
	keys := make([][]byte, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			k := key{log: log, now: clock}
			var err error
			keys[i], err = k.get(ctx)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	for _, k := range keys {
		assert.Len(t, k, 32)
		assert.True(t, hmac.Equal(keys[0], k))
	}
	head, err := log.Head(ctx)
	require.NoError(t, err)
	assert.Equal(t, cqrs.Position(1), head)
}

func TestAKeyThatIsNoneIsCorrupt(t *testing.T) {
	for name, data := range map[string]string{"not JSON": "{", "nothing": "{}", "too short": `{"key":"YWJj"}`} {
		log := memory.New()
		_, err := log.Append(context.Background(), eventlog.Commit{
			ID: cqrs.CommitID{1}, Meta: cqrs.CommandMeta{Time: clock()},
			Streams: []eventlog.StreamAppend{{Stream: keyStream, Expected: eventlog.New, Events: []eventlog.NewEvent{
				event(keyMade, []byte(data)),
			}}},
		})
		require.NoError(t, err)
		k := key{log: log, now: clock}
		_, err = k.get(context.Background())
		require.ErrorIs(t, err, eventlog.ErrCorrupt, name)
	}
}
