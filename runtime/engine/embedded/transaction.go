package embedded

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cqrsgen/cqrsgen/internal/inline"
	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"zombiezen.com/go/sqlite"
)

const (
	selectVersion = `PRAGMA data_version`
	selectStream  = `SELECT id FROM streams WHERE category = ?1 AND name = ?2`
	selectLast    = `SELECT coalesce(max(version), 0) FROM events WHERE stream = ?1`
	insertStream  = `INSERT INTO streams (category, name) VALUES (?1, ?2)`
	selectType    = `SELECT id FROM types WHERE category = ?4 AND name = ?1 AND schema_version = ?2 AND content_type = ?3`
	insertType    = `INSERT INTO types (category, name, schema_version, content_type, events) VALUES (?4, ?1, ?2, ?3, 0)`
	updateType    = `UPDATE types SET events = events + ?2 WHERE id = ?1`
	upsertBlock   = `INSERT INTO type_positions (type, block, positions) VALUES (?1, ?2, ?3)
		ON CONFLICT (type, block) DO UPDATE SET positions = positions | excluded.positions`
	insertEvent = `INSERT INTO events (position, stream, version, type, commit_id, time, command_id,
		correlation_id, causation_id, actor, data, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`
	insertCommand = `INSERT INTO commands (id, hash, position, version, time, correlation_id, causation_id, actor)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING`
	upsertSnapshot = `INSERT INTO snapshots (stream, sealed) VALUES (?1, ?2)
		ON CONFLICT (stream) DO UPDATE SET sealed = excluded.sealed`
)

// transaction applies requests inside the writer's transaction, and remembers between transactions what it would
// otherwise have to ask for: appending to a known stream is one INSERT per event, and no SELECT.
//
// What it remembers is true as long as no other connection wrote, which PRAGMA data_version tells, and as long as
// each of its own transactions was committed; forget must follow any that was not.
type transaction struct {
	conn *sqlite.Conn
	stmt struct {
		version, stream, streamName, last, insertStream, typ, insertType, updateType, block, event, command, snapshot *sqlite.Stmt
	}
	findCommand *sqlite.Stmt

	// known says that the fields below reflect the database when its data_version was version.
	known   bool
	version int64
	head    cqrs.Position
	streams streamCache
	types   map[categoryType]*typeRow
	// counted are the types that got events in this transaction.
	counted []*typeRow
	// buf is for what a checksum covers, rows for the streams of a commit.
	buf  []byte
	rows []*streamRow

	// inline are those who take part; log is whose transaction it is.
	inline inline.Set
	log    *Log
}

// eventType is what a row of the table types says.
type eventType struct {
	name          string
	schemaVersion int
	contentType   cqrs.ContentType
}

// categoryType tells the rows of the table types apart.
type categoryType struct {
	category string
	eventType
}

type typeRow struct {
	id  int64
	sum uint32
	// added is how many events the running transaction stored; positions are those in the last block that got one and
	// that are not written yet.
	added, block, positions int64
}

// streamRow is a stream's id, 0 if it has no row yet, its version, and its part in checksums.
type streamRow struct {
	id   int64
	head cqrs.Version
	sum  uint32
}

// requestError is an error of SQLite that is about one request, and neither about the file nor the disk.
type requestError struct{ err error }

func (e *requestError) Error() string { return e.err.Error() }

func (e *requestError) Unwrap() error { return e.err }

func newTransaction(c *sqlite.Conn, l *Log) (*transaction, error) {
	t := &transaction{conn: c, log: l}
	for query, stmt := range map[string]**sqlite.Stmt{
		selectVersion: &t.stmt.version, selectStream: &t.stmt.stream, selectStreamName: &t.stmt.streamName, selectLast: &t.stmt.last,
		insertStream: &t.stmt.insertStream, selectType: &t.stmt.typ, insertType: &t.stmt.insertType,
		updateType: &t.stmt.updateType, upsertBlock: &t.stmt.block, insertEvent: &t.stmt.event, insertCommand: &t.stmt.command,
		upsertSnapshot: &t.stmt.snapshot, selectCommand: &t.findCommand,
	} {
		var err error
		if *stmt, err = c.Prepare(query); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// forget drops all that is remembered.
func (t *transaction) forget() { t.known = false }

// apply carries out the requests, in their order. An answer with an error is that of a request that changed nothing.
// After an error of apply itself the transaction must be rolled back; it is a *requestError if only one request is to
// blame.
func (t *transaction) apply(batch []*request) ([]answer, error) {
	if err := t.refresh(); err != nil {
		return nil, err
	}
	if err := t.beginInline(); err != nil {
		return nil, err
	}
	answers := make([]answer, len(batch))
	for i, r := range batch {
		var err error
		switch {
		case r.commit != nil:
			answers[i].appended, err = t.append(r.commit, false)
		case r.imported != nil:
			answers[i].imported, err = t.importAll(r.imported)
		case r.settles:
		default:
			err = t.saveSnapshot(r.stream, r.sealed)
		}
		if refusal := (*refusalError)(nil); errors.As(err, &refusal) {
			answers[i].err = refusal.err
		} else if ofOneRequest(err) {
			return nil, &requestError{err}
		} else if err != nil {
			return nil, err
		}
	}
	if err := t.writeCounts(); err != nil {
		return nil, err
	}
	if err := t.inline.Flush(context.Background()); ofOneRequest(err) {
		return nil, &requestError{err}
	} else if err != nil {
		return nil, err
	}
	return answers, nil
}

// ofOneRequest reports whether an error is neither about the file nor about the disk.
func ofOneRequest(err error) bool {
	kind := sqlitedb.Classify(err)
	return kind == sqlitedb.Constraint || kind == sqlitedb.Other
}

// refusalError wraps the errors that are answers, found before anything was written.
type refusalError struct{ err error }

func (e *refusalError) Error() string { return e.err.Error() }

// refresh makes what is remembered true for the running transaction.
func (t *transaction) refresh() error {
	version, err := number(t.stmt.version)
	if err != nil {
		return err
	}
	if t.known && version == t.version {
		return nil
	}
	t.streams.clear()
	t.types = make(map[categoryType]*typeRow)
	t.counted = t.counted[:0]
	if t.head, err = selectHead(t.conn); err != nil {
		return err
	}
	t.known, t.version = true, version
	return nil
}

// append stores one commit, or refuses it before it writes anything. A commit that is imported has the version that
// goes on record, and must not be a repeated one.
func (t *transaction) append(c *eventlog.Commit, imported bool) (eventlog.Appended, error) {
	rows := t.rows[:0]
	var conflict error
	for i := range c.Streams {
		row, err := t.stream(c.Streams[i].Stream)
		if err != nil {
			return eventlog.Appended{}, err
		}
		rows = append(rows, row)
		if conflict == nil {
			conflict = conflictWith(&c.Streams[i], row.head)
		}
	}
	t.rows = rows
	outcome := eventlog.Appended{Position: t.head, Version: c.Version, Meta: c.Meta}
	if len(rows) > 0 {
		outcome.Version = rows[0].head + cqrs.Version(len(c.Streams[0].Events))
	}
	for i := range c.Streams {
		outcome.Position += cqrs.Position(len(c.Streams[i].Events))
	}
	if conflict == nil && t.inline.Running() {
		if first, repeated, err := t.fold(c, imported); repeated || err != nil {
			return first, err
		}
	}
	if c.Meta.CommandID != "" {
		// A repeated command gets its first outcome, although its streams are no longer where it expects them.
		recorded := outcome
		if imported {
			recorded.Version = c.Version
		}
		if first, repeated, err := t.recordCommand(c, recorded, conflict == nil, imported); repeated || err != nil {
			return first, err
		}
	}
	if conflict != nil {
		return eventlog.Appended{}, &refusalError{conflict}
	}
	return outcome, t.insert(c, rows)
}

// conflictWith returns the error if the stream is not at the version that is expected of it.
func conflictWith(s *eventlog.StreamAppend, actual cqrs.Version) error {
	if s.Expected == eventlog.Any || s.Expected == eventlog.Exactly(actual) {
		return nil
	}
	return &cqrs.ConflictError{Stream: s.Stream, Expected: cqrs.Version(s.Expected), Actual: actual}
}

// recordCommand stores the outcome of a command under its id, if record says so, or returns what is stored there. For a
// commit that is imported that is a refusal.
func (t *transaction) recordCommand(
	c *eventlog.Commit, outcome eventlog.Appended, record, imported bool,
) (first eventlog.Appended, repeated bool, err error) {
	if record {
		s := t.stmt.command
		s.BindText(1, c.Meta.CommandID)
		s.BindBytes(2, c.CommandHash[:])
		s.BindInt64(3, int64(outcome.Position))
		s.BindInt64(4, int64(outcome.Version))
		s.BindInt64(5, c.Meta.Time.UnixMicro())
		bindText(s, 6, c.Meta.CorrelationID)
		bindText(s, 7, c.Meta.CausationID)
		bindText(s, 8, c.Meta.Actor)
		if err := execute(s); err != nil {
			return first, false, err
		}
		if t.conn.Changes() == 1 {
			return first, false, nil
		}
	}
	first, repeated, err = findCommand(t.findCommand, c.Meta.CommandID, c.CommandHash)
	if repeated && imported {
		err = &cqrs.CommandReusedError{CommandID: c.Meta.CommandID}
	}
	if reused := (*cqrs.CommandReusedError)(nil); errors.As(err, &reused) {
		err = &refusalError{reused}
	}
	return first, repeated, err
}

// insert stores the events of a commit that fits.
func (t *transaction) insert(c *eventlog.Commit, rows []*streamRow) error {
	s := t.stmt.event
	s.BindBytes(5, c.ID[:])
	s.BindInt64(6, c.Meta.Time.UnixMicro())
	for i, value := range metaStrings(&c.Meta) {
		bindText(s, 7+i, value)
	}
	for i := range c.Streams {
		if len(c.Streams[i].Events) == 0 {
			continue // it is expected at its version, and stays there
		}
		if err := t.ensureStream(c.Streams[i].Stream, rows[i]); err != nil {
			return err
		}
		if err := t.insertEvents(c, &c.Streams[i], rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// metaStrings are an event's strings, in the order of their columns.
func metaStrings(m *cqrs.CommandMeta) [metaColumns]string {
	return [...]string{m.CommandID, m.CorrelationID, m.CausationID, m.Actor}
}

// insertEvents stores the events of one stream; what all events of the commit have in common is bound.
func (t *transaction) insertEvents(c *eventlog.Commit, to *eventlog.StreamAppend, row *streamRow) error {
	s := t.stmt.event
	s.BindInt64(2, row.id)
	for i := range to.Events {
		e := &to.Events[i]
		typ, err := t.eventType(categoryType{to.Stream.Category, eventType{e.Type, e.SchemaVersion, e.ContentType}})
		if err != nil {
			return err
		}
		t.head++
		row.head++
		if err := t.count(typ); err != nil {
			return err
		}
		s.BindInt64(1, int64(t.head))
		s.BindInt64(3, int64(row.head))
		s.BindInt64(4, typ.id)
		s.BindBytes(11, e.Data)
		s.BindInt64(12, int64(t.checksum(c, row, typ, e.Data)))
		if err := execute(s); err != nil {
			return fmt.Errorf("store event %d of stream %s: %w", row.head, to.Stream, err)
		}
	}
	return nil
}

// checksum returns that of the event at the head of the log and of its stream.
func (t *transaction) checksum(c *eventlog.Commit, stream *streamRow, typ *typeRow, data []byte) uint32 {
	meta, s := metaStrings(&c.Meta), sizes{}
	for i := range meta {
		s.meta[i] = len(meta[i])
	}
	head := eventHead{
		position: int64(t.head), version: int64(stream.head), time: c.Meta.Time.UnixMicro(),
		typ: typ.sum, commit: &c.ID, sizes: &s,
	}
	t.buf = head.append(t.buf[:0])
	for i := range meta {
		t.buf = append(t.buf, meta[i]...)
	}
	return crc32.Update(crc32.Update(stream.sum, castagnoli, t.buf), castagnoli, data)
}

// stream returns what is known of a stream; its row has the id 0 if it is new.
func (t *transaction) stream(id cqrs.StreamID) (*streamRow, error) {
	if row := t.streams.get(id); row != nil {
		return row, nil
	}
	row := &streamRow{sum: streamSum(&id)}
	s := t.stmt.stream
	s.BindText(1, id.Category)
	s.BindText(2, id.ID)
	var err error
	if row.id, err = number(s); err != nil {
		return nil, err
	}
	if row.id != 0 {
		if err := t.checkName(id, row.id); err != nil {
			return nil, err
		}
		t.stmt.last.BindInt64(1, row.id)
		head, err := number(t.stmt.last)
		if err != nil {
			return nil, err
		}
		row.head = cqrs.Version(head)
	}
	t.streams.put(id, row)
	return row, nil
}

// checkName fails if the table has another stream under the id that the index has: the file is damaged then.
func (t *transaction) checkName(stream cqrs.StreamID, id int64) error {
	s := t.stmt.streamName
	s.BindInt64(1, id)
	row, err := s.Step()
	if err != nil {
		return err
	}
	if !row || s.ColumnText(0) != stream.Category || s.ColumnText(1) != stream.ID {
		return errors.Join(corruptf("the index has stream %s where the table has another one", stream), s.Reset())
	}
	return s.Reset()
}

func (t *transaction) ensureStream(id cqrs.StreamID, row *streamRow) error {
	if row.id != 0 {
		return nil
	}
	s := t.stmt.insertStream
	s.BindText(1, id.Category)
	s.BindText(2, id.ID)
	if err := execute(s); err != nil {
		return err
	}
	row.id = t.conn.LastInsertRowID()
	return nil
}

func (t *transaction) eventType(e categoryType) (*typeRow, error) {
	if row := t.types[e]; row != nil {
		return row, nil
	}
	for _, s := range []*sqlite.Stmt{t.stmt.typ, t.stmt.insertType} {
		s.BindText(1, e.name)
		s.BindInt64(2, int64(e.schemaVersion))
		s.BindText(3, string(e.contentType))
		s.BindText(4, e.category)
	}
	id, err := number(t.stmt.typ)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		if err := execute(t.stmt.insertType); err != nil {
			return nil, err
		}
		id = t.conn.LastInsertRowID()
	}
	row := &typeRow{id: id, sum: typeSum(&e.eventType)}
	t.types[e] = row
	return row, nil
}

// count notes that the event at the head is of a type.
func (t *transaction) count(row *typeRow) error {
	if row.added == 0 {
		t.counted = append(t.counted, row)
	}
	row.added++
	if block := int64(t.head) / blockPositions; block != row.block {
		if err := t.writeBlock(row); err != nil {
			return err
		}
		row.block = block
	}
	row.positions |= 1 << (t.head % blockPositions)
	return nil
}

// writeBlock adds the positions that are not written yet to those that the index has of a type.
func (t *transaction) writeBlock(row *typeRow) error {
	if row.positions == 0 {
		return nil
	}
	t.stmt.block.BindInt64(1, row.id)
	t.stmt.block.BindInt64(2, row.block)
	t.stmt.block.BindInt64(3, row.positions)
	row.positions = 0
	return execute(t.stmt.block)
}

// writeCounts adds the events of this transaction to the counts of their types, and to the index.
func (t *transaction) writeCounts() error {
	for _, row := range t.counted {
		if err := t.writeBlock(row); err != nil {
			return err
		}
		t.stmt.updateType.BindInt64(1, row.id)
		t.stmt.updateType.BindInt64(2, row.added)
		if err := execute(t.stmt.updateType); err != nil {
			return err
		}
		row.added = 0
	}
	t.counted = t.counted[:0]
	return nil
}

func (t *transaction) saveSnapshot(stream cqrs.StreamID, sealed []byte) error {
	row, err := t.stream(stream)
	if err != nil {
		return err
	}
	if err := t.ensureStream(stream, row); err != nil {
		return err
	}
	t.stmt.snapshot.BindInt64(1, row.id)
	t.stmt.snapshot.BindBytes(2, sealed)
	return execute(t.stmt.snapshot)
}

// execute runs a statement without a result. Its parameters stay bound.
func execute(s *sqlite.Stmt) error {
	if _, err := s.Step(); err != nil {
		return err
	}
	return s.Reset()
}

// number returns the first column of a statement's one row, 0 if there is no row.
func number(s *sqlite.Stmt) (int64, error) {
	row, err := s.Step()
	if err != nil {
		return 0, err
	}
	var n int64
	if row {
		n = s.ColumnInt64(0)
	}
	return n, s.Reset()
}

// bindText binds an optional string: most are absent, and NULL takes no room.
func bindText(s *sqlite.Stmt, param int, value string) {
	if value == "" {
		s.BindNull(param)
		return
	}
	s.BindText(param, value)
}
