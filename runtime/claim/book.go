package claim

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Category is that of the streams of claims. No aggregate can have it.
const Category = "_claims"

// The events of a claim. No model can have them.
const (
	claimed  = "$claimed"
	released = "$released"
)

// holder is the payload of claimed: the stream that has the value, and the space of that.
type holder struct {
	Category string `json:"category"`
	ID       string `json:"id"`
	Space    string `json:"space"`
}

func (h holder) stream() cqrs.StreamID { return cqrs.StreamID{Category: h.Category, ID: h.ID} }

// Book knows the claims in one log. It is safe for concurrent use.
type Book struct {
	log eventlog.Log
	key key
}

// NewBook returns the book of a log. key names the streams of claims; without one, the log keeps a random one. now is
// the clock.
func NewBook(log eventlog.Log, ownKey []byte, now func() time.Time) *Book {
	return &Book{log: log, key: key{log: log, own: ownKey, now: now}}
}

// Change is what becomes of one unique value of one stream.
type Change struct {
	// Stream is the one that has the value.
	Stream cqrs.StreamID
	// Space keeps the values of different aggregates and fields apart.
	Space    string
	Old, New Value
	// Keep says that the old value stays taken.
	Keep bool
	// Taken makes the error for a new value that another stream has.
	Taken func() error
}

// entry is a claim while a commit is planned.
type entry struct {
	stream  cqrs.StreamID
	space   string
	version cqrs.Version
	holder  cqrs.StreamID // zero if nobody has it
	events  []eventlog.NewEvent
}

func (e *entry) free() bool { return e.holder == cqrs.StreamID{} }

// Plan plans what a commit must say about claims, for the changes that it makes. Values that are left are free for the
// other streams of the same commit. The error is the one of Taken for the first value that is not to be had.
//
// Every claim that matters is expected at the version that it was seen at, also where nothing is written: a value that
// its stream never claimed must not be claimed for it meanwhile.
func (b *Book) Plan(ctx context.Context, changes []Change) (Plan, error) {
	p := Plan{book: b, byID: map[string]*entry{}}
	for i := range changes {
		if err := p.leave(ctx, &changes[i]); err != nil {
			return Plan{}, err
		}
	}
	for i := range changes {
		if err := p.take(ctx, &changes[i]); err != nil {
			return Plan{}, err
		}
	}
	return p, nil
}

// Claim plans the claim of a value for a stream that has it already, and returns who else holds it, if somebody does.
// It returns no append where the stream holds it.
func (b *Book) Claim(
	ctx context.Context, stream cqrs.StreamID, space string, v *Value,
) (a *eventlog.StreamAppend, other cqrs.StreamID, err error) {
	p := Plan{book: b, byID: map[string]*entry{}}
	e, err := p.entry(ctx, space, v)
	switch {
	case err != nil:
		return nil, cqrs.StreamID{}, err
	case e.holder == stream:
		return nil, cqrs.StreamID{}, nil
	case !e.free():
		return nil, e.holder, nil
	}
	if err := e.claim(stream); err != nil {
		return nil, cqrs.StreamID{}, err
	}
	return &eventlog.StreamAppend{
		Stream: e.stream, Expected: eventlog.Exactly(e.version), Events: e.events,
	}, cqrs.StreamID{}, nil
}

// Plan is what a commit says about claims. The zero value says nothing.
type Plan struct {
	book    *Book
	entries []*entry // in the order in which they were asked for
	byID    map[string]*entry
}

// Appends returns the parts of the commit.
func (p *Plan) Appends() []eventlog.StreamAppend {
	appends := make([]eventlog.StreamAppend, len(p.entries))
	for i, e := range p.entries {
		appends[i] = eventlog.StreamAppend{Stream: e.stream, Expected: eventlog.Exactly(e.version), Events: e.events}
	}
	return appends
}

// Space returns the space of the claim that a stream of the plan is, "" if it is none.
func (p *Plan) Space(stream cqrs.StreamID) string {
	if e := p.byID[stream.ID]; e != nil && e.stream == stream {
		return e.space
	}
	return ""
}

// leave gives the old value back, if its stream holds it.
func (p *Plan) leave(ctx context.Context, c *Change) error {
	if !c.Old.Claimed() || c.Old.Equal(&c.New) {
		return nil
	}
	e, err := p.entry(ctx, c.Space, &c.Old)
	if err != nil {
		return err
	}
	switch {
	case c.Keep && e.free():
		return e.claim(c.Stream) // it was never claimed, and stays taken
	case !c.Keep && e.holder == c.Stream:
		e.release()
	}
	return nil
}

// take claims the new value.
func (p *Plan) take(ctx context.Context, c *Change) error {
	if !c.New.Claimed() || c.Old.Equal(&c.New) {
		return nil
	}
	e, err := p.entry(ctx, c.Space, &c.New)
	switch {
	case err != nil:
		return err
	case e.holder == c.Stream:
		return nil
	case !e.free():
		return c.Taken()
	}
	return e.claim(c.Stream)
}

// entry reads a claim, once.
func (p *Plan) entry(ctx context.Context, space string, v *Value) (*entry, error) {
	key, err := p.book.key.get(ctx)
	if err != nil {
		return nil, err
	}
	id := hex.EncodeToString(digest(key, space, v.bytes()))
	if e := p.byID[id]; e != nil {
		return e, nil
	}
	e := &entry{stream: cqrs.StreamID{Category: Category, ID: id}, space: space}
	if err := p.book.load(ctx, e); err != nil {
		return nil, err
	}
	p.byID[id] = e
	p.entries = append(p.entries, e)
	return e, nil
}

// load reads a claim from the last event of its stream, however often the value changed hands.
func (b *Book) load(ctx context.Context, e *entry) error {
	for rec, err := range b.log.ReadStreamBackwards(ctx, e.stream, 0) {
		if err != nil {
			return err
		}
		return e.read(rec)
	}
	return nil
}

// read reads the last event of the claim. Claimed and released alternate, and claimed comes first.
func (e *entry) read(rec *cqrs.Record) error {
	if odd := rec.Version%2 == 1; rec.Type == claimed && !odd || rec.Type == released && odd {
		return fmt.Errorf("%w: %s at version %d of %s", eventlog.ErrCorrupt, rec.Type, rec.Version, e.stream)
	}
	switch rec.Type {
	case claimed:
		var h holder
		if err := json.Unmarshal(rec.Data, &h); err != nil {
			return fmt.Errorf("%w: version %d of %s: %w", eventlog.ErrCorrupt, rec.Version, e.stream, err)
		}
		e.holder, e.space = h.stream(), h.Space
	case released:
	default:
		return rec.Unknown()
	}
	e.version = rec.Version
	return nil
}

// claim gives the value to a stream.
func (e *entry) claim(stream cqrs.StreamID) error {
	data, err := json.Marshal(holder{stream.Category, stream.ID, e.space})
	if err != nil {
		return err
	}
	e.events, e.holder = append(e.events, event(claimed, data)), stream
	return nil
}

// release takes the value from whoever has it.
func (e *entry) release() {
	e.events, e.holder = append(e.events, event(released, []byte("{}"))), cqrs.StreamID{}
}

func event(name string, data []byte) eventlog.NewEvent {
	return eventlog.NewEvent{Type: name, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data}
}
