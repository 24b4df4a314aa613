package personal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is stored may be damaged in any way: it is read as what was written, as clear text of old, or refused.
func FuzzAnyTextIsReadOrRefused(f *testing.F) {
	k, _ := newKeys(f)
	sealed, err := encode(inStream(k), "name", Of("Ada"))
	require.NoError(f, err)
	ada, err := decode(inStream(k), sealed)
	require.NoError(f, err)
	row, ok, err := Seal(OfRows(k, "Guests"), "name", &ada, writeString)
	require.NoError(f, err)
	require.True(f, ok)
	for _, text := range []string{
		sealed, `{"name":"Ada"}`, `{"name":{"$erased":"somebody"}}`, `{"name":{"$sealed":""}}`, `{"name":{"$sealed":1}}`,
		`{"name":{"$sealed":"AQ=="}}`, `{"name":{"$erased":{"$sealed":"AQ=="}}}`, `{"name":null}`, `{"name":{`, row, "=Ada", `="Ada"`, "=",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := decode(inStream(k), text); err == nil {
			again, err := encode(inStream(k), "name", v)
			require.NoError(t, err)
			w, err := decode(inStream(k), again)
			require.NoError(t, err)
			assert.Equal(t, revealed(v), revealed(w))
		}
		var v Value[string]
		if Open(OfRows(k, "Guests"), "name", text, &v, readString, nil) == nil && text != row {
			_, there := v.Reveal()
			assert.False(t, there && text[0] != '=', "nobody encrypted this")
		}
		for range keysIn([]byte(text)) {
		}
	})
}

func revealed(v Value[string]) [2]any {
	s, there := v.Reveal()
	return [2]any{s, there}
}
