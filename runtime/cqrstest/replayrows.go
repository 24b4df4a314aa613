package cqrstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	sinkmemory "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// Replaying is what read models are opened over, again and again.
type Replaying struct {
	Group *projection.Group
	Rows  readmodel.Store
	// Keys are those of personal data.
	Keys *personal.Keys
}

// History says what a random history is made of.
type History struct {
	Streams []Streams
	// Values are those that types of a few values have, and what Matching and Between return.
	Values []any
}

// ReplayRows folds a random history into the rows of each projection, in several ways: an event at a time and all at
// once, in other batches and with room for other numbers of rows, from checkpoints on, in several lanes at the same
// time, and key by key. The same rows must come of it each time, and an event that a fold refuses must be refused each
// time. It is for what depends on more than an event and its row: on what a fold was called with before, on where a
// batch ends, on which streams are folded beside this one.
//
// open opens the projections, in the same order each time. The history is drawn in the same way in every run; the
// environment variable CQRSGEN_SEED draws another one. Of what differs, as few events are reported as are easily found.
func ReplayRows(t testing.TB, open func(Replaying) []projection.Runner, h History) {
	t.Helper()
	for i, p := range open(replayingOver(&excerpt{}, sinkmemory.New(), nil, projection.Sizes{})) {
		seed := seedOf(t, "rows of "+p.Name())
		r := &rowReplay{name: p.Name(), events: p.Events(), schema: p.Schema(), seed: seed}
		r.open = func(in Replaying) projection.Runner { return open(in)[i] }
		if fault := r.check(t, h); fault != "" {
			t.Errorf("%s %s (CQRSGEN_SEED=%d)", p.Name(), fault, seed)
		}
	}
}

func replayingOver(
	log *excerpt, rows readmodel.Store, keys *personal.Keys, sizes projection.Sizes,
) Replaying {
	g := projection.NewGroup(log, projection.WithLogger(slog.New(slog.DiscardHandler)), projection.WithSizes(sizes))
	return Replaying{Group: g, Rows: rows, Keys: keys}
}

// rowReplay replays one projection.
type rowReplay struct {
	name   string
	events []string
	schema *readmodel.Schema
	open   func(Replaying) projection.Runner
	seed   uint64
	*history
	// in says of each event whether it is folded: those that were refused are left out.
	in []bool
	// refused has how many events were left out, and why the first one was, by their types.
	refused map[string]*refusals
}

type refusals struct {
	events int
	why    error
}

// way is one way to fold a history.
type way struct {
	text  string
	sizes projection.Sizes
	// stops are the positions at which the projection ends, and a new one goes on.
	stops []cqrs.Position
	// refolded says that rows are folded apart from each other, without a sink.
	refolded bool
}

// oneByOne is the way that all others are compared with.
var oneByOne = way{text: "one event at a time", sizes: projection.Sizes{Chunk: 1, Batch: 1, CacheRows: 1, Lanes: 1}}

// comparedRefusals is of how many refused events it is checked that they are refused in every way.
const comparedRefusals = 2

// check says what is wrong with a projection; "" if nothing is.
func (r *rowReplay) check(t testing.TB, of History) string {
	t.Helper()
	n := historyEvents
	if testing.Short() {
		n = shortEvents
	}
	h, err := drawHistory(t.Context(), newDrawing(of.Values).seeded(r.seed, 0), of.Streams, r.events, n)
	if err != nil {
		t.Fatalf("a random history for %s: %v", r.name, err)
	}
	r.history, r.in, r.refused = h, slices.Repeat([]bool{true}, len(h.records)), map[string]*refusals{}
	fault := ""
	if len(h.records) > 0 {
		fault = r.compareAll(t)
	}
	t.Logf("%s: %d events%s", r.name, len(r.in), r.leftOut())
	return fault
}

// leftOut says which events were left out, and why: coverage that a history does not have.
func (r *rowReplay) leftOut() string {
	var b strings.Builder
	for _, typ := range slices.Sorted(maps.Keys(r.refused)) {
		fmt.Fprintf(&b, "\n  without %d %s, the first of them because of: %v", r.refused[typ].events, typ, r.refused[typ].why)
	}
	for _, typ := range slices.Sorted(maps.Keys(r.unwritten)) {
		fmt.Fprintf(&b, "\n  without %s, of which nothing that was drawn can be stored: %v", typ, r.unwritten[typ])
	}
	return b.String()
}

// compareAll compares the ways to fold the history. Events that the projection refuses are left out of it, once it is
// clear that all ways refuse them.
func (r *rowReplay) compareAll(t testing.TB) string {
	ctx := t.Context()
	last := r.records[len(r.records)-1].Position
	for compared := 0; ; {
		base, err := r.run(ctx, oneByOne, r.in, last)
		if r.leaveUnstorable(err) {
			continue
		}
		if err != nil {
			t.Fatalf("the rows of %s can't be folded: %v", r.name, err)
		}
		through := last
		if base.refused > 0 {
			through = base.refused
		}
		if base.refused == 0 || base.compared() && compared < comparedRefusals {
			fault, again := r.compare(t, base, through)
			if fault != "" {
				return fault
			}
			if again {
				continue
			}
			compared++
		}
		if base.refused == 0 {
			return ""
		}
		r.leave(base)
	}
}

// leaveUnstorable leaves out the event behind which a row could not be stored, and says whether that was the error: a
// log may not have it there, and which of the row's contents are stored is no matter of the fold.
func (r *rowReplay) leaveUnstorable(err error) bool {
	var failed *projection.RowError
	if !errors.As(err, &failed) || !r.in[failed.Position-1] {
		return false
	}
	r.drop(failed.Position, failed)
	return true
}

func (r *rowReplay) drop(at cqrs.Position, why error) {
	r.in[at-1] = false
	typ := r.records[at-1].Type
	if r.refused[typ] == nil {
		r.refused[typ] = &refusals{why: why}
	}
	r.refused[typ].events++
}

// leave leaves out the event that was refused, and all of its type where their fold is not written yet.
func (r *rowReplay) leave(o outcomeOfRows) {
	typ := r.records[o.refused-1].Type
	for i := range r.records {
		at := r.records[i].Position
		if at == o.refused || o.stub() && r.records[i].Type == typ && r.in[i] {
			r.drop(at, o.failure)
		}
	}
}

// compare compares all ways with the first one. It is to be done again where an event had to be left out.
func (r *rowReplay) compare(t testing.TB, base outcomeOfRows, through cqrs.Position) (fault string, again bool) {
	for _, w := range r.ways(through) {
		if w.refolded && base.refused > 0 {
			continue // it has no rows then
		}
		got, err := r.run(t.Context(), w, r.in, through)
		if r.leaveUnstorable(err) {
			return "", true
		}
		if err != nil {
			t.Fatalf("the rows of %s can't be folded %s: %v", r.name, w.text, err)
		}
		if difference := r.difference(base, got); difference != "" {
			return r.report(t.Context(), w, through, difference), false
		}
	}
	return "", false
}

// ways draws the ways to fold a history. Those in several lanes are the last: what they find first may end the program,
// where a fold shares a map.
func (r *rowReplay) ways(through cqrs.Position) []way {
	d := newDrawing(nil).seeded(r.seed, uint64(through)+1)
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	ways := []way{
		{text: "all at once", sizes: projection.Sizes{Lanes: 1}},
		{text: oneByOne.text + ", once more", sizes: oneByOne.sizes},
	}
	for range rounds {
		ways = append(ways, d.way(1, nil), d.way(1, d.stops(through)))
	}
	ways = append(ways, way{text: "each key by itself", refolded: true})
	for i := range rounds {
		var stops []cqrs.Position
		if i > 0 {
			stops = d.stops(through)
		}
		ways = append(ways, d.way(2+d.IntN(3), stops))
	}
	return ways
}

func (d *drawing) stops(through cqrs.Position) []cqrs.Position {
	stops := make([]cqrs.Position, 1+d.IntN(3))
	for i := range stops {
		stops[i] = 1 + cqrs.Position(d.Int64N(int64(through)))
	}
	slices.Sort(stops)
	return slices.Compact(stops)
}

func (d *drawing) way(lanes int, stops []cqrs.Position) way {
	s := projection.Sizes{Chunk: 1 + d.IntN(12), Batch: 1 + d.IntN(24), CacheRows: 1 + d.IntN(8), Lanes: lanes}
	text := fmt.Sprintf("in batches of %d, reading %d, with room for %d rows", s.Batch, s.Chunk, s.CacheRows)
	if lanes > 1 {
		text += fmt.Sprintf(", in %d lanes at a time", lanes)
	}
	for i, at := range stops {
		join := ", anew from position "
		if i > 0 {
			join = " and "
		}
		text += fmt.Sprint(join, at)
	}
	return way{text: text, sizes: s, stops: stops}
}

// outcomeOfRows is what a history led to.
type outcomeOfRows struct {
	rows []foldedRow
	// refused is the position of the event that the fold refused, with failure; 0 if it refused none.
	refused cqrs.Position
	failure error
}

type foldedRow struct {
	key    string
	values []readmodel.Value
}

func (o *outcomeOfRows) stub() bool { return errors.As(o.failure, new(*cqrs.NotImplementedError)) }

// compared reports whether it says something that an event was refused: stubs do it, and payloads that no program
// wrote.
func (o *outcomeOfRows) compared() bool {
	return !o.stub() && !errors.As(o.failure, new(*cqrs.DecodingError))
}

// run folds some events of the history in one way. The error is not that of the fold.
func (r *rowReplay) run(ctx context.Context, w way, in []bool, through cqrs.Position) (outcomeOfRows, error) {
	if w.refolded {
		return r.refold(ctx, in, through)
	}
	rows := sinkmemory.New()
	var o outcomeOfRows
	for _, stop := range append(slices.Clone(w.stops), through) {
		p := r.open(replayingOver(r.excerpt(in, r.commitEnd(stop)), rows, r.keys, w.sizes))
		err := p.CatchUp(ctx)
		if failed := (*projection.FoldError)(nil); errors.As(err, &failed) {
			o.refused, o.failure, err = failed.Position, failed.Err, nil
		}
		if err != nil {
			return o, err
		}
		if o.refused > 0 {
			break
		}
	}
	table, err := rows.Table(ctx, r.schema)
	if err != nil {
		return o, err
	}
	_, err = table.Find(ctx, readmodel.Find{Index: -1}, func(key, row []readmodel.Value, _ cqrs.Position) error {
		o.add(r.schema, key, row)
		return nil
	})
	o.sort()
	return o, err
}

// commitEnd is the position of the last event of the commit that a position lies in.
func (r *rowReplay) commitEnd(at cqrs.Position) cqrs.Position {
	for int(at) < len(r.records) && r.records[at].Commit == r.records[at-1].Commit {
		at++
	}
	return at
}

func (o *outcomeOfRows) add(s *readmodel.Schema, key, row []readmodel.Value) {
	o.rows = append(o.rows, foldedRow{readmodel.KeyText(s, key), slices.Clone(row)})
}

func (o *outcomeOfRows) sort() {
	slices.SortFunc(o.rows, func(a, b foldedRow) int { return strings.Compare(a.key, b.key) })
}

// refolder is what projectors are, as verification uses them.
type refolder interface {
	Refold(ctx context.Context, through cqrs.Position, refoldings ...readmodel.Refolding) error
}

// refoldParts is into how many parts keys are divided to be folded apart.
const refoldParts = 3

// refold folds the rows of each part of the keys by themselves.
func (r *rowReplay) refold(ctx context.Context, in []bool, through cqrs.Position) (o outcomeOfRows, err error) {
	for part := range uint64(refoldParts) {
		p := r.open(replayingOver(r.excerpt(in, through), sinkmemory.New(), r.keys, projection.Sizes{}))
		err = p.(refolder).Refold(ctx, through, readmodel.Refolding{
			UpTo: func(key []readmodel.Value) cqrs.Position {
				if hashOf(readmodel.KeyText(r.schema, key))%refoldParts == part {
					return through
				}
				return 0
			},
			Found: func(key, row []readmodel.Value) error {
				o.add(r.schema, key, row)
				return nil
			},
		})
		if failed := (*projection.FoldError)(nil); errors.As(err, &failed) {
			o.refused, o.failure, err = failed.Position, failed.Err, nil
		}
		if err != nil || o.refused > 0 {
			break
		}
	}
	o.sort()
	return o, err
}

// difference names the first row that two ways do not agree on; "" if there is none.
func (r *rowReplay) difference(a, b outcomeOfRows) string {
	if a.refused != b.refused {
		return "refuses " + r.refusal(a) + ", and then " + r.refusal(b)
	}
	for i := range max(len(a.rows), len(b.rows)) {
		switch {
		case i >= len(b.rows) || i < len(a.rows) && a.rows[i].key < b.rows[i].key:
			return fmt.Sprintf("has the row of %s, and then has it not", a.rows[i].key)
		case i >= len(a.rows) || a.rows[i].key > b.rows[i].key:
			return fmt.Sprintf("has no row of %s, and then has it", b.rows[i].key)
		}
		for c := range a.rows[i].values {
			if x, y := a.rows[i].values[c], b.rows[i].values[c]; x != y {
				return fmt.Sprintf("makes another row of %s: its %s is %v, and then %v", a.rows[i].key, r.schema.Row[c].Name, x, y)
			}
		}
	}
	return ""
}

func (r *rowReplay) refusal(o outcomeOfRows) string {
	if o.refused == 0 {
		return "no event"
	}
	return fmt.Sprintf("%s at position %d (%v)", r.records[o.refused-1].Type, o.refused, o.failure)
}

// report tells what differs, with as few events as are easily found.
func (r *rowReplay) report(ctx context.Context, w way, through cqrs.Position, difference string) string {
	in, smaller := r.shrink(ctx, w, through)
	difference = cmp.Or(smaller, difference)
	var b strings.Builder
	fmt.Fprintf(&b, "%s when the same events are folded %s, after they were folded %s:\n",
		difference, w.text, oneByOne.text)
	for i := range r.records {
		if rec := &r.records[i]; in[i] && rec.Position <= through {
			fmt.Fprintf(&b, "  %d %s, version %d: %s %.300s\n", rec.Position, rec.Stream, rec.Version, rec.Type, rec.Data)
		}
	}
	return b.String()
}
