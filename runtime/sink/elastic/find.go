package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// pageSize is how many rows one request reads.
const pageSize = 1000

// keepAlive is for how long a point in time is kept after each page.
const keepAlive = "5m"

// endWait bounds the waiting for a server that is told that a point in time is not needed any more.
const endWait = 2 * time.Second

// Find implements readmodel.Table.
func (t *table) Find(ctx context.Context, f readmodel.Find,
	found func(key, row []readmodel.Value, at cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := cmp.Or(t.schema.CheckFind(&f), ctx.Err()); err != nil {
		return readmodel.Checkpoint{}, err
	}
	at, err := t.find(ctx, &f, found)
	if errors.Is(err, readmodel.ErrStop) {
		err = nil
	}
	if err != nil {
		return readmodel.Checkpoint{}, t.wrapSearch(ctx, err)
	}
	return at, nil
}

// wrapSearch is wrap for the error of a search. A point in time ends with its index: then that is what there is to say.
func (t *table) wrapSearch(ctx context.Context, err error) error {
	if failed(err, "search_context_missing_exception") {
		if _, _, gone := t.load(ctx); gone != nil {
			err = gone
		}
	}
	return t.wrap(err)
}

// find reads rows page by page. What one request answers needs no point in time.
func (t *table) find(
	ctx context.Context, f *readmodel.Find, found func(key, row []readmodel.Value, at cqrs.Position) error,
) (at readmodel.Checkpoint, err error) {
	query, rest := t.query(f)
	body := object{"query": withCheckpoint(query), "sort": t.sort(f), "track_total_hits": false, "size": pageSize + 1}
	left := f.Limit
	each := func(h *hit) error {
		key, row, position, err := t.entry(h)
		if err != nil || !rest(key, row) {
			return err
		}
		if err := found(key, row, position); err != nil {
			return err
		}
		if left--; left == 0 {
			return readmodel.ErrStop
		}
		return nil
	}
	if f.Limit > 0 && f.Limit <= pageSize && t.pushed(&f.Where) {
		body["size"] = f.Limit + 1
		at, hits, err := t.seen(ctx, func() (hits, error) { return t.hits(ctx, t.path("_search"), body) })
		return at, cmp.Or(err, hits.each(each))
	}
	p := &moment{table: t}
	defer p.end(ctx)
	at, page, err := t.seen(ctx, func() (hits, error) { return p.begin(ctx, body) })
	for err == nil {
		if err = page.each(each); err != nil || !page.full(body) {
			break
		}
		body["search_after"] = page.all[len(page.all)-1].Sort
		page, err = p.hits(ctx, body)
	}
	return at, err
}

// withCheckpoint selects the checkpoint besides what a query selects. It has no column, so that it is the first hit.
func withCheckpoint(query object) object {
	return anyOf([]object{query, {"ids": object{"values": []string{checkpointID}}}})
}

// seen returns what a search finds, and the checkpoint that searches see in the same moment. One that they don't see yet,
// because the generation is not built or whoever wrote it died before it was shown, is shown first.
func (t *table) seen(ctx context.Context, search func() (hits, error)) (readmodel.Checkpoint, hits, error) {
	stored, _, err := t.load(ctx)
	if err != nil {
		return readmodel.Checkpoint{}, hits{}, err
	}
	for shown := false; ; shown = true {
		found, err := search()
		at := found.at.checkpoint()
		if err != nil || shown || at.Position > stored.Position || at == stored.checkpoint() {
			return at, found, err
		}
		if err := t.refresh(ctx); err != nil {
			return readmodel.Checkpoint{}, hits{}, err
		}
	}
}

// moment is a point in time of the index, from which several searches read.
type moment struct {
	table *table
	id    string
}

// begin opens a point in time, instead of the one before, and searches in it.
func (p *moment) begin(ctx context.Context, body object) (hits, error) {
	p.end(ctx)
	var answer struct{ ID string }
	err := p.table.store.do(ctx, request{method: http.MethodPost, path: p.table.path("_pit"), query: "keep_alive=" + keepAlive}, &answer)
	if err != nil {
		return hits{}, err
	}
	p.id = answer.ID
	return p.hits(ctx, body)
}

func (p *moment) hits(ctx context.Context, body object) (hits, error) {
	body["pit"] = object{"id": p.id, "keep_alive": keepAlive}
	found, err := p.table.hits(ctx, "/_search", body)
	p.id = cmp.Or(found.pit, p.id)
	return found, err
}

// end closes the point in time, also when ctx has ended. It would end by itself: whether this succeeds does not matter.
func (p *moment) end(ctx context.Context) {
	if p.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	_ = p.table.store.once(ctx, request{method: http.MethodDelete, path: "/_pit", body: object{"id": p.id}}, nil)
}

// hit is a document that a search found.
type hit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"`
}

// hits are what a search found, the checkpoint among it.
type hits struct {
	all []hit
	at  storedCheckpoint
	pit string
	// total is only known where it was asked for.
	total int64
}

// full reports whether there may be more.
func (h *hits) full(body object) bool { return len(h.all) == body["size"].(int) }

// each calls f for what is no checkpoint.
func (h *hits) each(f func(*hit) error) error {
	for i := range h.all {
		if h.all[i].ID == checkpointID {
			continue
		}
		if err := f(&h.all[i]); err != nil {
			return err
		}
	}
	return nil
}

// hits searches.
func (t *table) hits(ctx context.Context, path string, body object) (hits, error) {
	var answer struct {
		shards
		PIT  string `json:"pit_id"`
		Hits struct {
			Hits  []hit
			Total struct{ Value int64 }
		}
	}
	err := t.store.do(ctx, request{
		method: http.MethodPost, path: path, query: "allow_partial_search_results=false", body: body,
	}, &answer)
	if err := cmp.Or(err, answer.check()); err != nil {
		return hits{}, err
	}
	found := hits{all: answer.Hits.Hits, pit: answer.PIT, total: answer.Hits.Total.Value}
	for i := range found.all {
		if found.all[i].ID != checkpointID {
			continue
		}
		var d checkpointDocument
		if err := json.Unmarshal(found.all[i].Source, &d); err != nil {
			return hits{}, t.corrupt(err)
		}
		found.at = d.Checkpoint
		found.total--
	}
	return found, nil
}

// entry reads a row.
func (t *table) entry(h *hit) (key, row []readmodel.Value, at cqrs.Position, err error) {
	d, err := readDocument(h.Source)
	if err != nil {
		return nil, nil, 0, t.corrupt(err)
	}
	values, err := t.readAll(d, t.columns)
	n := len(t.schema.Key)
	if err != nil {
		return nil, nil, 0, err
	}
	return values[:n:n], values[n:], d.Position, nil
}

// Count implements readmodel.Table.
func (t *table) Count(ctx context.Context, f readmodel.Find) (int64, readmodel.Checkpoint, error) {
	f.After, f.Limit = nil, 0
	if err := cmp.Or(t.schema.CheckFind(&f), ctx.Err()); err != nil {
		return 0, readmodel.Checkpoint{}, err
	}
	n, at, err := t.count(ctx, &f)
	if err != nil {
		return 0, readmodel.Checkpoint{}, t.wrapSearch(ctx, err)
	}
	return n, at, nil
}

// count lets the server count; of what it finds it sends the checkpoint alone.
func (t *table) count(ctx context.Context, f *readmodel.Find) (n int64, at readmodel.Checkpoint, err error) {
	if !t.pushed(&f.Where) {
		at, err = t.find(ctx, f, func([]readmodel.Value, []readmodel.Value, cqrs.Position) error {
			n++
			return nil
		})
		return n, at, err
	}
	query, _ := t.query(f)
	body := object{
		"query": withCheckpoint(query), "sort": []object{{kindField: object{"order": "asc"}}}, "track_total_hits": true, "size": 1,
	}
	at, found, err := t.seen(ctx, func() (hits, error) { return t.hits(ctx, t.path("_search"), body) })
	return found.total, at, err
}

// sort returns the order of a query: each column once, what is missing first.
func (t *table) sort(f *readmodel.Find) (order []object) {
	seen := map[int]bool{}
	for _, n := range t.schema.Order(f) {
		if !seen[n] {
			order = append(order, object{t.columns[n].by: object{"order": "asc", "missing": "_first"}})
		}
		seen[n] = true
	}
	return order
}

// query returns what selects the rows, and what they have to meet besides, where Elasticsearch can't tell.
func (t *table) query(f *readmodel.Find) (object, func(key, row []readmodel.Value) bool) {
	must := []object{{"term": object{kindField: "row"}}}
	order := t.schema.Order(f)
	for i := range f.Equal {
		must = append(must, t.equal(&t.columns[order[i]], &f.Equal[i]))
	}
	if len(f.After) > 0 {
		must = append(must, t.behind(order[len(order)-len(f.After):], f.After))
	}
	parts := []readmodel.Condition{f.Where}
	if f.Where.Op == readmodel.And {
		parts = f.Where.Parts
	}
	var rest []readmodel.Condition
	for i := range parts {
		if t.pushed(&parts[i]) {
			must = append(must, t.condition(&parts[i]))
		} else {
			rest = append(rest, parts[i])
		}
	}
	all := readmodel.All(rest...)
	return object{"bool": object{"filter": must}}, t.schema.Matcher(&all)
}

// pushed reports whether Elasticsearch can tell whether a row meets a condition: it compares no field with another one,
// but by a script.
func (t *table) pushed(c *readmodel.Condition) bool {
	for i := range c.Parts {
		if !t.pushed(&c.Parts[i]) {
			return false
		}
	}
	return c.Other == ""
}

// behind selects the rows that come after some values: those with equal first ones and a greater next one.
func (t *table) behind(order []int, after []readmodel.Value) object {
	var ways []object
	var equal []object
	for i, n := range order {
		c := &t.columns[n]
		ways = append(ways, object{"bool": object{"filter": append(equal[:len(equal):len(equal)], t.greater(c, &after[i]))}})
		equal = append(equal, t.equal(c, &after[i]))
	}
	return anyOf(ways)
}

func anyOf(ways []object) object {
	if len(ways) == 0 {
		return object{"match_none": object{}}
	}
	return object{"bool": object{"should": ways, "minimum_should_match": 1}}
}

func not(query object) object { return object{"bool": object{"must_not": []object{query}}} }

func (t *table) equal(c *column, v *readmodel.Value) object {
	if v.Kind() == readmodel.Null {
		return not(exists(c))
	}
	return object{"term": object{c.by: object{"value": c.compared(v)}}}
}

func exists(c *column) object { return object{"exists": object{"field": c.by}} }

func (t *table) greater(c *column, v *readmodel.Value) object {
	if v.Kind() == readmodel.Null {
		return exists(c)
	}
	return t.compare(c, readmodel.Greater, v)
}

var ranges = map[readmodel.Op]string{
	readmodel.Less: "lt", readmodel.LessOrEqual: "lte", readmodel.Greater: "gt", readmodel.GreaterOrEqual: "gte",
}

// compare returns the query for a comparison by order. Of two truth values it says which ones are meant.
func (t *table) compare(c *column, op readmodel.Op, v *readmodel.Value) object {
	if c.Kind != readmodel.Bool {
		return object{"range": object{c.by: object{ranges[op]: c.compared(v)}}}
	}
	var ways []object
	for _, b := range []readmodel.Value{readmodel.OfBool(false), readmodel.OfBool(true)} {
		if order := b.Compare(*v); op == readmodel.Less && order < 0 || op == readmodel.LessOrEqual && order <= 0 ||
			op == readmodel.Greater && order > 0 || op == readmodel.GreaterOrEqual && order >= 0 {
			ways = append(ways, t.equal(c, &b))
		}
	}
	return anyOf(ways)
}

// condition returns the query for a condition that compares columns with values only.
func (t *table) condition(c *readmodel.Condition) object {
	switch c.Op {
	case readmodel.Always:
		return object{"match_all": object{}}
	case readmodel.Never:
		return object{"match_none": object{}}
	case readmodel.And, readmodel.Or, readmodel.Not:
		parts := make([]object, len(c.Parts))
		for i := range c.Parts {
			parts[i] = t.condition(&c.Parts[i])
		}
		switch {
		case c.Op == readmodel.Not:
			return not(parts[0])
		case c.Op == readmodel.Or:
			return anyOf(parts)
		case len(parts) == 0:
			return object{"match_all": object{}}
		}
		return object{"bool": object{"filter": parts}}
	}
	column := t.column(c.Column)
	switch c.Op {
	case readmodel.Equal:
		return t.equal(column, &c.Values[0])
	case readmodel.NotEqual:
		return not(t.equal(column, &c.Values[0]))
	case readmodel.In:
		return t.in(column, c.Values)
	}
	return t.compare(column, c.Op, &c.Values[0])
}

func (t *table) in(c *column, values []readmodel.Value) object {
	var ways []object
	terms := make([]any, 0, len(values))
	for i := range values {
		if values[i].Kind() == readmodel.Null {
			ways = append(ways, not(exists(c)))
		} else {
			terms = append(terms, c.compared(&values[i]))
		}
	}
	if len(terms) > 0 {
		ways = append(ways, object{"terms": object{c.by: terms}})
	}
	return anyOf(ways)
}

func (t *table) column(name string) *column {
	for i := range t.columns {
		if t.columns[i].Name == name {
			return &t.columns[i]
		}
	}
	panic("elastic: CheckFind accepts no unknown column")
}
