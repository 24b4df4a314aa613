package archive

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// numbers are those that a log has given to streams since it was opened.
type numbers struct {
	streams map[uint32]cqrs.StreamID
	of      map[cqrs.StreamID]uint32
}

func newNumbers() *numbers { return &numbers{map[uint32]cqrs.StreamID{}, map[cqrs.StreamID]uint32{}} }

// read reads the log behind a position, checks the numbers, and returns how many records had one.
func (n *numbers) read(t *testing.T, log *Log, after cqrs.Position) (numbered int) {
	t.Helper()
	for r, err := range log.Read(t.Context(), eventlog.Query{After: after}) {
		require.NoError(t, err)
		if r.StreamNumber == 0 {
			continue
		}
		numbered++
		if _, ok := n.of[r.Stream]; !ok {
			require.NotContains(t, n.streams, r.StreamNumber, "it stands for another stream than %s", r.Stream)
			n.of[r.Stream], n.streams[r.StreamNumber] = r.StreamNumber, r.Stream
		}
		require.Equal(t, n.of[r.Stream], r.StreamNumber, "%s", r.Stream)
	}
	return numbered
}

func TestAStreamKeepsItsNumberWhileFilesAreAddedAndMerged(t *testing.T) {
	log, files := memory.New(), vfs.NewMemory()
	keeper, other := opened(t, files, log), opened(t, files, log, Every(0))
	mine, theirs := newNumbers(), newNumbers()
	fill := newFiller(70, 60)
	for range 60 {
		fill.fill(t, log, 1+fill.random.IntN(30))
		require.NoError(t, keeper.Seal(t.Context()))
		after := cqrs.Position(fill.random.Int64N(int64(headOf(log))))
		mine.read(t, keeper, after)
		theirs.read(t, other, after)
	}
	all := len(records(t, log, eventlog.Query{}))
	assert.Equal(t, all, mine.read(t, keeper, 0), "every record has a number")
	assert.Equal(t, all, theirs.read(t, other, 0))
	assert.Equal(t, mine, theirs, "numbers follow from the log alone")
	assert.Less(t, keeper.Status().Files, 60, "files were merged")
	require.NoError(t, keeper.Close())
	again := newNumbers()
	assert.Equal(t, all, again.read(t, opened(t, files, log), 0))
	assert.Equal(t, mine, again)
}

func TestStreamsBeyondTheBoundHaveNoNumber(t *testing.T) {
	log, files := memory.New(), vfs.NewMemory()
	a := opened(t, files, log)
	a.most = 7
	fill := newFiller(71, 40)
	for range 30 {
		fill.fill(t, log, 20)
		require.NoError(t, a.Seal(t.Context()))
		requireSame(t, log, a)
	}
	n := newNumbers()
	n.read(t, a, 0)
	assert.Len(t, n.of, 7)
	require.NoError(t, a.Close())

	a = opened(t, files, log)
	a.most = 20
	n = newNumbers()
	for range 30 {
		fill.fill(t, log, 20)
		require.NoError(t, a.Seal(t.Context()), "also where the bound was lower before")
		n.read(t, a, 0)
		requireSame(t, log, a)
	}
	assert.Greater(t, len(n.of), 7)
	require.NoError(t, a.Close())
	requireSame(t, log, opened(t, files, log))
}

func TestNoNumberIsGivenOnceOneMayHaveStoodForAnotherStream(t *testing.T) {
	log, files := filled(t, 72, 300), vfs.NewMemory()
	a, other := opened(t, files, log), opened(t, files, log, Every(0))
	require.NoError(t, a.Seal(t.Context()))
	require.Greater(t, a.Status().Files, 1)
	n, theirs := newNumbers(), newNumbers()
	require.NotZero(t, n.read(t, a, 0))
	require.NotZero(t, theirs.read(t, other, 0))
	a.drop(a.segments[1], fmt.Errorf("the log has another history"))
	n.read(t, a, 0)
	require.NoError(t, a.Seal(t.Context()))
	assert.Zero(t, n.read(t, a, 0))
	requireSame(t, log, a)
	theirs.read(t, other, 0)
	requireSame(t, log, other)
	require.NoError(t, a.Close())
	assert.NotZero(t, newNumbers().read(t, opened(t, files, log), 0), "a log that is opened again numbers anew")
}

func TestASegmentThatNumbersOtherStreamsIsDropped(t *testing.T) {
	log, name, b := sealed(t, 73, 40)
	m := vfs.NewMemory()
	require.NoError(t, m.MkdirAll("/archive"))
	changed := forged(t, b, func(*blockHeader, []byte) {})
	m.Put("x", changed)
	r, err := openNumbered(m, "x", true)
	require.NoError(t, err)
	r.index.streams.first = 3
	m.Put(name, withIndex(r, changed))
	a := opened(t, m, log)
	assert.Zero(t, a.Status().Events)
	requireSame(t, log, a)
}

func TestASegmentOfTheFormatBeforeIsMadeAnew(t *testing.T) {
	log, name, _ := sealed(t, 74, 40)
	m := vfs.NewMemory()
	require.NoError(t, m.MkdirAll("/archive"))
	_, err := export(t.Context(), small(m), log, name, Range{}, nil)
	require.NoError(t, err)
	a := opened(t, m, log)
	assert.Zero(t, a.Status().Events)
	requireSame(t, log, a)
	require.NoError(t, a.Seal(t.Context()))
	assert.NotZero(t, newNumbers().read(t, a, 0))
	_, err = check(t.Context(), small(m), a.segments[0].path, nil)
	var format *FormatError
	require.ErrorAs(t, err, &format, "a segment is no export")
}
