package projection

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Refold folds the log up to a position once more, in one scan, into rows that belong to no table: those that each of the
// refoldings chooses. No others are held in memory.
//
// Errors: *FoldError; those of the log, of the codec and of Found.
func (p *Projector[K, R]) Refold(ctx context.Context, through cqrs.Position, refoldings ...readmodel.Refolding) (err error) {
	all := make([]*Rows[K, R], len(refoldings))
	for i := range refoldings {
		all[i] = p.chosen(i, refoldings[i].UpTo)
	}
	defer func() {
		if v := recover(); v != nil {
			err = &cqrs.PanicError{In: "the fold of " + p.def.Name, Value: fmt.Sprint(v), Stack: debug.Stack()}
		}
	}()
	for rec, err := range p.log.Read(ctx, eventlog.Query{Through: through, Types: p.def.Events}) {
		if err != nil {
			return err
		}
		for _, rows := range all {
			if err := rows.refold(rec); err != nil {
				return newFoldError(p.def.Name, rec, err)
			}
		}
	}
	for i, rows := range all {
		if err := p.handOut(rows, refoldings[i].Found); err != nil {
			return err
		}
	}
	return nil
}

// maxChanged is how many rows change before those of them are let go that are deleted.
const maxChanged = 4096

// refold folds a record into rows of which nothing is ever written. Only those that exist stay: the log may have made and
// deleted any number of others.
func (r *Rows[K, R]) refold(rec *cqrs.Record) error {
	if len(r.dirty) >= maxChanged {
		r.wrote()
	}
	return r.fold(rec)
}

// chosen returns rows that hold nothing but what upTo chooses.
func (p *Projector[K, R]) chosen(lane int, upTo func(key []readmodel.Value) cqrs.Position) *Rows[K, R] {
	var values []readmodel.Value
	rows := &Rows[K, R]{def: &p.def, folds: p.def.NewFold(lane)}
	rows.reset(true)
	rows.only = func(key K, at cqrs.Position) bool {
		values = p.def.Codec.AppendKey(values[:0], &key)
		return at <= upTo(values)
	}
	return rows
}

// handOut calls found for each row that exists.
func (p *Projector[K, R]) handOut(rows *Rows[K, R], found func(key, row []readmodel.Value) error) error {
	rows.cache.index()
	for k, e := range rows.cache.byKey {
		if !e.exists {
			continue
		}
		row, err := p.def.Codec.AppendRow(nil, &e.row)
		if err == nil {
			err = found(p.def.Codec.AppendKey(nil, &k), row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
