package jsoncodec_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// FuzzDecode decodes arbitrary bytes. It must not panic; what it accepts, encoding/json accepts with the same result,
// and survives being written and read once more.
func FuzzDecode(f *testing.F) {
	for _, e := range []any{everything(), &deposit, &Reply{Replies: []Reply{{}}}} {
		for _, data := range spellings(f, e) {
			f.Add(data)
		}
		ours, err := e.(codec).AppendJSON(nil)
		require.NoError(f, err)
		f.Add(ours)
	}
	f.Add([]byte(`{"money":{"amount":1,"currency":"EUR"},"x":[{"\ud83d\ude00":1e999}],"reference":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecode[Everything](t, data)
		checkDecode[MoneyDeposited](t, data)
		checkDecode[Reply](t, data)
	})
}

func checkDecode[T any, P interface {
	*T
	codec
}](t *testing.T, data []byte) {
	var copied, viewed, again, theirs T
	err := P(&copied).DecodeJSON(data, jsoncodec.CopyStrings)
	viewErr := P(&viewed).DecodeJSON(data, jsoncodec.ViewStrings)
	require.Equal(t, err, viewErr)
	if err != nil {
		var fault *cqrs.DecodingError
		require.ErrorAs(t, err, &fault)
		require.True(t, fault.Offset >= 0 && fault.Offset <= len(data))
		require.True(t, utf8.ValidString(err.Error()))
		return
	}
	require.Equal(t, copied, viewed)
	require.True(t, json.Valid(data), "we accept what is not JSON")

	written, err := P(&copied).AppendJSON(nil)
	require.NoError(t, err)
	require.NoError(t, P(&again).DecodeJSON(written, jsoncodec.CopyStrings))
	require.Equal(t, copied, again)

	if ambiguous(data, reflect.TypeFor[T]()) {
		return
	}
	require.NoError(t, json.Unmarshal(data, &theirs), "encoding/json refuses what we accept")
	normalize(reflect.ValueOf(&theirs))
	require.Equal(t, copied, theirs)
}

// ambiguous reports whether data has names that encoding/json, which ignores case and merges repeated fields, takes
// for others than we do.
func ambiguous(data []byte, types ...reflect.Type) bool {
	known := map[string]bool{}
	for _, typ := range append(types, reflect.TypeFor[Money](), reflect.TypeFor[Line]()) {
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			known[name] = true
		}
	}
	return repeats(json.NewDecoder(strings.NewReader(string(data))), known)
}

// repeats goes through one value.
func repeats(d *json.Decoder, known map[string]bool) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	found := false
	var names []string
	switch token {
	case json.Delim('['):
		for d.More() {
			found = repeats(d, known) || found
		}
	case json.Delim('{'):
		for d.More() {
			token, _ := d.Token()
			name := token.(string)
			for _, other := range names {
				found = found || strings.EqualFold(name, other)
			}
			for other := range known {
				found = found || name != other && strings.EqualFold(name, other)
			}
			names = append(names, name)
			found = repeats(d, known) || found
		}
	default:
		return false
	}
	_, _ = d.Token() // the closing bracket
	return found
}

// FuzzString writes an arbitrary string and reads an arbitrary text of one.
func FuzzString(f *testing.F) {
	for _, s := range []string{
		"", "plain", `"quoted"`, `\u00e9\ud83d\ude00`, "\x00", "\xff", "naïve 😀\u2028", "<&>", `\ud800`,
	} {
		f.Add(s)
		f.Add(strings.Repeat("x", 7) + s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		written, err := write(func(w *writer) { w.String(s) })
		if faithful := utf8.ValidString(s) && !strings.Contains(s, "\x00"); !faithful {
			require.Error(t, err)
		} else {
			require.NoError(t, err)
			checkString(t, written, s)
			theirs, err := json.Marshal(s)
			require.NoError(t, err)
			checkString(t, string(theirs), s)
		}

		text := `"` + s + `"`
		var want string
		theirErr := json.Unmarshal([]byte(text), &want)
		got, err := read(t, text, (*reader).String)
		if err == nil {
			require.NoError(t, theirErr)
			require.Equal(t, want, got)
		} else if theirErr == nil {
			// What only we refuse is a NUL, and what encoding/json replaced.
			require.True(t, strings.ContainsAny(want, "\x00\ufffd"), err)
		}
	})
}

func checkString(t *testing.T, text, want string) {
	got, err := read(t, text, (*reader).String)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.Equal(t, want, got)
}
