package cqrs_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func TestStreamIDsThatEveryEngineCanStoreAreValid(t *testing.T) {
	for _, s := range []cqrs.StreamID{
		{Category: "Account", ID: "acc-1"},
		{Category: "_", ID: "x"},
		{Category: "a_9Z", ID: " .*>/%\\'\""},
		{Category: strings.Repeat("c", cqrs.MaxCategory), ID: strings.Repeat("i", cqrs.MaxID)},
		{Category: "Account", ID: "naïve 😀 \ufffd\u2028"},
		{Category: "Account", ID: strings.Repeat("é", cqrs.MaxID/2)},
	} {
		assert.NoError(t, s.Validate(), "%q", s.ID)
	}
}

func TestOtherStreamIDsAreRefusedWithAReason(t *testing.T) {
	for _, test := range []struct {
		category, id, reason string
	}{
		{"", "1", "category is empty"},
		{strings.Repeat("c", cqrs.MaxCategory+1), "1", "category is longer than 128 bytes"},
		{"9a", "1", "category has the character '9'; letters, digits and _ are allowed"},
		{"a/b", "1", "category has the character '/'; letters, digits and _ are allowed"},
		{"a-b", "1", "category has the character '-'; letters, digits and _ are allowed"},
		{"a\x00", "1", `category has the character '\x00'; letters, digits and _ are allowed`},
		{"Konto", "", "id is empty"},
		{"Konto", strings.Repeat("i", cqrs.MaxID+1), "id is longer than 512 bytes"},
		{"Konto", "a\xff", "id is not valid UTF-8"},
		{"Konto", "\xed\xa0\x80", "id is not valid UTF-8"},
		{"Konto", "a\x00", "id has the control character U+0000"},
		{"Konto", "a\n", "id has the control character U+000A"},
		{"Konto", "\x7f", "id has the control character U+007F"},
		{"Konto", "\u0085", "id has the control character U+0085"},
	} {
		s := cqrs.StreamID{Category: test.category, ID: test.id}
		err := s.Validate()
		var invalid *cqrs.InvalidStreamError
		require.ErrorAs(t, err, &invalid, test.reason)
		assert.Equal(t, &cqrs.InvalidStreamError{Stream: s, Reason: test.reason}, invalid)
		assert.Less(t, len(err.Error()), 500, "messages are bounded")
		assert.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl))
	}
}

func TestStreamIDsThatDifferHaveDifferentTexts(t *testing.T) {
	part := rapid.StringMatching(`[a/_]{1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		a := cqrs.StreamID{Category: part.Draw(t, "category"), ID: part.Draw(t, "id")}
		b := cqrs.StreamID{Category: part.Draw(t, "category"), ID: part.Draw(t, "id")}
		if a.Validate() == nil && b.Validate() == nil {
			require.Equal(t, a == b, a.String() == b.String())
		}
	})
	assert.Equal(t, "Account/a/b", cqrs.StreamID{Category: "Account", ID: "a/b"}.String())
}

func FuzzStreamID(f *testing.F) {
	f.Add("Account", "acc-1")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, category, id string) {
		s := cqrs.StreamID{Category: category, ID: id}
		if err := s.Validate(); err != nil {
			require.True(t, utf8.ValidString(err.Error()))
			return
		}
		require.False(t, strings.ContainsFunc(id, unicode.IsControl))
		c, i, ok := strings.Cut(s.String(), "/")
		require.True(t, ok)
		require.Equal(t, s, cqrs.StreamID{Category: c, ID: i})
	})
}
