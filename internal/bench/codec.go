package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// plain is a deposit as one writes it by hand for encoding/json: no method of ours gets in its way.
type plain struct {
	Money struct {
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	} `json:"money"`
	Reference *string `json:"reference,omitempty"`
}

// codec compares the generated codec with encoding/json.
func codec() error {
	event := ledger.MoneyDeposited{Money: ledger.Money{Amount: 12_345, Currency: ledger.CurrencyEUR}, Reference: cqrs.Some("invoice 4711")}
	data, err := event.AppendJSON(nil)
	if err != nil {
		return err
	}
	var same plain
	if err := json.Unmarshal(data, &same); err != nil {
		return err
	}
	buf := make([]byte, 0, 1024)
	encode := measure(func() (err error) { _, err = event.AppendJSON(buf[:0]); return err })
	encodeStd := measure(func() (err error) { _, err = json.Marshal(&same); return err })
	var into ledger.MoneyDeposited
	decode := measure(func() error { into = ledger.MoneyDeposited{}; return into.DecodeJSON(data, jsoncodec.ViewStrings) })
	copying := measure(func() error { into = ledger.MoneyDeposited{}; return into.DecodeJSON(data, jsoncodec.CopyStrings) })
	var intoStd plain
	decodeStd := measure(func() error { intoStd = plain{}; return json.Unmarshal(data, &intoStd) })

	fmt.Printf("\nCodec: %d bytes, against encoding/json and a plain struct\n", len(data))
	fmt.Printf("  %-22s %9s %9s %9s %7s\n", "", "ns", "allocs", "json ns", "ratio")
	for _, r := range []struct {
		name      string
		ours, std figure
	}{{"encode", encode, encodeStd}, {"decode, for a fold", decode, decodeStd}, {"decode, strings copied", copying, decodeStd}} {
		fmt.Printf("  %-22s %9.0f %9d %9.0f %6.1fx\n", r.name, r.ours.ns, r.ours.allocs, r.std.ns, r.std.ns/r.ours.ns)
	}
	return nil
}

type figure struct {
	ns     float64
	allocs int64
}

// measure takes the best of three: whatever else the machine does only ever adds.
func measure(f func() error) figure {
	best := figure{ns: 1e18}
	for range 3 {
		r := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
		if ns := float64(r.T.Nanoseconds()) / float64(r.N); ns < best.ns {
			best = figure{ns, r.AllocsPerOp()}
		}
	}
	return best
}
