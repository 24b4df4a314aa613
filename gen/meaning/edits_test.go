package meaning

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

var paid = Root{Type: "Totals", Name: "Paid"}

// shop is the module that edits are made to.
type shop struct {
	dir   string
	files map[string]string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	a, err := txtar.ParseFile("testdata/module.txtar")
	require.NoError(t, err)
	s := &shop{dir: t.TempDir(), files: map[string]string{}}
	for _, f := range a.Files {
		s.files[f.Name] = string(f.Data)
		s.write(t, f.Name, string(f.Data))
	}
	askOnce(t, s)
	return s
}

func (s *shop) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

var anImport = regexp.MustCompile(`(?m)^(import |\t)(\w+ )?"[\w./]+"$`)

// askOnce has the go command asked again only if what it says may have changed: which packages there are, and what they
// import, in which versions.
func askOnce(t *testing.T, s *shop) {
	ask, known := goList, map[string][]byte{}
	goList = func(dir string, paths []string) ([]byte, error) {
		key := strings.Join(paths, " ")
		err := filepath.WalkDir(s.dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			src, err := os.ReadFile(path)
			if filepath.Ext(path) == ".go" {
				src = []byte(strings.Join(anImport.FindAllString(string(src), -1), "\n"))
			}
			key += "\n" + path + "\n" + string(src)
			return err
		})
		if err != nil || known[key] != nil {
			return known[key], err
		}
		out, err := ask(dir, paths)
		known[key] = out
		return out, err
	}
	t.Cleanup(func() { goList = ask })
}

func (s *shop) digest(t *testing.T) string {
	t.Helper()
	d, err := Of(Package{Dir: filepath.Join(s.dir, "shop"), Name: "shop"}, []Root{paid})
	require.NoError(t, err)
	if u := d.Unknown[paid]; u != nil {
		require.NoError(t, u)
	}
	return d.Of[paid]
}

// edit is a change of files: in each, old texts are replaced by new ones. An old text that is empty stands for the end.
type edit struct {
	name    string
	changes []string // file, old, new
}

// of is an edit of the file with the folds.
func of(name string, oldNew ...string) edit {
	e := edit{name: name}
	for pair := range slices.Chunk(oldNew, 2) {
		e.changes = append(e.changes, "shop/totals.go", pair[0], pair[1])
	}
	return e
}

// in is an edit of another file.
func in(file, name string, oldNew ...string) edit {
	e := of(name, oldNew...)
	for i := 0; i < len(e.changes); i += 3 {
		e.changes[i] = file
	}
	return e
}

func (e edit) and(file, from, to string) edit {
	e.changes = append(e.changes, file, from, to)
	return e
}

func (s *shop) edited(t *testing.T, e edit) (digest string) {
	t.Helper()
	s.during(t, e, func() { digest = s.digest(t) })
	return digest
}

// during calls f while the files are edited.
func (s *shop) during(t *testing.T, e edit, f func()) {
	t.Helper()
	now := map[string]string{}
	for c := range slices.Chunk(e.changes, 3) {
		name, from, to := c[0], c[1], c[2]
		text, touched := now[name]
		if !touched {
			text = s.files[name]
		}
		switch {
		case from == "":
			text += to
		default:
			require.Contains(t, text, from)
			text = strings.Replace(text, from, to, 1)
		}
		now[name] = text
	}
	for name, text := range now {
		s.write(t, name, text)
	}
	defer func() {
		for name := range now {
			if text, was := s.files[name]; was {
				s.write(t, name, text)
			} else {
				require.NoError(t, os.Remove(filepath.Join(s.dir, name)))
			}
		}
	}()
	f()
}

// some are all edits, or every eighth in a short run.
func some(list []edit) (some []edit) {
	for i, e := range list {
		if i%8 == 0 || !testing.Short() {
			some = append(some, e)
		}
	}
	return some
}

func TestEditsThatMeanTheSameAreNotSeen(t *testing.T) {
	s := newShop(t)
	was := s.digest(t)
	require.GreaterOrEqual(t, len(sameMeaning), 100)
	for _, e := range some(sameMeaning) {
		t.Run(e.name, func(t *testing.T) { assert.Equal(t, was, s.edited(t, e)) })
	}
	assert.Equal(t, was, s.digest(t), "every edit was undone")
}

func TestEditsThatMeanSomethingElseAreSeen(t *testing.T) {
	s := newShop(t)
	was := s.digest(t)
	require.GreaterOrEqual(t, len(otherMeaning), 100)
	seen := map[string]string{was: "none"}
	for _, e := range some(otherMeaning) {
		t.Run(e.name, func(t *testing.T) {
			is := s.edited(t, e)
			assert.Empty(t, seen[is], "the same as that edit")
			seen[is] = e.name
		})
	}
}

func TestTheMeaningIsTheSameInEveryProcessAndFolder(t *testing.T) {
	s := newShop(t)
	was := s.digest(t)
	for _, flags := range []string{"-trimpath", ""} {
		t.Setenv("GOFLAGS", flags)
		other := newShop(t)
		assert.NotEqual(t, s.dir, other.dir)
		assert.Equal(t, was, other.digest(t), "GOFLAGS=%s", flags)
	}
}
