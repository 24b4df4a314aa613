package main

import (
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/gen/unchanged"
)

// recall leaves out the models for which earlier runs left nothing to do.
type recall struct {
	memory  *unchanged.Memory
	options []string
	// states are those of the models' folders, as they should be after this run; nil where that is not known.
	states map[string]*unchanged.State
}

func newRecall(o generateOptions) *recall {
	return &recall{
		memory: unchanged.Open(), options: []string{strconv.FormatBool(o.noStubs)}, states: map[string]*unchanged.State{},
	}
}

// left returns the models that have to be looked at.
func (r *recall) left(files []string) []string {
	var left []string
	for _, file := range files {
		state, err := unchanged.Read(file, r.options...)
		if err != nil {
			state = nil // whoever reads the files says what is wrong
		}
		if !r.memory.Knows(state) {
			left = append(left, file)
			r.states[file] = state
		}
	}
	return left
}

// forget has the next run look at a model again, also if none of the files of its folder changes.
func (r *recall) forget(file string) { r.states[file] = nil }

// follow notes what else a model's set follows from. A file that somebody has written to since it was read is looked at
// again.
func (r *recall) follow(file string, set *output.Set) {
	state := r.states[file]
	if state != nil && (state.Follow(set.Folders, set.Others, set.Embedded) != nil || !state.Agrees(set.Sums)) {
		r.forget(file)
	}
}

// expect notes what a run is about to change.
func (r *recall) expect(file string, p *output.Pending) error {
	changes, err := p.Changes()
	state := r.states[file]
	if err != nil || state == nil {
		return err
	}
	for _, c := range changes {
		if c.Kind == output.Leftover {
			state.Remove(c.Name)
		} else {
			state.Put(c.Name, c.New)
		}
	}
	return nil
}

// keep remembers that nothing is left to do, for each model whose folder is what it should be: if somebody has written
// to it meanwhile, the next run looks at it.
func (r *recall) keep() {
	for file, expected := range r.states {
		if expected == nil {
			continue
		}
		state, err := unchanged.Read(file, r.options...)
		if err == nil {
			err = state.FollowAs(expected)
		}
		if err == nil && state.Equal(expected) {
			r.memory.Remember(state)
		}
	}
}
