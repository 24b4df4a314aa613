package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of 32 MiB until the test ends.
func smallDisk(t *testing.T, dir string) error {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=32m,mode=755"); err != nil {
		return err
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return nil
}
