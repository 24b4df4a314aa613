package personal

import (
	"context"
	"errors"
	"fmt"
)

// Store keeps the keys of persons, wrapped by a [Wrapper]. Whatever a method acknowledged is durable. All methods are
// safe for concurrent use, also by several processes. Package personaltest has the suite that every store passes.
//
// An error wraps ErrUnavailable where the same call can be made again.
type Store interface {
	// Find returns the key of a subject, the zero Record if it never had one.
	Find(ctx context.Context, s Subject) (Record, error)
	// Create stores a key for a subject that has none, and returns it; of one that has a key it returns that, also where
	// it is destroyed.
	Create(ctx context.Context, s Subject, r Record) (Record, error)
	// Get returns the keys of these ids, in any order. Those that it never had are left out.
	Get(ctx context.Context, ids []KeyID) ([]Record, error)
	// Destroy destroys the key of a subject: once it returns, nothing of the wrapped key is left in the store. That there
	// was one is remembered for ever, also for a subject that never had a key: it gets none from then on. It may be
	// repeated.
	Destroy(ctx context.Context, s Subject) error
}

// Record is a key as a Store keeps it.
type Record struct {
	ID KeyID
	// Subject is whom it belongs to.
	Subject Subject
	// Wrapped is the key as a Wrapper made it; nil if it is destroyed.
	Wrapped   []byte
	Destroyed bool
}

// Wrapper encrypts the keys of persons with a key that is not kept beside them: a key management service, or a
// MasterKey. It is safe for concurrent use. An error wraps ErrUnavailable where the same call can be made again.
type Wrapper interface {
	// Wrap encrypts a key. context is to be authenticated with it: Unwrap is given the same.
	Wrap(ctx context.Context, key, context []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, context []byte) ([]byte, error)
}

// ErrUnavailable is wrapped by errors that pass by themselves: the store of the keys, or the service that wraps them, could
// not be reached. It never means that somebody was forgotten.
var ErrUnavailable = errors.New("the keys of personal data are not available")

// ErrErasedSince says that a snapshot has data of somebody who was forgotten after it was written. It is not used.
var ErrErasedSince = errors.New("it has personal data of somebody who was forgotten since")

// ErrNoKeys says that a bounded context with personal data was opened without keys.
var ErrNoKeys = errors.New("the model has personal data: give New the option aggregate.WithKeys(personal.NewKeys(store, wrapper))")

// ForgottenError refuses new data of somebody who was forgotten.
type ForgottenError struct{ Subject Subject }

func (e *ForgottenError) Error() string {
	return fmt.Sprintf("%s was forgotten: nothing personal can be stored under this id any more, use a new one", e.Subject)
}

// UnknownKeyError says that a key is in a payload and not in the store, which keeps those that were destroyed in mind: the
// store is not the one that the data were encrypted with, or an old copy of it.
type UnknownKeyError struct{ Key KeyID }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the store of personal keys never had the key %s: open the one that belongs to this log, or restore its newest backup", e.Key)
}

// TamperedError says that a ciphertext is not what was written where it stands.
type TamperedError struct {
	Key    KeyID
	Reason string
}

func (e *TamperedError) Error() string {
	return fmt.Sprintf("personal data under the key %s %s: restore the payload from a backup or an archive", e.Key, e.Reason)
}

// WrongMasterKeyError says that a key was wrapped with another master key.
type WrongMasterKeyError struct{ Reason string }

func (e *WrongMasterKeyError) Error() string {
	return "a personal key can't be unwrapped: " + e.Reason
}
