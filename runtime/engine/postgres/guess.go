package postgres

import (
	"context"
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// memory is what a session remembers of the log since its last transaction. It is true as long as nobody else has
// appended since, which the position of the last event tells.
type memory struct {
	known bool
	head  cqrs.Position
	// young and old are the versions of the streams that were used last: what is used moves to young, and when that is
	// full it becomes old, whose streams are thereby forgotten.
	young, old map[cqrs.StreamID]cqrs.Version
}

// generation bounds each of the two.
const generation = 1 << 16

func (m *memory) forget() { *m = memory{} }

// learn takes over a plan whose transaction was committed.
func (m *memory) learn(p *plan, before cqrs.Position) {
	if !m.known || m.head != before {
		*m = memory{known: true, young: make(map[cqrs.StreamID]cqrs.Version)}
	}
	m.head = p.head
	for id, version := range p.versions {
		if len(m.young) >= generation {
			m.young, m.old = make(map[cqrs.StreamID]cqrs.Version), m.young
		}
		m.young[id] = version
	}
}

func (m *memory) version(id cqrs.StreamID) (cqrs.Version, bool) {
	version, ok := m.young[id]
	if !ok {
		version, ok = m.old[id]
	}
	return version, ok
}

// insertAll inserts commands and events if nobody has appended since the position $1, the settings are safe, and nobody
// has looked for it in vain. It is one statement, so that it is both or neither.
const insertAll = `WITH guard AS MATERIALIZED (
		SELECT coalesce((SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1), 0) = $1
			AND ARRAY[` + selectDurability + `] = $2::text[]
			AND (SELECT turn FROM {schema}.log WHERE id = 1) = $23::smallint AS unchanged),
	recorded AS (
		INSERT INTO {schema}.commands (` + commandColumnNames + `) SELECT * FROM unnest($3::text[], $4::bytea[], $5::uuid[],
			$6::bigint[], $7::bigint[], $8::timestamptz[], $9::text[], $10::text[], $11::text[])
		WHERE (SELECT unchanged FROM guard))
	INSERT INTO {schema}.events (` + eventColumnNames + `) SELECT * FROM unnest($12::bigint[], $13::bigint[],
		$14::timestamptz[], $15::integer[], $16::uuid[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[],
		$22::bytea[]) WHERE (SELECT unchanged FROM guard)`

// guess plans on what is remembered, which saves the round trip that asks. It returns nil where that does not suffice. A
// command id that is on record after all violates the uniqueness of its row, and nothing is stored then.
func (s *session) guess(w *work) *plan {
	if !s.memory.known || w.copy || !s.knowsKinds(w.commits) {
		return nil
	}
	p := &plan{
		head: s.memory.head, versions: make(map[cqrs.StreamID]cqrs.Version), commands: make(map[string]*commandRow), kinds: s.kinds,
	}
	var assumed []cqrs.StreamID
	for _, c := range w.commits {
		for i := range c.Streams {
			stream := &c.Streams[i]
			version, ok := s.memory.version(stream.Stream)
			// A stream of which nothing is known may be new: if it is not, its version 1 exists.
			if !ok && (stream.Expected != eventlog.New || len(stream.Events) == 0) {
				return nil
			}
			if !ok {
				assumed = append(assumed, stream.Stream)
			}
			p.versions[stream.Stream] = version
		}
	}
	if w.plan(p); len(p.events) == 0 || p.doubtful {
		return nil
	}
	for _, stream := range assumed {
		if p.versions[stream] == 0 {
			delete(p.versions, stream) // it gets no event that would prove it new
		}
	}
	return p
}

// tryGuess carries out a plan that was guessed, in one round trip. It reports false if something has changed since: then
// nothing was stored.
func (s *session) tryGuess(p *plan) (stored bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.lock+s.settings.limits.answer)
	defer cancel()
	var settings array
	settings.reset(textOID)
	for _, value := range s.durability {
		settings.string(value)
	}
	params := [][]byte{int64Param(int64(s.memory.head)), settings.param()}
	params = append(append(append(params, s.commandRows(p)...), s.eventRows(p)...), s.turn)
	inserted := int64(0)
	err = s.transact(ctx, []query{
		{sql: beginStatement}, {sql: lockStatement}, {sql: insertAll, params: params, rows: &inserted}, {sql: commitStatement},
	})
	if err == nil && inserted != 0 && inserted != int64(len(p.events)) {
		err = fmt.Errorf("%d of %d events were inserted", inserted, len(p.events))
	}
	return inserted > 0, err
}
