package ledger_test

import (
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func eur(amount int64) ledger.Money {
	return ledger.Money{Amount: amount, Currency: ledger.CurrencyEUR}
}

// holding is the state of an open account.
func holding(balances map[ledger.Currency]int64) ledger.AccountState {
	return ledger.AccountState{Owner: "Ada", Open: true, Balances: balances}
}

func TestWhatHappenedToAnAccountDecidesWhatMayHappen(t *testing.T) {
	empty := holding(map[ledger.Currency]int64{})
	some := holding(map[ledger.Currency]int64{ledger.CurrencyEUR: 300})
	reference := cqrs.Some("rent")
	for _, c := range []struct {
		name  string
		given ledger.AccountState
		when  any
		then  any // an event or a rejection
	}{
		{"an account is opened", ledger.AccountState{},
			ledger.OpenAccount{Owner: "Ada"}, ledger.AccountOpened{Owner: "Ada"}},
		{"an open account takes money", empty,
			ledger.Deposit{Money: eur(1)}, ledger.MoneyDeposited{Money: eur(1)}},
		{"a deposit keeps its reference", empty,
			ledger.Deposit{Money: eur(1), Reference: reference}, ledger.MoneyDeposited{Money: eur(1), Reference: reference}},
		{"an account that is not open takes none", ledger.AccountState{},
			ledger.Deposit{Money: eur(1)}, ledger.AccountNotOpen{}},
		{"an account that is not open pays none", ledger.AccountState{},
			ledger.Withdraw{Money: eur(1)}, ledger.AccountNotOpen{}},
		{"all that an account has can be withdrawn", some,
			ledger.Withdraw{Money: eur(300), Reference: reference}, ledger.MoneyWithdrawn{Money: eur(300), Reference: reference}},
		{"more than it has can't", some,
			ledger.Withdraw{Money: eur(301)}, ledger.InsufficientFunds{Available: 300, Requested: eur(301)}},
		{"an empty account pays nothing", empty,
			ledger.Withdraw{Money: eur(1)}, ledger.InsufficientFunds{Available: 0, Requested: eur(1)}},
		{"money in another currency does not count", some,
			ledger.Withdraw{Money: ledger.Money{Amount: 1, Currency: ledger.CurrencyUSD}},
			ledger.InsufficientFunds{Requested: ledger.Money{Amount: 1, Currency: ledger.CurrencyUSD}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := maps.Clone(c.given.Balances)
			event, err := decide(c.given, c.when)
			if want, ok := c.then.(cqrs.Rejection); ok {
				assert.Equal(t, want, err)
			} else {
				require.NoError(t, err)
				assert.Equal(t, c.then, event)
			}
			assert.Equal(t, before, c.given.Balances, "a decider changes nothing")
		})
	}
}

func decide(s ledger.AccountState, command any) (event any, err error) {
	switch c := command.(type) {
	case ledger.OpenAccount:
		return ledger.Account{}.OpenAccount(c, cqrs.CommandMeta{})
	case ledger.Deposit:
		return ledger.Account{}.Deposit(s, c, cqrs.CommandMeta{})
	case ledger.Withdraw:
		return ledger.Account{}.Withdraw(s, c, cqrs.CommandMeta{})
	}
	panic("no such command")
}

func TestAnAccountIsWhatItsEventsAddUpTo(t *testing.T) {
	service := start(t, onFiles(t.TempDir()))
	service.open(t, "acc-1")
	service.deposit(t, "acc-1", eur(500))
	service.deposit(t, "acc-1", money(7, ledger.CurrencyUSD))
	_, err := service.Account.Withdraw(t.Context(), "acc-1", ledger.Withdraw{Money: eur(200)})
	require.NoError(t, err)
	state, version, err := service.Account.Load(t.Context(), "acc-1")
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(4), version)
	assert.Equal(t, holding(map[ledger.Currency]int64{ledger.CurrencyEUR: 300, ledger.CurrencyUSD: 7}), state)
}

func TestABalanceThatDoesNotFitIsRefused(t *testing.T) {
	service := start(t, onFiles(t.TempDir()))
	service.open(t, "acc-1")
	service.deposit(t, "acc-1", eur(math.MaxInt64))
	_, err := service.Account.Deposit(t.Context(), "acc-1", ledger.Deposit{Money: eur(1)})
	require.ErrorIs(t, err, checked.ErrOverflow)
	require.EqualError(t, err, "new event MoneyDeposited can't be applied: "+
		"balances: 9223372036854775807 + 1 does not fit int64")
	state, version, err := service.Account.Load(t.Context(), "acc-1")
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(2), version, "nothing was stored")
	assert.Equal(t, int64(math.MaxInt64), state.Balances[ledger.CurrencyEUR])

	withdrawn := &ledger.MoneyWithdrawn{Money: eur(2)}
	state.Balances[ledger.CurrencyEUR] = math.MinInt64
	require.ErrorIs(t, ledger.Account{}.ApplyMoneyWithdrawn(&state, withdrawn), checked.ErrOverflow)
	row := ledger.BalanceByCurrencyRow{Balance: math.MinInt64}
	require.ErrorIs(t, ledger.BalanceByCurrency{}.MoneyWithdrawn(&row, withdrawn, cqrs.EventMeta{}), checked.ErrOverflow)
}
