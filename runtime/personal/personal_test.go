package personal

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

var ctx = context.Background()

func TestNothingShowsWhatAValueHolds(t *testing.T) {
	type row struct {
		Name   Value[string]
		hidden Value[string]
		list   []Value[int64]
	}
	v := row{Of("Ada Lovelace"), Of("Ada Lovelace"), []Value[int64]{Of[int64](8134711471147114711)}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v.Name, "row", v, "any", &v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v.Name, "row", v)
	text, err := json.Marshal(v)
	require.NoError(t, err)
	shown := log.String() + string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		shown += fmt.Sprintf(verb, v) + fmt.Sprintf(verb, v.Name) + fmt.Sprintf(verb, &v)
	}
	// In hexadecimal, and longer than the addresses that are shown.
	for _, secret := range []string{"Ada", "Lovelace", "8134711471147114711", "4c6f76656c616365", "70e44cfbc404e0d7"} {
		assert.NotContains(t, shown, secret)
	}
	assert.Contains(t, shown, hidden)
	require.Error(t, gob.NewEncoder(&log).Encode(v.Name))
}

func TestCommandsAreMadeFromJSONAndNeverFromWhatWasHidden(t *testing.T) {
	var v struct {
		Name Value[string]         `json:"name"`
		Born Value[cqrs.Date]      `json:"born"`
		List Value[[]int64]        `json:"list"`
		Rest Value[map[string]int] `json:"rest"`
	}
	require.NoError(t, json.Unmarshal([]byte(`{"name":"Ada","born":"1815-12-10","list":[1,2]}`), &v))
	assert.Equal(t, Of("Ada"), v.Name)
	assert.Equal(t, Of([]int64{1, 2}), v.List)
	assert.True(t, v.Rest.IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"name":"[personal]"}`), &v))
	err := json.Unmarshal([]byte(`{"born":"secret text"}`), &v)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}

// shaky is a store that can be away, and that can fail behind what it did.
type shaky struct {
	Store
	away, failsAfter bool
	asked            int
}

var errAway = fmt.Errorf("%w: nobody answers", ErrUnavailable)

func (s *shaky) Find(ctx context.Context, of Subject) (Record, error) {
	if s.asked++; s.away {
		return Record{}, errAway
	}
	return s.Store.Find(ctx, of)
}

func (s *shaky) Get(ctx context.Context, ids []KeyID) ([]Record, error) {
	if s.asked++; s.away {
		return nil, errAway
	}
	return s.Store.Get(ctx, ids)
}

func (s *shaky) Destroy(ctx context.Context, of Subject) error {
	if s.away {
		return errAway
	}
	if err := s.Store.Destroy(ctx, of); err != nil || !s.failsAfter {
		return err
	}
	return errAway
}

func newKeys(t testing.TB) (*Keys, *shaky) {
	master, err := NewMasterKey(bytes.Repeat([]byte{7}, keySize))
	require.NoError(t, err)
	store := &shaky{Store: NewMemory()}
	return NewKeys(store, master), store
}

// process returns the keys of another process on the same store.
func (k *Keys) process() *Keys { return NewKeys(k.store, k.wrapper) }

var (
	stream = cqrs.StreamID{Category: "Guest", ID: "g-1"}
	guest  = Subject{"GuestID", "g-1"}
)

func writeString(w *jsoncodec.Writer, x *string) { w.String(*x) }

func readString(r *jsoncodec.Reader, x *string) { *x = r.String() }

// encode encodes an object with one personal field.
func encode(c *Coder, field string, v Value[string]) (string, error) {
	w := jsoncodec.NewWriter(nil)
	w.With(c)
	w.Raw(`{"` + field + `":`)
	Write(&w, field, Subject{}, &v, writeString)
	w.Raw(`}`)
	b, err := w.Finish("Came")
	return string(b), err
}

func decode(c *Coder, text string) (Value[string], error) {
	var v Value[string]
	r := jsoncodec.NewReader([]byte(text), jsoncodec.CopyStrings)
	r.With(c)
	for r.Object(); r.Field(); {
		Read(&r, &v, readString, func() string { return "somebody" })
	}
	return v, r.Finish("Came")
}

func inStream(k *Keys) *Coder { return OfStream(k, stream).Event("Came", "GuestID") }

func TestAValueIsReadWhereItWasWritten(t *testing.T) {
	k, _ := newKeys(t)
	for _, secret := range []string{"", "Ada", strings.Repeat("ä\"\\", 1000)} {
		text, err := encode(inStream(k), "name", Of(secret))
		require.NoError(t, err)
		if secret != "" {
			assert.NotContains(t, text, secret)
		}
		for _, k := range []*Keys{k, k.process()} {
			v, err := decode(inStream(k), text)
			require.NoError(t, err)
			got, ok := v.Reveal()
			assert.True(t, ok)
			assert.Equal(t, secret, got)
		}
		again, err := encode(inStream(k), "name", Of(secret))
		require.NoError(t, err)
		assert.NotEqual(t, text, again, "nonces in events are random")
	}
	spaced := strings.NewReplacer(`{`, "{ ", `:`, " : ", `}`, " }")
	text, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(t, err)
	_, err = decode(inStream(k), spaced.Replace(text))
	require.NoError(t, err, "a store may write JSON in its own way")
}

func TestACiphertextIsReadNowhereElse(t *testing.T) {
	k, _ := newKeys(t)
	text, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(t, err)
	other := cqrs.StreamID{Category: "Guest", ID: "g-2"}
	for name, c := range map[string]*Coder{
		"another stream":   OfStream(k, other).Event("Came", "GuestID"),
		"another category": OfStream(k, cqrs.StreamID{Category: "Guests", ID: "g-1"}).Event("Came", "GuestID"),
		"another event":    OfStream(k, stream).Event("Left", "GuestID"),
		"a state":          OfStream(k, stream).State("GuestID"),
		"a row":            OfRows(k, "Came"),
	} {
		_, err := decode(c, text)
		require.ErrorAs(t, err, new(*TamperedError), name)
	}
	_, err = decode(inStream(k), strings.Replace(text, "name", "mail", 1))
	require.ErrorAs(t, err, new(*TamperedError), "another field")

	sealed := text[strings.Index(text, `:"`)+2 : strings.LastIndex(text, `"`)]
	raw, err := base64.StdEncoding.DecodeString(sealed)
	require.NoError(t, err)
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		_, err := decode(inStream(k), strings.Replace(text, sealed, base64.StdEncoding.EncodeToString(changed), 1))
		require.Error(t, err, "byte %d", i)
		require.True(t, errors.As(err, new(*TamperedError)) || errors.As(err, new(*UnknownKeyError)), "byte %d: %v", i, err)
		_, err = decode(inStream(k), strings.Replace(text, sealed, base64.StdEncoding.EncodeToString(raw[:i]), 1))
		require.Error(t, err, "the first %d bytes", i)
	}
}

func TestNothingIsWrittenInClearTextByMistake(t *testing.T) {
	w, v := jsoncodec.NewWriter(nil), Of("Ada")
	Write(&w, "name", Subject{}, &v, writeString)
	b, err := w.Finish("Came")
	require.ErrorAs(t, err, new(*cqrs.EncodingError))
	assert.NotContains(t, string(b)+err.Error(), "Ada")
	text, err := encode(Hidden(), "name", v)
	require.NoError(t, err)
	assert.Equal(t, `{"name":"[personal]"}`, text)
	text, err = encode(InClear(), "name", v)
	require.NoError(t, err)
	assert.Equal(t, `{"name":"Ada"}`, text)
}

func TestWhatWasStoredInClearTextIsRead(t *testing.T) {
	k, _ := newKeys(t)
	v, err := decode(inStream(k), `{"name":"Ada"}`)
	require.NoError(t, err)
	got, ok := v.Reveal()
	assert.Equal(t, "Ada", got)
	assert.True(t, ok)
	text, ok, err := Seal(OfRows(k, "Guests"), "name", &v, writeString)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.NotContains(t, text, "Ada", "a row has it encrypted all the same")
}

func TestAStoreThatIsAwayIsNoErasure(t *testing.T) {
	k, store := newKeys(t)
	text, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(t, err)
	store.away = true
	for range 2 {
		_, err = decode(inStream(k.process()), text)
		require.ErrorIs(t, err, ErrUnavailable)
		_, err = encode(inStream(k.process()), "name", Of("Ada"))
		require.ErrorIs(t, err, ErrUnavailable)
	}
	_, err = decode(inStream(k), text)
	require.NoError(t, err, "what is in memory is used")
	k.now = func() time.Time { return time.Now().Add(2 * keyLife) }
	_, err = decode(inStream(k), text)
	require.ErrorIs(t, err, ErrUnavailable, "but not for long")
	store.away = false
	_, err = decode(inStream(k), text)
	require.NoError(t, err)
}

func TestTheWrongStoreAndTheWrongMasterKeyAreTold(t *testing.T) {
	k, store := newKeys(t)
	text, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(t, err)
	other, _ := newKeys(t)
	_, err = decode(inStream(other), text)
	require.ErrorAs(t, err, new(*UnknownKeyError))
	master, err := NewMasterKey(make([]byte, keySize))
	require.NoError(t, err)
	_, err = decode(inStream(NewKeys(store, master)), text)
	require.ErrorAs(t, err, new(*WrongMasterKeyError))
	_, err = NewMasterKey(make([]byte, 16))
	require.Error(t, err)
}

func requireForgotten(t *testing.T, k *Keys, text string) {
	t.Helper()
	v, err := decode(inStream(k), text)
	require.NoError(t, err)
	got, ok := v.Reveal()
	require.False(t, ok)
	require.Equal(t, "somebody", got)
	_, err = encode(inStream(k), "name", Of("Ada"))
	require.ErrorAs(t, err, new(*ForgottenError))
}

func TestForgetGoesOnWhereItWas(t *testing.T) {
	for name, failing := range map[string]func(*shaky, *failingLog){
		"before the event":     func(_ *shaky, l *failingLog) { l.before = true },
		"behind the event":     func(_ *shaky, l *failingLog) { l.after = 1 },
		"before the key":       func(s *shaky, _ *failingLog) { s.away = true },
		"behind the key":       func(s *shaky, _ *failingLog) { s.failsAfter = true },
		"behind the last step": func(_ *shaky, l *failingLog) { l.after = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			k, store := newKeys(t)
			text, err := encode(inStream(k), "name", Of("Ada"))
			require.NoError(t, err)
			log := &failingLog{Log: memory.New()}
			failing(store, log)
			require.Error(t, k.Forget(ctx, log, guest))
			*store, *log = shaky{Store: store.Store}, failingLog{Log: log.Log}
			for range 2 {
				require.NoError(t, k.process().Forget(ctx, log, guest))
			}
			requireForgotten(t, k.process(), text)
			count, err := log.Count(ctx, Forgotten)
			require.NoError(t, err)
			assert.EqualValues(t, 2, count)
		})
	}
}

// failingLog is a log whose appends fail before, or behind, what they do.
type failingLog struct {
	eventlog.Log
	before       bool
	after, calls int
}

func (l *failingLog) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if l.calls++; l.before {
		return eventlog.Appended{}, errAway
	}
	done, err := l.Log.Append(ctx, c)
	if err == nil && l.calls == l.after {
		err = &eventlog.UnknownOutcomeError{Commit: c.ID, Err: errAway}
	}
	return done, err
}

func TestAProcessLearnsThatSomebodyWasForgotten(t *testing.T) {
	k, _ := newKeys(t)
	text, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(t, err)
	told, untold, log := k.process(), k.process(), memory.New()
	for _, k := range []*Keys{told, untold} {
		_, err := decode(inStream(k), text)
		require.NoError(t, err)
	}
	moment := told.Now()
	require.True(t, told.Since(moment))
	require.NoError(t, k.Forget(ctx, log, guest))
	requireForgotten(t, k, text)
	for rec, err := range log.Read(ctx, eventlog.Query{Types: []string{Forgotten}}) {
		require.NoError(t, err)
		who, err := told.Learn(rec)
		require.NoError(t, err)
		assert.Equal(t, guest, who)
	}
	assert.False(t, told.Since(moment))
	requireForgotten(t, told, text)
	v, err := decode(inStream(untold), text)
	require.NoError(t, err)
	assert.False(t, v.IsErased(), "nobody told it")
	moment = untold.Now()
	untold.now = func() time.Time { return time.Now().Add(2 * keyLife) }
	assert.False(t, untold.Since(moment))
	requireForgotten(t, untold, text)
}

func TestStatesAndRowsOfTheSameContentHaveTheSameBytes(t *testing.T) {
	k, _ := newKeys(t)
	text, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(t, err)
	v, err := decode(inStream(k), text)
	require.NoError(t, err)
	state := OfStream(k, stream).State("GuestID")
	first, err := encode(state, "name", v)
	require.NoError(t, err)
	again, err := encode(OfStream(k.process(), stream).State("GuestID"), "name", v)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	elsewhere, err := encode(state, "nick", v)
	require.NoError(t, err)
	assert.NotEqual(t, first[len(`{"name"`):], elsewhere[len(`{"nick"`):])

	rows := OfRows(k, "Guests")
	column, ok, err := Seal(rows, "name", &v, writeString)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, k.Forget(ctx, memory.New(), guest))
	_, err = decode(OfStream(k, stream).State("GuestID"), first)
	require.ErrorIs(t, err, ErrErasedSince)
	_, err = encode(state, "name", v)
	require.ErrorIs(t, err, ErrErasedSince, "nothing decrypted before is written again")
	var got Value[string]
	require.NoError(t, Open(rows, "name", column, &got, readString, nil))
	assert.True(t, got.IsErased())
	column, ok, err = Seal(rows, "name", &v, writeString)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Empty(t, column)
}

func TestKeysAreAskedForAtOnce(t *testing.T) {
	k, store := newKeys(t)
	var records []cqrs.Record
	for n := range 50 {
		id := cqrs.StreamID{Category: "Guest", ID: fmt.Sprint("g-", n)}
		text, err := encode(OfStream(k, id).Event("Came", "GuestID"), "name", Of("Ada"))
		require.NoError(t, err)
		rec := cqrs.Record{Data: []byte(text), Type: "Came"}
		rec.Stream = id
		records = append(records, rec, rec)
	}
	other := k.process()
	store.asked = 0
	require.NoError(t, other.Prefetch(ctx, records))
	c := NewCoder(other)
	for i := range records {
		v, err := decode(c.Record(&records[i], "GuestID"), string(records[i].Data))
		require.NoError(t, err)
		require.False(t, v.IsErased())
	}
	assert.Equal(t, 1, store.asked)
}
