package ledger_test

import (
	"strconv"
	"testing"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// BenchmarkDeposit is a whole command over the log in memory, on accounts that are in the cache: check, load, decide,
// encode, apply, append.
func BenchmarkDeposit(b *testing.B) {
	log := memory.New()
	app, err := ledger.New(b.Context(), log, memorysink.New(), ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		b.Fatal(err)
	}
	defer app.Close()
	ids := make([]ledger.AccountID, 160)
	for i := range ids {
		ids[i] = ledger.AccountID("acc-" + strconv.Itoa(i))
		if _, err := app.Account.OpenAccount(b.Context(), ids[i], ledger.OpenAccount{Owner: "Ada"}); err != nil {
			b.Fatal(err)
		}
	}
	deposit := ledger.Deposit{Money: ledger.Money{Amount: 12_345, Currency: ledger.CurrencyEUR}, Reference: cqrs.Some("invoice 4711")}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, err := app.Account.Deposit(b.Context(), ids[n%len(ids)], deposit); err != nil {
			b.Fatal(err)
		}
	}
}
