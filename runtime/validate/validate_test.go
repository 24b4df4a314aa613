package validate_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/validate"
)

type (
	checker = validate.Checker
	weight  float64
	code    string
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	slug = regexp.MustCompile(`^[a-z0-9-]{1,8}$`)
)

func messages(t *testing.T, f func(*checker)) []string {
	t.Helper()
	var c checker
	f(&c)
	err := c.Err("Command")
	if err == nil {
		return nil
	}
	var invalid *cqrs.ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, "Command", invalid.Command)
	require.NotEmpty(t, invalid.Fields)
	var all []string
	for _, f := range invalid.Fields {
		all = append(all, f.Path+" "+f.Message)
	}
	return all
}

func TestWhatKeepsToTheRulesIsValid(t *testing.T) {
	assert.Nil(t, messages(t, func(c *checker) {
		validate.Min(c, "f", 1, 1)
		validate.Min(c, "f", uint64(math.MaxUint64), 1)
		validate.Min(c, "f", code("b"), "a")
		validate.Max(c, "f", -5, -5)
		validate.Max(c, "f", weight(0.5), 0.5)
		validate.Max(c, "f", time.Minute, time.Hour)
		c.Length("f", "é😀", 2, 2)
		c.Length("f", strings.Repeat("x", 10_000), 0, -1)
		c.Size("f", nil, 0, 0)
		c.Size("f", []byte("é"), 2, 2)
		c.Items("f", 3, 3, 3)
		c.Items("f", 1_000_000, 0, -1)
		c.Pattern("f", "abc-1", slug)
		c.Text("f", "naïve 😀 \ufffd")
		c.Finite("f", math.MaxFloat64)
		c.Time("f", time.Time{})
		c.Time("f", noon.Add(time.Microsecond))
		c.Time("f", time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC))
		c.Date("f", cqrs.Date{Year: 2024, Month: 2, Day: 29})
		c.Enum("f", "EUR", true, "EUR, GBP")
	}))
}

func TestMessagesSayWhatMustBeAndWhatIs(t *testing.T) {
	for _, test := range []struct {
		want string
		f    func(*checker)
	}{
		{`must be at least 1, is 0`, func(c *checker) { validate.Min(c, "f", 0, 1) }},
		{`must be at least 0.5, is -0.25`, func(c *checker) { validate.Min(c, "f", weight(-0.25), 0.5) }},
		{`must be at least "b", is "a"`, func(c *checker) { validate.Min(c, "f", code("a"), "b") }},
		{
			`must be at most 18446744073709551614, is 18446744073709551615`,
			func(c *checker) {
				validate.Max(c, "f", uint64(math.MaxUint64), math.MaxUint64-1)
			},
		},
		{`must be at most 1m0s, is 1h0m0s`, func(c *checker) { validate.Max(c, "f", time.Hour, time.Minute) }},
		{`must have at least 1 character, has 0`, func(c *checker) { c.Length("f", "", 1, 5) }},
		{`must have at most 2 characters, has 3`, func(c *checker) { c.Length("f", "é😀x", 1, 2) }},
		{`must have at most 0 characters, has 1`, func(c *checker) { c.Length("f", "x", 0, 0) }},
		{`must have at least 2 bytes, has 1`, func(c *checker) { c.Size("f", []byte{0}, 2, -1) }},
		{`must have at most 1 byte, has 2`, func(c *checker) { c.Size("f", []byte("é"), 0, 1) }},
		{`must have at least 1 item, has 0`, func(c *checker) { c.Items("f", 0, 1, -1) }},
		{`must have at most 3 items, has 4`, func(c *checker) { c.Items("f", 4, 0, 3) }},
		{`must match ^[a-z0-9-]{1,8}$, is "A\nb"`, func(c *checker) { c.Pattern("f", "A\nb", slug) }},
		{`must be valid UTF-8, is "a\xff"`, func(c *checker) { c.Text("f", "a\xff") }},
		{`must not have a NUL character, is "a\x00"`, func(c *checker) { c.Text("f", "a\x00") }},
		{`must be a finite number, is NaN`, func(c *checker) { c.Finite("f", math.NaN()) }},
		{`must be a finite number, is -Inf`, func(c *checker) { c.Finite("f", math.Inf(-1)) }},
		{`must be in the years 1 to 9999, is in 0`, func(c *checker) { c.Time("f", noon.AddDate(-2026, 0, 0)) }},
		{`must be in the years 1 to 9999, is in 10000`, func(c *checker) { c.Time("f", noon.AddDate(7974, 0, 0)) }},
		{
			`must be a day of the calendar, is 2026-02-29`,
			func(c *checker) { c.Date("f", cqrs.Date{Year: 2026, Month: 2, Day: 29}) },
		},
		{`must be one of EUR, GBP, is "eur"`, func(c *checker) { c.Enum("f", "eur", false, "EUR, GBP") }},
		{
			`must be in UTC and in whole microseconds, is 2026-03-01T13:00:00+01:00: ` +
				`use t.UTC().Truncate(time.Microsecond)`,
			func(c *checker) {
				c.Time("f", noon.In(time.FixedZone("CET", 3600)))
			},
		},
		{
			`must be in UTC and in whole microseconds, is 2026-03-01T12:00:00.000000001Z: ` +
				`use t.UTC().Truncate(time.Microsecond)`,
			func(c *checker) {
				c.Time("f", noon.Add(1))
			},
		},
	} {
		assert.Equal(t, []string{"f " + test.want}, messages(t, test.f))
	}
}

func TestAllProblemsAreReportedWithTheirPaths(t *testing.T) {
	wrong := func(c *checker, field string) { c.Items(field, 0, 1, -1) }
	got := messages(t, func(c *checker) {
		wrong(c, "lines")
		c.Enter("money")
		wrong(c, "amount")
		c.Enter("rate")
		wrong(c, "")
		c.Leave()
		c.Leave()
		c.EnterIndex("lines", 2)
		wrong(c, "sku")
		c.EnterIndex("tags", 0)
		wrong(c, "")
		c.Leave()
		c.Leave()
		c.EnterIndex("matrix", 1)
		c.EnterIndex("", 3)
		wrong(c, "")
		c.Leave()
		c.Leave()
		c.EnterKey("balances", "EUR")
		wrong(c, "")
		wrong(c, "total")
		c.Leave()
		for _, key := range []string{"", "a.b-C_9", "a]b", "a b\n", strings.Repeat("é", 100)} {
			c.EnterKey("m", key)
			wrong(c, "")
			c.Leave()
		}
		wrong(c, "last")
	})
	for i := range got {
		got[i] = strings.TrimSuffix(got[i], " must have at least 1 item, has 0")
	}
	assert.Equal(t, []string{"lines", "money.amount", "money.rate", "lines[2].sku", "lines[2].tags[0]", "matrix[1][3]",
		"balances[EUR]", "balances[EUR].total", `m[""]`, "m[a.b-C_9]", `m["a]b"]`, `m["a b\n"]`,
		`m["` + strings.Repeat("é", 18) + `…"]`, "last"}, got)
}

func TestErrNamesCommandAndFields(t *testing.T) {
	var c checker
	c.EnterKey("balances", "EUR")
	validate.Min(&c, "", 0, 1)
	c.Leave()
	c.Text("reference", "\x00")
	assert.EqualError(t, c.Err("Deposit"), `command Deposit is not valid: `+
		`balances[EUR] must be at least 1, is 0; reference must not have a NUL character, is "\x00"`)
}

func TestPathsOfAnyDepthAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c checker
		var path, wrong []string
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				i := rapid.IntRange(0, 9).Draw(t, "i")
				c.EnterIndex("f", i)
				path = append(path, fmt.Sprintf("f[%d]", i))
			case 2:
				if len(path) > 0 {
					c.Leave()
					path = path[:len(path)-1]
				}
			case 3:
				c.Items("x", 0, 1, -1)
				wrong = append(wrong, strings.Join(append(path[:len(path):len(path)], "x"), "."))
			}
		}
		err := c.Err("C")
		if len(wrong) == 0 {
			require.NoError(t, err)
			return
		}
		var got []string
		for _, f := range err.(*cqrs.ValidationError).Fields {
			got = append(got, f.Path)
		}
		require.Equal(t, wrong, got)
	})
}

func TestValuesInMessagesAreBoundedAndQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Repeat(rapid.StringN(1, 50, -1).Draw(t, "text")+"\n\xff", 100)
		var c checker
		validate.Min(&c, "f", s, s+"x")
		c.Pattern("f", s, slug)
		c.Text("f", s)
		c.Enum("f", s, false, "A")
		c.EnterKey("m", s)
		c.Items("", 0, 1, -1)
		c.Leave()
		fields := c.Err("C").(*cqrs.ValidationError).Fields
		require.Len(t, fields, 5)
		for _, f := range fields {
			text := f.Path + f.Message
			require.Less(t, len(text), 1000)
			require.True(t, utf8.ValidString(text))
			require.NotContains(t, text, "\n")
		}
	})
}

func TestValidCommandsCostNoAllocation(t *testing.T) {
	balances := []int64{1, 2, 3}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		var c checker
		c.Enter("money")
		validate.Min(&c, "amount", balances[0], 1)
		c.Enum("currency", "EUR", true, "EUR")
		c.Leave()
		for i, b := range balances {
			c.EnterIndex("balances", i)
			c.EnterKey("deep", "key")
			c.Enter("deeper")
			validate.Max(&c, "", b, 3)
			c.Leave()
			c.Leave()
			c.Leave()
		}
		c.Length("owner", "Ada", 1, 200)
		c.Text("owner", "Ada")
		c.Pattern("id", "acc-1", slug)
		c.Time("at", noon)
		c.Date("day", cqrs.Date{Year: 2026, Month: 3, Day: 1})
		c.Finite("rate", 1)
		if err := c.Err("Deposit"); err != nil {
			t.Error(err)
		}
	}))
}
