package claim

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

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

	mu    sync.Mutex
	value []byte
}

// get returns the key. Of several processes that make one at the same time, one does, and all take that.
func (k *key) get(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.value != nil {
		return k.value, nil
	}
	if k.own != nil && len(k.own) < MinKey {
		return nil, &KeyError{fmt.Sprintf("it has %d bytes; it needs at least %d", len(k.own), MinKey)}
	}
	rec, err := k.read(ctx)
	if err == nil && rec == nil {
		rec, err = k.make(ctx)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case k.own == nil && rec.Key == nil:
		return nil, &KeyError{"this store's claims were made with one that the program has to give"}
	case k.own == nil:
		k.value = rec.Key
	case !hmac.Equal(checkOf(k.own), rec.check()):
		return nil, &KeyError{"this store's claims were made with another one"}
	default:
		k.value = k.own
	}
	return k.value, nil
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
		ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{Time: k.now()},
		Streams: []eventlog.StreamAppend{{
			Stream: keyStream, Expected: eventlog.New, Events: []eventlog.NewEvent{event(keyMade, data)},
		}},
	})
	if errors.As(err, new(*cqrs.ConflictError)) {
		return k.read(ctx) // another process was faster
	}
	return r, err
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
