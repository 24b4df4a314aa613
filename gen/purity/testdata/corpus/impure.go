package corpus

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"fmt"
	"html/template"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/rand"
	randv2 "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/purity/testdata/corpus/rates"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

//vet:impure io: fmt.Println
func prints(row *Row, e *Event) { fmt.Println(e.Name) }

//vet:impure io: prints
func printsByBuiltin(row *Row, e *Event) { println(e.Name) }

//vet:impure io: log.Printf
func logs(row *Row, e *Event) { log.Printf("%s", e.Name) }

//vet:impure io: slog.Info
func logsStructured(row *Row, e *Event) { slog.Info(e.Name) }

//vet:impure io: os.ReadFile
func readsFile(row *Row, e *Event) {
	data, _ := os.ReadFile(e.Name)
	row.Name = string(data)
}

//vet:impure io: os.Stdout
func writesStdout(row *Row, e *Event) { fmt.Fprintln(os.Stdout, e.Name) }

//vet:impure io: os.Stdin
func readsStdin(row *Row, e *Event) { row.Name, _ = bufio.NewReader(os.Stdin).ReadString('\n') }

//vet:impure io: http.Get
func callsHTTP(row *Row, e *Event) error {
	_, err := http.Get(e.Name)
	return err
}

//vet:impure io: net.LookupHost
func resolves(row *Row, e *Event) { row.Names, _ = net.LookupHost(e.Name) }

//vet:impure io: exec.Command
func startsProgram(row *Row, e *Event) { _ = exec.Command("true").Run() }

//vet:impure io: filepath.Glob
func listsFiles(row *Row, e *Event) { row.Names, _ = filepath.Glob("*") }

//vet:impure clock: time.Now
func readsClock(row *Row, e *Event) { row.Last = time.Now() }

//vet:impure clock: time.Since
func readsClockForAge(row *Row, e *Event) { row.Open = time.Since(e.At) > time.Hour }

//vet:impure clock: time.Sleep
func sleeps(row *Row, e *Event) { time.Sleep(1) }

//vet:impure clock: time.After
func waits(row *Row, e *Event) { _ = time.After(1) }

//vet:impure clock: time.Now
func clockAsValue(row *Row, e *Event) {
	now := time.Now
	row.Last = now()
}

var now = time.Now

//vet:impure clock: time.Now
func clockInVariable(row *Row, e *Event) { row.Last = now() }

var started = time.Now()

//vet:impure clock: time.Now
func startOfProgram(row *Row, e *Event) { row.Last = started }

//vet:impure random: rand.IntN
func draws(row *Row, e *Event) { row.Count = randv2.IntN(6) }

//vet:impure random: rand.Int
func drawsOld(row *Row, e *Event) { row.Count = rand.Int() }

//vet:impure random: rand.Text
func drawsSecret(row *Row, e *Event) { row.Name = crand.Text() }

//vet:impure random: uuid.New
func makesID(s State, c Command) string { return uuid.New().String() }

//vet:impure random: cqrs.NewCommitID
func makesCommitID(s State, c Command) cqrs.CommitID { return cqrs.NewCommitID() }

//vet:pure
func drawsSeeded(row *Row, e *Event) {
	row.Count = randv2.New(randv2.NewPCG(1, uint64(e.Amount))).IntN(6)
}

//vet:impure random: prints an address
func printsAddress(row *Row, e *Event) { row.Name = fmt.Sprintf("%p", e) }

//vet:impure random: prints the address
func printsPointer(row *Row, e *Event) { row.Name = fmt.Sprint(&e.Amount) }

//vet:impure environment: os.Getenv
func readsEnvironment(row *Row, e *Event) { row.Name = os.Getenv("HOME") }

//vet:impure environment: os.Args
func readsArguments(row *Row, e *Event) { row.Name = os.Args[0] }

//vet:impure environment: os.Hostname
func readsHostname(row *Row, e *Event) { row.Name, _ = os.Hostname() }

//vet:impure environment: time.Time.Local
func localTime(row *Row, e *Event) { row.Last = e.At.Local() }

//vet:impure environment: time.Local
func localZone(row *Row, e *Event) { row.Last = e.At.In(time.Local) }

//vet:impure environment: time.Unix
func unixLocal(row *Row, e *Event) { row.Name = time.Unix(e.Amount, 0).String() }

//vet:impure environment: time.LoadLocation
func loadsZone(row *Row, e *Event) error {
	_, err := time.LoadLocation("Europe/Berlin")
	return err
}

//vet:impure environment: runtime.NumCPU
func readsMachine(row *Row, e *Event) { row.Count = runtime.NumCPU() }

//vet:impure environment: through rates.zone
func readsFarAway(row *Row, e *Event) { row.Name = rates.Zone() }

var debug = os.Getenv("DEBUG") != ""

//vet:impure environment: os.Getenv
func readsEnvironmentAtStart(row *Row, e *Event) { row.Open = debug }

//vet:impure goroutine: starts a goroutine
func startsGoroutine(row *Row, e *Event) { go add(&row.Total, 1) }

//vet:impure goroutine: starts a goroutine
func startsGoroutineDeep(row *Row, e *Event) { each(e.Lines, func(Line) { go func() {}() }) }

//vet:impure channel: sends
func sends(row *Row, e *Event) {
	c := make(chan int, 1)
	c <- 1
}

//vet:impure channel: receives
func receives(row *Row, e *Event) {
	c := make(chan int, 1)
	<-c
}

//vet:impure channel: receives
func rangesOverChannel(row *Row, e *Event) {
	for range make(chan int) {
		row.Count++
	}
}

//vet:impure channel: selects
func selects(row *Row, e *Event) {
	select {
	default:
	}
}

//vet:impure channel: closes
func closes(row *Row, e *Event) { close(make(chan int)) }

var mu sync.Mutex

//vet:impure lock: sync.Mutex.Lock
func locks(row *Row, e *Event) {
	mu.Lock()
	row.Count++
}

var once sync.Once

//vet:impure lock: sync.Once.Do
func once1(row *Row, e *Event) { once.Do(func() {}) }

var counter atomic.Int64

//vet:impure lock: atomic.Int64.Add
func countsAtomically(row *Row, e *Event) { row.Total = counter.Add(1) }

//vet:impure lock: sync.WaitGroup
func waitsForGroup(row *Row, e *Event) {
	var g sync.WaitGroup
	g.Wait()
}

//vet:impure context: context.Background
func makesContext(row *Row, e *Event) { _ = context.Background() }

//vet:impure context: context.Context.Err
func asksContext(row *Row, e *Event, ctx context.Context) error { return ctx.Err() }

var calls int

//vet:impure global: changes calls
func countsCalls(row *Row, e *Event) { calls++ }

var last string

//vet:impure global: changes last
func remembers(row *Row, e *Event) { last = e.Name }

var seen = map[string]bool{}

//vet:impure global: changes seen["x"]
func fillsCache(row *Row, e *Event) { seen["x"] = true }

//vet:impure global: delete
func emptiesCache(row *Row, e *Event) { delete(seen, e.Name) }

var settings = struct{ max int64 }{10}

// Configure changes what a fold reads.
func Configure(most int64) { settings.max = most }

//vet:impure global: a variable that corpus.Configure changes
func readsSettings(row *Row, e *Event) { row.Open = e.Amount < settings.max }

//vet:impure global: a variable that rates.Set changes
func readsRates(row *Row, e *Event) { row.Total = rates.Current(e.Name) }

// SetLimit changes another package's variable.
func SetLimit(n int64) { rates.Limit = n }

//vet:impure global: a variable that corpus.SetLimit changes
func readsLimit(row *Row, e *Event) { row.Open = e.Amount < rates.Limit }

var history []string

// Remember passes a variable on to be changed.
func Remember() { rates.Fill(history, "x") }

//vet:impure global: a variable that corpus.Remember changes
func readsHistory(row *Row, e *Event) { row.Count = len(history) }

//vet:impure global: changes what it passes to sort.Strings
func sortsVariable(row *Row, e *Event) { sort.Strings(names) }

var names = []string{"b", "a"}

//vet:impure mutation: changes e.Name, and e is not there to be changed
func changesEvent(row *Row, e *Event) { e.Name = "" }

//vet:impure mutation: changes e.Names[0]
func changesEventsList(row *Row, e *Event) { e.Names[0] = "" }

//vet:impure mutation: changes e.Sums["x"]
func changesEventsMap(row *Row, e *Event) { e.Sums["x"]++ }

//vet:impure mutation: (delete)
func deletesFromEvent(row *Row, e *Event) { delete(e.Tags, "x") }

//vet:impure mutation: (clear)
func clearsEvent(row *Row, e *Event) { clear(e.Names) }

//vet:impure mutation: (copy)
func copiesIntoEvent(row *Row, e *Event) { copy(e.Names, row.Names) }

//vet:impure mutation: slices.Sort
func sortsEvent(row *Row, e *Event) { slices.Sort(e.Names) }

//vet:impure mutation: sort.Slice
func sortsEventBy(row *Row, e *Event) {
	sort.Slice(e.Lines, func(i, j int) bool { return e.Lines[i].SKU < e.Lines[j].SKU })
}

//vet:impure mutation: sort.Sort
func sortsEventByInterface(row *Row, e *Event) { sort.Sort(bySKU(e.Lines)) }

//vet:impure mutation: slices.Reverse
func reversesAlias(row *Row, e *Event) {
	names := e.Names[1:]
	slices.Reverse(names)
}

//vet:impure mutation: appends to e.Names
func appendsToEvent(row *Row, e *Event) { row.Names = append(e.Names, e.Name) }

//vet:impure mutation: slices.Insert
func insertsIntoEvent(row *Row, e *Event) { row.Names = slices.Insert(e.Names, 0, "x") }

//vet:impure mutation: changes line.Quantity
func changesThroughPointer(row *Row, e *Event) {
	line := &e.Lines[0]
	line.Quantity = 0
}

//vet:impure mutation: changes l.Quantity
func changesThroughMap(row *Row, e *Event) {
	for _, l := range e.Parts {
		l.Quantity = 0
	}
}

//vet:impure mutation: through rates.Fill
func passesToChange(row *Row, e *Event) { rates.Fill(e.Names, "") }

//vet:impure mutation: through rates.Fill
func passesPartToChange(row *Row, e *Event) { rates.Fill(rates.First(e.Names), "") }

//vet:impure mutation: changes e.By.Quantity
func changesBehindPointer(row *Row, e *Event) { e.By.Quantity++ }

//vet:impure mutation: changes row.Names[0], and e is not there to be changed
func changesWhatItKeeps(row *Row, e *Event) {
	row.Names = e.Names
	row.Names[0] = ""
}

//vet:impure mutation: through Event.clean
func changesByMethod(row *Row, e *Event) { e.clean() }

func (e *Event) clean() { e.Name = strings.TrimSpace(e.Name) }

//vet:impure mutation: changes own.Names[0]
func changesShallowCopy(row *Row, e *Event) {
	own := *e
	own.Names[0] = ""
}

//vet:impure mutation: changes s.Sums[c.Name]
func deciderChangesState(s State, c Command) { s.Sums[c.Name] = 1 }

//vet:impure mutation: appends to s.Names
func deciderAppendsToState(s State, c Command) []string { return append(s.Names, c.Name) }

//vet:impure mutation: appends to s.Names
func deciderAppendsToOwnState(s State, c Command) int {
	s.Names = append(s.Names, c.Name)
	return len(s.Names)
}

//vet:impure mutation: changes c.Names[0]
func deciderChangesCommand(s State, c Command) { c.Names[0] = "" }

//vet:impure mutation: changes e.Amount
func applyChangesEvent(s *State, e *Event) { e.Amount = 0 }

//vet:impure mutation: maps.Copy
func mergesIntoEvent(row *Row, e *Event) { maps.Copy(e.Tags, row.Tags) }

//vet:impure mutation: changes l.Quantity
func changesInClosure(row *Row, e *Event) {
	eachPointer([]*Line{e.By}, func(l *Line) { l.Quantity = 0 })
}

func eachPointer(parts []*Line, do func(*Line)) {
	for _, l := range parts {
		do(l)
	}
}

type team struct{ n int64 }

func (t *team) bump() { t.n++ }

//vet:impure mutation: through team.bump
func changesReceiver(t *team, row *Row, e *Event) { t.bump() }

//vet:impure retention: keeps it in row.Latest
func keepsEvent(row *Row, e *Event) { row.Latest = e }

//vet:impure retention: shares the memory of corpus.defaults
func sharesVariable(row *Row, e *Event) { row.Tags = defaults }

var defaults = map[string]bool{"new": true}

//vet:impure retention: keeps it in row.Names
func keepsListInSeveralRows(row *Row, e *Event, key string) { row.Names = e.Names }

//vet:impure retention: through corpus.keep
func keepsThroughHelper(row *Row, e *Event) { keep(row, e) }

func keep(row *Row, e *Event) { row.Latest = e }

//vet:pure
func copiesInSeveralRows(row *Row, e *Event, key string) { row.Names = slices.Clone(e.Names) }

//vet:impure global: changes lastEvent
func keepsInVariable(row *Row, e *Event) { lastEvent = e }

var lastEvent *Event

//vet:impure unresolved: which can be any function
func callsFunctionItIsGiven(row *Row, e *Event, f func() int64) { row.Total = f() }

//vet:impure unresolved: which can be any function
func callsFunctionOfRow(row *Row, e *Event) { row.Total = row.Do() }

//vet:impure unresolved: which nothing here implements
func callsUnimplemented(row *Row, e *Event, c rates.Clock) { row.Last = c.Now() }

//vet:impure unresolved: which can be any type's
func writesToWriter(row *Row, e *Event, w io.Writer) { _, _ = w.Write(nil) }

//vet:impure unresolved: unsafe.Pointer
func usesUnsafe(row *Row, e *Event) { *(*int64)(unsafe.Pointer(&row.Total)) = 1 }

//vet:impure unresolved: reflect.ValueOf
func reflects(row *Row, e *Event) { row.Count = reflect.ValueOf(e).NumField() }

//vet:impure unresolved: Template.Execute
func executesTemplate(row *Row, e *Event) error {
	var b strings.Builder
	return template.Must(template.New("").Parse("{{.}}")).Execute(&b, e)
}

//vet:impure thirdparty: yaml.Marshal
func otherModule(row *Row, e *Event) {
	data, _ := yaml.Marshal(e)
	row.Name = string(data)
}

type noisy struct{}

func (noisy) String() string {
	fmt.Println("noise")
	return ""
}

//vet:impure io: through noisy.String
func impureStringer(row *Row, e *Event) { row.Name = fmt.Sprint(noisy{}) }

type quoter interface{ quote(Line) int64 }

type market struct{}

func (market) quote(Line) int64 { return time.Now().Unix() }

type fixed struct{}

func (fixed) quote(Line) int64 { return 1 }

//vet:impure clock: through market.quote
func impureImplementation(row *Row, e *Event, q quoter) { row.Total = q.quote(e.Lines[0]) }

//vet:impure clock: time.Now
func referenceCounts(row *Row, e *Event) {
	f := stamp
	_ = f
}

func stamp() time.Time { return time.Now() }

//vet:impure clock: through corpus.fourth
func farAway(row *Row, e *Event) { row.Last = first() }

func first() time.Time  { return second() }
func second() time.Time { return third() }
func third() time.Time  { return fourth() }
func fourth() time.Time { return time.Now() }

//vet:impure clock: through corpus.pong
func inACycle(row *Row, e *Event) { ping(int(e.Amount)) }

func ping(n int) {
	if n > 0 {
		pong(n - 1)
	}
}

func pong(n int) {
	_ = time.Now()
	ping(n)
}

//vet:impure clock: through corpus.genericStamp
func inGeneric(row *Row, e *Event) { row.Last = genericStamp(e.Lines) }

func genericStamp[T any](list []T) time.Time {
	for range list {
		return time.Now()
	}
	return time.Time{}
}

//vet:impure clock: time.Now
func deferred(row *Row, e *Event) {
	defer func() { row.Last = time.Now() }()
}

type embedded struct{ market }

//vet:impure clock: through market.quote
func promoted(row *Row, e *Event) { row.Total = embedded{}.quote(e.Lines[0]) }

//vet:impure clock: through market.quote
func methodExpression(row *Row, e *Event) { row.Total = market.quote(market{}, e.Lines[0]) }

//vet:impure clock: through market.quote
func methodValue(row *Row, e *Event) {
	quote := market{}.quote
	row.Total = quote(e.Lines[0])
}

//vet:impure io: through noisy.String
func impureStringerByType(row *Row, e *Event) { row.Name = shown(noisy{}) }

func shown[T fmt.Stringer](v T) string { return v.String() }

//vet:impure io: through noisy.String
func impureStringerInVariable(row *Row, e *Event) {
	var s fmt.Stringer = noisy{}
	row.Name = s.String()
}

//vet:impure mutation: through Event.clean
func changesByMethodValue(row *Row, e *Event) {
	clean := e.clean
	clean()
}

//vet:missed clock: an error that says when it was made is only looked into where its type is known
func lateError(row *Row, e *Event) { row.Name = problem(e).Error() }

type dated struct{}

func (dated) Error() string { return time.Now().String() }

func problem(e *Event) error { return dated{} }

//vet:impure maporder: calls b.WriteString in each turn, which changes b
func mapWrittenWithResult(row *Row, e *Event) {
	var b strings.Builder
	for k := range e.Sums {
		if n, err := b.WriteString(k); err != nil || n == 0 {
			continue
		}
	}
	row.Name = b.String()
}

//vet:impure random: prints the address that *e is or holds
func printsInnerPointer(row *Row, e *Event) { row.Name = fmt.Sprintf("%v", *e) }

//vet:missed retention: a closure shares what it closes over
func keepsInClosure(row *Row, e *Event) { row.Do = func() int64 { return e.Amount } }

//vet:missed mutation: a literal that another function returned is not followed into what it is called with
func changesByReturnedLiteral(row *Row, e *Event) {
	change := changer()
	change(e.By)
}

func changer() func(*Line) { return func(l *Line) { l.Quantity = 0 } }

//vet:impure maporder: by what several may have in common
func sortedWithTies(row *Row, e *Event) {
	row.Names = nil
	for k := range e.Sums {
		row.Names = append(row.Names, k)
	}
	slices.SortFunc(row.Names, func(a, b string) int { return len(a) - len(b) })
}

//vet:impure mutation: slices.Sort
func sortedBeforeItIsReassigned(row *Row, e *Event) {
	names := e.Names
	slices.Sort(names)
	names = slices.Clone(names)
	row.Names = names
}

//vet:impure mutation: slices.Sort
func reassignedInALoop(row *Row, e *Event) {
	names := []string{}
	for range e.Amount {
		slices.Sort(names)
		names = e.Names
	}
	row.Total = int64(len(names))
}

//vet:impure mutation: slices.Sort
func reassignedByAClosure(row *Row, e *Event) {
	names := e.Names
	back := func() { names = e.Names }
	names = slices.Clone(names)
	back()
	slices.Sort(names)
	row.Names = slices.Clone(names)
}

//vet:impure mutation: slices.Sort
func reassignedBehindAPointer(row *Row, e *Event) {
	names := e.Names
	p := &names
	names = slices.Clone(names)
	*p = e.Names
	slices.Sort(names)
	row.Names = slices.Clone(names)
}

//vet:impure mutation: slices.Sort
func reassignedAndBack(row *Row, e *Event) {
	names := slices.Clone(e.Names)
	row.Names = names
	names = e.Names
	slices.Sort(names)
}

type sorted struct{ names []string }

func (s *sorted) self() *sorted { return s }

//vet:impure mutation: slices.Sort
func reassignedBehindAMethod(row *Row, e *Event) {
	s := sorted{}
	p := s.self()
	s = sorted{e.Names}
	slices.Sort(p.names)
	row.Total = int64(len(s.names))
}

//vet:impure mutation: slices.Sort
func reassignedBehindASlice(row *Row, e *Event) {
	list := [1][]string{}
	all := list[:]
	list = [1][]string{e.Names}
	slices.Sort(all[0])
	row.Total = int64(len(list))
}
