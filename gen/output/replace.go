package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace gives a file a new content, all of it or none, and leaves it its mode. Where the path is a link, the file that
// it leads to is replaced.
func Replace(path string, content []byte) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(real))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(real)
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	if err := writeBeside(root, name, content, info.Mode().Perm()); err != nil {
		return err
	}
	return root.Rename(temporary(name), name)
}

// writeBeside writes a file's new content beside it.
func writeBeside(root *os.Root, name string, content []byte, mode fs.FileMode) error {
	if err := root.Remove(temporary(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w, err := root.OpenFile(temporary(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, werr := w.Write(content)
	if err := errors.Join(w.Chmod(mode), werr, w.Close()); err != nil {
		return errors.Join(err, root.Remove(temporary(name)))
	}
	return nil
}
