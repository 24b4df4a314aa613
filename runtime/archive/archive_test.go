package archive

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
)

func TestWhatIsExportedIsImported(t *testing.T) {
	ctx := context.Background()
	for _, commits := range []int{0, 1, 10, 3000} {
		from := filled(t, 1, commits)
		path := filepath.Join(t.TempDir(), "log.archive")
		exported, err := Export(ctx, from, path, Range{}, nil)
		require.NoError(t, err)
		checked, err := Check(ctx, path, nil)
		require.NoError(t, err)
		assert.Equal(t, exported, checked)
		into := memory.New()
		imported, err := Import(ctx, path, into, nil)
		require.NoError(t, err)
		assert.Equal(t, exported, imported)
		verified, err := Verify(ctx, path, into, nil)
		require.NoError(t, err)
		assert.Equal(t, exported, verified)
		requireSameContent(t, contentOf(t, from), contentOf(t, into))
		again, err := Import(ctx, path, into, nil)
		require.NoError(t, err)
		assert.EqualValues(t, commits, again.Skipped, "all of it is there already")
		said, err := Stat(path)
		require.NoError(t, err)
		assert.Equal(t, exported, said)
	}
}

// archived puts a replay archive of small segments in front of a log, and seals all of the log after each append.
type archived struct {
	*Log
	t testing.TB
}

func (a *archived) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	got, err := a.Log.Append(ctx, c)
	if err == nil {
		if err := a.Seal(context.WithoutCancel(ctx)); !errors.Is(err, cqrs.ErrClosed) {
			require.NoError(a.t, err)
		}
	}
	return got, err
}

func TestALogWithAnArchiveBehavesAsALog(t *testing.T) {
	logtest.Run(t, func(t testing.TB) logtest.Harness {
		store := memory.New()
		log, err := with(context.Background(), small(vfs.NewMemory()), store, "archive")
		require.NoError(t, err)
		log.full = 1 << 10
		t.Cleanup(func() { require.NoError(t, log.Close()) })
		a := &archived{log, t}
		return logtest.Harness{Log: a, Snapshots: a, Gapless: true, Close: store.Close}
	})
}
