package elasticdouble

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// write is one operation on one document.
type write struct {
	op, id  string // index, create or delete
	source  []byte
	version int64
	// kind is internal, external or external_gte.
	kind string
	// seqNo and term are what the document has to have, -1 if that does not matter.
	seqNo, term int64
}

// parseWrite reads the parameters that a URL and an item of a bulk request share.
func parseWrite(op, id string, get func(string) string) (*write, error) {
	w := &write{op: op, id: id, kind: cmp.Or(get("version_type"), "internal"), version: -1, seqNo: -1, term: -1}
	for name, into := range map[string]*int64{"version": &w.version, "if_seq_no": &w.seqNo, "if_primary_term": &w.term} {
		text := get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, illegal("Failed to parse long parameter [%s] with value [%s]", name, text)
		}
		*into = n
	}
	if w.kind == "external_gt" {
		w.kind = "external"
	}
	return w, w.check()
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "action_request_validation_exception", "Validation Failed: 1: "+format+";", args...)
}

func (w *write) check() error {
	switch {
	case len(w.id) > 512:
		return invalid("id [%s] is too long, must be no longer than 512 bytes but was: %d", w.id, len(w.id))
	case w.id == "" && w.op != "index" && w.op != "create":
		return invalid("an id must be provided")
	case !slices.Contains([]string{"internal", "external", "external_gte"}, w.kind):
		return illegal("No version type match [%s]", w.kind)
	case (w.seqNo >= 0) != (w.term > 0):
		return invalid("ifSeqNo is set, but primary term is [%d]", max(w.term, 0))
	case w.kind != "internal" && w.op == "create":
		return invalid("create operations do not support versioning. use index instead")
	case w.kind != "internal" && w.seqNo >= 0:
		return invalid("compare and write operations can not use versioning")
	case w.op == "create" && w.seqNo >= 0:
		return invalid("create operations do not support compare and set. use index instead")
	case w.kind != "internal" && w.version < 0:
		return invalid("illegal version value [%d] for version type [EXTERNAL]", w.version)
	case w.kind == "internal" && w.version >= 0:
		return invalid("internal versioning can not be used for optimistic concurrency control. " +
			"Please use `if_seq_no` and `if_primary_term` instead")
	}
	return nil
}

// apply does the write and says what came out.
func (x *index) apply(w *write) (object, error) {
	old := x.current(w.id)
	if err := x.conflict(w, old); err != nil {
		return nil, err
	}
	d := &document{id: w.id, source: w.source, version: 1, seqNo: x.seqNo}
	if old != nil {
		d.version = old.version + 1
	}
	if w.kind != "internal" {
		d.version = w.version
	}
	status, result := http.StatusOK, "updated"
	switch {
	case w.op == "delete":
		d.deletedAt, result = time.Now(), "deleted"
		if old == nil || old.deleted() {
			status, result = http.StatusNotFound, "not_found"
		}
	case old == nil || old.deleted():
		status, result = http.StatusCreated, "created"
	}
	if w.op != "delete" {
		var err error
		if d.fields, err = x.mapping.parse(w.id, w.source); err != nil {
			return nil, err
		}
	}
	x.seqNo++
	x.docs[w.id], x.pending[w.id] = d, d
	return object{
		"_index": x.name, "_id": w.id, "_version": d.version, "result": result, "_seq_no": d.seqNo, "_primary_term": 1,
		"_shards": object{"total": 1, "successful": 1, "failed": 0}, "status": status,
	}, nil
}

func (d *document) deleted() bool { return !d.deletedAt.IsZero() }

// current returns the last version of a document. That it was deleted is forgotten after a minute.
func (x *index) current(id string) *document {
	d := x.docs[id]
	if d != nil && d.deleted() && time.Since(d.deletedAt) > x.duration("gc_deletes", time.Minute) {
		delete(x.docs, id)
		return nil
	}
	return d
}

func (x *index) conflict(w *write, old *document) error {
	reason := ""
	exists := old != nil && !old.deleted()
	switch {
	case w.op == "create" && exists:
		reason = fmt.Sprintf("document already exists (current version [%d])", old.version)
	case w.seqNo >= 0 && !exists:
		reason = fmt.Sprintf("required seqNo [%d], primary term [%d]. but no document was found", w.seqNo, w.term)
	case w.seqNo >= 0 && (old.seqNo != w.seqNo || w.term != 1):
		reason = fmt.Sprintf("required seqNo [%d], primary term [%d]. current document has seqNo [%d] and primary term [1]",
			w.seqNo, w.term, old.seqNo)
	case w.kind == "external" && old != nil && old.version >= w.version:
		reason = fmt.Sprintf("current version [%d] is higher or equal to the one provided [%d]", old.version, w.version)
	case w.kind == "external_gte" && old != nil && old.version > w.version:
		reason = fmt.Sprintf("current version [%d] is higher than the one provided [%d]", old.version, w.version)
	default:
		return nil
	}
	return &failure{http.StatusConflict, "version_conflict_engine_exception",
		fmt.Sprintf("[%s]: version conflict, %s", w.id, reason), x.name}
}

// target returns the index that a name stands for when writing; without one it is created.
func (s *Server) target(name string, aliasOnly bool) (*index, error) {
	if aliasOnly && !s.isAlias(name) {
		return nil, &failure{http.StatusNotFound, "index_not_found_exception",
			fmt.Sprintf("no such index [%s] and [require_alias] request flag is [true] and [%s] is not an alias", name, name), name}
	}
	if x := s.indices[name]; x != nil {
		return x, nil
	}
	var found []*index
	for _, x := range s.sorted() {
		if a := x.aliases[name]; a != nil && a.writes {
			return x, nil
		} else if a != nil {
			found = append(found, x)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, illegal("no write index is defined for alias [%s]. The write index may be explicitly disabled using "+
			"is_write_index=false or the alias points to multiple indices without one being designated as a write index", name)
	}
	if err := s.freeName(name); err != nil {
		return nil, err
	}
	x, err := newIndex(name, object{})
	if err == nil {
		s.indices[name] = x
	}
	return x, err
}

func (s *Server) put(c *call) (answer, error) {
	op := cmp.Or(c.params.Get("op_type"), "index")
	if _, created := c.path["create"]; created {
		op = "create"
	}
	w, err := parseWrite(op, cmp.Or(c.path["id"], c.path["create"]), c.params.Get)
	if err != nil {
		return answer{}, err
	}
	if w.source = c.body; len(c.body) == 0 {
		return answer{}, refuse(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	return s.single(c, w)
}

func (s *Server) remove(c *call) (answer, error) {
	w, err := parseWrite("delete", c.path["id"], c.params.Get)
	if err != nil {
		return answer{}, err
	}
	return s.single(c, w)
}

func (s *Server) single(c *call, w *write) (answer, error) {
	aliasOnly, err := c.flag("require_alias")
	if err != nil {
		return answer{}, err
	}
	x, err := s.target(c.path["index"], aliasOnly)
	if err != nil {
		return answer{}, err
	}
	result, err := x.apply(w)
	if err != nil {
		return answer{}, err
	}
	status := result["status"].(int)
	delete(result, "status")
	return answer{status, result}, s.refreshAfter(c, []*index{x})
}

// refreshAfter does what the parameter refresh asks for.
func (s *Server) refreshAfter(c *call, written []*index) error {
	policy := c.params.Get("refresh")
	if _, given := c.params["refresh"]; given && policy == "" {
		policy = "true"
	}
	switch policy {
	case "", "false":
	case "true":
		for _, x := range written {
			x.refresh()
		}
	case "wait_for":
		for _, x := range written {
			s.awaitRefresh(c, x)
		}
	default:
		return illegal("Unknown value for refresh: [%s].", policy)
	}
	return nil
}

// awaitRefresh waits for the index's next refresh, which never comes if its refresh_interval is -1 and nobody asks.
func (s *Server) awaitRefresh(c *call, x *index) {
	waiting := x.waiting
	interval := x.duration("refresh_interval", time.Second)
	s.mu.Unlock()
	defer s.mu.Lock()
	var due <-chan time.Time
	if interval >= 0 {
		due = time.After(interval)
	}
	select {
	case <-waiting:
	case <-c.ctx.Done():
	case <-due:
		s.mu.Lock()
		x.refresh()
		s.mu.Unlock()
	}
}

// bulk does each item for itself: the request succeeds also if none of them did.
func (s *Server) bulk(c *call) (answer, error) {
	aliasOnly, err := c.flag("require_alias")
	if err != nil {
		return answer{}, err
	}
	if !bytes.HasSuffix(c.body, []byte("\n")) {
		return answer{}, illegal("The bulk request must be terminated by a newline [\\n]")
	}
	items, err := parseBulk(c.body, c.path["index"])
	if err != nil {
		return answer{}, err
	}
	began := time.Now()
	results, failed := make([]any, len(items)), false
	var written []*index
	for i, item := range items {
		x, err := s.target(item.index, aliasOnly || item.aliasOnly)
		var result object
		if err == nil {
			result, err = x.apply(item.write)
		}
		if err != nil {
			f := err.(*failure) //nolint:errorlint // nothing else comes from here
			result = object{"_index": item.index, "_id": item.id, "status": f.status, "error": f.body()["error"]}
			failed = true
		} else if !slices.Contains(written, x) {
			written = append(written, x)
		}
		results[i] = object{item.op: result}
	}
	body := object{"took": time.Since(began).Milliseconds(), "errors": failed, "items": results}
	return answer{http.StatusOK, body}, s.refreshAfter(c, written)
}

type bulkItem struct {
	*write
	index     string
	aliasOnly bool
}

func parseBulk(body []byte, index string) (items []bulkItem, err error) {
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i := 0; i < len(lines); i++ {
		if len(bytes.TrimSpace(lines[i])) == 0 {
			continue
		}
		item, err := parseAction(lines[i], i+1, index)
		if err != nil {
			return nil, err
		}
		if item.op != "delete" {
			if i++; i == len(lines) {
				return nil, illegal("Malformed action/metadata line [%d], no source", i)
			}
			item.source = bytes.Clone(lines[i])
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil, invalid("no requests added")
	}
	return items, nil
}

func parseAction(line []byte, number int, index string) (bulkItem, error) {
	var action map[string]map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&action); err != nil || len(action) != 1 {
		return bulkItem{}, illegal("Malformed action/metadata line [%d], expected START_OBJECT", number)
	}
	for op, meta := range action {
		if !slices.Contains([]string{"index", "create", "delete"}, op) {
			return bulkItem{}, illegal("Malformed action/metadata line [%d], expected field [create], [delete], [index] or [update] but found [%s]", number, op)
		}
		values := url.Values{}
		for key, v := range meta {
			if !slices.Contains([]string{"_index", "_id", "version", "version_type", "if_seq_no", "if_primary_term", "require_alias"}, key) {
				return bulkItem{}, illegal("Action/metadata line [%d] contains an unknown parameter [%s]", number, key)
			}
			values.Set(key, fmt.Sprint(v))
		}
		id := values.Get("_id")
		if id == "" && op != "delete" {
			id = newID()
		}
		w, err := parseWrite(op, id, values.Get)
		if err != nil {
			return bulkItem{}, err
		}
		name := cmp.Or(values.Get("_index"), index)
		if name == "" {
			return bulkItem{}, invalid("index is missing")
		}
		return bulkItem{w, name, values.Get("require_alias") == "true"}, nil
	}
	panic("elasticdouble: the action is one")
}

func newID() string {
	b := make([]byte, 15)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// refresh shows searches what was written.
func (x *index) refresh() {
	x.refreshed = time.Now()
	close(x.waiting)
	x.waiting = make(chan struct{})
	if len(x.pending) == 0 {
		return
	}
	if x.visible.shared {
		docs := make(map[string]*document, len(x.visible.docs)+len(x.pending))
		for id, d := range x.visible.docs {
			docs[id] = d
		}
		x.visible = &snapshot{docs: docs}
	}
	for id, d := range x.pending {
		if d.deleted() {
			delete(x.visible.docs, id)
		} else {
			x.visible.docs[id] = d
		}
	}
	clear(x.pending)
}

// refreshIfDue does the refresh that the index does by itself every refresh_interval.
func (x *index) refreshIfDue() {
	if every := x.duration("refresh_interval", time.Second); every >= 0 && time.Since(x.refreshed) >= every {
		x.refresh()
	}
}

func (s *Server) refresh(c *call) (answer, error) {
	found, err := s.resolve(c, cmp.Or(c.path["index"], "*"))
	if err != nil {
		return answer{}, err
	}
	for _, x := range found {
		x.refresh()
	}
	return answer{http.StatusOK, object{"_shards": object{"total": len(found), "successful": len(found), "failed": 0}}}, nil
}

// earliest is what a missing number counts as where missing values come first.
const earliest = math.MinInt64
