// Package elastic keeps read models in Elasticsearch 8 or 9: each generation in an index of its own, whose mapping is
// made from the schema and strict, so that nothing is stored that is not declared.
//
// The index of a generation is named by its projection and fingerprint, balance_by_currency-0123456789abcdef. The alias
// balance_by_currency leads to the active generation, and shows its rows only: it is what hand-written queries, and
// Kibana, should read. Each row is a document with one field per column, named as in the model; what can't be sorted or
// compared in its plain form, as the column's kind is, has a text that can be below cqrs_sort:
//
//	kind       field                                   cqrs_sort
//	bool       boolean                                 if optional: 0 or 1
//	int64      long                                    if optional: 16 hex digits
//	duration   long, nanoseconds                       if optional: 16 hex digits
//	uint64     unsigned_long                           16 hex digits
//	float64    double                                  if optional: 16 hex digits
//	string     keyword; with search: text it is text   with search: text
//	bytes      binary, in base64                       in hex
//	time       keyword 2026-03-01T10:00:00.000000Z, with a date of milliseconds as field.date
//	date       keyword 2026-03-01, empty for the zero date, with field.date
//	uuid       keyword, in lower case
//	decimal    keyword, with a double as field.number  the number as a text that sorts
//	json       its text, which is not indexed
//
// Null is a field that is missing. Texts sort by their bytes. One of more than 32,000 bytes is sorted by the first 32,000
// and compared by a hash besides; its keyword holds these two, and the whole text is below cqrs_long.
//
// Besides, every document has a cqrs_kind, row or deleted, and a cqrs_position, that of the last event that was folded
// into it, which is its version (external) too: whoever writes late, with what was true before, changes nothing. Deleted
// rows stay as documents without content, because Elasticsearch forgets the version of a deleted document after a
// minute. Nothing removes them but a new generation: a projector that was paused may write at any time.
//
// Columns that are compared with each other are compared here: such a query reads all rows that the rest of its condition
// leaves.
//
// Rows and checkpoint are not written in one step: a checkpoint is written when all rows are in, and only if it is still the
// one that the rows were made from. Searches see both at once, because the index, which has one shard, is refreshed with
// the checkpoint and not before. Get reads in real time: its rows may be ahead of the checkpoint by a batch whose
// checkpoint is not written yet, or never was, and never behind it.
package elastic

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Client sends requests: a *elasticsearch.Client of the official Go client does, of version 8, and so does its
// transport. It is safe for concurrent use.
type Client interface {
	Perform(*http.Request) (*http.Response, error)
}

// Store implements readmodel.Store. It is safe for concurrent use, also by several processes on one cluster.
type Store struct {
	readmodel.Signal
	client Client
	prefix string
	// idle closes the connections that nobody uses, if the client is the store's own.
	idle func()

	mu      sync.Mutex
	signals map[string]*readmodel.Signal
}

// answerWait is how long a server may take for an answer before it counts as away, and is asked again.
const answerWait = 2 * time.Minute

var prefixes = regexp.MustCompile(`^([a-z0-9][a-z0-9_-]{0,59})?$`)

// Open returns the read models in the Elasticsearch at an address, such as https://user:password@host:9200/shop-: what
// follows the host is a prefix of the names of all indices and aliases, which keeps services in one cluster apart. It
// waits for an answer of the server, and refuses what is no Elasticsearch 8 or 9.
func Open(ctx context.Context, address string) (*Store, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("open read models in Elasticsearch: the address is not like https://user:password@host:9200/prefix-")
	}
	prefix := strings.Trim(u.Path, "/")
	u.Path = ""
	connections := http.DefaultTransport.(*http.Transport).Clone()
	connections.ResponseHeaderTimeout = answerWait
	// The store repeats what is worth it, and tells how often it tried.
	client, err := elastictransport.NewClient(elastictransport.WithURLs(u),
		elastictransport.WithTransport(connections), elastictransport.WithDisableRetry())
	if err != nil {
		return nil, fmt.Errorf("open read models in Elasticsearch: %w", err)
	}
	s, err := OpenClient(ctx, client, prefix)
	if err != nil {
		connections.CloseIdleConnections()
		return nil, err
	}
	s.idle = connections.CloseIdleConnections
	return s, nil
}

// OpenClient is Open for a client that is set up otherwise: with several nodes, an API key, certificates.
func OpenClient(ctx context.Context, client Client, prefix string) (*Store, error) {
	if !prefixes.MatchString(prefix) {
		return nil, fmt.Errorf("open read models in Elasticsearch: the prefix %.80q is not of a-z, 0-9, _ and -, "+
			"or has more than 60 characters", prefix)
	}
	s := &Store{client: client, prefix: prefix, signals: map[string]*readmodel.Signal{}}
	var info struct {
		Version struct{ Number string }
	}
	if err := s.do(ctx, request{method: http.MethodGet, path: "/"}, &info); err != nil {
		return nil, fmt.Errorf("open read models in Elasticsearch: %w", err)
	}
	major, _, _ := strings.Cut(info.Version.Number, ".")
	if major != "8" && major != "9" {
		return nil, fmt.Errorf("open read models in Elasticsearch: the server is of version %.40s: it has to be 8 or 9",
			info.Version.Number)
	}
	return s, nil
}

// Close closes the connections that are idle. Calls that are under way go on.
func (s *Store) Close() error {
	if s.idle != nil {
		s.idle()
	}
	return nil
}

// Name implements readmodel.Store.
func (s *Store) Name() string { return "elastic" }

// alias returns the name that leads to the active generation of a projection.
func (s *Store) alias(projection string) string { return s.prefix + base(projection) }

// indexName returns the name of a generation's index.
func (s *Store) indexName(projection, fingerprint string) string {
	return s.alias(projection) + "-" + fingerprint
}

// base returns a projection's name in snake case, which is what an index can be named. Names that differ in case or
// underscores only are told apart by a hash, for all but the one that its snake case can be turned back into.
func base(projection string) string {
	snake := snakeCase(projection)
	if camelCase(snake) == projection {
		return snake
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(projection))
	return fmt.Sprintf("%s-%08x", strings.TrimLeft(snake, "_"), h.Sum32())
}

func snakeCase(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if upper(c) && i > 0 && name[i-1] != '_' && (!upper(name[i-1]) || i+1 < len(name) && lower(name[i+1])) {
			b.WriteByte('_')
		}
		b.WriteByte(c)
	}
	return strings.ToLower(b.String())
}

func camelCase(snake string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(snake, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }

// signal returns what wakes those who wait for a generation to move on.
func (s *Store) signal(index string) *readmodel.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signals[index] == nil {
		s.signals[index] = &readmodel.Signal{}
	}
	return s.signals[index]
}
