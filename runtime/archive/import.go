package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Import appends to a log what a file holds, commit by commit, with the commands on record. Positions become those of
// the log; all else stays as it is. The file is checked as a whole first. Nobody else may append to the log meanwhile.
//
// A log that holds a beginning of the file already, because an earlier import was stopped, is compared with the file as
// far as it goes, and what is missing is appended. A file that was made from a later range needs a log that ends where
// the range begins. A log that holds anything else is left as it is, with a *DifferenceError.
//
// The summary counts the whole file; Skipped says how much of it was there already. Other errors: *DamagedError,
// *FormatError, those of the log and of the file system. After any of them that is not about the file itself, import
// the same file again to go on.
func Import(ctx context.Context, path string, into eventlog.Transfer, report func(Progress)) (Summary, error) {
	return importFile(ctx, disk, path, into, report)
}

func importFile(
	ctx context.Context, fsys storage, path string, into eventlog.Transfer, report func(Progress),
) (summary Summary, err error) {
	if _, err := check(ctx, fsys, path, nil); err != nil {
		return Summary{}, err
	}
	r, err := openReader(fsys, path)
	if err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	summary = r.summary()
	next, stop := iter.Pull2(r.groups())
	defer stop()
	progress := counter{report: report, Progress: Progress{Total: summary.Events}}
	c := comparison{next: next, progress: &progress, after: r.header.after}
	rest, err := c.resume(ctx, into, r.header.previous)
	summary.Skipped = c.skipped
	if err != nil {
		return summary, err
	}
	stored, err := into.Import(ctx, c.rest(rest))
	if err != nil {
		return summary, fmt.Errorf("importing %s stopped after %d commits: %w", path, c.skipped+stored, err)
	}
	progress.finish()
	return summary, nil
}

// comparison goes through an archive and compares it with what a log holds.
type comparison struct {
	next     func() (*group, error, bool)
	progress *counter
	// after is the last position of the archive that was compared; skipped counts what was found in the log.
	after   cqrs.Position
	skipped int64
}

func (c *comparison) differs(format string, args ...any) error {
	return &DifferenceError{Position: c.after, Reason: fmt.Sprintf(format, args...)}
}

// resume compares the whole log with the beginning of the archive, which stands behind the commit previous. It returns
// the commands without events that are missing at the log's end.
func (c *comparison) resume(
	ctx context.Context, log eventlog.Transfer, previous cqrs.CommitID,
) ([]*commit, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	var mine *group // the archive's group; other is the log's group at the same place
	var other *group
	for g, err := range history(ctx, log, Range{Through: head}, cqrs.CommandMeta{}) {
		if err != nil {
			return nil, err
		}
		if mine == nil && !g.ends(previous) {
			continue
		}
		if other != nil {
			// The log goes on behind other, which is therefore complete.
			if err := c.sameCommands(mine, other); err != nil {
				return nil, err
			}
		}
		if mine, err = c.match(g, mine == nil); err != nil {
			return nil, err
		}
		other = g
	}
	if other == nil {
		return nil, c.differs("the archive begins behind commit %x, which the log does not hold", previous)
	}
	missing, err := c.missing(mine, other)
	return missing, err
}

// ends reports whether the group is what an archive stands behind that begins after the commit previous.
func (g *group) ends(previous cqrs.CommitID) bool {
	if g.commit == nil {
		return previous == cqrs.CommitID{}
	}
	return g.commit.id == previous
}

// match takes the next group of the archive and compares its commit with the log's group. The first group has none.
func (c *comparison) match(other *group, first bool) (*group, error) {
	mine, err, ok := c.next()
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, c.differs("the log goes on with commit %x at its position %d, behind the end of the archive",
			other.commit.id, other.commit.events[0].Position)
	case first:
		return mine, nil
	}
	if what := mine.commit.difference(other.commit); what != "" {
		return nil, c.differs("behind it, the log's commit %x at position %d is not the archive's commit %x: %s",
			other.commit.id, other.commit.events[0].Position, mine.commit.id, what)
	}
	c.after = mine.last(c.after)
	c.skipped++
	c.progress.add(len(mine.commit.events))
	return mine, nil
}

// sameCommands compares the commands without events of two groups.
func (c *comparison) sameCommands(mine, other *group) error {
	missing, err := c.missing(mine, other)
	if err == nil && len(missing) > 0 {
		err = c.differs("the log does not have the command %q, and goes on behind it", missing[0].meta.CommandID)
	}
	return err
}

// missing returns the commands without events that the archive has and the log has not. It fails if the log has others.
func (c *comparison) missing(mine, other *group) (missing []*commit, err error) {
	theirs := other.commands
	for _, m := range mine.commands {
		if len(theirs) == 0 || m.meta.CommandID != theirs[0].meta.CommandID {
			missing = append(missing, m)
			continue
		}
		if what := m.difference(theirs[0]); what != "" {
			return nil, c.differs("the command %q without events is another one: %s", m.meta.CommandID, what)
		}
		theirs = theirs[1:]
		c.skipped++
	}
	if len(theirs) > 0 {
		return missing, c.differs("the log has the command %q without events there, the archive has not",
			theirs[0].meta.CommandID)
	}
	return missing, nil
}

// rest yields the commits that are missing in the log: some commands first, then what follows in the archive.
func (c *comparison) rest(commands []*commit) iter.Seq2[*eventlog.Commit, error] {
	newID := func() cqrs.CommitID { return cqrs.CommitID(uuid.Must(uuid.NewV7())) }
	return func(yield func(*eventlog.Commit, error) bool) {
		g := &group{commands: commands}
		for {
			if g.commit != nil && !yield(g.commit.eventCommit(newID), nil) {
				return
			}
			for _, command := range g.commands {
				if !yield(command.eventCommit(newID), nil) {
					return
				}
			}
			if g.commit != nil {
				c.progress.add(len(g.commit.events))
			}
			var err error
			var ok bool
			if g, err, ok = c.next(); err != nil {
				yield(nil, err)
				return
			}
			if !ok {
				return
			}
		}
	}
}
