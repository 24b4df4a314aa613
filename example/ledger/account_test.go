package ledger_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func eur(amount int64) ledger.Money {
	return ledger.Money{Amount: amount, Currency: ledger.CurrencyEUR}
}

// accountOf is the state that events add up to, on an account of its own.
func accountOf(t *testing.T, events ...ledger.AccountEvent) ledger.AccountState {
	s := ledger.AccountState{Balances: map[ledger.Currency]int64{}}
	var err error
	for _, e := range events {
		switch e := e.(type) {
		case *ledger.AccountOpened:
			err = ledger.Account{}.ApplyAccountOpened(&s, e)
		case *ledger.MoneyDeposited:
			err = ledger.Account{}.ApplyMoneyDeposited(&s, e)
		case *ledger.MoneyWithdrawn:
			err = ledger.Account{}.ApplyMoneyWithdrawn(&s, e)
		}
		require.NoError(t, err)
	}
	return s
}

func TestWhatHappenedToAnAccountDecidesWhatMayHappen(t *testing.T) {
	opened := &ledger.AccountOpened{Owner: "Ada"}
	deposited := &ledger.MoneyDeposited{Money: eur(500)}
	withdrawn := &ledger.MoneyWithdrawn{Money: eur(200)}
	reference := cqrs.Some("rent")
	for _, c := range []struct {
		name  string
		given []ledger.AccountEvent
		when  any
		then  any // an event or a rejection
	}{
		{"an account is opened", nil,
			ledger.OpenAccount{Owner: "Ada"}, ledger.AccountOpened{Owner: "Ada"}},
		{"an open account takes money", []ledger.AccountEvent{opened},
			ledger.Deposit{Money: eur(1)}, ledger.MoneyDeposited{Money: eur(1)}},
		{"a deposit keeps its reference", []ledger.AccountEvent{opened},
			ledger.Deposit{Money: eur(1), Reference: reference}, ledger.MoneyDeposited{Money: eur(1), Reference: reference}},
		{"an account that is not open takes none", nil,
			ledger.Deposit{Money: eur(1)}, ledger.AccountNotOpen{}},
		{"an account that is not open pays none", nil,
			ledger.Withdraw{Money: eur(1)}, ledger.AccountNotOpen{}},
		{"all that an account has can be withdrawn", []ledger.AccountEvent{opened, deposited, withdrawn},
			ledger.Withdraw{Money: eur(300), Reference: reference}, ledger.MoneyWithdrawn{Money: eur(300), Reference: reference}},
		{"more than it has can't", []ledger.AccountEvent{opened, deposited, withdrawn},
			ledger.Withdraw{Money: eur(301)}, ledger.InsufficientFunds{Available: 300, Requested: eur(301)}},
		{"an empty account pays nothing", []ledger.AccountEvent{opened},
			ledger.Withdraw{Money: eur(1)}, ledger.InsufficientFunds{Available: 0, Requested: eur(1)}},
		{"money in another currency does not count", []ledger.AccountEvent{opened, deposited},
			ledger.Withdraw{Money: ledger.Money{Amount: 1, Currency: ledger.CurrencyUSD}},
			ledger.InsufficientFunds{Requested: ledger.Money{Amount: 1, Currency: ledger.CurrencyUSD}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := accountOf(t, c.given...)
			event, err := decide(state, c.when)
			if want, ok := c.then.(cqrs.Rejection); ok {
				assert.Equal(t, want, err)
			} else {
				require.NoError(t, err)
				assert.Equal(t, c.then, event)
			}
			assert.Equal(t, accountOf(t, c.given...), state, "a decider changes nothing")
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
	usd := ledger.Money{Amount: 7, Currency: ledger.CurrencyUSD}
	state := accountOf(t, &ledger.AccountOpened{Owner: "Ada"},
		&ledger.MoneyDeposited{Money: eur(500)}, &ledger.MoneyDeposited{Money: usd}, &ledger.MoneyWithdrawn{Money: eur(200)})
	assert.Equal(t, ledger.AccountState{
		Owner: "Ada", Open: true, Balances: map[ledger.Currency]int64{ledger.CurrencyEUR: 300, ledger.CurrencyUSD: 7},
	}, state)
}

func TestABalanceThatDoesNotFitIsRefused(t *testing.T) {
	deposited := &ledger.MoneyDeposited{Money: eur(1)}
	state := accountOf(t, &ledger.MoneyDeposited{Money: eur(math.MaxInt64)})
	require.Error(t, ledger.Account{}.ApplyMoneyDeposited(&state, deposited))
	row := ledger.BalanceByCurrencyRow{Balance: math.MaxInt64}
	require.Error(t, ledger.BalanceByCurrency{}.MoneyDeposited(&row, deposited, cqrs.EventMeta{}))
	total := ledger.CurrencyTotalsRow{Withdrawn: math.MaxInt64}
	require.Error(t, ledger.CurrencyTotals{}.MoneyWithdrawn(&total, &ledger.MoneyWithdrawn{Money: eur(1)}, cqrs.EventMeta{}))
}
