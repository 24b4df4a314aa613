package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// position is a flag.
type position cqrs.Position

func (p *position) String() string {
	if *p == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*p), 10)
}

func (p *position) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return fmt.Errorf("a position is a whole number")
	}
	*p = position(n)
	return nil
}

// fileReport is what was done with a file.
type fileReport struct {
	Kind     string        `json:"kind"` // "export", "import", "verify" or "check"
	File     string        `json:"file"`
	After    cqrs.Position `json:"after"`
	Through  cqrs.Position `json:"through"`
	Events   int64         `json:"events"`
	Commits  int64         `json:"commits"`
	Commands int64         `json:"commands"`
	Bytes    int64         `json:"bytes"`
	// Skipped is how many commits an import found in the log already.
	Skipped int64 `json:"skipped,omitempty"`
	// Behind says that the log that was verified goes on behind the file's end.
	Behind bool `json:"behind,omitempty"`
}

// work is what is done with a file.
type work func(ctx context.Context, path string, report func(archive.Progress)) (archive.Summary, error)

// onFile does it, with progress, and reports it.
func (s *session) onFile(ctx context.Context, kind, done string, do work) error {
	bar := s.progress("events", 0)
	sum, err := do(ctx, s.args[0], func(p archive.Progress) {
		bar.total = p.Total
		bar.set(p.Events)
	})
	bar.end()
	if err != nil {
		return err
	}
	r := fileReport{
		Kind: kind, File: s.args[0], After: sum.Range.After, Through: sum.Range.Through, Events: sum.Events,
		Commits: sum.Commits, Commands: sum.Commands, Bytes: sum.Bytes, Skipped: sum.Skipped, Behind: sum.Behind,
	}
	text := fmt.Sprintf("%s %s: %s in %s, %s with an id, %s", done, r.File, counted(r.Events, "event"),
		counted(r.Commits, "commit"), counted(r.Commands, "command"), counted(r.Bytes, "byte"))
	switch r.Skipped {
	case 0:
	case 1:
		text += "; 1 commit was there already"
	default:
		text += fmt.Sprintf("; %d commits were there already", r.Skipped)
	}
	if r.Behind {
		text += "; the log goes on behind it"
	}
	return s.report(r, "%s\n", text)
}

// errEmpty keeps the backup of a folder whose name was mistyped, in which an engine made a new log, from looking like one.
var errEmpty = errors.New("the log is empty, nothing was exported: is it the right one?")

func export(ctx context.Context, s *session) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if head, err := s.log.Head(ctx); err != nil || head == 0 {
		return cmp.Or(err, errEmpty)
	}
	return s.onFile(ctx, "export", "wrote",
		func(ctx context.Context, path string, report func(archive.Progress)) (archive.Summary, error) {
			return archive.Export(ctx, s.log, path, s.part, report)
		})
}

func importFile(ctx context.Context, s *session) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.onFile(ctx, "import", "imported",
		func(ctx context.Context, path string, report func(archive.Progress)) (archive.Summary, error) {
			return archive.Import(ctx, path, s.log, report)
		})
}

func verify(ctx context.Context, s *session) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.onFile(ctx, "verify", "the log holds all of",
		func(ctx context.Context, path string, report func(archive.Progress)) (archive.Summary, error) {
			return archive.Verify(ctx, path, s.log, report)
		})
}

func check(ctx context.Context, s *session) error {
	return s.onFile(ctx, "check", "nothing is wrong with", archive.Check)
}
