package logtest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var snapshotTests = []test{
	{"a stream without a snapshot has none", snapshotless(noSnapshot)},
	{"the newest snapshot of each stream is kept", snapshotless(newestSnapshot)},
	{"the streams of a category that have a snapshot are listed", snapshotless(snapshotsListed)},
	{"snapshots are written while events are appended", snapshotless(snapshotsUnderLoad)},
}

// snapshotless skips a test of snapshots for an engine without a store for them.
func snapshotless(run func(*fixture)) func(*fixture) {
	return func(f *fixture) {
		if f.engine.Snapshots == nil {
			f.Skip("the engine stores no snapshots")
		}
		run(f)
	}
}

func (f *fixture) loadSnapshot(s cqrs.StreamID) []byte {
	f.Helper()
	got, err := f.engine.Snapshots.LoadSnapshot(f.ctx, s)
	require.NoError(f, err)
	return got
}

func noSnapshot(f *fixture) {
	assert.Nil(f, f.loadSnapshot(stream("1")))
	f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	assert.Nil(f, f.loadSnapshot(stream("1")))
}

func newestSnapshot(f *fixture) {
	f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	sealed := []byte("first")
	require.NoError(f, f.engine.Snapshots.SaveSnapshot(f.ctx, stream("1"), sealed))
	clear(sealed)
	require.NoError(f, f.engine.Snapshots.SaveSnapshot(f.ctx, stream("without events"), []byte{0, 255}))
	got := f.loadSnapshot(stream("1"))
	assert.Equal(f, "first", string(got))
	clear(got)
	assert.Equal(f, "first", string(f.loadSnapshot(stream("1"))))

	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	require.NoError(f, f.engine.Snapshots.SaveSnapshot(f.ctx, stream("1"), big))
	assert.True(f, bytes.Equal(big, f.loadSnapshot(stream("1"))))
	assert.Equal(f, []byte{0, 255}, f.loadSnapshot(stream("without events")))
	assert.Nil(f, f.loadSnapshot(cqrs.StreamID{Category: "Other", ID: "1"}))

	got2 := f.append(commit(to(stream("without events"), eventlog.New, event("Opened", 0))))
	assert.Equal(f, cqrs.Version(1), got2.Version, "a snapshot is no event")
	assert.Len(f, f.readAll(), 2)
}

func snapshotsListed(f *fixture) {
	list := func(category string) []string {
		ids := []string{}
		for s, err := range f.engine.Snapshots.ListSnapshots(f.ctx, category) {
			require.NoError(f, err)
			require.Equal(f, category, s.Category)
			ids = append(ids, s.ID)
		}
		slices.Sort(ids)
		return ids
	}
	assert.Empty(f, list("Account"))
	const many = 1100 // more than any engine lists in one go
	want := make([]string, many)
	var wg sync.WaitGroup
	for w := range 50 {
		wg.Go(func() {
			for i := w; i < many; i += 50 {
				want[i] = fmt.Sprintf("a/*.> %d", i)
				assert.NoError(f, f.engine.Snapshots.SaveSnapshot(f.ctx, stream(want[i]), []byte("x")))
			}
		})
	}
	wg.Wait()
	slices.Sort(want)
	for range 2 {
		assert.NoError(f, f.engine.Snapshots.SaveSnapshot(f.ctx, cqrs.StreamID{Category: "AccountX", ID: "1"}, []byte("x")))
	}
	f.append(commit(to(stream("without a snapshot"), eventlog.New, event("Opened", 0))))
	assert.Equal(f, want, list("Account"))
	assert.Equal(f, []string{"1"}, list("AccountX"))
	assert.Empty(f, list("account"))
	for _, err := range f.engine.Snapshots.ListSnapshots(f.ctx, "Account") {
		require.NoError(f, err)
		break
	}
}

func snapshotsUnderLoad(f *fixture) {
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			s := stream(fmt.Sprint(w))
			for i := range 25 {
				_, err := f.log.Append(f.ctx, commit(to(s, eventlog.Exactly(cqrs.Version(i)), event("Opened", i))))
				assert.NoError(f, err)
				want := bytes.Repeat([]byte{byte(i)}, 1+i*100)
				assert.NoError(f, f.engine.Snapshots.SaveSnapshot(f.ctx, s, want))
				got, err := f.engine.Snapshots.LoadSnapshot(f.ctx, s)
				assert.NoError(f, err)
				assert.Equal(f, want, got)
			}
		})
	}
	wg.Wait()
	f.requireOrder(f.readAll())
}
