package admin

import (
	"flag"
	"fmt"
	"strings"
)

// Help returns the commands that a service has, with their flags.
func Help(s Service) string {
	var b strings.Builder
	b.WriteString("usage:\n")
	for _, c := range commands {
		if c.offered != nil && !c.offered(&s) {
			continue
		}
		fmt.Fprintf(&b, "  %s\n    \t%s\n", strings.TrimSpace(strings.Join([]string{s.Name, c.name, c.args}, " ")), c.short)
		if c.flags != nil {
			f := flag.NewFlagSet("", flag.ContinueOnError)
			c.flags(f, new(options))
			describe(&b, f)
		}
	}
	if s.Flags != nil {
		b.WriteString("\nflags of all of them:\n")
		f := flag.NewFlagSet("", flag.ContinueOnError)
		s.Flags(f)
		describe(&b, f)
	}
	return b.String()
}

// describe prints flags in the way of package flag, with two hyphens.
func describe(b *strings.Builder, f *flag.FlagSet) {
	f.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(b, "    --%s\n    \t%s", strings.TrimSpace(f.Name+" "+value), usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(b, " (default %s)", f.DefValue)
		}
		b.WriteString("\n")
	})
}
