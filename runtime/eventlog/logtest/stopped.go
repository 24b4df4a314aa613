package logtest

import (
	"context"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var stoppedTests = []test{
	{"an iteration whose context ends says where it stopped", contextStops},
	{"a read of a log that is closed says where it stopped", closeStops("all")},
	{"a read by type of a log that is closed says where it stopped", closeStops("types")},
	{"a read by category of a log that is closed says where it stopped", closeStops("categories")},
	{"a read of a stream of a log that is closed says where it stopped", closeStops("stream")},
	{"a read backwards of a log that is closed says where it stopped", closeStops("backwards")},
	{"an iteration that can't begin says so", cannotBegin},
}

// reads are the ways to read a log, with the stream that the error names.
func reads(log eventlog.Log) map[string]struct {
	stream cqrs.StreamID
	start  func(context.Context) func(func(*cqrs.Record, error) bool)
} {
	type read = struct {
		stream cqrs.StreamID
		start  func(context.Context) func(func(*cqrs.Record, error) bool)
	}
	query := func(q eventlog.Query) read {
		return read{start: func(ctx context.Context) func(func(*cqrs.Record, error) bool) { return log.Read(ctx, q) }}
	}
	return map[string]read{
		"all":        query(eventlog.Query{}),
		"types":      query(eventlog.Query{Types: []string{"A"}}),
		"categories": query(eventlog.Query{Categories: []string{"Account"}}),
		"stream": {stream("1"), func(ctx context.Context) func(func(*cqrs.Record, error) bool) {
			return log.ReadStream(ctx, stream("1"), 1)
		}},
		"backwards": {stream("1"), func(ctx context.Context) func(func(*cqrs.Record, error) bool) {
			return log.ReadStreamBackwards(ctx, stream("1"), 0)
		}},
	}
}

// fillTwoStreams stores more than any engine has on its way to a reader: of each pair the first is wanted.
func fillTwoStreams(f *fixture) {
	for range 4 * bigLog / 100 {
		f.append(commit(
			to(stream("1"), eventlog.Any, events("A", 100)...),
			to(cqrs.StreamID{Category: "Other", ID: "1"}, eventlog.Any, event("B", 0)),
		))
	}
}

// requireStoppedBehind checks that err is a *ReadError about the last record that was read.
func requireStoppedBehind(f *fixture, name string, stream cqrs.StreamID, read []cqrs.Record, err error) {
	f.Helper()
	var stopped *eventlog.ReadError
	require.ErrorAs(f, err, &stopped, name)
	last := read[len(read)-1]
	require.Equal(f, stream, stopped.Stream, name)
	require.Equal(f, last.Position, stopped.Position, name)
	require.Equal(f, last.Version, stopped.Version, name)
	require.NotEmpty(f, stopped.Error())
}

// readUntil reads, and calls stop after a few records.
func readUntil(f *fixture, seq func(func(*cqrs.Record, error) bool), stop func()) (read []cqrs.Record, failed error) {
	f.Helper()
	for r, err := range seq {
		require.NoError(f, failed, "an iteration is over after an error")
		if err != nil {
			require.Nil(f, r)
			failed = err
			continue
		}
		if read = append(read, f.unnumbered(r)); len(read) == 10 {
			stop()
		}
	}
	return read, failed
}

func contextStops(f *fixture) {
	fillTwoStreams(f)
	for name, read := range reads(f.log) {
		whole := f.all(read.start(f.ctx))
		ctx, cancel := context.WithCancel(f.ctx)
		got, err := readUntil(f, read.start(ctx), cancel)
		require.ErrorIs(f, err, context.Canceled, name)
		requireStoppedBehind(f, name, read.stream, got, err)
		require.Equal(f, positions(whole[:len(got)]), positions(got), "%s: what was read has no gaps", name)
		if read.stream != (cqrs.StreamID{}) || name == "types" {
			continue
		}
		rest := f.all(f.log.Read(f.ctx, eventlog.Query{After: got[len(got)-1].Position}))
		all := f.readAll()
		want := slices.IndexFunc(all, func(r cqrs.Record) bool { return r.Position == got[len(got)-1].Position })
		require.Equal(f, positions(all[want+1:]), positions(rest), "%s: reading goes on behind it", name)
	}
}

// closeStops closes the log while it is read in one way.
func closeStops(way string) func(*fixture) {
	return func(f *fixture) {
		fillTwoStreams(f)
		read := reads(f.log)[way]
		got, err := readUntil(f, read.start(f.ctx), func() { assert.NoError(f, f.engine.Close()) })
		require.ErrorIs(f, err, cqrs.ErrClosed)
		requireStoppedBehind(f, way, read.stream, got, err)
	}
}

func cannotBegin(f *fixture) {
	f.append(commit(to(stream("1"), eventlog.New, event("A", 0))))
	after := f.head()
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	for r, err := range f.log.Read(ctx, eventlog.Query{After: after, Through: after + 1}) {
		assert.Nil(f, r)
		var stopped *eventlog.ReadError
		require.ErrorAs(f, err, &stopped)
		assert.ErrorIs(f, err, context.Canceled)
		assert.Equal(f, after, stopped.Position)
	}
	for r, err := range f.log.ReadStream(ctx, stream("1"), 1) {
		assert.Nil(f, r)
		var stopped *eventlog.ReadError
		require.ErrorAs(f, err, &stopped)
		assert.Equal(f, eventlog.ReadError{Stream: stream("1"), Err: stopped.Err}, *stopped)
	}
	require.NoError(f, f.engine.Close())
	for name, read := range reads(f.log) {
		failed := 0
		for r, err := range read.start(f.ctx) {
			assert.Nil(f, r)
			var stopped *eventlog.ReadError
			require.ErrorAs(f, err, &stopped, name)
			assert.ErrorIs(f, err, cqrs.ErrClosed, name)
			assert.Equal(f, read.stream, stopped.Stream, name)
			failed++
		}
		assert.Equal(f, 1, failed, name)
	}
}
