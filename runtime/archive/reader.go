package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"iter"
	"slices"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// reader reads one file. Opening it reads and checks the header, the index and the trailer; blocks are checked when
// they are read.
type reader struct {
	path    string
	file    vfs.File
	size    int64
	header  header
	trailer trailer
	index   index
	// tail is the file from the index block to the end of the index, which belongs to the digest.
	tail []byte
}

// openReader opens an export. The error is a *DamagedError, a *FormatError, or one of the file system.
func openReader(fsys vfs.FS, path string) (*reader, error) { return openNumbered(fsys, path, false) }

// openNumbered opens an export, or a segment if numbered is true.
func openNumbered(fsys vfs.FS, path string, numbered bool) (*reader, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	r := &reader{path: path, file: file, header: header{numbered: numbered}}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

func (r *reader) close() error { return r.file.Close() }

func (r *reader) damaged(offset int64, reason string) error {
	return &DamagedError{Path: r.path, Offset: offset, Reason: reason}
}

// readAt fills b from the file.
func (r *reader) readAt(b []byte, offset int64) error {
	n, err := r.file.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return r.damaged(offset+int64(n), "the file ends here")
	}
	return err
}

func (r *reader) open() error {
	var err error
	if r.size, err = r.file.Size(); err != nil {
		return err
	}
	if r.size < headerSize+blockHeaderSize+trailerSize {
		return r.damaged(r.size, "the file ends here, and is shorter than any archive")
	}
	var b [headerSize + trailerSize]byte
	if err := r.readAt(b[:headerSize], 0); err != nil {
		return err
	}
	if reason := r.header.parse(b[:headerSize]); reason != "" {
		return r.damaged(0, reason)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != r.header.version() {
		return &FormatError{Path: r.path, Version: v, Reads: r.header.version()}
	}
	if err := r.readAt(b[:trailerSize], r.size-trailerSize); err != nil {
		return err
	}
	if reason := r.trailer.parse(b[:trailerSize]); reason != "" {
		return r.damaged(r.size-trailerSize, reason)
	}
	return r.readIndex()
}

func (r *reader) readIndex() error {
	at, end := r.trailer.index, r.size-trailerSize
	if at < headerSize || at > end-blockHeaderSize {
		return r.damaged(end, "the trailer says that the index is where it can't be")
	}
	r.tail = make([]byte, end-at)
	if err := r.readAt(r.tail, at); err != nil {
		return err
	}
	var h blockHeader
	if reason := h.parse(r.tail); reason != "" {
		return r.damaged(at, reason)
	}
	body := r.tail[blockHeaderSize:]
	switch {
	case h.kind != kindIndex || h.encoding != plain || int64(h.stored) != int64(len(body)):
		return r.damaged(at, "the index is not as long as it must be")
	case checksum(body) != h.body:
		return r.damaged(at, "the index does not match its checksum")
	}
	if reason := r.index.parse(body, &r.header, at); reason != "" {
		return r.damaged(at, reason)
	}
	if n := len(r.index.blocks); n > 0 && r.index.blocks[n-1].last != r.trailer.last {
		return r.damaged(at, "the index and the trailer end at different positions")
	}
	return nil
}

// block makes d read a block that stands in the index. It is checked against the index, and against its checksums.
// Several goroutines may read blocks at a time.
func (r *reader) block(e *entry, d *decoder, digest hash.Hash) error {
	d.stored = slices.Grow(d.stored[:0], int(e.size))[:e.size]
	if err := r.readAt(d.stored, e.offset); err != nil {
		return err
	}
	if digest != nil {
		digest.Write(d.stored)
	}
	var h blockHeader
	reason := h.parse(d.stored)
	body := d.stored[blockHeaderSize:]
	switch {
	case reason != "":
	case h.sum != e.sum || h.kind != kindEvents || int(h.stored) != len(body) || h.previous != e.previous ||
		h.first != e.first || h.last != e.last || h.events != e.events || h.items != e.items:
		reason = "a block is not the one that the index says"
	case checksum(body) != h.body:
		reason = "a block does not match its checksum"
	default:
		if body, reason = d.decompress(&h, body); reason == "" {
			reason = d.start(h, body)
		}
	}
	if reason != "" {
		return r.damaged(e.offset, reason)
	}
	return nil
}

// groups yields all of the file, in order, and checks at its end that it was what the trailer says, digest included.
func (r *reader) groups() iter.Seq2[*group, error] {
	return func(yield func(*group, error) bool) {
		digest := sha256.New()
		digest.Write(r.header.append(nil))
		var total trailer
		var d decoder
		g := &group{}
		for i := range r.index.blocks {
			e := &r.index.blocks[i]
			if err := r.block(e, &d, digest); err != nil {
				yield(nil, err)
				return
			}
			for c := range d.all() {
				total.count(c)
				if g.add(c) {
					continue
				}
				if !yield(g, nil) {
					return
				}
				g = &group{commit: c}
			}
			if d.reason != "" {
				yield(nil, r.damaged(e.offset, d.reason))
				return
			}
			total.body += int64(d.head.size())
		}
		digest.Write(r.tail)
		digest.Sum(total.digest[:0])
		if err := r.checkTotals(&total); err != nil {
			yield(nil, err)
			return
		}
		yield(g, nil)
	}
}

// checkTotals compares what was read with what the trailer says.
func (r *reader) checkTotals(read *trailer) error {
	t := r.trailer
	switch {
	case read.digest != t.digest:
		return r.damaged(r.size-trailerSize, "the file does not match its digest")
	case read.events != t.events || read.commits != t.commits || read.commands != t.commands || read.body != t.body:
		return r.damaged(r.size-trailerSize, "the file does not hold as much as its trailer says")
	case t.events > 0 && (read.last != t.last || read.commit != t.commit),
		t.events == 0 && (t.last != r.header.after || t.commit != r.header.previous):
		return r.damaged(r.size-trailerSize, "the file does not end with the commit that its trailer names")
	}
	return nil
}

// count adds a commit to the totals.
func (t *trailer) count(c *commit) {
	if c.recorded {
		t.commands++
	}
	if n := len(c.events); n > 0 {
		t.commits++
		t.events += int64(n)
		t.last, t.commit = c.last(), c.id
	}
}

// all yields copies of the block's commits, with their events. What was wrong with the block is then in reason.
func (d *decoder) all() iter.Seq[*commit] {
	return func(yield func(*commit) bool) {
		for d.nextCommit() {
			c := d.currentCommit()
			c.events = make([]cqrs.Record, d.inCommit)
			for i := range c.events {
				if !d.nextEvent(&c.events[i]) {
					return
				}
			}
			if !yield(c) {
				return
			}
		}
	}
}
