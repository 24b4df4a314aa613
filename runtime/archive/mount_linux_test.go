package archive

import "golang.org/x/sys/unix"

func mount(dir, bytes string) error { return unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+bytes) }

func unmount(dir string) error { return unix.Unmount(dir, 0) }
