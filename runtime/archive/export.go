package archive

import (
	"context"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Summary says what a file holds, or what was done with it.
type Summary struct {
	// Range is the part of the log that the file was made from, by that log's positions.
	Range Range
	// Events and Commits are totals; Commands counts the commands on record, with events and without.
	Events, Commits, Commands int64
	// Bytes is the size of the file.
	Bytes int64
	// Skipped says how many of the commits, and commands without events, an import found in the log already.
	Skipped int64
	// Behind says that a log that was verified goes on behind the end of the archive.
	Behind bool
}

// Progress says how far the work is. Total is 0 where it is not known.
type Progress struct{ Events, Total int64 }

// counter reports progress now and then.
type counter struct {
	Progress
	report func(Progress)
	last   int64
}

// reportEvery is how many events lie between two reports.
const reportEvery = 10_000

func (c *counter) add(events int) {
	c.Events += int64(events)
	if c.report != nil && c.Events-c.last >= reportEvery {
		c.last = c.Events
		c.report(c.Progress)
	}
}

func (c *counter) finish() {
	if c.report != nil {
		c.report(c.Progress)
	}
}

// Export writes a range of a log to a new file: events, and commands on record. Others may go on appending meanwhile.
// The file is there, and durable, when Export returns without an error, and not at all otherwise; a program that is
// killed meanwhile may leave a file behind whose name ends in ".partial". While it works it calls report, unless that
// is nil, with what was written so far.
//
// A run of commands without events that lies between two commits is held in memory; otherwise memory is bounded.
//
// Errors: fs.ErrExist if there is such a file; *RangeError; eventlog.ErrFull; those of the log and of the file system.
func Export(
	ctx context.Context, log eventlog.Transfer, path string, r Range, report func(Progress),
) (Summary, error) {
	return export(ctx, disk, log, path, r, report)
}

func export(
	ctx context.Context, fsys storage, log eventlog.Transfer, path string, r Range, report func(Progress),
) (Summary, error) {
	begin, err := r.resolve(ctx, log)
	if err != nil {
		return Summary{}, err
	}
	w, err := newWriter(fsys, path, header{after: r.After, previous: begin.commit}, true)
	if err != nil {
		return Summary{}, err
	}
	progress := counter{report: report}
	if r.After == 0 && report != nil {
		if progress.Total, err = log.Count(ctx); err != nil {
			w.err = err
			return Summary{}, w.abort()
		}
	}
	for g, err := range history(ctx, log, r, begin.meta) {
		if err == nil {
			err = w.addGroup(g, &progress)
		}
		if err != nil {
			w.err = err
			return Summary{}, w.abort()
		}
	}
	t, err := w.finish()
	if err != nil {
		return Summary{}, err
	}
	progress.finish()
	return t.summary(r.After, w.offset), nil
}

func (w *writer) addGroup(g *group, progress *counter) error {
	if g.commit != nil {
		if err := w.add(g.commit); err != nil {
			return err
		}
		progress.add(len(g.commit.events))
	}
	for _, c := range g.commands {
		if err := w.add(c); err != nil {
			return err
		}
	}
	return nil
}

func (t *trailer) summary(after cqrs.Position, size int64) Summary {
	return Summary{
		Range:  Range{After: after, Through: t.last},
		Events: t.events, Commits: t.commits, Commands: t.commands, Bytes: size,
	}
}

// Check reads a whole file and verifies every checksum in it. Errors: *DamagedError, *FormatError, those of the file
// system.
func Check(ctx context.Context, path string, report func(Progress)) (Summary, error) {
	return check(ctx, disk, path, report)
}

func check(ctx context.Context, fsys storage, path string, report func(Progress)) (Summary, error) {
	r, err := openReader(fsys, path)
	if err != nil {
		return Summary{}, err
	}
	defer r.close()
	progress := counter{report: report, Progress: Progress{Total: r.trailer.events}}
	for g, err := range r.groups() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return Summary{}, err
		}
		if g.commit != nil {
			progress.add(len(g.commit.events))
		}
	}
	progress.finish()
	return r.summary(), nil
}

func (r *reader) summary() Summary { return r.trailer.summary(r.header.after, r.size) }

// Stat says what a file holds, by its header, its index and its trailer alone. Errors are as those of Check.
func Stat(path string) (Summary, error) {
	r, err := openReader(disk, path)
	if err != nil {
		return Summary{}, err
	}
	return r.summary(), r.close()
}
