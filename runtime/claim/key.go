package claim

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// MinKey is the length of the shortest key that is taken, in bytes.
const MinKey = 16

// keyStream keeps the key, or, where the program has its own, what tells keys apart.
var keyStream = cqrs.StreamID{Category: "_keys", ID: "claims"}

const keyMade = "$key"

// keyRecord is the one event of keyStream.
type keyRecord struct {
	// Key is the key that the store keeps itself.
	Key []byte `json:"key,omitempty"`
	// Check is the digest of a key that is kept elsewhere.
	Check []byte `json:"check,omitempty"`
}

// KeyError says that the claims of a store were made with another key than the one that is used now. With it no claim
// would be found, and every value would be free.
type KeyError struct{ Reason string }

func (e *KeyError) Error() string { return "the key of unique values: " + e.Reason }

// key is the key of the claims in one log. It is found, or made, when it is needed first. Whoever has the log and this
// key can try values out; whoever has only the log can do so too, if the key is kept there.
type key struct {
	log eventlog.Log
	own []byte // the program's, nil if the log keeps one
	now func() time.Time

	found atomic.Pointer[[]byte]
}

// get returns the key. Of several callers or processes that make one at the same time, one does, and all take that.
func (k *key) get(ctx context.Context) ([]byte, error) {
	if value := k.found.Load(); value != nil {
		return *value, nil
	}
	value, err := k.find(ctx)
	if err == nil {
		k.found.Store(&value)
	}
	return value, err
}

// find reads the key from the log, or makes it.
func (k *key) find(ctx context.Context) ([]byte, error) {
	if k.own != nil && len(k.own) < MinKey {
		return nil, &KeyError{fmt.Sprintf("it has %d bytes; it needs at least %d", len(k.own), MinKey)}
	}
	rec, err := k.read(ctx)
	if err == nil && rec == nil {
		rec, err = k.make(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case k.own == nil && rec.Key == nil:
		return nil, &KeyError{"this store's claims were made with one that the program has to give"}
	case k.own == nil:
		return rec.Key, nil
	case !hmac.Equal(checkOf(k.own), rec.check()):
		return nil, &KeyError{"this store's claims were made with another one"}
	}
	return k.own, nil
}

// read returns what the log knows of the key, nil if that is nothing.
func (k *key) read(ctx context.Context) (*keyRecord, error) {
	for rec, err := range k.log.ReadStream(ctx, keyStream, 1) {
		if err != nil {
			return nil, err
		}
		var r keyRecord
		if rec.Type != keyMade {
			return nil, rec.Unknown()
		}
		if err := json.Unmarshal(rec.Data, &r); err != nil {
			return nil, fmt.Errorf("%w: the key of unique values: %w", eventlog.ErrCorrupt, err)
		}
		if len(r.Key) != sha256.Size && len(r.Check) != sha256.Size {
			return nil, fmt.Errorf("%w: the key of unique values is not there", eventlog.ErrCorrupt)
		}
		return &r, nil
	}
	return nil, nil
}

// make stores a new key, or the digest of the program's.
func (k *key) make(ctx context.Context) (*keyRecord, error) {
	r := &keyRecord{}
	if k.own != nil {
		r.Check = checkOf(k.own)
	} else {
		r.Key = make([]byte, sha256.Size)
		_, _ = rand.Read(r.Key) // never fails
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	_, err = k.log.Append(ctx, eventlog.Commit{
		ID:   cqrs.NewCommitID(),
		Meta: cqrs.CommandMeta{Time: k.now()},
		Streams: []eventlog.StreamAppend{{
			Stream: keyStream, Expected: eventlog.New, Events: []eventlog.NewEvent{event(keyMade, data)},
		}},
	})
	if err == nil {
		return r, nil
	}
	// Another one was faster, or nobody knows what became of it: what the log has is the key.
	if errors.As(err, new(*cqrs.ConflictError)) || errors.As(err, new(*eventlog.UnknownOutcomeError)) {
		if stored, readErr := k.read(ctx); stored != nil || readErr != nil {
			return stored, readErr
		}
	}
	// It must not be taken for the error of the command's own commit, which was never tried.
	return nil, fmt.Errorf("the key of unique values was not stored: %v", err)
}

// check is the digest that tells keys apart.
func (r *keyRecord) check() []byte {
	if r.Key != nil {
		return checkOf(r.Key)
	}
	return r.Check
}

func checkOf(key []byte) []byte { return digest(key, "check", nil) }

func digest(key []byte, space string, value []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(space + "\x00")) // no space holds one
	mac.Write(value)
	return mac.Sum(nil)
}
