package logtest

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var commandTests = []test{
	{"a repeated command returns its first outcome and stores nothing", repeatedCommand},
	{"a command id with another content is refused", reusedCommand},
	{"a command without events is recorded too", commandWithoutEvents},
	{"a command that met a conflict is not recorded", conflictIsNotRecorded},
	{"of concurrent commits of one command exactly one is stored", concurrentCommand},
}

func repeatedCommand(f *fixture) {
	c := command("cmd-1", "deposit 5",
		to(stream("1"), eventlog.New, events("Opened", 2)...), to(stream("2"), eventlog.New, event("Opened", 0)))
	c.Meta.Actor, c.Meta.CorrelationID, c.Meta.CausationID = "ada", "cor", "cau"
	first := f.append(c)
	f.append(commit(to(stream("1"), eventlog.Exactly(2), event("Other", 0))))
	before := f.readAll()

	first.Repeated = true
	again := c
	again.ID = commit().ID
	again.Meta.Time = now.AddDate(0, 0, 1)
	again.Meta.Actor = "bob"
	assert.Equal(f, first, f.append(again), "although its streams went on")
	assert.Equal(f, first, f.append(c))
	assert.Equal(f, before, f.readAll())
	assert.Equal(f, 4, f.count())

	got, ok, err := f.log.Command(f.ctx, "cmd-1", c.CommandHash)
	require.NoError(f, err)
	assert.True(f, ok)
	assert.Equal(f, first, got)
	_, ok, err = f.log.Command(f.ctx, "cmd-2", c.CommandHash)
	require.NoError(f, err)
	assert.False(f, ok)
}

func reusedCommand(f *fixture) {
	f.append(command("cmd-1", "deposit 5", to(stream("1"), eventlog.Any, event("Deposited", 5))))
	var reused *cqrs.CommandReusedError
	for _, streams := range [][]eventlog.StreamAppend{
		{to(stream("1"), eventlog.Any, event("Deposited", 6))},
		{to(stream("1"), eventlog.New, event("Deposited", 6))},
		nil,
	} {
		_, err := f.log.Append(f.ctx, command("cmd-1", "deposit 6", streams...))
		require.ErrorAs(f, err, &reused)
		assert.Equal(f, "cmd-1", reused.CommandID)
	}
	_, ok, err := f.log.Command(f.ctx, "cmd-1", sha256.Sum256([]byte("deposit 6")))
	require.ErrorAs(f, err, &reused)
	assert.False(f, ok)
	assert.Equal(f, 1, f.count())
}

func commandWithoutEvents(f *fixture) {
	before := f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	c := command("cmd-1", "nothing to do")
	c.Version = 7
	first := f.append(c)
	assert.Equal(f, before.Position, first.Position, "the position is that of the head")
	assert.Equal(f, cqrs.Version(7), first.Version, "the version is what the commit says")
	assert.False(f, first.Repeated)
	f.append(commit(to(stream("1"), eventlog.Exactly(1), event("Closed", 0))))
	first.Repeated = true
	assert.Equal(f, first, f.append(c))
	c.Version = 8
	assert.Equal(f, first, f.append(c), "the first version stays")
	got, ok, err := f.log.Command(f.ctx, "cmd-1", c.CommandHash)
	require.NoError(f, err)
	assert.True(f, ok)
	assert.Equal(f, first, got)

	withEvents := commit(to(stream("2"), eventlog.New, event("Opened", 0)))
	withEvents.Version = 7
	assert.Equal(f, cqrs.Version(1), f.append(withEvents).Version, "with streams it is ignored")
	assert.Equal(f, 3, f.count())
}

func conflictIsNotRecorded(f *fixture) {
	c := command("cmd-1", "x", to(stream("1"), eventlog.Exactly(1), event("Closed", 0)))
	var conflict *cqrs.ConflictError
	_, err := f.log.Append(f.ctx, c)
	require.ErrorAs(f, err, &conflict)
	_, ok, err := f.log.Command(f.ctx, "cmd-1", c.CommandHash)
	require.NoError(f, err)
	assert.False(f, ok)
	f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	got := f.append(c)
	assert.False(f, got.Repeated)
	assert.Equal(f, cqrs.Version(2), got.Version)
}

func concurrentCommand(f *fixture) {
	const callers, commands = 16, 20
	for i := range commands {
		c := command("cmd-"+string(rune('a'+i)), "x", to(stream("1"), eventlog.Any, event("Opened", i)))
		var wg sync.WaitGroup
		var firsts atomic.Int32
		outcomes := make([]eventlog.Appended, callers)
		for j := range callers {
			wg.Go(func() {
				got, err := f.log.Append(f.ctx, c)
				assert.NoError(f, err)
				if !got.Repeated {
					firsts.Add(1)
				}
				got.Repeated = false
				outcomes[j] = got
			})
		}
		wg.Wait()
		assert.EqualValues(f, 1, firsts.Load())
		for _, o := range outcomes {
			assert.Equal(f, outcomes[0], o)
		}
	}
	assert.Equal(f, commands, f.count())
}
