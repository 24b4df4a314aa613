package embedded

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"zombiezen.com/go/sqlite"
)

const (
	selectStreamName = `SELECT category, name FROM streams WHERE id = ?1`
	selectTypeName   = `SELECT name, schema_version, content_type FROM types WHERE id = ?1`
)

// namedStream and namedType are what a row's ids stand for, with their part in its checksum.
type namedStream struct {
	id  cqrs.StreamID
	sum uint32
}

type namedType struct {
	eventType
	sum uint32
}

// nameReader resolves the ids in the rows of events, on the connection that reads them.
type nameReader struct {
	log  *Log
	conn *sqlite.Conn
}

func (n *nameReader) stream(id int64) (*namedStream, error) {
	if s := n.log.streams.get(id); s != nil {
		return s, nil
	}
	stmt, found, err := n.find(selectStreamName, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, corruptf("an event belongs to the stream %d, which does not exist", id)
	}
	s := cqrs.StreamID{Category: stmt.ColumnText(0), ID: stmt.ColumnText(1)}
	return n.log.streams.put(id, namedStream{s, streamSum(&s)}), stmt.Reset()
}

func (n *nameReader) eventType(id int64) (*namedType, error) {
	if t := n.log.types.get(id); t != nil {
		return t, nil
	}
	stmt, found, err := n.find(selectTypeName, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, corruptf("an event has the type %d, which does not exist", id)
	}
	t := eventType{stmt.ColumnText(0), stmt.ColumnInt(1), cqrs.ContentType(stmt.ColumnText(2))}
	return n.log.types.put(id, namedType{t, typeSum(&t)}), stmt.Reset()
}

func (n *nameReader) find(query string, id int64) (stmt *sqlite.Stmt, found bool, err error) {
	if stmt, err = n.conn.Prepare(query); err != nil {
		return nil, false, err
	}
	stmt.BindInt64(1, id)
	found, err = stmt.Step()
	return stmt, found, err
}

// typeCounts is what the table types knows about a selection of types and categories.
type typeCounts struct {
	// ids are the rows of the selection, of which one name can have several.
	ids []int64
	// matching and all count events.
	matching, all int64
}

// selection is a set of names; the empty one selects all.
type selection []string

func (s selection) has(name string) bool { return len(s) == 0 || slices.Contains(s, name) }

// countTypes counts the events of these types in streams of these categories.
func countTypes(c *sqlite.Conn, types, categories selection) (counts typeCounts, err error) {
	stmt, err := c.Prepare("SELECT id, name, category, events FROM types")
	if err != nil {
		return counts, err
	}
	for {
		row, err := stmt.Step()
		if !row || err != nil {
			return counts, err
		}
		n := stmt.ColumnInt64(3)
		counts.all += n
		if types.has(stmt.ColumnText(1)) && categories.has(stmt.ColumnText(2)) {
			counts.ids = append(counts.ids, stmt.ColumnInt64(0))
			counts.matching += n
		}
	}
}
