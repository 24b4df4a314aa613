package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// logReport is what log info finds.
type logReport struct {
	Kind   string        `json:"kind"` // "log"
	Head   cqrs.Position `json:"head"`
	Events int64         `json:"events"`
}

// typeReport counts the events of one type in one category.
type typeReport struct {
	Kind     string `json:"kind"` // "type"
	Category string `json:"category"`
	Type     string `json:"type"`
	Events   int64  `json:"events"`
	Bytes    int64  `json:"bytes"` // of payload
}

// walReport is what log info says of an engine with a write-ahead log.
type walReport struct {
	Kind  string `json:"kind"` // "wal"
	Bytes int64  `json:"bytes"`
}

// reportWAL reports the size of the engine's write-ahead log, if it has one: one that only grows has a reader that stays.
func (s *session) reportWAL() error {
	log, ok := s.log.(interface{ WriteAheadLog() (int64, error) })
	if !ok {
		return nil
	}
	bytes, err := log.WriteAheadLog()
	if err != nil {
		return err
	}
	return s.report(walReport{Kind: "wal", Bytes: bytes}, "wal     %d bytes\n", bytes)
}

func info(ctx context.Context, s *session) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	r := logReport{Kind: "log"}
	var err error
	if r.Head, err = s.log.Head(ctx); err != nil {
		return err
	}
	if r.Events, err = s.log.Count(ctx); err != nil {
		return err
	}
	if err := s.report(r, "head    position %d\nevents  %d\n", r.Head, r.Events); err != nil {
		return err
	}
	if err := s.reportWAL(); err != nil || !s.types {
		return err
	}
	found, err := s.countTypes(ctx, r)
	if err != nil {
		return err
	}
	if !s.json {
		fmt.Fprintf(s.Stdout, "\n%12s  %14s\n", "events", "bytes")
	}
	for _, t := range found {
		if err := s.report(t, "%12d  %14d  %s %s\n", t.Events, t.Bytes, t.Category, t.Type); err != nil {
			return err
		}
	}
	return nil
}

// countTypes reads the log up to its head as it was, and counts by category and type.
func (s *session) countTypes(ctx context.Context, at logReport) ([]*typeReport, error) {
	type key struct{ category, name string }
	found := map[key]*typeReport{}
	bar := s.progress("read", at.Events)
	defer bar.end()
	for rec, err := range s.log.Read(ctx, eventlog.Query{Through: at.Head}) {
		if err != nil {
			return nil, err
		}
		k := key{rec.Stream.Category, rec.Type}
		t := found[k]
		if t == nil {
			t = &typeReport{Kind: "type", Category: k.category, Type: k.name}
			found[k] = t
		}
		t.Events++
		t.Bytes += int64(len(rec.Data))
		bar.add(1)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *typeReport) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Type, b.Type))
	}), nil
}

func ddl(_ context.Context, s *session) error {
	text, err := s.DDL()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.Stdout, text)
	return err
}

func migrate(ctx context.Context, s *session) error {
	switch {
	case s.printDDL && s.DDL == nil:
		return fmt.Errorf("%w: there is no schema to print for this engine", errUsage)
	case s.printDDL:
		return ddl(ctx, s)
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.Stdout, "the log's schema is up to date")
	return err
}
