package embedded

import (
	"context"
	"errors"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"zombiezen.com/go/sqlite"
)

// maxSnapshot bounds a snapshot, in bytes. SQLite could store more, but appends wait while it is written.
const maxSnapshot = 64 << 20

const selectSnapshot = `SELECT sealed FROM snapshots JOIN streams ON streams.id = snapshots.stream
	WHERE category = ?1 AND name = ?2`

// LoadSnapshot implements snapshot.Store.
func (l *Log) LoadSnapshot(ctx context.Context, stream cqrs.StreamID) (sealed []byte, err error) {
	if err := stream.Validate(); err != nil {
		return nil, err
	}
	err = l.read(ctx, func(c *sqlite.Conn) error {
		stmt, err := c.Prepare(selectSnapshot)
		if err != nil {
			return err
		}
		stmt.BindText(1, stream.Category)
		stmt.BindText(2, stream.ID)
		if row, err := stmt.Step(); !row || err != nil {
			return err
		}
		sealed = make([]byte, stmt.ColumnLen(0))
		stmt.ColumnBytes(0, sealed)
		return stmt.Reset()
	})
	return sealed, err
}

// SaveSnapshot implements snapshot.Store. The snapshot is written together with the commits that wait at the time,
// so that it costs no sync of its own under load. It may have at most 64 MiB, else the error is an
// *eventlog.LimitError.
func (l *Log) SaveSnapshot(ctx context.Context, stream cqrs.StreamID, sealed []byte) error {
	if err := stream.Validate(); err != nil {
		return err
	}
	if len(sealed) > maxSnapshot {
		return &eventlog.LimitError{What: "a snapshot", Size: len(sealed), Most: maxSnapshot}
	}
	_, err := l.writer.submit(ctx, newSnapshotRequest(stream, sealed))
	if unanswered := (*unansweredError)(nil); errors.As(err, &unanswered) {
		// A snapshot that is saved or not is the same to everybody.
		err = unanswered.Err
	}
	return err
}

const selectSnapshots = `SELECT name FROM snapshots JOIN streams ON streams.id = snapshots.stream
	WHERE category = ?1 AND name > ?2 ORDER BY name LIMIT 1000`

// ListSnapshots implements snapshot.Store.
func (l *Log) ListSnapshots(ctx context.Context, category string) iter.Seq2[cqrs.StreamID, error] {
	return func(yield func(cqrs.StreamID, error) bool) {
		for last := ""; ; {
			names, err := l.snapshotsAfter(ctx, category, last)
			if err != nil {
				yield(cqrs.StreamID{}, err)
				return
			}
			for _, last = range names {
				if !yield(cqrs.StreamID{Category: category, ID: last}, nil) {
					return
				}
			}
			if len(names) == 0 {
				return
			}
		}
	}
}

func (l *Log) snapshotsAfter(ctx context.Context, category, last string) (names []string, err error) {
	err = l.read(ctx, func(c *sqlite.Conn) error {
		stmt, err := c.Prepare(selectSnapshots)
		if err != nil {
			return err
		}
		stmt.BindText(1, category)
		stmt.BindText(2, last)
		for {
			row, err := stmt.Step()
			if !row || err != nil {
				return err
			}
			names = append(names, stmt.ColumnText(0))
		}
	})
	return names, err
}
