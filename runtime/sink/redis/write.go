package redis

import (
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

const goneField = "@gone"

// The most that one script stores: so many changes, or so many bytes.
const (
	mostChanges = 500
	mostBytes   = 1 << 20
)

// writer cuts a batch into the arguments of apply.lua.
type writer struct {
	table   *table
	batch   *readmodel.Batch
	indexes *indexes
	keys    []string
	// begin are what appends the beginning of a row's member of each index.
	begin []func(b []byte, key, row []readmodel.Value) []byte
	// next is the number of the next change; sent says that a part was made, so that a batch without changes has one.
	next int
	sent bool

	args []any
	buf  []byte
}

func (t *table) newWriter(b *readmodel.Batch) *writer {
	w := &writer{table: t, batch: b, indexes: t.indexes.Load(), keys: []string{t.key, t.keys(), t.gone()}}
	for _, columns := range w.indexes.columns {
		w.keys = append(w.keys, t.index(indexName(columns)))
		w.begin = append(w.begin, t.appender(columns))
	}
	return w
}

func (w *writer) done() bool { return w.sent && w.next == len(w.batch.Changes) }

// part returns the arguments for the next changes, which are valid until part is called again.
func (w *writer) part() []any {
	w.sent = true
	w.args = append(appendCheckpoint(w.args[:0], w.batch.From), w.indexes.text, w.table.row(), "part", "", "")
	if w.batch.From.Built {
		w.args[6] = "whole"
	}
	if w.table.optional {
		w.args[8] = "clear"
	}
	w.args = appendCheckpoint(w.args, w.batch.To)
	for _, columns := range w.indexes.columns {
		w.args = append(w.args, indexField(indexName(columns)))
	}
	for changes, bytes := 0, 0; w.next < len(w.batch.Changes) && changes < w.table.store.mostChanges && bytes < mostBytes; changes++ {
		bytes += w.change(&w.batch.Changes[w.next])
		w.next++
	}
	if w.done() {
		w.args[7] = "last"
	}
	return w.args
}

// change adds a change, and returns about how long it is.
func (w *writer) change(c *readmodel.Change) (bytes int) {
	add := func(s string) {
		w.args = append(w.args, s)
		bytes += len(s)
	}
	w.buf = appendName(w.buf[:0], c.Key)
	n := len(w.buf)
	add(string(w.buf))
	position := strconv.FormatInt(int64(c.Position), 10)
	add(position)
	w.buf = appendEnding(w.buf, c.Key, w.buf[:n])
	add(string(w.buf[n:]))
	if c.Row == nil {
		add("-1")
		return bytes
	}
	count := len(w.args)
	add("")
	var beginnings [8]string
	members := beginnings[:0]
	for _, begin := range w.begin {
		w.buf = begin(w.buf[:0], c.Key, c.Row)
		members = append(members, string(w.buf))
		add(members[len(members)-1])
	}
	first := len(w.args)
	add(positionField)
	add(position)
	for i, columns := range w.indexes.columns {
		add(indexField(indexName(columns)))
		add(members[i])
	}
	w.columns(w.table.schema.Key, c.Key, add)
	w.columns(w.table.schema.Row, c.Row, add)
	w.args[count] = strconv.Itoa(len(w.args) - first)
	return bytes
}

// columns adds the fields of values that are not null.
func (w *writer) columns(columns []readmodel.Column, values []readmodel.Value, add func(string)) {
	for i := range columns {
		if values[i].Kind() != readmodel.Null {
			add(columns[i].Name)
			add(format(&values[i]))
		}
	}
}
