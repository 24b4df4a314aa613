// Package admin gives a service's own program the commands that operate its event log and its read models: it knows the
// engine, the stores, and the model with its folds, which no tool from outside does. It links no engine and no sink.
//
//	func main() {
//		…
//		if admin.Knows(args) {
//			os.Exit(admin.Run(ctx, args, admin.Service{Name: "tickets", Open: open, Rows: rows, App: app}))
//		}
//
// docs/reference/operations.md has all commands, as Help prints them.
package admin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// Store is what the commands work on. Every engine is one.
type Store interface {
	eventlog.Transfer
	snapshot.Store
	io.Closer
}

// App is a bounded context over its log, as generated code makes it.
type App interface {
	// VerifySnapshots compares each snapshot with what the events say.
	VerifySnapshots(ctx context.Context) iter.Seq2[snapshot.Finding, error]
	Close()
}

// Rows is where the read models are kept: a store, or a *readmodel.Sinks with several.
type Rows interface {
	readmodel.Store
	io.Closer
}

// Service is the program that the commands belong to.
type Service struct {
	// Name is what the program is called.
	Name string
	// Flags registers the program's own flags: those that say where the log is. They may stand anywhere behind the
	// command. It may be nil.
	Flags func(*flag.FlagSet)
	// Open opens the log, once the flags were read. It is not called for what needs no log.
	Open func(ctx context.Context) (Store, error)
	// Rows opens the read models, once the flags were read. It is nil where there are none.
	Rows func(ctx context.Context) (Rows, error)
	// App wires the bounded context over a log that Open returned, and over read models: those that Rows returned or,
	// where a command needs none, none that answer.
	App func(ctx context.Context, log Store, rows readmodel.Store) (App, error)
	// DDL returns what creates the log's schema: the statements, or the configuration. It is nil where the engine creates
	// it without being asked.
	DDL func() (string, error)
	// Migrate creates the log's schema, or brings an older one up to date. It is nil where Open does that by itself.
	Migrate func(ctx context.Context) error
	// Stdout gets what was asked for, Stderr what went wrong and how far it is. Where they are nil, they are the
	// process's.
	Stdout, Stderr io.Writer
}

// Exit codes.
const (
	fine     = 0
	findings = 1
	failure  = 2 // usage, or something that can't be read or written
)

// Knows reports whether args, the program's arguments behind its name, are one of the commands of Run.
func Knows(args []string) bool {
	return len(args) > 0 && (args[0] == "log" || args[0] == "snapshots" || args[0] == "projections")
}

// Run executes the command that args are, and returns the exit code of the program: 0 if all is fine, 1 if something was
// found to be wrong with what is stored, 2 for wrong usage and for what could not be done. The end of ctx ends it.
func Run(ctx context.Context, args []string, s Service) int {
	if s.Stdout == nil {
		s.Stdout = os.Stdout
	}
	if s.Stderr == nil {
		s.Stderr = os.Stderr
	}
	err := s.run(ctx, args)
	switch {
	case err == nil:
		return fine
	case isFinding(err):
		fmt.Fprintf(s.Stderr, "%s: %v\n", s.Name, err)
		return findings
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(s.Stdout, Help(s))
		return fine
	case errors.Is(err, errUsage):
		kind := "log"
		if Knows(args) {
			kind = args[0]
		}
		fmt.Fprintf(s.Stderr, "%s: %v; all commands: %s %s help\n", s.Name, err, s.Name, kind)
	default:
		fmt.Fprintf(s.Stderr, "%s: %v\n", s.Name, err)
	}
	return failure
}

// findingsError says that something stored is not as it should be.
type findingsError struct{ text string }

func (e *findingsError) Error() string { return e.text }

// isFinding reports whether an error is about what is stored, in the log or in a file.
func isFinding(err error) bool {
	return errors.As(err, new(*findingsError)) || errors.As(err, new(*archive.DifferenceError)) ||
		errors.Is(err, eventlog.ErrCorrupt) || errors.As(err, new(*generation.MismatchError)) ||
		errors.As(err, new(*readmodel.HistoryError)) || errors.As(err, new(*readmodel.CorruptError))
}

var errUsage = errors.New("wrong usage")

// command is one of the commands.
type command struct {
	// name has two words, args the names of what follows them.
	name, args, short string
	flags             func(*flag.FlagSet, *options)
	run               func(context.Context, *session) error
	// offered reports whether the service has what the command needs; nil means it does.
	offered func(*Service) bool
}

// options are the flags of the commands.
type options struct {
	json, types, printDDL, live, force, dryRun bool
	// sink and generation choose among the stores and the generations of a projection.
	sink, generation string
	// keep is how many old generations are kept, negative if that was not said.
	keep count
	// part is what is exported.
	part archive.Range
}

func addJSON(f *flag.FlagSet, o *options) {
	f.BoolVar(&o.json, "json", false, "report on stdout, one JSON object a line")
}

var commands = []command{
	{
		name: "log info", short: "print where the log's head is, and how many events it holds",
		flags: func(f *flag.FlagSet, o *options) {
			addJSON(f, o)
			f.BoolVar(&o.types, "types", false, "count by category and type, which reads the whole log")
		},
		run: info,
	},
	{
		name: "log export", args: "FILE", short: "write the log to a new file, with checksums",
		flags: func(f *flag.FlagSet, o *options) {
			addJSON(f, o)
			f.Var((*position)(&o.part.After), "after", "leave out everything up to this `position`")
			f.Var((*position)(&o.part.Through), "through", "leave out everything behind this `position`")
		},
		run: export,
	},
	{
		name: "log import", args: "FILE", short: "append what a file holds to an empty log, or to one that holds a beginning of it",
		flags: addJSON, run: importFile,
	},
	{
		name: "log verify", args: "FILE", short: "compare everything that a file holds with the log",
		flags: addJSON, run: verify,
	},
	{
		name: "log check", args: "FILE", short: "verify the checksums of a file, without a log",
		flags: addJSON, run: check,
	},
	{
		name: "log plan", short: "print what this program's release does to snapshots and read models, and how long that takes",
		flags: addJSON, run: planRelease, offered: hasRows,
	},
	{
		name: "log ddl", short: "print what creates the log's schema: statements, or a configuration",
		run: ddl, offered: func(s *Service) bool { return s.DDL != nil },
	},
	{
		name: "log migrate", short: "create the log's schema, or bring an older one up to date",
		flags: func(f *flag.FlagSet, o *options) {
			f.BoolVar(&o.printDDL, "print-ddl", false, "change nothing, and print what log ddl prints")
		},
		run: migrate, offered: func(s *Service) bool { return s.Migrate != nil },
	},
	{
		name: "snapshots verify", short: "replay each stream that has a snapshot, and compare",
		flags: addJSON, run: verifySnapshots,
	},
	{
		name: "projections status", args: "[NAME]",
		short: "print how far each generation of each read model is, whichever process works on it",
		flags: func(f *flag.FlagSet, o *options) {
			addSink(f, o)
			f.BoolVar(&o.live, "live", false, "go on until interrupted: in place on a terminal")
		},
		run: projectionsStatus, offered: hasRows,
	},
	{
		name: "projections verify", args: "NAME",
		short: "compare this program's generation with another one, row by row, and a sample of it with the log",
		flags: addGeneration("the active one"), run: compare, offered: hasRows,
	},
	{
		name: "projections promote", args: "NAME", short: "let queries be answered by another generation, at once",
		flags: func(f *flag.FlagSet, o *options) {
			addGeneration("this program's")(f, o)
			f.BoolVar(&o.force, "force", false, "also if its rows are wrong, or nobody can tell")
		},
		run: promote, offered: hasRows,
	},
	{
		name: "projections rollback", args: "NAME", short: "let queries be answered by the generation that was active before",
		flags: addSink, run: rollback, offered: hasRows,
	},
	{
		name: "projections drop", args: "[NAME]",
		short: "delete a generation that is not active, or all that nobody needs any more, with their rows",
		flags: func(f *flag.FlagSet, o *options) {
			addGeneration("or --keep")(f, o)
			o.keep = -1
			f.Var(&o.keep, "keep", "all that are older than the active one, but for this `number` of those that were active last")
			f.BoolVar(&o.dryRun, "dry-run", false, "delete nothing, and print what would be deleted")
		},
		run: drop, offered: hasRows,
	},
	{
		name: "projections ddl", args: "[NAME]", short: "print the statements that create the tables of read models in SQL databases",
		flags: addStore, run: tableDDL, offered: hasRows,
	},
}

func hasRows(s *Service) bool { return s.Rows != nil }

func addSink(f *flag.FlagSet, o *options) {
	addJSON(f, o)
	addStore(f, o)
}

func addStore(f *flag.FlagSet, o *options) {
	f.StringVar(&o.sink, "sink", "", "in this `store` alone: sqlite, postgres, …")
}

// addGeneration adds the flag that names a generation, and says what stands for it without the flag.
func addGeneration(without string) func(*flag.FlagSet, *options) {
	return func(f *flag.FlagSet, o *options) {
		addSink(f, o)
		f.StringVar(&o.generation, "generation", "", "`fingerprint` of the generation, as projections status prints it ("+without+")")
	}
}

// session is one run of a command.
type session struct {
	*Service
	options

	args []string
	log  Store
	rows Rows
	app  App
	// runners are those of the projections that the command is about.
	runners []projection.Runner
}

func (s *Service) run(ctx context.Context, args []string) error {
	c, rest, err := s.find(args)
	if err != nil {
		return err
	}
	run := &session{Service: s}
	if run.args, err = s.parse(c, rest, &run.options); err != nil {
		return err
	}
	if err := c.checkArgs(run.args); err != nil {
		return err
	}
	return errors.Join(c.run(ctx, run), run.close())
}

// checkArgs refuses arguments that are missing, or too many. Those in brackets may be left out.
func (c *command) checkArgs(args []string) error {
	most := int64(len(strings.Fields(c.args)))
	least := most - int64(strings.Count(c.args, "["))
	switch n := int64(len(args)); {
	case least <= n && n <= most:
		return nil
	case least < most:
		return fmt.Errorf("%w: %s takes at most %s, not %d", errUsage, c.name, counted(most, "argument"), n)
	default:
		return fmt.Errorf("%w: %s takes %s, not %d", errUsage, c.name, counted(most, "argument"), n)
	}
}

// open opens the log, which ends with the session.
func (s *session) open(ctx context.Context) error {
	log, err := s.Open(ctx)
	if err != nil {
		return err // with which log may be a pointer to nothing
	}
	s.log = log
	return nil
}

func (s *session) close() error {
	var err error
	if s.app != nil {
		s.app.Close()
	}
	if s.rows != nil {
		err = s.rows.Close()
	}
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return err
}

// find returns the command that args begin with.
func (s *Service) find(args []string) (*command, []string, error) {
	if len(args) == 0 {
		return nil, nil, fmt.Errorf("%w: which command?", errUsage)
	}
	if len(args) == 1 {
		return nil, nil, fmt.Errorf("%w: %s what?", errUsage, args[0])
	}
	if word := strings.TrimLeft(args[1], "-"); word == "help" || args[1] == "-h" {
		return nil, nil, flag.ErrHelp
	}
	name := args[0] + " " + args[1]
	for i := range commands {
		if c := &commands[i]; c.name == name {
			if c.offered != nil && !c.offered(s) {
				return nil, nil, fmt.Errorf("%w: there is no %s here", errUsage, name)
			}
			return c, args[2:], nil
		}
	}
	return nil, nil, fmt.Errorf("%w: there is no command %s", errUsage, name)
}

// parse reads flags, which may stand before, between and behind the arguments, and returns the arguments.
func (s *Service) parse(c *command, args []string, o *options) (rest []string, err error) {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	if s.Flags != nil {
		s.Flags(f)
	}
	if c.flags != nil {
		c.flags(f, o)
	}
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		read := args[:len(args)-f.NArg()]
		if len(read) > 0 && read[len(read)-1] == "--" { // behind which nothing is a flag
			return append(rest, f.Args()...), nil
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
}
