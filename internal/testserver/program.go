package testserver

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// Run lends f a testing.TB that belongs to no test, so that programs can start servers too: benchmarks, and what shows
// how things work. What was started ends when f has returned, and the first failure is Run's error. A binary that is
// missing is a *MissingError. The TB is for starting and handling servers, and for nothing else; Run calls can be nested, which
// is how another goroutine handles the same server.
func Run(f func(testing.TB) error) error {
	p := new(program)
	err := p.try(func() error { return f(p) })
	for _, clean := range slices.Backward(p.cleanups) {
		err = errors.Join(err, p.try(func() error {
			clean()
			return nil
		}))
	}
	return err
}

// program is the part of a testing.TB that this package uses.
type program struct {
	testing.TB // which is nil: nothing else is called

	cleanups []func()
	failed   error
}

// stopped is what a failure panics with, to get out of where it happened.
type stopped struct{}

// try calls f and returns what it failed with.
func (p *program) try(f func() error) (err error) {
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case stopped:
		default:
			panic(r)
		}
		err, p.failed = errors.Join(err, p.failed), nil
	}()
	return f()
}

func (p *program) Helper() {}

func (p *program) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

func (p *program) Failed() bool { return p.failed != nil }

func (p *program) Log(...any) {}

func (p *program) Logf(string, ...any) {}

func (p *program) Error(args ...any) {
	p.failed = errors.Join(p.failed, errors.New(fmt.Sprint(args...)))
}

func (p *program) Errorf(format string, args ...any) { p.Error(fmt.Sprintf(format, args...)) }

func (p *program) Fatal(args ...any) {
	p.Error(args...)
	panic(stopped{})
}

func (p *program) Fatalf(format string, args ...any) { p.Fatal(fmt.Sprintf(format, args...)) }

func (p *program) Skip(args ...any) {
	p.failed = errors.Join(p.failed, &MissingError{fmt.Sprint(args...)})
	panic(stopped{})
}

// MissingError says that a server is not installed, and what to do about it.
type MissingError struct{ What string }

func (e *MissingError) Error() string { return e.What }
