package embedded

import (
	"math/bits"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"zombiezen.com/go/sqlite"
)

const (
	// blockPositions is how many positions a row of the table type_positions stands for.
	blockPositions = 64
	// windowBlocks is how many blocks of the index a reader has in memory: 32 KiB.
	windowBlocks = 4096
	// nearby is how many unwanted events are read past sooner than the next wanted one is looked up.
	nearby = 8
)

// blocks is a part of the index by type: the positions of all wanted events in a window.
type blocks struct {
	positions []uint64
	// first is the block of positions[0].
	first int64
}

const selectBlocks = `SELECT block, positions FROM type_positions
	WHERE type = ?1 + 0 AND block >= ?2 + 0 AND block < ?3 + 0`

// load reads the window that begins at a block.
func (b *blocks) load(c *sqlite.Conn, first int64, types []int64) error {
	if b.positions == nil {
		b.positions = make([]uint64, windowBlocks)
	}
	clear(b.positions)
	b.first = first
	stmt, err := c.Prepare(selectBlocks)
	if err != nil {
		return err
	}
	for _, id := range types {
		stmt.BindInt64(1, id)
		stmt.BindInt64(2, first)
		stmt.BindInt64(3, first+windowBlocks)
		for {
			row, err := stmt.Step()
			if err != nil {
				return err
			}
			if !row {
				break
			}
			b.positions[stmt.ColumnInt64(0)-first] |= uint64(stmt.ColumnInt64(1))
		}
		if err := stmt.Reset(); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether the event at a position of the window is wanted.
func (b *blocks) has(p cqrs.Position) bool {
	return b.positions[int64(p)/blockPositions-b.first]&(1<<(p%blockPositions)) != 0
}

// next returns the next run of wanted events behind a position of the window: its first and last position. Unwanted
// events may be in between.
func (b *blocks) next(after cqrs.Position) (from, to cqrs.Position, ok bool) {
	after++
	for block := int64(after) / blockPositions; block < b.first+windowBlocks; block++ {
		rest := b.positions[block-b.first]
		if block == int64(after)/blockPositions {
			rest &= ^uint64(0) << (after % blockPositions)
		}
		if rest == 0 {
			continue
		}
		start := cqrs.Position(block * blockPositions)
		n := bits.TrailingZeros64(rest)
		from, to = start+cqrs.Position(n), start+cqrs.Position(n)
		for rest &= rest - 1; rest != 0; rest &= rest - 1 {
			n := start + cqrs.Position(bits.TrailingZeros64(rest))
			if n-to > nearby {
				break
			}
			to = n
		}
		return from, to, true
	}
	return 0, 0, false
}

// end is the last position of the window.
func (b *blocks) end() cqrs.Position { return cqrs.Position((b.first+windowBlocks)*blockPositions - 1) }

// fetchIndexed reads the wanted events that the index names.
func (r *logReader) fetchIndexed(c *sqlite.Conn, into *chunk) error {
	stmt, err := c.Prepare(selectEvents)
	if err != nil {
		return err
	}
	for r.after < r.through && !into.more {
		if r.blocks.positions == nil || r.after >= r.blocks.end() {
			// What was appended meanwhile is behind through: a window that was read once is right as long as it is needed.
			if err := r.blocks.load(c, int64(r.after+1)/blockPositions, r.ids); err != nil {
				return err
			}
		}
		from, to, ok := r.blocks.next(r.after)
		switch {
		case !ok:
			r.after = min(r.through, r.blocks.end())
		case from > r.through:
			r.after = r.through
		default:
			stmt.BindInt64(1, int64(from-1))
			stmt.BindInt64(2, int64(min(to, r.through)))
			if err := r.fetchRun(c, stmt, from, min(to, r.through), into); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchRun adds the wanted events of a run, whose rows stmt yields, and moves r.after on to the last one.
func (r *logReader) fetchRun(c *sqlite.Conn, stmt *sqlite.Stmt, from, to cqrs.Position, into *chunk) error {
	names := nameReader{r.log, c}
	for p := from; p <= to; p++ {
		row, err := stmt.Step()
		if err != nil {
			return err
		}
		if !row || cqrs.Position(stmt.ColumnInt64(0)) != p {
			return corruptf("the log has no event at position %d", p)
		}
		if !r.blocks.has(p) {
			continue
		}
		if !slices.Contains(r.ids, stmt.ColumnInt64(3)) {
			return corruptf("the index by type names position %d for another type than it has", p)
		}
		if !into.takes(stmt, r.log.bounds) {
			into.more = true
			break
		}
		if err := into.add(stmt, &names); err != nil {
			return err
		}
		r.after = p
	}
	return stmt.Reset()
}
