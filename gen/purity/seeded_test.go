package purity

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seed is something impure that is planted into the example.
type seed struct {
	kind Kind
	// in is the function of the ledger that gets the line.
	in   string
	line string
	// decl stands in a file of its own.
	decl string
	want string
}

const (
	ledgerDecider = "Account.Deposit"
	ledgerApply   = "Account.ApplyMoneyWithdrawn"
	ledgerFold    = "BalanceByCurrency.MoneyWithdrawn"
)

var seeds = []seed{
	{IO, ledgerFold, "seededIO()", `func seededIO() { fmt.Println("folded") }`, "ledger.seededIO, which does I/O with fmt.Println"},
	{Clock, ledgerDecider, "_ = seededClock()", `func seededClock() time.Time { return seededClock2() }

func seededClock2() time.Time { return time.Now() }`, "ledger.seededClock2, which depends on the clock through time.Now"},
	{Random, ledgerDecider, "_ = uuid.NewString()", "", "uuid.NewString"},
	{Environment, ledgerFold, "_ = seededDebug", `var seededDebug = os.Getenv("DEBUG")`, "os.Getenv"},
	{Goroutine, ledgerFold, "go func() {}()", "", "starts a goroutine"},
	{Channel, ledgerApply, "seededDone <- true", "var seededDone = make(chan bool, 1)", "sends on a channel"},
	{Lock, ledgerApply, "seededMutex.Lock()", "var seededMutex sync.Mutex", "sync.Mutex.Lock"},
	{Context, ledgerDecider, "_ = context.Background()", "", "context.Background"},
	{Global, ledgerFold, "seededCount++", "var seededCount int", "changes seededCount"},
	{Global, ledgerFold, "_ = seededRates[e.Money.Currency]", `var seededRates = map[Currency]int64{}

// SetRate changes what a fold reads.
func SetRate(c Currency, rate int64) { seededRates[c] = rate }`, "a variable that ledger.SetRate changes"},
	{MapOrder, ledgerDecider, "_ = seededLast(s)", `func seededLast(s AccountState) (last Currency) {
	for last = range s.Balances {
	}
	return last
}`, "ranges over a map in no order"},
	{Mutation, ledgerFold, "e.Money.Amount = 0", "", "changes e.Money.Amount"},
	{Mutation, ledgerDecider, "seededClear(s.Balances)", `func seededClear(m map[Currency]int64) { clear(m) }`, "changes m (clear), and s is not there to be changed"},
	{Retention, ledgerApply, "s.Balances = seededDefaults", `var seededDefaults = map[Currency]int64{}`, "shares the memory of ledger.seededDefaults"},
	// Which it has a consequence for.
	{Global, ledgerApply, "", "", "changes s.Balances[e.Money.Currency]"},
	{Unresolved, ledgerFold, "_ = reflect.ValueOf(e)", "", "reflect.ValueOf"},
	{CommandSide, ledgerFold, "_, _ = Account{}.Deposit(AccountState{}, Deposit{}, cqrs.CommandMeta{})", "", "Account.Deposit, which decides commands"},
	{ThirdParty, ledgerApply, "_, _ = yaml.Marshal(e)", "", "yaml.Marshal of another module"},
	{Vouching, ledgerFold, "_ = seededPure()", `//cqrs:pure
func seededPure() int { return os.Getpid() }`, "without a reason"},
}

var seededImports = map[string]string{
	"fmt.": "fmt", "time.": "time", "uuid.": "github.com/google/uuid", "os.": "os", "sync.": "sync", "context.": "context",
	"reflect.": "reflect", "yaml.": "gopkg.in/yaml.v3",
}

func TestTheExampleIsPureAndEveryKindOfSeededImpurityIsCaught(t *testing.T) {
	l := Load{Dir: "../../example/ledger", Patterns: []string{"."}}
	clean, err := Vet(l)
	require.NoError(t, err)
	require.Empty(t, clean.Findings)
	require.Equal(t, 6, clean.Checked)

	l.Overlay = seeded(t, l.Dir)
	r, err := Vet(l)
	require.NoError(t, err)
	planted := map[Kind]bool{}
	for _, s := range seeds {
		planted[s.kind] = true
		assert.Equal(t, 1, count(r.Findings, s), "%s: %s in %s, got %s", s.kind, s.line, s.in, texts(r.Findings))
	}
	assert.Len(t, r.Findings, len(seeds), "%s", texts(r.Findings))
	for kind := range verbs {
		assert.True(t, planted[kind], "no impurity of the kind %s is planted", kind)
	}
	assert.Len(t, planted, 16, "one of each kind")
}

func count(findings []Finding, s seed) (n int) {
	for _, f := range findings {
		if f.Kind == s.kind && strings.Contains(f.Message(), s.want) && (f.Root == s.in || s.kind == Vouching) {
			n++
		}
	}
	return n
}

func texts(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "\n%s %s: %s", filepath.Base(f.At.String()), f.Kind, f.Message())
	}
	return b.String()
}

// seeded returns the ledger's files with the impurities in them.
func seeded(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	dir, err := filepath.Abs(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, name := range []string{"account.go", "balance_by_currency.go"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		files[name] = string(text)
	}
	files["seeded.go"] = "package ledger\n"
	for _, s := range seeds {
		files["seeded.go"] += s.decl + "\n"
		receiver, method, _ := strings.Cut(s.in, ".")
		planted := false
		for name, text := range files {
			if i := strings.Index(text, receiver+") "+method+"("); i >= 0 {
				i += strings.Index(text[i:], "{\n") + 2
				files[name], planted = text[:i]+"\t"+s.line+"\n"+text[i:], true
			}
		}
		require.True(t, planted, s.in)
	}
	overlay := map[string][]byte{}
	for name, text := range files {
		overlay[filepath.Join(dir, name)] = []byte(imported(text))
	}
	return overlay
}

// imported adds the imports that a file needs.
func imported(text string) string {
	clause, rest, _ := strings.Cut(text, "\n")
	for _, use := range slices.Sorted(maps.Keys(seededImports)) {
		path := seededImports[use]
		if strings.Contains(rest, "\t"+use) || strings.Contains(rest, " "+use) || strings.Contains(rest, "("+use) {
			clause += fmt.Sprintf("; import %q", path)
		}
	}
	return clause + "\n" + rest
}
