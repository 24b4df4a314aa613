// Package elasticdouble is a server in memory that behaves as Elasticsearch 8 documents that it does, as far as read
// models use it, and refuses the rest: for tests where no Elasticsearch can be had. It was written from the
// documentation of the REST interface, not from what its users expect, and its own tests pass against a real server
// too. It knows one node and one shard per index.
package elasticdouble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is an http.Handler. It is safe for concurrent use.
type Server struct {
	mu      sync.Mutex
	indices map[string]*index
	pits    map[string]*pit
	serial  int
}

// New returns a server without any index.
func New() *Server { return &Server{indices: map[string]*index{}, pits: map[string]*pit{}} }

// object is a JSON object.
type object = map[string]any

// failure is what the server answers instead of a result.
type failure struct {
	status       int
	kind, reason string
	index        string
}

func (f *failure) Error() string { return f.kind + ": " + f.reason }

func (f *failure) body() object {
	cause := object{"type": f.kind, "reason": f.reason}
	whole := object{"type": f.kind, "reason": f.reason}
	if f.index != "" {
		cause["index"], whole["index"] = f.index, f.index
	}
	whole["root_cause"] = []any{cause}
	return object{"error": whole, "status": f.status}
}

// refuse returns a failure of a status and a type of exception.
func refuse(status int, kind, format string, args ...any) error {
	return &failure{status: status, kind: kind, reason: fmt.Sprintf(format, args...)}
}

func illegal(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "illegal_argument_exception", format, args...)
}

func unparsable(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "parsing_exception", format, args...)
}

// call is one request.
type call struct {
	ctx    context.Context
	method string
	path   map[string]string // what stands for the variables of the route
	params url.Values
	body   []byte
}

// answer is a status with a body; without a body, none is sent.
type answer struct {
	status int
	body   any
}

type route struct {
	methods, pattern string
	// params are those that the interface knows beside the common ones.
	params string
	handle func(*Server, *call) (answer, error)
}

const commonParams = "pretty human error_trace filter_path format"

var routes = []route{
	{"GET HEAD", "", "", (*Server).info},
	{"POST", "_aliases", "master_timeout timeout", (*Server).updateAliases},
	{"GET POST", "_search", searchParams, (*Server).search},
	{"GET POST", "_mget", "preference realtime refresh _source", (*Server).multiGet},
	{"GET POST", "_count", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).count},
	{"PUT POST", "_bulk", bulkParams, (*Server).bulk},
	{"POST GET", "_refresh", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).refresh},
	{"DELETE", "_pit", "", (*Server).closePIT},
	{"GET", "_nodes/_local/stats/{metric}", "", (*Server).nodeStats},
	{"GET", "_alias/{alias}", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).getAlias},
	{"HEAD", "_alias/{alias}", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).getAlias},
	{"PUT", "{index}", "wait_for_active_shards master_timeout timeout", (*Server).createIndex},
	{"DELETE", "{index}", "ignore_unavailable allow_no_indices expand_wildcards master_timeout timeout", (*Server).deleteIndex},
	{"GET HEAD", "{index}", "features ignore_unavailable allow_no_indices expand_wildcards flat_settings", (*Server).getIndex},
	{"GET", "{index}/_mapping", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).getMapping},
	{"GET POST", "{index}/_search", searchParams, (*Server).search},
	{"GET POST", "{index}/_count", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).count},
	{"GET POST", "{index}/_mget", "preference realtime refresh _source", (*Server).multiGet},
	{"PUT POST", "{index}/_bulk", bulkParams, (*Server).bulk},
	{"POST GET", "{index}/_refresh", "ignore_unavailable allow_no_indices expand_wildcards", (*Server).refresh},
	{"POST", "{index}/_pit", "keep_alive preference ignore_unavailable", (*Server).openPIT},
	{"PUT POST", "{index}/_doc/{id}", writeParams + " op_type", (*Server).put},
	{"PUT POST", "{index}/_create/{create}", writeParams, (*Server).put},
	{"GET HEAD", "{index}/_doc/{id}", "preference realtime refresh _source version version_type", (*Server).get},
	{"DELETE", "{index}/_doc/{id}", "if_seq_no if_primary_term version version_type refresh timeout", (*Server).remove},
}

const (
	searchParams = "ignore_unavailable allow_no_indices expand_wildcards preference request_cache allow_partial_search_results"
	bulkParams   = "refresh require_alias timeout wait_for_active_shards"
	writeParams  = "if_seq_no if_primary_term version version_type refresh require_alias timeout wait_for_active_shards"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := s.answer(r)
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	var f *failure
	if errors.As(err, &f) {
		a = answer{f.status, f.body()}
	}
	contentType := "application/json"
	if strings.Contains(r.Header.Get("Accept"), "vnd.elasticsearch+json") {
		contentType = "application/vnd.elasticsearch+json;compatible-with=8"
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead || a.body == nil {
		return
	}
	body := a.body
	if paths := r.URL.Query().Get("filter_path"); paths != "" && f == nil {
		body = filterPath(body, strings.Split(paths, ","))
	}
	_ = json.NewEncoder(w).Encode(body) // whoever went away needs no answer
}

func (s *Server) answer(r *http.Request) (answer, error) {
	c := &call{ctx: r.Context(), method: r.Method}
	if err := acceptable(r); err != nil {
		return answer{}, err
	}
	var err error
	if c.params, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return answer{}, illegal("malformed query string [%s]", r.URL.RawQuery)
	}
	if c.body, err = io.ReadAll(r.Body); err != nil {
		return answer{}, illegal("the body ended early")
	}
	route, err := c.route(r)
	if err != nil {
		return answer{}, err
	}
	known := strings.Fields(commonParams + " " + route.params)
	for name := range c.params {
		if !slices.Contains(known, name) {
			return answer{}, illegal("request [%s] contains unrecognized parameter: [%s]", r.URL.Path, name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return route.handle(s, c)
}

var versioned = regexp.MustCompile(`^application/vnd\.elasticsearch\+(?:json|x-ndjson); ?compatible-with=(\d+)$`)

// acceptable refuses media types that a server of version 8 does not speak.
func acceptable(r *http.Request) error {
	for _, name := range []string{"Accept", "Content-Type"} {
		value := r.Header.Get(name)
		if m := versioned.FindStringSubmatch(value); m != nil && m[1] != "8" && m[1] != "7" {
			return refuse(http.StatusBadRequest, "media_type_header_exception",
				"%s version must be either version 8 or 7, but found %s. %s=%s", name, m[1], name, value)
		}
		plain, _, _ := strings.Cut(value, ";")
		json := plain == "application/json" || plain == "application/x-ndjson" || versioned.MatchString(value)
		if name == "Content-Type" && r.ContentLength != 0 && !json {
			return refuse(http.StatusNotAcceptable, "media_type_header_exception",
				"Content-Type header [%s] is not supported", value)
		}
	}
	return nil
}

func (c *call) route(r *http.Request) (*route, error) {
	var segments []string
	for part := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		part, err := url.PathUnescape(part)
		if err != nil {
			return nil, illegal("malformed path [%s]", r.URL.Path)
		}
		segments = append(segments, part)
	}
	allowed := ""
	for i := range routes {
		path, ok := bind(routes[i].pattern, segments)
		if !ok {
			continue
		}
		if slices.Contains(strings.Fields(routes[i].methods), r.Method) {
			c.path = path
			return &routes[i], nil
		}
		allowed += " " + routes[i].methods
	}
	if allowed != "" {
		return nil, refuse(http.StatusMethodNotAllowed, "method_not_allowed",
			"Incorrect HTTP method for uri [%s] and method [%s], allowed:%s", r.URL.Path, r.Method, allowed)
	}
	return nil, illegal("no handler found for uri [%s] and method [%s]", r.URL.Path, r.Method)
}

// bind matches a path with a route's pattern. An interface's name, which begins with an underscore, is no variable.
func bind(pattern string, segments []string) (map[string]string, bool) {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(segments) {
		return nil, false
	}
	path := map[string]string{}
	for i, part := range parts {
		name, variable := strings.CutPrefix(part, "{")
		switch {
		case !variable && part != segments[i], variable && segments[i] == "":
			return nil, false
		case variable && i == 0 && len(parts) > 1 && strings.HasPrefix(segments[i], "_"):
			return nil, false
		case variable:
			path[strings.TrimSuffix(name, "}")] = segments[i]
		}
	}
	return path, true
}

func (s *Server) info(*call) (answer, error) {
	return answer{http.StatusOK, object{
		"name": "double", "cluster_name": "double", "cluster_uuid": "double",
		"version": object{"number": "8.19.0", "build_flavor": "default", "minimum_wire_compatibility_version": "7.17.0"},
		"tagline": "You Know, for Search",
	}}, nil
}

func (s *Server) nodeStats(*call) (answer, error) {
	return answer{http.StatusOK, object{
		"_nodes": object{"total": 1, "successful": 1, "failed": 0}, "cluster_name": "double",
		"nodes": object{"double": object{"timestamp": time.Now().UnixMilli(), "name": "double"}},
	}}, nil
}

// flag reads a parameter that is true or false.
func (c *call) flag(name string) (bool, error) {
	switch v := c.params.Get(name); v {
	case "", "false":
		_, bare := c.params[name]
		return v == "" && bare, nil
	case "true":
		return true, nil
	default:
		return false, illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", v)
	}
}

// decode reads JSON with numbers as they are written.
func decode(b []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, refuse(http.StatusBadRequest, "x_content_parse_exception", "%v", err)
	}
	if d.More() {
		return nil, refuse(http.StatusBadRequest, "x_content_parse_exception", "more than one value")
	}
	return v, nil
}

// bodyObject reads the request's body, an object of known keys.
func (c *call) bodyObject(keys string) (object, error) {
	if len(c.body) == 0 {
		return object{}, nil
	}
	v, err := decode(c.body)
	if err != nil {
		return nil, err
	}
	return asObject("the body", v, keys)
}

// asObject checks that a value is an object of known keys; "*" allows any.
func asObject(what string, v any, keys string) (object, error) {
	o, ok := v.(object)
	if !ok {
		return nil, unparsable("[%s] has to be an object", what)
	}
	known := strings.Fields(keys)
	for key := range o {
		if keys != "*" && !slices.Contains(known, key) {
			return nil, unparsable("unknown key [%s] in [%s]", key, what)
		}
	}
	return o, nil
}

// filterPath keeps what the paths lead to. A * stands for any part of a name, and ** for any number of levels.
func filterPath(v any, paths []string) any {
	b, _ := json.Marshal(v)
	plain, _ := decode(b)
	var parts [][]string
	for _, path := range paths {
		parts = append(parts, strings.Split(path, "."))
	}
	kept, _ := keep(plain, parts)
	if kept == nil {
		return object{}
	}
	return kept
}

func keep(v any, paths [][]string) (any, bool) {
	for _, path := range paths {
		if len(path) == 0 {
			return v, true
		}
	}
	switch v := v.(type) {
	case object:
		kept := object{}
		for name, inner := range v {
			var further [][]string
			for _, path := range paths {
				if wildcard(path[0], name) {
					further = append(further, path[1:])
				}
			}
			if inner, ok := keep(inner, further); ok {
				kept[name] = inner
			}
		}
		return kept, len(kept) > 0
	case []any:
		var kept []any
		for _, inner := range v {
			if inner, ok := keep(inner, paths); ok {
				kept = append(kept, inner)
			}
		}
		return kept, len(kept) > 0
	}
	return nil, false
}

// wildcard reports whether a name matches a pattern in which * stands for anything.
func wildcard(pattern, name string) bool {
	first, rest, ok := strings.Cut(pattern, "*")
	if !ok {
		return pattern == name
	}
	name, ok = strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for i := 0; i <= len(name); i++ {
		if wildcard(rest, name[i:]) {
			return true
		}
	}
	return false
}
