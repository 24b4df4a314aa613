package redis

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// completeIndexes gives a generation the indexes of the schema that it lacks, because a later release declared them. It
// says first that they are there, so that everybody who changes a row writes its entries; then the rows that were stored
// before get theirs. Until all have, queries do without.
func (t *table) completeIndexes(ctx context.Context) error {
	for _, name := range t.ownIndexes() {
		for !t.indexes.Load().complete(name) {
			if err := t.announce(ctx, name, true); err != nil {
				return err
			}
			if !t.indexes.Load().has(name) {
				continue // somebody else announced one
			}
			if err := t.fill(ctx, name); err != nil {
				return err
			}
			if err := t.announce(ctx, name, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// announce says of an index that it is there, and whether it lacks entries. Should others have announced one
// meanwhile, it only learns that.
func (t *table) announce(ctx context.Context, name string, unfinished bool) error {
	known := t.indexes.Load()
	names, lacking := strings.Fields(known.text), strings.Fields(known.unfinished)
	if !slices.Contains(names, name) {
		names = append(names, name)
	}
	lacking = slices.DeleteFunc(lacking, func(s string) bool { return s == name })
	if unfinished {
		lacking = append(lacking, name)
	}
	answer, err := t.store.run(ctx, reindexScript, []string{t.key},
		known.text, known.unfinished, strings.Join(names, " "), strings.Join(lacking, " "))
	if err != nil {
		return err
	}
	if answer == answerNoGeneration {
		return errNoGeneration(t.schema.Projection, t.schema.Fingerprint)
	}
	return t.refresh(ctx)
}

// fill gives the rows their entries of an index.
func (t *table) fill(ctx context.Context, name string) error {
	begin := t.appender(strings.Split(name, ","))
	all := &selection{table: t, matches: func([]readmodel.Value) bool { return true }}
	r := span{set: t.keys(), min: "-", max: "+"}
	args := []any{r.min, r.max, mostChanges, t.row(), positionField}
	for _, c := range t.schema.Columns() {
		args = append(args, c.Name)
	}
	for {
		_, items, err := t.read(ctx, findScript, []string{t.key, r.set}, args...)
		if err != nil {
			return err
		}
		all.rows = nil
		if _, err := all.add(list(items[4])); err != nil {
			return err
		}
		if len(all.rows) == 0 {
			return nil
		}
		if err := t.fillRows(ctx, name, begin, all.rows); err != nil {
			return err
		}
		args[0] = "(" + text(items, 5)
	}
}

func (t *table) fillRows(ctx context.Context, name string,
	begin func(b []byte, key, row []readmodel.Value) []byte, rows []found,
) error {
	args := []any{t.row(), indexField(name)}
	keys := len(t.schema.Key)
	for _, f := range rows {
		key := f.values[:keys]
		row := appendName(nil, key)
		args = append(args, string(row), strconv.FormatInt(int64(f.at), 10),
			string(begin(nil, key, f.values[keys:])), string(appendEnding(nil, key, row)))
	}
	answer, err := t.store.run(ctx, fillScript, []string{t.key, t.index(name)}, args...)
	if err == nil && answer == answerNoGeneration {
		err = errNoGeneration(t.schema.Projection, t.schema.Fingerprint)
	}
	return err
}
