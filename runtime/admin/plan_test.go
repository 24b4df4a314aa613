package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// planned is what programs read of a plan, by kind, projection or type.
type planned map[string]map[string]any

func (b *bank) plan(t *testing.T) planned {
	t.Helper()
	var out, errs strings.Builder
	s := b.service()
	s.Stdout, s.Stderr = &out, &errs
	require.Equal(t, fine, Run(t.Context(), []string{"log", "plan", "--json"}, s), errs.String())
	found := planned{}
	for line := range strings.Lines(out.String()) {
		var x map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &x))
		name := fmt.Sprint(x["kind"])
		if of := x["projection"]; of != nil {
			name += " " + fmt.Sprint(of)
		} else if of := x["type"]; of != nil {
			name += " " + fmt.Sprint(of)
		}
		found[name] = x
	}
	return found
}

func newBank(t *testing.T, events int) *bank {
	b := &bank{log: engine.New(), store: memory.New(), now: firstRelease}
	for i := range events {
		b.append(t, "Moved", 100, fmt.Sprintf("a%d", i%7))
	}
	return b
}

func TestAPlanSaysWhatAReleaseDoesToEachGeneration(t *testing.T) {
	b := newBank(t, 300)
	b.append(t, "Ignored", 12345, "a1")
	p := b.plan(t)
	balances := p["plan Balances"]
	assert.Equal(t, "build", balances["action"])
	assert.EqualValues(t, 300, balances["events"])
	assert.Positive(t, balances["eta"])
	assert.Positive(t, balances["rate"])
	assert.EqualValues(t, 300, p["together"]["events"])
	assert.Positive(t, p["together"]["eta"])
	assert.Equal(t, map[string]any{"kind": "events", "type": "Moved", "events": 300.0, "bytes": 900.0}, p["events Moved"])
	assert.Equal(t, map[string]any{"kind": "events", "type": "Ignored", "events": 1.0, "bytes": 5.0}, p["events Ignored"])
	assert.Equal(t, map[string]any{"kind": "events", "type": "Closed", "events": 0.0, "bytes": 0.0}, p["events Closed"])
	assert.EqualValues(t, 301, p["sample"]["total"])

	b.build(t, firstRelease)
	p = b.plan(t)
	assert.Equal(t, "nothing", p["plan Balances"]["action"])
	assert.NotContains(t, p, "together", "there is nothing to measure")

	b.now = secondRelease
	balances = b.plan(t)["plan Balances"]
	assert.Equal(t, "rebuild", balances["action"])
	assert.Equal(t, firstRelease.fingerprint, balances["active"])
	assert.Equal(t, secondRelease.fingerprint, balances["generation"])
	begun := secondRelease.definition().Codec.Schema
	_, err := b.store.Table(t.Context(), &begun)
	require.NoError(t, err)
	assert.Equal(t, "finish", b.plan(t)["plan Balances"]["action"])
	b.build(t, secondRelease)
	assert.Equal(t, "promote", b.plan(t)["plan Balances"]["action"], "it waits for an operator")
}

func TestAPlanSaysWhyAGenerationThatIsBuiltIsNotPromotedByItself(t *testing.T) {
	b := newBank(t, 30)
	b.build(t, firstRelease)
	b.build(t, secondRelease)
	b.build(t, brokenRelease)
	b.now = secondRelease
	assert.Contains(t, b.plan(t)["plan Balances"]["next"], "it waits for an operator")

	require.NoError(t, b.store.Promote(t.Context(), "Balances", secondRelease.fingerprint))
	assert.NotContains(t, b.plan(t)["plan Balances"], "next")
	b.now = firstRelease
	assert.Contains(t, b.plan(t)["plan Balances"]["next"], "it was active once, and is not promoted again by itself")

	b.append(t, "Closed", 0, "a1")
	require.ErrorIs(t, b.projector(brokenRelease).CatchUp(t.Context()), errClosed)
	b.now = brokenRelease
	assert.Contains(t, b.plan(t)["plan Balances"]["next"], errClosed.Error())
}

func TestAPlanSaysThatAnOlderGenerationIsNotPromotedByItself(t *testing.T) {
	b := newBank(t, 30)
	older := release{fingerprint: "5555555555555555", fee: 2, unattended: true}
	b.build(t, firstRelease)
	def := older.definition()
	_, err := b.store.Table(t.Context(), &def.Codec.Schema)
	require.NoError(t, err)
	b.build(t, secondRelease)
	require.NoError(t, b.store.Promote(t.Context(), "Balances", secondRelease.fingerprint))
	b.build(t, older)
	b.now = older
	assert.Contains(t, b.plan(t)["plan Balances"]["next"], "it was made before the one that is active")
}

func TestAPlanNamesReadModelsThatTheModelDoesNotHaveAnyMore(t *testing.T) {
	b := newBank(t, 3)
	gone := firstRelease.definition().Codec.Schema
	gone.Projection = "Totals"
	_, err := b.store.Table(t.Context(), &gone)
	require.NoError(t, err)
	assert.Equal(t, "left", b.plan(t)["plan Totals"]["action"])
}

func TestAPlanChangesNothing(t *testing.T) {
	b := newBank(t, 30)
	b.build(t, firstRelease)
	b.now = secondRelease
	before, err := b.store.Generations(t.Context(), "")
	require.NoError(t, err)
	b.plan(t)
	after, err := b.store.Generations(t.Context(), "")
	require.NoError(t, err)
	for i := range after {
		after[i].Asked = before[i].Asked
	}
	assert.Equal(t, before, after)
}

func TestAPlanOfAFoldThatFailsSaysWhereItFailed(t *testing.T) {
	b := newBank(t, 3)
	b.append(t, "Closed", 0, "a1")
	b.now = brokenRelease
	var errs strings.Builder
	s := b.service()
	s.Stdout, s.Stderr = &strings.Builder{}, &errs
	assert.Equal(t, failure, Run(t.Context(), []string{"log", "plan"}, s))
	assert.Contains(t, errs.String(), errClosed.Error())
}

// stale is a bank whose snapshots are those of another release, but for one.
type stale struct{ *bank }

func (stale) VerifySnapshots(context.Context) iter.Seq2[snapshot.Finding, error] {
	return func(yield func(snapshot.Finding, error) bool) {
		for i := range 5 {
			verdict := snapshot.Stale
			if i == 2 {
				verdict = snapshot.Right
			}
			if !yield(snapshot.Finding{Verdict: verdict}, nil) {
				return
			}
		}
	}
}

func (s stale) Projectors() []projection.Runner { return s.bank.Projectors() }

func TestAPlanCountsTheSnapshotsThatAreNotUsedAnyMore(t *testing.T) {
	b := newBank(t, 30)
	s := b.service()
	s.App = func(context.Context, Store, readmodel.Store) (App, error) { return stale{b}, nil }
	var out strings.Builder
	s.Stdout = &out
	require.Equal(t, fine, Run(t.Context(), []string{"log", "plan"}, s))
	assert.Contains(t, out.String(), "snapshots: 4 of all 5 are of another state than this release's")
	assert.Regexp(t, `(?m)^Balances    memory  build     1111111111111111, 30 events, about .* at \d+/s$`, out.String())
	assert.Contains(t, out.String(), "built together, from one scan of 30 events: about ")
	assert.Contains(t, out.String(), "Measured on the first 30 of 30 events")
}

func TestSnapshotsThatCountOnAreNotCalledUnused(t *testing.T) {
	assert.Equal(t, "snapshots: there are none", (&plannedSnapshots{All: true}).text())
	assert.Equal(t, "snapshots: all 3 are of this release's state, and used", (&plannedSnapshots{All: true, Looked: 3}).text())
	assert.Equal(t, "snapshots: the first 3 are of this release's state, and used", (&plannedSnapshots{Looked: 3}).text())
}
