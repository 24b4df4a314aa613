package elasticdouble

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// source is what one search looks through.
type source struct {
	index   *index
	docs    map[string]*document
	matches matcher
}

// hit is a document that a search found.
type hit struct {
	*document
	index  *index
	score  float64
	values []any
}

// request is the body of a search.
type request struct {
	size, from     int
	sort           []sortKey
	after          []any
	total          any
	version, seqNo bool
	withoutSource  bool
	pit            *pit
	pitID          string
}

func (s *Server) search(c *call) (answer, error) {
	began := time.Now()
	body, err := c.bodyObject("query size from sort search_after pit track_total_hits version seq_no_primary_term _source track_scores")
	if err != nil {
		return answer{}, err
	}
	var r request
	sources, err := s.sources(c, body, &r)
	if err == nil {
		err = r.read(body, sources)
	}
	if err != nil {
		return answer{}, err
	}
	var hits []hit
	for _, src := range sources {
		for _, d := range src.docs {
			if score, ok := src.matches(d); ok {
				hits = append(hits, hit{d, src.index, score, nil})
			}
		}
	}
	total := len(hits)
	hits = r.page(hits)
	result := object{
		"took": time.Since(began).Milliseconds(), "timed_out": false, "hits": r.describe(hits, total),
		"_shards": object{"total": len(sources), "successful": len(sources), "skipped": 0, "failed": 0},
	}
	if r.pit != nil {
		result["pit_id"] = r.pitID
	}
	return answer{http.StatusOK, result}, nil
}

// sources finds what is searched: a point in time, or indices as of their last refresh.
func (s *Server) sources(c *call, body object, r *request) ([]source, error) {
	if body["pit"] != nil {
		if c.path["index"] != "" {
			return nil, invalid("[indices] cannot be used with point in time. Do not specify any index with point in time.")
		}
		p, id, err := s.pointInTime(body["pit"])
		if err != nil {
			return nil, err
		}
		r.pit, r.pitID = p, id
		matches, err := p.index.matcher("", body["query"])
		return []source{{p.index, p.snapshot.docs, both(p.filter, matches)}}, err
	}
	expression := cmp.Or(c.path["index"], "*")
	found, err := s.resolve(c, expression)
	if err != nil {
		return nil, err
	}
	var sources []source
	for _, x := range found {
		matches, err := x.matcher(expression, body["query"])
		if err != nil {
			return nil, err
		}
		x.refreshIfDue()
		sources = append(sources, source{x, x.visible.docs, matches})
	}
	return sources, nil
}

func both(filter, matches matcher) matcher {
	return func(d *document) (float64, bool) {
		if _, ok := filter(d); !ok {
			return 0, false
		}
		return matches(d)
	}
}

// window is how far from the beginning a search reaches.
const window = 10_000

func (r *request) read(body object, sources []source) (err error) {
	if r.size, err = wholeNumber(body, "size", 10); err != nil {
		return err
	}
	if r.from, err = wholeNumber(body, "from", 0); err != nil {
		return err
	}
	if r.from+r.size > window {
		return illegal("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]. See the scroll "+
			"api for a more efficient way to request large data sets.", window, r.from+r.size)
	}
	r.total = cmp.Or[any](body["track_total_hits"], json.Number("10000"))
	r.version, _ = body["version"].(bool)
	r.seqNo, _ = body["seq_no_primary_term"].(bool)
	if with, ok := body["_source"].(bool); ok {
		r.withoutSource = !with
	} else if body["_source"] != nil {
		return illegal("the double knows _source as true or false only")
	}
	if err := r.readSort(body["sort"], sources); err != nil {
		return err
	}
	return r.readAfter(body)
}

// sortKey is one of the values that hits are sorted by.
type sortKey struct {
	name       string
	field      *field // nil for _score and _shard_doc
	descending bool
	// first says where a document without the field comes.
	first bool
}

func (r *request) readSort(v any, sources []source) error {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	for _, v := range list {
		key, err := readSortKey(v)
		if err != nil {
			return err
		}
		if err := key.find(sources); err != nil {
			return err
		}
		r.sort = append(r.sort, key)
	}
	if r.pit != nil && len(r.sort) > 0 {
		r.sort = append(r.sort, sortKey{name: "_shard_doc"})
	}
	return nil
}

func readSortKey(v any) (sortKey, error) {
	o, ok := v.(object)
	if name, plain := v.(string); plain {
		o, ok = object{name: object{}}, true
	}
	if !ok || len(o) != 1 {
		return sortKey{}, illegal("malformed sort format")
	}
	key := sortKey{}
	for name, v := range o {
		if order, plain := v.(string); plain {
			v = object{"order": order}
		}
		options, err := asObject("sort", v, "order missing unmapped_type")
		if err != nil {
			return key, err
		}
		key.name = name
		order := cmp.Or[any](options["order"], "asc")
		if name == "_score" {
			order = cmp.Or[any](options["order"], "desc")
		}
		missing := cmp.Or[any](options["missing"], "_last")
		if order != "asc" && order != "desc" || missing != "_first" && missing != "_last" {
			return key, illegal("the double knows the orders asc and desc, and _first and _last for what is missing")
		}
		key.descending, key.first = order == "desc", missing == "_first"
	}
	return key, nil
}

func (k *sortKey) find(sources []source) error {
	if k.name == "_score" || k.name == "_shard_doc" {
		return nil
	}
	for _, src := range sources {
		f := src.index.mapping.field(k.name)
		switch {
		case f == nil:
			return illegal("No mapping found for [%s] in order to sort on", k.name)
		case f.kind == "text":
			return illegal("Fielddata is disabled on [%s] in [%s]. Text fields are not optimised for operations that require "+
				"per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a "+
				"keyword field instead.", k.name, src.index.name)
		case f.noDocValues:
			return illegal("Can't load fielddata on [%s] because fielddata is unsupported on fields of type [%s]. Use doc values instead.", k.name, f.kind)
		}
		k.field = f
	}
	return nil
}

func (r *request) readAfter(body object) error {
	after, ok := body["search_after"].([]any)
	if !ok {
		if body["search_after"] != nil {
			return unparsable("[search_after] has to be an array")
		}
		return nil
	}
	switch {
	case r.from > 0:
		return illegal("`from` parameter must be set to 0 when `search_after` is used.")
	case len(r.sort) == 0:
		return illegal("Sort must contain at least one field.")
	case len(after) != len(r.sort):
		return illegal("search_after has %d value(s) but sort has %d.", len(after), len(r.sort))
	}
	for i, v := range after {
		value, err := r.sort[i].read(v)
		if err != nil {
			return illegal("Failed to parse search_after value for field [%s]: %v", r.sort[i].name, err)
		}
		r.after = append(r.after, value)
	}
	return nil
}

// read reads a value of search_after.
func (k *sortKey) read(v any) (any, error) {
	switch {
	case v == nil:
		return nil, nil
	case k.name == "_score":
		n, ok := v.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%v is no number", v)
		}
		f, err := n.Float64()
		return float64(float32(f)), err
	case k.name == "_shard_doc":
		return integer(fmt.Sprint(v))
	case k.field == nil, k.field.kind == "keyword":
		return fmt.Sprint(v), nil
	case k.field.kind == "double" && v == "-Infinity":
		return math.Inf(-1), nil
	case k.field.kind == "double" && v == "Infinity":
		return math.Inf(1), nil
	case k.field.kind == "boolean":
		if n, ok := v.(json.Number); ok {
			return n.Int64()
		}
	}
	return k.field.scalar(v, fmt.Sprint(v))
}

// value returns what a hit is sorted by. What is missing is a number beyond all others, and null for texts.
func (k *sortKey) value(h *hit) any {
	switch k.name {
	case "_score":
		return float64(float32(h.score))
	case "_shard_doc":
		return h.seqNo
	}
	if values := h.fields[k.field.name]; len(values) > 0 {
		return values[0]
	}
	early := k.first != k.descending
	switch k.field.kind {
	case "keyword":
		return nil
	case "double":
		return math.Inf(map[bool]int{true: -1, false: 1}[early])
	case "unsigned_long":
		return map[bool]uint64{true: 0, false: math.MaxUint64}[early]
	}
	return map[bool]int64{true: earliest, false: math.MaxInt64}[early]
}

func (k *sortKey) compare(a, b any) int {
	order := 0
	switch {
	case a == nil || b == nil:
		// A text that is missing comes first or last, whatever the order is.
		if a == b {
			return 0
		}
		if (a == nil) == k.first {
			return -1
		}
		return 1
	default:
		order = compareValues(a, b)
	}
	if k.descending {
		return -order
	}
	return order
}

// compareValues compares two values of one field.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case uint64:
		return cmp.Compare(a, b.(uint64))
	case float64:
		return cmp.Compare(a, b.(float64))
	}
	panic(fmt.Sprintf("elasticdouble: a value of type %T", a))
}

// page sorts the hits and cuts out those that are wanted.
func (r *request) page(hits []hit) []hit {
	keys := r.sort
	if len(keys) == 0 {
		keys = []sortKey{{name: "_score", descending: true}, {name: "_shard_doc"}}
	}
	for i := range hits {
		for k := range keys {
			hits[i].values = append(hits[i].values, keys[k].value(&hits[i]))
		}
	}
	order := func(a, b []any) int {
		for i := range keys {
			if o := keys[i].compare(a[i], b[i]); o != 0 {
				return o
			}
		}
		return 0
	}
	if r.after != nil {
		hits = slices.DeleteFunc(hits, func(h hit) bool { return order(h.values, r.after) <= 0 })
	}
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Or(order(a.values, b.values), cmp.Compare(a.seqNo, b.seqNo)) })
	hits = hits[min(r.from, len(hits)):]
	return hits[:min(r.size, len(hits))]
}

func (r *request) describe(hits []hit, total int) object {
	described := make([]any, len(hits))
	for i := range hits {
		described[i] = r.describeHit(&hits[i])
	}
	result := object{"hits": described, "max_score": nil}
	switch limit := fmt.Sprint(r.total); {
	case limit == "true":
		result["total"] = object{"value": total, "relation": "eq"}
	case limit != "false":
		most := 0
		_, _ = fmt.Sscan(limit, &most)
		result["total"] = object{"value": min(total, most), "relation": map[bool]string{true: "gte", false: "eq"}[total > most]}
	}
	return result
}

func (r *request) describeHit(h *hit) object {
	o := object{"_index": h.index.name, "_id": h.id, "_score": nil}
	byScore := len(r.sort) == 0 || slices.ContainsFunc(r.sort, func(k sortKey) bool { return k.name == "_score" })
	if byScore {
		o["_score"] = float32(h.score)
	}
	if !r.withoutSource {
		o["_source"] = json.RawMessage(h.source)
	}
	if r.version {
		o["_version"] = h.version
	}
	if r.seqNo {
		o["_seq_no"], o["_primary_term"] = h.seqNo, 1
	}
	if len(r.sort) > 0 {
		values := slices.Clone(h.values)
		for i, v := range values {
			if f, ok := v.(float64); ok && math.IsInf(f, 0) {
				values[i] = map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
			} else if ok && r.sort[i].name == "_score" {
				values[i] = float32(f)
			}
		}
		o["sort"] = values
	}
	return o
}
