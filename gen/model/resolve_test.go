package model_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

const ledgerFile = "../../example/ledger/ledger.cqrs.yaml"

func readFile(t *testing.T, file string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(src)
}

// resolved returns the model of a text without an error.
func resolved(t *testing.T, src string) *model.Model {
	t.Helper()
	m, d := resolve([]byte(src))
	require.NotNil(t, m, rendered(t, d, modelFile, []byte(src)))
	return m
}

// inContext returns a whole model around some types.
func inContext(types string) string {
	return "cqrsgen: 1\npackage: p\ntypes:\n  AID: {base: string}\n" + types + `
aggregates:
  A: {id: AID, events: {Done: {}}, commands: {Do: {emits: [Done]}}}
`
}

func TestTheLedgerResolves(t *testing.T) {
	m := resolved(t, readFile(t, ledgerFile))
	assert.Equal(t, "ledger", m.Package)
	require.Len(t, m.Aggregates, 1)
	account := m.Aggregates[0]
	assert.Equal(t, "AccountID", account.ID.Name)
	assert.Equal(t, model.Snapshot{Every: 500}, account.Snapshot)
	assert.Equal(t, "map of Currency to int64", account.State[2].Type.String())

	withdraw := account.Commands[2]
	assert.Equal(t, model.MustExist, withdraw.Creates)
	assert.Equal(t, model.MustBeNew, account.Commands[0].Creates)
	assert.Same(t, account.Events[2], withdraw.Emits[0].Events[0])
	assert.Equal(t, []*model.Rejection{account.Rejections[1], account.Rejections[0]}, withdraw.Rejects)
	assert.Equal(t, "MoneyWithdrawn", account.Events[2].Wire)
	assert.Equal(t, 1, account.Events[2].Version)

	balance := m.Projections[0]
	assert.Same(t, account.Events[0], balance.Ignore[0])
	key := balance.On[0].Folds[0].Key
	assert.Equal(t, "stream.id", key[0].Text)
	assert.True(t, key[0].Uses("stream"))
	assert.Equal(t, "event.money.currency", key[1].Text)
	assert.Same(t, account.Events[1].Fields[0].Type.Named.Fields[1], key[1].Node.Ref)
	assert.Equal(t, []*model.Field{balance.Key[1], balance.Row[0]}, balance.Indexes[1].Fields)
}

func TestValuesOfAKeyStandInItsOrder(t *testing.T) {
	m := resolved(t, strings.Replace(readFile(t, ledgerFile), "{account: stream.id, currency: event.money.currency}",
		"{currency: event.money.currency, account: stream.id}", 1))
	assert.Equal(t, "stream.id", m.Projections[0].On[0].Folds[0].Key[0].Text)
}

func TestBoundsBecomeGoLiteralsAndIdleOnesAreDropped(t *testing.T) {
	m := resolved(t, inContext(`
  T:
    fields:
      octal: {type: int64, min: 0150, max: +7000}
      float: {type: float64, min: -1e3, max: .5}
      lowest: {type: int32, min: -2147483648, max: 2147483647}
      unsigned: {type: uint64, min: 0, max: 18446744073709551615}
      text: {type: string, minLength: 0, maxLength: 3}
      list: {type: optional list of string, minItems: 0}
      inner: {type: optional int64, min: 1}
`))
	three := 3
	var rules []model.Rules
	for _, f := range m.Types[1].Fields {
		rules = append(rules, f.Rules)
	}
	assert.Equal(t, []model.Rules{
		{Min: "150", Max: "7000"}, {Min: "-1000", Max: "0.5"}, {}, {}, {MaxLength: &three}, {}, {Min: "1"},
	}, rules)
}

func TestPersonalDataStayWithWhatIsPersonal(t *testing.T) {
	src := strings.Replace(readFile(t, ledgerFile), "fields: {owner: string}", "fields: {owner: {type: string, personal: true}}", 1)
	m, d := resolve([]byte(src))
	require.Nil(t, m)
	for _, found := range d.Sorted() {
		assert.Equal(t, diag.PersonalLeaks, found.Code)
	}
}

func TestTypesAreEqualByName(t *testing.T) {
	m := resolved(t, inContext("  B: {base: string}\n  T: {fields: {a: AID, b: B, c: string, d: list of AID, e: list of AID, f: list of B}}\n"))
	f := m.Types[2].Fields
	assert.True(t, f[3].Type.Equal(f[4].Type))
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {3, 5}, {0, 3}} {
		assert.False(t, f[pair[0]].Type.Equal(f[pair[1]].Type), pair)
	}
}

func TestAScenarioWithoutAStreamHasTheExampleOfItsIDsType(t *testing.T) {
	m := resolved(t, strings.Replace(inContext(""), "AID: {base: string}",
		"AID: {base: string, pattern: '^a-[0-9]$', example: a-7}", 1)+`
scenarios:
  Somebody does something: {when: {Do: {}}, then: [Done: {}]}
`)
	assert.Equal(t, "a-7", m.Scenarios[0].When.Stream.ID.Text)
}

func TestNoModelComesOfATreeThatIsMissing(t *testing.T) {
	var d diag.List
	assert.Nil(t, model.Resolve(nil, &d, nil))
}

func TestPackageNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"ledger": true, "v2": true, "types": true, "Ledger": false, "my_ledger": false, "2nd": false, "main": false,
		"func": false, "string": false, "any": false, "init": false, "cqrs": false, "documentation": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "größe": false,
	} {
		src := strings.Replace(inContext(""), "package: p", "package: "+name, 1)
		m, d := resolve([]byte(src))
		assert.Equal(t, ok, m != nil, name)
		for _, found := range d.Sorted() {
			assert.Equal(t, diag.PackageName, found.Code, name)
		}
	}
}

var aKey = regexp.MustCompile(`\b(cqrsgen|package|doc|types|fields|aggregates|id|state|snapshot|every|events|rejections|commands|` +
	`creates|emits|rejects|projections|key|row|on|ignore|indexes|base|enum|type|pattern|min|minLength|maxLength):( |\n)`)

// TestAMisspeltKeyIsTheOnlyFinding misspells every key of the ledger in turn: what is missing because of it must not
// be reported as well.
func TestAMisspeltKeyIsTheOnlyFinding(t *testing.T) {
	src := readFile(t, ledgerFile)
	places := aKey.FindAllStringSubmatchIndex(src, -1)
	require.Greater(t, len(places), 50)
	for _, at := range places {
		wrong := src[:at[3]] + src[at[3]-1:at[3]] + src[at[3]:]
		_, d := resolve([]byte(wrong))
		found := d.Sorted()
		if src[at[2]:at[3]] == "cqrsgen" {
			assert.Len(t, found, 2) // the key is unknown, and the version missing: each is worth saying
			continue
		}
		if !assert.Len(t, found, 1, "%s at byte %d\n%s", src[at[2]:at[3]], at[2], rendered(t, d, modelFile, []byte(wrong))) {
			continue
		}
		assert.Equal(t, diag.UnknownKey, found[0].Code)
		assert.Equal(t, "did you mean \""+src[at[2]:at[3]]+"\"?", found[0].Hint)
	}
}

var aReference = regexp.MustCompile(`(?:: |of |to |\[|, )(AccountID|Money|Currency|AccountOpened|MoneyDeposited|MoneyWithdrawn|` +
	`AccountNotOpen|InsufficientFunds|stream\.id|event\.money\.currency|int64|string|bool|time|balance|account)\b`)

// TestAMisspeltReferenceIsTheOnlyFinding misspells every use of a name of the ledger in turn.
func TestAMisspeltReferenceIsTheOnlyFinding(t *testing.T) {
	src := readFile(t, ledgerFile)
	count := 0
	for _, at := range aReference.FindAllStringSubmatchIndex(src, -1) {
		if strings.HasPrefix(src[at[3]:], ":") || strings.Contains(src[strings.LastIndex(src[:at[2]], "\n"):at[2]], "doc:") {
			continue
		}
		count++
		wrong := src[:at[3]] + "x" + src[at[3]:]
		_, d := resolve([]byte(wrong))
		assert.Len(t, d.Sorted(), 1, "%s at byte %d\n%s", src[at[2]:at[3]], at[2], rendered(t, d, modelFile, []byte(wrong)))
	}
	assert.Greater(t, count, 35)
}

// TestAMutatedModelIsAModelOrHasAPositionedError changes valid models at random, more than a fuzzer gets to.
func TestAMutatedModelIsAModelOrHasAPositionedError(t *testing.T) {
	var models []string
	for _, name := range []string{"minimal", "types", "mistakes"} {
		models = append(models, readFile(t, filepath.Join(golden, name, modelFile)))
	}
	models = append(models, readFile(t, ledgerFile))
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.SampledFrom(models).Draw(t, "model")
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			src = mutate(t, src)
		}
		m, d := resolve([]byte(src))
		if (m == nil) != d.Failed() {
			t.Fatalf("model %v, failed %v", m != nil, d.Failed())
		}
		lines := strings.Split(src, "\n")
		for _, found := range d.Sorted() {
			if found.At.Line < 1 || found.At.Line > len(lines) || found.At.Col < 1 || found.At.Len < 1 {
				t.Fatalf("%+v", found)
			}
		}
	})
}

func mutate(t *rapid.T, src string) string {
	lines := strings.Split(src, "\n")
	i, j := rapid.IntRange(0, len(lines)-1).Draw(t, "line"), rapid.IntRange(0, len(lines)-1).Draw(t, "other")
	at := rapid.IntRange(0, len(src)).Draw(t, "at")
	switch rapid.IntRange(0, 5).Draw(t, "mutation") {
	case 0:
		lines = append(lines[:i:i], lines[i+1:]...)
	case 1:
		lines[i], lines[j] = lines[j], lines[i]
	case 2:
		lines[i] += "\n" + lines[j]
	case 3:
		lines[i] = "  " + lines[i]
	case 4:
		sign := rapid.SampledFrom(strings.Split(`{ } [ ] , : # " ' & * ! ? | > - @ \ %`+" \t é \u200b", " ")).Draw(t, "sign")
		return src[:at] + sign + src[at:]
	default:
		return src[:at] + src[min(len(src), at+rapid.IntRange(1, 20).Draw(t, "gone")):]
	}
	return strings.Join(lines, "\n")
}

func TestThousandsOfUnknownNamesAreReportedInTimeThatGrowsWithThem(t *testing.T) {
	took := func(names int) time.Duration {
		var b strings.Builder
		b.WriteString("cqrsgen: 1\npackage: big\ntypes:\n")
		for i := range names {
			fmt.Fprintf(&b, "  TypeNumber%05d: {base: string}\n", i)
		}
		for i := range names {
			fmt.Fprintf(&b, "  Struct%05d: {fields: {a: TypeNumbre%05d}}\n", i, i)
		}
		b.WriteString("aggregates:\n  A: {id: TypeNumber00001, events: {B: {}}, commands: {C: {emits: [B]}}}\n")
		start := time.Now()
		_, d := resolve([]byte(b.String()))
		require.Equal(t, names, d.Len())
		return time.Since(start)
	}
	took(100)
	few, many := took(500), took(5000)
	assert.Less(t, many, 40*few+100*time.Millisecond, "%v for 500, %v for 5,000", few, many)
}
