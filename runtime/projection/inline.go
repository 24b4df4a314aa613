package projection

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// inlineGap is how many positions a read model may be behind its log, so that an append makes that good in its own
// transaction. All other appends wait meanwhile, for a fraction of a second.
const inlineGap = 10_000

// inlineRows bounds the rows that are kept from one transaction to the next.
const inlineRows = 1 << 16

// inliner implements eventlog.Inline: it folds commits into a read model in the transactions that store them.
//
// A commit is folded in memory before anything of it is written, so that a fold that fails costs nothing but that
// commit. What it touched is then put back as the commits before it left it, from what they are going to store. The
// rows of all commits are written at the end of the transaction, together with the checkpoint, which is that of the log's
// head. Rows stay in memory as long as the checkpoint says that nobody else has written.
type inliner[K comparable, R any] struct {
	log   eventlog.InlineLog
	store readmodel.InlineStore
	def   *Definition[K, R]
	// report is told how the read model stands after a transaction, or why commits are refused.
	report func(readmodel.Checkpoint, error)
	types  map[string]bool
	rows   Rows[K, R]

	conn  any
	tx    readmodel.InlineTx
	table readmodel.Table

	// turn is what becomes of commits in this transaction; refusal says why they are refused.
	turn    inlineTurn
	refusal error
	// stored is the checkpoint of the database, and of the rows that are kept. folded is that of the rows in memory, and
	// before what it was before the last commit.
	stored, folded, before readmodel.Checkpoint
	// stuck is where folding stopped that nobody needed yet.
	stuck readmodel.Checkpoint

	// last are the changes of the commit that was folded last, which can be undone; pending are those of the others.
	last    []inlineChange[K, R]
	pending []readmodel.Change
	number  map[K]int
	values  []readmodel.Value
}

type inlineChange[K comparable, R any] struct {
	row    *entry[K, R]
	change readmodel.Change
}

// inlineTurn is what becomes of commits.
type inlineTurn uint8

const (
	// inlineOff: the read model is still being built for the first time; commits go by.
	inlineOff inlineTurn = iota
	// inlineRefuses: commits that concern the projection are refused.
	inlineRefuses
	// inlineFirst and inlineOn: they are folded. The first time makes the generation the active one.
	inlineFirst
	inlineOn
)

func newInliner[K comparable, R any](
	log eventlog.InlineLog, store readmodel.InlineStore, def *Definition[K, R], report func(readmodel.Checkpoint, error),
) *inliner[K, R] {
	in := &inliner[K, R]{log: log, store: store, def: def, report: report, types: map[string]bool{}, number: map[K]int{}}
	for _, name := range def.Events {
		in.types[name] = true
	}
	in.rows.def, in.rows.folds = def, def.NewFold(0)
	in.reset()
	return in
}

func (in *inliner[K, R]) schema() *readmodel.Schema { return &in.def.Codec.Schema }

// Name implements eventlog.Inline.
func (in *inliner[K, R]) Name() string {
	return fmt.Sprintf("%s %s in %s", in.def.Name, in.schema().Fingerprint, in.store.Database())
}

// reset forgets all rows.
func (in *inliner[K, R]) reset() {
	in.rows.reset(false)
	in.stored = readmodel.Checkpoint{}
	in.clear()
}

// clear forgets what was folded and not written.
func (in *inliner[K, R]) clear() {
	clear(in.last)
	clear(in.pending)
	clear(in.number)
	clear(in.values)
	in.last, in.pending, in.values = in.last[:0], in.pending[:0], in.values[:0]
}

// Begin implements eventlog.Inline.
func (in *inliner[K, R]) Begin(ctx context.Context, tx eventlog.InlineTx) error {
	if in.conn != tx.Conn() {
		within, err := in.store.Within(tx.Conn())
		if err != nil {
			return err
		}
		in.conn, in.tx, in.table = tx.Conn(), within, nil
	}
	in.turn, in.refusal = inlineOff, nil
	active, at, err := in.tx.State(ctx, in.schema())
	if err != nil {
		return err
	}
	own := in.schema().Fingerprint
	switch {
	case active == own:
		in.turn = inlineOn
	case active != "":
		in.refuse(&InactiveError{Projection: in.def.Name, Generation: own, Active: active})
		return nil
	case tx.Head() > inlineGap && !at.Built || tx.Head()-at.Position > inlineGap:
		return nil // a projector builds it, in smaller steps
	case at != readmodel.Checkpoint{} && at == in.stuck:
		return nil
	default:
		in.turn = inlineFirst
	}
	return in.start(ctx, tx, at)
}

// refuse refuses the commits of this transaction that concern the projection.
func (in *inliner[K, R]) refuse(err error) { in.turn, in.refusal = inlineRefuses, err }

// start makes the read model reflect the log's head, if that is near.
func (in *inliner[K, R]) start(ctx context.Context, tx eventlog.InlineTx, at readmodel.Checkpoint) (err error) {
	if in.table == nil {
		if in.table, err = in.tx.Table(ctx, in.schema()); err != nil {
			return err
		}
	}
	if at != in.stored {
		in.reset()
		if found, err := commitIn(ctx, tx, at.Position); err != nil || found != at.Commit {
			in.refuse(&readmodel.HistoryError{
				Projection: in.def.Name, Position: at.Position, Commit: at.Commit, Found: found,
			})
			return err
		}
	}
	in.stored, in.folded = at, at
	switch behind := tx.Head() - at.Position; {
	case behind > inlineGap:
		in.refuse(&BehindError{Projection: in.def.Name, Position: at.Position, Head: tx.Head()})
	case behind > 0:
		return in.catchUp(ctx, tx)
	}
	return nil
}

// commitIn returns the commit of the event at a position of the log, zero if there is none.
func commitIn(ctx context.Context, tx eventlog.InlineTx, at cqrs.Position) (commit cqrs.CommitID, err error) {
	if at == 0 {
		return commit, nil
	}
	for rec, err := range tx.Read(ctx, eventlog.Query{After: at - 1, Through: at}) {
		if err != nil {
			return commit, err
		}
		commit = rec.Commit
	}
	return commit, nil
}

// catchUp folds what the log has and the read model has not: a program that does not know the projection has appended,
// or it was built until a moment ago.
func (in *inliner[K, R]) catchUp(ctx context.Context, tx eventlog.InlineTx) error {
	at := in.stored
	var recs []cqrs.Record
	for rec, err := range tx.Read(ctx, eventlog.Query{After: at.Position, Through: tx.Head(), Types: in.def.Events}) {
		if err != nil {
			return err
		}
		recs = append(recs, *rec)
		recs[len(recs)-1].StreamNumber = 0 // those of new records are not known either
	}
	head, err := commitIn(ctx, tx, tx.Head())
	if err != nil {
		return err
	}
	in.folded = readmodel.Checkpoint{
		Position: tx.Head(), Commit: head, Handled: at.Handled + int64(len(recs)), Built: at.Built,
	}
	err = in.foldAll(ctx, recs)
	var failed eventlog.Refusal
	if !errors.As(err, &failed) {
		in.settle()
		return err
	}
	in.folded = at
	if in.turn == inlineFirst {
		// Nobody reads it yet: the projector that builds it says what stopped it.
		in.turn, in.stuck = inlineOff, at
		return nil
	}
	in.refuse(failed.Err)
	return nil
}

// Expect implements eventlog.Inline: it loads the rows that records lead to, and folds nothing.
func (in *inliner[K, R]) Expect(ctx context.Context, recs []cqrs.Record) error {
	if in.turn < inlineFirst {
		return nil
	}
	in.rows.turn = asking
	for i := range recs {
		if in.types[recs[i].Type] {
			in.ask(&recs[i])
		}
	}
	in.rows.turn = settled
	clear(in.rows.deferred)
	in.rows.deferred = in.rows.deferred[:0]
	return in.load(ctx, settled)
}

// ask lets the fold ask for its rows. Whatever is wrong with the record Fold will say, if it comes to that.
func (in *inliner[K, R]) ask(rec *cqrs.Record) {
	defer func() {
		_ = recover()
		in.rows.record = nil
	}()
	_ = in.rows.fold(rec)
}

// Fold implements eventlog.Inline.
func (in *inliner[K, R]) Fold(ctx context.Context, recs []cqrs.Record) error {
	if in.turn == inlineOff {
		return nil
	}
	concerns := func(rec cqrs.Record) bool { return in.types[rec.Type] }
	if in.turn == inlineRefuses {
		if slices.ContainsFunc(recs, in.reflects) {
			return eventlog.Refusal{Err: in.refusal}
		}
		return nil
	}
	in.settle()
	handled := int64(0)
	for i := range recs {
		if concerns(recs[i]) {
			handled++
		}
	}
	end := &recs[len(recs)-1]
	in.before = in.folded
	in.folded.Position, in.folded.Commit = end.Position, end.Commit
	in.folded.Handled += handled
	if handled == 0 {
		return nil
	}
	if handled < int64(len(recs)) {
		own := make([]cqrs.Record, 0, handled)
		for i := range recs {
			if concerns(recs[i]) {
				own = append(own, recs[i])
			}
		}
		recs = own
	}
	err := in.foldAll(ctx, recs)
	if err != nil {
		in.folded = in.before
	}
	return err
}

// reflects reports whether rows depend on a record. That an event is replaced which the projection does not handle is no
// concern of theirs.
func (in *inliner[K, R]) reflects(rec cqrs.Record) bool {
	if rec.Type != cqrs.Replaced {
		return in.types[rec.Type]
	}
	v, err := rec.Replacement()
	return err != nil || in.types[v.Event]
}

// foldAll folds records that belong together, all of them or none. An eventlog.Refusal says that one can't be folded,
// or led to a row that can't be stored.
func (in *inliner[K, R]) foldAll(ctx context.Context, recs []cqrs.Record) error {
	err := in.foldFirst(recs)
	if err == nil && len(in.rows.missing) > 0 {
		if err = in.load(ctx, loaded); err == nil {
			err = in.foldSecond()
		}
	}
	if err == nil {
		err = in.encode()
	}
	if err != nil {
		in.undo()
	}
	return err
}

// foldFirst folds into the rows that are in memory, and finds out which are not.
func (in *inliner[K, R]) foldFirst(recs []cqrs.Record) (err error) {
	defer in.guard(&err)
	for i := range recs {
		if err := in.rows.fold(&recs[i]); err != nil {
			return in.failed(err)
		}
		in.rows.record = nil
	}
	return nil
}

// foldSecond folds into the rows that were loaded since.
func (in *inliner[K, R]) foldSecond() (err error) {
	defer in.guard(&err)
	in.rows.turn = loaded
	for i := range in.rows.deferred {
		if err := in.rows.fold(&in.rows.deferred[i]); err != nil {
			return in.failed(err)
		}
		in.rows.record = nil
	}
	in.rows.endSecond()
	return nil
}

// load loads the missing rows.
func (in *inliner[K, R]) load(ctx context.Context, as state) error {
	missing := in.rows.missing
	if len(missing) == 0 {
		return nil
	}
	var values []readmodel.Value
	keys := make([][]readmodel.Value, len(missing))
	for i, e := range missing {
		first := len(values)
		values = in.def.Codec.AppendKey(values, &e.key)
		keys[i] = values[first:len(values):len(values)]
	}
	scanner := readmodel.NewScanner(in.schema().Projection, in.schema().Row, nil)
	_, err := in.table.Get(ctx, keys, func(i int, row []readmodel.Value, at cqrs.Position) error {
		e := missing[i]
		e.position = at
		if row == nil {
			return nil
		}
		e.exists, e.stored = true, true
		scanner.Reset(row)
		in.def.Codec.ReadRow(scanner, &e.row)
		return scanner.Err()
	})
	if err != nil {
		return err
	}
	for _, e := range missing {
		if !e.exists {
			in.rows.init(e)
		}
		e.state = as
	}
	if as == settled {
		clear(missing)
		in.rows.missing = missing[:0]
	}
	return nil
}

// encode turns the rows that the commit changed into changes.
func (in *inliner[K, R]) encode() error {
	codec := &in.def.Codec
	for _, e := range in.rows.dirty {
		if !e.exists && !e.stored {
			continue
		}
		first := len(in.values)
		in.values = codec.AppendKey(in.values, &e.key)
		row := len(in.values)
		change := readmodel.Change{Key: in.values[first:row:row], Position: e.position}
		var err error
		if e.exists {
			in.values, err = codec.AppendRow(in.values, &e.row)
			change.Row = in.values[row:len(in.values):len(in.values)]
		}
		if err == nil {
			err = codec.Schema.CheckChange(&change)
		}
		if err != nil {
			key := readmodel.KeyText(&codec.Schema, change.Key)
			return in.refused(&RowError{in.def.Name, key, e.position, err})
		}
		in.last = append(in.last, inlineChange[K, R]{e, change})
	}
	return nil
}

// settle accepts the commit that was folded last.
func (in *inliner[K, R]) settle() {
	for _, c := range in.last {
		if n, ok := in.number[c.row.key]; ok {
			in.pending[n] = c.change
			continue
		}
		in.number[c.row.key] = len(in.pending)
		in.pending = append(in.pending, c.change)
	}
	clear(in.last)
	in.last = in.last[:0]
	in.rows.wrote()
}

// Undo implements eventlog.Inline.
func (in *inliner[K, R]) Undo() {
	if in.turn >= inlineFirst {
		in.undo()
		in.folded = in.before
	}
}

// undo puts the rows that the last commit touched back: as a commit before it in this transaction left them, or as
// they are stored, which the next one to ask for them is going to load.
func (in *inliner[K, R]) undo() {
	clear(in.last)
	in.last = in.last[:0]
	touched := in.rows.dirty
	for _, e := range in.rows.missing {
		if !e.dirty {
			touched = append(touched, e)
		}
	}
	for _, e := range touched {
		n, ok := in.number[e.key]
		if !ok {
			in.rows.cache.remove(e)
			continue
		}
		in.restore(e, &in.pending[n])
	}
	in.rows.undone()
}

// restore gives a row the content of a change.
func (in *inliner[K, R]) restore(e *entry[K, R], c *readmodel.Change) {
	var none R
	e.row, e.position, e.state, e.dirty, e.stored, e.exists = none, c.Position, settled, false, true, c.Row != nil
	if c.Row == nil {
		in.rows.init(e)
		return
	}
	scanner := readmodel.NewScanner(in.schema().Projection, in.schema().Row, c.Row)
	in.def.Codec.ReadRow(scanner, &e.row)
}

// Flush implements eventlog.Inline.
func (in *inliner[K, R]) Flush(ctx context.Context) error {
	if in.turn < inlineFirst {
		return nil
	}
	in.settle()
	if in.turn == inlineFirst {
		in.folded.Built = true
	}
	if in.folded != in.stored {
		b := &readmodel.Batch{From: in.stored, To: in.folded, Changes: in.pending}
		if err := in.table.Apply(ctx, b); err != nil {
			return err
		}
	}
	if in.turn == inlineFirst {
		return in.tx.Promote(ctx, in.def.Name, in.schema().Fingerprint)
	}
	return nil
}

// End implements eventlog.Inline.
func (in *inliner[K, R]) End(stored bool) {
	if in.turn < inlineFirst || !stored {
		if in.refusal != nil {
			in.report(readmodel.Checkpoint{}, in.refusal)
		}
		if !stored {
			in.reset()
			in.table = nil // it may have been made in this transaction
		}
		return
	}
	changed := in.folded != in.stored
	in.stored = in.folded
	in.clear()
	if in.rows.cache.rows > inlineRows {
		in.rows.reset(false)
	}
	if changed {
		in.tx.Committed(in.schema(), in.turn == inlineFirst)
	}
	in.report(in.folded, nil)
}

// failed refuses the commit of the record that is being folded.
func (in *inliner[K, R]) failed(err error) error {
	e := newFoldError(in.def.Name, in.rows.record, err)
	if in.rows.asked != nil {
		e.Key = readmodel.KeyText(in.schema(), in.def.Codec.AppendKey(nil, &in.rows.asked.key))
	}
	return in.refused(e)
}

func (in *inliner[K, R]) refused(err error) error {
	return eventlog.Refusal{Err: &RefusedError{Projection: in.def.Name, Err: err}}
}

// guard turns a panic of the fold into a refusal.
func (in *inliner[K, R]) guard(err *error) {
	if in.rows.record == nil {
		return
	}
	if v := recover(); v != nil {
		*err = in.failed(&cqrs.PanicError{In: "the fold of " + in.def.Name, Value: fmt.Sprint(v), Stack: debug.Stack()})
	}
}

// endSecond ends the second pass: all rows are there, and no record is deferred any more.
func (r *Rows[K, R]) endSecond() {
	r.turn = settled
	for _, e := range r.missing {
		e.state = settled
	}
	clear(r.missing)
	clear(r.deferred)
	r.missing, r.deferred = r.missing[:0], r.deferred[:0]
}

// undone forgets which rows were touched, once they are what they were.
func (r *Rows[K, R]) undone() {
	clear(r.dirty)
	clear(r.missing)
	clear(r.deferred)
	r.dirty, r.missing, r.deferred = r.dirty[:0], r.missing[:0], r.deferred[:0]
	r.turn, r.record, r.asked, r.fault = settled, nil, nil, nil
}
