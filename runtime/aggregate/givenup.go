package aggregate

import (
	"errors"
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// GivenUpError says that a command was decided again and again, and each time another writer was faster: on one of its
// streams, or for a unique value. Nothing was stored. Give the command again later; if it happens often, too many
// writers want the same stream.
type GivenUpError struct {
	Command  string
	Stream   cqrs.StreamID
	Attempts int
	// Unique names the fields of the unique value that others changed the claims of, "" where it was a stream.
	Unique string
	// Err is the last conflict on a stream, a *cqrs.ConflictError, nil where it was a unique value.
	Err error
}

func (e *GivenUpError) Error() string {
	if e.Unique != "" {
		return fmt.Sprintf("command %s of %s was given up after %d attempts: "+
			"others took and left the same value of %s each time", e.Command, e.Stream, e.Attempts, e.Unique)
	}
	return fmt.Sprintf("command %s of %s was given up after %d attempts: %v", e.Command, e.Stream, e.Attempts, e.Err)
}

func (e *GivenUpError) Unwrap() error { return e.Err }

// givenUp returns the error of a command that was decided in vain too often.
func (x *execution[S]) givenUp(last error) error {
	e := &GivenUpError{Command: x.cmd.Name, Stream: x.own.stream, Attempts: attempts, Err: last}
	var contested *contestedError
	if errors.As(last, &contested) {
		e.Unique, e.Err = contested.space, nil
	}
	return e
}

// contestedError is a conflict on the claim of a unique value, whose stream no caller knows.
type contestedError struct {
	space string
	err   error
}

func (e *contestedError) Error() string { return "others change the claims of " + e.space }

func (e *contestedError) Unwrap() error { return e.err }

// contested marks a conflict that is about a claim.
func contested(claims *claim.Plan, err error) error {
	if conflict := conflictOf(err); conflict != nil {
		if space := claims.Space(conflict.Stream); space != "" {
			return &contestedError{space, err}
		}
	}
	return err
}
