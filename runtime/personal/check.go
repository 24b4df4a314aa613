package personal

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

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

const sealedMark = `"$sealed"`

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
			at := bytes.Index(data, []byte(sealedMark))
			if at < 0 {
				return
			}
			data = bytes.TrimLeft(data[at+len(sealedMark):], ": \t\r\n\"")
			if id, ok := headKey(data); ok && !yield(id) {
				return
			}
		}
	}
}

// headKey returns the id of the key at the head of what is sealed, in base64.
func headKey[T string | []byte](text T) (id KeyID, ok bool) {
	const head = (1 + len(KeyID{}) + 2) / 3 // whole groups of base64
	if len(text) < head*4 {
		return id, false
	}
	var data [head * 4]byte
	var b [head * 3]byte
	copy(data[:], text)
	n, err := base64.StdEncoding.Decode(b[:], data[:])
	if err != nil || n <= len(KeyID{}) || b[0] != sealedFormat {
		return id, false
	}
	return KeyID(b[1:]), true
}

// mostAtOnce bounds the keys that are asked for at once.
const mostAtOnce = 1000

// Prefetch asks the store, at once, for the keys of all that is encrypted in some events and is not in memory.
func (k *Keys) Prefetch(ctx context.Context, records []cqrs.Record) error {
	w := wanted{keys: k}
	for i := range records {
		for id := range keysIn(records[i].Data) {
			w.add(id)
		}
	}
	return w.fetch(ctx)
}

// PrefetchColumns is Prefetch for columns of rows: what Seal made, and JSON with what Write did. Other texts are left out.
func (k *Keys) PrefetchColumns(ctx context.Context, texts []string) error {
	w := wanted{keys: k}
	for _, text := range texts {
		if id, ok := headKey(text); ok {
			w.add(id)
		} else if strings.Contains(text, sealedMark) {
			for id := range keysIn([]byte(text)) {
				w.add(id)
			}
		}
	}
	return w.fetch(ctx)
}

// wanted are keys that are to be asked for at once.
type wanted struct {
	keys    *Keys
	missing []KeyID
	asked   map[KeyID]bool
}

func (w *wanted) add(id KeyID) {
	if w.asked[id] || w.keys.cached(id) != nil {
		return
	}
	if w.asked == nil {
		w.asked = map[KeyID]bool{}
	}
	w.asked[id] = true
	w.missing = append(w.missing, id)
}

func (w *wanted) fetch(ctx context.Context) error {
	for chunk := range slices.Chunk(w.missing, mostAtOnce) {
		if err := w.keys.fetch(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}
