package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen"
)

// withoutFiles ends the help of commands that take models.
const withoutFiles = "FILE can be a folder that holds models. Without FILE: every *" + gen.Suffix +
	" below the working directory, except in the folders that Go ignores."

// completeModels completes the names of models.
func completeModels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{strings.TrimPrefix(gen.Suffix, ".")}, cobra.ShellCompDirectiveFilterFileExt
}

// modelsOf returns the models that a command line names, by their files or folders, or those below the working
// directory.
func modelsOf(names []string) ([]string, error) {
	if len(names) > 0 {
		files, err := inFolders(names)
		if err != nil {
			return nil, err
		}
		return onePerFolder(files)
	}
	found, err := findSome()
	if err != nil {
		return nil, err
	}
	return onePerFolder(found)
}

// inFolders puts the model files of a folder in its place, of which there has to be one.
func inFolders(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			files = append(files, name) // a file that does not exist is reported when it is read
			continue
		}
		models, err := fs.Glob(os.DirFS(name), "*"+gen.Suffix)
		if err != nil {
			return nil, err
		}
		if len(models) == 0 {
			return nil, fmt.Errorf("there is no *%s in %s", gen.Suffix, name)
		}
		for _, model := range models {
			files = append(files, filepath.Join(name, model))
		}
	}
	return files, nil
}

// findSome returns the model files below the working directory, of which there has to be one.
func findSome() ([]string, error) {
	found, err := find(".")
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there is no *%s below the working directory", gen.Suffix)
	}
	return found, err
}

// onePerFolder returns one file of each model: the model files of a folder are one. Other files of one folder would be
// one Go package with two of everything, and are refused. A file that is given twice counts once, however it is
// spelled.
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
		case other.real != m.real && !(gen.IsModel(filepath.Base(other.real)) && gen.IsModel(filepath.Base(m.real))):
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

// find returns the models below a folder, in the order of their paths. Folders that Go ignores are left out, and so are
// links: who does not name a file does not mean one that is elsewhere.
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
		if d.Type().IsRegular() && gen.IsModel(name) {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}
