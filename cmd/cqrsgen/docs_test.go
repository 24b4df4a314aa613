package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheReferenceHasEveryCommandAndEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/command-line.md")
	require.NoError(t, err)
	doc, err := os.ReadFile("main.go")
	require.NoError(t, err)
	sections := map[string]string{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		sections[title] = text
	}
	for _, cmd := range rootCommand().Commands() {
		title := "`cqrsgen " + cmd.Use + "`"
		section, found := sections[title]
		require.True(t, found, title)

		assert.Contains(t, string(doc), "//	cqrsgen "+cmd.Use, "the package's doc")
		flagsOf(cmd, func(f *pflag.Flag) {
			assert.Contains(t, section, "| `--"+f.Name+"` | "+f.Usage+" |", title)
		})
		assert.NotEmpty(t, cmd.Long, title)
		assert.NotNil(t, cmd.ValidArgsFunction, "%s: completion of arguments", title)
	}
}

func flagsOf(cmd *cobra.Command, visit func(*pflag.Flag)) {
	cmd.LocalNonPersistentFlags().VisitAll(visit)
}
