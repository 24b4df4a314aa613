package corpus

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// What hides behind values that are made before main.

var hiddenCount int64

var hiddenNext = func() int64 { hiddenCount++; return hiddenCount }

//vet:impure global: changes hiddenCount
func callsLiteralOfVariable(row *Row, e *Event) { row.Total = hiddenNext() }

var hiddenBumps int64

func hiddenBump() int64 { hiddenBumps++; return hiddenBumps }

var hiddenAlias = hiddenBump

//vet:impure global: changes hiddenBumps
func callsFunctionOfVariable(row *Row, e *Event) { row.Total = hiddenAlias() }

var hiddenSet func() int64

var hiddenSets int64

func init() { hiddenSet = func() int64 { hiddenSets++; return hiddenSets } }

//vet:impure global: changes hiddenSets
func callsWhatInitSet(row *Row, e *Event) { row.Total = hiddenSet() }

var hiddenMutex sync.Mutex

var hiddenRules = map[string]func(){"lock": func() { hiddenMutex.Lock() }}

//vet:impure lock: sync.Mutex.Lock
func callsLiteralOfTable(row *Row, e *Event) { hiddenRules["lock"]() }

var hiddenTable = func() map[string]int64 {
	m := map[string]int64{}
	fill := func(k string) { m[k] = 1 }
	fill("a")
	return m
}()

var hiddenFees = map[string]func(int64) int64{"flat": func(n int64) int64 { return n + hiddenTable["a"] }}

//vet:pure
func callsPureLiteralOfTable(row *Row, e *Event) { row.Total = hiddenFees["flat"](e.Amount) }

//vet:impure random: prints the address that e.Parts is or holds
func printsPointersOfMap(row *Row, e *Event) { row.Name = fmt.Sprint(e.Parts) }

//vet:pure
func printsTypeOfPointer(row *Row, e *Event) { row.Name = fmt.Sprintf("%T", e) }

//vet:pure
func printsLines(row *Row, e *Event) { row.Name = fmt.Sprint(e.Lines, e.By, e.At) }

type hiddenClock int

func (hiddenClock) String() string { return time.Now().String() }

//vet:impure clock: time.Now
func printsElements(row *Row, e *Event) { row.Name = fmt.Sprint([]hiddenClock{1}) }

//vet:impure maporder: gob.Encoder.Encode
func encodesMapAsGob(row *Row, e *Event) {
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(e.Sums) == nil {
		row.Name = b.String()
	}
}

//vet:impure unresolved: unsafe.StringData
func changesText(row *Row, e *Event) { *unsafe.StringData(e.Name) = 'x' }

//vet:impure environment: runtime.GOOS
func namesSystem(row *Row, e *Event) { row.Name = runtime.GOOS }

//vet:impure mutation: changes l.Quantity
func changesByEither(row *Row, e *Event) {
	f := func(l *Line) {}
	if e.Amount > 0 {
		f = func(l *Line) { l.Quantity = 0 }
	}
	f(e.By)
}

//vet:impure mutation: changes l.Quantity
func changesByDeclared(row *Row, e *Event) {
	var f = func(l *Line) { l.Quantity = 0 }
	f(e.By)
}

//vet:impure mutation: changes l.Quantity
func changesByField(row *Row, e *Event) {
	h := struct{ do func(*Line) }{func(l *Line) { l.Quantity = 0 }}
	h.do(e.By)
}

func eachPart(parts []*Line, do func(*Line)) {
	for _, p := range parts {
		do(p)
	}
}

func clearLine(l *Line) { l.Quantity = 0 }

//vet:impure mutation: changes l.Quantity
func changesByCallback(row *Row, e *Event) { eachPart([]*Line{e.By}, clearLine) }

type hiddenPrice[T any] interface{ hiddenOf(T) int64 }

type hiddenFlat struct{}

func (hiddenFlat) hiddenOf(n int64) int64 { return n }

func hiddenCost(p hiddenPrice[int64]) int64 { return p.hiddenOf(1) }

//vet:pure
func callsGenericInterface(row *Row, e *Event) { row.Total = hiddenCost(hiddenFlat{}) }

func partOf(e *Event) (int64, *Line) { return e.Amount, e.By }

func setLine(n int64, l *Line) { l.Quantity = n }

//vet:impure mutation: changes l.Quantity
func changesSecondResult(row *Row, e *Event) { setLine(partOf(e)) }
