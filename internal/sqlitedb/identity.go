package sqlitedb

import "path/filepath"

// Identity names the database in the file at path, so that two who have it open can tell that it is the same one.
func Identity(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return "sqlite:" + path
}
