package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// pageSize is how many rows one request reads.
const pageSize = 1000

// keepAlive is for how long a point in time is kept after each page.
const keepAlive = "5m"

// begin returns the checkpoint that searches from now on reflect. It is read before the rows are.
func (t *table) begin(ctx context.Context) (readmodel.Checkpoint, error) {
	stored, _, err := t.load(ctx)
	if err == nil && !stored.Built {
		err = t.refresh(ctx)
	}
	return stored.checkpoint(), err
}

// Find implements readmodel.Table.
func (t *table) Find(ctx context.Context, f readmodel.Find,
	found func(key, row []readmodel.Value, at cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := cmp.Or(t.schema.CheckFind(&f), ctx.Err()); err != nil {
		return readmodel.Checkpoint{}, err
	}
	at, err := t.begin(ctx)
	if err == nil {
		err = t.find(ctx, &f, found)
	}
	if failed(err, "search_context_missing_exception") {
		// A point in time ends with its index: then that is what there is to say.
		if _, gone := t.begin(ctx); gone != nil {
			err = gone
		}
	}
	if errors.Is(err, readmodel.ErrStop) {
		err = nil
	}
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return at, nil
}

// find reads rows page by page. What one request answers needs no point in time.
func (t *table) find(ctx context.Context, f *readmodel.Find, found func(key, row []readmodel.Value, at cqrs.Position) error) error {
	query, rest := t.query(f)
	body := object{"query": query, "sort": t.sort(f), "track_total_hits": false, "size": pageSize}
	left := f.Limit
	each := func(h *hit) error {
		key, row, at, err := t.entry(h)
		if err != nil || !rest(key, row) {
			return err
		}
		if err := found(key, row, at); err != nil {
			return err
		}
		if left--; left == 0 {
			return readmodel.ErrStop
		}
		return nil
	}
	if f.Limit > 0 && f.Limit <= pageSize && t.pushed(&f.Where) {
		body["size"] = f.Limit
		_, err := t.page(ctx, t.path("_search"), body, each)
		return err
	}
	return t.atOneMoment(ctx, func(pit string) error {
		for {
			body["pit"] = object{"id": pit, "keep_alive": keepAlive}
			last, err := t.page(ctx, "/_search", body, each)
			if err != nil || last == nil {
				return err
			}
			body["search_after"] = last.sort
			pit = cmp.Or(last.pit, pit)
		}
	})
}

// atOneMoment lets f read from a point in time.
func (t *table) atOneMoment(ctx context.Context, f func(pit string) error) error {
	var pit struct{ ID string }
	err := t.store.do(ctx, request{method: http.MethodPost, path: t.path("_pit"), query: "keep_alive=" + keepAlive}, &pit)
	if err != nil {
		return err
	}
	err = f(pit.ID)
	// It would end by itself: whether this succeeds does not matter, and it is done also when ctx has ended.
	_ = t.store.once(context.WithoutCancel(ctx), request{method: http.MethodDelete, path: "/_pit", body: object{"id": pit.ID}}, nil)
	return err
}

// hit is a document that a search found.
type hit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"`
}

// end is where a full page ended.
type end struct {
	sort json.RawMessage
	pit  string
}

// page calls each for what a search finds, and returns where it ended, or nil if there can be no more.
func (t *table) page(ctx context.Context, path string, body object, each func(*hit) error) (*end, error) {
	var answer struct {
		shards
		PIT  string `json:"pit_id"`
		Hits struct{ Hits []hit }
	}
	err := t.store.do(ctx, request{
		method: http.MethodPost, path: path, query: "allow_partial_search_results=false", body: body,
	}, &answer)
	if err := cmp.Or(err, answer.check()); err != nil {
		return nil, err
	}
	hits := answer.Hits.Hits
	for i := range hits {
		if err := each(&hits[i]); err != nil {
			return nil, err
		}
	}
	if len(hits) < body["size"].(int) {
		return nil, nil //nolint:nilnil // there are no more
	}
	return &end{hits[len(hits)-1].Sort, answer.PIT}, nil
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
	at, err := t.begin(ctx)
	var n int64
	if err == nil {
		n, err = t.count(ctx, &f)
	}
	if err != nil {
		return 0, readmodel.Checkpoint{}, t.wrap(err)
	}
	return n, at, nil
}

func (t *table) count(ctx context.Context, f *readmodel.Find) (n int64, err error) {
	if !t.pushed(&f.Where) {
		err = t.find(ctx, f, func([]readmodel.Value, []readmodel.Value, cqrs.Position) error {
			n++
			return nil
		})
		return n, err
	}
	query, _ := t.query(f)
	var answer struct {
		shards
		Count int64
	}
	err = t.store.do(ctx, request{method: http.MethodPost, path: t.path("_count"), body: object{"query": query}}, &answer)
	return answer.Count, cmp.Or(err, answer.check())
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
