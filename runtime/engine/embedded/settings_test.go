package embedded

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// withOtherTools opens the file as other programs do, without this package's settings.
func withOtherTools(t *testing.T, path, query string) {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	require.NoError(t, err)
	require.NoError(t, runScript(c, query))
	require.NoError(t, c.Close())
}

func pragma(t *testing.T, c *sqlite.Conn, name string) string {
	t.Helper()
	got, err := sqlitex.ResultText(c.Prep("PRAGMA " + name))
	require.NoError(t, err)
	return got
}

func TestALogThatOtherToolsLeftWithOtherSettingsIsDurableWhenItIsOpened(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(t.Context(), dir)
	require.NoError(t, err)
	_, err = l.Append(t.Context(), oneEvent(contended, eventlog.New))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for i, left := range []string{
		"PRAGMA journal_mode=DELETE", "PRAGMA journal_mode=TRUNCATE",
		// VACUUM may change the size of pages, or the way in which free ones are kept.
		"PRAGMA journal_mode=DELETE; PRAGMA page_size=512; VACUUM", "PRAGMA journal_mode=DELETE; PRAGMA page_size=65536; VACUUM",
		"PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=FULL; VACUUM",
	} {
		withOtherTools(t, filepath.Join(dir, fileName), left)
		l := open(t, dir)
		reader, err := l.readers.Get(t.Context())
		require.NoError(t, err)
		// The writer has nothing to do, so that its connection may be asked.
		for _, c := range []*sqlite.Conn{l.writer.conn, reader} {
			assert.Equal(t, "wal", pragma(t, c, "journal_mode"), left)
			assert.Equal(t, "2", pragma(t, c, "synchronous"), left)
			assert.Equal(t, "1", pragma(t, c, "fullfsync"), left)
		}
		l.readers.Put(reader)
		_, err = l.Append(t.Context(), oneEvent(contended, eventlog.Exactly(cqrs.Version(i+1))))
		require.NoError(t, err)
		require.Len(t, requireSound(t, l), i+2)
		require.NoError(t, l.Close())
	}
}

func TestAProgramThatKeepsTheLogInAnotherModeIsNamedAsTheReason(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	l, err := Open(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	other, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	require.NoError(t, err)
	defer func() { assert.NoError(t, other.Close()) }()
	// An exclusive lock stands for a program that has opened the log with settings of its own.
	require.NoError(t, runScript(other, "PRAGMA journal_mode=DELETE; PRAGMA locking_mode=EXCLUSIVE"))
	require.NoError(t, sqlitex.ExecuteTransient(other, "BEGIN EXCLUSIVE", nil))
	if testing.Short() {
		t.Skip("it waits for the lock, ten seconds")
	}
	_, err = Open(t.Context(), dir)
	assert.ErrorContains(t, err, "locked by another connection")
	assert.ErrorContains(t, err, path)
	require.NoError(t, sqlitex.ExecuteTransient(other, "ROLLBACK", nil))
}

func TestAFileOfRandomBytesIsRefused(t *testing.T) {
	random := soak.Rand(t)
	for _, size := range []int{1, 16, 100, 512, 4096, 100_000} {
		for _, header := range []string{"", "SQLite format 3\x00"} {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			// What an encrypted database looks like, and one whose first page was written over.
			content := append([]byte(header), randomBytes(random, size)...)
			require.NoError(t, os.WriteFile(path, content, 0o600))
			_, err := Open(t.Context(), dir)
			name := fmt.Sprintf("%d bytes behind %q", size, header)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused, name)
			assert.Equal(t, path, refused.Path, name)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(content, after), "%s: the file was changed", name)
		}
	}
}

func randomBytes(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.IntN(256))
	}
	return b
}

func TestAWriteAheadLogThatCannotBeWrittenIsRefused(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm"} {
		dir := t.TempDir()
		l, err := Open(t.Context(), dir)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		// A directory in the place of the file can't be opened, not even by root.
		require.NoError(t, os.MkdirAll(filepath.Join(dir, fileName+suffix, "x"), 0o700))
		_, err = Open(t.Context(), dir)
		var refused *RefusedError
		require.ErrorAs(t, err, &refused, suffix)
		assert.ErrorContains(t, refused, "can't be", suffix)
	}
}

func TestTheSizeOfTheWriteAheadLogIsShownAndComesDownOnceNobodyReads(t *testing.T) {
	if testing.Short() {
		t.Skip("much is written")
	}
	l := open(t, t.TempDir())
	size := func() int64 {
		n, err := l.WriteAheadLog()
		require.NoError(t, err)
		return n
	}
	big := func() {
		c := oneEvent(contended, eventlog.Any)
		c.Streams[0].Events[0].Data = make([]byte, 900<<10)
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
	}
	other, err := sqlite.OpenConn(l.Path(), sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { assert.NoError(t, other.Close()) }()
	big()
	assert.Greater(t, size(), int64(900<<10))
	require.NoError(t, runScript(other, "BEGIN; SELECT count(*) FROM events"))
	for size() < walLimit+8<<20 {
		big()
	}
	require.NoError(t, sqlitex.ExecuteTransient(other, "COMMIT", nil))
	for size() > walLimit {
		big() // the size is looked at once a second
	}
	assert.LessOrEqual(t, size(), int64(walLimit))
}

func TestASmallReadBufferHoldsLittle(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	want := 0
	for i := range 300 {
		c := oneEvent(contended, eventlog.Exactly(cqrs.Version(i)))
		c.Streams[0].Events[0].Data = make([]byte, i*97%5000)
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
		want++
	}
	for _, buffer := range []int{0, 1, 10_000, 100_000, 1 << 30} {
		l, err := Open(t.Context(), dir, ReadBuffer(buffer))
		require.NoError(t, err)
		for _, seq := range []func(func(*cqrs.Record, error) bool){
			l.Read(t.Context(), eventlog.Query{}), l.ReadStream(t.Context(), contended, 1),
			l.ReadStreamBackwards(t.Context(), contended, 0),
		} {
			n := 0
			for r, err := range seq {
				require.NoError(t, err)
				require.Len(t, r.Data, int(r.Version-1)*97%5000)
				n++
			}
			require.Equal(t, want, n, "a buffer of %d bytes", buffer)
		}
		var c chunk
		r := logReader{log: l}
		for c.more = true; c.more; {
			l.fetch(t.Context(), r.fetch, &c)
			require.NoError(t, c.err)
			held := len(c.data) + len(c.text) + len(c.records)*recordBytes
			require.True(t, len(c.records) == 1 || held*chunksAtOnce <= buffer, "%d bytes in chunks of %d", buffer, held)
		}
		require.NoError(t, l.Close())
	}
}
