package plan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

func TestNamesBecomeGoNames(t *testing.T) {
	for name, tt := range map[string]struct{ exported, unexported, snake, words string }{
		"lastMovement":      {"LastMovement", "lastMovement", "last_movement", "last movement"},
		"InsufficientFunds": {"InsufficientFunds", "insufficientFunds", "insufficient_funds", "insufficient funds"},
		"customerId":        {"CustomerID", "customerId", "customer_id", "customer Id"},
		"AccountID":         {"AccountID", "accountID", "account_id", "account ID"},
		"URLList":           {"URLList", "urlList", "url_list", "URL list"},
		"httpUrl":           {"HTTPURL", "httpUrl", "http_url", "http Url"},
		"x":                 {"X", "x", "x", "x"},
		"A1B2":              {"A1B2", "a1B2", "a1_b2", "a1 b2"},
		"in_progress":       {"InProgress", "inprogress", "in_progress", "in progress"},
		"_y__z_":            {"YZ", "yz", "y_z", "y z"},
		"0150":              {"0150", "0150", "0150", "0150"},
		"OrderTest":         {"OrderTest", "orderTest", "order_test_model", "order test"},
		"RobotArm":          {"RobotArm", "robotArm", "robot_arm_model", "robot arm"},
		"TeamIos":           {"TeamIos", "teamIos", "team_ios_model", "team ios"},
		"Linux":             {"Linux", "linux", "linux", "linux"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.exported, exported(name))
			assert.Equal(t, tt.unexported, unexported(name))
			assert.Equal(t, tt.snake, snake(name))
			assert.Equal(t, tt.words, words(name))
		})
	}
}

// planOf plans a model, and returns the findings that planning it adds.
func planOf(t *testing.T, src string) (*Plan, string) {
	t.Helper()
	var d diag.List
	m := model.Resolve(schema.Parse("m.cqrs.yaml", []byte(src), &d), &d, nil)
	var b strings.Builder
	require.NoError(t, d.Write(&b, "m.cqrs.yaml", []byte(src)))
	require.NotNil(t, m, b.String())
	p := New(m, &d)
	b.Reset()
	require.NoError(t, d.Write(&b, "m.cqrs.yaml", []byte(src)))
	return p, b.String()
}

const base = `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
  Color: {enum: [RED, GREEN]}
  Size: {fields: {width: int64, height: int64}}
aggregates:
  Door:
    id: DoorID
    state: {open: bool, size: Size, colors: list of Color}
    snapshot: {every: 10}
    events:
      Opened: {fields: {by: string, size: Size}}
      Closed: {}
    commands:
      Open: {fields: {by: string}, emits: [Opened]}
      Close: {emits: [Closed]}
projections:
  Visits:
    key: {by: string}
    row: {times: int64, size: optional Size}
    on: {Opened: {key: {by: event.by}}}
    ignore: [Closed]
`

func fingerprints(t *testing.T, src string) (state, rows string) {
	t.Helper()
	p, findings := planOf(t, src)
	require.Empty(t, findings)
	return p.Aggregates[0].Fingerprint, p.Projections[0].Fingerprint
}

func TestFingerprintsFollowTheShapeAndNothingElse(t *testing.T) {
	state, rows := fingerprints(t, base)
	assert.Regexp(t, `^[0-9a-f]{16}$`, state)
	assert.Regexp(t, `^[0-9a-f]{16}$`, rows)
	assert.NotEqual(t, state, rows)
	for name, tt := range map[string]struct {
		from, to      string
		state, shapes bool // whether the fingerprint of the state, of the rows, changes
	}{
		"a doc":            {"{base: string}", "{base: string, doc: Names a door.}", false, false},
		"a rule":           {"{width: int64, ", "{width: {type: int64, min: 1}, ", false, false},
		"a doc of a field": {"row: {times: int64", "row: {times: {type: int64, doc: How often.}", false, false},
		"order of types": {
			"  DoorID: {base: string}\n  Color: {enum: [RED, GREEN]}\n",
			"  Color: {enum: [RED, GREEN]}\n  DoorID: {base: string}\n",
			false, false,
		},
		"order of commands": {
			"      Open: {fields: {by: string}, emits: [Opened]}\n      Close: {emits: [Closed]}\n",
			"      Close: {emits: [Closed]}\n      Open: {fields: {by: string}, emits: [Opened]}\n",
			false, false,
		},
		"an index": {
			"    ignore: [Closed]\n",
			"    ignore: [Closed]\n    indexes: [[times]]\n",
			false, false,
		},
		"snapshots": {"every: 10", "every: 20", false, false},
		"a command": {
			"Open: {fields: {by: string}",
			"Open: {fields: {by: string, why: string}",
			false, false,
		},
		"a state field's name": {"{open: bool", "{isOpen: bool", true, false},
		"a state field's type": {"{open: bool", "{open: int64", true, false},
		"a new state field":    {"{open: bool", "{shut: bool, open: bool", true, false},
		"the first revision": {
			"    ignore: [Closed]\n",
			"    ignore: [Closed]\n    revision: 1\n",
			false, false,
		},
		"another revision": {
			"    ignore: [Closed]\n",
			"    ignore: [Closed]\n    revision: 2\n",
			false, true,
		},
		"an enum's values": {"[RED, GREEN]", "[RED, GREEN, BLUE]", true, false},
		"a struct in both": {"width: int64", "width: int32", true, true},
		"a row's name":     {"row: {times", "row: {count", false, true},
		"a row's type":     {"row: {times: int64", "row: {times: uint64", false, true},
		"optional":         {"size: optional Size", "size: Size", false, true},
		"a key's name": {
			"key: {by: string}\n    row: {times: int64, size: optional Size}\n    on: {Opened: {key: {by:",
			"key: {who: string}\n    row: {times: int64, size: optional Size}\n    on: {Opened: {key: {who:",
			false, true,
		},
		"where a key is from": {"{by: event.by}", "{by: meta.actor}", false, true},
		"one more event folded": {
			"{key: {by: event.by}}}\n    ignore: [Closed]",
			"{key: {by: event.by}}, Closed: {key: {by: meta.actor}}}",
			false, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(base, tt.from))
			newState, newRows := fingerprints(t, strings.Replace(base, tt.from, tt.to, 1))
			assert.Equal(t, tt.state, state != newState, "state")
			assert.Equal(t, tt.shapes, rows != newRows, "rows")
		})
	}
}

func TestGoNamesThatCollideAreReported(t *testing.T) {
	types := "  DoorID: {base: string}\n"
	for name, tt := range map[string]struct{ from, to, want string }{
		"type and state":        {types, types + "  DoorState: {base: string}\n", "DoorState"},
		"type and wiring":       {types, types + "  App: {base: string}\n", "App"},
		"type and enum's value": {types, types + "  ColorRED: {base: string}\n", "ColorRED"},
		"type and row":          {types, types + "  VisitsRow: {base: string}\n", "VisitsRow"},
		"command and App":       {"  Visits:\n", "  Run:\n", "Run"},
		"command and Load":      {"      Close:", "      Load:", "Load"},
		"command and fold":      {"      Close:", "      ApplyOpened:", "ApplyOpened"},
		"command and vet":       {"      Close:", "      WriteByte:", "WriteByte"},
		"field and method": {
			"Opened: {fields: {by: string",
			"Opened: {fields: {by: string, decodeJSON: string",
			"DecodeJSON",
		},
		"a field by initialisms": {
			"Opened: {fields: {by: string",
			"Opened: {fields: {by: string, appendJson: string",
			"AppendJSON",
		},
		"a pattern and a parser": {types, types + "  OrderPattern: {base: string}\n  ParseOrder: {base: string, pattern: x}\n", "parseOrderPattern"},
		"the finders of indexes": {
			"row: {times: int64,",
			"row: {timesOrderedBySize: int64, times: int64, size: int64}\n    indexes: [[times, size], [timesOrderedBySize]]\n    #",
			"ByTimesOrderedBySize",
		},
		"a result and a command": {
			"emits: [Closed]}\n",
			"emits: [maybe Closed]}\n      CloseResult: {emits: [Closed]}\n",
			"CloseResult",
		},
		"a read model and a type": {types, types + "  VisitsModel: {base: string}\n", "VisitsModel"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(base, tt.from))
			_, findings := planOf(t, strings.Replace(base, tt.from, tt.to, 1))
			assert.Contains(t, findings, "CQ1501 the Go name "+tt.want+" of ")
			assert.Equal(t, 1, strings.Count(findings, "CQ1501"), findings)
		})
	}
}

func TestUnexportedNamesGiveWay(t *testing.T) {
	src := strings.NewReplacer(
		"  DoorID: {base: string}\n", "  DoorID: {base: string}\n  AccountID: {base: string, pattern: x}\n  Account: {fields: {id: {type: string, pattern: x}}}\n",
		"Opened", "Type", "Closed", "Decider",
	).Replace(base)
	p, findings := planOf(t, src)
	require.NotContains(t, findings, "CQ1501")
	assert.Equal(t, "accountIDPattern", p.Types[1].Pattern)
	assert.Equal(t, "accountIDPattern2", p.Types[2].Fields[0].Pattern)
	assert.Equal(t, "typeEvent", p.Aggregates[0].Events[0].Scratch)
	assert.Equal(t, "deciderEvent", p.Aggregates[0].Events[1].Scratch)
}

func TestOnlyHelpersThatAreCalledArePlanned(t *testing.T) {
	p, _ := planOf(t, strings.Replace(base, "    snapshot: {every: 10}\n", "", 1))
	color, size := p.Types[1], p.Types[2]
	assert.False(t, color.Check || color.Write || color.Read, "a state without snapshots is never stored")
	assert.True(t, size.Write && size.Read)
	assert.False(t, size.Check, "no command holds it")
}
