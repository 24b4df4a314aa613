package personal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Keys are the keys that a process uses: it asks the store for each once in a while, and holds it in between. It is safe
// for concurrent use, and meant to be one for all that works on a log.
type Keys struct {
	store   Store
	wrapper Wrapper
	now     func() time.Time

	mu        sync.RWMutex
	byID      map[KeyID]*key
	bySubject map[Subject]*key
	// forgotten has those of whom the log said so, also where the store still has their keys.
	forgotten map[Subject]bool
	epoch     atomic.Uint64
}

// key is a key in memory.
type key struct {
	id      KeyID
	subject Subject
	aead    cipher.AEAD
	mac     []byte // for nonces that follow from the content
	// until is when the store is asked again.
	until     time.Time
	destroyed bool
}

const (
	// keyLife bounds how long a key is used without asking the store: how late a process learns that somebody was
	// forgotten, if the log does not tell it.
	keyLife = time.Minute
	// maxKeys bounds the keys in memory.
	maxKeys = 100_000
	// storeTimeout bounds a question to the store that has no context of its own.
	storeTimeout = 10 * time.Second
)

// NewKeys returns the keys of a store, which are wrapped by the wrapper. It does no I/O.
func NewKeys(store Store, wrapper Wrapper) *Keys {
	return &Keys{
		store: store, wrapper: wrapper, now: time.Now,
		byID: map[KeyID]*key{}, bySubject: map[Subject]*key{}, forgotten: map[Subject]bool{},
	}
}

// Moment is when personal data were decrypted.
type Moment struct {
	epoch uint64
	at    time.Time
}

// Now is the Moment for what is decrypted from now on.
func (k *Keys) Now() Moment { return Moment{k.epoch.Load(), k.now()} }

// Since reports whether what was decrypted at a Moment may still be used: nobody is known to have been forgotten since, and
// it is not so long ago that the keys in memory would be asked for again.
func (k *Keys) Since(m Moment) bool {
	return m.epoch == k.epoch.Load() && k.now().Sub(m.at) < keyLife
}

// Clear forgets all keys in memory, so that the store is asked for each of them.
func (k *Keys) Clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.byID)
	clear(k.bySubject)
}

// cached returns a key in memory that need not be asked for, nil if there is none.
func (k *Keys) cached(id KeyID) *key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.usable(k.byID[id])
}

// usable returns a key unless it has to be asked for. The lock must be held.
func (k *Keys) usable(c *key) *key {
	switch {
	case c == nil:
		return nil
	case k.forgotten[c.subject]:
		return &key{id: c.id, subject: c.subject, destroyed: true}
	case !c.destroyed && k.now().After(c.until):
		return nil
	}
	return c
}

// byKeyID returns the key that something was encrypted with. It asks the store only where it was not asked before.
func (k *Keys) byKeyID(id KeyID) (*key, error) {
	if c := k.cached(id); c != nil {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := k.fetch(ctx, []KeyID{id}); err != nil {
		return nil, err
	}
	if c := k.cached(id); c != nil {
		return c, nil
	}
	return nil, &UnknownKeyError{id}
}

// fetch asks the store for keys. Those that it never had are left out.
func (k *Keys) fetch(ctx context.Context, ids []KeyID) error {
	found, err := k.store.Get(ctx, ids)
	if err != nil {
		return unavailable(err)
	}
	for _, r := range found {
		if _, err := k.keep(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// unavailable says of an error of a store what it means, where the store does not.
func unavailable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// keep unwraps a key and keeps it in memory.
func (k *Keys) keep(ctx context.Context, r Record) (*key, error) {
	c := &key{id: r.ID, subject: r.Subject, destroyed: r.Destroyed, until: k.now().Add(keyLife)}
	if !r.Destroyed {
		data, err := k.wrapper.Unwrap(ctx, r.Wrapped, wrapContext(r))
		if err != nil {
			return nil, fmt.Errorf("the key %s of %s: %w", r.ID, r.Subject, unavailable(err))
		}
		if len(data) != keySize {
			return nil, fmt.Errorf("the key %s of %s: %w", r.ID, r.Subject, &WrongMasterKeyError{"it is no key of 32 bytes"})
		}
		c.aead, c.mac = newAEAD(data), derive(data)
		clear(data)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.byID) >= maxKeys {
		clear(k.byID)
		clear(k.bySubject)
	}
	if old := k.byID[c.id]; old != nil && !old.destroyed && c.destroyed {
		k.epoch.Add(1)
	}
	k.bySubject[c.subject] = c
	if c.id != (KeyID{}) { // which somebody has who was forgotten before there was a key
		k.byID[c.id] = c
	}
	return k.usable(c), nil
}

// wrapContext binds a wrapped key to its id and its subject.
func wrapContext(r Record) []byte {
	return fmt.Appendf(r.ID[:len(r.ID):len(r.ID)], "%s/%s", r.Subject.Type, r.Subject.ID)
}

// ofSubject returns the key that new data of a subject are encrypted with, which is made where there is none. The error is
// a *ForgottenError if the subject was forgotten.
func (k *Keys) ofSubject(s Subject) (*key, error) {
	k.mu.RLock()
	c, forgotten := k.usable(k.bySubject[s]), k.forgotten[s]
	k.mu.RUnlock()
	if c == nil && !forgotten {
		var err error
		if c, err = k.askFor(s); err != nil {
			return nil, err
		}
	}
	if forgotten || c.destroyed {
		return nil, &ForgottenError{s}
	}
	return c, nil
}

func (k *Keys) askFor(s Subject) (*key, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	r, err := k.store.Find(ctx, s)
	if err == nil && r.ID == (KeyID{}) && !r.Destroyed {
		r, err = k.create(ctx, s)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return k.keep(ctx, r)
}

// create makes a key. Where another process made one meanwhile, it is that.
func (k *Keys) create(ctx context.Context, s Subject) (Record, error) {
	r := Record{Subject: s}
	data := make([]byte, keySize)
	rand.Read(r.ID[:])
	rand.Read(data)
	var err error
	if r.Wrapped, err = k.wrapper.Wrap(ctx, data, wrapContext(r)); err != nil {
		return Record{}, err
	}
	clear(data)
	return k.store.Create(ctx, s, r)
}

// learn notes that somebody was forgotten.
func (k *Keys) learn(s Subject) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.forgotten[s] {
		k.forgotten[s] = true
		k.epoch.Add(1)
	}
}
