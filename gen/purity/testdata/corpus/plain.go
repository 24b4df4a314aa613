package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/govalues/decimal"

	"github.com/cqrsgen/cqrsgen/gen/purity/testdata/corpus/rates"
	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

var errClosed = errors.New("closed")

var skus = regexp.MustCompile(`^[A-Z]+-[0-9]+$`)

var weights = map[string]int64{"a": 1, "b": 2}

var primes = []int64{2, 3, 5, 7}

var handlers = map[string]func(int64) int64{"double": double, "half": func(n int64) int64 { return n / 2 }}

var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

const limit = 100

func double(n int64) int64 { return 2 * n }

//vet:pure
func addAmount(row *Row, e *Event) { row.Total += e.Amount }

//vet:pure
func countEvents(row *Row, _ *Event) { row.Count++ }

//vet:pure
func copyScalars(row *Row, e *Event) { row.Name, row.Last = e.Name, e.At }

//vet:pure
func wholeRow(row *Row, e *Event) { *row = Row{Name: e.Name, Total: e.Amount} }

//vet:pure
func sentinelError(s State, c Command) error {
	if !s.Open {
		return errClosed
	}
	return nil
}

//vet:pure
func newError(s State, c Command) error { return errors.New("no " + c.Name) }

//vet:pure
func formattedError(s State, c Command) error { return fmt.Errorf("no %s: %w", c.Name, errClosed) }

//vet:pure
func isError(s State, c Command, err error) bool { return errors.Is(err, errClosed) }

//vet:pure
func errorText(row *Row, e *Event, err error) { row.Name = err.Error() }

//vet:pure
func formatted(row *Row, e *Event) { row.Name = fmt.Sprintf("%s-%03d", e.Name, e.Amount) }

//vet:pure
func formattedMap(row *Row, e *Event) { row.Name = fmt.Sprint(e.Sums) }

//vet:pure
func formattedToBuilder(row *Row, e *Event) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", e.Amount)
	b.WriteString(e.Name)
	row.Name = b.String()
}

//vet:pure
func formattedToBuffer(row *Row, e *Event) {
	var b bytes.Buffer
	fmt.Fprintln(&b, e.Amount)
	row.Name = b.String()
}

//vet:pure
func formattedTable(row *Row, e *Event) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 1, ' ', 0)
	fmt.Fprintf(w, "a\tb\n")
	row.Name = b.String()
}

//vet:pure
func marshalled(row *Row, e *Event) error {
	data, err := json.Marshal(e.Sums)
	row.Name = string(data)
	return err
}

//vet:pure
func unmarshalled(row *Row, e *Event) error {
	var v struct{ N int64 }
	err := json.Unmarshal([]byte(e.Name), &v)
	row.Total = v.N
	return err
}

//vet:pure
func words(row *Row, e *Event) { row.Names = strings.Fields(strings.ToLower(e.Name)) }

//vet:pure
func matched(row *Row, e *Event) { row.Open = skus.MatchString(e.Name) }

//vet:pure
func replaced(row *Row, e *Event) { row.Name = skus.ReplaceAllString(e.Name, "") }

//vet:pure
func lookedUp(row *Row, e *Event) { row.Total += weights[e.Name] }

//vet:pure
func lookedUpInList(row *Row, e *Event) { row.Open = slices.Contains(primes, e.Amount) }

//vet:pure
func dispatched(row *Row, e *Event) {
	if f, ok := handlers[e.Name]; ok {
		row.Total = f(e.Amount)
	}
}

//vet:pure
func sinceEpoch(row *Row, e *Event) { row.Count = int(e.At.Sub(epoch) / (24 * time.Hour)) }

//vet:pure
func timeArithmetic(row *Row, e *Event) {
	if e.At.Add(time.Hour).After(row.Last) {
		row.Last = e.At.Truncate(time.Minute)
	}
}

//vet:pure
func timeText(row *Row, e *Event) { row.Name = e.At.UTC().Format(time.RFC3339) }

//vet:pure
func unixTime(row *Row, e *Event) { row.Last = time.Unix(e.Amount, 0).UTC() }

//vet:pure
func parsedTime(row *Row, e *Event) (err error) {
	row.Last, err = time.Parse(time.RFC3339, e.Name)
	return err
}

//vet:pure
func rounded(row *Row, e *Event) { row.Sum = math.Round(row.Sum*100) / 100 }

//vet:pure
func bigNumbers(row *Row, e *Event) {
	n := big.NewInt(e.Amount)
	n.Mul(n, big.NewInt(limit))
	row.Total = n.Int64()
}

//vet:pure
func hashed(row *Row, e *Event) {
	sum := sha256.Sum256([]byte(e.Name))
	row.Name = hex.EncodeToString(sum[:])
}

//vet:pure
func converted(row *Row, e *Event) (err error) {
	row.Total, err = strconv.ParseInt(e.Name, 10, 64)
	return err
}

//vet:pure
func upper(row *Row, e *Event) { row.Name = strings.Map(unicode.ToUpper, e.Name) }

//vet:pure
func addressParsed(row *Row, e *Event) error {
	a, err := netip.ParseAddr(e.Name)
	row.Name = a.String()
	return err
}

//vet:pure
func urlParsed(row *Row, e *Event) error {
	u, err := url.Parse(e.Name)
	if err == nil {
		row.Name = path.Base(u.Path) + u.Query().Get("q")
	}
	return err
}

//vet:pure
func uuidParsed(row *Row, e *Event) error {
	id, err := uuid.Parse(e.Name)
	row.Name = id.String()
	return err
}

//vet:pure
func decimals(row *Row, e *Event) error {
	d, err := decimal.New(e.Amount, 2)
	if err != nil {
		return err
	}
	row.Name = d.Neg().String()
	return nil
}

//vet:pure
func checkedSum(row *Row, e *Event) error {
	var fault checked.Fault
	row.Total = checked.Add(fault.In("total"), row.Total, e.Amount)
	return fault.Err()
}

//vet:pure
func optional(row *Row, e *Event) {
	o := cqrs.Some(e.Name)
	row.Name = o.Or("none")
}

//vet:pure
func sets(row *Row, e *Event) {
	s := cqrs.SetOf(e.Names...)
	s.Add("x")
	row.Names = s.Sorted(strings.Compare)
}

//vet:pure
func otherPackage(row *Row, e *Event) { row.Total = rates.Fixed(e.Name) }

//vet:pure
func otherPackagesTable(row *Row, e *Event) { row.Total = rates.Table[e.Name] }

//vet:pure
func sortedCopy(row *Row, e *Event) {
	names := slices.Clone(e.Names)
	slices.Sort(names)
	row.Names = names
}

//vet:pure
func sortedCopyByMake(row *Row, e *Event) {
	names := make([]string, len(e.Names))
	copy(names, e.Names)
	sort.Strings(names)
	row.Names = names
}

//vet:pure
func sortedCopyByAppend(row *Row, e *Event) {
	lines := append([]Line(nil), e.Lines...)
	sort.Slice(lines, func(i, j int) bool { return lines[i].SKU < lines[j].SKU })
	row.Lines = lines
}

//vet:pure
func sortedOnce(row *Row, e *Event) { row.Names = slices.Sorted(slices.Values(e.Names)) }

//vet:pure
func sortsTheRow(row *Row, e *Event) {
	row.Names = append(row.Names, e.Name)
	slices.Sort(row.Names)
}

//vet:pure
func concatenated(row *Row, e *Event) { row.Names = slices.Concat(e.Names, []string{e.Name}) }

//vet:pure
func appendedToClipped(row *Row, e *Event) {
	row.Names = append(e.Names[:len(e.Names):len(e.Names)], "x")
}

//vet:pure
func appendsAll(row *Row, e *Event) { row.Lines = append(row.Lines, e.Lines...) }

//vet:pure
func changesTheRowsMap(row *Row, e *Event) {
	if row.Sums == nil {
		row.Sums = map[string]int64{}
	}
	row.Sums[e.Name] += e.Amount
	delete(row.Sums, "")
}

//vet:pure
func clonedMap(row *Row, e *Event) {
	row.Tags = maps.Clone(e.Tags)
	row.Tags["seen"] = true
}

//vet:pure
func ownsWhatItIsGiven(row *Row, e *Event) { row.Names = e.Names }

//vet:pure
func ownsAndChangesSomethingElse(row *Row, e *Event) {
	row.Names, row.Lines = e.Names, e.Lines
	row.Tags["seen"] = true
	countUp(row, e.Name)
}

func countUp(row *Row, name string) { row.Sums[name]++ }

//vet:pure
func normalizesItsCopy(s State, c Command) string {
	c.normalize()
	return c.Name
}

func (c *Command) normalize() { c.Name = strings.TrimSpace(c.Name) }

//vet:pure
func throughAPointer(row *Row, e *Event) {
	total := &row.Total
	*total += e.Amount
}

//vet:pure
func throughAHelper(row *Row, e *Event) { add(&row.Total, e.Amount) }

func add(to *int64, n int64) { *to += n }

//vet:pure
func changesItsCopy(row *Row, e *Event) {
	line := e.Lines[0]
	line.Quantity = 7
	row.Total = line.Quantity
}

//vet:pure
func changesTheLoopsCopy(row *Row, e *Event) {
	for _, line := range e.Lines {
		line.Quantity *= 2
		row.Total += line.Quantity
	}
}

//vet:pure
func changesTheEventsCopy(row *Row, e *Event) {
	own := *e
	own.Name = strings.TrimSpace(own.Name)
	row.Name = own.Name
}

//vet:pure
func changesStateByValue(s State, c Command) State {
	s.Total += c.Amount
	s.Open = true
	return s
}

//vet:pure
func returnsAPart(s State, c Command) []string { return c.Names }

//vet:pure
func closure(row *Row, e *Event) {
	total := int64(0)
	each(e.Lines, func(l Line) { total += l.Quantity })
	row.Total = total
}

func each(lines []Line, do func(Line)) {
	for _, line := range lines {
		do(line)
	}
}

//vet:pure
func localFunction(row *Row, e *Event) {
	twice := func(n int64) int64 { return 2 * n }
	row.Total = twice(e.Amount)
}

//vet:pure
func passedFunction(row *Row, e *Event) { row.Total = applied(double, e.Amount) }

func applied(f func(int64) int64, n int64) int64 { return f(n) }

//vet:pure
func sortedBy(row *Row, e *Event) {
	lines := slices.Clone(e.Lines)
	slices.SortFunc(lines, func(a, b Line) int { return strings.Compare(a.SKU, b.SKU) })
	row.Lines = lines
}

//vet:pure
func generic(row *Row, e *Event) {
	row.Total = sumOf(e.Lines, func(l Line) int64 { return l.Quantity })
}

func sumOf[T any](list []T, of func(T) int64) (sum int64) {
	for _, v := range list {
		sum += of(v)
	}
	return sum
}

//vet:pure
func recursive(row *Row, e *Event) { row.Total = factorial(e.Amount) }

func factorial(n int64) int64 {
	if n < 2 {
		return 1
	}
	return n * factorial(n-1)
}

//vet:pure
func mutuallyRecursive(row *Row, e *Event) { row.Open = even(e.Amount) }

func even(n int64) bool { return n == 0 || odd(n-1) }

func odd(n int64) bool { return n != 0 && even(n-1) }

//vet:pure
func panics(row *Row, e *Event) {
	if e.Amount < 0 {
		panic("negative")
	}
}

//vet:pure
func recovers(row *Row, e *Event) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	row.Total = 100 / e.Amount
	return nil
}

//vet:pure
func appliesToState(s *State, e *Event) {
	s.Names = append(s.Names, e.Name)
	s.Sums[e.Name] = e.Amount
}

//vet:pure
func appliesWhatItOwns(s *State, e *Event) { s.Lines = e.Lines }

//vet:pure
func fillsItsOwn(row *Row, e *Event) { row.Names = rates.Filled(3, e.Name) }

//vet:pure
func indexed(row *Row, e *Event) {
	for i := range row.Lines {
		if row.Lines[i].SKU == e.Name {
			row.Lines[i].Quantity += e.Amount
		}
	}
}

type money struct{ units int64 }

func (m money) String() string { return strconv.FormatInt(m.units, 10) }

//vet:pure
func stringer(row *Row, e *Event) { row.Name = fmt.Sprintf("%v", money{e.Amount}) }

type pricer interface{ price(Line) int64 }

type flat struct{ n int64 }

func (f flat) price(Line) int64 { return f.n }

type perPiece struct{}

func (perPiece) price(l Line) int64 { return l.Quantity }

//vet:pure
func pureImplementations(row *Row, e *Event) {
	var p pricer = flat{3}
	if e.Amount > limit {
		p = perPiece{}
	}
	row.Total = p.price(e.Lines[0])
}

//vet:pure
func stringerByType(row *Row, e *Event) {
	var s fmt.Stringer = money{e.Amount}
	row.Name = shown(money{e.Amount}) + s.String()
}

type bySKU []Line

func (l bySKU) Len() int           { return len(l) }
func (l bySKU) Less(i, j int) bool { return l[i].SKU < l[j].SKU }
func (l bySKU) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

//vet:pure
func sortedByInterface(row *Row, e *Event) {
	lines := slices.Clone(e.Lines)
	sort.Sort(bySKU(lines))
	row.Lines = lines
}

type rules struct{ bonus func(int64) int64 }

//vet:pure
func functionInStruct(row *Row, e *Event) {
	r := rules{bonus: double}
	row.Total = r.bonus(e.Amount)
}

var byTable map[string]int64

func init() {
	byTable = map[string]int64{"x": 1}
	register("y", 2)
}

func register(name string, n int64) { byTable[name] = n }

//vet:pure
func filledByInit(row *Row, e *Event) { row.Total = byTable[e.Name] }

//vet:pure
func differentFields(row *Row, e *Event) {
	r := Row{Names: e.Names}
	r.Lines = append(r.Lines, Line{SKU: e.Name})
	row.Count = len(r.Lines)
}

//vet:pure
func iterated(row *Row, e *Event) {
	for name := range strings.SplitSeq(e.Name, ",") {
		row.Names = append(row.Names, name)
	}
}

//vet:pure
func ownIterator(row *Row, e *Event) {
	for n := range upTo(3) {
		row.Total += n
	}
}

func upTo(n int64) func(func(int64) bool) {
	return func(yield func(int64) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

//cqrs:pure it only fills a cache that nobody can see
func cached(n int64) int64 {
	cache[n] = n * n
	return cache[n]
}

var cache = map[int64]int64{}

//vet:pure
func vouchedFor(row *Row, e *Event) { row.Total = cached(e.Amount) }

//vet:pure
func reassigned(row *Row, e *Event) {
	names := e.Names
	names = slices.Clone(names)
	slices.Sort(names)
	row.Names = names
}

//vet:pure
func reassignedParameter(row *Row, e *Event) {
	row.Total = firstSorted(e.Names)
}

func firstSorted(names []string) int64 {
	names = slices.Clone(names)
	slices.Sort(names)
	return int64(len(names[0]))
}

//vet:pure
func reassignedWithAnother(row *Row, e *Event) {
	names, n := e.Names, int64(0)
	names, n = slices.Clone(names), n+1
	slices.Sort(names)
	row.Names, row.Total = names, n
}

//vet:accused mutation: only the block that declares a variable is followed statement by statement
func reassignedInABranch(row *Row, e *Event) {
	names := e.Names
	if len(names) > 1 {
		names = slices.Clone(names)
		slices.Sort(names)
	}
	row.Total = int64(len(names))
}
