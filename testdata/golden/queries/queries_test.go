package queries_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/elastic"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
	"github.com/cqrsgen/cqrsgen/testdata/golden/queries"
)

type (
	entry   = readmodel.Entry[queries.InvoicesKey, queries.InvoicesRow]
	entries = []entry
)

var (
	today = cqrs.Date{Year: 2026, Month: 3, Day: 1}
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// seeded returns the source of a test's random values, and says how to get the same again.
func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("CQRSGEN_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("CQRSGEN_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func invoice(r *rand.Rand) *queries.InvoiceSent {
	e := &queries.InvoiceSent{
		Customer: queries.Customer(string(rune('a' + r.IntN(4)))), Due: today.AddDays(r.IntN(7) - 3),
		Sent: noon.Add(time.Duration(r.IntN(5)-2) * time.Hour), Level: queries.Level(r.IntN(5) - 2),
		Phase: []queries.Phase{queries.PhaseOpen, queries.PhasePaid, queries.PhaseWrittenOff}[r.IntN(3)],
		Price: cqrs.MustDecimal(fmt.Sprint(r.IntN(4))), Paid: cqrs.MustDecimal(fmt.Sprint(r.IntN(4))),
		Rate: float64(r.IntN(5)) / 4, Urgent: r.IntN(2) == 0, Size: uint32(r.IntN(4)),
		Code: uuid.UUID{15: byte(r.IntN(3))}, Wait: time.Duration(r.IntN(3)), Raw: []byte{byte(r.IntN(2))},
		Total: queries.Money{Amount: 1, Currency: "b"},
	}
	if r.IntN(2) == 0 {
		e.Note = cqrs.Some(string(rune('x' + r.IntN(3))))
	}
	return e
}

// apps are the bounded context over every sink, with the same rows.
func apps(t *testing.T) map[string]*queries.App {
	r, log := seeded(t), enginememory.New()
	for i := range 60 {
		data, err := invoice(r).AppendJSON(nil)
		require.NoError(t, err)
		_, err = log.Append(t.Context(), eventlog.Commit{
			ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: noon},
			Streams: []eventlog.StreamAppend{{
				Stream: cqrs.StreamID{Category: "Invoice", ID: fmt.Sprintf("invoice-%d", i)}, Expected: eventlog.New,
				Events: []eventlog.NewEvent{{Type: "InvoiceSent", SchemaVersion: 1, ContentType: cqrs.JSON, Data: data}},
			}},
		})
		require.NoError(t, err)
	}
	disk, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rows.db"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, disk.Close()) })
	search, err := elastic.Open(t.Context(), testserver.Elasticsearch(t))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, search.Close()) })
	apps := map[string]*queries.App{}
	for name, rows := range map[string]readmodel.Store{"memory": memory.New(), "sqlite": disk, "elastic": search} {
		app, err := queries.New(t.Context(), log, rows, queries.Deciders{}, queries.Projections{})
		require.NoError(t, err)
		t.Cleanup(app.Close)
		require.NoError(t, app.Invoices.Projector().CatchUp(t.Context()))
		apps[name] = app
	}
	return apps
}

type answer func(context.Context, *queries.InvoicesModel, ...cqrs.QueryOption) (entries, readmodel.Freshness, error)

// asked are the queries of the model, with what Go says that they select and how they sort.
var asked = map[string]struct {
	ask   answer
	where func(k queries.InvoicesKey, r queries.InvoicesRow) bool
	order func(a, b queries.InvoicesRow) int
}{
	"Overdue": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Overdue(ctx, today, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool {
			return r.Due.Before(today) && r.Phase == queries.PhaseOpen
		},
		func(a, b queries.InvoicesRow) int { return a.Due.Compare(b.Due) },
	},
	"Everything": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Everything(ctx, o...)
		},
		func(queries.InvoicesKey, queries.InvoicesRow) bool { return true },
		func(a, b queries.InvoicesRow) int {
			return cmp.Or(cmp.Compare(a.Customer, b.Customer), a.Due.Compare(b.Due))
		},
	},
	"OfCustomers": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.OfCustomers(ctx, cqrs.SetOf[queries.Customer]("a", "c"), cqrs.SetOf(queries.PhasePaid), "invoice-3", o...)
		},
		func(k queries.InvoicesKey, r queries.InvoicesRow) bool {
			return (r.Customer == "a" || r.Customer == "c") && r.Phase != queries.PhasePaid && k.Invoice != "invoice-3"
		}, nil,
	},
	"Between": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Between(ctx, noon.Add(-time.Hour), noon.Add(time.Hour), false, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool {
			return !r.Sent.Before(noon.Add(-time.Hour)) && r.Sent.Before(noon.Add(time.Hour))
		},
		func(a, b queries.InvoicesRow) int { return a.Sent.Compare(b.Sent) },
	},
	"Between all": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Between(ctx, noon, noon, true, o...)
		},
		func(queries.InvoicesKey, queries.InvoicesRow) bool { return true },
		func(a, b queries.InvoicesRow) int { return a.Sent.Compare(b.Sent) },
	},
	"Underpaid": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Underpaid(ctx, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool {
			return r.Paid.Cmp(r.Price) < 0 && r.Rate >= 0.5
		},
		func(a, b queries.InvoicesRow) int { return a.Price.Cmp(b.Price) },
	},
	"Urgent": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Urgent(ctx, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return r.Urgent },
		func(a, b queries.InvoicesRow) int { return cmp.Compare(a.Level, b.Level) },
	},
	"Calm": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Calm(ctx, false, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return !r.Urgent }, nil,
	},
	"Noted": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Noted(ctx, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return r.Note.Present() },
		func(a, b queries.InvoicesRow) int { return cmp.Compare(a.Note.Or(""), b.Note.Or("")) },
	},
	"WithNote": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.WithNote(ctx, cqrs.Some("x"), o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return r.Note == cqrs.Some("x") }, nil,
	},
	"WithNote none": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.WithNote(ctx, cqrs.Optional[string]{}, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return !r.Note.Present() }, nil,
	},
	"AboveLevel": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.AboveLevel(ctx, 0, 3, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return r.Level > 0 || r.Size >= 3 }, nil,
	},
	"Named": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Named(ctx, "B", o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return r.Customer == "b" }, nil,
	},
	"Total": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Total(ctx, queries.Money{Currency: "b"}, o...)
		},
		func(_ queries.InvoicesKey, r queries.InvoicesRow) bool { return r.Size > 0 && r.Customer == "b" }, nil,
	},
	"Others": {
		func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Others(ctx, cqrs.SetOf(uuid.UUID{15: 1}), nil, cqrs.SetOf[queries.Level](2), o...)
		},
		func(k queries.InvoicesKey, r queries.InvoicesRow) bool {
			return r.Code == uuid.UUID{15: 1} || r.Level == 2 || k.Invoice == "invoice-1" || r.Due == today
		}, nil,
	},
}

func TestQueriesSelectWhatGoSays(t *testing.T) {
	for sink, app := range apps(t) {
		var all entries
		for e, err := range app.Invoices.All(t.Context()) {
			require.NoError(t, err)
			all = append(all, e)
		}
		require.Len(t, all, 60)
		for name, c := range asked {
			want := slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return !c.where(e.Key, e.Row) })
			if c.order != nil {
				slices.SortStableFunc(want, func(a, b entry) int { return c.order(a.Row, b.Row) })
			}
			got, fresh, err := c.ask(t.Context(), app.Invoices)
			require.NoError(t, err)
			assert.True(t, fresh.Current(), "%s in %s", name, sink)
			assert.Equal(t, keys(want), keys(got), "%s in %s", name, sink)
			assert.Equal(t, keys(want), keys(inPages(t, app.Invoices, c.ask)), "%s in pages in %s", name, sink)
		}
	}
}

func keys(list entries) []queries.InvoiceID {
	out := make([]queries.InvoiceID, len(list))
	for i, e := range list {
		out[i] = e.Key.Invoice
	}
	return out
}

func inPages(t *testing.T, m *queries.InvoicesModel, ask answer) (all entries) {
	for page := (cqrs.Page{Limit: 7}); ; page.After = page.Next {
		rows, _, err := ask(t.Context(), m, cqrs.InPage(&page))
		require.NoError(t, err)
		require.LessOrEqual(t, len(rows), page.Limit)
		if all = append(all, rows...); page.Next == "" {
			return all
		}
	}
}

func TestRowsAreSearchedByTheirWordsWhereTheStoreCan(t *testing.T) {
	for sink, app := range apps(t) {
		ask := func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.Search(ctx, "b", o...)
		}
		found, fresh, err := ask(t.Context(), app.Invoices)
		if sink == "sqlite" {
			var no *readmodel.NoSearchError
			require.ErrorAs(t, err, &no)
			assert.Equal(t, "sqlite", no.Store)
			continue
		}
		require.NoError(t, err)
		assert.True(t, fresh.Current(), sink)
		var want, got []queries.InvoiceID
		for e, err := range app.Invoices.All(t.Context()) {
			require.NoError(t, err)
			if note, _ := e.Row.Note.Get(); e.Row.Customer == "b" || note == "b" {
				want = append(want, e.Key.Invoice)
			}
		}
		assert.NotEmpty(t, want)
		assert.Equal(t, keys(found), keys(inPages(t, app.Invoices, ask)), sink)
		got = keys(found)
		slices.Sort(got)
		slices.Sort(want)
		assert.Equal(t, want, got, sink)
		_, _, err = app.Invoices.Model.Search(t.Context(), readmodel.Search{Text: "b"}, cqrs.InPage(&cqrs.Page{After: "foreign"}))
		assert.ErrorAs(t, err, new(*readmodel.InvalidQueryError))
		none, _, err := app.Invoices.Model.Search(t.Context(), readmodel.Search{Text: "b", Where: readmodel.Truth(false)})
		require.NoError(t, err)
		assert.Empty(t, none)
	}
}

func TestFindersHavePagesToo(t *testing.T) {
	for _, app := range apps(t) {
		ask := func(ctx context.Context, m *queries.InvoicesModel, o ...cqrs.QueryOption) (entries, readmodel.Freshness, error) {
			return m.ByPhaseOrderedByDue(ctx, queries.PhaseOpen, o...)
		}
		whole, _, err := ask(t.Context(), app.Invoices)
		require.NoError(t, err)
		assert.Equal(t, whole, inPages(t, app.Invoices, ask))
	}
}
