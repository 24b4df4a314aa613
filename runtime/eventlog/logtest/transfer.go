package logtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var transferTests = []test{
	{"a log that is carried to another engine and back is the same", transferable(carriedAndBack)},
	{"commands come in the order of their positions, those without events included", transferable(commandsInOrder)},
	{"an import records the version that the commit says", transferable(importRecordsVersion)},
	{"an import stops at a conflict, and what came before is stored", transferable(importConflict)},
	{"an import stops at a command id that is on record", transferable(importReusedCommand)},
	{"an import stops at a commit that no engine can store", transferable(importInvalid)},
	{"an import stops when its commits do", transferable(importSourceFails)},
	{"an import stops when its context ends, and says how far it came", transferable(importContextEnds)},
	{"a closed log neither imports nor lists commands", transferable(transferClosed)},
}

// transferable skips a test for a log that is not an engine itself but wraps one.
func transferable(run func(*fixture, eventlog.Transfer)) func(*fixture) {
	return func(f *fixture) {
		log, ok := f.log.(eventlog.Transfer)
		if !ok {
			f.Skip("the log is no eventlog.Transfer")
		}
		run(f, log)
	}
}

// commands collects the commands on record.
func (f *fixture) commands(log eventlog.Transfer) []eventlog.CommandRecord {
	f.Helper()
	all := []eventlog.CommandRecord{}
	for c, err := range log.Commands(f.ctx) {
		require.NoError(f, err)
		all = append(all, *c)
	}
	return all
}

// commits returns the log as the commits that made it.
func (f *fixture) commits(log eventlog.Transfer) []eventlog.Commit {
	f.Helper()
	records := f.all(log.Read(f.ctx, eventlog.Query{}))
	withEvents := make(map[string]bool)
	for i := range records {
		withEvents[records[i].CommandID] = true
	}
	recorded := make(map[string]eventlog.CommandRecord)
	var alone []eventlog.CommandRecord
	for _, c := range f.commands(log) {
		recorded[c.Outcome.Meta.CommandID] = c
		if !withEvents[c.Outcome.Meta.CommandID] {
			alone = append(alone, c)
		}
	}
	var all []eventlog.Commit
	withoutEvents := func(before cqrs.Position) {
		for ; len(alone) > 0 && alone[0].Outcome.Position < before; alone = alone[1:] {
			all = append(all, recordedCommit(commit().ID, alone[0].Outcome.Meta, alone[0]))
		}
	}
	for i := range records {
		r := &records[i]
		if len(all) == 0 || all[len(all)-1].ID != r.Commit {
			withoutEvents(r.Position)
			meta := cqrs.CommandMeta{
				Time: r.Time, CommandID: r.CommandID, CorrelationID: r.CorrelationID, CausationID: r.CausationID, Actor: r.Actor,
			}
			all = append(all, recordedCommit(r.Commit, meta, recorded[r.CommandID]))
		}
		addRecord(&all[len(all)-1], r)
	}
	withoutEvents(1<<63 - 1)
	return all
}

// recordedCommit is a commit as far as the record of its command tells it.
func recordedCommit(id cqrs.CommitID, meta cqrs.CommandMeta, c eventlog.CommandRecord) eventlog.Commit {
	return eventlog.Commit{ID: id, Meta: meta, CommandHash: c.Hash, Version: c.Outcome.Version}
}

// addRecord adds an event to the commit that it belongs to.
func addRecord(c *eventlog.Commit, r *cqrs.Record) {
	if n := len(c.Streams); n == 0 || c.Streams[n-1].Stream != r.Stream {
		c.Streams = append(c.Streams, to(r.Stream, eventlog.Exactly(r.Version-1)))
	}
	s := &c.Streams[len(c.Streams)-1]
	s.Events = append(s.Events, eventlog.NewEvent{
		Type: r.Type, SchemaVersion: r.SchemaVersion, ContentType: r.ContentType, Data: r.Data,
	})
}

// each yields the commits, and lends them as Import says.
func each(commits []eventlog.Commit) iter.Seq2[*eventlog.Commit, error] {
	return func(yield func(*eventlog.Commit, error) bool) {
		for i := range commits {
			lent := commits[i]
			lent.Streams = nil
			for _, s := range commits[i].Streams {
				s.Events = append([]eventlog.NewEvent{}, s.Events...)
				for j := range s.Events {
					s.Events[j].Data = append([]byte{}, s.Events[j].Data...)
				}
				lent.Streams = append(lent.Streams, s)
			}
			ok := yield(&lent, nil)
			for _, s := range lent.Streams {
				for j := range s.Events {
					clear(s.Events[j].Data)
				}
				clear(s.Events)
			}
			clear(lent.Streams)
			lent = eventlog.Commit{}
			if !ok {
				return
			}
		}
	}
}

// carriedCommits are many of every kind: to several streams, under command ids, of commands without events.
func carriedCommits(f *fixture) []eventlog.Commit {
	var all []eventlog.Commit
	versions := make(map[cqrs.StreamID]cqrs.Version)
	grow := func(id string, events ...eventlog.NewEvent) eventlog.StreamAppend {
		s := to(stream(id), eventlog.Exactly(versions[stream(id)]), events...)
		versions[stream(id)] += cqrs.Version(len(events))
		return s
	}
	for i := range 700 {
		id := fmt.Sprint("cmd-", i)
		switch f.rand.IntN(4) {
		case 0:
			c := command(id, "nothing")
			c.Version = cqrs.Version(i)
			all = append(all, c)
		case 1:
			c := command(id, "two", grow("1", events("A", 2)...), grow(fmt.Sprint("b", i), event("B", i)))
			c.Meta.Actor, c.Meta.CorrelationID, c.Meta.CausationID = "ada", "cor", "cau"
			all = append(all, c)
		case 2:
			all = append(all, commit(grow(fmt.Sprint(i%7), eventlog.NewEvent{
				Type: "C", SchemaVersion: 3, ContentType: "application/octet-stream", Data: []byte{0, 255, byte(i)},
			}), grow("x", event("A", i))))
		default:
			all = append(all, commit(grow(fmt.Sprint(i%7), event("A", i), eventlog.NewEvent{
				Type: "Empty", SchemaVersion: 1, ContentType: cqrs.JSON,
			})))
		}
	}
	return all
}

// requireSame compares two logs in all but their positions, of which only the order counts.
func (f *fixture) requireSame(want, got eventlog.Transfer) {
	f.Helper()
	place := func(log eventlog.Transfer) ([]cqrs.Record, []eventlog.CommandRecord) {
		records, places := f.all(log.Read(f.ctx, eventlog.Query{})), make(map[cqrs.Position]cqrs.Position)
		for i := range records {
			places[records[i].Position] = cqrs.Position(i + 1)
			records[i].Position = cqrs.Position(i + 1)
			if len(records[i].Data) == 0 {
				records[i].Data = nil
			}
		}
		commands := f.commands(log)
		for i := range commands {
			commands[i].Outcome.Position = places[commands[i].Outcome.Position]
		}
		// Commands without events between two commits have one position, and no order.
		slices.SortFunc(commands, func(a, b eventlog.CommandRecord) int {
			return cmp.Or(cmp.Compare(a.Outcome.Position, b.Outcome.Position),
				strings.Compare(a.Outcome.Meta.CommandID, b.Outcome.Meta.CommandID))
		})
		return records, commands
	}
	wantRecords, wantCommands := place(want)
	gotRecords, gotCommands := place(got)
	require.Len(f, gotRecords, len(wantRecords))
	for i := range wantRecords {
		require.Equal(f, wantRecords[i], gotRecords[i])
	}
	require.Len(f, gotCommands, len(wantCommands))
	for i := range wantCommands {
		require.Equal(f, wantCommands[i], gotCommands[i])
	}
}

func carriedAndBack(f *fixture, log eventlog.Transfer) {
	first, second := memory.New(), memory.New()
	for _, c := range carriedCommits(f) {
		_, err := first.Append(f.ctx, c)
		require.NoError(f, err)
	}
	for _, hop := range []struct{ from, to eventlog.Transfer }{{first, log}, {log, second}} {
		commits := f.commits(hop.from)
		n, err := hop.to.Import(f.ctx, each(commits))
		require.NoError(f, err)
		require.EqualValues(f, len(commits), n)
		f.requireSame(hop.from, hop.to)
	}
	f.requireSame(first, second)
	f.requireOrder(f.readAll())
	if f.engine.Again != nil {
		require.NoError(f, f.engine.Close())
		again, ok := f.engine.Again(f).(eventlog.Transfer)
		require.True(f, ok)
		f.requireSame(first, again)
	}
}

func commandsInOrder(f *fixture, log eventlog.Transfer) {
	assert.Empty(f, f.commands(log))
	var want []eventlog.CommandRecord
	for i := range 30 {
		c := command(fmt.Sprint("cmd-", i), fmt.Sprint(i))
		c.Version = cqrs.Version(i)
		if i%3 == 1 {
			c.Streams = []eventlog.StreamAppend{to(stream(fmt.Sprint(i%4)), eventlog.Any, events("A", 2)...)}
		}
		want = append(want, eventlog.CommandRecord{Hash: c.CommandHash, Outcome: f.append(c)})
		f.append(commit(to(stream("other"), eventlog.Any, event("B", i))))
	}
	assert.Equal(f, want, f.commands(log))
	for c, err := range log.Commands(f.ctx) {
		require.NoError(f, err)
		assert.Equal(f, "cmd-0", c.Outcome.Meta.CommandID)
		break
	}
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	for c, err := range log.Commands(ctx) {
		assert.Nil(f, c)
		var stopped *eventlog.ReadError
		assert.ErrorAs(f, err, &stopped)
		assert.ErrorIs(f, err, context.Canceled)
	}
}

func importRecordsVersion(f *fixture, log eventlog.Transfer) {
	f.append(commit(to(stream("1"), eventlog.New, event("A", 0))))
	c := command("cmd-1", "x", to(stream("2"), eventlog.New, event("A", 0)), to(stream("1"), eventlog.Exactly(1), event("A", 1)))
	c.Version = 17
	n, err := log.Import(f.ctx, each([]eventlog.Commit{c}))
	require.NoError(f, err)
	require.EqualValues(f, 1, n)
	got, ok, err := f.log.Command(f.ctx, "cmd-1", c.CommandHash)
	require.NoError(f, err)
	require.True(f, ok)
	assert.Equal(f, eventlog.Appended{Position: f.head(), Version: 17, Meta: c.Meta, Repeated: true}, got)
	assert.Equal(f, got, f.append(c), "a retry of the command finds it")
}

// importsBut imports commits of which the one at index bad can't be stored, and returns the error.
func (f *fixture) importsBut(log eventlog.Transfer, bad int, commits []eventlog.Commit) error {
	f.Helper()
	before := f.count()
	n, err := log.Import(f.ctx, each(commits))
	require.Error(f, err)
	require.EqualValues(f, bad, n)
	records := f.readAll()
	f.requireOrder(records)
	events := 0
	for _, c := range commits[:bad] {
		for _, s := range c.Streams {
			events += len(s.Events)
		}
	}
	require.Len(f, records, before+events, "what came before is stored, and nothing else")
	n, err2 := log.Import(f.ctx, each(commits[bad+1:]))
	require.NoError(f, err2, "the log works on")
	require.EqualValues(f, len(commits)-bad-1, n)
	return err
}

// importable returns n commits, each to a stream of its own.
func importable(n int) []eventlog.Commit {
	all := make([]eventlog.Commit, n)
	for i := range all {
		all[i] = commit(to(stream(fmt.Sprint("s", i)), eventlog.New, events("A", 2)...))
	}
	return all
}

func importConflict(f *fixture, log eventlog.Transfer) {
	f.append(commit(to(stream("1"), eventlog.New, event("A", 0))))
	commits := importable(40)
	commits[25].Streams = append(commits[25].Streams, to(stream("1"), eventlog.Exactly(7), event("A", 7)))
	var conflict *cqrs.ConflictError
	require.ErrorAs(f, f.importsBut(log, 25, commits), &conflict)
	assert.Equal(f, cqrs.ConflictError{Stream: stream("1"), Expected: 7, Actual: 1}, *conflict)
}

func importReusedCommand(f *fixture, log eventlog.Transfer) {
	first := command("cmd-1", "x", to(stream("1"), eventlog.New, event("A", 0)))
	f.append(first)
	var reused *cqrs.CommandReusedError
	for i, same := range []eventlog.Commit{
		first,
		command("cmd-1", "another", to(stream("2"), eventlog.New, event("A", 0))),
		command("cmd-1", "x"),
	} {
		commits := importable(10)
		for j := range commits {
			commits[j].Streams[0].Stream = stream(fmt.Sprint(i, "-", j))
		}
		commits[3] = same
		require.ErrorAs(f, f.importsBut(log, 3, commits), &reused)
		assert.Equal(f, "cmd-1", reused.CommandID)
	}
	twice := importable(4)
	twice[1].Meta.CommandID, twice[2].Meta.CommandID = "cmd-2", "cmd-2"
	require.ErrorAs(f, f.importsBut(log, 2, twice), &reused)
}

func importInvalid(f *fixture, log eventlog.Transfer) {
	commits := importable(10)
	commits[8].ID = cqrs.CommitID{}
	var invalid *eventlog.InvalidCommitError
	require.ErrorAs(f, f.importsBut(log, 8, commits), &invalid)
}

func importSourceFails(f *fixture, log eventlog.Transfer) {
	broken := errors.New("the file ends here")
	commits := importable(5)
	n, err := log.Import(f.ctx, func(yield func(*eventlog.Commit, error) bool) {
		for c, err := range each(commits) {
			if !yield(c, err) {
				return
			}
		}
		yield(nil, broken)
	})
	require.ErrorIs(f, err, broken)
	assert.EqualValues(f, len(commits), n)
	assert.Len(f, f.readAll(), 2*len(commits))
	n, err = log.Import(f.ctx, each(nil))
	require.NoError(f, err)
	assert.Zero(f, n)
}

func importContextEnds(f *fixture, log eventlog.Transfer) {
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	commits := importable(3000)
	n, err := log.Import(ctx, func(yield func(*eventlog.Commit, error) bool) {
		i := 0
		for c, err := range each(commits) {
			if i++; i == 2000 {
				cancel()
			}
			if !yield(c, err) {
				return
			}
		}
	})
	require.ErrorIs(f, err, context.Canceled)
	require.LessOrEqual(f, n, int64(2000))
	f.append(commit(to(stream("last"), eventlog.New, event("A", 0))))
	var unknown *eventlog.UnknownOutcomeError
	if !errors.As(err, &unknown) {
		require.EqualValues(f, 2*n+1, f.count())
	}
	require.GreaterOrEqual(f, f.count(), int(2*n+1), "what it says to be stored is stored")
	f.requireOrder(f.readAll())
}

func transferClosed(f *fixture, log eventlog.Transfer) {
	require.NoError(f, f.engine.Close())
	n, err := log.Import(f.ctx, each(importable(2)))
	require.ErrorIs(f, err, cqrs.ErrClosed)
	assert.Zero(f, n)
	failed := 0
	for c, err := range log.Commands(f.ctx) {
		assert.Nil(f, c)
		require.ErrorIs(f, err, cqrs.ErrClosed)
		failed++
	}
	assert.Equal(f, 1, failed)
}
