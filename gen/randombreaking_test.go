package gen_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
	"github.com/cqrsgen/cqrsgen/gen/schema"
	"github.com/cqrsgen/cqrsgen/internal/soak"
)

// Where breaking objects to nothing, events of the old model are read by the new one; and what it suggests makes a model
// that is valid, and reads them. Reading is done here by a reader of its own, which knows models and no lock files.
func TestRandomChangesThatBreakNothingLeaveOldEventsReadable(t *testing.T) {
	seed := soak.Seed(t)
	rounds := soak.Rounds(400, 10_000)
	box := soak.Box(t, 2*time.Second, 3*time.Minute)
	var silent, objected, remedies, done int
	for i := 0; i < rounds && box.Open(); i++ {
		rng := rand.New(rand.NewPCG(seed+uint64(i), 1))
		before := newRandomModel(seed + uint64(i))
		was := resolved(t, []byte(before))
		if was == nil {
			continue
		}
		old, ok := lockIfNamed(was)
		if !ok {
			continue
		}
		after, ok := changed(t, rng, []byte(before))
		if !ok {
			continue
		}
		is := resolved(t, after)
		if is == nil {
			continue
		}
		done++
		said, list, failed := broken(t, after, old)
		context := func(src []byte) string {
			return fmt.Sprintf("seed %d\n%s\n%s", seed+uint64(i), said, diffOf(before, string(src)))
		}
		if !failed {
			silent++
			readsAll(t, rng, was, is, context(after))
			continue
		}
		objected++
		if safe, is := remedy(t, after, list, context); is != nil {
			remedies++
			_, left, _ := broken(t, safe, old)
			for _, f := range left {
				require.False(t, f.Severity == "error" && f.Safe != "", "%s\nafter the remedy: %s", context(safe), f.Message)
			}
			readsAll(t, rng, was, is, context(safe))
		}
	}
	box.Reached(done, rounds, fmt.Sprintf("changes of models, of which %d passed silently and %d with what was suggested", silent, remedies))
	require.Positive(t, silent)
	require.Positive(t, objected)
}

func diffOf(before, after string) string {
	had := map[string]bool{}
	for line := range strings.Lines(before) {
		had[strings.TrimSpace(line)] = true
	}
	var b strings.Builder
	for line := range strings.Lines(after) {
		if !had[strings.TrimSpace(line)] {
			b.WriteString("+ " + line)
		}
	}
	return b.String() + "\nof\n" + before
}

// resolved returns a model, nil if it is not valid.
func resolved(t *testing.T, src []byte) *model.Model {
	t.Helper()
	var list diag.List
	tree := schema.ParseBehind(0, modelFile, src, &list)
	m := model.Resolve(schema.Merge([]*schema.File{tree}, &list), &list, nil)
	if list.Failed() {
		return nil
	}
	return m
}

// lockIfNamed returns the lock file of a model whose Go names do not collide.
func lockIfNamed(m *model.Model) (diag.File, bool) {
	var list diag.List
	p := plan.New(m, &list)
	return diag.File{Name: "old.cqrs.lock", Src: lock.Write(p, []string{"app_gen.go"})}, !list.Failed()
}

// remedy returns the model with all that is suggested, nil where something is left that nothing is suggested for.
func remedy(t *testing.T, src []byte, list []breakage, context func([]byte) string) ([]byte, *model.Model) {
	t.Helper()
	var root yaml.Node
	require.NoError(t, yaml.Unmarshal(src, &root))
	for _, f := range list {
		if f.Severity == "error" && f.Safe == "" && !onlyReaders(f) {
			return nil, nil
		}
		if f.Safe != "" {
			var over yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(f.Safe), &over))
			putOver(root.Content[0], over.Content[0])
		}
	}
	safe, err := yaml.Marshal(&root)
	require.NoError(t, err)
	is := resolved(t, safe)
	if is == nil {
		_, findings, err := gen.FromSource(modelFile, safe)
		require.NoError(t, err)
		var said strings.Builder
		require.NoError(t, findings.Write(&said))
		require.Fail(t, "what is suggested makes no valid model", "%s\n%s", said.String(), context(safe))
	}
	return safe, is
}

func onlyReaders(f breakage) bool { return len(f.Breaks) == 1 && f.Breaks[0] == "readers" }

// changed makes a few random changes to the fields of events, and to types.
func changed(t *testing.T, rng *rand.Rand, src []byte) ([]byte, bool) {
	var root yaml.Node
	if yaml.Unmarshal(src, &root) != nil {
		return nil, false
	}
	var places []*yaml.Node // mappings of fields, and lists of enums
	top := root.Content[0]
	for _, typ := range valuesOf(keyOf(top, "types")) {
		for _, key := range []string{"fields", "enum", "base"} {
			if n := keyOf(typ, key); n != nil {
				places = append(places, n)
			}
		}
	}
	for _, a := range valuesOf(keyOf(top, "aggregates")) {
		for _, e := range valuesOf(keyOf(a, "events")) {
			if n := keyOf(e, "fields"); n != nil {
				places = append(places, n, n)
			}
		}
	}
	if len(places) == 0 {
		return nil, false
	}
	for range 1 + rng.IntN(3) {
		editPlace(rng, places[rng.IntN(len(places))])
	}
	out, err := yaml.Marshal(&root)
	require.NoError(t, err)
	return out, true
}

func editPlace(rng *rand.Rand, n *yaml.Node) {
	words := []string{"string", "bool", "int32", "int64", "uint32", "float64", "uuid", "date", "time", "decimal", "optional string",
		"list of int64", "set of string", "map of string to int32", "duration", "bytes"}
	typ := words[rng.IntN(len(words))]
	switch {
	case n.Kind == yaml.ScalarNode:
		n.Value = words[rng.IntN(10)]
	case n.Kind == yaml.SequenceNode && rng.IntN(2) == 0:
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "ADDED"})
	case n.Kind == yaml.SequenceNode && len(n.Content) > 1:
		n.Content = n.Content[1:]
	case n.Kind == yaml.MappingNode && (len(n.Content) == 0 || rng.IntN(4) == 0):
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "added"}, &yaml.Node{Kind: yaml.ScalarNode, Value: typ})
	case n.Kind == yaml.MappingNode:
		i := rng.IntN(len(n.Content)/2) * 2
		switch rng.IntN(4) {
		case 0:
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
		case 1:
			n.Content[i].Value += "Too"
		case 2:
			n.Content[i+1] = &yaml.Node{Kind: yaml.ScalarNode, Value: typ}
		default:
			j := rng.IntN(len(n.Content)/2) * 2
			n.Content[i], n.Content[j], n.Content[i+1], n.Content[j+1] = n.Content[j], n.Content[i], n.Content[j+1], n.Content[i+1]
		}
	}
}

func keyOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func valuesOf(n *yaml.Node) (list []*yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 1; i < len(n.Content); i += 2 {
		list = append(list, n.Content[i])
	}
	return list
}

// readsAll writes random events of each kind under one model, and reads them under another one.
func readsAll(t *testing.T, rng *rand.Rand, was, is *model.Model, context string) {
	t.Helper()
	for _, a := range was.Aggregates {
		for _, e := range a.Events {
			now := eventNamed(is, a.Name, e.Wire)
			require.NotNil(t, now, "%s of %s\n%s", e.Wire, a.Name, context)
			require.GreaterOrEqual(t, now.Version, e.Version, context)
			for range 4 {
				for version := 1; version <= e.Version; version++ {
					payload := map[string]any{}
					for _, f := range e.FieldsOf(version) {
						if v, ok := written(rng, f.Field.Type); ok {
							payload[f.Name] = v
						}
					}
					text, err := json.Marshal(payload)
					require.NoError(t, err)
					reason := unread(now, version, text)
					require.Empty(t, reason, "%s@%d: %s\n%s", e.Wire, version, text, context)
				}
			}
		}
	}
}

func eventNamed(m *model.Model, aggregate, wire string) *model.Event {
	for _, a := range m.Aggregates {
		for _, e := range a.Events {
			if a.Name == aggregate && e.Wire == wire {
				return e
			}
		}
	}
	return nil
}

// extremes are values of scalars that others can't hold.
var extremes = map[model.Kind][]any{
	model.String: {"", "no number", "x"}, model.Bool: {true, false}, model.Int: {json.Number("9223372036854775807"), 0},
	model.Int32: {-2147483648, 7}, model.Int64: {json.Number("-9223372036854775808"), 1}, model.Uint32: {4294967295, 0},
	model.Uint64: {json.Number("18446744073709551615"), 0}, model.Float64: {0.5, 1e300}, model.Bytes: {"aGVsbG8=", ""},
	model.Time: {"2026-03-01T10:00:00.000001Z"}, model.Duration: {json.Number("9223372036854775807"), 5},
	model.UUID: {"8c5a7d2e-4a0c-4b59-9a53-0d3f6b1c2a4e"}, model.Date: {"2026-03-01"}, model.Decimal: {"-12.5", "0"},
}

// written returns a value as it is written; false for an optional one that is left out.
func written(rng *rand.Rand, t model.Type) (any, bool) {
	switch t.Kind {
	case model.Optional:
		if rng.IntN(2) == 0 {
			return nil, false
		}
		return written(rng, *t.Elem)
	case model.List, model.Set:
		list := []any{}
		for range rng.IntN(3) {
			v, _ := written(rng, *t.Elem)
			if t.Kind == model.List || len(list) == 0 {
				list = append(list, v)
			}
		}
		return list, true
	case model.Map:
		entries := map[string]any{}
		for range rng.IntN(2) {
			key, _ := written(rng, *t.Key)
			v, _ := written(rng, *t.Elem)
			entries[fmt.Sprint(key)] = v
		}
		return entries, true
	case model.Ref:
		return writtenNamed(rng, t.Named), true
	}
	of := extremes[t.Kind]
	return of[rng.IntN(len(of))], true
}

func writtenNamed(rng *rand.Rand, n *model.Named) any {
	switch n.Kind {
	case model.Enum:
		return n.Values[rng.IntN(len(n.Values))].Name
	case model.Struct:
		fields := map[string]any{}
		for _, f := range n.Fields {
			if v, ok := written(rng, f.Type); ok {
				fields[f.Name] = v
			}
		}
		return fields
	}
	v, _ := written(rng, model.Type{Kind: n.Base})
	return v
}

// unread says why an event of a version can't be read; it is empty if it can.
func unread(e *model.Event, version int, text []byte) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err.Error()
	}
	for _, f := range e.FieldsOf(version) {
		v, there := fields[f.Name]
		switch {
		case there:
			if reason := unfit(v, f.Field.Type); reason != "" {
				return f.Name + ": " + reason
			}
		case f.Field.Type.Kind != model.Optional:
			return f.Name + " is missing"
		}
	}
	return ""
}

// unfit says why a value is none of a type.
func unfit(text json.RawMessage, t model.Type) string {
	switch t.Kind {
	case model.Optional:
		if string(text) == "null" {
			return ""
		}
		return unfit(text, *t.Elem)
	case model.List, model.Set:
		var list []json.RawMessage
		if json.Unmarshal(text, &list) != nil {
			return string(text) + " is no list"
		}
		for _, v := range list {
			if reason := unfit(v, *t.Elem); reason != "" {
				return reason
			}
		}
		return ""
	case model.Map:
		var entries map[string]json.RawMessage
		if json.Unmarshal(text, &entries) != nil {
			return string(text) + " is no map"
		}
		for key, v := range entries {
			quoted := json.RawMessage(strconv.Quote(key))
			if t.Key.Scalar().Integer() {
				quoted = json.RawMessage(key)
			}
			if reason := unfit(quoted, *t.Key); reason != "" {
				return reason
			}
			if reason := unfit(v, *t.Elem); reason != "" {
				return reason
			}
		}
		return ""
	case model.Ref:
		return unfitNamed(text, t.Named)
	}
	return unfitScalar(text, t.Kind)
}

func unfitNamed(text json.RawMessage, n *model.Named) string {
	switch n.Kind {
	case model.Enum:
		for _, v := range n.Values {
			if strconv.Quote(v.Name) == string(text) {
				return ""
			}
		}
		return string(text) + " is none of " + n.Name
	case model.Struct:
		var fields map[string]json.RawMessage
		if json.Unmarshal(text, &fields) != nil {
			return string(text) + " is no struct"
		}
		for _, f := range n.Fields {
			v, there := fields[f.Name]
			switch {
			case there:
				if reason := unfit(v, f.Type); reason != "" {
					return f.Name + ": " + reason
				}
			case f.Type.Kind != model.Optional:
				return f.Name + " is missing"
			}
		}
		return ""
	}
	return unfitScalar(text, n.Base)
}

// looks are how scalars look that are strings in JSON.
var looks = map[model.Kind]*regexp.Regexp{
	model.String: regexp.MustCompile(``), model.Bytes: regexp.MustCompile(`^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`),
	model.Time: regexp.MustCompile(`^\d{4}-\d\d-\d\dT[\d:.]+Z$`), model.UUID: regexp.MustCompile(`^[0-9a-f-]{36}$`),
	model.Date: regexp.MustCompile(`^\d{4}-\d\d-\d\d$`), model.Decimal: regexp.MustCompile(`^-?\d+(\.\d+)?$`),
}

func unfitScalar(text json.RawMessage, kind model.Kind) string {
	no := fmt.Sprintf("%s is no %s", text, kind)
	if form := looks[kind]; form != nil {
		var s string
		if json.Unmarshal(text, &s) != nil || !form.MatchString(s) {
			return no
		}
		return ""
	}
	if kind == model.Bool {
		if s := string(text); s != "true" && s != "false" {
			return no
		}
		return ""
	}
	if kind == model.Float64 {
		if _, err := strconv.ParseFloat(string(text), 64); err != nil {
			return no
		}
		return ""
	}
	low, high := big.NewInt(math.MinInt64), new(big.Int).SetInt64(math.MaxInt64)
	switch kind {
	case model.Int32:
		low, high = big.NewInt(math.MinInt32), big.NewInt(math.MaxInt32)
	case model.Uint32:
		low, high = new(big.Int), big.NewInt(math.MaxUint32)
	case model.Uint64:
		low, high = new(big.Int), new(big.Int).SetUint64(math.MaxUint64)
	}
	x, ok := new(big.Int).SetString(string(text), 10)
	if !ok || x.Cmp(low) < 0 || x.Cmp(high) > 0 {
		return no
	}
	return ""
}
