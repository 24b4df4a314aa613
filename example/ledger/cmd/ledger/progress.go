package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"
)

// bar shows the progress of something counted: on a terminal as a bar in place, elsewhere as plain lines.
type bar struct {
	what     string
	total    int64
	rate     float64 // per second; 0 stands for that since began
	terminal bool
	every    time.Duration
	began    time.Time
	next     time.Time
	last     int64
	shown    bool // the last state was printed
}

func newBar(what string, total int64) *bar {
	b := &bar{what: what, total: total, every: 2 * time.Second, began: time.Now()}
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		b.terminal, b.every = true, time.Second/10
	}
	b.next = b.began.Add(b.every)
	return b
}

// show takes the count so far, and prints now and then.
func (b *bar) show(n int64) {
	b.last, b.shown = n, false
	if now := time.Now(); !now.Before(b.next) {
		b.next = now.Add(b.every)
		b.print()
	}
}

func (b *bar) print() {
	b.shown = true
	rate := cmp.Or(b.rate, float64(b.last)/max(time.Since(b.began).Seconds(), 1e-9))
	share := min(1, float64(b.last)/float64(max(b.total, 1)))
	full := int(share * 30)
	line := fmt.Sprintf("[%s%s] %3.0f %%  %s %d of %d  %.0f/s", strings.Repeat("#", full), strings.Repeat(".", 30-full),
		share*100, b.what, b.last, b.total, rate)
	if b.last > 0 { // before, nobody knows
		eta := time.Duration(float64(max(0, b.total-b.last)) / rate * float64(time.Second))
		line += fmt.Sprintf("  ETA %s", eta.Round(100*time.Millisecond))
	}
	if b.terminal {
		fmt.Print("\r\x1b[K" + line)
		return
	}
	fmt.Println(line)
}

// end prints the last state.
func (b *bar) end() {
	if !b.shown {
		b.print()
	}
	if b.terminal {
		fmt.Println()
	}
}
