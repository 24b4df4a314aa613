package archive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// partial ends the names of files that are being written. What was left of one by a crash is of no use.
const partial = ".partial"

// storage is where files are, and how large their blocks are.
type storage struct {
	vfs.FS
	// block is the size of a body at which a block is complete; it ends with the commit that reaches it.
	block int
}

// disk is where everybody's files are.
var disk = storage{vfs.OS, blockBytes}

// writer writes one file: under another name first, which becomes its own once all of it is durable.
type writer struct {
	fs       storage
	path     string
	tmp      string
	file     vfs.File
	compress bool
	digest   hash.Hash
	offset   int64
	header   header
	trailer  trailer
	encoder  encoder
	index    index
	types    names[string]
	cats     names[string]
	// err is the first error; the file is of no use after it.
	err error
}

// newWriter begins a file. It fails with fs.ErrExist if there is one of that name. Either finish or abort must follow.
func newWriter(fsys storage, path string, h header, compress bool) (*writer, error) {
	dir, base := filepath.Split(filepath.Clean(path))
	if err := mustNotExist(fsys, path); err != nil {
		return nil, err
	}
	w := &writer{
		fs: fsys, path: path, compress: compress, digest: sha256.New(),
		tmp:     filepath.Join(dir, strings.TrimPrefix(base, ".")+"."+uuid.NewString()+partial),
		header:  h,
		trailer: trailer{last: h.after, commit: h.previous},
	}
	var err error
	if w.file, err = fsys.Create(w.tmp); err != nil {
		return nil, explain(err)
	}
	w.write(h.append(nil))
	w.encoder.full = fsys.block
	w.encoder.reset(h.after)
	return w, nil
}

func mustNotExist(fsys vfs.FS, path string) error {
	file, err := fsys.Open(path)
	switch {
	case err == nil:
		return errors.Join(&fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}, file.Close())
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

func (w *writer) write(b []byte) {
	if w.err != nil {
		return
	}
	w.digest.Write(b)
	w.offset += int64(len(b))
	if _, err := w.file.Write(b); err != nil {
		w.err = explain(err)
	}
}

// add writes a commit. After an error every later call fails with it.
func (w *writer) add(c *commit) error {
	if w.err == nil && !w.encoder.fits(c) {
		w.flush()
	}
	if w.err != nil {
		return w.err
	}
	if w.err = w.encoder.add(c); w.err != nil {
		return w.err
	}
	if c.recorded {
		w.trailer.commands++
	}
	if len(c.events) > 0 {
		w.trailer.commits++
		w.trailer.events += int64(len(c.events))
		w.trailer.last, w.trailer.commit = c.last(), c.id
	}
	return nil
}

// flush writes the block that was begun, and begins the next one.
func (w *writer) flush() {
	if w.encoder.items == 0 || w.err != nil {
		return
	}
	h, body, err := w.encoder.block(w.compress)
	if err != nil {
		w.err = err
		return
	}
	offset := w.offset
	w.write(h.append(nil))
	w.write(body)
	w.trailer.body += int64(h.size())
	w.note(&h, offset)
	w.encoder.reset(h.last)
}

// note adds a block to the index.
func (w *writer) note(h *blockHeader, offset int64) {
	h.append(nil) // sets sum
	e := entry{
		offset: offset, size: w.offset - offset, sum: h.sum,
		previous: h.previous, first: h.first, last: h.last, events: h.events, items: h.items,
	}
	counted := map[uint64]int{}
	for i, t := range w.encoder.types.values {
		n, _ := w.types.number(t.name)
		at, ok := counted[n]
		if !ok {
			at = len(e.types)
			counted[n] = at
			e.types = append(e.types, typeCount{typ: uint32(n)})
		}
		e.types[at].events += uint32(w.encoder.counts[i])
	}
	for _, c := range w.encoder.categories.values {
		n, _ := w.cats.number(c)
		e.categories = append(e.categories, uint32(n))
	}
	w.index.blocks = append(w.index.blocks, e)
}

// finish writes the rest of the file and makes it durable under its name. After an error there is no file.
func (w *writer) finish() (trailer, error) {
	w.flush()
	w.index.types, w.index.categories = w.types.values, w.cats.values
	if n := w.encoder.numbers; n != nil {
		w.index.streams = n.file
	}
	body := w.index.append(nil, &w.header)
	h := blockHeader{
		kind: kindIndex, stored: uint32(len(body)), names: uint32(len(body)), body: checksum(body),
		previous: w.trailer.last, first: w.trailer.last, last: w.trailer.last,
	}
	w.trailer.index = w.offset
	w.write(h.append(nil))
	w.write(body)
	w.digest.Sum(w.trailer.digest[:0])
	w.write(w.trailer.append(nil))
	if w.err == nil {
		w.err = explain(w.file.Sync())
	}
	if w.err != nil {
		return trailer{}, w.abort()
	}
	if err := w.file.Close(); err != nil {
		return trailer{}, errors.Join(explain(err), w.fs.Remove(w.tmp))
	}
	return w.trailer, w.publish()
}

// publish gives the file its name.
func (w *writer) publish() error {
	if err := w.fs.Rename(w.tmp, w.path); err != nil {
		return errors.Join(explain(err), w.fs.Remove(w.tmp))
	}
	if err := w.fs.SyncDir(filepath.Dir(w.path)); err != nil {
		// Nobody may rely on a name that can vanish.
		return errors.Join(fmt.Errorf("the name of %s may not be durable: %w", w.path, err), w.fs.Remove(w.path))
	}
	return nil
}

// abort removes what was written and returns the error that made it useless, if there is one.
func (w *writer) abort() error {
	return errors.Join(w.err, w.file.Close(), w.fs.Remove(w.tmp))
}

// through is the position that the file reaches so far.
func (w *writer) through() cqrs.Position { return w.trailer.last }
