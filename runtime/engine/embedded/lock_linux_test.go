package embedded

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Without its lock on the database file, another process may take itself for the only one and delete the write-ahead
// log that this one goes on writing to.
func TestOpeningALogTwiceKeepsTheLocksOfTheFirst(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	second, err := Open(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, second.Close())

	file, err := os.Open(first.Path())
	require.NoError(t, err)
	defer file.Close()
	// The bytes that SQLite's shared lock covers (https://www.sqlite.org/src/file/src/os.h).
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: 0x40000000 + 2, Len: 510}
	require.NoError(t, unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lock))
	assert.EqualValues(t, unix.F_RDLCK, lock.Type, "the lock is held")
	assert.EqualValues(t, os.Getpid(), lock.Pid)
}
