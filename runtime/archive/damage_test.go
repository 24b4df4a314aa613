package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// exported returns the bytes of an archive of n random commits.
func exported(t testing.TB, seed uint64, n int) (*memory.Log, []byte) {
	t.Helper()
	log, m := filled(t, seed, n), vfs.NewMemory()
	_, err := export(context.Background(), small(m), log, "log.archive", Range{}, nil)
	require.NoError(t, err)
	b, ok := m.Bytes("log.archive")
	require.True(t, ok)
	return log, b
}

// checkBytes checks an archive of that content.
func checkBytes(b []byte) (Summary, error) {
	m := vfs.NewMemory()
	m.Put("log.archive", b)
	return check(context.Background(), small(m), "log.archive", nil)
}

// requireDamaged checks that the error refuses a file, and names a place in it.
func requireDamaged(t testing.TB, err error, size int, what string, args ...any) {
	t.Helper()
	var damaged *DamagedError
	if errors.As(err, &damaged) && errors.Is(err, eventlog.ErrCorrupt) && damaged.Offset >= 0 &&
		damaged.Offset <= int64(size) {
		return
	}
	require.Fail(t, "a damaged file is not refused as one", "%v, %s %v", err, what, args)
}

func TestAnArchiveThatIsCutShortIsRefused(t *testing.T) {
	_, b := exported(t, 20, 30)
	for n := range b {
		_, err := checkBytes(b[:n])
		requireDamaged(t, err, n, "cut at", n)
	}
}

func TestAnArchiveWithAChangedByteIsRefused(t *testing.T) {
	_, b := exported(t, 21, 30)
	random := soak.Rand(t)
	for i := range b {
		changed := slices.Clone(b)
		changed[i] ^= 1 << random.IntN(8)
		_, err := checkBytes(changed)
		requireDamaged(t, err, len(b), "changed byte", i)
	}
}

func TestAnArchiveWithSomethingBehindItsEndIsRefused(t *testing.T) {
	_, b := exported(t, 22, 10)
	for _, more := range [][]byte{{0}, {'\n'}, make([]byte, 4096), b[len(b)-trailerSize:], b} {
		_, err := checkBytes(append(slices.Clone(b), more...))
		requireDamaged(t, err, len(b)+len(more), "with so many more bytes", len(more))
	}
}

func TestAnArchiveWhoseBlocksAreMovedIsRefused(t *testing.T) {
	_, b := exported(t, 23, 200)
	m := vfs.NewMemory()
	m.Put("x", b)
	r, err := openReader(m, "x")
	require.NoError(t, err)
	blocks := r.index.blocks
	require.Greater(t, len(blocks), 3)
	first, second := blocks[0], blocks[1]
	swapped := slices.Concat(b[:first.offset], b[second.offset:second.offset+second.size],
		b[first.offset:first.offset+first.size], b[second.offset+second.size:])
	_, err = checkBytes(swapped)
	requireDamaged(t, err, len(b), "swapped")
	_, err = checkBytes(slices.Concat(b[:first.offset], b[second.offset:]))
	requireDamaged(t, err, len(b), "left out")
}

func TestAnArchiveOfALaterFormatIsRefusedByName(t *testing.T) {
	_, b := exported(t, 24, 10)
	binary.LittleEndian.PutUint32(b[8:], 2)
	binary.LittleEndian.PutUint32(b[headerSize-4:], checksum(b[:headerSize-4]))
	_, err := checkBytes(b)
	var format *FormatError
	require.ErrorAs(t, err, &format)
	assert.EqualValues(t, 2, format.Version)
}

func TestADamagedFileIsNotImported(t *testing.T) {
	_, b := exported(t, 25, 100)
	m := vfs.NewMemory()
	b[len(b)/2]++
	m.Put("x", b)
	into := memory.New()
	_, err := importFile(context.Background(), small(m), "x", into, nil)
	requireDamaged(t, err, len(b), "imported")
	head, err := into.Head(context.Background())
	require.NoError(t, err)
	assert.Zero(t, head, "nothing of it was appended")
}

// forge returns an archive with one block whose checksums are right, whatever its header and body say.
func forge(h blockHeader, body []byte, last cqrs.Position) []byte {
	b := (&header{}).append(nil)
	h.kind, h.stored, h.body = kindEvents, uint32(len(body)), checksum(body)
	start := len(b)
	b = h.append(b)
	b = append(b, body...)
	x := index{blocks: []entry{{
		size: int64(len(b) - start), sum: h.sum, first: h.first, last: h.last, events: h.events, items: h.items,
	}}}
	at := len(b)
	table := x.append(nil, &header{})
	ih := blockHeader{
		kind: kindIndex, stored: uint32(len(table)), names: uint32(len(table)), body: checksum(table),
		previous: last, first: last, last: last,
	}
	b = append(ih.append(b), table...)
	t := trailer{index: int64(at), last: last}
	return t.append(b)
}

// FuzzDecode gives bodies to the decoder whose checksums are right, as somebody would who wants to do harm.
func FuzzDecode(f *testing.F) {
	_, b := exported(f, 26, 20)
	m := vfs.NewMemory()
	m.Put("x", b)
	r, err := openReader(m, "x")
	require.NoError(f, err)
	for i := range r.index.blocks {
		var d decoder
		require.NoError(f, r.block(&r.index.blocks[i], &d, nil))
		h := d.head
		body := d.unpacked
		if h.encoding == plain {
			body = d.stored[blockHeaderSize:]
		}
		f.Add(h.names, h.commits, h.rows, h.text, h.events, h.items, int64(h.last), slices.Clone(body[:h.size()]))
	}
	f.Fuzz(func(t *testing.T, names, commits, rows, text, events, items uint32, last int64, body []byte) {
		h := blockHeader{
			names: names, commits: commits, rows: rows, text: text, events: events, items: items,
			first: 1, last: cqrs.Position(last),
		}
		h.payload = uint32(len(body)) - names - commits - rows - text
		m := vfs.NewMemory()
		m.Put("x", forge(h, body, cqrs.Position(last)))
		_, err := check(context.Background(), small(m), "x", nil)
		if err == nil {
			return
		}
		var damaged *DamagedError
		require.ErrorAs(t, err, &damaged)
	})
}

// FuzzFile gives whole files to the reader.
func FuzzFile(f *testing.F) {
	for n := range 4 {
		_, b := exported(f, uint64(n), n*n)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := checkBytes(b); err != nil {
			var damaged *DamagedError
			var format *FormatError
			require.True(t, errors.As(err, &damaged) || errors.As(err, &format), "%v", err)
		}
	})
}

// TestDamageInTheReplayArchiveIsNeverRead changes, cuts, removes and replaces files of an archive, before it is opened
// and while it is read. Whatever is read is what the log holds.
func TestDamageInTheReplayArchiveIsNeverRead(t *testing.T) {
	ctx := context.Background()
	random := soak.Rand(t)
	found := 0
	for range soak.Rounds(300, 10_000) {
		m, log, fill := vfs.NewMemory(), memory.New(), newFiller(random.Uint64(), 7)
		a, err := with(ctx, small(m), log, "/archive")
		require.NoError(t, err)
		a.full = 4 << 10
		for range 1 + random.IntN(8) {
			fill.fill(t, log, 10)
			require.NoError(t, a.Seal(ctx))
		}
		want, events := records(t, log, eventlog.Query{}), a.Status().Events
		opened := random.IntN(2) == 0
		if opened {
			require.NoError(t, a.Close())
		}
		harm(t, m, random)
		if opened {
			a, err = with(ctx, small(m), log, "/archive")
			require.NoError(t, err)
		}
		at := random.IntN(len(want))
		got := []cqrs.Record{}
		for r, err := range a.Read(ctx, eventlog.Query{}) {
			require.NoError(t, err)
			r.StreamNumber = 0
			if got = append(got, *r); len(got) == at {
				harm(t, m, random)
			}
		}
		for i := range want {
			requireEqual(t, want[i], got[i])
		}
		require.Len(t, got, len(want))
		if a.Status().Events < events {
			found++
		}
		require.NoError(t, a.Seal(ctx))
		requireSame(t, log, a) // finds what was damaged behind the reader's back
		require.NoError(t, a.Seal(ctx))
		require.Equal(t, events, a.Status().Events, "the archive is made anew")
	}
	t.Logf("found %d times", found)
	assert.NotZero(t, found)
}

// harm does something bad to a file of an archive.
func harm(t *testing.T, m *vfs.Memory, random *rand.Rand) {
	t.Helper()
	names, err := m.ReadDir("/archive")
	require.NoError(t, err)
	if len(names) == 0 {
		return
	}
	name := "/archive/" + names[random.IntN(len(names))]
	b, _ := m.Bytes(name)
	switch random.IntN(5) {
	case 0:
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		m.Put(name, b)
	case 1:
		m.Put(name, b[:random.IntN(len(b))])
	case 2:
		m.Put(name, append(b, 1, 2, 3))
	case 3:
		require.NoError(t, m.Remove(name))
	case 4:
		_, other := exported(t, random.Uint64(), 20)
		m.Put(name, other)
	}
}

// sealed returns a log, and the one file of its archive.
func sealed(t *testing.T, seed uint64, n int) (log *memory.Log, name string, b []byte) {
	t.Helper()
	log = filled(t, seed, n)
	m := vfs.NewMemory()
	a := opened(t, m, log)
	a.full = fullSegment
	require.NoError(t, a.Seal(t.Context()))
	require.Len(t, a.segments, 1)
	name = a.segments[0].path
	b, _ = m.Bytes(name)
	return log, name, b
}

func TestAReplayArchiveWithAChangedByteIsNeverRead(t *testing.T) {
	log, name, b := sealed(t, 60, 20)
	random := soak.Rand(t)
	step := 1
	if testing.Short() {
		step = 3
	}
	for i := random.IntN(step); i < len(b); i += step {
		changed := slices.Clone(b)
		changed[i] ^= 1 << random.IntN(8)
		m := vfs.NewMemory()
		require.NoError(t, m.MkdirAll("/archive"))
		m.Put(name, b)
		a := opened(t, m, log)
		m.Put(name, changed) // behind the back of an archive that is open
		requireSame(t, log, a)
		a = opened(t, m, log)
		requireSame(t, log, a)
	}
}

func TestAFileOfAnotherArchiveOfTheSameShapeIsNeverRead(t *testing.T) {
	log, name, b := sealed(t, 61, 40)
	_, other, theirs := sealed(t, 61, 40) // the same but for the ids of commits
	require.Equal(t, name, other)
	m := vfs.NewMemory()
	require.NoError(t, m.MkdirAll("/archive"))
	m.Put(name, b)
	a := opened(t, m, log)
	m.Put(name, theirs)
	requireSame(t, log, a)
	assert.Zero(t, a.Status().Events, "it is dropped")
}

// forged returns an archive whose first block was changed and has a right checksum again.
func forged(t *testing.T, b []byte, change func(h *blockHeader, body []byte)) []byte {
	m := vfs.NewMemory()
	m.Put("x", b)
	r, err := openNumbered(m, "x", true)
	require.NoError(t, err)
	e := &r.index.blocks[0]
	var h blockHeader
	require.Empty(t, h.parse(b[e.offset:]))
	body := slices.Clone(b[e.offset+blockHeaderSize : e.offset+e.size])
	change(&h, body)
	h.body = checksum(body)
	out := append(h.append(slices.Clone(b[:e.offset])), body...)
	e.sum = h.sum
	return withIndex(r, append(out, b[e.offset+e.size:]...))
}

// withIndex returns an archive with the index that its reader has.
func withIndex(r *reader, b []byte) []byte {
	index := r.index.append(nil, &r.header)
	ih := blockHeader{
		kind: kindIndex, stored: uint32(len(index)), names: uint32(len(index)), body: checksum(index),
		previous: r.trailer.last, first: r.trailer.last, last: r.trailer.last,
	}
	out := slices.Clone(b[:r.trailer.index])
	return r.trailer.append(append(ih.append(out), index...))
}

// TestAReadGoesOnBehindTheLastEventThatWasRight changes an event within a block in a way that no checksum shows.
func TestAReadGoesOnBehindTheLastEventThatWasRight(t *testing.T) {
	log, name, b := sealed(t, 62, 40)
	m := vfs.NewMemory()
	require.NoError(t, m.MkdirAll("/archive"))
	m.Put(name, forged(t, b, func(h *blockHeader, body []byte) {
		row := int(h.names+h.commits) + 5*rowSize
		binary.LittleEndian.PutUint16(body[row:], 0xffff) // of a stream that there is not
	}))
	a := opened(t, m, log)
	require.NotZero(t, a.Status().Events)
	requireSame(t, log, a)
	assert.Zero(t, a.Status().Events, "it is dropped")
}
