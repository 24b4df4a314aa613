package projection

import (
	"hash/maphash"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Rows gives a fold the rows that it asks for.
//
// A batch is folded in two passes. The first folds each record into the rows that are cached. A row that is not is noted
// as missing, and the record as deferred; from then on every record of the batch that leads to that row is deferred too.
// At the end of the batch all missing rows are loaded at once, and the second pass calls the fold for the deferred
// records, in order, and gives it the loaded rows only. So each row sees its events once, in the order of the log; what
// other rows see in between does not matter, because a fold sees its own row only. A record may lead to many rows, and to
// one row several times: those of its effects that meet in a row come in their order, because they come in the same pass.
type Rows[K comparable, R any] struct {
	def   *Definition[K, R]
	folds func(*Rows[K, R], *cqrs.Record) error
	cache cache[K, R]
	// lane is the part of the keys that these rows are, of lanes parts; all of them if lanes is below two.
	lane, lanes uint64
	// only, if not nil, says whether events at a position are folded into the row of a key.
	only func(key K, at cqrs.Position) bool
	// absent is what Look returns for a row that does not exist, and that need not be loaded.
	absent entry[K, R]
	// complete says that the cache has every row that there is: a key that it does not have needs no loading.
	complete bool
	// turn is the state of the rows that this pass folds into: settled in the first, loaded in the second.
	turn state
	// record is being folded; nil while no fold runs.
	record *cqrs.Record
	// asked is the row that the record's fold asked for last.
	asked *entry[K, R]
	// fault is set when a fold breaks its contract.
	fault error

	dirty    []*entry[K, R]
	missing  []*entry[K, R]
	deferred []cqrs.Record
	// folded is the number of records since gather, and gathered that of the rows then.
	folded, gathered int
	// slab is where the next rows come from, if none is free.
	slab []entry[K, R]
	free []*entry[K, R]
}

type state uint8

const (
	settled state = iota
	missing
	loaded
	asking // no row is: a fold is to say which rows it needs
)

// entry is a row in memory. Its fields are in the order that keeps what is looked at with each event in few places: find
// reads what stands before the row, touch the ends.
type entry[K comparable, R any] struct {
	key K
	// stream is the number of the stream that the row hangs on, 0 for none; next hangs on it too.
	next   *entry[K, R]
	stream uint32
	row    R
	// position is that of the last event that was folded into the row.
	position cqrs.Position
	state    state
	// dirty says that the row is not stored as it is here.
	dirty bool
	// exists tells a row from one that was never made, or is deleted; that one has the content of a new row.
	exists bool
	// stored says that the table has the row, in whatever state.
	stored bool
}

// At returns the row under a key, to fold the current record into; a row that does not exist yet is a new one. It
// returns nil where this record must not be folded into the row now, because the row has to be loaded first, or
// already reflects the record. The row must not be kept.
func (r *Rows[K, R]) At(key K) *R {
	if r.only != nil && !r.only(key, r.record.Position) {
		return nil
	}
	if r.elsewhere(key) {
		return nil
	}
	e := r.cache.find(r.record, key)
	if e == nil {
		e = r.add(key)
	}
	r.asked = e
	if !r.foldable(e) {
		return nil
	}
	r.change(e)
	e.exists = true
	return &e.row
}

// Look returns the row under a key, for a fold that depends on what the row says: one that goes on calls At or Delete
// with the same key, and changes the row that At returns. A row that does not exist reads as a new one, and is not made.
// Look returns nil where At would.
func (r *Rows[K, R]) Look(key K) *R {
	if r.only != nil && !r.only(key, r.record.Position) {
		return nil
	}
	if r.elsewhere(key) {
		return nil
	}
	e := r.cache.find(r.record, key)
	if e == nil {
		if r.complete {
			return r.none(key)
		}
		e = r.add(key)
	}
	r.asked = e
	if !r.foldable(e) {
		return nil
	}
	return &e.row
}

// Delete deletes the row under a key, where At would return it; a row that does not exist stays so. When a later effect
// of the same record, or a later record, leads to the key again, it finds a new row.
func (r *Rows[K, R]) Delete(key K) {
	if r.complete && r.cache.find(r.record, key) == nil {
		return
	}
	if r.Look(key) == nil || !r.asked.exists {
		return
	}
	e := r.asked
	r.change(e)
	var none R
	e.row, e.exists = none, false
	r.init(e)
}

// elsewhere reports whether a key belongs to another lane.
func (r *Rows[K, R]) elsewhere(key K) bool {
	return r.lanes > 1 && maphash.Comparable(streamSeed, key)%r.lanes != r.lane
}

// none returns the new row that a row reads as which does not exist.
func (r *Rows[K, R]) none(key K) *R {
	r.absent = entry[K, R]{key: key}
	r.init(&r.absent)
	r.asked = &r.absent
	return &r.absent.row
}

// foldable reports whether the current record is to be folded into the row now.
func (r *Rows[K, R]) foldable(e *entry[K, R]) bool {
	if e.state != r.turn {
		r.postpone(e)
		return false
	}
	// A sink may have stored a row without the checkpoint: it then reflects events that are read again. An event that
	// leads to a row twice finds the row at its own position the second time, but changed.
	at := r.record.Position
	return at > e.position || at == e.position && e.dirty
}

// change notes that the current record changes the row.
func (r *Rows[K, R]) change(e *entry[K, R]) {
	e.position = r.record.Position
	if !e.dirty {
		e.dirty = true
		r.dirty = append(r.dirty, e)
	}
}

// maxSlab bounds how many rows are allocated at once.
const maxSlab = 512

func (r *Rows[K, R]) add(key K) *entry[K, R] {
	e := r.unused()
	if r.def.OwnKey != nil {
		key = r.def.OwnKey(key, r.record.StreamNumber == 0)
	}
	e.key = key
	r.cache.add(r.record, e)
	switch {
	case r.turn == loaded:
		r.fault = errKeys
	case r.complete:
		r.init(e)
	default:
		e.state = missing
		r.missing = append(r.missing, e)
	}
	return e
}

func (r *Rows[K, R]) unused() *entry[K, R] {
	if last := len(r.free) - 1; last >= 0 {
		e := r.free[last]
		r.free = r.free[:last]
		return e
	}
	if len(r.slab) == 0 {
		r.slab = make([]entry[K, R], min(maxSlab, 8+r.cache.rows))
	}
	e := &r.slab[0]
	r.slab = r.slab[1:]
	return e
}

// wrote notes that all changed rows are stored. In a complete cache a deleted row is one that the cache does not have.
func (r *Rows[K, R]) wrote() {
	for _, e := range r.dirty {
		e.dirty, e.stored = false, e.exists
		if r.complete && !e.exists {
			r.cache.remove(e)
			*e = entry[K, R]{}
			r.free = append(r.free, e)
		}
	}
	clear(r.dirty)
	r.dirty = r.dirty[:0]
}

func (r *Rows[K, R]) init(e *entry[K, R]) {
	if r.def.Init != nil {
		r.def.Init(&e.row)
	}
}

// postpone defers the current record, if the row that it leads to is missing. In the second pass there is nothing to
// do: the record was folded into this row in the first.
func (r *Rows[K, R]) postpone(e *entry[K, R]) {
	if e.state != missing {
		return
	}
	if n := len(r.deferred); n == 0 || r.deferred[n-1].Position != r.record.Position {
		r.deferred = append(r.deferred, *r.record)
	}
}

// fewRows is how many rows are near each other wherever they are.
const fewRows = 4096

// rest is called between two chunks, with the number of records in the last one. It gathers rows once that pays: when
// many of them are new, and each of them was folded into a few times.
func (r *Rows[K, R]) rest(records int) {
	r.folded += records
	if n := r.cache.hangs; n > fewRows && n > r.gathered+r.gathered/4 && r.folded > 3*n && len(r.missing) == 0 {
		r.gather()
		r.folded, r.gathered = 0, n
	}
}

// gather moves the rows that hang on streams to new places: those of a stream next to each other, in the order of the
// streams' numbers. Rows are made when their first event comes, so that those of one stream lie far apart, and a fold
// that looks for one of them waits for each.
func (r *Rows[K, R]) gather() {
	c := &r.cache
	if !c.numbered {
		return
	}
	r.dirty, r.asked = r.dirty[:0], nil
	r.slab, r.free = nil, nil
	left := c.hangs
	for n, e := range c.byStream {
		if e == c.crowded {
			continue
		}
		for at := &c.byStream[n]; e != nil; e = e.next {
			if len(r.slab) == 0 {
				r.slab = make([]entry[K, R], min(left, fewRows))
			}
			moved := &r.slab[0]
			r.slab = r.slab[1:]
			left--
			*moved = *e
			*at, at = moved, &moved.next
			if c.indexed {
				c.byKey[moved.key] = moved
			}
			if moved.dirty {
				r.dirty = append(r.dirty, moved)
			}
		}
	}
	for _, e := range c.byKey {
		if e.stream == 0 && e.dirty {
			r.dirty = append(r.dirty, e)
		}
	}
}

// fold calls the fold for one record. Where the log says that an event is replaced there is nothing to fold.
func (r *Rows[K, R]) fold(rec *cqrs.Record) error {
	r.record, r.asked = rec, nil
	if rec.Type == cqrs.Replaced {
		return rec.CheckReplaced(r.def.Events, r.def.Ignores)
	}
	err := r.folds(r, rec)
	if err == nil {
		err = r.fault
	}
	return err
}

// adopt takes over the rows of another part of the keys, none of which waits for anything.
func (r *Rows[K, R]) adopt(other *Rows[K, R]) {
	other.cache.index()
	for key, e := range other.cache.byKey {
		e.stream, e.next = 0, nil // they hang on their streams again once they are found by key
		r.cache.byKey[key] = e
	}
	r.cache.indexed = true
	r.cache.rows += other.cache.rows
	r.complete = r.complete && other.complete
}

// reset forgets all rows. With complete, the read model is known to be empty.
func (r *Rows[K, R]) reset(complete bool) {
	r.cache.reset(r.def.ByStream)
	clear(r.dirty)
	clear(r.missing)
	clear(r.deferred)
	r.folded, r.gathered = 0, 0
	r.dirty, r.missing, r.deferred, r.slab, r.free = r.dirty[:0], r.missing[:0], r.deferred[:0], nil, nil
	r.complete, r.turn, r.record, r.asked, r.fault = complete, settled, nil, nil, nil
}
