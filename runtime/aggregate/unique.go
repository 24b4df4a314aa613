package aggregate

import (
	"context"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Unique says that no two streams of an aggregate have one value at a time. Generated code makes it.
type Unique[S any] struct {
	// Space keeps the values apart from those of other fields and aggregates: "Account: email lower". With another space
	// nothing is claimed yet.
	Space string
	// Value adds the fields of a state to v.
	Value func(s *S, v *claim.Value)
	// Taken returns the rejection of a state whose value another stream has.
	Taken func(s *S) cqrs.Rejection
	// Keep says that a value which a stream had once stays its own.
	Keep bool
}

// WithClaimKey sets the key that names the claims of unique values, of at least claim.MinKey bytes. It is for stores
// that others read: without the key they can't find out whether a value is taken. It must be the same for all programs
// over a store, from the first claim on; another one is a *claim.KeyError. By default the store keeps a random key.
func WithClaimKey(key []byte) Option {
	return func(r *Runtime) { r.claimKey = slices.Clone(key) }
}

// before keeps the unique values of the state before the command's events.
func (p *part[S]) before() {
	for i := range p.of.def.Unique {
		u := &p.of.def.Unique[i]
		c := claim.Change{Stream: p.stream, Space: u.Space, Keep: u.Keep}
		u.Value(&p.loaded.state, &c.Old)
		p.changes = append(p.changes, c)
	}
}

// after adds the unique values of the state after them.
func (p *part[S]) after() {
	for i := range p.of.def.Unique {
		u, c := &p.of.def.Unique[i], &p.changes[i]
		u.Value(&p.loaded.state, &c.New)
		c.Taken = func() error { return u.Taken(&p.loaded.state) }
	}
}

// unique returns what changes in the unique values of the stream.
func (p *part[S]) unique() []claim.Change { return p.changes }

// claims plans what the commit says about unique values.
func (x *execution[S]) claims(ctx context.Context) (claim.Plan, error) {
	changes := x.own.unique()
	for _, p := range x.others {
		changes = append(slices.Clip(changes), p.unique()...)
	}
	if len(changes) == 0 {
		return claim.Plan{}, nil
	}
	x.claimed = true
	return x.own.of.runtime.book.Plan(ctx, changes)
}
