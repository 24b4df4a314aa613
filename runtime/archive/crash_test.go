package archive

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
)

// seeds calls f with the seeds of a series of power cuts.
func seeds(t *testing.T, f func(t *testing.T, seed uint64)) {
	first := soak.Seed(t)
	all := soak.Rounds(500, 100_000)
	for i := range all {
		if f(t, first+uint64(i)); t.Failed() {
			t.Fatalf("with the seed %d", first+uint64(i))
		}
	}
	soak.Logf(t, "%d of %d power cuts, from seed %d", all, all, first)
}

// operations returns how many operations of the file system f takes.
func operations(t *testing.T, f func(vfs.FS) error) int {
	counted := &vfs.Faulty{FS: vfs.NewMemory()}
	require.NoError(t, f(counted))
	return counted.Operations()
}

// TestAnExportSurvivesALossOfPower cuts the power at a random operation of an export, or behind the last one.
func TestAnExportSurvivesALossOfPower(t *testing.T) {
	ctx := context.Background()
	log := filled(t, 3, 60)
	write := func(fsys vfs.FS) error {
		_, err := export(ctx, small(fsys), log, "/log.archive", Range{}, nil)
		return err
	}
	all := operations(t, write)
	whole, absent := 0, 0
	seeds(t, func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 2))
		m := vfs.NewMemory()
		at := 1 + random.IntN(all+1)
		if random.IntN(2) == 0 {
			at = all + 1 - random.IntN(6) // at the end it matters most
		}
		reported := write(vfs.StopAt(m, at)) == nil
		m.Crash(seed)

		_, err := verify(ctx, small(m), "/log.archive", log, nil)
		require.True(t, err == nil || !reported, "what was reported as exported is there: %v", err)
		if err == nil {
			whole++
			return
		}
		absent++
		require.ErrorIs(t, err, fs.ErrNotExist, "a file has its name only when all of it is durable")
		require.NoError(t, write(m), "and it can be exported again")
	})
	t.Logf("%d whole, %d absent, of %d operations", whole, absent, all)
}

// TestTheReplayArchiveSurvivesALossOfPower fills a log and seals it again and again, cuts the power at a random
// operation, and reads.
func TestTheReplayArchiveSurvivesALossOfPower(t *testing.T) {
	ctx := context.Background()
	const rounds = 6
	sealAll := func(fsys vfs.FS, log *memory.Log, fill *filler, full int64) error {
		a, err := with(ctx, small(fsys), log, "/archive")
		if err != nil {
			return err
		}
		a.full = full
		for range rounds {
			fill.fill(t, log, 4)
			if err := a.Seal(ctx); err != nil {
				return err
			}
		}
		return a.Close()
	}
	all := operations(t, func(fsys vfs.FS) error { return sealAll(fsys, memory.New(), newFiller(1, 5), 4<<10) })
	served := 0
	seeds(t, func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 2))
		m, log, fill := vfs.NewMemory(), memory.New(), newFiller(seed, 5)
		err := sealAll(vfs.StopAt(m, 1+random.IntN(all)), log, fill, 4<<10)
		m.Crash(seed)

		a, failed := with(ctx, small(m), log, "/archive")
		require.NoError(t, failed)
		if err == nil {
			head, _ := log.Head(ctx)
			require.Equal(t, head, a.Status().Through, "what was sealed is there")
		}
		if a.Status().Events > 0 {
			served++
		}
		requireSame(t, log, a)
		require.NoError(t, a.Seal(ctx))
		requireSame(t, log, a)
		requireTidy(t, m, a)
	})
	t.Logf("%d times there was an archive left", served)
}

// requireTidy checks that the directory holds the archive's files and no others.
func requireTidy(t *testing.T, fsys vfs.FS, a *Log) {
	t.Helper()
	names, err := fsys.ReadDir(a.dir)
	require.NoError(t, err)
	want := []string{}
	for _, s := range a.segments {
		want = append(want, s.name)
	}
	require.ElementsMatch(t, want, names)
}
