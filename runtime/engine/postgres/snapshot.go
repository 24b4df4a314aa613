package postgres

import (
	"context"
	"iter"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/jackc/pgx/v5"
)

// maxSnapshot bounds a snapshot, in bytes.
const maxSnapshot = 64 << 20

const (
	selectSnapshot = `SELECT sealed FROM {schema}.snapshots WHERE stream = $1`
	upsertSnapshot = `INSERT INTO {schema}.snapshots (stream, sealed) VALUES ($1, $2)
		ON CONFLICT (stream) DO UPDATE SET sealed = excluded.sealed`
	// All streams of a category lie between its name with a slash and its name with what comes after a slash.
	selectSnapshots = `SELECT stream FROM {schema}.snapshots WHERE stream > $1 AND stream < $2
		ORDER BY stream LIMIT $3::bigint`
)

// LoadSnapshot implements snapshot.Store.
func (l *Log) LoadSnapshot(ctx context.Context, stream cqrs.StreamID) (sealed []byte, err error) {
	if err := stream.Validate(); err != nil {
		return nil, err
	}
	err = l.query(ctx, selectSnapshot, func(row [][]byte) error {
		sealed = append([]byte{}, row[0]...)
		return nil
	}, []byte(stream.String()))
	return sealed, err
}

// SaveSnapshot implements snapshot.Store. The snapshot may have at most 64 MiB, else the error is an
// *eventlog.LimitError. It is not synced: a crash may lose the newest ones.
func (l *Log) SaveSnapshot(ctx context.Context, stream cqrs.StreamID, sealed []byte) error {
	if err := stream.Validate(); err != nil {
		return err
	}
	if len(sealed) > maxSnapshot {
		return &eventlog.LimitError{What: "a snapshot", Size: len(sealed), Most: maxSnapshot}
	}
	return l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) error {
		return l.queryOn(ctx, c, upsertSnapshot, nil, []byte(stream.String()), append([]byte{}, sealed...))
	})
}

// listed is how many streams are asked for at a time.
const listed = 1000

// ListSnapshots implements snapshot.Store.
func (l *Log) ListSnapshots(ctx context.Context, category string) iter.Seq2[cqrs.StreamID, error] {
	return func(yield func(cqrs.StreamID, error) bool) {
		if (cqrs.StreamID{Category: category, ID: "any"}).Validate() != nil {
			return // no stream is in it, and the server may refuse its bytes
		}
		for after := category + "/"; ; {
			var found []string
			err := l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) error {
				found = nil
				return l.queryOn(ctx, c, selectSnapshots, func(row [][]byte) error {
					found = append(found, string(row[0]))
					return nil
				}, []byte(after), []byte(category+"0"), int64Param(listed))
			})
			if err != nil {
				yield(cqrs.StreamID{}, err)
				return
			}
			for _, name := range found {
				id := strings.TrimPrefix(name, category+"/")
				if !yield(cqrs.StreamID{Category: category, ID: id}, nil) {
					return
				}
				after = name
			}
			if len(found) < listed {
				return
			}
		}
	}
}
