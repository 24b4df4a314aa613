//go:build unix

package embedded

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks the file until it is closed. It reports whether that was possible without waiting.
func tryLock(file *os.File) (bool, error) {
	switch err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
	case nil:
		return true, nil
	case unix.EWOULDBLOCK, unix.EINTR:
		return false, nil
	default:
		return false, &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
}
