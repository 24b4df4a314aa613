package elasticdouble_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
)

// server is an Elasticsearch, the double or a real one, with a prefix for the names of a test's indices.
type server struct {
	t            *testing.T
	base, prefix string
}

func start(t *testing.T) *server {
	u, err := url.Parse(testserver.Elasticsearch(t))
	require.NoError(t, err)
	prefix := strings.Trim(u.Path, "/")
	u.Path = ""
	return &server{t, u.String(), prefix}
}

type object = map[string]any

// do sends a request. In the path and the body, ~ stands for the prefix.
func (s *server) do(method, path, body string) (int, object) {
	s.t.Helper()
	replace := func(text string) string { return strings.ReplaceAll(text, "~", s.prefix) }
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+replace(path), bytes.NewBufferString(replace(body)))
	require.NoError(s.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	assert.Equal(s.t, "Elasticsearch", resp.Header.Get("X-Elastic-Product"))
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	var answer object
	if len(text) > 0 {
		require.NoError(s.t, json.Unmarshal(text, &answer), "%s", text)
	}
	return resp.StatusCode, answer
}

// ok sends a request that has to succeed.
func (s *server) ok(method, path, body string) object {
	s.t.Helper()
	status, answer := s.do(method, path, body)
	require.Contains(s.t, []int{200, 201}, status, "%s %s: %v", method, path, answer)
	return answer
}

// refused sends a request that has to be refused with a type of exception.
func (s *server) refused(status int, kind, method, path, body string) {
	s.t.Helper()
	got, answer := s.do(method, path, body)
	assert.Equal(s.t, status, got, "%s %s: %v", method, path, answer)
	cause, _ := answer["error"].(object)
	assert.Equal(s.t, kind, cause["type"], "%s %s: %v", method, path, answer)
}

const books = `{
	"settings": {"index": {"refresh_interval": "-1", "number_of_shards": 1}},
	"mappings": {"dynamic": "strict", "_meta": {"made": "here"}, "properties": {
		"title": {"type": "text"}, "isbn": {"type": "keyword"}, "pages": {"type": "long"}, "stock": {"type": "unsigned_long"},
		"price": {"type": "double"}, "sold": {"type": "boolean"}, "cover": {"type": "binary"},
		"printed": {"type": "keyword", "fields": {"date": {"type": "date", "ignore_malformed": true}}},
		"raw": {"type": "object", "enabled": false}
	}},
	"aliases": {"~books.rows": {}}
}`

func library(t *testing.T) *server {
	s := start(t)
	s.ok("PUT", "/~books", books)
	return s
}

// ids returns what a search finds, in order.
func (s *server) ids(body string) (ids []string) {
	s.t.Helper()
	hits := s.ok("POST", "/~books/_search", body)["hits"].(object)["hits"].([]any)
	for _, h := range hits {
		ids = append(ids, h.(object)["_id"].(string))
	}
	return ids
}

func TestIndicesAreCreatedOnceUnderNamesThatMayBe(t *testing.T) {
	s := library(t)
	s.refused(400, "resource_already_exists_exception", "PUT", "/~books", books)
	for _, name := range []string{"Upper", "_under", "-dash", "+plus", "a%23b", "a%20b", "a,b", strings.Repeat("a", 256)} {
		s.refused(400, "invalid_index_name_exception", "PUT", "/"+name, "")
	}
	s.refused(400, "invalid_index_name_exception", "PUT", "/~books.rows", "")
	s.refused(400, "mapper_parsing_exception", "PUT", "/~other", `{"mappings": {"properties": {"a": {"type": "number"}}}}`)
	s.refused(400, "illegal_argument_exception", "PUT", "/~other", `{"settings": {"index.unheard_of": 1}}`)
	x := s.ok("GET", "/~books?features=mappings,aliases", "")[s.prefix+"books"].(object)
	assert.Equal(t, object{"made": "here"}, x["mappings"].(object)["_meta"])
	assert.Contains(t, x["aliases"], s.prefix+"books.rows")
	assert.Empty(t, s.ok("GET", "/~nothing*", ""))
	s.refused(404, "index_not_found_exception", "GET", "/~nothing", "")
	s.ok("DELETE", "/~books", "")
	s.refused(404, "index_not_found_exception", "DELETE", "/~books", "")
}

func TestAStrictMappingRefusesWhatItDoesNotDeclare(t *testing.T) {
	s := library(t)
	s.refused(400, "strict_dynamic_mapping_exception", "PUT", "/~books/_doc/1", `{"author": "Ada"}`)
	for _, body := range []string{`{"pages": "many"}`, `{"pages": 9223372036854775808}`, `{"sold": "perhaps"}`, `{"price": "x"}`} {
		status, answer := s.do("PUT", "/~books/_doc/1", body)
		assert.Equal(t, 400, status, "%s: %v", body, answer)
	}
	s.ok("PUT", "/~books/_doc/1", `{"pages": -9223372036854775808, "stock": 18446744073709551615, "printed": "", "raw": "text", "sold": false}`)
	doc := s.ok("GET", "/~books/_doc/1", "")
	assert.Equal(t, "text", doc["_source"].(object)["raw"])
	status, doc := s.do("GET", "/~books/_doc/2", "")
	assert.Equal(t, 404, status)
	assert.Equal(t, false, doc["found"])
	status, _ = s.do("PUT", "/~books/_doc/"+strings.Repeat("x", 513), `{}`)
	assert.Equal(t, 400, status)
	status, _ = s.do("PUT", "/~books/_doc/3", fmt.Sprintf(`{"isbn": %q}`, strings.Repeat("x", 32767)))
	assert.Equal(t, 400, status)
}

// items sends a bulk request and returns the status of each item.
func (s *server) items(lines ...string) (statuses []int) {
	s.t.Helper()
	answer := s.ok("POST", "/~books.rows/_bulk?require_alias=true", strings.Join(lines, "\n")+"\n")
	failed := false
	for _, item := range answer["items"].([]any) {
		for _, result := range item.(object) {
			status := int(result.(object)["status"].(float64))
			statuses = append(statuses, status)
			failed = failed || status >= 300 && status != 404
		}
	}
	assert.Equal(s.t, failed, answer["errors"])
	return statuses
}

func row(id string, version int, source string) string {
	return fmt.Sprintf(`{"index":{"_id":%q,"version":%d,"version_type":"external"}}`+"\n%s", id, version, source)
}

func TestAnOlderVersionReplacesNothingAndEachItemOfABulkRequestSaysSo(t *testing.T) {
	s := library(t)
	assert.Equal(t, []int{201, 409, 400, 200, 201}, s.items(row("1", 5, `{"pages":5}`), row("1", 5, `{"pages":6}`),
		row("2", 1, `{"author":"Ada"}`), row("1", 7, `{"pages":7}`), row("3", 0, `{}`)))
	doc := s.ok("GET", "/~books/_doc/1", "")
	assert.EqualValues(t, 7, doc["_version"])
	assert.EqualValues(t, 7, doc["_source"].(object)["pages"])
	status, answer := s.do("POST", "/~books/_bulk", `{"index":{"_id":"1"}}`)
	assert.Equal(t, 400, status, "%v", answer)
	assert.Equal(t, []int{404}, func() []int {
		answer := s.ok("POST", "/~books/_bulk?require_alias=true", row("1", 9, `{}`)+"\n")
		return []int{int(answer["items"].([]any)[0].(object)["index"].(object)["status"].(float64))}
	}(), "an index is no alias")
	status, _ = s.do("GET", "/~gone", "")
	assert.Equal(t, 404, status)
}

func TestADeletedDocumentIsForgottenWithItsVersion(t *testing.T) {
	s := start(t)
	s.ok("PUT", "/~books", strings.Replace(books, `"refresh_interval": "-1"`, `"refresh_interval": "100ms", "gc_deletes": "1s"`, 1))
	s.items(row("1", 5, `{"pages":5}`))
	assert.Equal(t, []int{200, 409}, s.items(`{"delete":{"_id":"1","version":6,"version_type":"external"}}`, row("1", 5, `{"pages":5}`)))
	require.Eventually(t, func() bool {
		s.ok("POST", "/~books/_refresh", "")
		return s.items(row("1", 5, `{"pages":5}`))[0] == 201
	}, 90*time.Second, 200*time.Millisecond, "a write of before succeeds then")
}

func TestADocumentIsReplacedOnlyAsItWasRead(t *testing.T) {
	s := library(t)
	s.ok("PUT", "/~books/_create/1", `{"pages":1}`)
	s.refused(409, "version_conflict_engine_exception", "PUT", "/~books/_doc/1?op_type=create", `{"pages":2}`)
	doc := s.ok("GET", "/~books/_doc/1", "")
	as := fmt.Sprintf("?if_seq_no=%v&if_primary_term=%v", doc["_seq_no"], doc["_primary_term"])
	s.ok("PUT", "/~books/_doc/1"+as, `{"pages":2}`)
	s.refused(409, "version_conflict_engine_exception", "PUT", "/~books/_doc/1"+as, `{"pages":3}`)
	s.refused(409, "version_conflict_engine_exception", "PUT", "/~books/_doc/9"+as, `{"pages":3}`)
	s.refused(400, "action_request_validation_exception", "PUT", "/~books/_doc/1"+as+"&version=5&version_type=external", `{}`)
	s.refused(400, "illegal_argument_exception", "PUT", "/~books/_doc/1?unheard_of=1", `{}`)
	s.refused(404, "index_not_found_exception", "PUT", "/~none/_doc/1?require_alias=true", `{}`)
}

func TestSearchesSeeWhatWasRefreshedAndReadsEverything(t *testing.T) {
	s := library(t)
	s.ok("PUT", "/~books/_doc/1", `{"isbn":"b","pages":2}`)
	assert.Empty(t, s.ids(`{}`))
	docs := s.ok("POST", "/~books/_mget", `{"ids":["1","2"]}`)["docs"].([]any)
	assert.Equal(t, true, docs[0].(object)["found"])
	assert.Equal(t, false, docs[1].(object)["found"])
	s.ok("PUT", "/~books/_doc/2?refresh=true", `{"isbn":"a"}`)
	assert.Equal(t, []string{"2", "1"}, s.ids(`{"sort":["isbn"]}`))

	pit := s.ok("POST", "/~books/_pit?keep_alive=1m", "")["id"].(string)
	s.ok("PUT", "/~books/_doc/3?refresh=true", `{"isbn":"c"}`)
	found := s.ok("POST", "/_search", fmt.Sprintf(`{"pit":{"id":%q,"keep_alive":"1m"},"sort":[{"pages":{"missing":"_first"}},"isbn"]}`, pit))
	hits := found["hits"].(object)["hits"].([]any)
	assert.Len(t, hits, 2, "what came later is not in a point in time")
	place, err := json.Marshal(hits[0].(object)["sort"])
	require.NoError(t, err)
	// Numbers lose nothing on the way back, though JSON's are floats here.
	place = bytes.Replace(place, []byte("-9223372036854776000"), []byte("-9223372036854775808"), 1)
	next := s.ok("POST", "/_search", fmt.Sprintf(
		`{"pit":{"id":%q},"sort":[{"pages":{"missing":"_first"}},"isbn"],"search_after":%s}`, found["pit_id"], place))
	hits = next["hits"].(object)["hits"].([]any)
	require.Len(t, hits, 1)
	assert.Equal(t, "1", hits[0].(object)["_id"])
	s.refused(400, "action_request_validation_exception", "POST", "/~books/_search", fmt.Sprintf(`{"pit":{"id":%q}}`, found["pit_id"]))
	s.ok("DELETE", "/_pit", fmt.Sprintf(`{"id":%q}`, found["pit_id"]))
	status, _ := s.do("POST", "/_search", fmt.Sprintf(`{"pit":{"id":%q}}`, found["pit_id"]))
	assert.Equal(t, 404, status)
}

func TestQueriesSelectByTheTypesOfFields(t *testing.T) {
	s := library(t)
	s.items(row("1", 1, `{"title":"The quick Fox","isbn":"B","pages":9007199254740993,"price":1.5,"sold":true,"stock":18446744073709551615}`),
		row("2", 1, `{"title":"A lazy dog, quick too","isbn":"b","pages":9007199254740992,"price":-0.5,"sold":false}`),
		row("3", 1, `{"isbn":"ä","cover":"AA=="}`))
	s.ok("POST", "/~books/_refresh", "")
	for query, want := range map[string][]string{
		`{"match_all":{}}`:                                                     {"1", "2", "3"},
		`{"match_none":{}}`:                                                    nil,
		`{"term":{"isbn":{"value":"b"}}}`:                                      {"2"},
		`{"terms":{"isbn":["B","ä","x"]}}`:                                     {"1", "3"},
		`{"range":{"isbn":{"gt":"B","lte":"ä"}}}`:                              {"2", "3"},
		`{"term":{"pages":9007199254740993}}`:                                  {"1"},
		`{"range":{"pages":{"lt":9007199254740993}}}`:                          {"2"},
		`{"term":{"stock":18446744073709551615}}`:                              {"1"},
		`{"range":{"price":{"gte":-0.5,"lt":1.5}}}`:                            {"2"},
		`{"term":{"sold":false}}`:                                              {"2"},
		`{"exists":{"field":"pages"}}`:                                         {"1", "2"},
		`{"bool":{"must_not":[{"exists":{"field":"sold"}}]}}`:                  {"3"},
		`{"bool":{"should":[{"ids":{"values":["3"]}},{"term":{"isbn":"b"}}]}}`: {"2", "3"},
		`{"bool":{"filter":[{"match_all":{}}],"should":[{"match_none":{}}]}}`:  {"1", "2", "3"},
		`{"match":{"title":"QUICK"}}`:                                          {"1", "2"},
		`{"match":{"title":{"query":"quick dog","operator":"and"}}}`:           {"2"},
		`{"multi_match":{"query":"fox quick","fields":["title"],"type":"cross_fields","operator":"and"}}`: {"1"},
		`{"term":{"unmapped":"x"}}`: nil,
	} {
		assert.Equal(t, want, s.ids(`{"query":`+query+`,"sort":["isbn"]}`), query)
	}
	answer := s.ok("POST", "/~books/_count", `{"query":{"term":{"isbn":"b"}}}`)
	assert.EqualValues(t, 1, answer["count"])
	for _, body := range []string{
		`{"query":{"unheard_of":{}}}`, `{"unheard_of":1}`, `{"size":10001}`, `{"sort":["title"]}`, `{"sort":["unmapped"]}`,
		`{"query":{"term":{"pages":"many"}}}`, `{"sort":["isbn"],"search_after":["a","b"]}`,
	} {
		status, answer := s.do("POST", "/~books/_search", body)
		assert.Equal(t, 400, status, "%s: %v", body, answer)
	}
}

func TestAliasesMoveInOneStepAndFilter(t *testing.T) {
	s := library(t)
	s.ok("PUT", "/~books2", strings.ReplaceAll(books, "~books.rows", "~books2.rows"))
	move := `{"actions":[
		{"remove":{"index":"~books*","alias":"~current","must_exist":false}},
		{"add":{"index":"~books%s","alias":"~current","filter":{"term":{"sold":true}}}}]}`
	for _, to := range []string{"", "2"} {
		s.ok("POST", "/_aliases", fmt.Sprintf(move, to))
		indices := s.ok("GET", "/_alias/~current", "")
		assert.Len(t, indices, 1)
		assert.Contains(t, indices, s.prefix+"books"+to)
	}
	s.ok("PUT", "/~books2/_doc/1", `{"sold":true}`)
	s.ok("PUT", "/~books2/_doc/2?refresh=true", `{"sold":false}`)
	assert.EqualValues(t, 1, s.ok("POST", "/~current/_count", "")["count"])
	s.refused(400, "invalid_alias_name_exception", "POST", "/_aliases", `{"actions":[{"add":{"index":"~books","alias":"~books2"}}]}`)
	s.refused(404, "index_not_found_exception", "POST", "/_aliases",
		`{"actions":[{"remove":{"index":"~books*","alias":"~current","must_exist":false}},{"add":{"index":"~none","alias":"~current"}}]}`)
	assert.Contains(t, s.ok("GET", "/_alias/~current", ""), s.prefix+"books2", "all actions are done or none")
}

func TestTheServerTellsItsTimeAndVersion(t *testing.T) {
	s := start(t)
	assert.NotEmpty(t, s.ok("GET", "/", "")["version"].(object)["number"])
	nodes := s.ok("GET", "/_nodes/_local/stats/os?filter_path=nodes.*.timestamp", "")["nodes"].(object)
	for _, node := range nodes {
		assert.Len(t, node, 1)
		assert.NotZero(t, node.(object)["timestamp"])
	}
	assert.Len(t, nodes, 1)
}
