package postgres

import (
	"errors"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// commandRow is what is on record under a command's id.
type commandRow struct {
	hash    [32]byte
	commit  cqrs.CommitID
	outcome eventlog.Appended
}

// first returns the outcome for a repetition, or says that the id belongs to another command.
func (r *commandRow) first(hash [32]byte) (eventlog.Appended, error) {
	if r.hash != hash {
		return eventlog.Appended{}, &cqrs.CommandReusedError{CommandID: r.outcome.Meta.CommandID}
	}
	outcome := r.outcome
	outcome.Repeated = true
	return outcome, nil
}

// eventRow is an event to be stored.
type eventRow struct {
	position cqrs.Position
	version  cqrs.Version
	kind     int32
	commit   *eventlog.Commit
	stream   string
	event    *eventlog.NewEvent
}

// plan works out what a batch of commits changes, one after the other, each on what the ones before it left. It is fed
// with what the database has, under the lock, and asks for nothing.
type plan struct {
	head     cqrs.Position
	versions map[cqrs.StreamID]cqrs.Version
	commands map[string]*commandRow
	kinds    map[kind]int32

	events   []eventRow
	recorded []*commandRow
	newKinds []kind
	// fold, if not nil, lets others refuse a commit that fits; failed is an error of theirs that is about more than that.
	fold   func(*eventlog.Commit) error
	failed error
	// doubtful says that a command was refused which may be on record, if commands does not have all that are.
	doubtful bool
}

// append adds one commit, or refuses it and changes nothing.
func (p *plan) append(c *eventlog.Commit) (eventlog.Appended, error) {
	if first := p.commands[c.Meta.CommandID]; first != nil {
		// A repeated command gets its first outcome, although its streams are no longer where it expects them.
		return first.first(c.CommandHash)
	}
	for i := range c.Streams {
		s := &c.Streams[i]
		if actual := p.versions[s.Stream]; s.Expected != eventlog.Any && s.Expected != eventlog.Exactly(actual) {
			p.doubtful = p.doubtful || c.Meta.CommandID != ""
			return eventlog.Appended{}, &cqrs.ConflictError{
				Stream: s.Stream, Expected: cqrs.Version(s.Expected), Actual: actual,
			}
		}
	}
	if err := p.foldInline(c); err != nil {
		return eventlog.Appended{}, err
	}
	for i := range c.Streams {
		p.store(c, &c.Streams[i])
	}
	outcome := eventlog.Appended{Position: p.head, Version: c.Version, Meta: c.Meta}
	if len(c.Streams) > 0 {
		outcome.Version = p.versions[c.Streams[0].Stream]
	}
	p.record(c, outcome)
	return outcome, nil
}

// foldInline asks those who take part in the transaction.
func (p *plan) foldInline(c *eventlog.Commit) error {
	if p.fold == nil || p.failed != nil {
		return p.failed
	}
	err := p.fold(c)
	if refusal := (eventlog.Refusal{}); errors.As(err, &refusal) {
		return refusal.Err
	}
	p.failed = err
	return err
}

// take adds a commit that was stored in another log before: the outcome on record has the version of that time.
func (p *plan) take(c *eventlog.Commit) error {
	outcome, err := p.append(c)
	if outcome.Repeated {
		return &cqrs.CommandReusedError{CommandID: c.Meta.CommandID}
	}
	if row := p.commands[c.Meta.CommandID]; row != nil && err == nil {
		row.outcome.Version = c.Version
	}
	return err
}

func (p *plan) store(c *eventlog.Commit, s *eventlog.StreamAppend) {
	if len(s.Events) == 0 {
		return // it is expected at its version, and stays there
	}
	version, name := p.versions[s.Stream], s.Stream.String()
	for i := range s.Events {
		p.head++
		version++
		p.events = append(p.events, eventRow{
			position: p.head, version: version, kind: p.kind(s.Stream.Category, &s.Events[i]),
			commit: c, stream: name, event: &s.Events[i],
		})
	}
	p.versions[s.Stream] = version
}

func (p *plan) record(c *eventlog.Commit, outcome eventlog.Appended) {
	if c.Meta.CommandID == "" {
		return
	}
	row := &commandRow{hash: c.CommandHash, commit: c.ID, outcome: outcome}
	p.commands[c.Meta.CommandID] = row
	p.recorded = append(p.recorded, row)
}

// kind returns the id of an event's kind. A new one gets the next.
func (p *plan) kind(category string, e *eventlog.NewEvent) int32 {
	k := kind{category, e.Type, int32(e.SchemaVersion), e.ContentType}
	if id, ok := p.kinds[k]; ok {
		return id
	}
	p.newKinds = append(p.newKinds, k)
	id := int32(len(p.kinds)) + 1
	p.kinds[k] = id
	return id
}

// probe is what tells whether a transaction was committed: one of the rows that it wrote.
type probe struct {
	commit   cqrs.CommitID
	position cqrs.Position // of an event; 0 if there is none
	command  string
}

// probe returns false for a plan that changes nothing.
func (p *plan) probe() (probe, bool) {
	switch {
	case len(p.events) > 0:
		return probe{commit: p.events[0].commit.ID, position: p.events[0].position}, true
	case len(p.recorded) > 0:
		return probe{commit: p.recorded[0].commit, command: p.recorded[0].outcome.Meta.CommandID}, true
	}
	return probe{}, false
}
