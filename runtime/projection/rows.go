package projection

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Rows gives a fold the rows that it asks for.
//
// A batch is folded in two passes. The first folds each record into the rows that are cached. A row that is not is noted
// as missing, and the record as deferred; from then on every record of the batch that leads to that row is deferred too.
// At the end of the batch all missing rows are loaded at once, and the second pass calls the fold for the deferred
// records, in order, and gives it the loaded rows only. So each row sees its events once, in the order of the log; what
// other rows see in between does not matter, because a fold sees its own row only.
type Rows[K comparable, R any] struct {
	def   *Definition[K, R]
	cache map[K]*entry[K, R]
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
	// slab is where the next rows come from.
	slab []entry[K, R]
}

type state uint8

const (
	settled state = iota
	missing
	loaded
)

type entry[K comparable, R any] struct {
	row R
	// position is that of the last event that was folded into the row.
	position cqrs.Position
	state    state
	// dirty says that the row is not stored as it is here.
	dirty bool
	key   K
}

// At returns the row under a key, to fold the current record into; a row that does not exist yet is a new one. It
// returns nil where this record must not be folded into the row now, because the row has to be loaded first, or
// already reflects the record. The row must not be kept.
func (r *Rows[K, R]) At(key K) *R {
	e := r.cache[key]
	if e == nil {
		e = r.add(key)
	}
	r.asked = e
	if e.state != r.turn {
		r.postpone(e)
		return nil
	}
	// A sink may have stored a row without the checkpoint: it then reflects events that are read again. An event that
	// leads to a row twice finds the row at its own position the second time, but changed.
	at := r.record.Position
	if at <= e.position && !(at == e.position && e.dirty) {
		return nil
	}
	e.position = at
	if !e.dirty {
		e.dirty = true
		r.dirty = append(r.dirty, e)
	}
	return &e.row
}

// maxSlab bounds how many rows are allocated at once.
const maxSlab = 512

func (r *Rows[K, R]) add(key K) *entry[K, R] {
	if len(r.slab) == 0 {
		r.slab = make([]entry[K, R], min(maxSlab, 8+len(r.cache)))
	}
	e := &r.slab[0]
	r.slab = r.slab[1:]
	if r.def.OwnKey != nil {
		key = r.def.OwnKey(key)
	}
	e.key = key
	r.cache[key] = e
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

// fold calls the fold for one record.
func (r *Rows[K, R]) fold(rec *cqrs.Record) error {
	r.record, r.asked = rec, nil
	err := r.def.Fold(r, rec)
	if err == nil {
		err = r.fault
	}
	return err
}

// reset forgets all rows. With complete, the read model is known to be empty.
func (r *Rows[K, R]) reset(complete bool) {
	if r.cache == nil {
		r.cache = map[K]*entry[K, R]{}
	}
	clear(r.cache)
	clear(r.dirty)
	clear(r.missing)
	clear(r.deferred)
	r.dirty, r.missing, r.deferred, r.slab = r.dirty[:0], r.missing[:0], r.deferred[:0], nil
	r.complete, r.turn, r.record, r.asked, r.fault = complete, settled, nil, nil, nil
}
