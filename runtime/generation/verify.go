package generation

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Source is a projection as its program knows it: where its generation is, and how the log is folded into it. A
// *projection.Projector is one.
type Source interface {
	Name() string
	Store() readmodel.Store
	Schema() *readmodel.Schema
	Refold(ctx context.Context, through cqrs.Position, refoldings ...readmodel.Refolding) error
}

// Options are what Verify is asked for; the zero value is a good choice.
type Options struct {
	// With is the fingerprint of the generation to compare with; the default is the active one, if that is another.
	With string
	// Sample is about how many rows are folded once more; the default is 1000, a negative number is none.
	Sample int
	// Seed chooses the sample: the same seed is the same sample.
	Seed uint64
	// MaxMoved bounds the rows that are folded again because they had changed, and so the memory; the default is 100,000.
	MaxMoved int
	// Differences bounds how many differences, and mismatches, are in the report; the default is 20.
	Differences int
}

func (o Options) withDefaults() Options {
	o.Sample = cmp.Or(o.Sample, 1000)
	o.MaxMoved = cmp.Or(o.MaxMoved, 100_000)
	o.Differences = cmp.Or(o.Differences, 20)
	return o
}

// pageSize is how many rows are read at once.
const pageSize = 1000

// Verify compares the generation that src folds with another one, at one position, and folds a sample of its rows once
// more. It reads, and changes nothing; both generations may be projected into meanwhile, and are read page by page in the
// order of their keys. A row that changed in one of them beyond what the other one reflects is folded again from the log,
// with the fold of src, up to where the other generation was when its row was read.
//
// What differs between the two is in the report, and no error: see Report.OK for what is wrong. The log is scanned at most
// once, and once or twice more for rows that seem to be wrong.
//
// Errors: readmodel.ErrNoGeneration; *readmodel.NotBuiltError, of the generation of src; *readmodel.HistoryError; those of
// the store, the log and the fold.
func Verify(ctx context.Context, log eventlog.Log, src Source, o Options) (*Report, error) {
	v, err := open(ctx, log, src, o.withDefaults())
	if err == nil {
		err = v.chooseOld(ctx)
	}
	if err == nil {
		err = v.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &v.report, nil
}

// verifier is one run of Verify.
type verifier struct {
	src    Source
	log    eventlog.Log
	o      Options
	report Report

	fresh *stream
	old   *stream // nil if there is nothing to compare with
	// common are the row columns that both have: their numbers in the new row and in the old one.
	common []pair
	names  []string
	sums   struct{ fresh, old checksum }

	// parts is of how many rows one is sampled; 0 is none. sample has them by their encoded keys, and pages what each page
	// of the new generation reflects, for sampled keys that have no row there.
	parts  uint64
	sample map[string]*sampled
	pages  []page
	moved  map[string]*movedRow
	buf    []byte
	found  []difference
}

type pair struct{ fresh, old int }

type page struct {
	last []readmodel.Value
	to   cqrs.Position
}

// sampled is a row as it is stored, and as it was folded; either is nil if there is none.
type sampled struct {
	key, stored, folded []readmodel.Value
	to                  cqrs.Position
	columns             []readmodel.Column // of the row
}

// movedRow is a row of the old generation, nil if it has none, which is compared with the one of the log at a position.
type movedRow struct {
	key, old, folded []readmodel.Value
	to               cqrs.Position
}

type difference struct {
	key []readmodel.Value
	Difference
}

func open(ctx context.Context, log eventlog.Log, src Source, o Options) (*verifier, error) {
	v := &verifier{src: src, log: log, o: o, sample: map[string]*sampled{}, moved: map[string]*movedRow{}}
	v.report = Report{Projection: src.Name(), Sink: src.Store().Name(), Seed: o.Seed}
	var err error
	if v.fresh, err = v.stream(ctx, src.Schema().Fingerprint); err != nil {
		return nil, err
	}
	at, err := v.fresh.table.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if !at.Built {
		return nil, &readmodel.NotBuiltError{
			Projection: src.Name(), Generation: src.Schema().Fingerprint, Position: at.Position,
		}
	}
	if o.Sample > 0 {
		rows, _, err := v.fresh.table.Count(ctx, readmodel.Find{Index: -1})
		if err != nil {
			return nil, err
		}
		v.parts = max(1, uint64(rows)/uint64(o.Sample))
	}
	v.fresh.ended = func(last []readmodel.Value, to cqrs.Position) { v.pages = append(v.pages, page{last, to}) }
	return v, nil
}

// stream opens a generation that was made from the log.
func (v *verifier) stream(ctx context.Context, fingerprint string) (*stream, error) {
	table, schema, err := v.src.Store().Open(ctx, v.src.Name(), fingerprint)
	if err != nil {
		return nil, err
	}
	at, err := table.Checkpoint(ctx)
	if err == nil {
		err = readmodel.CheckHistory(ctx, v.log, v.src.Name(), at)
	}
	return &stream{table: table, schema: schema, size: pageSize}, err
}

// chooseOld finds the generation to compare with, and what both have in common.
func (v *verifier) chooseOld(ctx context.Context) error {
	with := v.o.With
	if with == "" {
		generations, err := v.src.Store().Generations(ctx, v.src.Name())
		if err != nil {
			return err
		}
		for _, g := range generations {
			if g.Active && g.Schema.Fingerprint != v.fresh.schema.Fingerprint {
				with = g.Schema.Fingerprint
			}
		}
	}
	if with == "" {
		return nil
	}
	old, err := v.stream(ctx, with)
	if err != nil {
		return err
	}
	v.old = old
	v.compareShapes()
	return nil
}

func (v *verifier) compareShapes() {
	fresh, old := v.fresh.schema, v.old.schema
	v.report.OtherKey = !slices.EqualFunc(fresh.Key, old.Key, sameColumn)
	for i, c := range fresh.Row {
		if c.Sealed { // of which one generation may still have the ciphertext, and the other that it was erased
			continue
		}
		n := slices.IndexFunc(old.Row, func(o readmodel.Column) bool { return sameColumn(c, o) })
		if n < 0 {
			v.report.Added = append(v.report.Added, c.Name)
			continue
		}
		v.common, v.names = append(v.common, pair{i, n}), append(v.names, c.Name)
	}
	for _, o := range old.Row {
		if !slices.ContainsFunc(fresh.Row, func(c readmodel.Column) bool { return sameColumn(c, o) }) {
			v.report.Removed = append(v.report.Removed, o.Name)
		}
	}
}

// sameColumn reports whether the values of two columns can be compared.
func sameColumn(a, b readmodel.Column) bool { return a.Name == b.Name && a.Kind == b.Kind }

func (v *verifier) run(ctx context.Context) error {
	if err := v.merge(ctx); err != nil {
		return err
	}
	if err := v.refold(ctx); err != nil {
		return err
	}
	if err := v.confirm(ctx); err != nil {
		return err
	}
	v.finish()
	return nil
}

// merge reads both generations in the order of their keys.
func (v *verifier) merge(ctx context.Context) error {
	for {
		n, err := v.fresh.head(ctx)
		if err != nil {
			return err
		}
		var o *entry
		if v.old != nil && !v.report.OtherKey {
			if o, err = v.old.head(ctx); err != nil {
				return err
			}
		}
		if n == nil && o == nil {
			return v.countOld(ctx)
		}
		switch order := compareHeads(n, o); {
		case order < 0:
			v.take(n)
			if v.old != nil && !v.report.OtherKey {
				v.compare(n, nil, v.fresh.to, v.old.to)
			}
			v.fresh.next()
		case order > 0:
			v.compare(nil, o, v.fresh.to, v.old.to)
			v.old.next()
		default:
			v.take(n)
			v.compare(n, o, v.fresh.to, v.old.to)
			v.fresh.next()
			v.old.next()
		}
	}
}

// countOld counts the rows of a generation that can't be compared row by row.
func (v *verifier) countOld(ctx context.Context) (err error) {
	if v.old != nil && v.report.OtherKey {
		v.old.rows, v.old.first, err = v.old.table.Count(ctx, readmodel.Find{Index: -1})
	}
	return err
}

// compareHeads says which of two rows comes first; nil comes last.
func compareHeads(n, o *entry) int {
	switch {
	case o == nil:
		return -1
	case n == nil:
		return 1
	}
	return compareKeys(n.key, o.key)
}

// compare compares the rows of one key, of which one may be nil: then its generation has none at the position to.
func (v *verifier) compare(n, o *entry, freshTo, oldTo cqrs.Position) {
	// Each row is what it is over an interval of positions. That there is none is only known of one position.
	key, from, to := []readmodel.Value(nil), freshTo, freshTo
	if n != nil {
		key, from, to = n.key, n.at, n.to
	}
	oldFrom, oldAt := oldTo, oldTo
	if o != nil {
		key, oldFrom, oldAt = o.key, o.at, o.to
	}
	if max(from, oldFrom) > min(to, oldAt) {
		v.move(key, o, oldAt)
		return
	}
	v.judge(key, v.ofFresh(n), v.ofOld(o))
}

// move notes a row that has to be folded again.
func (v *verifier) move(key []readmodel.Value, o *entry, to cqrs.Position) {
	if len(v.moved) >= v.o.MaxMoved {
		v.report.Skipped++
		return
	}
	m := &movedRow{key: key, old: v.ofOld(o), to: to}
	v.moved[string(encode(nil, key))] = m
}

// ofFresh and ofOld return the values of the columns that both have; nil for no row.
func (v *verifier) ofFresh(e *entry) []readmodel.Value {
	if e == nil {
		return nil
	}
	return v.freshColumns(e.row)
}

func (v *verifier) freshColumns(row []readmodel.Value) []readmodel.Value {
	values := make([]readmodel.Value, len(v.common))
	for i, c := range v.common {
		values[i] = row[c.fresh]
	}
	return values
}

func (v *verifier) ofOld(e *entry) []readmodel.Value {
	if e == nil {
		return nil
	}
	values := make([]readmodel.Value, len(v.common))
	for i, c := range v.common {
		values[i] = e.row[c.old]
	}
	return values
}

// judge counts the rows of one key at one position, of the columns that both have; nil is no row.
func (v *verifier) judge(key, fresh, old []readmodel.Value) {
	r := &v.report
	if fresh == nil && old == nil {
		return
	}
	r.Compared++
	if fresh != nil {
		v.sums.fresh.add(key, fresh)
	}
	if old != nil {
		v.sums.old.add(key, old)
	}
	d := difference{key: key, Difference: Difference{Key: readmodel.KeyText(v.fresh.schema, key), In: "both"}}
	switch {
	case old == nil:
		r.OnlyNew++
		d.In = "new"
	case fresh == nil:
		r.OnlyOld++
		d.In = "old"
	case slices.Equal(fresh, old):
		r.Equal++
		return
	default:
		r.Different++
		d.Columns = columns(v.names, old, fresh)
	}
	v.note(d)
}

// note keeps a difference if it may be among the first in the end.
func (v *verifier) note(d difference) {
	i, _ := slices.BinarySearchFunc(v.found, d, func(a, b difference) int { return compareKeys(a.key, b.key) })
	v.found = slices.Insert(v.found, i, d)
	v.found = v.found[:min(len(v.found), max(0, v.o.Differences))]
}

// columns returns the values that differ.
func columns(names []string, old, fresh []readmodel.Value) (list []ColumnDifference) {
	for i := range names {
		if old[i] != fresh[i] {
			list = append(list, ColumnDifference{Column: names[i], Old: text(old[i]), New: text(fresh[i])})
		}
	}
	return list
}

// take notes a row of the new generation if it belongs to the sample.
func (v *verifier) take(n *entry) {
	if v.sampled(n.key) {
		v.sample[string(v.buf)] = &sampled{key: n.key, stored: n.row, to: n.to, columns: v.fresh.schema.Row}
	}
}

// sampled reports whether a key belongs to the sample, and leaves the encoded key in buf.
func (v *verifier) sampled(key []readmodel.Value) bool {
	if v.parts == 0 {
		return false
	}
	v.buf = encode(v.buf[:0], key)
	if v.parts == 1 {
		return true
	}
	h := fnv.New64a()
	_, _ = h.Write(v.buf)
	// The last step of splitmix64, because the low bits of FNV of similar texts are similar.
	x := h.Sum64() ^ v.o.Seed*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x^x>>31)%v.parts == 0
}

// upTo returns up to which position a key of the sample is folded: what the page reflects that has its row, or would have.
func (v *verifier) upTo(key []readmodel.Value) cqrs.Position {
	if !v.sampled(key) {
		return 0
	}
	if s := v.sample[string(v.buf)]; s != nil {
		return s.to
	}
	i, _ := slices.BinarySearchFunc(v.pages, key, func(p page, key []readmodel.Value) int {
		if p.last == nil {
			return 1
		}
		return compareKeys(p.last, key)
	})
	return v.pages[i].to
}

// refold folds the sample and what has moved, in one scan of the log.
func (v *verifier) refold(ctx context.Context) error {
	var through cqrs.Position
	for _, p := range v.pages {
		through = max(through, p.to)
	}
	for _, s := range v.sample {
		through = max(through, s.to)
	}
	for _, m := range v.moved {
		through = max(through, m.to)
	}
	var refoldings []readmodel.Refolding
	if v.parts > 0 {
		refoldings = append(refoldings, readmodel.Refolding{UpTo: v.upTo, Found: v.foundSampled})
	}
	if len(v.moved) > 0 {
		refoldings = append(refoldings, v.refoldMoved())
	}
	if through == 0 || len(refoldings) == 0 {
		return nil
	}
	if err := v.src.Refold(ctx, through, refoldings...); err != nil {
		return err
	}
	for _, m := range v.moved {
		v.report.Moved++
		v.judge(m.key, m.folded, m.old)
	}
	return nil
}

func (v *verifier) refoldMoved() readmodel.Refolding {
	var buf []byte
	return readmodel.Refolding{
		UpTo: func(key []readmodel.Value) cqrs.Position {
			buf = encode(buf[:0], key)
			if m := v.moved[string(buf)]; m != nil {
				return m.to
			}
			return 0
		},
		Found: func(key, row []readmodel.Value) error {
			v.moved[string(encode(nil, key))].folded = v.freshColumns(row)
			return nil
		},
	}
}

func (v *verifier) foundSampled(key, row []readmodel.Value) error {
	encoded := string(encode(nil, key))
	s := v.sample[encoded]
	if s == nil {
		s = &sampled{key: key, columns: v.fresh.schema.Row}
		v.sample[encoded] = s
	}
	s.folded = append([]readmodel.Value{}, row...) // a row without columns is one all the same
	return nil
}

// wrong reports whether a sampled row is not what the log says.
func (s *sampled) wrong() bool {
	if (s.stored == nil) != (s.folded == nil) || len(s.stored) != len(s.folded) {
		return true
	}
	for i := range s.stored {
		if s.stored[i] != s.folded[i] && !(s.columns[i].Sealed && erasedSince(s.columns[i], s.stored[i], s.folded[i])) {
			return true
		}
	}
	return false
}

// attempts is how often a row that seems to be wrong is looked at again. Not every sink stores rows and checkpoint in one
// step: a row may have been read that its checkpoint did not cover yet.
const attempts = 2

// confirm looks at the rows that are wrong once more, and notes those that stay so.
func (v *verifier) confirm(ctx context.Context) error {
	v.report.Sampled = int64(len(v.sample))
	wrong := v.wrong()
	for range attempts {
		if len(wrong) == 0 {
			return nil
		}
		if err := v.again(ctx, wrong); err != nil {
			return err
		}
		wrong = slices.DeleteFunc(wrong, func(s *sampled) bool { return !s.wrong() })
	}
	v.report.Mismatched = int64(len(wrong))
	names := []string{}
	for _, c := range v.fresh.schema.Row {
		names = append(names, c.Name)
	}
	for _, s := range wrong[:min(len(wrong), max(0, v.o.Differences))] {
		d := Difference{Key: readmodel.KeyText(v.fresh.schema, s.key), In: "both"}
		switch {
		case s.stored == nil:
			d.In = "new"
		case s.folded == nil:
			d.In = "old"
		default:
			d.Columns = columns(names, s.stored, s.folded)
		}
		v.report.Mismatches = append(v.report.Mismatches, d)
	}
	return nil
}

func (v *verifier) wrong() (wrong []*sampled) {
	for _, s := range v.sample {
		if s.wrong() {
			wrong = append(wrong, s)
		}
	}
	slices.SortFunc(wrong, func(a, b *sampled) int { return compareKeys(a.key, b.key) })
	return wrong
}

// again reads rows once more, all of one moment, and folds them up to there.
func (v *verifier) again(ctx context.Context, wrong []*sampled) error {
	keys := make([][]readmodel.Value, len(wrong))
	by := map[string]*sampled{}
	for i, s := range wrong {
		keys[i], s.stored, s.folded, s.to = s.key, nil, nil, 0
		by[string(encode(nil, s.key))] = s
	}
	at, err := v.fresh.table.Get(ctx, keys, func(i int, row []readmodel.Value, at cqrs.Position) error {
		if row != nil {
			wrong[i].stored = append([]readmodel.Value{}, row...)
		}
		wrong[i].to = at
		return nil
	})
	if err != nil {
		return err
	}
	through := at.Position
	for _, s := range wrong {
		s.to = max(s.to, at.Position)
		through = max(through, s.to)
	}
	if through == 0 {
		return nil
	}
	return v.src.Refold(ctx, through, readmodel.Refolding{
		UpTo: func(key []readmodel.Value) cqrs.Position {
			v.buf = encode(v.buf[:0], key)
			if s := by[string(v.buf)]; s != nil {
				return s.to
			}
			return 0
		},
		Found: func(key, row []readmodel.Value) error {
			by[string(encode(nil, key))].folded = append([]readmodel.Value{}, row...)
			return nil
		},
	})
}

// finish fills in what is known in the end.
func (v *verifier) finish() {
	r := &v.report
	r.New = v.side(v.fresh, &v.sums.fresh)
	if v.old != nil {
		old := v.side(v.old, &v.sums.old)
		r.Old = &old
	}
	for _, d := range v.found {
		r.Differences = append(r.Differences, d.Difference)
	}
}

func (v *verifier) side(s *stream, sum *checksum) Side {
	return Side{
		Generation: s.schema.Fingerprint, Position: s.first.Position, Built: s.first.Built, Rows: s.rows,
		Checksum: sum.String(),
	}
}
