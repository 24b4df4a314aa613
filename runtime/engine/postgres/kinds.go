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

// kindTable is what readers know of the table kinds, which only grows. It is safe for concurrent use.
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

// add takes what somebody knows who has read on from before, unless the table has changed since.
func (t *kindTable) add(before, now []kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == len(before) {
		t.rows = now
	}
}

// forget empties the table: a new connection may lead to a server that was restored, and has less than the one before.
func (t *kindTable) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = nil
}

// selectKindsOf returns the ids of the kinds that match, and whether all do.
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
