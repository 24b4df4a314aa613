package aggregate

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// Fold applies stored events to a state. One load uses it at a time, and the next one may use it again: it may keep
// scratch space between calls, and nothing that a state depends on.
type Fold[S any] interface {
	Apply(state *S, rec *cqrs.Record) error
}

// Definition describes an aggregate. Generated code makes it.
type Definition[S any] struct {
	// Category is the aggregate's name: the category of its streams.
	Category string
	// Fingerprint stands for the state's shape and what makes it. Snapshots of another one are invisible, and none are
	// taken under one that cqrs.KnownMeaning does not know.
	Fingerprint string
	// Snapshot says when snapshots are taken.
	Snapshot snapshot.Policy
	// Init makes the zero state usable: its maps. It may be nil.
	Init func(*S)
	// Admits returns an error, as a *MoveError, for a new event that can't happen in a state. It is not asked about stored
	// events, and may be nil.
	Admits func(state *S, event string) error
	// NewFold returns a Fold.
	NewFold func() Fold[S]
	// AppendState and DecodeState are the state's codec, for snapshots.
	AppendState func(b []byte, state *S) ([]byte, error)
	DecodeState func(data []byte, state *S) error
	// Personal says that events or the state have personal fields. SealState and OpenState are then the state's codec.
	Personal  bool
	SealState func(b []byte, state *S, c *personal.Coder) ([]byte, error)
	OpenState func(data []byte, state *S, c *personal.Coder) error
	// Replaced has the events that are not stored any more, with those that are stored in their place: before the first of
	// these, the log says so, for older programs that do not know them.
	Replaced []cqrs.Replacement
	// Unique has the values that no two streams have at a time.
	Unique []Unique[S]
}

// Stream says whether a command's stream must exist.
type Stream int

// The three cases.
const (
	MustExist Stream = iota
	MustBeNew
	MayExist
)

// Command is one command on one stream. Generated code makes it.
type Command[S any] struct {
	// Name is the command's name, ID the id of its stream.
	Name, ID string
	Stream   Stream
	// Check says which fields break the model's rules, with a *cqrs.ValidationError.
	Check func() error
	// AppendJSON encodes the command, for the digest that belongs to a command id.
	AppendJSON func(b []byte) ([]byte, error)
	// Rejects has the rejections that the model declares for the command.
	Rejects []string
	// Guard returns a rejection if the command can't be given in a state. It may be nil.
	Guard func(state *S) error
	// Also, if not nil, adds the further streams of the command, once it was checked. It is called once; the command
	// may be decided several times.
	Also func(also *Also) error
	// Decide calls the decider with the state, and those of the further streams, and adds each event that it returned to
	// out or to the further stream that gets it.
	Decide func(state *S, meta cqrs.CommandMeta, out *Events) error
}

// Events collects the events of one command, encoded. The zero value is ready to use.
type Events struct {
	buf  []byte
	list []pending
	kept []eventlog.NewEvent // what stored returned
	room int                 // what the events of the command before needed
	// coder encrypts the personal fields of the stream's events; nil where there are none.
	coder *personal.Coder
}

type pending struct {
	typ        string
	version    int
	encoding   cqrs.ContentType
	start, end int // in buf, which moves while it grows
}

// Add encodes an event. It is applied to the state later, from what was encoded.
func (o *Events) Add(e cqrs.Event) error {
	if o.buf == nil {
		o.buf = make([]byte, 0, max(o.room, 128))
	}
	start := len(o.buf)
	buf, err := o.append(e)
	if err != nil {
		return err
	}
	o.buf = buf
	o.list = append(o.list, pending{e.EventType(), cqrs.VersionOf(e), cqrs.ContentTypeOf(e), start, len(buf)})
	return nil
}

// append encodes an event behind the others.
func (o *Events) append(e cqrs.Event) ([]byte, error) {
	if o.coder != nil {
		return personal.AppendEvent(o.buf, e, o.coder)
	}
	return e.AppendJSON(o.buf)
}

// stored returns the events as the log takes them. None may be added behind it.
func (o *Events) stored() []eventlog.NewEvent {
	if len(o.kept) == len(o.list) {
		return o.kept
	}
	for _, p := range o.list {
		o.kept = append(o.kept, eventlog.NewEvent{
			Type: p.typ, SchemaVersion: p.version, ContentType: p.encoding, Data: o.buf[p.start:p.end:p.end],
		})
	}
	return o.kept
}

// reset makes room for another decision. The events of the one before may still be read by the log.
func (o *Events) reset() { *o = Events{coder: o.coder} }

// clear makes room for another command, in the memory of this one. Only the payloads get new memory, because a payload
// never changes.
func (o *Events) clear() {
	clear(o.list)
	clear(o.kept)
	*o = Events{list: o.list[:0], kept: o.kept[:0], room: len(o.buf)}
}

// ApplyError says that an event was refused by its own apply function: either the decider returned an event that
// can't be, in which case nothing was stored, or the apply function does not understand the history that it is given.
type ApplyError struct {
	// Stream and Version are set for stored events.
	Stream  cqrs.StreamID
	Version cqrs.Version
	Type    string
	Err     error
}

func (e *ApplyError) Error() string {
	if e.Version == 0 {
		return fmt.Sprintf("new event %s can't be applied: %v", e.Type, e.Err)
	}
	return fmt.Sprintf("event %s at version %d of %s can't be applied: %v", e.Type, e.Version, e.Stream, e.Err)
}

func (e *ApplyError) Unwrap() error { return e.Err }
