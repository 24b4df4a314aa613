package gen

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// Release is what a release of a model does where another one ran.
type Release struct {
	// Outcomes has an entry for each state and each read model.
	Outcomes []evolve.Outcome
	// Breakage counts what would not survive it, which Breaking names.
	Breakage evolve.Breakage
}

// Planned reads a model, and says what a release of it does where the model ran that a lock file was written for. Without a
// lock file nothing ran. The release is nil if the findings failed.
func Planned(path string, old *diag.File) (*Release, *Findings, error) {
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
	r := &Release{Outcomes: evolve.Plan(before, now)}
	if old != nil {
		broken, err := Breaking(path, *old)
		if err != nil {
			return nil, findings, err
		}
		r.Breakage = evolve.BreakageOf(&broken.list)
	}
	return r, findings, nil
}
