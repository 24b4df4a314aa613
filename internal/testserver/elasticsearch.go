package testserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/elasticdouble"
)

// ElasticsearchVariable names the environment variable with the address of a real Elasticsearch 8 or 9, such as
// http://elastic:secret@127.0.0.1:9200, that tests then use instead of the double.
const ElasticsearchVariable = "CQRSGEN_TEST_ELASTICSEARCH"

// Elasticsearch returns the address of an Elasticsearch, with a prefix for the names of indices that is the test's own:
// http://127.0.0.1:9200/test-0a1b2c3d-. The server is the one that ElasticsearchVariable names, else a double of the
// test's own (package elasticdouble). Indices with the prefix are deleted in the end.
func Elasticsearch(t testing.TB) string {
	t.Helper()
	address := strings.TrimSuffix(os.Getenv(ElasticsearchVariable), "/")
	if address == "" {
		server := httptest.NewServer(elasticdouble.New())
		t.Cleanup(server.Close)
		address = server.URL
	}
	prefix := fmt.Sprintf("test-%08x-", rand.Uint32())
	t.Cleanup(func() {
		if err := deleteIndices(address, prefix); err != nil {
			t.Errorf("delete the indices of a test: %v", err)
		}
	})
	return address + "/" + prefix
}

func deleteIndices(address, prefix string) error {
	names := map[string]any{}
	if err := askElastic(http.MethodGet, address+"/"+prefix+"*?features=aliases", &names); err != nil {
		return err
	}
	for name := range names {
		if err := askElastic(http.MethodDelete, address+"/"+name, nil); err != nil {
			return err
		}
	}
	return nil
}

// askElastic sends a request without a body.
func askElastic(method, address string, into any) error {
	req, err := http.NewRequestWithContext(context.Background(), method, address, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, req.URL.Redacted(), resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Fault is what an ElasticsearchProxy does to a request.
type Fault int

// The faults.
const (
	NoFault Fault = iota
	// TooManyRequests answers 429 and does nothing.
	TooManyRequests
	// Unavailable answers 503 and does nothing.
	Unavailable
	// ResetBefore cuts the connection before the server has seen the request.
	ResetBefore
	// ResetAfter cuts the connection when the server has done what was asked for.
	ResetAfter
	// PartialBulk lets the server do every other item of a bulk request only, and answers 429 for the rest.
	PartialBulk
)

// ElasticsearchProxy stands before an Elasticsearch, real or not, and injects faults. While it is down it refuses
// connections.
type ElasticsearchProxy struct {
	// URL is the address of the proxy, with what follows the host in that of the server.
	URL string

	forward http.Handler
	fault   atomic.Pointer[func(*http.Request) Fault]

	mu     sync.Mutex
	server *http.Server
	at     string
}

// NewElasticsearchProxy starts a proxy before the server at an address.
func NewElasticsearchProxy(t testing.TB, address string) *ElasticsearchProxy {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	prefix := target.Path
	target.Path = ""
	transport := &http.Transport{}
	p := &ElasticsearchProxy{forward: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if target.User != nil {
				password, _ := target.User.Password()
				r.Out.SetBasicAuth(target.User.Username(), password)
			}
		},
		Transport: transport,
		ErrorLog:  nil,
	}}
	p.Inject(nil)
	p.Up(t)
	p.URL = "http://" + p.at + prefix
	t.Cleanup(func() {
		p.Down()
		transport.CloseIdleConnections()
	})
	return p
}

// Inject lets f choose a fault for each request from now on; nil chooses none.
func (p *ElasticsearchProxy) Inject(f func(*http.Request) Fault) {
	if f == nil {
		f = func(*http.Request) Fault { return NoFault }
	}
	p.fault.Store(&f)
}

// Up lets the proxy take connections, at the same address as before.
func (p *ElasticsearchProxy) Up(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == "" {
		p.at = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", p.at)
	if err != nil {
		t.Fatal(err)
	}
	p.at = listener.Addr().String()
	p.server = &http.Server{Handler: p}
	go func(s *http.Server) { _ = s.Serve(listener) }(p.server) // until it is closed
}

// Down cuts all connections and refuses new ones.
func (p *ElasticsearchProxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.server.Close() // whatever was open is what is to break
}

// ServeHTTP implements http.Handler.
func (p *ElasticsearchProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch (*p.fault.Load())(r) {
	case TooManyRequests:
		refuse(w, http.StatusTooManyRequests, "es_rejected_execution_exception", "rejected execution of coordinating operation")
	case Unavailable:
		refuse(w, http.StatusServiceUnavailable, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];")
	case ResetBefore:
		reset(w)
	case ResetAfter:
		p.forward.ServeHTTP(httptest.NewRecorder(), r)
		reset(w)
	case PartialBulk:
		p.partially(w, r)
	default:
		p.forward.ServeHTTP(w, r)
	}
}

func refuse(w http.ResponseWriter, status int, kind, reason string) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	cause := map[string]any{"type": kind, "reason": reason}
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"root_cause": []any{cause}, "type": kind, "reason": reason,
	}, "status": status})
}

// reset ends a connection without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// partially forwards every other item of a bulk request, and puts refusals between the answers.
func (p *ElasticsearchProxy) partially(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/_bulk") {
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.forward.ServeHTTP(w, r)
		return
	}
	items := bulkItems(body)
	var forwarded []byte
	for i := 0; i < len(items); i += 2 {
		forwarded = append(forwarded, items[i]...)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(forwarded)), int64(len(forwarded))
	recorder := httptest.NewRecorder()
	p.forward.ServeHTTP(recorder, r)
	var answer map[string]any
	if json.Unmarshal(recorder.Body.Bytes(), &answer) != nil || recorder.Code != http.StatusOK {
		http.Error(w, recorder.Body.String(), recorder.Code)
		return
	}
	done, _ := answer["items"].([]any)
	for i := 1; i < len(items); i += 2 {
		done = slices.Insert(done, min(i, len(done)), any(map[string]any{"index": map[string]any{
			"status": http.StatusTooManyRequests, "error": map[string]any{
				"type": "es_rejected_execution_exception", "reason": fmt.Sprintf("item %d was rejected", i)},
		}}))
	}
	answer["items"], answer["errors"] = done, true
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
	_ = json.NewEncoder(w).Encode(answer)
}

// bulkItems splits a bulk request into items of one or two lines.
func bulkItems(body []byte) (items [][]byte) {
	lines := bytes.SplitAfter(body, []byte("\n"))
	for i := 0; i < len(lines); i++ {
		if len(lines[i]) == 0 {
			continue
		}
		item := lines[i]
		if !bytes.HasPrefix(item, []byte(`{"delete"`)) && i+1 < len(lines) {
			i++
			item = append(slices.Clone(item), lines[i]...)
		}
		items = append(items, item)
	}
	return items
}
