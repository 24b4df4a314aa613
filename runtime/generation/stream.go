package generation

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// entry is a row as a page of its generation had it.
type entry struct {
	key, row []readmodel.Value
	// The row is what it is from the position at up to the position to.
	at, to cqrs.Position
}

// stream reads the rows of a generation in the order of their keys, page by page, so that nothing is held and memory is
// bounded. Each page is of one moment.
type stream struct {
	table  readmodel.Table
	schema *readmodel.Schema
	size   int

	page []entry
	// to is the position that the page reflects, first that of the first page.
	to    cqrs.Position
	first readmodel.Checkpoint
	last  bool
	begun bool
	// lastKey is the last key that was read.
	lastKey []readmodel.Value
	rows    int64
	// ended is called with each page: its last key, nil for the last page, and what it reflects.
	ended func(last []readmodel.Value, to cqrs.Position)
}

// head returns the next row, nil behind the last one. A key between two rows belongs to the page of the second.
func (s *stream) head(ctx context.Context) (*entry, error) {
	for len(s.page) == 0 && !s.last {
		if err := s.read(ctx); err != nil {
			return nil, err
		}
	}
	if len(s.page) == 0 {
		return nil, nil
	}
	return &s.page[0], nil
}

func (s *stream) next() { s.page = s.page[1:] }

func (s *stream) read(ctx context.Context) error {
	f := readmodel.Find{Index: -1, Limit: s.size}
	if s.begun {
		f.After = s.lastKey
	}
	buf := s.page[:0:0]
	c, err := s.table.Find(ctx, f, func(key, row []readmodel.Value, at cqrs.Position) error {
		buf = append(buf, entry{key: slices.Clone(key), row: slices.Clone(row), at: at})
		return nil
	})
	if err != nil {
		return err
	}
	if !s.begun {
		s.first, s.begun = c, true
	}
	for i := range buf {
		buf[i].to = max(c.Position, buf[i].at)
	}
	s.page, s.to, s.last = buf, c.Position, len(buf) < s.size
	s.rows += int64(len(buf))
	var last []readmodel.Value
	if !s.last {
		last = buf[len(buf)-1].key
		s.lastKey = last
	}
	if s.ended != nil {
		s.ended(last, c.Position)
	}
	return nil
}

// compareKeys says in which order two keys come.
func compareKeys(a, b []readmodel.Value) int {
	return slices.CompareFunc(a, b, readmodel.Value.Compare)
}

// encode appends an encoding of values in which no two lists are the same: what keys are told apart by, and what
// checksums are made of.
func encode(b []byte, values []readmodel.Value) []byte {
	for i := range values {
		v := &values[i]
		b = append(b, byte(v.Kind()))
		b = binary.BigEndian.AppendUint64(b, v.Uint64())
		b = binary.AppendUvarint(b, uint64(len(v.Text())))
		b = append(b, v.Text()...)
	}
	return b
}

// checksum adds up the digests of rows, so that their order does not matter.
type checksum struct {
	high, low uint64
	buf       []byte
}

func (c *checksum) add(key, row []readmodel.Value) {
	c.buf = encode(encode(c.buf[:0], key), row)
	sum := sha256.Sum256(c.buf)
	c.high += binary.BigEndian.Uint64(sum[:8])
	c.low += binary.BigEndian.Uint64(sum[8:16])
}

func (c *checksum) String() string { return fmt.Sprintf("%016x%016x", c.high, c.low) }
