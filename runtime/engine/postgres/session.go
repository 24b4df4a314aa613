package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/inline"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// The statements of an append. All but the first two are prepared.
const (
	beginStatement  = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`
	commitStatement = `COMMIT`
	lockStatement   = `SELECT turn FROM {schema}.log WHERE id = 1 FOR UPDATE`
	nextTurn        = `UPDATE {schema}.log SET turn = turn % 32767 + 1 WHERE id = 1`
	// The lock is taken by a statement of its own, so that this one sees what was committed before.
	headStatement = `SELECT coalesce((SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1), 0), ` +
		selectDurability
	versionsStatement = `SELECT asked.n, last.version
		FROM unnest($1::text[]) WITH ORDINALITY asked (stream, n), LATERAL (
			SELECT version FROM {schema}.events e WHERE e.stream = asked.stream ORDER BY version DESC LIMIT 1) last`
	commandsStatement = `SELECT id, hash, position, version, time, correlation_id, causation_id, actor, commit_id
		FROM {schema}.commands WHERE id = ANY ($1::text[])`
	insertEvents = `INSERT INTO {schema}.events (` + eventColumnNames + `) SELECT * FROM unnest($1::bigint[], $2::bigint[],
		$3::timestamptz[], $4::integer[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[])`
	insertCommands = `INSERT INTO {schema}.commands (` + commandColumnNames + `) SELECT * FROM unnest($1::text[], $2::bytea[],
		$3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])`
	insertKinds = `INSERT INTO {schema}.kinds (id, category, type, schema_version, content_type)
		SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[], $5::text[])`
	probeEvent   = `SELECT commit_id FROM {schema}.events WHERE position = $1`
	probeCommand = `SELECT commit_id FROM {schema}.commands WHERE id = $1`

	eventColumnNames = `position, version, time, kind, commit_id, stream, command_id, correlation_id, causation_id, actor, data`

	commandColumnNames = `id, hash, commit_id, position, version, time, correlation_id, causation_id, actor`
)

var (
	eventOIDs = []uint32{
		pgtype.Int8OID, pgtype.Int8OID, pgtype.TimestamptzOID, pgtype.Int4OID, pgtype.UUIDOID, pgtype.TextOID,
		pgtype.TextOID, pgtype.TextOID, pgtype.TextOID, pgtype.TextOID, pgtype.ByteaOID,
	}
	commandOIDs = []uint32{
		pgtype.TextOID, pgtype.ByteaOID, pgtype.UUIDOID, pgtype.Int8OID, pgtype.Int8OID, pgtype.TimestamptzOID,
		pgtype.TextOID, pgtype.TextOID, pgtype.TextOID,
	}
	kindOIDs = []uint32{pgtype.Int4OID, pgtype.TextOID, pgtype.TextOID, pgtype.Int4OID, pgtype.TextOID}
)

// session appends: it has a connection of its own, which it makes again when it was lost, and finds out what became of
// a transaction whose end it has not seen. It is used by one goroutine.
type session struct {
	settings *settings
	config   *pgx.ConnConfig
	// log and inline are nil in a session that imports.
	log    *Log
	inline *inline.Set

	conn  *pgx.Conn
	names map[string]*pgconn.StatementDescription

	// kinds are those that the connection has shown to be committed.
	kinds  map[kind]int32
	memory memory
	// turn is what the lock's row had when the lock was taken last.
	turn []byte
	// durability are the settings that were found safe last.
	durability [3]string

	events   columns
	commands columns
	newKinds columns
	asked    array
}

func newSession(s *settings, config *pgx.ConnConfig) *session {
	return &session{
		settings: s, config: config, kinds: make(map[kind]int32),
		events: make(columns, len(eventOIDs)), commands: make(columns, len(commandOIDs)), newKinds: make(columns, len(kindOIDs)),
	}
}

// close gives the connection back to the server.
func (s *session) close() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	_ = s.conn.Close(ctx) // an open transaction ends with it
	<-s.conn.PgConn().CleanupDone()
	s.conn = nil
}

// connect makes a connection unless there is one.
func (s *session) connect(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	s.close()
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		return err
	}
	s.conn, s.names = conn, make(map[string]*pgconn.StatementDescription)
	// It may lead to a server that was restored, and has less than the one before.
	s.memory.forget()
	s.kinds = make(map[kind]int32)
	if err := s.settings.prepareWriter(ctx, conn); err != nil {
		s.close()
		return err
	}
	return nil
}

// query is one statement of a round trip.
type query struct {
	sql    string
	params [][]byte
	// row takes each row, which is valid until it returns; rows gets the number of rows, where that matters.
	row  func(row [][]byte) error
	rows *int64
}

// exchange sends queries and reads what they answer, in one round trip once they were prepared. The first error of the
// server ends it: what follows is not carried out. It returns the tag of the last one.
func (s *session) exchange(ctx context.Context, queries []query) (tag pgconn.CommandTag, err error) {
	if err := s.prepare(ctx, queries); err != nil {
		return tag, err
	}
	pipeline := s.conn.PgConn().StartPipeline(ctx)
	for _, q := range queries {
		pipeline.SendQueryStatement(s.names[q.sql], q.params, binaryFormat, binaryFormat)
	}
	err = pipeline.Sync()
	for i := 0; err == nil && i < len(queries); i++ {
		if tag, err = readResult(pipeline, queries[i].row); queries[i].rows != nil {
			*queries[i].rows = tag.RowsAffected()
		}
	}
	return tag, errors.Join(err, pipeline.Close())
}

func readResult(p *pgconn.Pipeline, row func([][]byte) error) (tag pgconn.CommandTag, err error) {
	results, err := p.GetResults()
	if err != nil {
		return tag, err
	}
	reader, ok := results.(*pgconn.ResultReader)
	if !ok {
		return tag, fmt.Errorf("the server answered %T where a result must be", results)
	}
	for reader.NextRow() {
		if err == nil && row != nil {
			err = row(reader.Values())
		}
	}
	tag, closed := reader.Close()
	return tag, errors.Join(closed, err)
}

// prepare prepares the statements that the connection has not yet.
func (s *session) prepare(ctx context.Context, queries []query) error {
	for _, q := range queries {
		if s.names[q.sql] != nil {
			continue
		}
		name := fmt.Sprintf("append_%d", len(s.names))
		sd, err := s.conn.PgConn().Prepare(ctx, name, postgresdb.InSchema(q.sql, s.settings.schema), nil)
		if err != nil {
			return err
		}
		s.names[q.sql] = sd
	}
	return nil
}

// unansweredError says that the connection was lost after the transaction's end was sent, and before the answer came.
type unansweredError struct {
	probe probe
	err   error
}

func (e *unansweredError) Error() string { return e.err.Error() }

func (e *unansweredError) Unwrap() error { return e.err }

// work is what one transaction does: it is fed with what is there, and then says what to write.
type work struct {
	commits []*eventlog.Commit
	// plan fills the plan, any number of times, each time from scratch.
	plan func(*plan)
	// copy says that the rows are many: they go by COPY.
	copy bool
}

// run carries out the work in one transaction, and returns once it is certain whether that was committed. It tries
// again where it is certain that nothing was stored and another try is likely to succeed. An *unansweredError is all
// that it can say of a transaction whose outcome could not be found out in time.
func (s *session) run(w *work) (*plan, error) {
	giveUp := time.Now().Add(s.settings.limits.reach)
	for try := 1; ; try++ {
		p, err := s.attempt(w)
		if err == nil {
			return p, nil
		}
		broken := lost(s.conn, err)
		if unanswered := (*unansweredError)(nil); errors.As(err, &unanswered) {
			stored, looked := s.look(unanswered.probe)
			switch {
			case looked != nil:
				return nil, &unansweredError{unanswered.probe, errors.Join(unanswered.err, looked)}
			case stored:
				return p, nil
			}
			// From here on it is certain that nothing was stored.
			err, broken = unanswered.err, true
			giveUp = time.Now().Add(s.settings.limits.reach)
		}
		switch {
		case s.repeatable(err) && try < tries:
		case broken && try < tries && time.Now().Before(giveUp):
		case broken:
			return nil, unavailable(err)
		default:
			return nil, s.judge(err)
		}
		if try > 1 {
			time.Sleep(min(time.Duration(try)*10*time.Millisecond, 250*time.Millisecond))
		}
	}
}

// tries bounds how often a transaction is tried that the server may take the next time.
const tries = 50

// repeatable reports whether the server refused what it may take the next time. A violated uniqueness is that too: it
// means that somebody wrote without taking the lock, which the next look at the database sees.
func (s *session) repeatable(err error) bool {
	switch sqlState(err) {
	case serializationFailure, deadlockDetected:
		return true
	case uniqueViolation:
		return !errors.As(err, new(*inlineError)) // of a table of theirs, about which the next look finds nothing new
	}
	return false
}

// judge says what an error means that no further try would mend.
func (s *session) judge(err error) error {
	if sqlState(err) == lockNotAvailable {
		return s.locked(err)
	}
	return explain(context.Background(), err)
}

// attempt is one try. The plan that it returns with an *unansweredError is what may be stored.
func (s *session) attempt(w *work) (*plan, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	if s.inlined() {
		return s.attemptInline(ctx, w)
	}
	if p := s.guess(w); p != nil {
		before := s.memory.head
		if stored, err := s.tryGuess(p); stored || err != nil {
			return s.concluded(p, before, err)
		}
		s.memory.forget()
	}
	p, err := s.begin(ctx, w)
	if err != nil {
		s.rollback()
		return nil, err
	}
	before := p.head
	w.plan(p)
	if _, changes := p.probe(); !changes {
		s.rollback()
		return p, nil
	}
	return s.concluded(p, before, s.write(p, w.copy))
}

// attemptInline is an attempt in which others take part: one transaction in several round trips.
func (s *session) attemptInline(ctx context.Context, w *work) (p *plan, err error) {
	stored := false
	defer func() { s.endInline(stored) }()
	p, err = s.begin(ctx, w)
	if err == nil {
		err = s.beginInline(ctx, p, w.commits)
	}
	before := cqrs.Position(0)
	if err == nil {
		before = p.head
		w.plan(p)
		err = p.failed
	}
	if err != nil {
		forget(s.kinds, kindsOf(p))
		s.rollback()
		return nil, err
	}
	if _, changes := p.probe(); !changes {
		s.rollback()
		return p, nil
	}
	if err = s.flushInline(ctx); err == nil {
		err = s.write(p, w.copy)
	}
	p, err = s.concluded(p, before, err)
	stored = err == nil
	return p, err
}

// concluded says what the end of a transaction means that was to store p, on top of the position before.
func (s *session) concluded(p *plan, before cqrs.Position, err error) (*plan, error) {
	if err == nil {
		s.memory.learn(p, before)
		return p, nil
	}
	s.memory.forget()
	forget(s.kinds, p.newKinds)
	if answered(s.conn, err) {
		s.rollback()
		return nil, err
	}
	probe, _ := p.probe()
	return p, &unansweredError{probe, err}
}

// begin starts a transaction, takes the lock and asks for everything that the plan needs, in one round trip.
func (s *session) begin(ctx context.Context, w *work) (*plan, error) {
	p := &plan{
		versions: make(map[cqrs.StreamID]cqrs.Version), commands: make(map[string]*commandRow), kinds: s.kinds,
	}
	var durability [3]string
	lock := query{sql: lockStatement, row: func(row [][]byte) error {
		s.turn = bytes.Clone(row[0])
		return nil
	}}
	queries := []query{{sql: beginStatement}, lock, {sql: headStatement, row: func(row [][]byte) error {
		p.head = cqrs.Position(decodeInt64(row[0]))
		for i := range durability {
			durability[i] = string(row[1+i])
		}
		return nil
	}}}
	queries = append(queries, s.askVersions(p, w.commits)...)
	queries = append(queries, s.askCommands(p, w.commits)...)
	queries = append(queries, s.askKinds(w.commits)...)
	if _, err := s.exchange(ctx, queries); err != nil {
		return nil, err
	}
	// A setting may have changed since the connection was made.
	s.durability = durability
	return p, s.settings.checkDurability(durability)
}

func (s *session) askVersions(p *plan, commits []*eventlog.Commit) []query {
	var streams []cqrs.StreamID
	s.asked.reset(pgtype.TextOID)
	for _, c := range commits {
		for i := range c.Streams {
			id := c.Streams[i].Stream
			if _, ok := p.versions[id]; !ok {
				p.versions[id] = 0
				streams = append(streams, id)
				s.asked.size(len(id.Category) + 1 + len(id.ID))
				s.asked.b = append(append(append(s.asked.b, id.Category...), '/'), id.ID...)
			}
		}
	}
	if len(streams) == 0 {
		return nil
	}
	return []query{{sql: versionsStatement, params: [][]byte{s.asked.param()}, row: func(row [][]byte) error {
		p.versions[streams[decodeInt64(row[0])-1]] = cqrs.Version(decodeInt64(row[1]))
		return nil
	}}}
}

func (s *session) askCommands(p *plan, commits []*eventlog.Commit) []query {
	var ids array
	ids.reset(pgtype.TextOID)
	for _, c := range commits {
		if c.Meta.CommandID != "" {
			ids.string(c.Meta.CommandID)
		}
	}
	if ids.n == 0 {
		return nil
	}
	return []query{{sql: commandsStatement, params: [][]byte{ids.param()}, row: func(row [][]byte) error {
		c, err := decodeCommand(row)
		if err == nil {
			p.commands[c.outcome.Meta.CommandID] = c
		}
		return err
	}}}
}

// askKinds asks for the kinds that were added by others, if there is one among the events that is not known.
func (s *session) askKinds(commits []*eventlog.Commit) []query {
	if s.knowsKinds(commits) {
		return nil
	}
	known := int32(len(s.kinds))
	return []query{{sql: selectKinds, params: [][]byte{int32Param(known)}, row: func(row [][]byte) error {
		id, k := decodeKind(row)
		if known++; id != known {
			return corruptf("the kinds of events have the id %d where %d must be", id, known)
		}
		s.kinds[k] = id // it is committed
		return nil
	}}}
}

func (s *session) knowsKinds(commits []*eventlog.Commit) bool {
	for _, c := range commits {
		for i := range c.Streams {
			for j := range c.Streams[i].Events {
				e := &c.Streams[i].Events[j]
				if _, ok := s.kinds[kind{c.Streams[i].Stream.Category, e.Type, int32(e.SchemaVersion), e.ContentType}]; !ok {
					return false
				}
			}
		}
	}
	return true
}

// forget removes kinds whose transaction was not committed, as far as is known.
func forget(kinds map[kind]int32, added []kind) {
	for _, k := range added {
		delete(kinds, k)
	}
}

// write sends all rows and commits, in one round trip.
func (s *session) write(p *plan, byCopy bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	var queries []query
	if len(p.newKinds) > 0 {
		queries = append(queries, query{sql: insertKinds, params: s.kindRows(p)})
	}
	if len(p.events) > 0 && byCopy {
		if err := s.copyEvents(ctx, p); err != nil {
			return err
		}
	} else if len(p.events) > 0 {
		queries = append(queries, query{sql: insertEvents, params: s.eventRows(p)})
	}
	if len(p.recorded) > 0 {
		queries = append(queries, query{sql: insertCommands, params: s.commandRows(p)})
	}
	return s.transact(ctx, append(queries, query{sql: commitStatement}))
}

// transact is exchange for queries of which the last one is COMMIT.
func (s *session) transact(ctx context.Context, queries []query) error {
	tag, err := s.exchange(ctx, queries)
	if err == nil && tag.String() != "COMMIT" {
		// A transaction that failed answers COMMIT with ROLLBACK; it must not be taken for one that was stored.
		return fmt.Errorf("the server answered COMMIT with %s", tag)
	}
	return err
}

func (s *session) eventRows(p *plan) [][]byte {
	s.events.reset(eventOIDs)
	for i := range p.events {
		r := &p.events[i]
		meta := &r.commit.Meta
		s.events[0].int64(int64(r.position))
		s.events[1].int64(int64(r.version))
		s.events[2].int64(encodeTime(meta.Time))
		s.events[3].int32(r.kind)
		s.events[4].bytes(r.commit.ID[:])
		s.events[5].string(r.stream)
		s.events[6].string(meta.CommandID)
		s.events[7].string(meta.CorrelationID)
		s.events[8].string(meta.CausationID)
		s.events[9].string(meta.Actor)
		s.events[10].bytes(r.event.Data)
	}
	return s.events.params()
}

func (s *session) commandRows(p *plan) [][]byte {
	s.commands.reset(commandOIDs)
	for _, r := range p.recorded {
		meta := &r.outcome.Meta
		s.commands[0].string(meta.CommandID)
		s.commands[1].bytes(r.hash[:])
		s.commands[2].bytes(r.commit[:])
		s.commands[3].int64(int64(r.outcome.Position))
		s.commands[4].int64(int64(r.outcome.Version))
		s.commands[5].int64(encodeTime(meta.Time))
		s.commands[6].string(meta.CorrelationID)
		s.commands[7].string(meta.CausationID)
		s.commands[8].string(meta.Actor)
	}
	return s.commands.params()
}

func (s *session) kindRows(p *plan) [][]byte {
	s.newKinds.reset(kindOIDs)
	for _, k := range p.newKinds {
		s.newKinds[0].int32(p.kinds[k])
		s.newKinds[1].string(k.category)
		s.newKinds[2].string(k.name)
		s.newKinds[3].int32(k.schemaVersion)
		s.newKinds[4].string(string(k.contentType))
	}
	return s.newKinds.params()
}

// rollback ends a transaction in which nothing is to be kept. If that fails the connection goes, and with it the
// transaction.
func (s *session) rollback() {
	if s.conn == nil || s.conn.IsClosed() || s.conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	if err := execScript(ctx, s.conn, "ROLLBACK"); err != nil {
		s.close()
	}
}

// look finds out whether a transaction was committed whose end was not seen. It takes the lock which that one held, and
// so waits until it has ended, and then looks for a row of it. If there is none, there never will be. It tries for a
// bounded time.
func (s *session) look(p probe) (stored bool, err error) {
	giveUp := time.Now().Add(s.settings.limits.resolve)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		stored, err = s.lookOnce(p)
		if err == nil || time.Now().After(giveUp) {
			return stored, err
		}
		time.Sleep(pause)
	}
}

func (s *session) lookOnce(p probe) (stored bool, err error) {
	s.close() // whatever the old connection may still say comes too late
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	if err := s.connect(ctx); err != nil {
		return false, err
	}
	defer s.rollback()
	q := query{sql: probeEvent, params: [][]byte{int64Param(int64(p.position))}}
	if p.position == 0 {
		q = query{sql: probeCommand, params: [][]byte{[]byte(p.command)}}
	}
	q.row = func(row [][]byte) error {
		stored = string(row[0]) == string(p.commit[:])
		return nil
	}
	_, err = s.exchange(ctx, []query{{sql: beginStatement}, {sql: lockStatement}, q})
	if err != nil || stored {
		return stored, err
	}
	// A plan that was guessed asks for the lock with the same breath that stores it, and may not have come to the server
	// yet. It must not come through after it was found missing.
	return false, s.transact(ctx, []query{{sql: nextTurn}, {sql: commitStatement}})
}
