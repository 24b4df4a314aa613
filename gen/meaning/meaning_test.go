package meaning

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (s *shop) unknown(t *testing.T, from, to string) *UnknownError {
	t.Helper()
	text := s.files["shop/totals.go"]
	require.Contains(t, text, from)
	e := of("", from, to)
	var found *UnknownError
	s.during(t, e, func() {
		d, err := Of(Package{Dir: filepath.Join(s.dir, "shop"), Name: "shop"}, []Root{paid})
		require.NoError(t, err)
		assert.Empty(t, d.Of[paid])
		found = d.Unknown[paid]
	})
	require.NotNil(t, found)
	assert.Contains(t, found.Error(), "the meaning of Totals.Paid is not known")
	return found
}

func TestAFunctionThatIsYetToBeWrittenHasNoMeaning(t *testing.T) {
	s := newShop(t)
	stub := "	return &cqrs.NotImplementedError{Method: \"Totals.Paid\"}\n}\n\nfunc (t Totals) Before(row *TotalsRow, e *Paid) error {\n	// it adds\n"
	require.ErrorIs(t, s.unknown(t, "	// it adds\n", stub), ErrNotImplemented)
	require.ErrorIs(t, s.unknown(t, "func (t Totals) Paid(", "func (t Totals) PaidOnce("), ErrNotImplemented)
}

func TestAFunctionThatReachesWhatDoesNotCompileHasNoMeaning(t *testing.T) {
	s := newShop(t)
	for what, c := range map[string]struct{ from, to, said string }{
		"an unknown name":           {"sum -= extra", "sum -= missing", "undefined: missing"},
		"in a helper":               {"return n<<1 | 1", "return missing", "undefined: missing"},
		"a type that is not known":  {"	limit int64", "	limit missing", "undefined: missing"},
		"an import that is not":     {`"example.org/round"`, `"example.org/missing/round"`, "Up is not known"},
		"a function without a body": {"func total(p pricer, n int64) int64 { return p.price(n) }", "func total(p pricer, n int64) int64", "total has no body in Go"},
		"text that is not Go":       {"sum -= extra", "sum -= = extra", "not Go to its end"},
	} {
		t.Run(what, func(t *testing.T) {
			err := s.unknown(t, c.from, c.to)
			require.NotErrorIs(t, err, ErrNotImplemented)
			assert.Contains(t, err.Error(), c.said)
			assert.True(t, err.At.IsValid())
		})
	}
}

func TestWhatIsReadIsListed(t *testing.T) {
	s := newShop(t)
	d, err := Of(Package{Dir: filepath.Join(s.dir, "shop"), Name: "shop"}, []Root{paid})
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(s.dir, "rates")}, d.Folders)
	assert.Contains(t, d.Files, filepath.Join(s.dir, "go.mod"))
	assert.Contains(t, d.Files, filepath.Join(s.dir, "go.work"), "that it comes may change everything")
	assert.Contains(t, d.Sums, filepath.Join(s.dir, "rates", "rates.go"))
	assert.Equal(t, []string{"Currency", "Money", "Money.Known", "Paid", "TotalsRow"}, d.Generated[paid])
	require.NotEmpty(t, d.Modules[paid])
	assert.Equal(t, "example.org/round", d.Modules[paid][0].Path)
	assert.NotEmpty(t, d.Modules[paid][0].Version)
	assert.NotEqual(t, d.Own[paid], d.Given[paid])
}

func TestTheContentOfEmbeddedFilesIsPartOfTheMeaning(t *testing.T) {
	s := newShop(t)
	e := of("", "var start int64", "//go:embed *.txt\nvar start string", `"strings"`, "\"strings\"\n	_ \"embed\"",
		"table[line] + start", "table[line] + int64(len(start))", "func init() { start = 7 }", "").and("shop/a.txt", "", "a")
	first := s.edited(t, e)
	assert.NotEqual(t, first, s.edited(t, e.and("shop/a.txt", "", "b")))
	assert.Equal(t, first, s.edited(t, e))
}

func TestWhatIsOnlyReachedThroughOthersIsPartOfTheMeaning(t *testing.T) {
	s := newShop(t)
	const text, printed = "row.Text = fmt.Sprint(amount(row.Sum))", "return fmt.Sprint(int64(a))"
	for what, c := range map[string]struct{ before, to, from, becomes string }{
		"what init calls":      {"func init() { start = 7 }", "func init() { setUp() }\n\nfunc setUp() { start = 7 }", "{ start = 7 }", "{ start = 9 }"},
		"the text of elements": {text, "row.Text = fmt.Sprint([]amount{amount(row.Sum)})", printed, printed + " + `.`"},
		"the text of fields":   {text, "row.Text = fmt.Sprint(struct{ A amount }{amount(row.Sum)})", printed, printed + " + `.`"},
		"the text of keys":     {text, "row.Text = fmt.Sprint(map[amount]int{1: 2})", printed, printed + " + `.`"},
	} {
		t.Run(what, func(t *testing.T) {
			assert.NotEqual(t, s.edited(t, of("", c.before, c.to)), s.edited(t, of("", c.before, c.to, c.from, c.becomes)))
		})
	}
}
