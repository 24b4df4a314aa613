package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// build says which cqrsgen this is.
type build struct {
	Version string `json:"version"`
	// Revision is that of the checkout that it was built from, if it was.
	Revision string `json:"revision,omitempty"`
	// Modified says that the checkout held more than the revision.
	Modified bool   `json:"modified,omitempty"`
	Time     string `json:"time,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Language int    `json:"language"`
}

func thisBuild() build {
	b := build{
		Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Language: schema.Language,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is the version on one line: cqrsgen v0.3.0 (9d5e7ce, go1.26.8, linux/amd64).
func (b build) String() string {
	revision := b.Revision
	if revision != "" {
		revision = revision[:min(12, len(revision))]
		if b.Modified {
			revision += ", modified"
		}
		revision += ", "
	}
	return fmt.Sprintf("cqrsgen %s (%s%s, %s)", b.Version, revision, b.Go, b.Platform)
}

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version",
		Long:              "Print the version, the revision that it was built from, and the Go release that built it.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return (&printer{stdout: cmd.OutOrStdout()}).object(thisBuild())
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), thisBuild())
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
