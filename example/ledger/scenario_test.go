package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
)

func scenario(t testing.TB) *cqrstest.Scenario[*ledger.App] {
	return cqrstest.New(t, func(e cqrstest.Env) (*ledger.App, error) {
		return ledger.New(e.Context, e.Store, e.Rows, ledger.Deciders{}, ledger.Projections{}, e.Options...)
	})
}

func balance(of ledger.AccountID) ledger.BalanceByCurrencyKey {
	return ledger.BalanceByCurrencyKey{Account: of, Currency: ledger.CurrencyEUR}
}

func TestAScenarioInGo(t *testing.T) {
	s := scenario(t)
	s.Given("Account/acc-1", &ledger.AccountOpened{Owner: "Ada"}, &ledger.MoneyDeposited{Money: eur(500)}).
		When(cqrstest.Do(s.App.Account.Withdraw, "acc-1", ledger.Withdraw{Money: eur(200)})).
		Then(cqrstest.Event(&ledger.MoneyWithdrawn{Money: eur(200)}).On("Account/acc-1").Except("reference")).
		ThenRows(cqrstest.Rows(s.App.BalanceByCurrency, cqrstest.Row(balance("acc-1"), ledger.BalanceByCurrencyRow{
			Balance: 300, Movements: 2, LastMovement: cqrstest.Noon,
		}))).
		When(cqrstest.Do(s.App.Account.Withdraw, "acc-1", ledger.Withdraw{Money: eur(301)})).
		ThenRejected(ledger.InsufficientFunds{Available: 300, Requested: eur(301)})
}

// witness is a test that is expected to fail.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	panic(w) // ends the scenario, as the end of a goroutine would
}

func (w *witness) Fatal(args ...any) { w.Fatalf("%s", fmt.Sprint(args...)) }

func TestAScenarioSaysWhatIsDifferent(t *testing.T) {
	type app = *cqrstest.Scenario[*ledger.App]
	deposit := func(s app) app {
		return s.Given("Account/acc-1", &ledger.AccountOpened{Owner: "Ada"}).
			When(cqrstest.Do(s.App.Account.Deposit, "acc-1", ledger.Deposit{Money: eur(5)}))
	}
	for name, c := range map[string]struct {
		run  func(app)
		want []string
	}{
		"another value": {func(s app) { deposit(s).Then(&ledger.MoneyDeposited{Money: eur(6)}) },
			[]string{"MoneyDeposited", "money.amount", "want 6, got 5"}},
		"another event": {func(s app) { deposit(s).Then(&ledger.MoneyWithdrawn{Money: eur(5)}) },
			[]string{"MoneyWithdrawn", "MoneyDeposited"}},
		"nothing expected": {func(s app) { deposit(s).Then() },
			[]string{"MoneyDeposited"}},
		"one too few": {func(s app) { deposit(s).Then(&ledger.MoneyDeposited{Money: eur(5)}, &ledger.AccountOpened{}) },
			[]string{"AccountOpened"}},
		"no rejection": {func(s app) { deposit(s).ThenRejected(ledger.AccountNotOpen{}) },
			[]string{"AccountNotOpen"}},
		"another row": {func(s app) {
			deposit(s).ThenRows(cqrstest.Rows(s.App.BalanceByCurrency,
				cqrstest.Row(balance("acc-1"), ledger.BalanceByCurrencyRow{Balance: 7}).Except("movements", "lastMovement")))
		}, []string{"balance", "want 7, got 5"}},
		"a row that is not there": {func(s app) {
			deposit(s).ThenRows(cqrstest.Rows(s.App.BalanceByCurrency,
				cqrstest.Row(balance("acc-2"), ledger.BalanceByCurrencyRow{})))
		}, []string{"acc-2"}},
		"a command that failed": {func(s app) {
			s.When(cqrstest.Do(s.App.Account.Deposit, "acc-1", ledger.Deposit{Money: eur(5)})).Then()
		}, []string{"Account/acc-1"}},
		"a stream that can't be": {func(s app) { s.Given("acc-1", &ledger.AccountOpened{}) },
			[]string{"acc-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &witness{TB: t}
			func() {
				defer func() {
					if p := recover(); p != nil && p != w {
						panic(p)
					}
				}()
				c.run(scenario(w))
			}()
			said := strings.Join(w.said, "\n")
			for _, want := range c.want {
				assert.Contains(t, said, want)
			}
		})
	}
}
