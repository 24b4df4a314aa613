package cqrs

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// split reads strings until the text ends, as JoinID has joined them.
func split(t testing.TB, text string, n int) []string {
	r := ReadID(text)
	parts := make([]string, n)
	for i := range parts {
		parts[i] = r.String()
	}
	require.NoError(t, r.Finish("X"), "%q", text)
	return parts
}

func TestTheTextOfAnIDLeadsBackToItsParts(t *testing.T) {
	seen := map[string][]string{}
	hostile := []string{
		"", "a", "/", "~", "~0", "~1", "~~", "a/b", "/a", "a/", "~01", "~1/", "日本語", "\u00e9", "e\u0301", " ", "\x00", "\xff", "a~",
	}
	for _, a := range hostile {
		for _, b := range hostile {
			for _, c := range hostile {
				parts := []string{a, b, c}
				text := JoinID(a, b, c)
				assert.Equal(t, parts, split(t, text, 3), "%q", text)
				require.NotContains(t, seen, text, "%q", parts)
				seen[text] = parts
				seen[JoinID(a, b)] = []string{a, b}
			}
		}
	}
	assert.Equal(t, "ritz/double", JoinID("ritz", "double"), "what needs no escape is read as it is")
	assert.Equal(t, "a~1b/~0", JoinID("a/b", "~"))
}

func TestOnlyTheOneTextOfAnIDIsRead(t *testing.T) {
	two := func(r *IDReader) { _, _ = r.String(), r.String() }
	number := func(r *IDReader) { r.Int(32) }
	for _, c := range []struct {
		name, text string
		read       func(*IDReader)
	}{
		{"too few", "a", two},
		{"none", "", two},
		{"too many", "a/b/c", two},
		{"one too many, empty", "a/b/", two},
		{"a lone escape", "a/~", two},
		{"an unknown escape", "~2/b", two},
		{"no number", "x", number},
		{"nothing", "", number},
		{"a leading zero", "007", number},
		{"a plus", "+7", number},
		{"a negative zero", "-0", number},
		{"too large", "2147483648", number},
		{"a negative one without sign", "-1", func(r *IDReader) { r.Uint(64) }},
		{"a UUID in capitals", "0198C5A2-7F3E-7000-8000-1234567890AB", func(r *IDReader) { r.Text(new(uuid.UUID)) }},
		{"a day that is none", "2026-02-30", func(r *IDReader) { r.Text(new(Date)) }},
		{"refused", "a", func(r *IDReader) { r.Must(r.String() == "b") }},
	} {
		r := ReadID(c.text)
		c.read(&r)
		var wrong *DecodingError
		require.ErrorAs(t, r.Finish("RoomID"), &wrong, c.name)
		assert.Equal(t, "RoomID", wrong.Type)
		assert.Contains(t, wrong.Reason, fmt.Sprintf("%q", c.text))
	}
	r := ReadID(strings.Repeat("/", 1000))
	two(&r)
	assert.Less(t, len(r.Finish("RoomID").Error()), 200)
}

func TestPartsOfAllKindsLeadBack(t *testing.T) {
	id, day := uuid.MustParse("0198c5a2-7f3e-7000-8000-1234567890ab"), Date{2026, time.March, 1}
	r := ReadID(JoinID("-9223372036854775808", "18446744073709551615", id.String(), day.String(), "-5"))
	assert.Equal(t, int64(math.MinInt64), r.Int(64))
	assert.Equal(t, uint64(math.MaxUint64), r.Uint(64))
	var gotID uuid.UUID
	var gotDay Date
	r.Text(&gotID)
	r.Text(&gotDay)
	assert.Equal(t, int64(-5), r.Int(0))
	require.NoError(t, r.Finish("X"))
	assert.Equal(t, id, gotID)
	assert.Equal(t, day, gotDay)
}

// FuzzTheTextOfAnIDLeadsBack joins any parts, and reads any text.
func FuzzTheTextOfAnIDLeadsBack(f *testing.F) {
	f.Add("a", "b", "a/b")
	f.Add("~/", "", "~2/~")
	f.Fuzz(func(t *testing.T, a, b, text string) {
		require.Equal(t, []string{a, b}, split(t, JoinID(a, b), 2))
		require.Equal(t, []string{a, b, text}, split(t, JoinID(a, b, text), 3))
		r := ReadID(text)
		x, y := r.String(), r.String()
		if r.Finish("X") == nil {
			require.Equal(t, text, JoinID(x, y), "each id has one text")
		}
	})
}
