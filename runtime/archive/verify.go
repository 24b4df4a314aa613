package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Verify compares everything that a file holds with a log, but for positions: each event and each command on record.
// The log may go on behind the end of the file, which Summary.Behind says: a backup of a log that is in use is like
// that.
//
// Errors: *DifferenceError names the first difference; *DamagedError, *FormatError, those of the log and of the file
// system.
func Verify(ctx context.Context, path string, log eventlog.Transfer, report func(Progress)) (Summary, error) {
	return verify(ctx, disk, path, log, report)
}

func verify(
	ctx context.Context, fsys storage, path string, log eventlog.Transfer, report func(Progress),
) (summary Summary, err error) {
	r, err := openReader(fsys, path)
	if err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	next, stop := iter.Pull2(r.groups())
	defer stop()
	summary = r.summary()
	progress := counter{report: report, Progress: Progress{Total: summary.Events}}
	c := comparison{next: next, progress: &progress, after: r.header.after}
	if summary.Behind, err = c.verify(ctx, log, r.header.previous); err != nil {
		return Summary{}, err
	}
	progress.finish()
	return summary, nil
}

// verify compares the whole archive with the log, and reports whether the log goes on behind it.
func (c *comparison) verify(ctx context.Context, log eventlog.Transfer, previous cqrs.CommitID) (bool, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return false, err
	}
	var mine, last *group
	for g, err := range history(ctx, log, Range{Through: head}, cqrs.CommandMeta{}) {
		if err != nil {
			return false, err
		}
		if mine == nil && !g.ends(previous) {
			continue
		}
		following, err, ok := c.next()
		if err != nil {
			return false, err
		}
		if last != nil {
			if _, err := c.covers(mine, last, !ok); err != nil {
				return false, err
			}
		}
		if !ok {
			return true, nil
		}
		if err := c.sameCommit(following, g, mine == nil); err != nil {
			return false, err
		}
		mine, last = following, g
	}
	if last == nil {
		return false, c.differs("the archive begins behind commit %x, which the log does not hold", previous)
	}
	if following, err, ok := c.next(); err != nil || ok {
		if err == nil {
			err = c.differs("the log ends, the archive goes on with commit %x", following.commit.id)
		}
		return false, err
	}
	return c.covers(mine, last, true)
}

func (c *comparison) sameCommit(mine, other *group, first bool) error {
	if first {
		return nil
	}
	if what := mine.commit.difference(other.commit); what != "" {
		return c.differs("behind it, the log's commit %x at position %d is not the archive's commit %x: %s",
			other.commit.id, other.commit.events[0].Position, mine.commit.id, what)
	}
	c.after = mine.last(c.after)
	c.progress.add(len(mine.commit.events))
	return nil
}

// covers checks that a log has the archive's commands without events. At the archive's end it may have more of them,
// and covers reports whether it has.
func (c *comparison) covers(mine, other *group, end bool) (bool, error) {
	theirs := map[string]*commit{}
	for _, t := range other.commands {
		theirs[t.meta.CommandID] = t
	}
	for _, m := range mine.commands {
		t, ok := theirs[m.meta.CommandID]
		if !ok {
			return false, c.differs("the log does not have the command %q", m.meta.CommandID)
		}
		if what := m.difference(t); what != "" {
			return false, c.differs("the command %q without events is another one: %s", m.meta.CommandID, what)
		}
	}
	more := len(theirs) > len(mine.commands)
	if more && !end {
		return false, c.differs("the log has a command without events there that the archive has not")
	}
	return more, nil
}

// difference says what of two commits is not the same, positions aside. A log may have more on record than the archive
// that it was made from, where the first log had forgotten the command.
func (c *commit) difference(o *commit) string {
	switch {
	case len(c.events) != len(o.events):
		return fmt.Sprintf("it has %d events, and %d in the archive", len(o.events), len(c.events))
	case len(c.events) > 0 && c.id != o.id:
		return "they have different ids"
	case !sameMeta(c.meta, o.meta):
		return "their meta data differ"
	case c.recorded && !o.recorded:
		return "the log does not have its command on record"
	case c.recorded && (c.hash != o.hash || c.version != o.version):
		return "the command on record is another one"
	}
	for i := range c.events {
		if what := differentEvent(&c.events[i], &o.events[i]); what != "" {
			return fmt.Sprintf("event %d has %s", i+1, what)
		}
	}
	return ""
}

func sameMeta(a, b cqrs.CommandMeta) bool {
	equal := a.Time.Equal(b.Time)
	a.Time = b.Time
	return equal && a == b
}

func differentEvent(a, b *cqrs.Record) string {
	switch {
	case a.Stream != b.Stream || a.Version != b.Version:
		return fmt.Sprintf("version %d of stream %s, and version %d of %s in the archive",
			b.Version, b.Stream, a.Version, a.Stream)
	case a.Type != b.Type || a.SchemaVersion != b.SchemaVersion || a.ContentType != b.ContentType:
		return "another type"
	case !sameMeta(metaOf(a), metaOf(b)):
		return "other meta data"
	case !bytes.Equal(a.Data, b.Data):
		return "another payload"
	}
	return ""
}
