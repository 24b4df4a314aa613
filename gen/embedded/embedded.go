// Package embedded finds the files that a `//go:embed` directive means, as the go command does.
package embedded

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Pattern is one of a directive.
type Pattern struct {
	// Dir is the absolute path of the package's folder, and Text what the directive says.
	Dir, Text string
}

// Patterns reads what follows `//go:embed`: patterns with white space between them, in quotes or not. What is no pattern
// is left out.
func Patterns(dir, directive string) (list []Pattern) {
	for rest := strings.TrimSpace(directive); rest != ""; rest = strings.TrimSpace(rest) {
		text, quoted := "", ""
		if quoted, _ = strconv.QuotedPrefix(rest); quoted != "" {
			text, _ = strconv.Unquote(quoted)
			rest = rest[len(quoted):]
		} else {
			text, rest = cut(rest)
		}
		list = append(list, Pattern{dir, text})
	}
	return list
}

func cut(s string) (word, rest string) {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// Files are the files that the pattern means at this time, with paths from its folder, sorted: those that it matches, and
// those in folders that it matches, where names with a dot or underscore in front count with `all:` alone, and other
// modules never.
func (p Pattern) Files() ([]string, error) {
	pattern, all := strings.CutPrefix(p.Text, "all:")
	folder := os.DirFS(p.Dir)
	matches, err := fs.Glob(folder, pattern)
	if err != nil {
		return nil, fmt.Errorf("go:embed %s: %w", p.Text, err)
	}
	var files []string
	for _, match := range matches {
		err := fs.WalkDir(folder, match, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case name != match && !all && isHidden(path.Base(name)), e.IsDir() && isModule(folder, name):
				if e.IsDir() {
					return fs.SkipDir
				}
			case !e.IsDir():
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("go:embed %s: %w", p.Text, err)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func isHidden(name string) bool { return name[0] == '.' || name[0] == '_' }

func isModule(folder fs.FS, name string) bool {
	_, err := fs.Stat(folder, path.Join(name, "go.mod"))
	return err == nil
}
