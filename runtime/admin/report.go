package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// report prints something found: for people, or with --json as an object on a line.
func (s *session) report(object any, format string, args ...any) error {
	if s.json {
		return json.NewEncoder(s.Stdout).Encode(object)
	}
	_, err := fmt.Fprintf(s.Stdout, format, args...)
	return err
}

// progress shows how far something is that takes a while: on a terminal as a bar in place, elsewhere as plain lines.
// Nothing is shown of what is over at once.
type progress struct {
	w        io.Writer
	what     string
	n, total int64 // total is 0 if nobody knows
	terminal bool
	every    time.Duration
	began    time.Time
	next     time.Time
	shown    bool
	printed  int64 // the count that was printed last
}

// plainEvery is the time between two lines where the output is no terminal.
const plainEvery = 5 * time.Second

func (s *session) progress(what string, total int64) *progress {
	p := &progress{w: s.Stderr, what: what, total: total, every: plainEvery, began: time.Now()}
	if f, ok := s.Stderr.(*os.File); ok && isTerminal(f) {
		p.terminal, p.every = true, time.Second/10
	}
	p.next = p.began.Add(p.every)
	return p
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// looked is how many steps pass between two looks at the clock.
const looked = 1024

// add counts further steps.
func (p *progress) add(n int64) { p.set(p.n + n) }

// set takes the count so far.
func (p *progress) set(n int64) {
	before := p.n
	p.n = n
	if n/looked == before/looked {
		return
	}
	if now := time.Now(); !now.Before(p.next) {
		p.next = now.Add(p.every)
		p.print()
	}
}

func (p *progress) print() {
	p.shown, p.printed = true, p.n
	rate := float64(p.n) / max(time.Since(p.began).Seconds(), 1e-9)
	line := fmt.Sprintf("%s %d  %.0f/s", p.what, p.n, rate)
	if p.total > 0 {
		line = fmt.Sprintf("%s  %s %d of %d  %.0f/s", drawn(p.n, p.total), p.what, p.n, p.total, rate)
		if p.n > 0 { // before, nobody knows
			eta := time.Duration(float64(max(0, p.total-p.n)) / rate * float64(time.Second))
			line += fmt.Sprintf("  ETA %s", eta.Round(time.Second))
		}
	}
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K"+line)
		return
	}
	fmt.Fprintln(p.w, line)
}

// drawn is a bar: how much of total n is, which is not 100 % before it is all.
func drawn(n, total int64) string {
	share := min(1, float64(n)/float64(max(total, 1)))
	full := int(share * 30)
	return fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("#", full), strings.Repeat(".", 30-full), int(share*100))
}

// counted is a number of things: 1 event, 2 events.
func counted(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// end prints the last state, if any was shown.
func (p *progress) end() {
	if !p.shown {
		return
	}
	if p.printed != p.n {
		p.print()
	}
	if p.terminal {
		fmt.Fprintln(p.w)
	}
}
