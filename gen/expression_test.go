package gen_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// expressionState has a field of every type that an expression may give, under the name of the place.
var expressionState = [][2]string{
	{"s", "string"}, {"b", "bool"}, {"i", "int"}, {"n", "int32"}, {"l", "int64"}, {"u", "uint32"}, {"v", "uint64"},
	{"f", "float64"}, {"y", "bytes"}, {"t", "time"}, {"w", "duration"}, {"k", "uuid"}, {"d", "date"}, {"p", "decimal"},
	{"e", "Color"}, {"m", "Money"}, {"id", "BoxID"}, {"cents", "Cents"}, {"due", "Due"}, {"day", "Day"}, {"price", "Price"},
	{"os", "optional string"}, {"ol", "optional int64"}, {"om", "optional Money"}, {"ls", "list of string"},
	{"lm", "list of Money"}, {"ld", "list of date"}, {"ss", "set of string"}, {"ml", "map of Color to int64"},
	{"mm", "map of string to Money"}, {"wait", "Wait"}, {"flag", "Flag"}, {"ratio", "Ratio"}, {"blob", "Blob"}, {"key", "Key"},
}

// expressionSeeds are what random expressions are made of.
var expressionSeeds = strings.Split(`event.s|event.b|event.i|event.n|event.l|event.u|event.v|event.f|event.y|event.t|event.w|event.k
event.d|event.p|event.e|event.m|event.id|event.cents|event.due|event.day|event.price|event.os|event.ol|event.om|event.ls
event.lm|event.ld|event.ss|event.ml|event.mm|event.wait|event.flag|event.ratio|event.blob|event.key|state.l|state.ls
state.mm["x"]|state.mm[event.s].amount|state.ml[Color.RED]|state.ss[event.s]|event.ss.Has("a")|event.om.Present()
event.ol.Or(5)|event.os.Or("x")|len(event.ls)|len(event.s)|min(event.l, 3)|max(event.s, "b")|append(event.ls, "x")
append(state.ls, event.ls...)|append(event.lm, event.m)|days(event.d, event.day2)|lower(event.s)|upper(event.id)
trim(event.s)|abs(event.l)|abs(event.f)|abs(event.price)|event.t.Add(time.Hour)|event.t.Sub(event.t)|event.t.Date()
event.d.AddDays(2)|event.day.Time()|event.due.Before(event.due)|event.d.After("2026-03-01")|int32(event.l)|int64(event.f)
uint32(event.n)|float64(event.l)|Cents(event.l)|string(event.id)|BoxID(event.s)|bytes(event.s)|decimal(event.n)|Price(event.p)
Due(event.t)|Color("0150")|Color.type|Color.RED|Money{amount: event.l, color: event.e}|none|true|1|-1|1.5|"x"
"2026-03-01"|"2026-03-01T10:00:00Z"|2 * time.Minute|Key("0190f1ee-6c54-7b01-90e6-d701748f0851")|event.b && !event.b
event.l + 1|event.l / event.l|event.f / 2|-event.price|event.price * 2 - 1|event.price < 3|event.t == event.t|event.due > event.due
event.d <= event.d|event.m == event.m|event.os == event.os|event.e != Color.RED|meta.time|meta.actor|event.w / 2|(event.l)
event.wait + Wait(time.Second)|event.flag || event.b|event.ratio * 2|event.u - 1|event.v % 7|event.cents * 100|event.s + "y"`, "|")

// randomExpression joins seeds by operators, calls and parentheses.
func randomExpression(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		var seeds []string
		for _, s := range expressionSeeds {
			seeds = append(seeds, strings.Split(s, "\n")...)
		}
		return seeds[r.IntN(len(seeds))]
	}
	x, y := randomExpression(r, depth-1), randomExpression(r, depth-1)
	forms := []string{
		"X + Y", "X - Y", "X * Y", "X / Y", "X % Y", "X == Y", "X != Y", "X < Y", "X >= Y", "X && Y", "X || Y", "!X", "-X",
		"(X)", "(X) * (Y)", "X - (Y)", "len(X)", "min(X, Y)", "max(X, Y, X)", "append(X, Y)", "append(X, Y...)", "abs(X)",
		"lower(X)", "trim(X)", "int64(X)", "int32(X)", "uint64(X)", "float64(X)", "decimal(X)", "string(X)", "bytes(X)",
		"Cents(X)", "Due(X)", "Day(X)", "duration(X)", "Ratio(X)", "X.Or(Y)", "X.Present()", "X.Add(Y)", "X.Date()",
		"X.AddDays(Y)", "X.Before(Y)", "state.mm[X].amount", "state.ml[X]", "state.ss[X]", "Money{amount: X, color: Y}",
		"days(X, Y)", "Blob(X)", "Flag(X)", "Key(X)", "Price(X)",
	}
	return strings.NewReplacer("X", x, "Y", y).Replace(forms[r.IntN(len(forms))])
}

// expressionModel is a model whose events give the state's fields these values.
func expressionModel(values [][2]string) string {
	var b strings.Builder
	b.WriteString(`cqrsgen: 1
package: expressions
types:
  BoxID: {base: string}
  Cents: {base: int64}
  Due: {base: time}
  Day: {base: date}
  Price: {base: decimal}
  Wait: {base: duration}
  Flag: {base: bool}
  Ratio: {base: float64}
  Blob: {base: bytes}
  Key: {base: uuid}
  Color: {enum: [RED, type, "0150"]}
  Money: {fields: {amount: int64, color: Color}}
aggregates:
  Box:
    id: BoxID
    state:
`)
	field := func(indent string) {
		for _, f := range expressionState {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, f[0], f[1])
		}
	}
	field("      ")
	b.WriteString("    events:\n")
	var names []string
	for i, v := range values {
		name := fmt.Sprintf("Event%d", i)
		names = append(names, name)
		fmt.Fprintf(&b, "      %s:\n        fields:\n", name)
		field("          ")
		fmt.Fprintf(&b, "          day2: date\n        apply: {%s: %q}\n", v[0], v[1])
	}
	fmt.Fprintf(&b, "    commands:\n      Do:\n        creates: maybe\n        emits: [%s]\n",
		"many "+strings.Join(names, ", many "))
	return b.String()
}

// TestExpressionsThatPassCompile makes expressions at random. Those that the checker lets through must be Go.
func TestExpressionsThatPassCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	seed := fromEnv(t, "CQRSGEN_SEED", uint64(time.Now().UnixNano()))
	t.Logf("CQRSGEN_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var passed [][2]string
	for i := 0; len(passed) < 150; i++ {
		require.Less(t, i, 100_000, "too few pass")
		passed = append(passed, passing(randomExpression(r, 1+r.IntN(3)), r)...)
	}
	src := expressionModel(passed)
	set, findings, err := gen.FromSource(modelFile, []byte(src))
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, findings.Write(&text))
	require.False(t, findings.Failed(), text.String())
	dir := filepath.Join(newModule(t), "expressions")
	require.NoError(t, os.Mkdir(dir, 0o755))
	_, err = output.Write(dir, *set)
	require.NoError(t, err)
	build := exec.Command("go", "build", "./...") // vet would say that x == x is always true
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s\n%v", out, passed)
}

// passing returns an expression with a place that takes it, if there is one: where another type is wanted, the message
// says which one the expression has.
func passing(x string, r *rand.Rand) [][2]string {
	place := expressionState[r.IntN(len(expressionState))]
	for range 2 {
		v := [][2]string{{place[0], x}}
		var d diag.List
		model.Resolve(schema.Parse(modelFile, []byte(expressionModel(v)), &d), &d, nil)
		if !d.Failed() {
			return v
		}
		is := givenType.FindStringSubmatch(d.Sorted()[0].Message)
		i := slices.IndexFunc(expressionState, func(f [2]string) bool { return is != nil && f[1] == is[1] })
		if i < 0 {
			return nil
		}
		place = expressionState[i]
	}
	return nil
}

var givenType = regexp.MustCompile("` is (.+), and .+ is wanted here$")

// FuzzAnyExpressionIsRefusedOrBecomesCleanGo takes arbitrary texts as the value of every place.
func FuzzAnyExpressionIsRefusedOrBecomesCleanGo(f *testing.F) {
	for _, s := range expressionSeeds {
		for _, x := range strings.Split(s, "\n") {
			f.Add(x, uint8(len(x)))
		}
	}
	f.Add("event.s = 'x' ? ${a} : b // c", uint8(0))
	f.Fuzz(func(t *testing.T, x string, place uint8) {
		v := [][2]string{{expressionState[int(place)%len(expressionState)][0], x}}
		set, findings, err := gen.FromSource(modelFile, []byte(expressionModel(v)))
		require.NoError(t, err)
		require.NotEqual(t, set == nil, !findings.Failed(), "neither Go nor an error")
		if set != nil {
			for name, content := range filesOf(set) {
				if strings.HasSuffix(name, ".go") {
					requireClean(t, name, content)
				}
			}
		}
	})
}

func TestNumbersKeepThePointThatTheyAreWrittenWith(t *testing.T) {
	set, findings, err := gen.FromSource(modelFile, []byte(expressionModel([][2]string{
		{"f", "event.f * (1 / 2.0)"}, {"ratio", "event.ratio + 0x10 * 2"},
	})))
	require.NoError(t, err)
	require.False(t, findings.Failed())
	folds := string(filesOf(set)["folds_gen.go"])
	assert.Contains(t, folds, "1/2.0", "1/2 would be 0 in Go")
	assert.Contains(t, folds, "16*2")
}
