package projectiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// The projection of these tests counts what was added to the slots of streams: a slot can be removed, and then begins
// anew. Its second release counts everything twice as much.

type key struct {
	Stream string
	Slot   int64
}

type tally struct {
	Sum, Count int64
	Last       string
}

// A release is a fold: its number is what it multiplies amounts by.
type release int64

const (
	firstRelease  release = 1
	secondRelease release = 2
)

func (r release) fingerprint() string { return fmt.Sprintf("%016x", int64(r)) }

func (r release) codec() readmodel.Codec[key, tally] {
	return readmodel.Codec[key, tally]{
		Schema: readmodel.Schema{
			Projection: "Tallies", Fingerprint: r.fingerprint(),
			Key: []readmodel.Column{{Name: "stream", Kind: readmodel.String}, {Name: "slot", Kind: readmodel.Int64}},
			Row: []readmodel.Column{
				{Name: "sum", Kind: readmodel.Int64}, {Name: "count", Kind: readmodel.Int64}, {Name: "last", Kind: readmodel.String},
			},
			Indexes: [][]string{{"slot", "sum"}},
		},
		AppendKey: func(v []readmodel.Value, k *key) []readmodel.Value {
			return append(v, readmodel.OfString(k.Stream), readmodel.OfInt64(k.Slot))
		},
		AppendRow: func(v []readmodel.Value, r *tally) ([]readmodel.Value, error) {
			return append(v, readmodel.OfInt64(r.Sum), readmodel.OfInt64(r.Count), readmodel.OfString(r.Last)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *key) { k.Stream, k.Slot = s.String(), s.Int64() },
		ReadRow: func(s *readmodel.Scanner, r *tally) { r.Sum, r.Count, r.Last = s.Int64(), s.Int64(), s.String() },
	}
}

// definition is what is generated for a release.
func (r release) definition() projection.Definition[key, tally] {
	return projection.Definition[key, tally]{
		Name: "Tallies", Events: []string{"Added", "Removed"}, Codec: r.codec(), ByStream: true,
		OwnKey: func(k key, _ bool) key { return key{strings.Clone(k.Stream), k.Slot} },
		NewFold: func(int) func(*projection.Rows[key, tally], *cqrs.Record) error {
			return func(rows *projection.Rows[key, tally], rec *cqrs.Record) error {
				k, amount, err := decode(rec)
				if err != nil {
					return err
				}
				if rec.Type == "Removed" {
					rows.Delete(k)
					return nil
				}
				if row := rows.At(k); row != nil {
					r.add(row, amount)
				}
				return nil
			}
		},
	}
}

func (r release) add(row *tally, amount int64) {
	row.Sum += amount * int64(r)
	row.Count++
	row.Last = fmt.Sprint(amount)
}

// knownVersion is the version of Added that the releases know. In the first one the amount had another name, and was in
// tens; the third one only adds a field.
const knownVersion = 2

// added returns a stored event in one of the versions that a log has.
func added(slot, amount int) eventlog.NewEvent {
	e := eventlog.NewEvent{Type: "Added", SchemaVersion: 1 + rand.IntN(3), ContentType: cqrs.JSON}
	switch e.SchemaVersion {
	case 1:
		e.Data = fmt.Appendf(nil, `{"slot":%d,"tens":%d}`, slot, amount/10)
	case knownVersion:
		e.Data = fmt.Appendf(nil, `{"slot":%d,"amount":%d}`, slot, amount)
	default:
		e.ContentType = cqrs.JSONFrom(knownVersion)
		e.Data = fmt.Appendf(nil, `{"slot":%d,"amount":%d,"note":"new"}`, slot, amount)
	}
	return e
}

// decode reads an event of any version as generated code does.
func decode(rec *cqrs.Record) (key, int64, error) {
	if err := rec.CheckVersion(knownVersion); err != nil {
		return key{}, 0, err
	}
	var e struct{ Slot, Tens, Amount int64 }
	err := json.Unmarshal(rec.Data, &e)
	if rec.SchemaVersion == 1 {
		e.Amount = 10 * e.Tens // the upcaster
	}
	return key{rec.Stream.ID, e.Slot}, e.Amount, err
}

// rows is the pure fold of the log up to a position.
func (r release) rows(records []cqrs.Record, through cqrs.Position) map[key]tally {
	rows := map[key]tally{}
	for i := range records {
		if records[i].Position > through {
			break
		}
		r.step(rows, &records[i])
	}
	return rows
}

func (r release) step(rows map[key]tally, rec *cqrs.Record) {
	k, amount, err := decode(rec)
	switch {
	case err != nil || rec.Type == "Noted":
	case rec.Type == "Removed":
		delete(rows, k)
	default:
		row := rows[k]
		r.add(&row, amount)
		rows[k] = row
	}
}

// history is the log of a test, and what it holds.
type history struct {
	eventlog.Log
	mu      sync.Mutex
	records []cqrs.Record
}

// all returns all records of the log.
func (h *history) all(t require.TestingT) []cqrs.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	after := cqrs.Position(0)
	if n := len(h.records); n > 0 {
		after = h.records[n-1].Position
	}
	for rec, err := range h.Read(context.Background(), eventlog.Query{After: after}) {
		require.NoError(t, err)
		h.records = append(h.records, *rec)
	}
	return h.records
}

// add appends a commit of a few events.
func (h *history) add(t require.TestingT) cqrs.Position {
	events := make([]eventlog.NewEvent, 1+rand.IntN(4))
	for i := range events {
		e := &events[i]
		*e = added(rand.IntN(3), rand.IntN(1000))
		switch rand.IntN(12) {
		case 0:
			e.Type = "Removed"
		case 1, 2:
			e.Type = "Noted"
		}
	}
	done, err := h.Append(context.Background(), eventlog.Commit{
		ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Tally", ID: fmt.Sprintf("s-%d", rand.IntN(20))}, Expected: eventlog.Any, Events: events,
		}},
	})
	require.NoError(t, err)
	return done.Position
}

// grow appends commits until the function that it returns is called.
func (h *history) grow(t testing.TB, pause time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				h.add(t)
			}
		}
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-done
	})
}

// check compares a table's rows with the pure fold of the log: of each row's events through the checkpoint, or through
// the row's own position if a sink has stored rows without the checkpoint. It returns the checkpoint.
func (h *history) check(t require.TestingT, table readmodel.Table, r release) readmodel.Checkpoint {
	ctx := context.Background()
	codec := r.codec()
	stored, at := map[key]tally{}, map[key]cqrs.Position{}
	checkpoint, err := table.Find(ctx, readmodel.Find{Index: -1}, func(k, row []readmodel.Value, position cqrs.Position) error {
		found, content := key{k[0].Text(), k[1].Int64()}, tally{}
		codec.ReadRow(readmodel.NewScanner("Tallies", codec.Schema.Row, row), &content)
		stored[found], at[found] = content, position
		return nil
	})
	require.NoError(t, err)
	records := h.all(t)
	want := r.rows(records, checkpoint.Position)
	for k, position := range at {
		if position > checkpoint.Position {
			if row, exists := r.rows(records, position)[k]; exists {
				want[k] = row
			}
		}
	}
	for k := range want {
		if _, found := stored[k]; !found && ahead(records, checkpoint.Position, k) {
			delete(want, k) // deleted ahead of the checkpoint
		}
	}
	require.Equal(t, want, stored, "rows at position %d", checkpoint.Position)
	return checkpoint
}

// ahead reports whether an event behind a position removes a row.
func ahead(records []cqrs.Record, after cqrs.Position, k key) bool {
	for i := range records {
		if rec := &records[i]; rec.Position > after && rec.Type == "Removed" {
			if removed, _, err := decode(rec); err == nil && removed == k {
				return true
			}
		}
	}
	return false
}
