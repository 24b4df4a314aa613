package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestEveryProjectionHasANameOfItsOwn(t *testing.T) {
	for name, want := range map[string]string{
		"BalanceByCurrency": "balance_by_currency", "Accounts": "accounts", "Top10": "top10",
	} {
		assert.Equal(t, want, base(name))
	}
	seen := map[string]string{}
	for _, name := range []string{"Http", "HTTP", "http", "H_ttp", "_Http", "Http_", "HttpServer", "HTTPServer", "Http_Server"} {
		b := base(name)
		assert.Empty(t, seen[b], "%s and %s", name, seen[b])
		assert.Regexp(t, "^[a-z0-9][a-z0-9_-]*$", b)
		seen[b] = name
	}
}

func TestKeysAreReadableIdsThatNeverMeet(t *testing.T) {
	two := func(a, b string) []readmodel.Value {
		return []readmodel.Value{readmodel.OfString(a), readmodel.OfString(b)}
	}
	assert.Equal(t, "acc-1/EUR", id(two("acc-1", "EUR")))
	assert.Equal(t, "a%2Fb/%C3%A4", id(two("a/b", "ä")))
	seen := map[string]bool{}
	for _, k := range [][]readmodel.Value{
		key(""), key("~"), key("~checkpoint"), key("~lease"), key("%"), key("a/b"), two("a", "b"), two("", ""), two("", "/"), two("/", ""),
		key("_id"), key(strings.Repeat("x", 600)), key(strings.Repeat("x", 601)), key("%7E"),
	} {
		got := id(k)
		assert.False(t, seen[got] || got == checkpointID || got == leaseID || got == "" || len(got) > maxID, "%q", got)
		seen[got] = true
	}
}

func TestLongTextsAndKeysAreKeptAndFound(t *testing.T) {
	store := open(t, testserver.Elasticsearch(t))
	schema := accounts
	schema.Fingerprint = "00000000000000ac"
	schema.Row = append(slices.Clone(schema.Row), readmodel.Column{Name: "raw", Kind: readmodel.Bytes}, readmodel.Column{Name: "tags", Kind: readmodel.JSON})
	table, err := store.Table(t.Context(), &schema)
	require.NoError(t, err)
	long := strings.Repeat("ä", 20_000)
	var changes []readmodel.Change
	texts := []string{long, long + "1", long + "2", long[:longest], long[:longest-2], "short"}
	for _, text := range texts {
		changes = append(changes, readmodel.Change{Key: key(text), Position: 1, Row: []readmodel.Value{
			readmodel.OfString(text), readmodel.OfString(text), readmodel.OfInt64(1), readmodel.OfBytes([]byte(text)), readmodel.OfJSON([]byte(`"` + text + `"`)),
		}})
	}
	require.NoError(t, table.Apply(t.Context(), batch(0, 1, changes...)))
	for i, text := range texts {
		for _, column := range []string{"account", "owner", "iban"} {
			n, _, err := table.Count(t.Context(), readmodel.Find{Index: -1, Where: readmodel.Compare(column, readmodel.Equal, readmodel.OfString(text))})
			require.NoError(t, err)
			assert.EqualValues(t, 1, n, "%s of text %d", column, i)
		}
		found := 0
		_, err := table.Get(t.Context(), [][]readmodel.Value{key(text)}, func(_ int, row []readmodel.Value, _ cqrs.Position) error {
			found++
			assert.Equal(t, changes[i].Row, row)
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, 1, found)
	}
}

func TestARowUnderAnotherKeysIdIsRefused(t *testing.T) {
	store := open(t, testserver.Elasticsearch(t))
	table := tableOf(t, store).(*table)
	require.NoError(t, table.Apply(t.Context(), batch(0, 1, readmodel.Change{Key: key("a"), Row: row("Ada", 1), Position: 1})))
	require.NoError(t, store.do(t.Context(), request{method: "PUT", path: table.path("_doc/a"), body: object{
		kindField: "row", positionField: 1, "account": "b", "owner": "Bob", "iban": "x", "balance": 1,
		sortField: object{"owner": "Bob"},
	}}, nil))
	_, err := table.Get(t.Context(), [][]readmodel.Value{key("a")}, func(int, []readmodel.Value, cqrs.Position) error { return nil })
	var corrupt *readmodel.CorruptError
	require.ErrorAs(t, err, &corrupt)
	assert.Equal(t, "account", corrupt.Column)
}

// asked is what a hand-written query finds.
func asked(t *testing.T, s *Store, body object) (owners []string) {
	t.Helper()
	var answer struct {
		Hits struct{ Hits []hit }
	}
	require.NoError(t, s.do(t.Context(), request{method: "POST", path: "/" + s.alias("Accounts") + "/_search", body: body}, &answer))
	for _, h := range answer.Hits.Hits {
		var doc struct{ Owner string }
		require.NoError(t, json.Unmarshal(h.Source, &doc))
		owners = append(owners, doc.Owner)
	}
	return owners
}

func TestTheAliasLeadsToTheRowsOfTheActiveGeneration(t *testing.T) {
	s := open(t, testserver.Elasticsearch(t))
	second := accounts
	second.Fingerprint = "00000000000000ad"
	for i, schema := range []*readmodel.Schema{&accounts, &second} {
		table, err := s.Table(t.Context(), schema)
		require.NoError(t, err)
		require.NoError(t, table.Hold(t.Context(), "me", 1e9, nil))
		require.NoError(t, table.Apply(t.Context(), batch(0, 1,
			readmodel.Change{Key: key("a"), Row: row(fmt.Sprint("Ada ", i), 1), Position: 1},
			readmodel.Change{Key: key("b"), Row: row("Bob", 2), Position: 1}, readmodel.Change{Key: key("c"), Row: row("Cid", 3), Position: 1})))
		require.NoError(t, table.Apply(t.Context(), batch(1, 2, readmodel.Change{Key: key("b"), Position: 2})))
	}
	for i, schema := range []*readmodel.Schema{&accounts, &second} {
		require.NoError(t, s.Promote(t.Context(), "Accounts", schema.Fingerprint))
		assert.Equal(t, []string{fmt.Sprint("Ada ", i), "Cid"}, asked(t, s, object{"sort": []any{"balance"}}))
		assert.Equal(t, []string{fmt.Sprint("Ada ", i)}, asked(t, s, object{"query": object{"match": object{"owner": "ada"}}}))
	}
}

func TestPromotionsThatRaceLeaveOneGenerationActive(t *testing.T) {
	s := open(t, testserver.Elasticsearch(t))
	var fingerprints []string
	for i := range 4 {
		schema := accounts
		schema.Fingerprint = fmt.Sprintf("%016x", i+1)
		table, err := s.Table(t.Context(), &schema)
		require.NoError(t, err)
		require.NoError(t, table.Apply(t.Context(), batch(0, 1)))
		fingerprints = append(fingerprints, schema.Fingerprint)
	}
	var wg sync.WaitGroup
	for _, f := range fingerprints {
		wg.Go(func() {
			for range 5 {
				assert.NoError(t, s.Promote(context.Background(), "Accounts", f))
			}
		})
	}
	wg.Wait()
	generations, err := s.Generations(t.Context(), "Accounts")
	require.NoError(t, err)
	active := 0
	for _, g := range generations {
		if g.Active {
			active++
		}
		assert.False(t, g.Promoted.IsZero())
	}
	assert.Equal(t, 1, active)
}

func TestSearchFindsRowsByTheirWords(t *testing.T) {
	s := open(t, testserver.Elasticsearch(t))
	table := tableOf(t, s).(readmodel.Searcher)
	var changes []readmodel.Change
	for i, owner := range []string{"Ada Lovelace", "Bob Ada", "Cid", "ada", "Adam"} {
		changes = append(changes, readmodel.Change{Key: key(fmt.Sprint(i)), Row: row(owner, int64(i)), Position: 1})
	}
	require.NoError(t, table.(readmodel.Table).Apply(t.Context(), batch(0, 1, changes...)))
	search := func(text string, where readmodel.Condition) (keys []string) {
		q := readmodel.Search{Text: text, Where: where, Limit: 2}
		for {
			n := 0
			c, err := table.Search(t.Context(), q, func(f readmodel.Found) error {
				keys = append(keys, f.Key[0].Text())
				q.After = f.Place
				n++
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, at(1), c)
			if n < q.Limit {
				break
			}
		}
		slices.Sort(keys)
		return keys
	}
	assert.Equal(t, []string{"0", "1", "3"}, search("ADA", readmodel.Condition{}))
	assert.Equal(t, []string{"0"}, search("lovelace ada", readmodel.Condition{}))
	assert.Equal(t, []string{"2"}, search("DECid", readmodel.Condition{}), "the iban, as a whole")
	assert.Empty(t, search("decid", readmodel.Condition{}))
	assert.Empty(t, search("", readmodel.Condition{}))
	assert.Equal(t, []string{"1", "3"}, search("ada", readmodel.Compare("balance", readmodel.Greater, readmodel.OfInt64(0))))
	assert.Equal(t, []string{"0", "1", "3"}, search("ada", readmodel.CompareColumns("balance", readmodel.LessOrEqual, "balance")))
	for _, q := range []readmodel.Search{{Text: "a"}, {Text: "a", Limit: readmodel.MostFound + 1}, {Text: "\x00", Limit: 1}, {Text: "a", Limit: 1, After: "{"}} {
		_, err := table.Search(t.Context(), q, nil)
		assert.ErrorAs(t, err, new(*readmodel.InvalidQueryError), "%v", q)
	}
}

func TestOpenRefusesWhatIsNoElasticsearch(t *testing.T) {
	answers := func(product, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Elastic-Product", product)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for address, why := range map[string]string{
		"127.0.0.1:9200":             "not like https://",
		"redis://127.0.0.1:9200":     "not like https://",
		"http://127.0.0.1:9200/Shop": "the prefix",
		answers("", "{}"):            "no Elasticsearch",
		answers("Elasticsearch", `{"version":{"number":"7.17.0"}}`): "version 7.17.0",
		answers("Elasticsearch", `<html>`):                          "can't be read",
	} {
		_, err := Open(t.Context(), address)
		assert.ErrorContains(t, err, why, address)
	}
	_, err := Open(t.Context(), "https://me:secret@%zz")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}

func TestAClientOfOnesOwnIsUsed(t *testing.T) {
	u, err := url.Parse(testserver.Elasticsearch(t))
	require.NoError(t, err)
	prefix := strings.Trim(u.Path, "/")
	u.Path = ""
	client := performs(func(r *http.Request) (*http.Response, error) {
		r.URL.Scheme, r.URL.Host, r.URL.User = u.Scheme, u.Host, u.User
		return http.DefaultTransport.RoundTrip(r)
	})
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	s, err := OpenClient(t.Context(), client, prefix)
	require.NoError(t, err)
	require.NoError(t, tableOf(t, s).Apply(t.Context(), batch(0, 1)))
	require.NoError(t, s.Close())
}

type performs func(*http.Request) (*http.Response, error)

func (p performs) Perform(r *http.Request) (*http.Response, error) { return p(r) }
