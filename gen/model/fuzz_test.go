package model_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAnyTextIsAModelOrHasAPositionedError takes arbitrary bytes all the way: there is a model, or an error with a
// place in the file that can be shown, and never a panic.
func FuzzAnyTextIsAModelOrHasAPositionedError(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(golden, "*", modelFile))
	require.NoError(f, err)
	for _, file := range append(files, "../../example/ledger/ledger.cqrs.yaml") {
		src, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, d := resolve(src)
		if m != nil {
			require.False(t, d.Failed())
		} else {
			require.True(t, d.Failed(), "neither a model nor an error")
		}
		for _, found := range d.Sorted() {
			require.Positive(t, found.At.Line, found)
			require.Positive(t, found.At.Col, found)
			require.Positive(t, found.At.Len, found)
			for _, r := range found.Related {
				require.Positive(t, r.At.Line, found)
				require.Positive(t, r.At.Len, found)
			}
		}
		rendered(t, d, modelFile, src)
	})
}
