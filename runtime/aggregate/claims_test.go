package aggregate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// The test of this file lets several callers, handles and processes give random commands to a few streams of which no
// two may have the same sum, and compares every answer with a model of the whole log.

// claimStreams are few and their sums small, so that almost every command meets another one.
const claimStreams, mostSum = 4, 6

// step is one command, and its answer.
type step struct {
	From, To string // To is "" for one that adds to From
	N        int64
	ID       string // the command id, if it has one
	// Before and After are the heads of the log before the command was given and after it was answered.
	Before, After cqrs.Position
	Answer        string // "" if it was accepted, else the rejection's name
	Repeated      bool
	Position      cqrs.Position
}

func randomStep(random *rand.Rand) step {
	ids := random.Perm(claimStreams)
	s := step{From: strconv.Itoa(ids[0]), N: random.Int64N(mostSum) - mostSum/3}
	if random.IntN(3) == 0 {
		s.To, s.N = strconv.Itoa(ids[1]), 1+random.Int64N(3)
	}
	if random.IntN(4) == 0 {
		s.ID = strconv.FormatUint(random.Uint64(), 36)
	}
	return s
}

// run gives the command and completes the step.
func (s *step) run(sys *system) error {
	var err error
	if s.Before, err = sys.store.Head(ctx); err != nil {
		return err
	}
	c := add(s.From, s.N)
	if s.To != "" {
		c = sys.transfer(s.From, s.To, s.N)
	}
	var opts []cqrs.CommandOption
	if s.ID != "" {
		opts = append(opts, cqrs.WithCommandID(s.ID))
	}
	r, err := sys.Execute(ctx, c, opts...)
	var rejected cqrs.Rejection
	switch {
	case err == nil:
		s.Position, s.Repeated = r.Position, r.Repeated
	case errors.As(err, &rejected):
		s.Answer = rejected.RejectionType()
	case errors.As(err, new(*cqrs.NotFoundError)):
		s.Answer = "NotFound"
	default:
		return err
	}
	s.After, err = sys.store.Head(ctx)
	return err
}

// sums is the model: what all streams add up to.
type sums map[string]int64

// answer is what the model says to a command.
func (m sums) answer(s *step) string {
	_, from := m[s.From]
	_, to := m[s.To]
	own, others := m[s.From]+s.N, sums{}
	if s.To != "" {
		if !to {
			return "NotFound"
		}
		if own = m[s.From] - s.N; own < 0 || !from && s.N > 0 {
			return "Negative"
		}
		others[s.To] = m[s.To] + s.N
	} else if own < 0 {
		return "Negative"
	}
	others[s.From] = own
	for id, sum := range others {
		if sum != 0 && m.taken(id, sum, others) {
			return "SumTaken"
		}
	}
	return ""
}

// taken reports whether another stream than id has a sum, once some streams have others.
func (m sums) taken(id string, sum int64, changed sums) bool {
	for other, has := range m {
		if now, ok := changed[other]; ok {
			has = now
		}
		if other != id && has == sum {
			return true
		}
	}
	for other, has := range changed {
		if other != id && has == sum {
			return true
		}
	}
	return false
}

// requireExplained checks the log and all answers against the model.
func requireExplained(t *testing.T, log Store, steps []step) {
	t.Helper()
	models, claims := replayed(t, log)
	for i := range steps {
		s := &steps[i]
		if s.Answer == "" {
			require.Contains(t, models, s.Position, "a receipt names a commit")
			continue
		}
		explained := false
		for p := s.Before; p <= s.After && !explained; p++ {
			m, boundary := models[p]
			explained = boundary && m.answer(s) == s.Answer
		}
		require.True(t, explained, "nothing explains %+v", *s)
	}
	last := cqrs.Position(0)
	for p := range models {
		last = max(last, p)
	}
	held := sums{}
	for _, id := range claims {
		if id != "" {
			held[id]++
		}
	}
	for id, sum := range models[last] {
		require.Equal(t, sum != 0, held[id] == 1, "stream %s has the sum %d and holds %d values", id, sum, held[id])
	}
}

// replayed returns the model at the end of each commit, by position, and who holds each claim in the end. No two streams
// have the same sum at the end of a commit.
func replayed(t *testing.T, log Store) (models map[cqrs.Position]sums, claims map[string]string) {
	t.Helper()
	now := sums{}
	models, claims = map[cqrs.Position]sums{0: {}}, map[string]string{}
	var last cqrs.CommitID
	end := cqrs.Position(0)
	finish := func() {
		at := sums{}
		seen := map[int64]string{}
		for id, sum := range now {
			at[id] = sum
			require.GreaterOrEqual(t, sum, int64(0))
			if sum != 0 {
				require.Empty(t, seen[sum], "two streams have the sum %d at position %d", sum, end)
				seen[sum] = id
			}
		}
		models[end] = at
	}
	for rec, err := range log.Read(ctx, eventlog.Query{}) {
		require.NoError(t, err)
		if rec.Commit != last && end > 0 {
			finish()
		}
		last, end = rec.Commit, rec.Position
		switch rec.Stream.Category {
		case "Tally":
			var e added
			require.NoError(t, json.Unmarshal(rec.Data, &e))
			now[strings.Clone(rec.Stream.ID)] += e.N
		case claim.Category:
			var holder struct{ ID string }
			require.NoError(t, json.Unmarshal(rec.Data, &holder))
			require.Equal(t, rec.Version%2 == 1, holder.ID != "", "claimed and released alternate")
			claims[strings.Clone(rec.Stream.ID)] = holder.ID
		}
	}
	finish()
	return models, claims
}

// uniqueSystem is newSystem with unique sums, outside of a test.
func uniqueSystem(c interface{ Cleanup(func()) }, store Store) *system {
	s := newSystem(c, setting{store: store, every: 5, opts: []Option{WithCache(3)}})
	s.def.Unique = uniqueSums
	return s
}

// callers gives n random commands from each of several goroutines, spread over the systems.
func callers(systems []*system, random *rand.Rand, goroutines, n int) ([]step, error) {
	steps, failures := make([][]step, goroutines), make([]error, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		random := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		wg.Go(func() {
			for range n {
				s := randomStep(random)
				if failures[g] = s.run(systems[random.IntN(len(systems))]); failures[g] != nil {
					return
				}
				steps[g] = append(steps[g], s)
			}
		})
	}
	wg.Wait()
	return slices.Concat(steps...), errors.Join(failures...)
}

func TestEveryAnswerAboutUniqueValuesIsOneThatTheLogExplains(t *testing.T) {
	engines := map[string]func(*testing.T, int) []Store{
		"memory": func(_ *testing.T, n int) []Store {
			log := memory.New()
			return slices.Repeat([]Store{log}, n)
		},
		"embedded": func(t *testing.T, n int) []Store {
			dir, handles := t.TempDir(), make([]Store, n)
			for i := range handles {
				handles[i] = openEmbedded(t, dir)
			}
			return handles
		},
	}
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			random := soak.Rand(t)
			box := soak.Box(t, 5*time.Second, 10*time.Minute)
			for range box.Rounds(soak.Rounds(20, 2_000), "rounds") {
				stores := open(t, 3)
				var systems []*system
				for _, store := range stores {
					systems = append(systems, uniqueSystem(t, store))
				}
				steps, err := callers(systems, random, 6, 40)
				require.NoError(t, err)
				requireExplained(t, stores[0], steps)
			}
		})
	}
}

func openEmbedded(t *testing.T, dir string) *embedded.Log {
	log, err := embedded.Open(context.Background(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	return log
}

func TestEveryAnswerOfSeveralProcessesAboutUniqueValuesIsOneThatTheLogExplains(t *testing.T) {
	random, dir := soak.Rand(t), t.TempDir()
	log := openEmbedded(t, dir)
	n := soak.Rounds(60, 3_000)
	var steps []step
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 3 {
		child := startChild(t, "claims", dir, fmt.Sprint(random.Uint64()), strconv.Itoa(n))
		wg.Go(func() {
			for lines := bufio.NewScanner(child.out); lines.Scan(); {
				var s step
				if !assert.NoError(t, json.Unmarshal(lines.Bytes(), &s)) {
					return
				}
				mu.Lock()
				steps = append(steps, s)
				mu.Unlock()
			}
			assert.NoError(t, child.Wait())
		})
	}
	wg.Wait()
	require.Len(t, steps, 3*2*n)
	requireExplained(t, log, steps)
}

// childClaims gives random commands and prints each answer.
func childClaims(args []string, out io.Writer) (err error) {
	log, err := embedded.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var end cleanups
	defer end.run()
	steps, err := callers([]*system{uniqueSystem(&end, log)}, rand.New(rand.NewPCG(seed, 0)), 2, n)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	for _, s := range steps {
		if err := enc.Encode(s); err != nil {
			return err
		}
	}
	return nil
}

// cleanups are what a test would clean up, where there is none.
type cleanups []func()

func (c *cleanups) Cleanup(f func()) { *c = append(*c, f) }

func (c *cleanups) run() {
	for _, f := range *c {
		f()
	}
}
