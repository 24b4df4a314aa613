package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// bar shows the progress of something counted: on a terminal as a bar in place, elsewhere as plain lines.
type bar struct {
	what       string
	total      int64
	terminal   bool
	began      time.Time
	next       time.Time
	last       int64
	everything bool // the last state was shown
}

func newBar(what string, total int64) *bar {
	info, err := os.Stdout.Stat()
	now := time.Now()
	return &bar{what: what, total: total, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, began: now, next: now.Add(time.Second / 10)}
}

// show takes the count so far, and prints now and then.
func (b *bar) show(n int64) {
	b.last, b.everything = n, false
	now := time.Now()
	if now.Before(b.next) {
		return
	}
	every := 2 * time.Second
	if b.terminal {
		every = time.Second / 10
	}
	b.next = now.Add(every)
	b.print()
}

func (b *bar) print() {
	b.everything = true
	rate := float64(b.last) / max(time.Since(b.began).Seconds(), 1e-9)
	line := fmt.Sprintf("%s %d", b.what, b.last)
	if b.total > 0 {
		share := min(1, float64(b.last)/float64(b.total))
		full := int(share * 30)
		eta := time.Duration(float64(max(0, b.total-b.last)) / max(rate, 1e-9) * float64(time.Second))
		line = fmt.Sprintf("[%s%s] %3.0f %%  %s %d of %d  %.0f/s  ETA %s", strings.Repeat("#", full), strings.Repeat(".", 30-full), share*100,
			b.what, b.last, b.total, rate, eta.Round(100*time.Millisecond))
	}
	if b.terminal {
		fmt.Print("\r\x1b[K" + line)
		return
	}
	fmt.Println(line)
}

// end prints the last state.
func (b *bar) end() {
	if !b.everything {
		b.print()
	}
	if b.terminal {
		fmt.Println()
	}
}
