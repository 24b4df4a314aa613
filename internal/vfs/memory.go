package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"sync"
)

// Memory is a file system in memory that knows what a loss of power may take away: whatever was written to a file and
// not synced, and whatever happened to the names in a directory that was not synced. Directories themselves are durable
// at once. It is safe for concurrent use.
type Memory struct {
	mu sync.Mutex
	// names is what a program sees. durable is what stands on the disk for sure; changes are those of names that are not
	// synced yet, oldest first.
	names, durable map[string]*node
	changes        []change
	locks          map[string]bool
	dirs           map[string]bool
	// generation counts the losses of power: what was opened before one is of no use.
	generation int
}

// node is a file's content. Its first synced bytes are on the disk for sure.
type node struct {
	data   []byte
	synced int
}

// change is a change of the names in dir that happens as a whole: set gets the name of a node, unless it is empty, and
// gone loses its one, unless it is empty.
type change struct {
	dir       string
	set, gone string
	node      *node
}

// NewMemory returns an empty file system.
func NewMemory() *Memory {
	return &Memory{
		names: map[string]*node{}, durable: map[string]*node{},
		locks: map[string]bool{}, dirs: map[string]bool{".": true, "/": true},
	}
}

// errPower is what files say that were opened before the power was lost.
var errPower = errors.New("the power was lost")

// Crash cuts the power: files that are open fail from now on, locks are gone, and of what was not synced a random part
// remains. Of each file's unsynced bytes, some first ones do, of which pages may have become zeros, as on file systems
// that store a file's length before its content. Of the changes of names that were not synced, any may have happened.
// Equal seeds keep equal parts.
func (m *Memory) Crash(seed uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	random := rand.New(rand.NewPCG(seed, 1))
	for _, c := range m.changes {
		if random.IntN(2) == 0 {
			c.apply(m.durable)
		}
	}
	survived := map[string]*node{}
	for _, name := range slices.Sorted(maps.Keys(m.durable)) {
		survived[name] = m.durable[name].crashed(random)
	}
	m.names, m.durable, m.changes = survived, maps.Clone(survived), nil
	m.locks = map[string]bool{}
	m.generation++
}

func (c *change) apply(names map[string]*node) {
	if c.gone != "" {
		delete(names, c.gone)
	}
	if c.set != "" {
		names[c.set] = c.node
	}
}

// crashed returns what of a file remains.
func (n *node) crashed(random *rand.Rand) *node {
	const page = 512
	end := n.synced
	switch unsynced := len(n.data) - n.synced; random.IntN(3) {
	case 0:
		end += unsynced
	case 1:
		end += random.IntN(unsynced + 1)
	}
	data := bytes.Clone(n.data[:end])
	if random.IntN(2) == 0 {
		for at := n.synced; at < end; at += page {
			if random.IntN(4) == 0 {
				clear(data[at:min(at+page, end)])
			}
		}
	}
	return &node{data: data, synced: len(data)}
}

// Bytes returns the content of a file, and whether it is there.
func (m *Memory) Bytes(name string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.names[clean(name)]
	if !ok {
		return nil, false
	}
	return bytes.Clone(n.data), true
}

// Put makes a durable file of that content, or replaces one.
func (m *Memory) Put(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &node{data: bytes.Clone(data), synced: len(data)}
	m.names[clean(name)], m.durable[clean(name)] = n, n
}

func clean(name string) string { return path.Clean(filepath.ToSlash(name)) }

func failure(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// Create implements FS.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = clean(name)
	if !m.dirs[path.Dir(name)] {
		return nil, failure("create", name, fs.ErrNotExist)
	}
	if m.names[name] != nil {
		return nil, failure("create", name, fs.ErrExist)
	}
	n := &node{}
	m.change(change{dir: path.Dir(name), set: name, node: n})
	return &memoryFile{fs: m, node: n, name: name, writable: true, generation: m.generation}, nil
}

func (m *Memory) change(c change) {
	c.apply(m.names)
	m.changes = append(m.changes, c)
}

// Open implements FS.
func (m *Memory) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = clean(name)
	n := m.names[name]
	if n == nil {
		return nil, failure("open", name, fs.ErrNotExist)
	}
	return &memoryFile{fs: m, node: n, name: name, generation: m.generation}, nil
}

// Rename implements FS. Both names must be in one directory.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = clean(from), clean(to)
	n := m.names[from]
	if n == nil {
		return failure("rename", from, fs.ErrNotExist)
	}
	if path.Dir(from) != path.Dir(to) {
		return failure("rename", from, errors.New("to another directory"))
	}
	m.change(change{dir: path.Dir(to), set: to, gone: from, node: n})
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = clean(name)
	if m.names[name] == nil {
		return failure("remove", name, fs.ErrNotExist)
	}
	m.change(change{dir: path.Dir(name), gone: name})
	return nil
}

// MkdirAll implements FS.
func (m *Memory) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir = clean(dir); !m.dirs[dir]; dir = path.Dir(dir) {
		if m.names[dir] != nil {
			return failure("mkdir", dir, errors.New("not a directory"))
		}
		m.dirs[dir] = true
	}
	return nil
}

// ReadDir implements FS.
func (m *Memory) ReadDir(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = clean(dir)
	if !m.dirs[dir] {
		return nil, failure("readdir", dir, fs.ErrNotExist)
	}
	var names []string
	for name := range m.names {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// SyncDir implements FS.
func (m *Memory) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = clean(dir)
	if !m.dirs[dir] {
		return failure("sync", dir, fs.ErrNotExist)
	}
	m.changes = slices.DeleteFunc(m.changes, func(c change) bool {
		if c.dir == dir {
			c.apply(m.durable)
		}
		return c.dir == dir
	})
	return nil
}

// Lock implements FS. The lock's file is not kept.
func (m *Memory) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = clean(name)
	if m.locks[name] {
		return nil, failure("lock", name, ErrLocked)
	}
	m.locks[name] = true
	return &memoryLock{fs: m, name: name, generation: m.generation}, nil
}

type memoryLock struct {
	fs         *Memory
	name       string
	generation int
}

func (l *memoryLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.generation == l.fs.generation {
		delete(l.fs.locks, l.name)
	}
	return nil
}

type memoryFile struct {
	fs         *Memory
	node       *node
	name       string
	writable   bool
	closed     bool
	generation int
}

// use calls f if the file is open. The file system is locked meanwhile.
func (f *memoryFile) use(op string, do func() error) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	switch {
	case f.generation != f.fs.generation:
		return failure(op, f.name, errPower)
	case f.closed:
		return failure(op, f.name, fs.ErrClosed)
	}
	return do()
}

func (f *memoryFile) Write(b []byte) (n int, err error) {
	err = f.use("write", func() error {
		if !f.writable {
			return failure("write", f.name, fs.ErrPermission)
		}
		f.node.data = append(f.node.data, b...)
		n = len(b)
		return nil
	})
	return n, err
}

func (f *memoryFile) ReadAt(b []byte, off int64) (n int, err error) {
	err = f.use("read", func() error {
		if off < 0 {
			return failure("read", f.name, fs.ErrInvalid)
		}
		if off < int64(len(f.node.data)) {
			n = copy(b, f.node.data[off:])
		}
		if n < len(b) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

func (f *memoryFile) Sync() error {
	return f.use("sync", func() error {
		f.node.synced = len(f.node.data)
		return nil
	})
}

func (f *memoryFile) Size() (size int64, err error) {
	err = f.use("stat", func() error {
		size = int64(len(f.node.data))
		return nil
	})
	return size, err
}

func (f *memoryFile) Close() error {
	return f.use("close", func() error {
		f.closed = true
		return nil
	})
}
