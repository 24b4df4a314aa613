package admin

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// How often a live view is drawn again: in place on a terminal, line below line elsewhere.
const (
	drawnEvery    = 250 * time.Millisecond
	reportedEvery = time.Second
)

// watch shows how far the projections are until ctx ends.
func (s *session) watch(ctx context.Context) error {
	every, v := plainEvery, &view{w: s.Stdout}
	if f, ok := s.Stdout.(*os.File); ok && !s.json && isTerminal(f) {
		every, v.terminal = drawnEvery, true
	}
	if s.json {
		every = reportedEvery
	}
	defer v.end()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		reports, err := s.generations(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := s.show(v, reports, err); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// show shows reports, and what could not be looked at: that may be over when they are looked at again.
func (s *session) show(v *view, reports []generationReport, failed error) error {
	if s.json {
		if failed != nil {
			fmt.Fprintf(s.Stderr, "%s: %v\n", s.Name, failed)
		}
		return s.reportGenerations(reports)
	}
	if len(reports) == 0 && failed != nil { // else they have it
		return v.show(failed.Error() + "\n")
	}
	return v.show(table(reports))
}

// view shows a text that changes.
type view struct {
	w        io.Writer
	terminal bool
	lines    int // of what is on the terminal
}

// Lines that are longer than the terminal is wide are cut while the view is there: one that went on in the next line would
// not be overwritten.
const (
	cutLines  = "\x1b[?7l"
	wrapLines = "\x1b[?7h"
)

// show replaces what was shown before, on a terminal.
func (v *view) show(text string) error {
	if v.terminal {
		up := cutLines
		if v.lines > 0 {
			up = fmt.Sprintf("\x1b[%dA", v.lines)
		}
		v.lines = strings.Count(text, "\n")
		// What was longer is erased to the end of its line, and what was below to the end of the screen.
		text = up + "\r" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
	}
	_, err := io.WriteString(v.w, text)
	return err
}

func (v *view) end() {
	if v.lines > 0 {
		_, _ = io.WriteString(v.w, wrapLines)
	}
}
