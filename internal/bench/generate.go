package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

// generate measures the generator against go/format over the text that it emits, which no generator of formatted Go
// does without: in the time that passes, and in the time of all cores together, which formatting takes on one.
func generate() error {
	defer debug.SetGCPercent(debug.SetGCPercent(gen.GCPercent)) // as the command does
	fmt.Printf("\nGenerate: 5 events, 5 commands and 1 projection for each aggregate, against format.Source\n")
	fmt.Printf("  %10s %9s %9s %9s %9s %7s %9s %8s %9s %8s\n",
		"aggregates", "lines", "ms", "cpu ms", "floor ms", "ratio", "cpu ratio", "µs/line", "ms/aggr.", "peak MB")
	for _, n := range []int{10, 100, 1000} {
		if err := generateOnce(n); err != nil {
			return err
		}
	}
	return nil
}

func generateOnce(aggregates int) error {
	src := benchModel(aggregates)
	set, err := generateSet(src)
	if err != nil {
		return err
	}
	lines := 0
	for _, f := range texts(set) {
		lines += bytes.Count(f, []byte("\n"))
	}
	ours, floor := effort{time.Hour, time.Hour}, effort{time.Hour, time.Hour}
	for range max(3, 300/aggregates) { // by turns: what else the machine does hits both
		ours = ours.least(effortOf(func() { _, err = generateSet(src) }))
		floor = floor.least(effortOf(func() {
			for _, f := range texts(set) {
				if _, formatErr := format.Source(f); formatErr != nil {
					err = formatErr
				}
			}
		}))
	}
	if err != nil {
		return err
	}
	once, err := inChild(childTask{Aggregates: aggregates})
	if err != nil {
		return err
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("  %10d %9d %9.1f %9.1f %9.1f %6.2fx %8.2fx %8.2f %9.2f %8d\n", aggregates, lines, ms(ours.Wall), ms(ours.CPU),
		ms(floor.Wall), float64(ours.Wall)/float64(floor.Wall), float64(ours.CPU)/float64(floor.CPU), 1000*ms(ours.CPU)/float64(lines),
		ms(ours.CPU)/float64(aggregates), once.Peak>>20)
	return nil
}

// effort is what something takes: time that passes, and time of the processors.
type effort struct{ Wall, CPU time.Duration }

func (e effort) least(o effort) effort { return effort{min(e.Wall, o.Wall), min(e.CPU, o.CPU)} }

func effortOf(f func()) effort {
	runtime.GC()
	start, before := time.Now(), spent()
	f()
	return effort{time.Since(start), spent() - before}
}

// texts are the files that a set leads to, those of the team's included.
func texts(set *output.Set) [][]byte {
	var all [][]byte
	for _, f := range set.Files {
		all = append(all, f.Content)
	}
	for _, s := range set.Skeletons {
		all = append(all, s.Content)
	}
	return all
}

func generateSet(src []byte) (*output.Set, error) {
	set, findings, err := gen.FromSource("bench.cqrs.yaml", src)
	if err != nil || set != nil {
		return set, err
	}
	var b strings.Builder
	if err := findings.Write(&b); err != nil {
		return nil, err
	}
	return nil, errors.New(b.String()[:min(b.Len(), 2000)])
}

// benchModel writes a model of 5 events, 5 commands and 1 projection for each aggregate.
func benchModel(aggregates int) []byte {
	var b bytes.Buffer
	b.WriteString(`cqrsgen: 1
package: bench
types:
  ID: {base: string, pattern: '^[a-z0-9-]{1,64}$'}
  Currency: {enum: [EUR, GBP, USD]}
  Money: {fields: {amount: {type: int64, min: 1}, currency: Currency}}
`)
	b.WriteString("aggregates:\n")
	for i := range aggregates {
		b.WriteString(strings.ReplaceAll(benchAggregate, "N", "Q"+strconv.FormatInt(int64(i), 36)))
	}
	b.WriteString("projections:\n")
	for i := range aggregates {
		b.WriteString(strings.ReplaceAll(benchProjection, "N", "Q"+strconv.FormatInt(int64(i), 36)))
	}
	return b.Bytes()
}

// The text of an aggregate is dense, so that a thousand of them are no larger than a file may be.
const benchAggregate = ` N:
  id: ID
  state: {owner: string, sums: map of Currency to int64}
  snapshot: {every: 500}
  events:
   NBegun: {fields: {owner: string}}
   NPaid: {fields: {money: Money, note: optional string}}
   NDrawn: {fields: {money: Money, note: string}}
   NGiven: {fields: {owner: string, at: time}}
   NClosed: {}
  rejections: {NShut: {}, NFew: {fields: {sum: int64}}}
  commands:
   OpenN: {creates: true, fields: {owner: string}, emits: [NBegun]}
   PayN: {fields: {money: Money, note: string}, emits: [NPaid], rejects: [NShut]}
   DrawN: {fields: {money: Money, note: string}, emits: [NDrawn], rejects: [NShut, NFew]}
   GiveN: {fields: {owner: string}, emits: [maybe NGiven]}
   CloseN: {emits: [maybe NDrawn, NClosed]}
`

const benchProjection = ` NSums:
  key: {id: ID, in: Currency}
  row: {sum: int64, moves: int64, last: time}
  on:
   NPaid: {key: {id: stream.id, in: event.money.currency}}
   NDrawn: {key: {id: stream.id, in: event.money.currency}}
  ignore: [NBegun, NGiven, NClosed]
  indexes: [[in, sum]]
`
