package jsoncodec_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// raw is a type that writes whatever it holds, as text and as JSON. An empty one refuses.
type raw struct{ s string }

func (r raw) MarshalJSON() ([]byte, error) {
	if r.s == "" {
		return nil, errors.New("empty")
	}
	return []byte(r.s), nil
}

func (r *raw) UnmarshalJSON(b []byte) error { r.s = string(b); return nil }

func (r raw) MarshalText() ([]byte, error) { return r.MarshalJSON() }

func (r *raw) UnmarshalText(b []byte) error { return r.UnmarshalJSON(b) }

func TestWhatOtherPackagesWriteIsChecked(t *testing.T) {
	for json, want := range map[string]string{
		` { "a" : [ 1 , "b" ] } `: `{"a":[1,"b"]}`, `null`: `null`,
		`{"a":`: "", `1 2`: "", `"\u0000"`: "", `"\ud800"`: "", "\"\xff\"": "", ``: "",
	} {
		w := jsoncodec.NewWriter([]byte("before "))
		jsoncodec.WriteJSON(&w, raw{json})
		got, err := w.Finish("T")
		if want == "" {
			assert.Error(t, err, "%q", json)
			assert.Equal(t, "before ", string(got))
			continue
		}
		require.NoError(t, err, "%q", json)
		assert.Equal(t, "before "+want, string(got))
	}
	for text, ok := range map[string]bool{`a"\`: true, "\xff": false, "a\x00": false} {
		w := jsoncodec.NewWriter(nil)
		jsoncodec.WriteText(&w, raw{text})
		data, err := w.Finish("T")
		assert.Equal(t, ok, err == nil, "%q", text)
		if ok {
			r := jsoncodec.NewReader(data, jsoncodec.ViewStrings)
			assert.Equal(t, raw{text}, jsoncodec.ReadText[raw](&r))
			assert.NoError(t, r.Finish("T"))
		}
	}
}

func TestAZeroValueThatDoesNotMarshalIsNullWhereZerosAreAllowed(t *testing.T) {
	w := jsoncodec.NewWriter(nil)
	w.AllowZero()
	jsoncodec.WriteText(&w, raw{})
	data, err := w.Finish("T")
	require.NoError(t, err)
	assert.Equal(t, "null", string(data))
	r := jsoncodec.NewReader(data, jsoncodec.CopyStrings)
	r.AllowZero()
	assert.Equal(t, raw{}, jsoncodec.ReadText[raw](&r))
	assert.NoError(t, r.Finish("T"))
}
