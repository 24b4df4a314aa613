//go:build !linux

package sqlitedb

// networkFileSystem can't tell network file systems from others on this system.
func networkFileSystem(string) (string, error) { return "", nil }
