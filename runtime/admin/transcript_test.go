package admin

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A release of the service of these tests has one projection: the balances of accounts.
type release struct {
	fingerprint string
	// fee is taken off each movement: another one is another fold.
	fee int64
	// broken folds stop at accounts that are closed.
	broken bool
	// unattended generations need no operator to be promoted.
	unattended bool
}

var (
	firstRelease  = release{fingerprint: "1111111111111111"}
	secondRelease = release{fingerprint: "2222222222222222", fee: 1}
	thirdRelease  = release{fingerprint: "3333333333333333", fee: 2}
	brokenRelease = release{fingerprint: "4444444444444444", broken: true}
)

var errClosed = errors.New("what happens to a closed account?")

func (r release) definition() projection.Definition[string, int64] {
	return projection.Definition[string, int64]{
		Name: "Balances", Events: []string{"Moved", "Closed"}, Manual: !r.unattended, ByStream: true,
		OwnKey: func(k string, _ bool) string { return strings.Clone(k) },
		Codec: readmodel.Codec[string, int64]{
			Schema: readmodel.Schema{
				Projection: "Balances", Fingerprint: r.fingerprint,
				Key:     []readmodel.Column{{Name: "account", Kind: readmodel.String}},
				Row:     []readmodel.Column{{Name: "balance", Kind: readmodel.Int64}},
				Indexes: [][]string{{"balance"}},
			},
			AppendKey: func(v []readmodel.Value, k *string) []readmodel.Value { return append(v, readmodel.OfString(*k)) },
			AppendRow: func(v []readmodel.Value, x *int64) ([]readmodel.Value, error) {
				return append(v, readmodel.OfInt64(*x)), nil
			},
			ReadKey: func(s *readmodel.Scanner, k *string) { *k = s.String() },
			ReadRow: func(s *readmodel.Scanner, x *int64) { *x = s.Int64() },
		},
		NewFold: func(int) func(*projection.Rows[string, int64], *cqrs.Record) error { return r.fold },
	}
}

func (r release) fold(rows *projection.Rows[string, int64], rec *cqrs.Record) error {
	balance := rows.At(rec.Stream.ID)
	if rec.Type == "Closed" && r.broken {
		return errClosed
	}
	if balance == nil {
		return nil
	}
	var amount int64
	if err := json.Unmarshal(rec.Data, &amount); err != nil {
		return err
	}
	*balance += amount - r.fee
	return nil
}

// bank is a service whose releases come and go over one log and one store.
type bank struct {
	log   *engine.Log
	store readmodel.Store
	// now is the release whose program is asked.
	now  release
	text strings.Builder
}

func (b *bank) VerifySnapshots(context.Context) iter.Seq2[snapshot.Finding, error] { return nil }

func (b *bank) Close() {}

func (b *bank) projector(r release) *projection.Projector[string, int64] {
	g := projection.NewGroup(b.log, projection.WithLogger(slog.New(slog.DiscardHandler)))
	return projection.New(g, b.store, r.definition())
}

func (b *bank) Projectors() []projection.Runner { return []projection.Runner{b.projector(b.now)} }

type keptStore struct{ readmodel.Store }

func (keptStore) Close() error { return nil }

func (b *bank) service() Service {
	return Service{
		Name: "bank",
		Open: func(context.Context) (Store, error) { return opened{b.log}, nil },
		Rows: func(context.Context) (Rows, error) { return keptStore{b.store}, nil },
		App:  func(context.Context, Store, readmodel.Store) (App, error) { return b, nil },
	}
}

// append appends an event of each account.
func (b *bank) append(t *testing.T, kind string, amount int, accounts ...string) {
	for _, account := range accounts {
		_, err := b.log.Append(t.Context(), eventlog.Commit{
			ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)},
			Streams: []eventlog.StreamAppend{{
				Stream: cqrs.StreamID{Category: "Account", ID: account}, Expected: eventlog.Any,
				Events: []eventlog.NewEvent{{Type: kind, SchemaVersion: 1, ContentType: cqrs.JSON, Data: fmt.Append(nil, amount)}},
			}},
		})
		require.NoError(t, err)
	}
}

// says runs a command of the current release, and adds what it prints to the transcript.
func (b *bank) says(t *testing.T, args ...string) {
	var out, errs strings.Builder
	s := b.service()
	s.Stdout, s.Stderr = &out, &errs
	code := Run(t.Context(), args, s)
	fmt.Fprintf(&b.text, "$ bank %s\n%s", strings.Join(args, " "), out.String())
	if errs.Len() > 0 {
		fmt.Fprintf(&b.text, "(to standard error) %s", errs.String())
	}
	if code != 0 {
		fmt.Fprintf(&b.text, "(exit code %d)\n", code)
	}
	b.text.WriteString("\n")
}

// happens adds to the transcript what comes between two commands.
func (b *bank) happens(what string) { fmt.Fprintf(&b.text, "# %s\n\n", what) }

// golden compares the transcript with the file of a name. What is another with each run is written in capitals.
func (b *bank) golden(t *testing.T, name string) {
	text := b.text.String()
	for _, changing := range [][2]string{
		{`[\w.-]+/\d+/[A-Z2-7]{6}`, "HOST/PID"},
		{`"(since|at|created|promoted)":"[^"]*"`, `"$1":"TIME"`},
		{`"(behind|age)":\d+`, `"$1":NANOSECONDS`},
		{`\d{4}-\d\d-\d\dT[\d:.]+Z`, "TIME"},
		{`for 1m[\d.]*m?s`, "for 1mSECONDS"},
	} {
		text = regexp.MustCompile(changing[0]).ReplaceAllString(text, changing[1])
	}
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

func (b *bank) build(t *testing.T, r release) {
	require.NoError(t, b.projector(r).CatchUp(t.Context()))
}

func (b *bank) table(t *testing.T, r release) readmodel.Table {
	def := r.definition()
	table, err := b.store.Table(t.Context(), &def.Codec.Schema)
	require.NoError(t, err)
	return table
}

// eachStore runs a test over a bank in each of the stores that people operate most.
func eachStore(t *testing.T, test func(*testing.T, *bank)) {
	stores := map[string]func(t *testing.T) readmodel.Store{
		"memory": func(*testing.T) readmodel.Store { return memory.New() },
		"sqlite": func(t *testing.T) readmodel.Store {
			s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "read.db"))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.Close()) })
			return s
		},
		"postgres": func(t *testing.T) readmodel.Store {
			s, err := postgres.Open(t.Context(), testserver.Postgres(t), postgres.Migrate())
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.Close()) })
			return s
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { test(t, &bank{log: engine.New(), store: open(t), now: firstRelease}) })
	}
}

func TestAGoldenTranscriptOfAReleaseThatAnOperatorPromotes(t *testing.T) {
	eachStore(t, func(t *testing.T, b *bank) {
		b.says(t, "projections", "status")
		b.append(t, "Moved", 10, "ada", "bob", "cyd")
		b.append(t, "Moved", 5, "ada")
		b.says(t, "projections", "status")
		b.build(t, firstRelease)
		b.happens("the first release was started; its generation needs nobody to be promoted")
		b.says(t, "projections", "status")

		b.now = secondRelease
		b.happens("the second release is deployed")
		b.says(t, "projections", "promote", "Balances")
		table := b.table(t, secondRelease)
		require.NoError(t, table.Hold(t.Context(), "app-2/4711/ABCDEF", time.Minute, report(t, projection.Status{
			Phase: projection.Building, Manual: true, Handled: 3, Total: 4, Rate: 1.5, ETA: time.Second, Behind: time.Minute,
		})))
		b.says(t, "projections", "status")
		b.says(t, "projections", "promote", "Balances")
		b.says(t, "projections", "drop", "Balances", "--generation", "2222")
		require.NoError(t, table.Release(t.Context(), "app-2/4711/ABCDEF", nil))

		b.build(t, secondRelease)
		b.happens("it is built")
		b.says(t, "projections", "status")
		b.says(t, "projections", "verify", "Balances")
		b.says(t, "projections", "promote", "Balances")
		b.says(t, "projections", "promote", "Balances")
		b.says(t, "projections", "status")
		b.says(t, "projections", "rollback", "Balances")
		b.says(t, "projections", "status")
		b.append(t, "Moved", 1, "cyd", "dan")
		b.build(t, secondRelease)
		b.happens("the log has grown, and the second release has followed")
		b.says(t, "projections", "status")
		b.says(t, "projections", "verify", "Balances")
		b.says(t, "projections", "drop", "Balances", "--generation", "1")
		b.says(t, "projections", "promote", "Balances")
		b.says(t, "projections", "drop", "Balances", "--generation", "1")
		b.says(t, "projections", "rollback", "Balances")
		b.says(t, "projections", "drop", "Balances", "--generation", "1")
		b.says(t, "projections", "status")
		b.golden(t, "promoted."+b.store.Name()+".txt")
	})
}

func TestAGoldenTranscriptOfWhatIsWrong(t *testing.T) {
	eachStore(t, func(t *testing.T, b *bank) {
		b.append(t, "Moved", 10, "ada", "bob", "cyd")
		b.build(t, firstRelease)
		b.now = secondRelease
		b.build(t, secondRelease)
		table := b.table(t, secondRelease)
		at, err := table.Checkpoint(t.Context())
		require.NoError(t, err)
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: at, To: at, Changes: []readmodel.Change{
			{Key: []readmodel.Value{readmodel.OfString("bob")}, Row: []readmodel.Value{readmodel.OfInt64(1_000_000)}, Position: 2},
		}}))
		b.happens("somebody wrote into a table")
		b.says(t, "projections", "verify", "Balances")
		b.says(t, "projections", "promote", "Balances")
		b.says(t, "projections", "promote", "Balances", "--force")

		b.build(t, thirdRelease)
		b.happens("a third release builds its generation, and the second one's program does not know its fold")
		b.says(t, "projections", "promote", "Balances", "--generation", "3333")
		b.says(t, "projections", "promote", "Balances", "--generation", "3333", "--force")
		b.says(t, "projections", "promote", "Balances", "--generation", "1")
		b.says(t, "projections", "promote", "Balances", "--generation", "7777")

		b.now = brokenRelease
		b.append(t, "Closed", 0, "bob")
		require.Error(t, b.projector(brokenRelease).CatchUp(t.Context()))
		b.happens("the fold of a fourth one fails")
		b.says(t, "projections", "status")
		b.says(t, "projections", "status", "--json")

		b.now = thirdRelease
		require.NoError(t, b.table(t, thirdRelease).Hold(t.Context(), "app-3/4711/ABCDEF", time.Millisecond, report(t, projection.Status{
			Phase: projection.Live, Handled: 3, Total: 3, Rate: 100,
		})))
		require.Eventually(t, func() bool {
			all, err := b.store.Generations(t.Context(), "Balances")
			require.NoError(t, err)
			return !all[2].Held()
		}, 10*time.Second, time.Millisecond)
		b.happens("a process of the third one was killed while it followed the log")
		b.says(t, "projections", "status")
		b.golden(t, "wrong."+b.store.Name()+".txt")
	})
}

func TestAGoldenTranscriptOfReportsForPrograms(t *testing.T) {
	eachStore(t, func(t *testing.T, b *bank) {
		b.append(t, "Moved", 10, "ada")
		b.says(t, "projections", "status", "--json")
		b.build(t, firstRelease)
		b.now = secondRelease
		b.build(t, secondRelease)
		for _, args := range [][]string{
			{"status"}, {"verify", "Balances"}, {"promote", "Balances"}, {"rollback", "Balances"},
			{"drop", "Balances", "--generation", "2222"}, {"drop", "Balances", "--generation", "2222"},
		} {
			b.says(t, append(append([]string{"projections"}, args...), "--json")...)
		}
		b.says(t, "projections", "ddl")
		b.golden(t, "programs."+b.store.Name()+".txt")
	})
}
