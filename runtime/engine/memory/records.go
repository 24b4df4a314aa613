package memory

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// perBlock is the number of records in a block. A log that grows never copies a record.
const perBlock = 128

// records are the records of a log. They only ever grow, and no record in them changes: whoever took a copy of this
// value under the log's lock may read its records without. The record at index i has the position i+1.
type records struct {
	blocks [][]cqrs.Record
	n      int
}

func (r *records) at(i int) *cqrs.Record { return &r.blocks[i/perBlock][i%perBlock] }

// add returns the place of a new record, behind all others.
func (r *records) add() *cqrs.Record {
	if r.n == len(r.blocks)*perBlock {
		r.blocks = append(r.blocks, make([]cqrs.Record, perBlock))
	}
	r.n++
	return r.at(r.n - 1)
}
