package projection

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Kept is a projection in all the stores that keep its rows: each has a Projector, and a Model that answers queries. It is
// safe for concurrent use.
type Kept[K comparable, R any] struct {
	*readmodel.Model[K, R]
	projector *Projector[K, R]
	rows      readmodel.Store
	// all has those of all stores, the first of which answers queries.
	all []*Kept[K, R]
}

// Keep adds a projection to a group, with a Projector for each store that rows has for it, and returns it in the first of
// them. It is called before the group runs.
func Keep[K comparable, R any](g *Group, rows readmodel.Store, def Definition[K, R], opts ...Option) *Kept[K, R] {
	stores, err := readmodel.StoresOf(rows, def.Name)
	if err != nil {
		stores = []readmodel.Store{rows} // which says so itself once it is used
	}
	all := make([]*Kept[K, R], len(stores))
	for i, store := range stores {
		p := New(g, store, def, opts...)
		all[i] = &Kept[K, R]{readmodel.NewModel(store, g.log, def.Codec), p, rows, all}
		all[i].StopsWith(p.Err)
	}
	return all[0]
}

// In returns the projection in another one of its stores, by the store's name. A name that none of them has is a
// *readmodel.SinksError.
func (k *Kept[K, R]) In(sink string) (*Kept[K, R], error) {
	store, err := readmodel.StoreNamed(k.rows, k.projector.Name(), sink)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(k.all, func(other *Kept[K, R]) bool { return other.projector.store == store })
	return k.all[i], nil
}

// Projector returns what keeps the read model up to date in this store.
func (k *Kept[K, R]) Projector() Runner { return k.projector }
