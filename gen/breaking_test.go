package gen_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// breakingCases are a model before and after a small change each, and what is said about it.
const breakingCases = "../testdata/breaking/*.txtar"

// lockOf returns the lock file of a model, as it is shown of a branch.
func lockOf(t *testing.T, src []byte) diag.File {
	t.Helper()
	set, findings, err := gen.FromSource(modelFile, src)
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, findings.Write(&said))
	require.False(t, findings.Failed(), said.String())
	return diag.File{Name: "main:model.cqrs.lock", Src: set.Lock.Content}
}

// breakage is what programs read of a finding.
type breakage struct {
	Code, Severity, Message, Hint, Safe string
	Breaks                              []string
}

// broken returns what breaks, for people and for programs.
func broken(t *testing.T, src []byte, old diag.File) (said string, list []breakage, failed bool) {
	t.Helper()
	findings, err := gen.BreakingSources([]diag.File{{Name: modelFile, Src: src}}, old)
	require.NoError(t, err)
	var text, lines bytes.Buffer
	require.NoError(t, findings.Write(&text))
	require.NoError(t, findings.WriteJSON(&lines))
	for line := range bytes.Lines(lines.Bytes()) {
		var f breakage
		require.NoError(t, json.Unmarshal(line, &f))
		list = append(list, f)
	}
	return text.String(), list, findings.Failed()
}

func TestGoldenBreakingChangesAreNamedAndTheirRemediesMakeThemSafe(t *testing.T) {
	cases, err := filepath.Glob(breakingCases)
	require.NoError(t, err)
	require.Greater(t, len(cases), 40)
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			before, after := a.Files[0].Data, a.Files[1].Data
			old := diag.File{Name: a.Files[0].Name, Src: before}
			if strings.HasSuffix(old.Name, gen.Suffix) {
				old = lockOf(t, before)
				_, none, _ := broken(t, before, old)
				require.Empty(t, none, "a model breaks nothing of itself")
			}
			said, list, _ := broken(t, after, old)
			require.NotEmpty(t, list)
			if *update {
				a.Files[2].Data = []byte(said)
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o644))
			} else {
				assert.Equal(t, string(a.Files[2].Data), said, "make golden rewrites it")
			}
			remedied(t, after, old, list)
		})
	}
}

// remedied puts what is suggested over the model, which must then be valid, and break nothing more than what nothing was
// suggested for.
func remedied(t *testing.T, src []byte, old diag.File, list []breakage) {
	t.Helper()
	var model yaml.Node
	require.NoError(t, yaml.Unmarshal(src, &model))
	left := 0
	for _, f := range list {
		switch {
		case f.Safe != "":
			var over yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(f.Safe), &over), f.Safe)
			putOver(model.Content[0], over.Content[0])
		case f.Severity == "error":
			assert.NotEmpty(t, f.Hint, "%s says nothing of what to do", f.Message)
			left++
		}
	}
	safe, err := yaml.Marshal(&model)
	require.NoError(t, err)
	set, findings, err := gen.FromSource(modelFile, safe)
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, findings.Write(&said))
	require.False(t, findings.Failed(), "%s\n%s", said.String(), safe)
	require.NotNil(t, set)
	text, now, _ := broken(t, safe, old)
	for _, f := range now {
		if f.Severity == "error" {
			left--
		}
	}
	assert.Zero(t, left, "%s\n%s", text, safe)
}

// putOver puts YAML over other YAML: mappings are merged down to the steps of a history, everything else is replaced. What
// says the type of a field says it also where the field has more than a type.
func putOver(under, over *yaml.Node) {
	for i := 0; i < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		found := false
		for j := 0; j < len(under.Content); j += 2 {
			if under.Content[j].Value != key.Value {
				continue
			}
			found = true
			have := under.Content[j+1]
			switch {
			case have.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0:
				putOver(have, value)
			case have.Kind == yaml.MappingNode && value.Kind == yaml.ScalarNode && key.Value != "version":
				putOver(have, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "type"}, value}})
			default:
				under.Content[j+1] = value
			}
		}
		if !found {
			under.Content = append(under.Content, key, value)
		}
	}
}

// harmless is a model that is changed in ways that break nothing.
const harmless = `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
  Guest: {base: string}
  Currency: {enum: [EUR, USD]}
  Money: {fields: {amount: int64, currency: Currency}}
aggregates:
  Door:
    id: DoorID
    state: {open: bool}
    events:
      Opened:
        version: 2
        fields: {by: Guest, fee: Money, note: optional string, size: {type: int32, max: 9}}
        history:
          2: {renamed: {guest: by}, added: {size: 1}, removed: {row: int}}
        apply: {open: "true"}
      Closed: {}
    commands:
      Open: {fields: {by: {type: Guest, minLength: 2, maxLength: 9}, size: {type: int32, max: 9}}, emits: [Opened]}
      Close: {emits: [Closed]}
projections:
  Doors:
    key: {door: DoorID}
    row: {open: bool}
    on: {Opened: {key: {door: stream.id}}}
    ignore: [Closed]
`

func TestWhatIsSafePassesSilently(t *testing.T) {
	old := lockOf(t, []byte(harmless))
	for name, edit := range map[string][]string{
		"docs":                              {"package: door\n", "package: door\ndoc: Doors.\n"},
		"a comment":                         {"      Closed: {}", "      # It shuts.\n      Closed: {}"},
		"a tighter rule of an event":        {"note: optional string, size: {type: int32, max: 9}", "note: {type: optional string, maxLength: 3}, size: {type: int32, max: 1}"},
		"a looser rule of a command":        {"minLength: 2, maxLength: 9", "maxLength: 10"},
		"an optional field":                 {"note: optional string", "note: optional string, pin: optional int"},
		"another order of fields":           {"by: Guest, fee: Money", "fee: Money, by: Guest"},
		"another order of events":           {"      Closed: {}\n", "", "    events:\n", "    events:\n      Closed: {}\n"},
		"another order of an enum":          {"[EUR, USD]", "[USD, EUR]"},
		"another name of a type":            {"Guest", "Visitor"},
		"a scalar of its own":               {"by: Guest, fee", "by: string, fee"},
		"another name of the event in Go":   {"Opened:\n        version", "DoorOpened:\n        wire: Opened\n        version", "emits: [Opened]", "emits: [DoorOpened]", "on: {Opened:", "on: {DoorOpened:"},
		"an event that is new":              {"      Closed: {}\n", "      Closed: {}\n      Locked: {apply: {}}\n", "emits: [Closed]", "emits: [Closed, maybe Locked]", "[Closed]\n", "[Closed, Locked]\n"},
		"a version that adds":               {"version: 2\n        fields: {by: Guest", "version: 3\n        fields: {pin: int, by: Guest", "removed: {row: int}}", "removed: {row: int}}\n          3: {added: {pin: 0}}"},
		"a version that renames":            {"version: 2\n        fields: {by: Guest", "version: 3\n        fields: {who: Guest", "removed: {row: int}}", "removed: {row: int}}\n          3: {renamed: {by: who}}"},
		"a version that removes":            {"version: 2\n        fields: {by: Guest, fee: Money", "version: 3\n        fields: {by: Guest", "removed: {row: int}}", "removed: {row: int}}\n          3: {removed: {fee: Money}}"},
		"a version with an upcaster":        {"version: 2\n        fields: {by: Guest", "version: 3\n        fields: {by: int", "removed: {row: int}}", "removed: {row: int}}\n          3: {upcast: go, from: {by: Guest, fee: Money, note: optional string, size: int32}}"},
		"a fold":                            {`apply: {open: "true"}`, "apply: {}"},
		"a state":                           {"state: {open: bool}", "state: {open: bool, size: int}"},
		"a column that is new":              {"row: {open: bool}", "row: {open: bool, size: int}"},
		"an optional field of a command":    {"size: {type: int32, max: 9}}, emits", "size: {type: int32, max: 9}, note: optional string}, emits"},
		"a wider field of a command":        {"size: {type: int32, max: 9}}, emits", "size: {type: int64, max: 9}}, emits"},
		"a field that may be left out":      {"size: {type: int32, max: 9}}, emits", "size: {type: optional int32, max: 9}}, emits"},
		"another default of an older event": {"added: {size: 1}", "added: {size: 01}"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.NewReplacer(edit...).Replace(harmless)
			require.NotEqual(t, harmless, changed)
			said, list, _ := broken(t, []byte(changed), old)
			assert.Empty(t, list, said)
			_, findings, err := gen.FromSource(modelFile, []byte(changed))
			require.NoError(t, err)
			assert.False(t, findings.Failed(), changed)
		})
	}
}

func TestAPlanSaysWhatAReleaseDoesAndWhy(t *testing.T) {
	source := strings.Replace(harmless, "state: {open: bool}\n", "state: {open: bool}\n    snapshot: {every: 5}\n", 1)
	was := readLock(t, []byte(source))
	for name, x := range map[string]struct {
		edit                  []string
		aggregate, projection string // actions
		reasons               []string
	}{
		"docs":              {[]string{"package: door\n", "package: door\ndoc: Doors.\n"}, evolve.Nothing, evolve.Nothing, nil},
		"an optional field": {[]string{"note: optional string", "note: optional string, pin: optional int"}, evolve.Nothing, evolve.Nothing, nil},
		"a state": {[]string{"state: {open: bool}", "state: {open: bool, size: int}"}, evolve.Snapshots, evolve.Nothing,
			[]string{"the state has the new field size"}},
		"a declared fold": {[]string{`apply: {open: "true"}`, "apply: {}"}, evolve.Snapshots, evolve.Nothing,
			[]string{"how Opened changes the state"}},
		"a column": {[]string{"row: {open: bool}", "row: {open: bool, size: int}"}, evolve.Nothing, evolve.Rebuild,
			[]string{"the row has the new field size"}},
		"no column": {[]string{"key: {door: DoorID}", "key: {door: DoorID, at: time}", "{door: stream.id}", "{door: stream.id, at: meta.time}"},
			evolve.Nothing, evolve.Rebuild, []string{"the key has the new field at", "how Opened changes rows"}},
		"a type of a column": {[]string{"row: {open: bool}", "row: {open: string}"}, evolve.Nothing, evolve.Rebuild,
			[]string{"open of the row was bool, and is string"}},
		"a revision": {[]string{"  Doors:\n", "  Doors:\n    revision: 2\n"}, evolve.Nothing, evolve.Rebuild,
			[]string{"`revision` was 1, and is 2"}},
		"another event": {[]string{"    ignore: [Closed]\n", "", "stream.id}}}", "stream.id}}, Closed: {key: {door: stream.id}, delete: true}}"},
			evolve.Nothing, evolve.Rebuild, []string{"it folds Closed too"}},
		"a version": {[]string{"version: 2\n        fields: {by: Guest", "version: 3\n        fields: {pin: int, by: Guest", "removed: {row: int}}",
			"removed: {row: int}}\n          3: {added: {pin: 0}}"}, "", evolve.Rebuild, []string{"Opened has come from version 2 to 3"}},
		"an event that is read as nothing": {[]string{"Closed: {}", "Closed: {becomes: []}", "    ignore: [Closed]\n", "", "emits: [Closed]", "emits: [Opened]"},
			evolve.Snapshots, evolve.Nothing, []string{"Closed is read as nothing"}},
		"another name":  {[]string{"  Doors:\n", "  OpenDoors:\n"}, evolve.Nothing, evolve.Build, []string{"it is new: its rows are built from the whole log", "it is gone: its rows stay as they are in their stores, and nobody keeps them up to date"}},
		"personal data": {[]string{"by: Guest, fee", "by: {type: Guest, personal: true}, fee"}, "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.NewReplacer(x.edit...).Replace(source)
			require.NotEqual(t, source, changed)
			list := evolve.Plan(was, readLock(t, []byte(changed)))
			var reasons []string
			for _, o := range list {
				reasons = append(reasons, o.Reasons...)
			}
			if x.aggregate != "" {
				assert.Equal(t, x.aggregate, list[0].Action)
			}
			if x.projection != "" {
				assert.Equal(t, x.projection, list[1].Action)
				assert.Subset(t, reasons, x.reasons)
			}
			if name == "personal data" {
				assert.Contains(t, list[0].Notes, "by of Opened is a person's data from now on; events that are stored stay as they are")
			}
			for _, o := range list {
				assert.Equal(t, o.Action == evolve.Nothing, len(o.Reasons) == 0, "%v", o)
				assert.Equal(t, o.From == o.To, o.Action == evolve.Nothing, "%v", o)
			}
		})
	}
}

func TestAPlanPromisesNoPromotionWhereTheMeaningOfAFoldIsUnknown(t *testing.T) {
	was, is := readLock(t, []byte(harmless)), readLock(t, []byte(harmless))
	is.Projections[0].Rows = "ffffffff00000000"
	list := evolve.Plan(was, is)
	assert.Contains(t, list[1].Notes, "the meaning of its folds in Go is not known: nothing is promoted by itself until they compile")
	assert.NotContains(t, list[1].Notes, "it is promoted by itself, once it is built and a sample of its rows is right")
}

func readLock(t *testing.T, src []byte) *lock.Lock {
	t.Helper()
	l, err := lock.Read(lockOf(t, src).Src)
	require.NoError(t, err)
	return l
}

func TestAGoTypeThatIsWrittenInAnotherWayHasNoRemedyThatReadsItByItself(t *testing.T) {
	src := []byte(`cqrsgen: 1
package: host
types:
  HostID: {base: string}
  Where: {fields: {addr: go:net/netip.Addr}}
aggregates:
  Host:
    id: HostID
    events:
      Seen: {fields: {addr: go:net/netip.Addr}}
      Moved: {fields: {to: list of Where}}
    commands:
      See: {emits: [Seen]}
      Move: {emits: [Moved]}
`)
	old := lockOf(t, src)
	require.Contains(t, string(old.Src), "encoding: text")
	old.Src = bytes.Replace(old.Src, []byte("encoding: text"), []byte("encoding: json"), 1)
	said, list, failed := broken(t, src, old)
	assert.True(t, failed)
	require.Len(t, list, 2, said)
	for _, f := range list {
		assert.Contains(t, f.Message, "was go:net/netip.Addr written as json, and is written as text")
		assert.Empty(t, f.Safe)
		assert.Contains(t, f.Hint, "leave it as it was")
	}
}

func TestTypesThatHoldEachOtherTwiceAreSuggestedOnce(t *testing.T) {
	model := func(more, events string) []byte {
		return []byte("cqrsgen: 1\npackage: host\ntypes:\n  HostID: {base: string}\n" + more +
			"aggregates:\n  Host:\n    id: HostID\n    events:\n      Seen: {}\n" + events +
			"    commands:\n      See: {emits: [Seen]}\n")
	}
	src := model("", "")
	old := lockOf(t, src)
	const deep = 60
	var types bytes.Buffer
	for i := range deep {
		fmt.Fprintf(&types, "  T%d:\n    struct: true\n    fields:\n      a: T%[2]d\n      b: T%[2]d\n", i, i+1)
	}
	fmt.Fprintf(&types, "  T%d:\n    struct: true\n    fields:\n      a: string\n", deep)
	text := strings.Replace(string(old.Src), "\naggregates:\n", "\n"+types.String()+"aggregates:\n", 1)
	text = strings.Replace(text, "\n    events:\n", "\n    events:\n      Gone:\n        version: 1\n        fields:\n          x: T0\n", 1)
	old.Src = []byte(text)
	_, list, failed := broken(t, src, old)
	assert.True(t, failed)
	require.Len(t, list, 1)
	assert.Equal(t, deep+1, strings.Count(list[0].Safe, "fields: {a: "))
}
