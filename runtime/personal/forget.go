package personal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Forgotten is the wire name of the event that says that somebody was forgotten, and the category of its streams, which
// are reserved. Its payload is the subject.
const Forgotten = "_Forgotten"

// Log is where Forget says that somebody is forgotten.
type Log interface {
	Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error)
}

// Forget destroys the key of a subject, so that nothing that was encrypted under it can be read any more, by anybody. First
// it appends the event that tells every process, and every read model, to let go of what they have in clear text. Behind
// the destroyed key it appends the event again, because of what may have been stored in between.
//
// Each step may be repeated. Where Forget fails, or its process dies, it is to be called again, and goes on; a subject who
// was forgotten before is nothing to do. The error wraps ErrUnavailable, or is one of the log's, if that may help.
func (k *Keys) Forget(ctx context.Context, log Log, s Subject) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if err := announce(ctx, log, s, "begin", k.now()); err != nil {
		return err
	}
	k.learn(s)
	if err := k.store.Destroy(ctx, s); err != nil {
		return unavailable(err)
	}
	return announce(ctx, log, s, "end", k.now())
}

// announce appends the event, once for each step: its command id says whether it is there.
func announce(ctx context.Context, log Log, s Subject, step string, now time.Time) error {
	data, err := json.Marshal(struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	}{s.Type, s.ID})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(step + "\x00" + s.Type + "\x00" + s.ID))
	_, err = log.Append(ctx, eventlog.Commit{
		ID:          cqrs.NewCommitID(),
		Meta:        cqrs.CommandMeta{Time: now.UTC().Truncate(time.Microsecond), CommandID: "forget-" + hex.EncodeToString(sum[:16])},
		CommandHash: sum,
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: Forgotten, ID: s.ID}, Expected: eventlog.Any,
			Events: []eventlog.NewEvent{{Type: Forgotten, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data}},
		}},
	})
	return err
}

// Learn reads an event that says that somebody was forgotten. From then on nothing of them is decrypted.
func (k *Keys) Learn(rec *cqrs.Record) (Subject, error) {
	var s Subject
	if rec.ContentType != cqrs.JSON || rec.SchemaVersion != 1 {
		return s, rec.Unknown()
	}
	if err := json.Unmarshal(rec.Data, &s); err != nil {
		return s, &cqrs.DecodingError{Type: Forgotten, Reason: err.Error()}
	}
	k.learn(s)
	return s, nil
}
