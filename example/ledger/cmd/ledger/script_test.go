package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"ledger": main}) }

// The scripts run the program as a process of its own, each in a folder of its own.
func TestTheLogIsOperatedByTheProgram(t *testing.T) { runScripts(t, "testdata/script") }

func TestALogMovesFromEngineToEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts four servers")
	}
	runScripts(t, "testdata/servers", "DATABASE_URL", testserver.Postgres(t), "NATS_URL", testserver.NATS(t))
}

func TestReadModelsAreKeptInTheStoresThatFlagsName(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts five servers")
	}
	runScripts(t, "testdata/stores", "DATABASE_URL", testserver.Postgres(t), "PUBLISH_URL", testserver.NATS(t), "REDIS_URL", testserver.Redis(t), "ELASTICSEARCH_URL", testserver.Elasticsearch(t))
}

func runScripts(t *testing.T, dir string, variables ...string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			for i := 0; i < len(variables); i += 2 {
				env.Setenv(variables[i], variables[i+1])
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until, "damage": damage, "older": older, "published": published, "terminate": terminate,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// exits CODE PROGRAM ARGS… asks for an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	code := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		code = "1"
		if exit, ok := err.(interface{ ExitCode() int }); ok && exit.ExitCode() != 1 {
			code = string(rune('0' + exit.ExitCode()))
		}
	}
	if code != args[0] {
		ts.Fatalf("exit code %s instead of %s", code, args[0])
	}
}

// terminate asks all programs in the background to end, as an init system does.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: terminate")
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// damage FILE turns a bit in the middle of a file.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FILE")
	}
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	content[len(content)/2] ^= 1
	ts.Check(os.WriteFile(path, content, 0o644))
}

// until PATTERN PROGRAM ARGS… runs the program until its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARGS…")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	for began := time.Now(); ; {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Since(began) > time.Minute {
			ts.Fatalf("no line matches %s, at last: %v\n%s", args[0], err, ts.ReadFile("stdout"))
		}
	}
}

// older FOLDER stores a generation of the totals that another release made: it counts one movement more per currency. It is
// active.
func older(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: older FOLDER")
	}
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(ts.MkAbs(args[0]), "readmodels-embedded.db"))
	ts.Check(err)
	defer store.Close()
	all, err := store.Generations(ctx, "CurrencyTotals")
	ts.Check(err)
	own, schema, err := store.Open(ctx, "CurrencyTotals", all[0].Schema.Fingerprint)
	ts.Check(err)
	var changes []readmodel.Change
	checkpoint, err := own.Find(ctx, readmodel.Find{Index: -1}, func(key, row []readmodel.Value, at cqrs.Position) error {
		row = slices.Clone(row)
		row[3] = readmodel.OfInt64(row[3].Int64() + 1)
		changes = append(changes, readmodel.Change{Key: slices.Clone(key), Row: row, Position: at})
		return nil
	})
	ts.Check(err)
	before := *schema
	before.Fingerprint = "00000000000000aa"
	table, err := store.Table(ctx, &before)
	ts.Check(err)
	ts.Check(table.Apply(ctx, &readmodel.Batch{To: checkpoint, Changes: changes}))
	ts.Check(store.Promote(ctx, "CurrencyTotals", before.Fingerprint))
}

// published ADDRESS waits until as many events are published as the log has, by what `ledger log info` printed.
func published(ts *testscript.TestScript, neg bool, args []string) {
	counted := regexp.MustCompile(`(?m)^events +(\d+)$`).FindStringSubmatch(ts.ReadFile("stdout"))
	if neg || len(args) != 1 || counted == nil {
		ts.Fatalf("usage: published ADDRESS, behind ledger log info")
	}
	want, err := strconv.ParseUint(counted[1], 10, 64)
	ts.Check(err)
	end := strings.LastIndex(args[0], "/")
	conn, err := nats.Connect(args[0][:end])
	ts.Check(err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	ts.Check(err)
	for began := time.Now(); ; {
		var found uint64
		stream, err := js.Stream(context.Background(), args[0][end+1:])
		if err == nil {
			found = stream.CachedInfo().State.Msgs
		}
		if found == want {
			return
		}
		if found > want || time.Since(began) > time.Minute {
			ts.Fatalf("%d events are published, and the log has %d: %v", found, want, err)
		}
	}
}
