package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// small makes blocks so small that a few commits fill one.
func small(fsys vfs.FS) storage { return storage{fsys, 1 << 10} }

// start is the time of the first commit of the tests' logs.
var start = time.Date(2026, 3, 1, 12, 30, 15, 123456000, time.UTC)

// filler appends random commits to a log.
type filler struct {
	random  *rand.Rand
	streams int
	n       int
}

// newFiller returns a filler for a log of about so many streams.
func newFiller(seed uint64, streams int) *filler {
	return &filler{random: rand.New(rand.NewPCG(seed, 7)), streams: streams}
}

// commit returns the next commit: of some events in some streams, one in four with a command id, one in eight of a
// command id alone.
func (f *filler) commit() eventlog.Commit {
	f.n++
	meta := cqrs.CommandMeta{Time: start.Add(time.Duration(f.random.IntN(1e6)) * time.Microsecond)}
	c := eventlog.Commit{ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: meta}
	kind := f.random.IntN(8)
	if kind < 3 {
		c.Meta.CommandID = fmt.Sprintf("command-%d", f.random.Uint64())
		c.Meta.CorrelationID, c.Meta.CausationID, c.Meta.Actor = "correlation", fmt.Sprint(f.n), "Ada ♥"
		c.CommandHash = sha256.Sum256([]byte(c.Meta.CommandID))
	}
	if kind == 0 {
		c.Version = cqrs.Version(f.random.IntN(100))
		return c
	}
	first := f.random.IntN(f.streams)
	for i := range 1 + f.random.IntN(min(3, f.streams)) {
		id := cqrs.StreamID{Category: []string{"Account", "Order"}[first%2], ID: fmt.Sprintf("%d/ü", (first+i)%f.streams)}
		a := eventlog.StreamAppend{Stream: id, Expected: eventlog.Any}
		for range 1 + f.random.IntN(4) {
			a.Events = append(a.Events, f.event())
		}
		c.Streams = append(c.Streams, a)
	}
	return c
}

func (f *filler) event() eventlog.NewEvent {
	e := eventlog.NewEvent{
		Type: []string{"Opened", "Deposited", "Withdrawn", "Closed"}[f.random.IntN(4)], SchemaVersion: 1 + f.random.IntN(3),
		ContentType: cqrs.JSON, Data: fmt.Appendf(nil, `{"amount":%d,"reference":"invoice %d"}`, f.random.Uint32(), f.n),
	}
	if e.SchemaVersion > 1 && f.random.IntN(3) == 0 {
		e.ContentType = cqrs.JSONFrom(e.SchemaVersion - 1)
	}
	switch f.random.IntN(20) {
	case 0:
		e.ContentType, e.Data = "application/octet-stream", []byte{0, 0xff, byte(f.n)}
	case 1:
		e.Data = nil
	}
	return e
}

// fill appends n commits.
func (f *filler) fill(t testing.TB, log eventlog.Log, n int) {
	t.Helper()
	for range n {
		_, err := log.Append(context.Background(), f.commit())
		require.NoError(t, err)
	}
}

// filled returns a log in memory with n random commits.
func filled(t testing.TB, seed uint64, n int) *memory.Log {
	t.Helper()
	log := memory.New()
	newFiller(seed, 1+n/5).fill(t, log, n)
	return log
}

// records collects what a query finds, without the numbers of streams: those belong to the log, not to an event.
func records(t testing.TB, log eventlog.Log, q eventlog.Query) []cqrs.Record {
	t.Helper()
	all := []cqrs.Record{}
	for r, err := range log.Read(context.Background(), q) {
		require.NoError(t, err)
		all = append(all, *r)
		all[len(all)-1].StreamNumber = 0
	}
	return all
}

// requireEqual is require.Equal for very many values.
func requireEqual(t testing.TB, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		require.Equal(t, want, got)
	}
}

// requireSame checks that two logs answer a query alike, and says briefly where they don't.
func requireSame(t testing.TB, want, got eventlog.Log, query ...eventlog.Query) {
	t.Helper()
	q := eventlog.Query{}
	if len(query) > 0 {
		q = query[0]
	}
	a, b := records(t, want, q), records(t, got, q)
	for i := range min(len(a), len(b)) {
		requireEqual(t, a[i], b[i])
	}
	require.Equal(t, len(a), len(b), "the number of records of %+v", q)
}

// content is what a log holds, without positions.
type content struct {
	records  []cqrs.Record
	commands []eventlog.CommandRecord
}

func contentOf(t testing.TB, log eventlog.Transfer) content {
	t.Helper()
	var c content
	head, err := log.Head(context.Background())
	require.NoError(t, err)
	for g, err := range history(context.Background(), log, Range{Through: head}, cqrs.CommandMeta{}) {
		require.NoError(t, err)
		commits := g.commands
		if g.commit != nil {
			commits = append([]*commit{g.commit}, commits...)
		}
		for _, m := range commits {
			for _, r := range m.events {
				r.Position, r.StreamNumber = 0, 0
				c.records = append(c.records, r)
			}
			if m.recorded {
				c.commands = append(c.commands, eventlog.CommandRecord{
					Hash: m.hash, Outcome: eventlog.Appended{Version: m.version, Meta: m.meta},
				})
			}
		}
	}
	return c
}
