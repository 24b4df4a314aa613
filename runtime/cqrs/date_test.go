package cqrs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func date(year int, month time.Month, day int) cqrs.Date {
	return cqrs.Date{Year: year, Month: month, Day: day}
}

var dates = rapid.Map(rapid.IntRange(0, 3_652_424), func(n int) cqrs.Date { return date(0, 1, 1).AddDays(n) })

func TestDatesOfTheCalendarAreValid(t *testing.T) {
	for _, d := range []cqrs.Date{date(0, 1, 1), date(2024, 2, 29), date(2000, 2, 29), date(9999, 12, 31)} {
		assert.True(t, d.Valid(), d.String())
	}
	for _, d := range []cqrs.Date{{}, date(2023, 2, 29), date(1900, 2, 29), date(2024, 4, 31), date(2024, 13, 1),
		date(2024, 0, 1), date(2024, 1, 0), date(2024, 1, -1), date(-1, 1, 1), date(10000, 1, 1)} {
		assert.False(t, d.Valid(), d.String())
		_, err := d.MarshalText()
		assert.Error(t, err)
	}
}

func TestADateIsTheDayInTheTimesOwnZone(t *testing.T) {
	late := time.Date(2026, 3, 1, 23, 30, 0, 0, time.FixedZone("", -3600))
	assert.Equal(t, date(2026, 3, 1), cqrs.DateOf(late))
	assert.Equal(t, date(2026, 3, 2), cqrs.DateOf(late.UTC()))
	assert.Equal(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), date(2026, 3, 1).Time())
}

func TestParseDateTakesOneSpelling(t *testing.T) {
	d, err := cqrs.ParseDate("2024-02-29")
	require.NoError(t, err)
	assert.Equal(t, date(2024, 2, 29), d)
	for _, s := range []string{"", "2023-02-29", "2024-2-29", "24-02-29", "2024/02/29", "2024-02-29 ",
		"2024-02-29T00:00:00Z", "02024-02-29", "-001-01-01", "2024-00-01", "2024-01-00", strings.Repeat("9", 10_000)} {
		_, err := cqrs.ParseDate(s)
		require.Error(t, err, s)
		assert.Less(t, len(err.Error()), 100)
	}
}

func TestTheTextOfADateReadsAsTheDate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := dates.Draw(t, "date")
		require.True(t, d.Valid())
		parsed, err := cqrs.ParseDate(d.String())
		require.NoError(t, err)
		require.Equal(t, d, parsed)
		require.Equal(t, d.String(), string(d.AppendTo(nil)))
		data, err := json.Marshal(map[cqrs.Date]cqrs.Date{d: d})
		require.NoError(t, err)
		var got map[cqrs.Date]cqrs.Date
		require.NoError(t, json.Unmarshal(data, &got))
		require.Equal(t, map[cqrs.Date]cqrs.Date{d: d}, got)
	})
}

func TestABadTextLeavesADateAsItWas(t *testing.T) {
	d := date(2026, 3, 1)
	require.Error(t, d.UnmarshalText([]byte("2026-02-30")))
	assert.Equal(t, date(2026, 3, 1), d)
}

func TestDatesAreOrderedAndCounted(t *testing.T) {
	assert.Equal(t, date(2024, 3, 1), date(2024, 2, 28).AddDays(2))
	assert.Equal(t, date(2023, 12, 31), date(2024, 1, 1).AddDays(-1))
	rapid.Check(t, func(t *rapid.T) {
		a, n := dates.Draw(t, "a"), rapid.IntRange(-10_000, 10_000).Draw(t, "n")
		b := a.AddDays(n)
		require.Equal(t, n < 0, b.Before(a))
		require.Equal(t, n > 0, b.After(a))
		require.Equal(t, n == 0, b.Compare(a) == 0)
		require.Equal(t, -a.Compare(b), b.Compare(a))
		require.Equal(t, time.Duration(n)*24*time.Hour, b.Time().Sub(a.Time()))
		require.Equal(t, a, b.AddDays(-n))
	})
}
