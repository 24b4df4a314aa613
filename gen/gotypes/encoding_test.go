package gotypes

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

func TestATypeIsEncodedAsItsMethodsSay(t *testing.T) {
	tests := map[string]struct {
		source   string
		encoding model.Encoding
		fault    string
	}{
		"text": {`type T struct{ x int }
			func (T) MarshalText() ([]byte, error) { return nil, nil }
			func (*T) UnmarshalText([]byte) error { return nil }`, model.TextEncoding, ""},
		"JSON before text": {`type T struct{ x int }
			func (T) MarshalText() ([]byte, error) { return nil, nil }
			func (*T) UnmarshalText([]byte) error { return nil }
			func (T) MarshalJSON() ([]byte, error) { return nil, nil }
			func (*T) UnmarshalJSON([]byte) error { return nil }`, model.JSONEncoding, ""},
		"promoted": {`type E struct{ x int }
			func (E) MarshalText() ([]byte, error) { return nil, nil }
			func (*E) UnmarshalText([]byte) error { return nil }
			type T struct{ E }`, model.TextEncoding, ""},
		"half a pair": {`type T struct{ x int }
			func (T) MarshalText() ([]byte, error) { return nil, nil }`, "", "it has MarshalText and not UnmarshalText"},
		"the other half": {`type T struct{ x int }
			func (*T) UnmarshalJSON([]byte) error { return nil }`, "", "it has UnmarshalJSON and not MarshalJSON"},
		"a pointer writes": {`type T struct{ x int }
			func (*T) MarshalText() ([]byte, error) { return nil, nil }
			func (*T) UnmarshalText([]byte) error { return nil }`, "", "MarshalText has a pointer receiver, and values are copied"},
		"another signature": {`type T struct{ x int }
			func (T) MarshalText() string { return "" }`, "", "its field x is not exported, and encoding/json leaves it out"},
		"plain":           {`type T struct { A int; B []map[string]U }; type U struct{ C []T }`, model.PlainEncoding, ""},
		"a number":        {`type T int64`, model.PlainEncoding, ""},
		"an alias":        {`type T = U; type U struct{ A int }`, model.PlainEncoding, ""},
		"a pointer in it": {`type T struct{ A *int }`, "", "its field A: it is a pointer"},
		"left out by tag": {"type T struct{ A int `json:\"-\"` }", "", "its field A is left out by its tag"},
		"any in it":       {`type T struct{ A []any }`, "", "its field A: its elements: it is an interface, and nothing says which type to read"},
		"a channel":       {`type T chan int`, "", "it is a channel"},
		"generic":         {`type T[E any] struct{ A E }`, "", "it has type parameters"},
		"keys":            {`type T map[float64]int`, "", "the keys of a map are float64"},
		"complex":         {`type T complex128`, "", "it is of the kind complex128"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, "p.go", "package p\n"+test.source, parser.SkipObjectResolution)
			require.NoError(t, err)
			pkg, err := (&types.Config{Importer: importer.Default()}).Check("p", fset, []*ast.File{f}, nil)
			require.NoError(t, err)
			encoding, fault := encodingOf(pkg.Scope().Lookup("T").Type())
			assert.Equal(t, test.encoding, encoding)
			if test.fault == "" {
				assert.Nil(t, fault)
				return
			}
			require.NotNil(t, fault)
			assert.Equal(t, test.fault, fault.why)
		})
	}
}

func TestAPackageIsFoundWhileTheGeneratedOneDoesNotCompile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module shop\n\ngo 1.26\n", "shop.go": "package shop\n\nfunc {", "internal/money/money.go": "package money\n\ntype Amount int\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	found := Lookup(dir)([]model.GoType{{Path: "shop/internal/money", Type: "Amount"}, {Path: "shop", Type: "Order"}})
	require.Len(t, found, 2)
	assert.Equal(t, model.Found{Package: "money", Encoding: model.PlainEncoding}, found[0])
	assert.Equal(t, "CQ1264", found[1].Code)
}

func TestAFolderThatIsNotThereIsAFinding(t *testing.T) {
	found := Lookup("no/such/folder")([]model.GoType{{Path: "net/netip", Type: "Addr"}})
	require.Len(t, found, 1)
	assert.Equal(t, "CQ1261", found[0].Code)
}
