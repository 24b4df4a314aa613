package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// planned is a model in which everything is declared.
const planned = `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
  Guest: {base: string}
  Currency: {enum: [EUR, USD]}
  Money: {fields: {amount: int64, currency: Currency}}
aggregates:
  Door:
    id: DoorID
    snapshot: {every: 5}
    state: {open: bool, paid: Money, visits: int64}
    lifecycle: [fresh, used]
    events:
      Opened:
        version: 2
        fields: {by: Guest, fee: Money, note: optional string}
        history:
          2: {renamed: {guest: by}, added: {fee: {amount: 1, currency: EUR}}, removed: {row: int}}
        moves: any -> used
        apply: {open: "true", paid: event.fee}
      Closed: {apply: {open: "false"}}
      Bent: {becomes: []}
    commands:
      Open: {fields: {by: Guest, fee: Money}, creates: true, emits: [Opened]}
      Close: {emits: [Closed]}
projections:
  Doors:
    key: {door: DoorID}
    row: {open: bool, paid: Money, by: string}
    on:
      Opened: {key: {door: stream.id}, set: {open: "true", paid: event.fee}}
      Closed: {key: {door: stream.id}, set: {open: "false"}}
`

// releases are changes of the model, each with what is replaced by what.
var releases = []struct {
	name string
	edit []string
}{
	{"documentation", []string{"package: door\n", "package: door\ndoc: Doors.\n"}},
	{"an optional field of an event", []string{"note: optional string", "note: optional string, pin: optional int"}},
	{"another order of events", []string{"      Closed: {apply: {open: \"false\"}}\n", "", "    events:\n", "    events:\n      Closed: {apply: {open: \"false\"}}\n"}},
	{"another order of folds", []string{"      Closed: {key: {door: stream.id}, set: {open: \"false\"}}\n", "", "    on:\n", "    on:\n      Closed: {key: {door: stream.id}, set: {open: \"false\"}}\n"}},
	{"another order of commands", []string{"      Close: {emits: [Closed]}\n", "", "    commands:\n", "    commands:\n      Close: {emits: [Closed]}\n"}},
	{"a field of the state", []string{"visits: int64}", "visits: int64, size: int}"}},
	{"a field of the state is gone", []string{", visits: int64}", "}"}},
	{"another type of a field of the state", []string{"visits: int64}", "visits: string}"}},
	{"another order of the state", []string{"state: {open: bool, paid: Money,", "state: {paid: Money, open: bool,"}},
	{"another name for a type of the state", []string{"visits: int64}", "visits: Count}", "types:\n", "types:\n  Count: {base: int64}\n"}},
	{"a declared fold of a state", []string{"Closed: {apply: {open: \"false\"}}", "Closed: {apply: {open: \"true\"}}"}},
	{"a fold of a state becomes Go", []string{"Closed: {apply: {open: \"false\"}}", "Closed: {}"}},
	{"a phase", []string{"[fresh, used]", "[fresh, worn, used]", "Closed: {apply:", "Closed: {moves: any -> worn, apply:"}},
	{"an event moves no more", []string{"        moves: any -> used\n", "", "Closed: {apply:", "Closed: {moves: any -> used, apply:"}},
	{"no snapshots", []string{"    snapshot: {every: 5}\n", ""}},
	{"an event that is new, and folded", []string{"      Bent: {becomes: []}\n", "      Bent: {becomes: []}\n      Locked: {apply: {}}\n", "emits: [Closed]", "emits: [Closed, maybe Locked]", "    on:\n", "    on:\n      Locked: {key: {door: stream.id}, delete: true}\n"}},
	{"a former event is itself again", []string{"Bent: {becomes: []}", "Bent: {apply: {}, retired: true}", "    on:\n", "    ignore: [Bent]\n    on:\n"}},
	{"an event is read as nothing", []string{"      Closed: {apply: {open: \"false\"}}", "      Closed: {becomes: []}", "      Closed: {key: {door: stream.id}, set: {open: \"false\"}}\n", "", "      Close: {emits: [Closed]}\n", ""}},
	{"a version that adds", []string{"version: 2\n        fields: {by: Guest", "version: 3\n        fields: {pin: int, by: Guest", "removed: {row: int}}\n", "removed: {row: int}}\n          3: {added: {pin: 0}}\n"}},
	{"another value in a step", []string{"fee: {amount: 1,", "fee: {amount: 2,"}},
	{"another value of a struct in a step", []string{"  Money: {fields: {amount: int64, currency: Currency}}", "  Money: {fields: {amount: int64, currency: Currency, tip: optional int64}}"}},
	{"an event under another name", []string{"Opened:\n        version", "Unlocked:\n        wire: Opened\n        version", "emits: [Opened]", "emits: [Unlocked]", "Opened: {key", "Unlocked: {key"}},
	{"an event stored under another name", []string{"      Closed: {apply:", "      Closed: {wire: Shut, apply:"}},
	{"a value of an enum", []string{"[EUR, USD]", "[EUR, USD, GBP]"}},
	{"another order of an enum", []string{"[EUR, USD]", "[USD, EUR]"}},
	{"another order of a struct", []string{"{amount: int64, currency: Currency}", "{currency: Currency, amount: int64}"}},
	{"a column", []string{"row: {open: bool", "row: {visits: int64, last: optional time, open: bool"}},
	{"a column and what sets it", []string{"row: {open: bool", "row: {shut: bool, open: bool", "set: {open: \"false\"}", "set: {open: \"false\", shut: \"true\"}"}},
	{"a column and an event that is new", []string{"row: {open: bool", "row: {locked: Currency, open: bool", "      Bent: {becomes: []}\n",
		"      Bent: {becomes: []}\n      Locked: {apply: {}}\n", "emits: [Closed]", "emits: [Closed, maybe Locked]", "    on:\n",
		"    on:\n      Locked: {key: {door: stream.id}, set: {locked: Currency.EUR}}\n"}},
	{"a column of another type", []string{"by: string}", "by: int64}"}},
	{"a column of another type that is read alike", []string{"by: string}", "by: Guest}"}},
	{"a column is gone", []string{", by: string}", "}"}},
	{"another order of columns", []string{"row: {open: bool, paid: Money,", "row: {paid: Money, open: bool,"}},
	{"a column is optional", []string{"by: string}", "by: optional string}"}},
	{"another key", []string{"key: {door: DoorID}", "key: {door: DoorID, day: time}", "{door: stream.id}", "{door: stream.id, day: meta.time}"}},
	{"a column is searched", []string{"by: string}", "by: {type: string, search: text}}"}},
	{"a declared fold", []string{"set: {open: \"false\"}", "set: {open: \"true\"}"}},
	{"a fold becomes Go", []string{"Closed: {key: {door: stream.id}, set: {open: \"false\"}}", "Closed: {key: {door: stream.id}}"}},
	{"a condition", []string{"Closed: {key: {door: stream.id}, set", "Closed: {key: {door: stream.id}, where: row.open, set"}},
	{"an event is folded no more", []string{"      Closed: {key: {door: stream.id}, set: {open: \"false\"}}\n", "    ignore: [Closed]\n"}},
	{"a revision", []string{"  Doors:\n", "  Doors:\n    revision: 2\n"}},
	{"an operator promotes", []string{"  Doors:\n", "  Doors:\n    promote: manual\n    revision: 2\n"}},
	{"inline", []string{"  Doors:\n", "  Doors:\n    mode: inline\n"}},
	{"inline, and another fold", []string{"  Doors:\n", "  Doors:\n    mode: inline\n    revision: 2\n"}},
	{"a projection is new", []string{"projections:\n", "projections:\n  Halls:\n    key: {door: DoorID}\n    row: {open: bool}\n    on: {Opened: {key: {door: stream.id}, set: {open: \"true\"}}}\n    ignore: [Closed]\n"}},
	{"a projection under another name", []string{"  Doors:\n", "  Gates:\n"}},
	{"an aggregate is new", []string{"aggregates:\n", "aggregates:\n  Hall:\n    id: DoorID\n    events: {Swept: {apply: {}}}\n    commands: {Sweep: {emits: [Swept]}}\n"}},
	{"an aggregate under another name", []string{"  Door:\n", "  Gate:\n"}},
	{"a person's data", []string{"fields: {by: Guest, fee: Money}, creates", "fields: {by: {type: Guest, personal: true}, fee: Money}, creates", "fields: {by: Guest, fee: Money, note", "fields: {by: {type: Guest, personal: true}, fee: Money, note"}},
	{"a person's data in rows", []string{"by: string}", "by: {type: string, personal: true}}"}},
}

const notInLock = "the lock file does not say"

func TestGoldenAPlanGivesTheWholeReasonForEachChange(t *testing.T) {
	was := readLock(t, []byte(planned))
	var said strings.Builder
	for _, r := range releases {
		changed := strings.NewReplacer(r.edit...).Replace(planned)
		for i := 0; i < len(r.edit); i += 2 {
			require.Contains(t, planned, r.edit[i], r.name)
		}
		list := evolve.Plan(was, readLock(t, []byte(changed)))
		said.WriteString(r.name + "\n" + evolve.Text(list) + "\n")
		for _, o := range list {
			assert.False(t, o.Action == evolve.Nothing && o.From == o.To && len(o.Reasons) > 0, "%s: %v", r.name, o)
			assert.Equal(t, o.From != o.To || o.Action == evolve.Rebuild, len(o.Reasons) > 0, "%s: %v", r.name, o)
		}
	}
	assert.NotContains(t, said.String(), notInLock)
	goldenText(t, "../testdata/plan/declared.txt", said.String())
}

func goldenText(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "make golden rewrites it")
}

// inGoFiles is a model with functions in Go, and the functions.
var inGoFiles = map[string]string{
	"go.mod": "module example.org/door\n\ngo 1.26\n",
	"model.cqrs.yaml": `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
  Guest: {base: string}
  Size: {base: int64}
aggregates:
  Door:
    id: DoorID
    snapshot: {every: 5}
    state: {open: bool, size: Size}
    events:
      Opened:
        version: 2
        fields: {by: Guest}
        history: {2: {upcast: go, from: {guest: Guest}}}
      Closed: {apply: {open: "false"}}
      Slammed: {becomes: [Closed]}
    commands:
      Open: {fields: {by: Guest}, creates: true, emits: [Opened]}
      Close: {emits: [Closed]}
projections:
  Doors:
    key: {door: DoorID}
    row: {open: bool}
    on:
      Opened: {key: {door: stream.id}}
      Closed: {key: {door: stream.id}, set: {open: "false"}}
`,
	"door.go": `package door

type Door struct{}

func (Door) ApplyOpened(s *DoorState, e *Opened) error {
	s.Open = yes()
	return nil
}

type Doors struct{}

func (Doors) Opened(row *DoorsRow, e *Opened) error {
	row.Open = yes()
	return nil
}

type Upcasters struct{}

func (Upcasters) OpenedV1(e OpenedV1) (Opened, error) { return Opened{By: e.Guest}, nil }

func (Upcasters) Slammed(e Slammed) (Closed, error) { return Closed{}, nil }

func yes() bool { return true }
`,
}

func TestGoldenAPlanTellsAFoldInGoFromWhatItIsGiven(t *testing.T) {
	const model, code = "model.cqrs.yaml", "door.go"
	was := writtenLock(t, inGoFiles)
	require.NotContains(t, string(was.Text()), "ffffffff", "everything is written")
	var said strings.Builder
	for _, r := range []struct{ name, file, from, to string }{
		{"a comment", code, "type Door struct", "// Door decides.\ntype Door struct"},
		{"a fold of a state", code, "s.Open = yes()", "s.Open = !yes()"},
		{"a fold of rows", code, "row.Open = yes()", "row.Open = !yes()"},
		{"what both call", code, "return true", "return false"},
		{"a column", model, "row: {open: bool}", "row: {open: bool, by: string}"},
		{"a field of the state", model, "state: {open: bool,", "state: {visits: int64, open: bool,"},
		{"an optional field of the event", model, "fields: {by: Guest}\n        history", "fields: {by: Guest, note: optional string}\n        history"},
		{"a rule of a type of the event", model, "Guest: {base: string}", "Guest: {base: string, maxLength: 7}"},
		{"a rule of a type of the state", model, "Size: {base: int64}", "Size: {base: int64, min: 1}"},
		{"an upcaster", code, "By: e.Guest", "By: e.Guest + \"!\""},
		{"what an event is read as", code, "return Closed{}, nil", "return Closed{}, error(nil)"},
		{"a fold that is declared now", model, "Opened: {key: {door: stream.id}}", "Opened: {key: {door: stream.id}, set: {open: \"true\"}}"},
		{"a fold that is the team's now, and not written", model, "set: {open: \"false\"}", ""},
		{"a fold that does not compile", code, "row.Open = yes()", "row.Open = maybe()"},
		{"an event has another name, and its folds have not", model, "Opened", "Unlocked"},
		{"a version that adds", model, "version: 2\n        fields: {by: Guest}\n", "version: 3\n        fields: {by: Guest, size: int}\n"},
		{"an event is read as something else", model, "becomes: [Closed]", "becomes: [maybe Closed]"},
	} {
		if testing.Short() && r.file == model && r.name != "a column" {
			continue
		}
		files := map[string]string{}
		for name, text := range inGoFiles {
			files[name] = text
		}
		require.Contains(t, files[r.file], r.from, r.name)
		files[r.file] = strings.ReplaceAll(files[r.file], r.from, r.to)
		files[model] = strings.Replace(files[model], "2: {upcast: go, from: {guest: Guest}}}", "2: {upcast: go, from: {guest: Guest}}"+
			map[bool]string{true: ", 3: {added: {size: 1}}"}[strings.Contains(files[model], "version: 3")]+"}", 1)
		is := writtenLock(t, files)
		said.WriteString(r.name + "\n" + evolve.Text(evolve.Plan(was, is)) + "\n")
		if r.name == "a column" {
			assert.NotContains(t, evolve.Text(evolve.Plan(was, is)), "in Go", "its folds do what they did")
		}
		back := evolve.Text(evolve.Plan(is, was))
		assert.NotContains(t, back, notInLock, r.name)
	}
	assert.NotContains(t, said.String(), notInLock)
	if !testing.Short() {
		goldenText(t, "../testdata/plan/go.txt", said.String())
	}
}

// writtenLock is the lock file of a model whose functions are in Go.
func writtenLock(t *testing.T, files map[string]string) *lock.Lock {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	set, findings, err := gen.Load(filepath.Join(dir, "model.cqrs.yaml"))
	require.NoError(t, err)
	var said strings.Builder
	require.NoError(t, findings.Write(&said))
	require.NotNil(t, set, said.String())
	l, err := lock.Read(set.Lock.Content)
	require.NoError(t, err)
	return l
}

func TestAPlanNamesTheModulesThatFoldsReach(t *testing.T) {
	text := strings.Replace(string(lockOf(t, []byte(planned)).Src), "    on:\n", "    modules:\n      \"example.org/round\": \"v1.2.0\"\n    on:\n", 1)
	was, err := lock.Read([]byte(text))
	require.NoError(t, err)
	for version, reason := range map[string]string{
		"v1.3.0":                     "the module example.org/round, which folds in Go reach, was v1.2.0, and is v1.3.0",
		"=> example.org/fork@v1.2.0": "the module example.org/round, which folds in Go reach, was v1.2.0, and is => example.org/fork@v1.2.0",
	} {
		is, err := lock.Read([]byte(strings.Replace(text, "v1.2.0", version, 1)))
		require.NoError(t, err)
		is.Projections[0].Rows = "0123456789abcdef"
		assert.Equal(t, []string{reason}, evolve.Plan(was, is)[1].Reasons)
	}
	is := readLock(t, []byte(planned))
	is.Projections[0].Rows = "0123456789abcdef"
	assert.Equal(t, []string{"folds in Go do not reach the module example.org/round any more"}, evolve.Plan(was, is)[1].Reasons)
	assert.Equal(t, []string{"folds in Go reach the module example.org/round v1.2.0, which is new to them"},
		evolve.Plan(is, was)[1].Reasons)
}

func TestAPlanOfALockFileThatSaysLessOfFunctionsSaysSo(t *testing.T) {
	was, is := writtenLock(t, inGoFiles), writtenLock(t, inGoFiles)
	for _, f := range []*lock.Entry{&was.Projections[0].Functions[0]} {
		f.Text, _, _ = strings.Cut(f.Text, " ")
	}
	is.Projections[0].Rows = "0123456789abcdef"
	list := evolve.Plan(was, is)
	require.Len(t, list[1].Reasons, 1)
	assert.Contains(t, list[1].Reasons[0], notInLock)
}

func TestWhatBreaksIsCountedByWhomItConcerns(t *testing.T) {
	old := lockOf(t, []byte(planned))
	changed := strings.NewReplacer("      Closed: {apply:", "      Closed: {wire: Shut, apply:", "row: {open: bool, paid: Money, by: string}",
		"row: {open: bool, paid: Money}", "      Close: {", "      Shut: {").Replace(planned)
	findings, err := gen.BreakingSources([]diag.File{{Name: modelFile, Src: []byte(changed)}}, old)
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, modelFile)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o644))
	release, _, err := gen.Planned(file, &old)
	require.NoError(t, err)
	assert.True(t, findings.Failed())
	assert.Equal(t, evolve.Breakage{
		Errors: 2, Warnings: 1, Who: []string{evolve.Stored, evolve.Running, evolve.Readers}, Maybe: []string{evolve.Views},
	}, release.Breakage)
	assert.True(t, release.Breakage.Stops())
	assert.False(t, evolve.Breakage{Errors: 1, Who: []string{evolve.Readers}}.Stops())
}

func TestMistakesInScenariosAreWarningsWhereModelsAreCompared(t *testing.T) {
	old := lockOf(t, []byte(planned))
	src := strings.ReplaceAll(planned, "note: optional string", "remark: optional string") +
		"scenarios:\n  It closes:\n    given: [Opened: {by: Ada, note: late}]\n    whan: {Close: {}}\n# behind it\n"
	said, list, failed := broken(t, []byte(src), old)
	assert.True(t, failed)
	var codes []string
	for _, f := range list {
		codes = append(codes, f.Code+" "+f.Severity)
	}
	assert.Subset(t, codes, []string{diag.FieldRenamed + " error", diag.ScenarioField + " warning"}, said)
	_, list, failed = broken(t, []byte(strings.Replace(src, "fee: Money, remark", "fee: Monney, remark", 1)), old)
	assert.True(t, failed)
	for _, f := range list {
		assert.False(t, strings.HasPrefix(f.Code, "CQ21"), "what is wrong with the model is to be mended first")
	}
}
