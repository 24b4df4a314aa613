package diag

import (
	"bytes"
	"slices"
)

// File is a file of a model, with the name to show.
type File struct {
	Name string
	Src  []byte
}

// Files are the files of one model, one after the other. Lines are counted through all of them, so that a place needs
// no file: the first line of the second file follows the last one of the first.
type Files struct {
	all []File
	// before has, for each file, the number of lines of those before it.
	before []int
	lines  int
}

// Add adds a file, and returns the number of lines before it.
func (f *Files) Add(file File) int {
	before := f.lines
	f.all, f.before = append(f.all, file), append(f.before, before)
	f.lines += bytes.Count(file.Src, []byte("\n")) + 1
	return before
}

// Place returns the name of the file that a place is in, and the place there.
func (f *Files) Place(at Span) (name string, there Span) {
	i, there := f.find(at)
	if i < 0 {
		return "", there
	}
	return f.all[i].Name, there
}

func (f *Files) find(at Span) (int, Span) {
	i, _ := slices.BinarySearch(f.before, at.Line)
	i--
	if i >= 0 {
		at.Line -= f.before[i]
	}
	return max(i, min(0, len(f.all)-1)), at
}
