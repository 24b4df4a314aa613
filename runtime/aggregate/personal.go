package aggregate

import (
	"context"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// moment is what says later whether personal data that are decrypted now may still be used.
func (a *Aggregate[S]) moment() personal.Moment {
	if !a.def.Personal {
		return personal.Moment{}
	}
	return a.runtime.keys.Now()
}

// take takes a state out of the cache. One with personal data is dropped once somebody was forgotten, or where that may
// have happened.
func (a *Aggregate[S]) take(id string) *loaded[S] {
	l := a.cache.take(id)
	if l != nil && a.def.Personal && !a.runtime.keys.Since(l.read) {
		return nil
	}
	return l
}

// coder returns what encrypts the personal data of a stream, nil where there are none.
func (a *Aggregate[S]) coder(stream cqrs.StreamID) *personal.Coder {
	if !a.def.Personal {
		return nil
	}
	return personal.OfStream(a.runtime.keys, stream)
}

// appendState encodes a state for a snapshot.
func (a *Aggregate[S]) appendState(stream cqrs.StreamID, state *S) ([]byte, error) {
	if a.def.SealState != nil {
		return a.def.SealState(nil, state, a.coder(stream))
	}
	return a.def.AppendState(nil, state)
}

// decodeState decodes the state of a snapshot. The error wraps personal.ErrErasedSince where it has data of somebody who
// was forgotten since.
func (a *Aggregate[S]) decodeState(stream cqrs.StreamID, data []byte, state *S) error {
	if a.def.OpenState != nil {
		return a.def.OpenState(data, state, a.coder(stream))
	}
	return a.def.DecodeState(data, state)
}

// CheckKeys returns an error if there are no keys, or if they are not those of the log's personal data, which are in
// events of these types. The errors are personal.ErrNoKeys and those of personal.Keys.Check.
func (r *Runtime) CheckKeys(ctx context.Context, types ...string) error {
	if r.keys == nil {
		return personal.ErrNoKeys
	}
	return r.keys.Check(ctx, r.store, types...)
}

// Forget erases the personal data of somebody. See personal.Keys.Forget.
func (r *Runtime) Forget(ctx context.Context, who personal.Subject) error {
	if r.keys == nil {
		return personal.ErrNoKeys
	}
	return r.keys.Forget(ctx, r.store, who)
}
