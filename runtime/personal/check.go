package personal

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Reader is what Check reads.
type Reader interface {
	Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error]
}

// checked bounds how many events Check looks at for one that is encrypted.
const checked = 1000

// Check finds out whether the store is the one that the log's personal data were encrypted with, by the first event of
// these types that has any. The error is an *UnknownKeyError if it is not, and a *WrongMasterKeyError if its keys can't be
// unwrapped. What can't be found out now is no error: log and store may be away.
func (k *Keys) Check(ctx context.Context, log Reader, types ...string) error {
	seen := 0
	for rec, err := range log.Read(ctx, eventlog.Query{Types: types}) {
		if seen++; err != nil || seen > checked {
			return nil
		}
		id, ok := firstKey(rec.Data)
		if !ok {
			continue
		}
		_, err := k.byKeyID(id)
		if errors.As(err, new(*UnknownKeyError)) || errors.As(err, new(*WrongMasterKeyError)) {
			return fmt.Errorf("the event at position %d has personal data: %w", rec.Position, err)
		}
		return nil
	}
	return nil
}

var sealedMark = []byte(`"$sealed"`)

// firstKey returns the id of the first key that something in a payload was encrypted with.
func firstKey(data []byte) (id KeyID, ok bool) {
	for id := range keysIn(data) {
		return id, true
	}
	return id, false
}

// keysIn returns the ids of the keys that are used in a payload. A text in it can't look like one, since its quotes are
// escaped there.
func keysIn(data []byte) iter.Seq[KeyID] {
	return func(yield func(KeyID) bool) {
		for {
			at := bytes.Index(data, sealedMark)
			if at < 0 {
				return
			}
			data = bytes.TrimLeft(data[at+len(sealedMark):], ": \t\r\n\"")
			// The head of what is sealed, in whole groups of base64.
			const head = (1 + len(KeyID{}) + 2) / 3
			var b [head * 3]byte
			if len(data) < head*4 {
				return
			}
			if n, err := base64.StdEncoding.Decode(b[:], data[:head*4]); err == nil && n > len(KeyID{}) && b[0] == sealedFormat {
				if !yield(KeyID(b[1:])) {
					return
				}
			}
		}
	}
}

// mostAtOnce bounds the keys that are asked for at once.
const mostAtOnce = 1000

// Prefetch asks the store, at once, for the keys of all that is encrypted in some events and is not in memory.
func (k *Keys) Prefetch(ctx context.Context, records []cqrs.Record) error {
	var missing []KeyID
	asked := map[KeyID]bool{}
	for i := range records {
		for id := range keysIn(records[i].Data) {
			if asked[id] || k.cached(id) != nil {
				continue
			}
			asked[id] = true
			missing = append(missing, id)
		}
	}
	for len(missing) > 0 {
		n := min(len(missing), mostAtOnce)
		if err := k.fetch(ctx, missing[:n]); err != nil {
			return err
		}
		missing = missing[n:]
	}
	return nil
}
