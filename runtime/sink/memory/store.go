package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Store implements readmodel.Store. It is safe for concurrent use.
type Store struct {
	readmodel.Signal

	// mu guards which generations there are, and which of them are active. It is taken before the mu of a generation.
	mu          sync.RWMutex
	generations map[name]*contents
	// last is the last time that was given out: two generations are never made, or promoted, at the same one.
	last time.Time
}

type name struct{ projection, fingerprint string }

// New returns an empty Store.
func New() *Store { return &Store{generations: map[name]*contents{}} }

// Name implements readmodel.Store.
func (s *Store) Name() string { return "memory" }

// Table implements readmodel.Store. Schemas of the same projection and fingerprint get the same rows; should their
// columns differ all the same, the error is a *readmodel.SchemaError.
func (s *Store) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if err := cmp.Or(schema.Check(), ctx.Err()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := name{schema.Projection, schema.Fingerprint}
	c := s.generations[n]
	if c == nil {
		c = &contents{created: *schema, rows: map[string]*row{}}
		c.about.Created = s.now()
		s.generations[n] = c
	}
	if !c.created.SameShape(schema) {
		return nil, &readmodel.SchemaError{
			Projection: schema.Projection,
			Reason:     "other columns were opened under its fingerprint " + schema.Fingerprint,
		}
	}
	return &table{contents: c, schema: *schema, store: s}, nil
}

// now returns the time, later than any before. It is called under mu.
func (s *Store) now() time.Time {
	now := time.Now().UTC().Truncate(time.Microsecond)
	if !now.After(s.last) {
		now = s.last.Add(time.Microsecond)
	}
	s.last = now
	return now
}

// Open implements readmodel.Store.
func (s *Store) Open(ctx context.Context, projection, fingerprint string) (readmodel.Table, *readmodel.Schema, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, err := s.generation(projection, fingerprint)
	if err != nil {
		return nil, nil, err
	}
	schema := c.created
	return &table{contents: c, schema: schema, store: s}, &schema, nil
}

// generation returns a generation that exists. It is called under mu.
func (s *Store) generation(projection, fingerprint string) (*contents, error) {
	c := s.generations[name{projection, fingerprint}]
	if c == nil {
		return nil, fmt.Errorf("read model %s: %w: %s", projection, readmodel.ErrNoGeneration, fingerprint)
	}
	return c, nil
}

// Generations implements readmodel.Store.
func (s *Store) Generations(ctx context.Context, projection string) ([]readmodel.Generation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []readmodel.Generation
	for n, c := range s.generations {
		if projection == "" || n.projection == projection {
			all = append(all, c.generation())
		}
	}
	slices.SortFunc(all, func(a, b readmodel.Generation) int {
		return cmp.Or(strings.Compare(a.Schema.Projection, b.Schema.Projection), a.Created.Compare(b.Created))
	})
	return all, nil
}

func (c *contents) generation() readmodel.Generation {
	c.mu.RLock()
	defer c.mu.RUnlock()
	g := c.about
	g.Schema, g.Checkpoint, g.Asked = c.created, c.checkpoint, time.Now().UTC()
	g.Lease.Report = slices.Clone(g.Lease.Report)
	return g
}

// Promote implements readmodel.Store.
func (s *Store) Promote(ctx context.Context, projection, fingerprint string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := s.generation(projection, fingerprint)
	if err != nil {
		return err
	}
	g := next.generation()
	if g.Active {
		return nil
	}
	if !g.Checkpoint.Built {
		return &readmodel.NotBuiltError{
			Projection: projection, Generation: fingerprint, Position: g.Checkpoint.Position,
		}
	}
	for n, c := range s.generations {
		if n.projection == projection {
			c.activate(c == next, s.now)
		}
	}
	s.Notify()
	return nil
}

func (c *contents) activate(active bool, now func() time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about.Active = active
	if active {
		c.about.Promoted = now()
	}
}

// Drop implements readmodel.Store.
func (s *Store) Drop(ctx context.Context, projection, fingerprint string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.generation(projection, fingerprint)
	if err != nil {
		return err
	}
	if err := c.drop(); err != nil {
		return err
	}
	delete(s.generations, name{projection, fingerprint})
	s.Notify()
	c.Notify()
	return nil
}

func (c *contents) drop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.about.Active {
		return &readmodel.ActiveError{Projection: c.created.Projection, Generation: c.created.Fingerprint}
	}
	if err := c.held(""); err != nil {
		return err
	}
	c.dropped, c.rows = true, nil
	return nil
}

// held returns a *readmodel.HeldError if anybody but holder has the lease. It is called under mu.
func (c *contents) held(holder string) error {
	lease := &c.about.Lease
	if lease.Holder == "" || lease.Holder == holder || !lease.Until.After(time.Now()) {
		return nil
	}
	return &readmodel.HeldError{
		Projection: c.created.Projection, Generation: c.created.Fingerprint, Holder: lease.Holder, Until: lease.Until,
	}
}

// Hold implements readmodel.Table.
func (t *table) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	if err := cmp.Or(t.schema.CheckLease(holder, ttl), ctx.Err()); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := cmp.Or(t.there(), t.held(holder)); err != nil {
		return err
	}
	now := time.Now().UTC()
	t.about.Lease = readmodel.Lease{
		Holder: holder, Until: now.Add(ttl), Report: slices.Clone(report), Reported: now,
	}
	return nil
}

// Release implements readmodel.Table.
func (t *table) Release(ctx context.Context, holder string, report []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.there(); err != nil {
		return err
	}
	if t.about.Lease.Holder == holder {
		t.about.Lease = readmodel.Lease{Report: slices.Clone(report), Reported: time.Now().UTC()}
	}
	return nil
}
