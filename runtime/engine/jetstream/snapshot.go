package jetstream

import (
	"context"
	"iter"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
)

// LoadSnapshot implements snapshot.Store.
func (l *Log) LoadSnapshot(ctx context.Context, stream cqrs.StreamID) ([]byte, error) {
	if err := stream.Validate(); err != nil {
		return nil, err
	}
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	m, err := l.conn.get(ctx, l.names.snapshotStream(), selector{LastOf: l.names.snapshot(stream)})
	if m == nil || err != nil {
		return nil, err
	}
	return append([]byte{}, m.Data...), nil // an empty one is one
}

// SaveSnapshot implements snapshot.Store. A snapshot that is larger than the servers' max_payload is refused by an
// *eventlog.LimitError.
func (l *Log) SaveSnapshot(ctx context.Context, stream cqrs.StreamID, sealed []byte) error {
	if err := stream.Validate(); err != nil {
		return err
	}
	if err := l.usable(ctx); err != nil {
		return err
	}
	if most := int(l.conn.nc.MaxPayload()) - reserved; len(sealed) > most {
		return &eventlog.LimitError{What: "a snapshot, under the servers' max_payload,", Size: len(sealed), Most: most}
	}
	return l.conn.retry(ctx, func() error {
		_, err := l.conn.publish(ctx, &nats.Msg{Subject: l.names.snapshot(stream), Data: sealed})
		return explain(err)
	})
}

// ListSnapshots implements snapshot.Store.
func (l *Log) ListSnapshots(ctx context.Context, category string) iter.Seq2[cqrs.StreamID, error] {
	return func(yield func(cqrs.StreamID, error) bool) {
		if err := (cqrs.StreamID{Category: category, ID: "1"}).Validate(); err != nil {
			return // no stream has such a category
		}
		for offset := 0; ; {
			subjects, total, err := l.snapshotSubjects(ctx, category, offset)
			if err != nil {
				yield(cqrs.StreamID{}, err)
				return
			}
			for _, s := range subjects {
				if !yield(cqrs.StreamID{Category: category, ID: s}, nil) {
					return
				}
			}
			offset += len(subjects)
			if len(subjects) == 0 || offset >= total {
				return
			}
		}
	}
}

// snapshotSubjects returns a page of the ids of a category that have snapshots.
func (l *Log) snapshotSubjects(ctx context.Context, category string, offset int) (ids []string, total int, err error) {
	if err := l.usable(ctx); err != nil {
		return nil, 0, err
	}
	prefix := strings.TrimSuffix(l.names.allSnapshots(), ">") + category + "."
	request := struct {
		Filter string `json:"subjects_filter"`
		Offset int    `json:"offset"`
	}{prefix + "*", offset}
	var info struct {
		Total int `json:"total"`
		State struct {
			Subjects map[string]int `json:"subjects"`
		} `json:"state"`
	}
	if err := l.conn.call(ctx, "STREAM.INFO."+l.names.snapshotStream(), request, &info); err != nil {
		return nil, 0, err
	}
	for subject := range info.State.Subjects {
		id, ok := parseToken(strings.TrimPrefix(subject, prefix))
		if !ok {
			return nil, 0, corruptf("%.80q is not the subject of a snapshot", subject)
		}
		ids = append(ids, id)
	}
	return ids, info.Total, nil
}
