package main

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

// suffix is how model files are named.
const suffix = ".cqrs.yaml"

func generateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "generate [FILE…]",
		Short: "Write the Go code of each model beside it",
		Long: "Write the Go code of each model beside it. Without FILE: of every *" + suffix + " below the working directory.\n" +
			"If any model is wrong, nothing is written.",
		RunE: func(cmd *cobra.Command, files []string) error {
			return generate(files, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// generate loads every model before it writes the first file.
func generate(files []string, stdout, stderr io.Writer) error {
	if len(files) == 0 {
		var err error
		if files, err = find("."); err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("there is no *%s below the working directory", suffix)
		}
	}
	files, err := onePerFolder(files)
	if err != nil {
		return err
	}
	sets, wrong := make([]*output.Set, len(files)), false
	for i, file := range files {
		set, findings, err := gen.Load(file)
		if err != nil {
			return err
		}
		if err := findings.Write(stderr); err != nil {
			return err
		}
		sets[i], wrong = set, wrong || findings.Failed()
	}
	if wrong {
		return errFindings
	}
	return write(files, sets, stdout)
}

// write brings the sets to the folders of their models, if that can be done in all of them.
func write(files []string, sets []*output.Set, stdout io.Writer) error {
	pending := make([]*output.Pending, len(sets))
	for i, set := range sets {
		p, err := output.Prepare(filepath.Dir(files[i]), *set)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Dir(files[i]), err)
		}
		defer p.Close()
		pending[i] = p
	}
	for i, p := range pending {
		if err := commit(filepath.Dir(files[i]), p, stdout); err != nil {
			return err
		}
	}
	return nil
}

func commit(dir string, p *output.Pending, stdout io.Writer) error {
	result, err := p.Commit()
	for _, name := range result.Written {
		fmt.Fprintln(stdout, "wrote", filepath.Join(dir, name))
	}
	for _, name := range result.Removed {
		fmt.Fprintln(stdout, "removed", filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// onePerFolder refuses two models in one folder: they would be one Go package with two of everything. A file that is
// given twice counts once, however it is spelled.
func onePerFolder(files []string) ([]string, error) {
	type model struct{ given, real string }
	first := map[string]model{}
	var once []string
	for _, f := range files {
		m := model{filepath.Clean(f), realPath(f)}
		switch other, taken := first[filepath.Dir(m.real)]; {
		case !taken:
			first[filepath.Dir(m.real)] = m
			once = append(once, m.given)
		case other.real != m.real:
			return nil, fmt.Errorf("%s and %s are in one folder: a Go package has one model", other.given, m.given)
		}
	}
	return once, nil
}

// realPath is one spelling for all paths to a file. A file that does not exist is reported when it is read.
func realPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

// find returns the models below a folder, in the order of their paths. Folders that Go ignores are left out.
func find(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor") {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(name, suffix) {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}
