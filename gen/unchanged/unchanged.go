// Package unchanged remembers that there was nothing left to do for a model, so that the next run over the same files
// need not find that out again. It keeps one small file for each model in the user's cache folder, which can be lost
// without harm, and compares contents: no time of any file counts.
package unchanged

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cqrsgen/cqrsgen/gen/embedded"
)

// form changes when other things are remembered than before.
const form = "3"

// Memory knows what earlier runs of this very tool have left. Its methods do nothing, and know nothing, if there is no
// cache folder. It is for one goroutine.
type Memory struct {
	folder string
	tool   func() (string, error)
}

// Open returns the memory of this tool.
func Open() *Memory {
	cache, err := os.UserCacheDir()
	if err != nil {
		return &Memory{}
	}
	tool := sync.OnceValues(ownDigest)
	go tool() // beside what follows
	return &Memory{folder: filepath.Join(cache, "cqrsgen", "unchanged"), tool: tool}
}

// ownDigest tells builds of the tool apart. Every Go linker writes a digest of all that went into a program, its build
// id, to where the program starts, so that hashing all of it would find out nothing more.
func ownDigest() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
	_, err = io.Copy(h, io.LimitReader(f, 1<<16))
	return hex.EncodeToString(h.Sum(nil)), err
}

// State is what the files hold of which a run depends: those of a folder, by their names, and others by their paths. It is
// not safe for concurrent use.
type State struct {
	key   string
	files map[string][sha256.Size]byte
	// dir is the absolute path of the model's folder, and followed what the run depends on elsewhere.
	dir      string
	followed []string
}

// Read reads the state of a model's folder. What the run is asked to do belongs to it.
func Read(model string, options ...string) (*State, error) {
	real, err := filepath.Abs(model)
	if err != nil {
		return nil, err
	}
	s := &State{files: map[string][sha256.Size]byte{}, dir: filepath.Dir(real)}
	asked := []string{form, real}
	for _, name := range []string{"GOOS", "GOARCH", "CGO_ENABLED", "GOFLAGS", "GOWORK"} {
		asked = append(asked, os.Getenv(name))
	}
	s.key = digest(append(asked, options...)...)
	entries, err := os.ReadDir(filepath.Dir(model))
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() != filepath.Base(model) && !counts(e.Name())
	})
	return s, s.read(filepath.Dir(model), "", entries)
}

// The kinds of what a run depends on elsewhere, before its path.
const (
	folder   = "folder "
	single   = "file "
	matching = "embedded "
)

// Follow adds what the run depends on outside of the model's folder, by absolute paths: the Go files of folders, single
// files, which need not be there, and all files that patterns mean.
func (s *State) Follow(folders, files []string, patterns []embedded.Pattern) error {
	var list []string
	for _, dir := range folders {
		list = append(list, folder+dir)
	}
	for _, name := range files {
		list = append(list, single+name)
	}
	for _, p := range patterns {
		list = append(list, matching+p.Dir+"\x00"+p.Text)
	}
	return s.follow(list)
}

func (s *State) follow(list []string) error {
	s.followed = list
	for _, what := range list {
		var err error
		kind, name, _ := strings.Cut(what, " ")
		switch kind + " " {
		case folder:
			err = s.followFolder(name)
		case matching:
			err = s.followPattern(name)
		default:
			err = s.followFile(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *State) followFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasSuffix(e.Name(), ".go") })
	return s.read(dir, dir+string(filepath.Separator), entries)
}

func (s *State) followPattern(pattern string) error {
	dir, text, _ := strings.Cut(pattern, "\x00")
	names, err := embedded.Pattern{Dir: dir, Text: text}.Files()
	for _, name := range names {
		if err == nil {
			err = s.followFile(filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	return err
}

func (s *State) followFile(name string) error {
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.files[name] = sha256.Sum256(content)
	}
	return err
}

// FollowAs is Follow for what another state follows.
func (s *State) FollowAs(o *State) error { return s.follow(o.followed) }

// Agrees reports whether files, by absolute path, are in the state as they were when they were read, where it has them.
func (s *State) Agrees(sums map[string][sha256.Size]byte) bool {
	for path, sum := range sums {
		name := path
		if filepath.Dir(path) == s.dir {
			name = filepath.Base(path)
		}
		if have, known := s.files[name]; known && have != sum {
			return false
		}
	}
	return true
}

// counts reports whether a run may depend on a file of that name.
func counts(name string) bool {
	for _, suffix := range []string{".go", ".cqrs.yaml", ".cqrs.lock", ".cqrsgen-tmp"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// read reads the files on all cores, and notes them under their names behind a prefix.
func (s *State) read(dir, prefix string, entries []fs.DirEntry) error {
	sums, errs := make([][sha256.Size]byte, len(entries)), make([]error, len(entries))
	var all sync.WaitGroup
	next := make(chan int, len(entries))
	for i := range entries {
		next <- i
	}
	close(next)
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			h, buf := sha256.New(), make([]byte, 1<<17)
			for i := range next {
				h.Reset()
				errs[i] = add(h, dir, entries[i], buf)
				h.Sum(sums[i][:0])
			}
		})
	}
	all.Wait()
	for i, e := range entries {
		s.files[prefix+e.Name()] = sums[i]
	}
	return errors.Join(errs...)
}

// add adds a file's content to a digest, and its kind: a link is another thing than what it leads to.
func add(h hash.Hash, dir string, e fs.DirEntry, buf []byte) error {
	if !e.Type().IsRegular() {
		h.Write([]byte(e.Type().String()))
	}
	if e.IsDir() {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, e.Name()))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(h, struct{ io.Reader }{f}, buf) // the file itself would bring a buffer of its own
	return err
}

// Put notes that a file will have a content, and is a regular one.
func (s *State) Put(name string, content []byte) { s.files[name] = sha256.Sum256(content) }

// Remove notes that a file will be gone.
func (s *State) Remove(name string) { delete(s.files, name) }

// Equal reports whether two states of one model are the same.
func (s *State) Equal(o *State) bool { return s.digest() == o.digest() }

func (s *State) digest() string {
	h := sha256.New()
	h.Write([]byte(s.key))
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		sum := s.files[name]
		h.Write([]byte("\x00" + name + "\x00"))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Knows reports whether the tool has found before that in this state there is nothing to do, and nothing to say.
func (m *Memory) Knows(s *State) bool {
	if m.folder == "" || s == nil {
		return false
	}
	have, err := os.ReadFile(m.file(s))
	if err != nil {
		return false
	}
	sum, followed, _ := strings.Cut(string(have), "\n")
	now := &State{key: s.key, files: maps.Clone(s.files)}
	if followed != "" && now.follow(strings.Split(followed, "\n")) != nil {
		return false
	}
	tool, err := m.tool()
	return err == nil && sum == digest(tool, now.digest())
}

// Remember notes that in this state there is nothing to do, and nothing to say. Where that can't be written, the next
// run finds it out again.
func (m *Memory) Remember(s *State) {
	if m.folder == "" || s == nil {
		return
	}
	tool, err := m.tool()
	if err != nil || os.MkdirAll(m.folder, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(m.folder, "new-")
	if err != nil {
		return
	}
	_, err = f.WriteString(strings.Join(append([]string{digest(tool, s.digest())}, s.followed...), "\n"))
	if errors.Join(err, f.Close()) != nil || os.Rename(f.Name(), m.file(s)) != nil {
		_ = os.Remove(f.Name())
	}
}

// file has what is remembered of a model.
func (m *Memory) file(s *State) string { return filepath.Join(m.folder, s.key) }

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
