package corpus

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

//vet:pure
func mapSum(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total += n
	}
}

//vet:pure
func mapSumLong(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total = row.Total + n*2
	}
}

//vet:pure
func mapCheckedSum(row *Row, e *Event) error {
	var fault checked.Fault
	for _, n := range e.Sums {
		row.Total = checked.Add(fault.In("total"), row.Total, n)
	}
	return fault.Err()
}

//vet:pure
func mapCount(row *Row, e *Event) {
	for range e.Sums {
		row.Count++
	}
}

//vet:pure
func mapCountIf(row *Row, e *Event) {
	for name, n := range e.Sums {
		if n <= 0 || name == "" {
			continue
		}
		row.Count++
	}
}

//vet:pure
func mapCopied(row *Row, e *Event) {
	row.Sums = map[string]int64{}
	for k, v := range e.Sums {
		row.Sums[k] = v
	}
}

//vet:pure
func mapTurnedIntoSet(row *Row, e *Event) {
	row.Tags = map[string]bool{}
	for k := range e.Sums {
		row.Tags[strings.ToLower(k)] = true
	}
}

//vet:pure
func mapGrouped(row *Row, e *Event) {
	row.Sums = map[string]int64{}
	for k, v := range e.Sums {
		row.Sums[k[:1]] += v
	}
}

//vet:pure
func mapDeleted(row *Row, e *Event) {
	for k := range e.Tags {
		delete(row.Tags, k)
	}
}

//vet:pure
func mapKeysSorted(row *Row, e *Event) { row.Names = slices.Sorted(maps.Keys(e.Sums)) }

//vet:pure
func mapKeysSortedBy(row *Row, e *Event) {
	row.Names = slices.SortedFunc(maps.Keys(e.Sums), strings.Compare)
}

//vet:pure
func mapKeysCollectedAndSorted(row *Row, e *Event) {
	names := slices.Collect(maps.Keys(e.Sums))
	sort.Strings(names)
	row.Names = names
}

//vet:pure
func mapKeysAppendedAndSorted(row *Row, e *Event) {
	var names []string
	for k := range e.Sums {
		names = append(names, k)
	}
	slices.Sort(names)
	row.Names = names
}

//vet:pure
func mapLinesAppendedAndSorted(row *Row, e *Event) {
	var lines []Line
	for k, v := range e.Sums {
		if v > 0 {
			lines = append(lines, Line{k, v})
		}
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i].SKU < lines[j].SKU })
	row.Lines = lines
}

//vet:pure
func mapRangedInOrder(row *Row, e *Event) {
	for _, k := range slices.Sorted(maps.Keys(e.Sums)) {
		row.Name += k
	}
}

//vet:pure
func mapFound(row *Row, e *Event) {
	for _, n := range e.Sums {
		if n > 10 {
			row.Open = true
			break
		}
	}
}

//vet:pure
func mapAny(s State, c Command) bool {
	for _, n := range c.Sums {
		if n > s.Total {
			return true
		}
	}
	return false
}

//vet:pure
func mapSentinel(s State, c Command) error {
	for _, n := range c.Sums {
		if n < 0 {
			return errors.New("negative")
		}
	}
	return nil
}

//vet:pure
func mapLogical(row *Row, e *Event) {
	for _, ok := range e.Tags {
		row.Open = row.Open || ok
	}
}

//vet:pure
func mapMax(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total = max(row.Total, n)
	}
}

//vet:pure
func mapMaxByHand(row *Row, e *Event) {
	for _, n := range e.Sums {
		if n > row.Total {
			row.Total = n
		}
	}
}

//vet:pure
func mapValuesInLoop(row *Row, e *Event) {
	for n := range maps.Values(e.Sums) {
		row.Total += n
	}
}

//vet:pure
func mapNestedLoop(row *Row, e *Event) {
	for _, n := range e.Sums {
		for i := range 3 {
			row.Total += n * int64(i)
		}
	}
}

//vet:pure
func mapLocal(row *Row, e *Event) {
	for k, n := range e.Sums {
		share := n / 2
		share++
		row.Sums[k] = share
	}
}

//vet:pure
func mapByStructKey(row *Row, e *Event) {
	seen := map[Line]bool{}
	for k, n := range e.Sums {
		seen[Line{SKU: k, Quantity: n}] = true
	}
	row.Count = len(seen)
}

//vet:pure
func mapPointers(row *Row, e *Event) {
	own := map[string]*Line{}
	for k, n := range e.Sums {
		own[k] = &Line{k, n}
	}
	for _, l := range own {
		l.Quantity++
	}
	row.Count = len(own)
}

//vet:pure
func mapCollected(row *Row, e *Event) { row.Sums = maps.Collect(maps.All(e.Sums)) }

//vet:pure
func mapSet(row *Row, e *Event) {
	s := cqrs.Set[string]{}
	for k := range e.Tags {
		s.Add(k)
	}
	row.Count = len(s)
}

//vet:pure
func mapBits(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total ^= n
	}
}

//vet:pure
func mapSwitch(row *Row, e *Event) {
	for k := range e.Sums {
		switch k {
		case "a":
			row.Count++
		default:
			row.Total++
		}
	}
}

//vet:pure
func mapListIndex(row *Row, e *Event) {
	names := make([]int, 26)
	byLetter := map[int]int{1: 2}
	for i, n := range byLetter {
		names[i] = n
	}
	row.Count = names[1]
}

//vet:impure maporder: adds to row.Sum
func mapFloats(row *Row, e *Event) {
	for _, f := range e.Floats {
		row.Sum += f
	}
}

//vet:impure maporder: adds to row.Name
func mapStrings(row *Row, e *Event) {
	for k := range e.Sums {
		row.Name += k
	}
}

//vet:impure maporder: sets row.Names
func mapAppended(row *Row, e *Event) {
	for k := range e.Sums {
		row.Names = append(row.Names, k)
	}
}

//vet:impure maporder: sets row.Name
func mapLast(row *Row, e *Event) {
	for k := range e.Sums {
		row.Name = k
	}
}

//vet:impure maporder: depends on the turn
func mapBestKey(row *Row, e *Event) {
	for k, n := range e.Sums {
		if n > row.Total {
			row.Total, row.Name = n, k
		}
	}
}

//vet:impure maporder: returns what depends
func mapFirst(s State, c Command) string {
	for k := range c.Sums {
		return k
	}
	return ""
}

//vet:impure maporder: returns what depends
func mapError(s State, c Command) error {
	for k, n := range c.Sums {
		if n < 0 {
			return errors.New(k)
		}
	}
	return nil
}

//vet:impure maporder: leaves the loop
func mapSome(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total += n
		if row.Total > 100 {
			break
		}
	}
}

//vet:impure maporder: calls b.WriteString
func mapWritten(row *Row, e *Event) {
	var b strings.Builder
	for k := range e.Sums {
		b.WriteString(k)
	}
	row.Name = b.String()
}

//vet:impure maporder: no order
func mapKeysBare(row *Row, e *Event) { row.Names = slices.Collect(maps.Keys(e.Sums)) }

//vet:impure maporder: no order
func mapKeysReturned(s State, c Command) any { return maps.Keys(c.Sums) }

//vet:impure maporder: sets row.Sums
func mapCollision(row *Row, e *Event) {
	for k, n := range e.Sums {
		row.Sums[strings.ToLower(k)] = n
	}
}

//vet:impure maporder: adds what depends on row.Total
func mapInterest(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total += row.Total / n
	}
}

//vet:impure maporder: in an order that matters
func mapDivided(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total /= n
	}
}

//vet:impure maporder: keeps the last
func mapAssignedVariable(row *Row, e *Event) {
	var k string
	for k = range e.Sums {
	}
	row.Name = k
}

//vet:impure maporder: through corpus.joined
func mapInHelper(row *Row, e *Event) { row.Name = joined(e.Sums) }

func joined(sums map[string]int64) (text string) {
	for k := range sums {
		text += k
	}
	return text
}

//vet:impure maporder: sets row.Name to one of several
func mapTwoConstants(row *Row, e *Event) {
	for _, n := range e.Sums {
		if n > 10 {
			row.Name = "large"
		} else {
			row.Name = "small"
		}
	}
}

//vet:accused maporder: the text of a key is as good as the key, which is not seen
func mapInjective(row *Row, e *Event) {
	for k, n := range e.Sums {
		row.Sums["x"+k] = n
	}
}

//vet:impure maporder: yields
func mapIterated(row *Row, e *Event) {
	for k := range keysOf(e.Sums) {
		row.Name = k
	}
}

func keysOf(m map[string]int64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

//vet:impure maporder: calls do in each turn
func mapCallback(row *Row, e *Event) {
	eachKey(e.Sums, func(k string) { row.Name += k })
}

func eachKey(m map[string]int64, do func(string)) {
	for k := range m {
		do(k)
	}
}

//vet:pure
func mapPredicate(row *Row, e *Event) {
	row.Count = countIf(e.Sums, func(n int64) bool { return n > 3 })
}

func countIf(m map[string]int64, is func(int64) bool) (n int) {
	for _, v := range m {
		if is(v) {
			n++
		}
	}
	return n
}

//vet:impure maporder: leaves the loop
func mapContinuesOuter(row *Row, e *Event) {
outer:
	for range 3 {
		for _, n := range e.Sums {
			row.Total += n
			if n > 3 {
				continue outer
			}
		}
	}
}

//vet:pure
func mapContinuesItself(row *Row, e *Event) {
next:
	for _, n := range e.Sums {
		for i := range 3 {
			if n > int64(i) {
				continue next
			}
		}
		row.Total += n
	}
}

//vet:impure maporder: sets row.Sums[k] to what depends on the turn
func mapKeyChanged(row *Row, e *Event) {
	for k, n := range e.Sums {
		k = strings.ToLower(k)
		row.Sums[k] = n
	}
}

//vet:impure maporder: sets m[int8(k)] to what depends on the turn
func mapKeyShortened(row *Row, e *Event) {
	m := map[int8]int{}
	for k, n := range map[int]int{e.Order["a"]: 1, 2: 2} {
		m[int8(k)] = n
	}
	row.Count = m[1]
}

//vet:impure maporder: in another way
func mapHashed(row *Row, e *Event) {
	for _, n := range e.Sums {
		row.Total ^= n
		row.Total *= 16777619
	}
}

//vet:impure maporder: reads i, which changes from turn to turn
func mapNumbered(row *Row, e *Event) {
	i := int64(0)
	for k := range e.Sums {
		row.Sums[k] = i
		i++
	}
}

//vet:impure maporder: reads row.Count, which changes from turn to turn
func mapFirstTen(row *Row, e *Event) {
	for k, n := range e.Sums {
		if row.Count < 10 {
			row.Sums[k] = n
			row.Count++
		}
	}
}

//vet:impure maporder: reads len(row.Sums), which grows from turn to turn
func mapFirstLen(row *Row, e *Event) {
	for k, n := range e.Sums {
		if len(row.Sums) < 10 {
			row.Sums[k] = n
		}
	}
}

//vet:impure maporder: leaves the loop
func mapLeftAfterKey(row *Row, e *Event) {
	for k, n := range e.Sums {
		row.Sums[k] = n
		if n > 10 {
			break
		}
	}
}

//vet:impure maporder: sets r.Name to what depends on the turn
func mapThroughAlias(row *Row, e *Event) {
	for k := range e.Sums {
		r := row
		r.Name = k
	}
}

type total struct{ total int64 }

//vet:pure
func mapSumsApart(row *Row, e *Event) {
	total, all := int64(0), map[string]total{}
	for k, n := range e.Sums {
		x := all[k]
		x.total += n
		all[k] = x
		total += x.total
		row.Sums[k]++
		if row.Sums[k] > 10 {
			row.Open = true
		}
		total -= 1
	}
	row.Total = total
}

//vet:pure
func mapDistinct(row *Row, e *Event) {
	seen := map[int64]bool{}
	for _, n := range e.Sums {
		if !seen[n] {
			seen[n] = true
			row.Count++
		}
	}
}

//vet:pure
func mapPartsOfEach(row *Row, e *Event) {
	all := map[string]*Line{}
	for k := range e.Sums {
		all[k] = &Line{}
	}
	for k, n := range e.Sums {
		line := all[k]
		line.Quantity += n
	}
	row.Count = len(all)
}

//vet:impure maporder: by what several may have in common
func mapKeysByTheirNumbers(row *Row, e *Event) {
	row.Names = nil
	for k := range e.Sums {
		row.Names = append(row.Names, k)
	}
	sort.Slice(row.Names, func(i, j int) bool { return e.Sums[row.Names[i]] > e.Sums[row.Names[j]] })
}

//vet:impure maporder: by what several may have in common
func mapKeysSortedByTheirNumbers(row *Row, e *Event) {
	row.Names = slices.SortedFunc(maps.Keys(e.Sums), func(a, b string) int { return cmp.Compare(e.Sums[b], e.Sums[a]) })
}

type counted struct {
	name  string
	count int64
}

//vet:impure maporder: by what several may have in common
func mapCountsByTheirNumbers(row *Row, e *Event) {
	var all []counted
	for k, n := range e.Sums {
		all = append(all, counted{name: k, count: n})
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Compare(b.count, a.count) })
	row.Name = all[0].name
}

//vet:pure
func mapCountsByTheirNumbersAndNames(row *Row, e *Event) {
	var all []counted
	for k, n := range e.Sums {
		all = append(all, counted{name: k, count: n})
	}
	slices.SortFunc(all, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
	row.Name = all[0].name
}

//vet:pure
func mapKeysByTheirNumbersAndThemselves(row *Row, e *Event) {
	row.Names = slices.SortedFunc(maps.Keys(e.Sums), func(a, b string) int {
		if e.Sums[a] != e.Sums[b] {
			return cmp.Compare(e.Sums[b], e.Sums[a])
		}
		return cmp.Compare(a, b)
	})
}

//vet:pure
func mapKeysSortedTwice(row *Row, e *Event) {
	row.Names = nil
	for k := range e.Sums {
		row.Names = append(row.Names, k)
	}
	slices.Sort(row.Names)
	slices.SortStableFunc(row.Names, func(a, b string) int { return len(a) - len(b) })
}

//vet:pure
func mapKeysByAFunction(row *Row, e *Event) {
	row.Names = slices.SortedFunc(maps.Keys(e.Sums), func(a, b string) int { return byName(e, a, b) })
}

func byName(e *Event, a, b string) int {
	return cmp.Or(cmp.Compare(e.Sums[a], e.Sums[b]), cmp.Compare(a, b))
}

//vet:missed maporder: whether two values of a map can be the same in what is compared is not known
func mapValuesWithTies(row *Row, e *Event) {
	sorted := slices.SortedFunc(maps.Values(e.Parts), func(a, b *Line) int { return cmp.Compare(a.Quantity, b.Quantity) })
	row.Name = sorted[0].SKU
}

type numbering struct{ last int64 }

func (n *numbering) next() int64 { return n.step() }

func (n *numbering) step() int64 {
	n.last++
	return n.last
}

func (n *numbering) peek() int64 { return n.last }

//vet:impure maporder: calls n.next in each turn, which changes n
func mapNumberedByAMethod(row *Row, e *Event) {
	n := &numbering{}
	for k := range e.Sums {
		row.Sums[k] = n.next()
	}
}

//vet:impure maporder: calls take in each turn, which changes free
func mapTaken(row *Row, e *Event) {
	free := numbering{last: 10}
	for _, sum := range e.Sums {
		row.Total += take(&free, sum)
	}
}

func take(from *numbering, n int64) int64 {
	from.last -= min(n, from.last)
	return min(n, from.last)
}

//vet:pure
func mapPeeked(row *Row, e *Event) {
	n := &numbering{last: 2}
	for k := range e.Sums {
		row.Sums[k] = n.peek()
	}
}

//vet:pure
func mapNumberedInEachTurn(row *Row, e *Event) {
	for k, sum := range e.Sums {
		n := numbering{last: sum}
		row.Sums[k] = n.next()
	}
}

//vet:pure
func mapRead(row *Row, e *Event) {
	for k, sum := range e.Sums {
		if strings.Contains(row.Name, k) && slices.Contains(row.Names, k) {
			row.Total += sum
		}
	}
}

//vet:impure maporder: calls copy in each turn
func mapCopiedOver(row *Row, e *Event) {
	var buf [4]byte
	for k := range e.Sums {
		row.Total += int64(copy(buf[:], k))
	}
	row.Name = string(buf[:])
}
