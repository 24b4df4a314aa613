package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var _ readmodel.Searcher = (*table)(nil)

// Search implements readmodel.Searcher. The words are those that Elasticsearch's standard analyzer finds, and the best
// rows are those that it scores highest.
func (t *table) Search(ctx context.Context, s readmodel.Search, found func(readmodel.Found) error) (readmodel.Checkpoint, error) {
	if err := cmp.Or(t.schema.CheckSearch(&s), ctx.Err()); err != nil {
		return readmodel.Checkpoint{}, err
	}
	at, err := t.search(ctx, &s, found)
	if errors.Is(err, readmodel.ErrStop) {
		err = nil
	}
	if err != nil {
		return readmodel.Checkpoint{}, t.wrapSearch(ctx, err)
	}
	return at, nil
}

func (t *table) search(
	ctx context.Context, s *readmodel.Search, found func(readmodel.Found) error,
) (at readmodel.Checkpoint, err error) {
	f := readmodel.Find{Index: -1, Where: s.Where}
	filter, rest := t.query(&f)
	body := object{
		"query": object{"bool": object{"filter": []object{filter}, "must": []object{t.words(s.Text)}}},
		"sort":  append([]object{{"_score": object{"order": "desc"}}}, t.sort(&f)...), "track_total_hits": false,
		"size": s.Limit,
	}
	if s.After != "" {
		var place []json.RawMessage
		if json.Unmarshal([]byte(s.After), &place) != nil {
			return at, &readmodel.InvalidQueryError{Projection: t.schema.Projection, Reason: "a search continues behind what is no place"}
		}
		body["search_after"] = append(place, json.RawMessage("9223372036854775807"))
	}
	left := s.Limit
	each := func(h *hit) error {
		key, row, position, err := t.entry(h)
		if err != nil || !rest(key, row) {
			return err
		}
		place, err := placeOf(h)
		if err != nil {
			return t.corrupt(err)
		}
		if err := found(readmodel.Found{Key: key, Row: row, At: position, Place: place}); err != nil {
			return err
		}
		if left--; left == 0 {
			return readmodel.ErrStop
		}
		return nil
	}
	p := &moment{table: t}
	defer p.end(ctx)
	checkpoint := object{"query": object{"ids": object{"values": []string{checkpointID}}}, "size": 1, "track_total_hits": false}
	at, _, err = t.seen(ctx, func() (hits, error) { return p.begin(ctx, checkpoint) })
	for err == nil {
		var page hits
		if page, err = p.hits(ctx, body); err != nil {
			break
		}
		if err = page.each(each); err != nil || !page.full(body) {
			break
		}
		body["search_after"] = page.all[len(page.all)-1].Sort
	}
	return at, err
}

// words returns the query for a text. Fields of words are searched as if they were one.
func (t *table) words(text string) object {
	var fields []string
	var ways []object
	for i := range t.columns {
		switch c := &t.columns[i]; c.Search {
		case readmodel.SearchText:
			fields = append(fields, c.field)
		case readmodel.SearchKeyword:
			ways = append(ways, object{"term": object{c.by: object{"value": term(text)}}})
		}
	}
	if len(fields) > 0 {
		ways = append(ways, object{"multi_match": object{
			"query": text, "fields": fields, "type": "cross_fields", "operator": "and",
		}})
	}
	return anyOf(ways)
}

// placeOf returns where a row stands, for a later search. The last value that a hit is sorted by is the document's number
// in the point in time, by which no other one can be continued.
func placeOf(h *hit) (string, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(h.Sort, &values); err != nil || len(values) == 0 {
		return "", errors.New("a hit has no place")
	}
	place, err := json.Marshal(values[:len(values)-1])
	return string(place), err
}
