package cqrstest_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

type kind string

type happened struct {
	Kind  kind
	N     int64
	At    time.Time
	Note  cqrs.Optional[string]
	Price cqrs.Decimal
	Lines []string
	Parts map[string]int64
	Tags  cqrs.Set[string]
}

type row struct {
	Sum   int64
	Text  string
	At    time.Time
	Names []string
	Parts map[string]int64
}

// replayed returns what Replay says of a function.
func replayed(t *testing.T, f any) []string {
	w := &observer{TB: t}
	cqrstest.Replay(w, map[string]any{"Rows.Happened": f}, kind("a"), kind("b"))
	return w.said
}

type observer struct {
	testing.TB
	said []string
}

func (o *observer) Errorf(_ string, args ...any) { o.said = append(o.said, args[1].(string)) }

func TestPureFunctionsDoTheSameAgain(t *testing.T) {
	seen, kinds, optional, priced := 0, map[kind]bool{}, 0, 0
	for what, f := range map[string]any{
		"a fold": func(r *row, e *happened, m cqrs.EventMeta) error {
			r.Sum += e.N
			r.At = m.Time
			r.Text += e.Note.Or("none") + e.Price.String()
			for k, n := range e.Parts {
				r.Parts[k] += n
			}
			r.Names = append(r.Names, slices.Sorted(maps.Keys(e.Tags))...)
			return nil
		},
		"an apply function that fails": func(r *row, e *happened) error {
			if e.N > 5 {
				return errors.New("too much")
			}
			return nil
		},
		"one that panics":  func(_ *row, e *happened) error { r := e.Lines[3]; _ = r; return nil },
		"keys":             func(e *happened, _ cqrs.EventMeta) ([]string, error) { return slices.Clone(e.Lines), nil },
		"an upcaster":      func(old happened) (row, error) { return row{Sum: old.N, Parts: old.Parts}, nil },
		"no more than one": func(r *row, e *happened) error { r.Sum = 0; return nil },
	} {
		assert.Empty(t, replayed(t, f), what)
	}
	require.Empty(t, replayed(t, func(_ *row, e *happened) error {
		seen += len(e.Parts) + len(e.Tags) + len(e.Lines)
		kinds[e.Kind] = true
		if e.Note.Present() {
			optional++
		}
		if !e.Price.IsZero() {
			priced++
		}
		return nil
	}))
	assert.Equal(t, map[kind]bool{"a": true, "b": true}, kinds, "an enum has no other values")
	assert.Greater(t, seen, 200)
	assert.Greater(t, optional, 50)
	assert.Greater(t, priced, 50)
}

type average struct {
	Of    []float64
	By    map[string]cqrs.Optional[float64]
	Names []string
}

func TestWhatIsNoNumberIsTheSameAgain(t *testing.T) {
	nan := 0
	for what, f := range map[string]any{
		"of a row": func(r *average, e *happened) error {
			n := float64(e.N)
			*r = average{Of: []float64{n / n}, By: map[string]cqrs.Optional[float64]{"x": cqrs.Some(n / n), "y": {}}}
			if n == 0 {
				nan++
			}
			return nil
		},
		"of a result": func(e *happened, _ cqrs.EventMeta) ([2]float64, error) {
			n := float64(e.N)
			return [2]float64{n / n, n}, nil
		},
	} {
		assert.Empty(t, replayed(t, f), what)
	}
	assert.Positive(t, nan)
	assert.Len(t, replayed(t, func(r *average, e *happened) error {
		r.Of = []float64{math.NaN()}
		for k := range e.Parts {
			r.Names = append(r.Names, k)
		}
		return nil
	}), 1, "beside it, all else is looked at")
}

func TestImpureFunctionsAreFound(t *testing.T) {
	var counter int64
	last := map[string]int64{}
	for what, c := range map[string]struct {
		f    any
		want string
	}{
		"the clock":           {func(r *row, _ *happened) error { r.At = time.Now(); return nil }, "makes something else"},
		"a package's counter": {func(r *row, _ *happened) error { counter++; r.Sum = counter; return nil }, "makes something else"},
		"what came before": {func(r *row, e *happened) error {
			r.Sum = last[e.Note.Or("")]
			last[e.Note.Or("")] = e.N
			return nil
		}, "makes something else"},
		"the order of a map": {func(r *row, e *happened) error {
			for k := range e.Parts {
				r.Names = append(r.Names, k)
			}
			return nil
		}, "makes something else"},
		"the first of a set": {func(e *happened, _ cqrs.EventMeta) ([]string, error) {
			for k := range e.Tags {
				return []string{k}, nil
			}
			return nil, nil
		}, "returns another result"},
		"an error with a time": {func(*row, *happened) error { return errors.New(time.Now().String()) }, "returns another result"},
		"the event is changed": {func(_ *row, e *happened) error { e.N++; return nil }, "changes its parameter 2, of type *cqrstest_test.happened"},
		"its list is sorted":   {func(_ *row, e *happened) error { slices.Sort(e.Lines); return nil }, "changes its parameter 2"},
		"its map is changed":   {func(_ *row, e *happened) error { e.Parts["new"] = 1; return nil }, "changes its parameter 2"},
		"keys change the event": {func(e *happened, _ cqrs.EventMeta) ([]string, error) {
			e.N++
			return nil, nil
		}, "changes its parameter 1"},
		"an upcaster changes the old one": {func(old happened) (row, error) {
			old.Parts["new"] = 1
			return row{}, nil
		}, "changes its parameter 1"},
	} {
		t.Run(what, func(t *testing.T) {
			said := replayed(t, c.f)
			require.Len(t, said, 1)
			assert.Contains(t, said[0], c.want)
		})
	}
}

type held struct {
	Name  personal.Value[string]
	Mail  personal.Value[cqrs.Optional[string]]
	Day   day
	From  netip.Addr
	Note  json.RawMessage
	Where cqrs.Optional[netip.Prefix]
}

type day cqrs.Date

func TestWhatOnlyATypesOwnMethodsMakeIsDrawn(t *testing.T) {
	seen := map[string]map[string]bool{}
	see := func(what, value string) {
		if seen[what] == nil {
			seen[what] = map[string]bool{}
		}
		seen[what][value] = true
	}
	require.Empty(t, replayed(t, func(_ *row, e *held) error {
		name, _ := e.Name.Reveal()
		mail, _ := e.Mail.Reveal()
		see("names", name)
		see("mails", mail.Or("none"))
		see("days", cqrs.Date(e.Day).String())
		see("addresses", e.From.String())
		see("notes", string(e.Note))
		where, _ := e.Where.Get()
		see("networks", where.String())
		if !json.Valid(e.Note) || !e.From.IsValid() {
			t.Errorf("%s, %s", e.Note, e.From)
		}
		return nil
	}))
	for what, values := range map[string]int{
		"names": 10, "mails": 10, "days": 10, "addresses": 2, "notes": 10, "networks": 2,
	} {
		assert.GreaterOrEqual(t, len(seen[what]), values, what)
	}
}

type (
	code  string
	stars uint32
	rest  string
)

func TestValuesKeepTheRulesOfTheirTypes(t *testing.T) {
	for _, pattern := range []string{
		`^[a-z0-9-]{1,64}|[^\x00-\x{10FFFF}]$`, `^[^@ ]+@[^@ ]+$`, `^(DE|AT)\d{2}(?: ?[0-9A-F]{4})*$`, `\bq.?x*$`, `^\p{Lu}\w+[!-/]$`, "",
	} {
		codes, numbers := map[code]bool{}, map[stars]bool{}
		w := &observer{TB: t}
		cqrstest.Replay(w, map[string]any{"X.Y": func(_ *row, e *struct {
			Code  code
			Stars stars
			Rest  rest
		},
		) error {
			codes[e.Code], numbers[e.Stars] = true, true
			assert.Regexp(t, pattern, string(e.Code))
			assert.Regexp(t, "^[a-h]+$", string(e.Rest))
			return nil
		}}, cqrstest.Matching[code](pattern), cqrstest.Between[stars](3, 5))
		assert.Empty(t, w.said)
		assert.Equal(t, map[stars]bool{3: true, 4: true, 5: true}, numbers)
		if pattern != "" {
			assert.Greater(t, len(codes), 3, pattern)
		}
	}
}

func TestTheSeedOfAReplayCanBeGiven(t *testing.T) {
	draw := func() (list []int64) {
		require.Empty(t, replayed(t, func(_ *row, e *happened) error { list = append(list, e.N); return nil }))
		return list
	}
	first := draw()
	assert.Equal(t, first, draw(), "nothing is drawn anew by itself")
	t.Setenv("CQRSGEN_SEED", "7")
	assert.NotEqual(t, first, draw())
}
