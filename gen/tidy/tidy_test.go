package tidy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/tidy"
)

// tidied returns the canonical form of a valid file, which is its own canonical form.
func tidied(t testing.TB, src string) string {
	t.Helper()
	once, err := tidy.Model("m.cqrs.yaml", []byte(src), new(diag.List))
	require.NoError(t, err, src)
	require.NotNil(t, once, src)
	twice, err := tidy.Model("m.cqrs.yaml", once, new(diag.List))
	require.NoError(t, err)
	require.Equal(t, string(once), string(twice), "the canonical form has another one")
	return string(once)
}

func goldenModels(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/golden/*/*.cqrs.yaml")
	require.NoError(t, err)
	examples, err := filepath.Glob("../../example/*/*.cqrs.yaml")
	require.NoError(t, err)
	return append(files, examples...)
}

func TestEveryGoldenModelHasACanonicalForm(t *testing.T) {
	for _, file := range goldenModels(t) {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		var d diag.List
		out, err := tidy.Model(filepath.Base(file), src, &d)
		if d.Failed() {
			assert.Nil(t, out, file)
			continue
		}
		require.NoError(t, err, file)
		assert.NotEmpty(t, out, file)
		tidied(t, string(src))
	}
}

func TestTheExampleIsInItsCanonicalForm(t *testing.T) {
	examples, err := filepath.Glob("../../example/*/*.cqrs.yaml")
	require.NoError(t, err)
	for _, file := range examples {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, tidied(t, string(src)), string(src), "cqrsgen fmt %s", strings.TrimPrefix(file, "../../"))
	}
}

// Whatever is not about layout stands in a head and a tail, which are in canonical form.
const (
	head = "cqrsgen: 1\npackage: door\n"
	tail = `
aggregates:
  Door:
    id: DoorID
    events: {Opened: {}}
    commands: {Open: {emits: [Opened]}}
`
)

func TestLayout(t *testing.T) {
	for name, tt := range map[string]struct{ src, want string }{
		"indentation": {
			"types:\n    DoorID: {base: string}\n    Size:\n          fields:\n           width: int\n           height:   int\n",
			"types:\n  DoorID: {base: string}\n  Size:\n    fields:\n      width: int\n      height: int\n",
		},
		"lists are indented below their key": {
			"types:\n  Colour:\n    enum:\n    - red\n    -   blue\n  DoorID:\n    base: string\n",
			"types:\n  Colour:\n    enum:\n      - red\n      - blue\n  DoorID:\n    base: string\n",
		},
		"spaces in brackets": {
			"types: { DoorID : {base :   string,min:  1} , Colour: { enum: [ red,blue ,  green ] }, Size: { fields: {} } }\n",
			"types: {DoorID: {base: string, min: 1}, Colour: {enum: [red, blue, green]}, Size: {fields: {}}}\n",
		},
		"quotes that nothing needs": {
			"types:\n  \"DoorID\": {'base': \"string\", doc: 'A door, or a gate', pattern: \"^a\"}\n  Colour: {enum: ['red', 'no', \"0150\", 'a']}\n",
			"types:\n  DoorID: {base: string, doc: 'A door, or a gate', pattern: \"^a\"}\n  Colour: {enum: [red, 'no', \"0150\", a]}\n",
		},
		"columns that were lined up": {
			"types:\n   DoorID:   {base: string}   # an id\n   \"Colour\": {enum: [red]}   # a colour\n   A: {base: string}\n",
			"types:\n  DoorID: {base: string} # an id\n  Colour: {enum: [red]} # a colour\n  A: {base: string}\n",
		},
		"columns that stay lined up": {
			"types:\n   DoorID:    {base: string}  # an id\n   \"Colour\":  {enum: [red]}   # a colour\n\n   A: {base: string}\n",
			"types:\n  DoorID: {base: string}  # an id\n  Colour: {enum: [red]}   # a colour\n\n  A: {base: string}\n",
		},
		"comments keep what they document": {
			"types:\n    # The id.\n    DoorID: {base: string}\n  # Not about Size.\n    Size:\n        # The fields.\n        fields:\n                 # how wide\n                 width: int\n                 # nothing\n    # the end\n",
			"types:\n  # The id.\n  DoorID: {base: string}\n# Not about Size.\n  Size:\n    # The fields.\n    fields:\n      # how wide\n      width: int\n      # nothing\n  # the end\n",
		},
		"a comment that is further in documents nothing": {
			"types:\n  DoorID: {base: string}\n     # odd\n  Size: {fields: {a: int}}\n",
			"types:\n  DoorID: {base: string}\n    # odd\n  Size: {fields: {a: int}}\n",
		},
		"empty lines": {
			"\n\n\ntypes:\n\n\n  DoorID: {base: string}\n\n\n\n  Size: {fields: {a: int}}\n\n\n",
			"types:\n\n  DoorID: {base: string}\n\n  Size: {fields: {a: int}}\n",
		},
		"brackets over several lines": {
			"types:\n    Size: { fields: {\n  width: int, # wide\n\n\n            height: {type: int,\n     doc: how high} }\n    }\n    DoorID: {base: string}\n",
			"types:\n  Size: {fields: {\n      width: int, # wide\n\n      height: {type: int,\n        doc: how high}}\n  }\n  DoorID: {base: string}\n",
		},
		"texts over several lines": {
			"types:\n    DoorID:\n        base: string\n        doc: |\n            one\n\n              two\n            three\n    Size: {fields: {a: int}, doc: \"a\n  b\"}\n",
			"types:\n  DoorID:\n    base: string\n    doc: |\n      one\n\n        two\n      three\n  Size: {fields: {a: int}, doc: \"a\n    b\"}\n",
		},
		"plain texts over several lines": {
			"types:\n   DoorID:\n         base: string\n         doc: one\n          two\n\n          three\n",
			"types:\n  DoorID:\n    base: string\n    doc: one\n      two\n\n      three\n",
		},
		"plain texts that go on with anything": {
			"types:\n   DoorID:\n     base: string\n     doc: one or\n      || two\n\n      - three\n       \"four\" # c\n   A: {base: string}\n",
			"types:\n  DoorID:\n    base: string\n    doc: one or\n      || two\n\n      - three\n      \"four\" # c\n  A: {base: string}\n",
		},
		"line ends of Windows": {"types:\r\n  DoorID: {base: string}\r\n", "types:\n  DoorID: {base: string}\n"},
		"no line end":          {"types:\n  DoorID: {base: string}", "types:\n  DoorID: {base: string}\n"},
		"trailing spaces":      {"types:   \n  DoorID: {base: string}  \n   \n  # c   \n", "types:\n  DoorID: {base: string}\n\n  # c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want := head + "\n" + tt.want + tail
			if strings.HasPrefix(tt.want, "types: ") { // short sections may stand together
				want = head + tt.want + tail
			}
			assert.Equal(t, want, tidied(t, head+tt.src+tail))
		})
	}
}

func TestElementsThatTakeMoreThanALineAreApart(t *testing.T) {
	src := head + `types: {DoorID: {base: string}}
aggregates:
  # A door.
  Door:
    id: DoorID
    events:
      Opened: {}
      Closed: {}
    commands: {Open: {emits: [Opened]}, Close: {emits: [Closed]}}
  # not a gate

  # A gate.
  Gate:
    id: DoorID
    events: {Raised: {}}
    commands: {Raise: {emits: [Raised]}}
  Hatch: {id: DoorID, events: {Moved: {}}, commands: {Move: {emits: [Moved]}}}
`
	want := strings.Replace(src, "aggregates", "\naggregates", 1)
	want = strings.Replace(want, "  Hatch", "\n  Hatch", 1)
	assert.Equal(t, want, tidied(t, src))
}

func TestAFileWithAMistakeHasNoCanonicalForm(t *testing.T) {
	for _, src := range []string{"cqrsgen: 1\npackage: [", "cqrsgen: 1\npakage: door\n", "", "cqrsgen: 1\n\tpackage: door\n"} {
		var d diag.List
		out, err := tidy.Model("m.cqrs.yaml", []byte(src), &d)
		require.NoError(t, err)
		assert.Nil(t, out)
		assert.True(t, d.Failed())
	}
}

func TestWhatCanNotBeLaidOutIsSaidAndNotChanged(t *testing.T) {
	for name, src := range map[string]string{
		"a text with indentation of its own": "doc: |2\n    two\n",
		"a text that keeps empty lines":      "doc: |+\n  two\n\n\n",
		"a key with a question mark":         "? doc\n: two\n",
		"a line that is continued":           "doc: \"a\\  \n  b\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			out, err := tidy.Model("m.cqrs.yaml", []byte(head+src), new(diag.List))
			if err == nil {
				tidied(t, string(out))
				return
			}
			require.ErrorIs(t, err, tidy.ErrUnsupported)
			assert.Nil(t, out)
		})
	}
}

func FuzzTheCanonicalFormMeansTheSameAndIsItsOwn(f *testing.F) {
	for _, file := range goldenModels(f) {
		src, err := os.ReadFile(file)
		require.NoError(f, err)
		if len(src) < 4096 {
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		once, err := tidy.Model("m.cqrs.yaml", src, new(diag.List))
		if err != nil || once == nil {
			return
		}
		twice, err := tidy.Model("m.cqrs.yaml", once, new(diag.List))
		require.NoError(t, err, "%s", once)
		require.Equal(t, string(once), string(twice))
	})
}
