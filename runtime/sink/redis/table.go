package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cqrsgen/cqrsgen/internal/sortable"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// table implements readmodel.Table.
type table struct {
	*readmodel.Signal
	store  *Store
	schema readmodel.Schema
	// key is that of the generation's hash, and what all of its other keys begin with.
	key string
	// indexes are those that the generation is known to have.
	indexes atomic.Pointer[indexes]
	// optional says that rows may lack fields.
	optional bool
	// applied is what this table left as the checkpoint, and applies counts the beginnings and the ends of Apply.
	applied atomic.Pointer[readmodel.Checkpoint]
	applies atomic.Int64
}

func newTable(s *Store, schema *readmodel.Schema) *table {
	t := &table{store: s, schema: *schema, key: s.generation(schema.Projection, schema.Fingerprint)}
	t.Signal = s.signal(t.key)
	t.optional = slices.ContainsFunc(schema.Row, func(c readmodel.Column) bool { return c.Optional })
	return t
}

func (t *table) keys() string             { return t.key + ":keys" }
func (t *table) gone() string             { return t.key + ":gone" }
func (t *table) row() string              { return t.key + ":row:" }
func (t *table) index(name string) string { return t.key + ":index:" + name }

// The sink's own fields of rows: the position, and the beginning of the row's member of an index.
const positionField = "@position"

func indexField(name string) string { return "@index:" + name }

// wrap names the read model in an error that does not do so itself.
func (t *table) wrap(err error) error {
	var (
		corrupt *readmodel.CorruptError
		schema  *readmodel.SchemaError
		held    *readmodel.HeldError
	)
	if err == nil || errors.Is(err, readmodel.ErrFenced) || errors.Is(err, readmodel.ErrNoGeneration) ||
		errors.As(err, &corrupt) || errors.As(err, &schema) || errors.As(err, &held) {
		return err
	}
	return fmt.Errorf("read model %s: %w", t.schema.Projection, err)
}

// read calls a script that answers with the checkpoint first.
func (t *table) read(ctx context.Context, sc script, keys []string, args ...any) (readmodel.Checkpoint, []any, error) {
	answer, err := t.store.run(ctx, sc, keys, args...)
	if err != nil {
		return readmodel.Checkpoint{}, nil, t.wrap(err)
	}
	return t.parse(answer)
}

func (t *table) parse(answer any) (readmodel.Checkpoint, []any, error) {
	if answer == answerNoGeneration {
		return readmodel.Checkpoint{}, nil, errNoGeneration(t.schema.Projection, t.schema.Fingerprint)
	}
	items := list(answer)
	at, err := parseCheckpoint(t.schema.Projection, items)
	return at, items, err
}

// Checkpoint implements readmodel.Table.
func (t *table) Checkpoint(ctx context.Context) (readmodel.Checkpoint, error) {
	at, _, err := t.read(ctx, getScript, []string{t.key}, t.row(), 0)
	return at, err
}

// RowsAhead implements readmodel.Table: of a generation that is being built, they may be.
func (t *table) RowsAhead() bool { return true }

// Apply implements readmodel.Table. A batch of a generation that is built is stored in one step, whatever its size: the
// server does nothing else meanwhile. One of a generation that is being built goes in parts, which nobody queries yet.
func (t *table) Apply(ctx context.Context, b *readmodel.Batch) error {
	if err := t.schema.CheckBatch(b); err != nil {
		return err
	}
	t.applies.Add(1)
	defer t.applies.Add(1)
	for {
		answer, err := t.apply(ctx, b)
		switch {
		case err != nil:
			return t.wrap(err)
		case answer == answerFenced:
			return readmodel.ErrFenced
		case answer == answerNoGeneration:
			return errNoGeneration(t.schema.Projection, t.schema.Fingerprint)
		case answer == answerIndexes:
			// A later release declared one more.
			if err := t.refresh(ctx); err != nil {
				return t.wrap(err)
			}
			continue
		}
		to := b.To
		t.applied.Store(&to)
		t.Notify()
		if b.To.Built && !b.From.Built {
			t.store.Notify()
		}
		return nil
	}
}

// apply sends a batch, and returns what the scripts answer: all of them the same, or the last one.
func (t *table) apply(ctx context.Context, b *readmodel.Batch) (answer any, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := t.store.check(ctx); err != nil {
		return nil, err
	}
	w := t.newWriter(b)
	if b.From.Built {
		return t.applyWhole(ctx, w)
	}
	for answer = answerOK; !w.done() && answer == answerOK; {
		args := w.part()
		answer, err = call(ctx, func() (any, error) { return t.store.patient.Eval(ctx, applyText, w.keys, args...).Result() })
		if err != nil {
			return nil, t.store.failed(ctx, err)
		}
	}
	return answer, nil
}

// applyWhole sends all parts of a batch as one transaction.
func (t *table) applyWhole(ctx context.Context, w *writer) (any, error) {
	args := w.part()
	answer, err := call(ctx, func() (any, error) {
		if w.done() {
			return t.store.patient.Eval(ctx, applyText, w.keys, args...).Result()
		}
		var last *redis.Cmd
		_, err := t.store.patient.TxPipelined(ctx, func(p redis.Pipeliner) error {
			last = p.Eval(ctx, applyText, w.keys, slices.Clone(args)...)
			for !w.done() {
				last = p.Eval(ctx, applyText, w.keys, slices.Clone(w.part())...)
			}
			return nil
		})
		return last.Val(), err
	})
	return answer, t.store.failed(ctx, err)
}

// Get implements readmodel.Table. It is one round trip, whatever the number of keys.
func (t *table) Get(ctx context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	for _, key := range keys {
		if err := t.schema.CheckKey(key); err != nil {
			return readmodel.Checkpoint{}, err
		}
	}
	fields := []any{t.row(), 2 + len(t.schema.Row), positionField, goneField}
	for i := range t.schema.Row {
		fields = append(fields, t.schema.Row[i].Name)
	}
	answers, err := t.lookUp(ctx, fields, keys)
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	var at readmodel.Checkpoint
	values := make([]readmodel.Value, len(t.schema.Row))
	for n, answer := range answers {
		var items []any
		if at, items, err = t.parse(answer); err != nil {
			return readmodel.Checkpoint{}, err
		}
		for i, row := range list(items[4]) {
			if err := t.found(list(row), values, n*mostKeys+i, found); err != nil {
				return readmodel.Checkpoint{}, err
			}
		}
	}
	return at, nil
}

// found hands out one row that get.lua answered, unless there is none.
func (t *table) found(row []any, values []readmodel.Value, i int,
	found func(int, []readmodel.Value, cqrs.Position) error,
) error {
	if row == nil {
		return nil
	}
	position, err := t.position(row[0])
	if err != nil {
		return err
	}
	if row[1] != nil {
		return found(i, nil, position)
	}
	if err := t.scan(t.schema.Row, row[2:], values); err != nil {
		return err
	}
	return found(i, values, position)
}

// mostKeys is how many rows one script looks up.
const mostKeys = 5000

// lookUp looks rows up in one transaction.
func (t *table) lookUp(ctx context.Context, fields []any, keys [][]readmodel.Value) ([]any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(keys) <= mostKeys {
		answer, err := t.store.run(ctx, getScript, []string{t.key}, t.names(fields, keys)...)
		return []any{answer}, err
	}
	if err := t.store.check(ctx); err != nil {
		return nil, err
	}
	parts, err := call(ctx, func() (parts []*redis.Cmd, err error) {
		_, err = t.store.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for chunk := range slices.Chunk(keys, mostKeys) {
				parts = append(parts, p.Eval(ctx, getText, []string{t.key}, t.names(fields, chunk)...))
			}
			return nil
		})
		return parts, err
	})
	if err != nil {
		return nil, t.store.failed(ctx, err)
	}
	answers := make([]any, len(parts))
	for i, part := range parts {
		answers[i] = part.Val()
	}
	return answers, nil
}

// names returns the fields with the names of rows behind them.
func (t *table) names(fields []any, keys [][]readmodel.Value) []any {
	args := append(make([]any, 0, len(fields)+len(keys)), fields...)
	var name []byte
	for _, key := range keys {
		name = appendName(name[:0], key)
		args = append(args, string(name))
	}
	return args
}

func (t *table) position(stored any) (cqrs.Position, error) {
	text, _ := stored.(string)
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &readmodel.CorruptError{
			Projection: t.schema.Projection, Column: positionField, Reason: fmt.Sprintf("%.80q is no position", text),
		}
	}
	return cqrs.Position(i), nil
}

// scan reads the values of columns.
func (t *table) scan(columns []readmodel.Column, stored []any, values []readmodel.Value) (err error) {
	for i := range columns {
		if values[i], err = scan(&t.schema, &columns[i], stored[i]); err != nil {
			return err
		}
	}
	return nil
}

// Hold implements readmodel.Table. A holder whose checkpoint is not the one that it left is fenced too: the server lost
// what was written last, and nothing else might be written for long.
func (t *table) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	if err := t.schema.CheckLease(holder, ttl); err != nil {
		return err
	}
	begun, left := t.applies.Load(), t.applied.Load()
	at, items, err := t.read(ctx, holdScript, []string{t.key}, holder, max(1, ttl.Microseconds()), string(report))
	if err != nil {
		return err
	}
	if text(items, 4) != "" {
		until, err := parseTime(text(items, 5))
		return errors.Join(err, &readmodel.HeldError{
			Projection: t.schema.Projection, Generation: t.schema.Fingerprint, Holder: text(items, 4), Until: until,
		})
	}
	if left != nil && *left != at && begun%2 == 0 && begun == t.applies.Load() {
		t.applied.CompareAndSwap(left, nil) // it is said once
		return readmodel.ErrFenced
	}
	return nil
}

// Release implements readmodel.Table.
func (t *table) Release(ctx context.Context, holder string, report []byte) error {
	answer, err := t.store.run(ctx, releaseScript, []string{t.key}, holder, string(report))
	if err == nil && answer == answerNoGeneration {
		err = errNoGeneration(t.schema.Projection, t.schema.Fingerprint)
	}
	return t.wrap(err)
}

// indexes are what a generation's hash says of its indexes: their names, in the order in which they were declared, and
// the names of those that lack entries.
type indexes struct {
	text, unfinished string
	// columns are those of each index.
	columns [][]string
}

func newIndexes(text, unfinished string) *indexes {
	x := &indexes{text: text, unfinished: unfinished}
	for name := range strings.FieldsSeq(text) {
		x.columns = append(x.columns, strings.Split(name, ","))
	}
	return x
}

func (x *indexes) has(name string) bool { return slices.Contains(strings.Fields(x.text), name) }

// complete reports whether an index is there, with all entries.
func (x *indexes) complete(name string) bool {
	return x.has(name) && !slices.Contains(strings.Fields(x.unfinished), name)
}

// servedByKey reports whether the order of the keys is that of an index: its columns are the first ones of the key.
func servedByKey(s *readmodel.Schema, columns []string) bool {
	for i, name := range columns {
		if i >= len(s.Key) || s.Key[i].Name != name {
			return false
		}
	}
	return true
}

// ownIndexes returns the names of the sets that the schema's indexes need.
func (t *table) ownIndexes() (names []string) {
	for _, columns := range t.schema.Indexes {
		name := indexName(columns)
		if !servedByKey(&t.schema, columns) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// refresh reads again which indexes the generation has.
func (t *table) refresh(ctx context.Context) error {
	answer, err := t.store.run(ctx, openScript, []string{t.key})
	if err != nil {
		return err
	}
	if text(list(answer), 0) == "" {
		return errNoGeneration(t.schema.Projection, t.schema.Fingerprint)
	}
	_, err = t.learn(list(answer))
	return err
}

// values returns what appends the sortable form of some columns of a row.
func (t *table) appender(columns []string) func(b []byte, key, row []readmodel.Value) []byte {
	find := readmodel.Find{Index: -1, Order: columns}
	order := t.schema.Order(&find)[:len(columns)]
	return func(b []byte, key, row []readmodel.Value) []byte {
		for _, n := range order {
			if n < len(key) {
				b = sortable.Append(b, key[n:n+1])
			} else {
				b = sortable.Append(b, row[n-len(key):][:1])
			}
		}
		return b
	}
}
