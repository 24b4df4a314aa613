package keyorder

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestChangesAreSortedByTheirKeysWhateverTheseBeginWith(t *testing.T) {
	text := func(prefix string, letters string, most int) func() readmodel.Value {
		return func() readmodel.Value {
			var b strings.Builder
			b.WriteString(prefix)
			for range rand.IntN(most + 1) {
				b.WriteByte(letters[rand.IntN(len(letters))])
			}
			return readmodel.OfString(b.String())
		}
	}
	number := func() readmodel.Value { return readmodel.OfUint64(rand.Uint64() >> rand.IntN(64)) }
	for name, columns := range map[string][]func() readmodel.Value{
		"long texts":                {text("account/", "ab", 20)},
		"short texts":               {text("", "a\x00\xff", 3), number},
		"texts with the same start": {text("account/", "a", 9), text("", "xyz", 2)},
		"numbers":                   {number, text("", "ab", 5)},
		"all the same":              {text("account", "", 0), number},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1, few, few + 1, 5_000} {
				changes := make([]*readmodel.Change, n)
				for i := range changes {
					changes[i] = &readmodel.Change{}
					for _, column := range columns {
						changes[i].Key = append(changes[i].Key, column())
					}
				}
				sorted := slices.Clone(changes)
				Sort(sorted)
				assert.True(t, slices.IsSortedFunc(sorted, compare))
				assert.Equal(t, counts(changes), counts(sorted))
			}
		})
	}
}

// counts says how often each change is there.
func counts(changes []*readmodel.Change) []string {
	times := map[*readmodel.Change]int{}
	for _, c := range changes {
		times[c]++
	}
	var all []string
	for c, n := range times {
		all = append(all, fmt.Sprintf("%p %d", c, n))
	}
	slices.Sort(all)
	return all
}

// BenchmarkSort sorts the changes of a large batch, with and without what makes it fast.
func BenchmarkSort(b *testing.B) {
	const rows = 300_000
	changes := make([]*readmodel.Change, rows)
	for i, n := range rand.Perm(rows) {
		changes[i] = &readmodel.Change{Key: []readmodel.Value{
			readmodel.OfString(fmt.Sprintf("acc-%06d", n/3)), readmodel.OfString([]string{"EUR", "GBP", "USD"}[n%3]),
		}}
	}
	for name, sort := range map[string]func([]*readmodel.Change){
		"whole keys": func(c []*readmodel.Change) { slices.SortFunc(c, compare) },
		"Sort":       Sort,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				sort(slices.Clone(changes))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
