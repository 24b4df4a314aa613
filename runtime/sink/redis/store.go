package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// The keys of what belongs to a projection, or to the store.

func (s *Store) projections() string                     { return s.prefix + "projections" }
func (s *Store) clock() string                           { return s.prefix + "clock" }
func (s *Store) active(projection string) string         { return s.prefix + projection + ":active" }
func (s *Store) generations(projection string) string    { return s.prefix + projection + ":generations" }
func (s *Store) dropping(projection string) string       { return s.prefix + projection + ":dropping" }
func (s *Store) generation(projection, fp string) string { return s.prefix + projection + ":" + fp }

// What the scripts answer instead of a list.
const (
	answerOK           = "ok"
	answerFenced       = "fenced"
	answerNoGeneration = "no generation"
	answerIndexes      = "indexes"
	answerActive       = "active"
	answerDropping     = "dropping"
)

// Table implements readmodel.Store. Should another shape be stored under the schema's fingerprint, the error is a
// *readmodel.SchemaError.
func (s *Store) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if err := schema.Check(); err != nil {
		return nil, err
	}
	t := newTable(s, schema)
	stored, err := t.create(ctx)
	if err != nil {
		return nil, t.wrap(err)
	}
	if !stored.SameShape(schema) {
		return nil, &readmodel.SchemaError{
			Projection: schema.Projection,
			Reason:     "other columns were stored under its fingerprint " + schema.Fingerprint,
		}
	}
	if err := t.completeIndexes(ctx); err != nil {
		return nil, t.wrap(err)
	}
	return t, nil
}

// create makes the generation, if there is none, and returns the schema with which it was made.
func (t *table) create(ctx context.Context) (*readmodel.Schema, error) {
	s, schema := t.store, &t.schema
	text0, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := s.run(ctx, createScript,
			[]string{t.key, s.projections(), s.generations(schema.Projection), s.dropping(schema.Projection), s.clock()},
			schema.Projection, schema.Fingerprint, string(text0), strings.Join(t.ownIndexes(), " "), zeroCommit)
		if err != nil {
			return nil, err
		}
		items := list(answer)
		if text(items, 0) != answerDropping {
			return t.learn(items[1:])
		}
		// What was dropped under this fingerprint goes first.
		if err := s.sweep(ctx, schema.Projection, schema.Fingerprint); err != nil {
			return nil, err
		}
	}
}

// Open implements readmodel.Store.
func (s *Store) Open(ctx context.Context, projection, fingerprint string) (readmodel.Table, *readmodel.Schema, error) {
	t := newTable(s, &readmodel.Schema{Projection: projection, Fingerprint: fingerprint})
	answer, err := s.run(ctx, openScript, []string{t.key})
	if err != nil {
		return nil, nil, t.wrap(err)
	}
	items := list(answer)
	if text(items, 0) == "" {
		return nil, nil, errNoGeneration(projection, fingerprint)
	}
	stored, err := t.learn(items)
	if err != nil {
		return nil, nil, t.wrap(err)
	}
	opened := newTable(s, stored)
	_, err = opened.learn(items)
	return opened, stored, err
}

// learn takes the schema, the names of the indexes and the unfinished ones among them from a script's answer.
func (t *table) learn(items []any) (*readmodel.Schema, error) {
	schema := new(readmodel.Schema)
	if err := json.Unmarshal([]byte(text(items, 0)), schema); err != nil {
		return nil, &readmodel.CorruptError{Projection: t.schema.Projection, Column: "schema", Reason: err.Error()}
	}
	t.indexes.Store(newIndexes(text(items, 1), text(items, 2)))
	return schema, nil
}

// listed are the fields of a generation that list.lua reads.
var listed = []any{
	"position", "commit", "handled", "built", "schema", "created", "promoted", "holder", "until", "report", "reported",
}

// Generations implements readmodel.Store.
func (s *Store) Generations(ctx context.Context, projection string) ([]readmodel.Generation, error) {
	projections := []string{projection}
	if projection == "" {
		if err := s.check(ctx); err != nil {
			return nil, err
		}
		var err error
		projections, err = call(ctx, func() ([]string, error) { return s.client.SMembers(ctx, s.projections()).Result() })
		if err != nil {
			return nil, s.failed(ctx, err)
		}
	}
	var all []readmodel.Generation
	for _, p := range projections {
		answer, err := s.run(ctx, listScript, []string{s.generations(p), s.active(p)}, append([]any{s.generation(p, "")}, listed...)...)
		if err != nil {
			return nil, err
		}
		items := list(answer)
		asked, err := parseTime(text(items, 1))
		if err != nil {
			return nil, err
		}
		for i := 2; i < len(items); i++ {
			g, err := parseGeneration(p, list(items[i]))
			if err != nil {
				return nil, err
			}
			g.Active, g.Asked = g.Schema.Fingerprint == text(items, 0), asked
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b readmodel.Generation) int {
		return cmp.Or(strings.Compare(a.Schema.Projection, b.Schema.Projection), a.Created.Compare(b.Created))
	})
	return all, nil
}

func parseGeneration(projection string, items []any) (g readmodel.Generation, err error) {
	if g.Checkpoint, err = parseCheckpoint(projection, items); err != nil {
		return g, err
	}
	errs := []error{json.Unmarshal([]byte(text(items, 4)), &g.Schema)}
	for n, at := range map[int]*time.Time{5: &g.Created, 6: &g.Promoted, 8: &g.Lease.Until, 10: &g.Lease.Reported} {
		*at, err = parseTime(text(items, n))
		errs = append(errs, err)
	}
	g.Lease.Holder = text(items, 7)
	if report := text(items, 9); report != "" {
		g.Lease.Report = []byte(report)
	}
	if err := errors.Join(errs...); err != nil {
		return g, &readmodel.CorruptError{Projection: projection, Column: "generation", Reason: err.Error()}
	}
	return g, nil
}

// Promote implements readmodel.Store.
func (s *Store) Promote(ctx context.Context, projection, fingerprint string) error {
	answer, err := s.run(ctx, promoteScript,
		[]string{s.generation(projection, fingerprint), s.active(projection), s.clock()}, fingerprint)
	switch {
	case err != nil:
		return err
	case answer == answerNoGeneration:
		return errNoGeneration(projection, fingerprint)
	case answer != answerOK:
		at, _ := parseCheckpoint(projection, []any{answer, zeroCommit, "0", "0"})
		return &readmodel.NotBuiltError{Projection: projection, Generation: fingerprint, Position: at.Position}
	}
	s.Notify()
	return nil
}

// Drop implements readmodel.Store. The generation is out of the catalogue in one step; its rows are deleted afterwards,
// some at a time. Where that was interrupted, the next Drop goes on, or the next Table with the same fingerprint.
func (s *Store) Drop(ctx context.Context, projection, fingerprint string) error {
	answer, err := s.run(ctx, dropScript, []string{
		s.generation(projection, fingerprint), s.active(projection), s.generations(projection), s.dropping(projection),
	}, fingerprint)
	if err != nil {
		return err
	}
	switch answer {
	case answerNoGeneration:
		return errNoGeneration(projection, fingerprint)
	case answerActive:
		return &readmodel.ActiveError{Projection: projection, Generation: fingerprint}
	case answerOK:
	default:
		until, _ := parseTime(text(list(answer), 1))
		return &readmodel.HeldError{
			Projection: projection, Generation: fingerprint, Holder: text(list(answer), 0), Until: until,
		}
	}
	s.Notify()
	s.signal(s.generation(projection, fingerprint)).Notify()
	return s.sweep(ctx, projection, fingerprint)
}

// swept is how many rows are deleted in one step.
const swept = 1000

func (s *Store) sweep(ctx context.Context, projection, fingerprint string) error {
	t := newTable(s, &readmodel.Schema{Projection: projection, Fingerprint: fingerprint})
	for {
		answer, err := s.run(ctx, sweepScript,
			[]string{t.keys(), t.gone(), s.dropping(projection), s.generations(projection), s.projections()},
			fingerprint, t.row(), swept, t.index(""), projection)
		if err != nil {
			return fmt.Errorf("read model %s: deleting the rows of generation %s: %w", projection, fingerprint, err)
		}
		if answer == int64(0) {
			return nil
		}
	}
}
