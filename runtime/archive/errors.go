package archive

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// DamagedError refuses a file that is not as it was written: cut short, changed, or with something behind its end. It
// wraps eventlog.ErrCorrupt. Nothing in the file is to be trusted: take another copy.
type DamagedError struct {
	Path string
	// Offset is where in the file the damage shows, in bytes.
	Offset int64
	Reason string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("archive %s is damaged at byte %d: %s", e.Path, e.Offset, e.Reason)
}

func (*DamagedError) Unwrap() error { return eventlog.ErrCorrupt }

// FormatError refuses a file of a format that this release does not read there: read it with the release that wrote it,
// or a later one. Segments of the replay archive are no exports: their format is another one.
type FormatError struct {
	Path string
	// Version is the file's, Reads the one that this release reads there.
	Version, Reads uint32
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("archive %s has the format %d; this release reads format %d", e.Path, e.Version, e.Reads)
}

// DifferenceError says that a log does not hold what an archive holds. Import leaves such a log as it is: import into
// an empty one, or into one that holds an earlier part of the same archive. For Verify it means that the two are not
// copies of one log.
type DifferenceError struct {
	// Position is the place in the archive, by the positions of the log that it was made from: that of the commit that
	// differs, or of the one before it.
	Position cqrs.Position
	Reason   string
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("the log differs from the archive at the archive's position %d: %s", e.Position, e.Reason)
}

// RangeError refuses a range that does not begin and end between two commits.
type RangeError struct {
	Position cqrs.Position
	Reason   string
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("an archive can't begin or end at position %d: %s", e.Position, e.Reason)
}

// explain says what an error of the file system means to whoever writes an archive.
func explain(err error) error {
	if vfs.IsFull(err) {
		return fmt.Errorf("%w: %w", eventlog.ErrFull, err)
	}
	return err
}
