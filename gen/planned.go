package gen

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// Planned reads a model, and says what a release of it does where the model ran that a lock file was written for. Without a
// lock file nothing ran. The list is nil if the findings failed.
func Planned(path string, old *diag.File) ([]evolve.Outcome, *Findings, error) {
	before := &lock.Lock{Form: lock.Version}
	if old != nil {
		var err error
		if before, err = readLock(*old); err != nil {
			return nil, nil, err
		}
	}
	set, findings, err := Load(path)
	if err != nil || findings.Failed() {
		return nil, findings, err
	}
	now, err := lock.Read(set.Lock.Content)
	if err != nil {
		return nil, findings, fmt.Errorf("%s: %w", set.Lock.Name, err) // which was just written
	}
	return evolve.Plan(before, now), findings, nil
}
