package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sinks gives projections stores of their own, or several: each store has rows, generations and a checkpoint of its own,
// and one scan of the log feeds them all. It can be given to New wherever a Store can; as a Store itself it is the first
// store of each projection, the one that answers queries.
type Sinks struct {
	// Default keeps the projections that Of does not name. It may be nil if there are none.
	Default Store
	// Of has the stores of projections, by their names in the model. The first one answers queries.
	Of map[string][]Store
}

var _ Store = (*Sinks)(nil)

// sinks is a *Sinks, or a type that embeds one.
type sinks interface{ self() *Sinks }

func (s *Sinks) self() *Sinks { return s }

// StoresOf returns the stores of a projection, the first of which answers queries: those that rows has for it, if rows is
// a *Sinks or embeds one, else rows alone.
func StoresOf(rows Store, projection string) ([]Store, error) {
	several, ok := rows.(sinks)
	if !ok {
		return []Store{rows}, nil
	}
	s := several.self()
	if stores := s.Of[projection]; len(stores) > 0 {
		return slices.Clone(stores), nil
	}
	if s.Default == nil {
		return nil, &SinksError{Projection: projection, Reason: "it has no store, and there is no default one"}
	}
	return []Store{s.Default}, nil
}

// StoreNamed returns the store of a projection that has the name; if several have, the first.
func StoreNamed(rows Store, projection, name string) (Store, error) {
	stores, err := StoresOf(rows, projection)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range stores {
		if s.Name() == name {
			return s, nil
		}
		names = append(names, s.Name())
	}
	return nil, &SinksError{projection, fmt.Sprintf("it is not kept in %.40q, but in %s", name, strings.Join(names, ", "))}
}

// CheckSinks refuses, with a *SinksError, a Sinks that does not fit the projections: it names one that does not exist, or
// has no store for one. Any other Store fits.
func CheckSinks(rows Store, projections ...string) error {
	several, ok := rows.(sinks)
	if !ok {
		return nil
	}
	for name := range several.self().Of {
		if !slices.Contains(projections, name) {
			return &SinksError{name, "there is no such projection, but " + strings.Join(projections, ", ")}
		}
	}
	for _, name := range projections {
		if _, err := StoresOf(rows, name); err != nil {
			return err
		}
	}
	return nil
}

// SinksError says that a Sinks does not fit the projections of a model.
type SinksError struct {
	Projection string
	Reason     string
}

func (e *SinksError) Error() string { return fmt.Sprintf("read model %s: %s", e.Projection, e.Reason) }

func (s *Sinks) first(projection string) (Store, error) {
	stores, err := StoresOf(s, projection)
	if err != nil {
		return nil, err
	}
	return stores[0], nil
}

// Name implements Store.
func (s *Sinks) Name() string { return "sinks" }

// Table implements Store.
func (s *Sinks) Table(ctx context.Context, schema *Schema) (Table, error) {
	store, err := s.first(schema.Projection)
	if err != nil {
		return nil, err
	}
	return store.Table(ctx, schema)
}

// Open implements Store.
func (s *Sinks) Open(ctx context.Context, projection, fingerprint string) (Table, *Schema, error) {
	store, err := s.first(projection)
	if err != nil {
		return nil, nil, err
	}
	return store.Open(ctx, projection, fingerprint)
}

// Generations implements Store. Of all projections are those that Of names, and those of Default.
func (s *Sinks) Generations(ctx context.Context, projection string) ([]Generation, error) {
	if projection != "" {
		store, err := s.first(projection)
		if err != nil {
			return nil, err
		}
		return store.Generations(ctx, projection)
	}
	var all []Generation
	var errs error
	for name := range s.Of {
		of, err := s.Generations(ctx, name)
		all, errs = append(all, of...), errors.Join(errs, err)
	}
	if s.Default != nil {
		of, err := s.Default.Generations(ctx, "")
		for _, g := range of {
			if s.Of[g.Schema.Projection] == nil {
				all = append(all, g)
			}
		}
		errs = errors.Join(errs, err)
	}
	slices.SortStableFunc(all, func(a, b Generation) int {
		return strings.Compare(a.Schema.Projection, b.Schema.Projection)
	})
	return all, errs
}

// Promote implements Store.
func (s *Sinks) Promote(ctx context.Context, projection, fingerprint string) error {
	store, err := s.first(projection)
	if err != nil {
		return err
	}
	return store.Promote(ctx, projection, fingerprint)
}

// Drop implements Store.
func (s *Sinks) Drop(ctx context.Context, projection, fingerprint string) error {
	store, err := s.first(projection)
	if err != nil {
		return err
	}
	return store.Drop(ctx, projection, fingerprint)
}
