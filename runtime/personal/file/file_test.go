package file_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/personal/file"
	"github.com/cqrsgen/cqrsgen/runtime/personal/personaltest"
)

func open(t *testing.T, dir string) *file.Store {
	s, err := file.Open(context.Background(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func TestTheFilePassesTheSuite(t *testing.T) {
	personaltest.Run(t, func(t *testing.T) func() personal.Store {
		dir := t.TempDir()
		return func() personal.Store { return open(t, dir) }
	})
}

func TestNobodyElseCanReadTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, "keys.db"): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode(), path)
	}
}

func TestNothingIsLeftInTheFilesOfAKeyThatIsDestroyed(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := open(t, dir)
	r := personal.Record{Subject: personal.Subject{Type: "A", ID: "1"}, Wrapped: make([]byte, 60)}
	rand.Read(r.ID[:])
	rand.Read(r.Wrapped)
	_, err := s.Create(ctx, r.Subject, r)
	require.NoError(t, err)
	holds := func() (n int) {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			require.NoError(t, err)
			n += bytes.Count(data, r.Wrapped)
		}
		return n
	}
	require.NotZero(t, holds())
	require.NoError(t, s.Destroy(ctx, r.Subject))
	assert.Zero(t, holds())
}

func TestADatabaseOfSomethingElseIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.db"), []byte("no database at all, but long enough"), 0o600))
	_, err := file.Open(context.Background(), dir)
	require.ErrorContains(t, err, "keys.db")
}
