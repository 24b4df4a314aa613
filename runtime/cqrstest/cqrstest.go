// Package cqrstest tests a bounded context the way people speak of it: given these events, when this command is
// executed, then these events happened, or this rejection was returned, and these rows can be read.
//
//	cqrstest.New(t, func(e cqrstest.Env) (*ledger.App, error) {
//		return ledger.New(e.Context, e.Store, e.Rows, ledger.Deciders{}, ledger.Projections{}, e.Options...)
//	})
//
// makes a Scenario, which runs the real thing, over a log and rows in memory, or in a file if there are inline projections:
// what is generated, what the team wrote, and the runtime. Nothing is mocked. Then
//
//	s.Given("Account/acc-1", &ledger.AccountOpened{Owner: "Ada"}).
//		When(cqrstest.Do(s.App.Account.Deposit, "acc-1", ledger.Deposit{Money: eur(500)})).
//		Then(&ledger.MoneyDeposited{Money: eur(500)}).
//		ThenRows(cqrstest.Rows(s.App.BalanceByCurrency,
//			cqrstest.Row(key, ledger.BalanceByCurrencyRow{Balance: 500}).Except("lastMovement", "movements")))
//
// What differs is reported field by field, by the names of the model.
package cqrstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	sinkmemory "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// Noon is the time of everything that happens in a scenario, unless At says otherwise.
var Noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// Env is what a bounded context is opened over.
type Env struct {
	// Context ends with the test.
	Context context.Context
	Store   aggregate.Store
	Rows    readmodel.Store
	// Options set the clock, and the keys of personal data, and must be handed on.
	Options []aggregate.Option
}

// Scenario is one test of a bounded context. It is for the goroutine of its test. Its methods return the scenario, to
// be chained.
type Scenario[A any] struct {
	// App is the bounded context.
	App A

	t   testing.TB
	env Env
	now time.Time
	// keys are those of personal data, in memory.
	keys *personal.Keys
	// file and line are the place in a model that the scenario comes from, expectation that of the next expectation.
	file              string
	line, expectation int

	// before is the log's head before the command.
	before cqrs.Position
	// executed says that there was a command, looked that somebody asked for its outcome.
	executed, looked bool
	receipt          cqrs.Receipt
	err              error
}

// New opens a bounded context over an empty log. It is closed at the end of the test, which fails if a command failed
// and nobody looked.
func New[A any](t testing.TB, open func(Env) (A, error)) *Scenario[A] {
	t.Helper()
	s := &Scenario[A]{t: t, now: Noon, keys: Keys()}
	s.env = Env{
		Context: t.Context(), Store: enginememory.New(), Rows: sinkmemory.New(),
		Options: []aggregate.Option{
			aggregate.WithClock(func() time.Time { return s.now }), aggregate.WithKeys(s.keys),
		},
	}
	var err error
	if s.App, err = open(s.env); errors.As(err, new(*projection.NotInlineError)) {
		s.openFile()
		s.App, err = open(s.env)
	}
	if err != nil {
		t.Fatalf("the bounded context can't be opened: %v", err)
	}
	t.Cleanup(func() {
		if s.executed && !s.looked && s.err != nil {
			s.fail(0, "the command failed: "+s.err.Error())
		}
		if app, ok := any(s.App).(interface{ Close() }); ok {
			app.Close()
		}
	})
	return s
}

// Keys returns keys of personal data for a test: in memory, and new.
func Keys() *personal.Keys {
	master := make([]byte, 32)
	rand.Read(master)
	wrapper, err := personal.NewMasterKey(master)
	if err != nil {
		panic("cqrstest: " + err.Error())
	}
	return personal.NewKeys(personal.NewMemory(), wrapper)
}

// openFile takes a log and rows in one file of the test in place of those in memory: a log in memory has no transactions
// that inline projections could take part in.
func (s *Scenario[A]) openFile() {
	s.t.Helper()
	log, err := embedded.Open(s.env.Context, s.t.TempDir())
	if err != nil {
		s.t.Fatalf("the log can't be opened: %v", err)
	}
	s.t.Cleanup(func() { log.Close() })
	rows, err := sqlite.In(s.env.Context, log)
	if err != nil {
		s.t.Fatalf("the read models can't be opened: %v", err)
	}
	s.t.Cleanup(func() { rows.Close() })
	s.env.Store, s.env.Rows = log, rows
}

// From names the place in a model that the scenario was generated from: messages begin with it.
func (s *Scenario[A]) From(file string, line int) *Scenario[A] {
	s.file, s.line = file, line
	return s
}

// Line names the line in the model that the expectations behind it were generated from.
func (s *Scenario[A]) Line(line int) *Scenario[A] {
	s.expectation = line
	return s
}

// At sets the time of all that happens from now on.
func (s *Scenario[A]) At(now time.Time) *Scenario[A] {
	s.now = now
	return s
}

// Given appends events to a stream, which is named by aggregate and id: "Account/acc-1". They happened, whatever
// deciders say.
func (s *Scenario[A]) Given(stream string, events ...cqrs.Event) *Scenario[A] {
	s.t.Helper()
	commit := eventlog.Commit{ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: s.now}}
	category, id, _ := strings.Cut(stream, "/")
	part := eventlog.StreamAppend{Stream: cqrs.StreamID{Category: category, ID: id}, Expected: eventlog.Any}
	for _, e := range events {
		data, err := personal.AppendEvent(nil, expected(e).Event, personal.OfStream(s.keys, part.Stream))
		if err != nil {
			s.t.Fatalf("%s: %s can't be given: %v", s.place(0), e.EventType(), err)
		}
		part.Events = append(part.Events, eventlog.NewEvent{
			Type: e.EventType(), SchemaVersion: cqrs.VersionOf(e), ContentType: cqrs.ContentTypeOf(e), Data: data,
		})
	}
	if len(part.Events) == 0 {
		return s
	}
	commit.Streams = []eventlog.StreamAppend{part}
	if _, err := s.env.Store.Append(s.env.Context, commit); err != nil {
		s.t.Fatalf("%s: events can't be given to %s: %v", s.place(0), stream, err)
	}
	return s
}

// Action executes a command.
type Action func(context.Context) (cqrs.Receipt, error)

// Do is the Action of a command: Do(s.App.Account.Deposit, "acc-1", ledger.Deposit{…}).
func Do[ID, C any](
	execute func(context.Context, ID, C, ...cqrs.CommandOption) (cqrs.Receipt, error),
	id ID, command C, opts ...cqrs.CommandOption,
) Action {
	return func(ctx context.Context) (cqrs.Receipt, error) { return execute(ctx, id, command, opts...) }
}

// DoSingle is the Action of a command to an aggregate that the model calls single.
func DoSingle[C any](
	execute func(context.Context, C, ...cqrs.CommandOption) (cqrs.Receipt, error),
	command C, opts ...cqrs.CommandOption,
) Action {
	return func(ctx context.Context) (cqrs.Receipt, error) { return execute(ctx, command, opts...) }
}

// When executes a command. What it leads to is what the expectations behind it are about. A second command may follow;
// unless an expectation stands between them, the first one must succeed.
func (s *Scenario[A]) When(command Action) *Scenario[A] {
	s.t.Helper()
	if s.executed && !s.looked && s.err != nil {
		s.t.Fatalf("%s: the command failed: %v", s.place(0), s.err)
	}
	if app, ok := any(s.App).(interface{ ClaimUnique(context.Context) error }); ok {
		// The events that were given claimed nothing.
		if err := app.ClaimUnique(s.env.Context); err != nil {
			s.t.Fatalf("%s: what is given can't be: %v", s.place(0), err)
		}
	}
	head, err := s.env.Store.Head(s.env.Context)
	if err != nil {
		s.t.Fatalf("%s: %v", s.place(0), err)
	}
	s.before, s.executed, s.looked = head, true, false
	s.receipt, s.err = command(s.env.Context)
	return s
}

// Outcome returns the answer to the last command, for whatever the expectations do not say.
func (s *Scenario[A]) Outcome() (cqrs.Receipt, error) {
	s.looked = true
	return s.receipt, s.err
}

// place names where an expectation stands, as far as that is known.
func (s *Scenario[A]) place(line int) string {
	switch {
	case s.file == "":
		return s.t.Name()
	case line == 0:
		return fmt.Sprintf("%s:%d", s.file, s.line)
	}
	return fmt.Sprintf("%s:%d", s.file, line)
}

// fail reports what differs, below the line of the expectation, or of the scenario.
func (s *Scenario[A]) fail(line int, what string) {
	s.t.Helper()
	if line == 0 {
		line = s.expectation
	}
	where := ""
	if s.file != "" {
		where = s.place(0)
		if line != 0 {
			where += ", expected at " + s.place(line)
		}
		where += ":"
	}
	s.t.Errorf("%s\n%s", where, what)
}
