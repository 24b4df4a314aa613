// Command bench prints what the README quotes: how near the ledger, and the generator, come to the limit, as ratios of
// figures that were measured in one run on one machine.
//
//	bench [-events N] [-rebuilt N] [-grown N] [-seconds S] [-only SECTION]
//
// The sections are generate, codec, command, load, replay, commands, appends, reads, rebuild, together, live,
// rebuildsinks and growth.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	beChild()
	events := flag.Int("events", 1_000_000, "events to replay")
	rebuilt := flag.Int("rebuilt", 10_000_000, "events to rebuild read models from")
	grown := flag.Int("grown", 10_000_000, "most events to rebuild read models from while they grow: 50000000 for all")
	seconds := flag.Float64("seconds", 3, "how long each number of callers is measured")
	only := flag.String("only", "", "the one section to run; all if empty")
	flag.Parse()
	ctx := context.Background()
	fmt.Printf("%s, %d cores, %s/%s\n", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	ran := false
	for _, b := range []struct {
		name string
		run  func() error
	}{
		{"generate", generate},
		{"codec", codec},
		{"command", func() error { return command(ctx) }},
		{"load", func() error { return load(ctx) }},
		{"replay", func() error { return replay(ctx, *events) }},
		{"commands", func() error { return commands(ctx, time.Duration(*seconds*float64(time.Second))) }},
		{"appends", func() error { return appends(ctx, time.Duration(*seconds*float64(time.Second))) }},
		{"reads", func() error { return reads(ctx, *events) }},
		{"rebuild", func() error { return rebuildAll(ctx, *rebuilt) }},
		{"together", func() error { return together(ctx, *rebuilt) }},
		{"live", func() error { return live(ctx, time.Duration(*seconds*float64(time.Second))) }},
		{"rebuildsinks", func() error { return rebuildSinks(ctx, *rebuilt) }},
		{"growth", func() error { return growth(ctx, *grown) }},
	} {
		if *only != "" && *only != b.name {
			continue
		}
		ran = true
		if err := b.run(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	if !ran {
		fmt.Fprintf(os.Stderr, "bench: there is no section %q\n", *only)
		os.Exit(2)
	}
}

// inTemp calls f with a folder that is removed afterwards. It is on the disk of the working directory, so that no
// memory file system makes syncs look cheap.
func inTemp(f func(dir string) error) error {
	if err := os.MkdirAll("bin", 0o755); err != nil {
		return err
	}
	return inFolder("bin", f)
}

// inFolder calls f with a folder in another one, which is removed afterwards.
func inFolder(parent string, f func(dir string) error) error {
	dir, err := os.MkdirTemp(parent, "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return f(dir)
}
