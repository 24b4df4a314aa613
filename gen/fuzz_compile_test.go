package gen_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
)

// FuzzWhatIsAcceptedCompiles takes arbitrary bytes through the whole generator: what it does not refuse, type-checks,
// with the skeletons that the team would start from and the tests of its scenarios.
func FuzzWhatIsAcceptedCompiles(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(golden, "*", modelFile))
	require.NoError(f, err)
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(f, err)
		if len(src) < 8192 { // a large one costs more time than it finds
			f.Add(src)
		}
	}
	f.Add([]byte(attack("", "")))
	checker := newImporter(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		set, _, err := gen.FromSource(modelFile, src)
		require.NoError(t, err)
		if set == nil {
			return
		}
		require.NoError(t, checker.set(filesOf(set)), "%s", src)
	})
}
