package corpus

import "sync"

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
