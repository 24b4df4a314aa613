package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"

	"github.com/cqrsgen/cqrsgen/gen"
)

// childTask is what a process of its own does, so that its memory is that of nothing else: to generate, or to rebuild.
type childTask struct {
	Aggregates int         `json:",omitempty"`
	Rebuild    *growthTask `json:",omitempty"`
}

// childDone is what such a process says in the end.
type childDone struct {
	Effort effort
	// Peak is how many bytes it took at most, Rows how many rows there are.
	Peak, Rows int64
}

// childVariable has the task of a child.
const childVariable = "CQRSGEN_BENCH_CHILD"

// inChild does a task in a process of its own.
func inChild(task childTask) (done childDone, err error) {
	self, err := os.Executable()
	if err != nil {
		return done, err
	}
	text, err := json.Marshal(task)
	if err != nil {
		return done, err
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childVariable+"="+string(text))
	child.Stderr = os.Stderr
	said, err := child.Output()
	if err != nil {
		return done, err
	}
	return done, json.Unmarshal(said, &done)
}

// beChild does the task of this process, if it is a child, and ends it.
func beChild() {
	text := os.Getenv(childVariable)
	if text == "" {
		return
	}
	done, err := doTask(text)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(done)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func doTask(text string) (done childDone, err error) {
	var task childTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		return done, err
	}
	if task.Rebuild != nil {
		return task.Rebuild.do(context.Background())
	}
	debug.SetGCPercent(gen.GCPercent) // as the command does
	_, err = generateSet(benchModel(task.Aggregates))
	done.Peak = peakMemory()
	return done, err
}
