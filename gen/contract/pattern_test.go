package contract

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var patternTexts = []string{
	"", "a", "A", "abc", "ABC", "a1", "a-b", "a.b", "a\nb", "a\rb", "a\u2028b", "\v", "\u00a0", " ", "é", "É", "K", "k", "K", "ſ", "s", "日本", "😀", "x]y", "[x]",
	"{", "x{", "x{2}", "^", "$", "\\", "/", "a/b", "-", "0", "0150", "٣", "_", "1.50", "\x00", "\x7f", "α", "Α", "aaa", "abab",
}

func TestPatternsMeanTheSameInWhatRE2AndECMAScriptHaveInCommon(t *testing.T) {
	for pattern, want := range map[string]string{
		// What means the same in both stays as it is.
		`^[a-z0-9-]{1,64}$`: `^[a-z0-9-]{1,64}$`, `^[^@ ]+@[^@ ]+$`: `^[^@ ]+@[^@ ]+$`, `x`: `x`, `^(?:a|b)*?c\d{2,}$`: `^(?:a|b)*?c\d{2,}$`,
		`\bword\b`: `\bword\b`, `^\p{Lu}`: `^\p{Lu}`, `a/b`: `a/b`, `^\w+$`: `^\w+$`, `(a)(b)`: `(a)(b)`, `[-a]`: `[-a]`,
		// What does not is written anew.
		`.`: `[^\n]`, `(?s).`: `[\s\S]`, `\s`: `[\x09-\x0a\x0c-\x0d ]`, `[\w-.]`: `[\x2d-\.0-9A-Z_a-z]`, `[]x]`: `[\]x]`, `\Aab\z`: `^ab$`,
		`[[:alpha:]]`: `[A-Za-z]`, `(?P<n>a)`: `a`, `\Qa.b\E`: `a\.b`, `x{`: `x\{`, `(?i)k`: "[Kk\u212a]", `\x{e9}`: `é`, `^*a`: ``,
		`[^\s]`: `[^\x09-\x0a\x0c-\x0d ]`, `\pL`: ``, `\p{Greek}`: ``, `[\x{0}-\x{10FFFF}]`: `[\s\S]`, `(?i)straße`: ``, `\x00`: `\x00`, `a\/b`: ``, `(?U)a+`: `a+?`,
	} {
		got, said := ecmaPattern(pattern)
		require.True(t, said, pattern)
		if want != "" {
			assert.Equal(t, want, got, pattern)
		}
		before, err := regexp.Compile(pattern)
		require.NoError(t, err)
		after, err := regexp.Compile(got)
		require.NoError(t, err, "%s: %s", pattern, got)
		for _, text := range patternTexts {
			assert.Equal(t, before.MatchString(text), after.MatchString(text), "%s, %s: %q", pattern, got, text)
		}
	}
}

func TestAnchorsAtLinesAreSaidInWords(t *testing.T) {
	for _, pattern := range []string{`(?m)^a`, `(?m)a$`} {
		_, said := ecmaPattern(pattern)
		assert.False(t, said, pattern)
	}
}

func TestTheBase64OfSomeBytesIsMatchedByTheirNumber(t *testing.T) {
	for _, bounds := range [][2]int{{0, -1}, {1, -1}, {2, -1}, {3, -1}, {0, 0}, {0, 1}, {1, 5}, {4, 4}, {5, 5}, {6, 6}, {2, 9}} {
		var high *int
		if bounds[1] >= 0 {
			high = &bounds[1]
		}
		re := regexp.MustCompile(base64Pattern(bounds[0], high))
		for n, text := range []string{"", "Yg==", "YmE=", "YmFz", "YmFzZQ==", "YmFzZTY=", "YmFzZTY0", "YmFzZTY0IQ==", "YmFzZTY0ISE=", "YmFzZTY0ISEh", "YmFzZTY0ISEhIQ=="} {
			assert.Equal(t, n >= bounds[0] && (high == nil || n <= *high), re.MatchString(text), "%v: %d", bounds, n)
		}
		assert.False(t, re.MatchString("Yh=="), "bits that are not zero")
		assert.False(t, re.MatchString("Yg"), "no padding")
	}
}
