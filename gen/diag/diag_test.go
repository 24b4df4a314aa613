package diag_test

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// There are no golden files here: the flag is for `go test ./gen/... -update`.
var _ = flag.Bool("update", false, "has no effect in this package")

func at(line, col, length int) diag.Span {
	return diag.Span{Pos: diag.Pos{Line: line, Col: col}, Len: length}
}

func written(t *testing.T, src string, found ...diag.Diagnostic) string {
	t.Helper()
	var l diag.List
	for _, d := range found {
		l.Add(d)
	}
	var b strings.Builder
	require.NoError(t, l.Write(&b, "m.yaml", []byte(src)))
	return b.String()
}

func TestAFindingIsShownWithItsLineACaretAndTheHint(t *testing.T) {
	got := written(t, "types:\n  money: Curency\n", diag.Diagnostic{
		Code: diag.UnknownType, At: at(2, 10, 7), Message: `unknown type "Curency"`, Hint: `did you mean "Currency"?`,
		Related: []diag.Related{{At: at(1, 1, 5), Message: "types are declared here"}},
	})
	assert.Equal(t, `m.yaml:2:10: CQ1203 unknown type "Curency"
     2 |   money: Curency
       |          ^^^^^^^ did you mean "Currency"?
  m.yaml:1:1: types are declared here
     1 | types:
       | ^^^^^
`, got)
}

func TestExcerptsKeepTheCaretUnderTheCulprit(t *testing.T) {
	long := strings.Repeat("a", 200)
	for name, c := range map[string]struct {
		src  string
		at   diag.Span
		line string
		mark string
	}{
		"tabulators count as one":        {"\ta:\tb", at(1, 5, 1), " a: b", "    ^"},
		"carriage returns are left out":  {"a: b\r\nc: d\r\n", at(2, 4, 1), "c: d", "   ^"},
		"letters of several bytes":       {"größe: straße", at(1, 8, 6), "größe: straße", "       ^^^^^^"},
		"a byte order mark is no column": {"\uFEFFa: b", at(1, 4, 1), "a: b", "   ^"},
		"a span behind the end":          {"a:", at(1, 3, 5), "a:", "  ^"},
		"a column behind the end":        {"a:", at(1, 30, 5), "a:", "  ^"},
		"a span that is too long":        {"a: b", at(1, 4, 100), "a: b", "   ^"},
		"a span of no length":            {"a: b", at(1, 4, 0), "a: b", "   ^"},
		"bytes that are not UTF-8":       {"a: \xff\xfeb", at(1, 5, 1), "a: \uFFFDb", "    ^"},
		"characters that hide":           {"a\u202e: b", at(1, 5, 1), "a : b", "    ^"},
		"the start of a long line":       {long + "b", at(1, 1, 2), strings.Repeat("a", 159) + "…", "^^"},
		"the end of a long line": {
			long + "b", at(1, 201, 1), "…" + strings.Repeat("a", 79) + "b", strings.Repeat(" ", 80) + "^",
		},
		"the middle of a long line": {
			long + "b" + long, at(1, 201, 300), "…" + strings.Repeat("a", 79) + "b" + strings.Repeat("a", 78) + "…",
			strings.Repeat(" ", 80) + strings.Repeat("^", 80),
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(written(t, c.src, diag.Diagnostic{Code: "CQ1", At: c.at, Message: "m"}), "\n")
			require.Len(t, lines, 4)
			_, line, _ := strings.Cut(lines[1], " | ")
			_, mark, _ := strings.Cut(lines[2], " | ")
			assert.Equal(t, c.line, line)
			assert.Equal(t, c.mark, mark)
		})
	}
}

func TestAPlaceOutsideOfTheFileIsShownWithoutAnExcerpt(t *testing.T) {
	got := written(t, "a: b", diag.Diagnostic{Code: "CQ1", At: at(7, 1, 1), Message: "m", Hint: "h"})
	assert.Equal(t, "m.yaml:7:1: CQ1 m\n       = h\n", got)
}

func TestAnyExcerptHasItsCaretsWithinTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })
		src := rapid.OneOf(rapid.String(), rapid.StringN(300, 400, -1), bytes).Draw(t, "src")
		n := rapid.IntRange(-2, 500)
		span := at(n.Draw(t, "line"), n.Draw(t, "col"), n.Draw(t, "len"))
		var l diag.List
		l.Errorf("CQ1", span, "m")
		var b strings.Builder
		if err := l.Write(&b, "m.yaml", []byte(src)); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		if len(lines) != 4 {
			return // there is no such line
		}
		if excerpt, marks := utf8.RuneCountInString(lines[1]), utf8.RuneCountInString(lines[2]); marks > excerpt+1 {
			t.Fatalf("the carets end at %d, the line at %d:\n%s", marks, excerpt, b.String())
		}
		if !strings.Contains(lines[2], "^") || !utf8.ValidString(b.String()) {
			t.Fatalf("%q", b.String())
		}
	})
}

func TestFindingsAreSortedByPlaceAndEachIsShownOnce(t *testing.T) {
	var l diag.List
	l.Errorf("CQ2", at(2, 1, 1), "second")
	l.Errorf("CQ1", at(1, 5, 1), "first")
	l.Errorf("CQ2", at(2, 1, 1), "second")
	l.Errorf("CQ1", at(2, 1, 1), "of another code")
	var messages []string
	for _, d := range l.Sorted() {
		messages = append(messages, d.Message)
	}
	assert.Equal(t, []string{"first", "of another code", "second"}, messages)
}

func TestAWarningIsMarkedAndDoesNotFail(t *testing.T) {
	var l diag.List
	l.Add(diag.Diagnostic{Code: "CQ1", At: at(1, 1, 1), Message: "m", Warning: true})
	assert.False(t, l.Failed())
	var b strings.Builder
	require.NoError(t, l.Write(&b, "m.yaml", []byte("a")))
	assert.Contains(t, b.String(), "m.yaml:1:1: CQ1 warning: m\n")
	l.Errorf("CQ2", at(1, 1, 1), "m")
	assert.True(t, l.Failed())
}

func TestTheNearestWordIsTheOneThatWasMeant(t *testing.T) {
	for _, c := range []struct {
		word, want string
		candidates []string
	}{
		{"Curency", "Currency", []string{"Country", "Currency", "Money"}},
		{"Currnecy", "Currency", []string{"Currency"}},
		{"currency", "Currency", []string{"Currency"}},
		{"id", "ids", []string{"ids", "emits"}},
		{"emmits", "emits", []string{"emits", "rejects"}},
		{"typ", "type", []string{"doc", "type"}},
		{"entirely", "", []string{"other", "words"}},
		{"", "", []string{"word"}},
		{"word", "", nil},
		{strings.Repeat("x", 65), "", []string{strings.Repeat("x", 65)}},
		{"abcdefghi", "abcdefgh", []string{"xyabcdefghi", "abcdefgh"}},
		{"same", "sama", []string{"sama", "samb"}},
	} {
		assert.Equal(t, c.want, diag.Nearest(c.word, c.candidates), c.word)
	}
}

func TestAWordWithOneMistakeFindsItsWayBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := []rune(rapid.StringMatching(`[a-z]{6,20}`).Draw(t, "word"))
		i := rapid.IntRange(0, len(word)-2).Draw(t, "place")
		wrong := slices.Clone(word)
		switch rapid.IntRange(0, 3).Draw(t, "mistake") {
		case 0:
			wrong = slices.Delete(wrong, i, i+1)
		case 1:
			wrong = slices.Insert(wrong, i, 'x')
		case 2:
			wrong[i] = 'x'
		default:
			wrong[i], wrong[i+1] = wrong[i+1], wrong[i]
		}
		if got := diag.Nearest(string(wrong), []string{"UNRELATED9", string(word), "0123456789"}); got != string(word) {
			t.Fatalf("%s: %q", string(wrong), got)
		}
	})
}

func TestFewCandidatesAreListedWhereNoneIsNear(t *testing.T) {
	assert.Equal(t, `did you mean "every"?`, diag.DidYouMean("evry", []string{"every"}))
	assert.Equal(t, "one of: actor, time", diag.DidYouMean("position", []string{"actor", "time"}))
	assert.Empty(t, diag.DidYouMean("position", nil))
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("candidate%d", i))
	}
	assert.Empty(t, diag.DidYouMean("position", many))
}

func TestHiddenCharactersAreThoseThatNobodySees(t *testing.T) {
	for _, r := range "\x00\t\r\x1b\x7f\u0085\u00ad\u061c\u200b\u200d\u200e\u2028\u202e\u2060\u2066\u3164\ufeff\U000e0001" {
		assert.True(t, diag.Hidden(r), "%U", r)
	}
	for _, r := range " aß漢é—…😀\u00a0" {
		assert.False(t, diag.Hidden(r), "%U", r)
	}
}

func TestCodesAreUniqueSortedAndExplained(t *testing.T) {
	form := regexp.MustCompile(`^CQ(1\d|2[01])\d\d$`)
	titles, last := map[string]bool{}, ""
	for _, c := range diag.Codes() {
		assert.Regexp(t, form, c.ID)
		assert.Less(t, last, c.ID)
		assert.NotEmpty(t, c.Title)
		assert.False(t, titles[c.Title], c.Title)
		assert.Regexp(t, `\.$`, c.Explanation, c.ID)
		titles[c.Title], last = true, c.ID
	}
	assert.Equal(t, "CQ1203", diag.UnknownType)
}
