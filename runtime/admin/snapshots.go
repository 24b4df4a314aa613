package admin

import (
	"context"
	"fmt"
)

// snapshotReport is one snapshot that is wrong.
type snapshotReport struct {
	Kind   string `json:"kind"` // "snapshot"
	Stream string `json:"stream"`
	Wrong  string `json:"wrong"`
}

// verifiedReport ends the report about all snapshots.
type verifiedReport struct {
	Kind     string `json:"kind"` // "snapshots"
	Verified int64  `json:"verified"`
	Wrong    int64  `json:"wrong"`
}

func verifySnapshots(ctx context.Context, s *session) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	done := verifiedReport{Kind: "snapshots"}
	bar := s.progress("verified", 0)
	defer bar.end()
	for found, err := range s.Snapshots(ctx, s.log) {
		if err != nil {
			return err
		}
		done.Verified++
		bar.add(1)
		if found.Wrong == "" {
			continue
		}
		done.Wrong++
		r := snapshotReport{"snapshot", found.Stream, found.Wrong}
		if err := s.report(r, "%s: %s\n", r.Stream, r.Wrong); err != nil {
			return err
		}
	}
	if err := s.report(done, "%d snapshots verified, %d wrong\n", done.Verified, done.Wrong); err != nil {
		return err
	}
	if done.Wrong > 0 {
		return &findingsError{fmt.Sprintf("%d of %d snapshots are wrong", done.Wrong, done.Verified)}
	}
	return nil
}
