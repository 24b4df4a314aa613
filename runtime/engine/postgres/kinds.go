package postgres

import (
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// kind is what a row of the table kinds says: a way in which events of a category were written.
type kind struct {
	category      string
	name          string
	schemaVersion int32
	contentType   cqrs.ContentType
}

const selectKinds = `SELECT id, category, type, schema_version, content_type FROM {schema}.kinds WHERE id > $1 ORDER BY id`

// decodeKind reads a row of selectKinds.
func decodeKind(row [][]byte) (id int32, k kind) {
	return decodeInt32(row[0]), kind{
		category: string(row[1]), name: string(row[2]), schemaVersion: decodeInt32(row[3]),
		contentType: cqrs.ContentType(row[4]),
	}
}

// kindTable is what a reader knows of the table kinds, which only grows. It is safe for concurrent use.
type kindTable struct {
	mu sync.RWMutex
	// rows are by id, the first at index 1. Ids have no gaps: they are given in order.
	rows []kind
}

// snapshot returns the rows that are known. The slice never changes.
func (t *kindTable) snapshot() []kind {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows
}

// add takes rows that start at the id from.
func (t *kindTable) add(from int32, rows []kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		t.rows = make([]kind, 1)
	}
	if known := int32(len(t.rows)) - from; known >= 0 && int(known) < len(rows) {
		t.rows = append(t.rows, rows[known:]...)
	}
}

// select returns the ids of the kinds that match, and whether all do.
func selectKindsOf(rows []kind, types, categories []string) (ids []int32, all bool) {
	wanted := func(names []string) func(string) bool {
		set := make(map[string]struct{}, len(names))
		for _, name := range names {
			set[name] = struct{}{}
		}
		return func(name string) bool {
			_, ok := set[name]
			return ok || len(names) == 0
		}
	}
	typ, category := wanted(types), wanted(categories)
	all = true
	for id := 1; id < len(rows); id++ {
		if typ(rows[id].name) && category(rows[id].category) {
			ids = append(ids, int32(id))
		} else {
			all = false
		}
	}
	return ids, all
}
