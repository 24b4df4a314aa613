package projection

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// ErrRunning says that the projector is at work already.
var ErrRunning = errors.New("it is running already")

// errKeys stops a fold whose keys are not a function of the event.
var errKeys = errors.New("the fold asked for a key that it had not asked for when the same event was folded before")

// FoldError says which event stopped a projection. Everything of earlier commits is stored, and nothing of this event's.
type FoldError struct {
	Projection string
	Position   cqrs.Position
	Stream     cqrs.StreamID
	Version    cqrs.Version
	// Type is the event's wire name.
	Type string
	// Key is that of the row that was being folded, as text; it is empty if the fold failed before it asked for a row.
	Key string
	// Err is what the fold returned: a *cqrs.DecodingError, say, or a *cqrs.PanicError.
	Err error

	commit cqrs.CommitID
	time   time.Time
}

func (e *FoldError) Error() string {
	return fmt.Sprintf("projection %s stopped: it %s", e.Projection, e.failure())
}

func (e *FoldError) failure() string {
	at := ""
	if e.Key != "" {
		at = " into the row of " + e.Key
	}
	return fmt.Sprintf("can't fold event %s%s, at position %d, version %d of %s: %v",
		e.Type, at, e.Position, e.Version, e.Stream, e.Err)
}

func (e *FoldError) Unwrap() error { return e.Err }

// RowError says that the fold made a row that can't be stored.
type RowError struct {
	Projection string
	Key        string
	// Position is that of the last event that was folded into the row.
	Position cqrs.Position
	Err      error
}

func (e *RowError) Error() string {
	return fmt.Sprintf("projection %s stopped: the row of %s, last folded at position %d, can't be stored: %v",
		e.Projection, e.Key, e.Position, e.Err)
}

func (e *RowError) Unwrap() error { return e.Err }

// runError names the projection in an error of the log or the table.
type runError struct {
	projection string
	err        error
}

func (e *runError) Error() string { return fmt.Sprintf("projection %s: %v", e.projection, e.err) }

func (e *runError) Unwrap() error { return e.err }

// wrap names the projection in an error that does not do so itself.
func (p *Projector[K, R]) wrap(err error) error {
	if err == nil || namesProjection(err) {
		return err
	}
	return &runError{p.def.Name, err}
}

// namesProjection reports whether the text of an error says which projection it is about.
func namesProjection(err error) bool {
	var (
		fold    *FoldError
		row     *RowError
		history *readmodel.HistoryError
		run     *runError
	)
	return errors.As(err, &fold) || errors.As(err, &row) || errors.As(err, &history) || errors.As(err, &run)
}

// newFoldError describes a record that can't be folded.
func newFoldError(projection string, rec *cqrs.Record, err error) *FoldError {
	return &FoldError{
		Projection: projection, Position: rec.Position, Version: rec.Version, Type: strings.Clone(rec.Type),
		Stream: cqrs.StreamID{Category: strings.Clone(rec.Stream.Category), ID: strings.Clone(rec.Stream.ID)},
		Err:    err, commit: rec.Commit, time: rec.Time,
	}
}
