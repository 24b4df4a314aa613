package gen

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Suffix is how model files are named. Those of one folder are one model.
const Suffix = ".cqrs.yaml"

// IsModel reports whether a file's name is that of a model file. Hidden ones are not: editors keep such.
func IsModel(name string) bool {
	return strings.HasSuffix(name, Suffix) && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// MaxFiles bounds the number of files of one model.
const MaxFiles = 256

// sources reads a model: the file, and, if it is named as model files are, the others of its folder.
func sources(path string) ([]diag.File, error) {
	names := []string{filepath.Base(path)}
	if IsModel(names[0]) {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if IsModel(e.Name()) && e.Type().IsRegular() && e.Name() != names[0] {
				names = append(names, e.Name())
			}
		}
	}
	if len(names) > MaxFiles {
		return nil, fmt.Errorf("%s has %d model files; at most %d make one model", filepath.Dir(path), len(names), MaxFiles)
	}
	slices.Sort(names)
	files := make([]diag.File, len(names))
	for i, name := range names {
		file := filepath.Join(filepath.Dir(path), name)
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		files[i] = diag.File{Name: file, Src: src}
	}
	return files, nil
}
