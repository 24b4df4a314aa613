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
	at, err := t.begin(ctx)
	if err == nil {
		err = t.search(ctx, &s, found)
	}
	if errors.Is(err, readmodel.ErrStop) {
		err = nil
	}
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return at, nil
}

func (t *table) search(ctx context.Context, s *readmodel.Search, found func(readmodel.Found) error) error {
	f := readmodel.Find{Index: -1, Where: s.Where}
	filter, rest := t.query(&f)
	body := object{
		"query": object{"bool": object{"filter": []object{filter}, "must": []object{t.words(s.Text)}}},
		"sort":  append([]object{{"_score": object{"order": "desc"}}}, t.sort(&f)...), "track_total_hits": false,
		"size": s.Limit,
	}
	if s.After != "" {
		if !json.Valid([]byte(s.After)) {
			return &readmodel.InvalidQueryError{Projection: t.schema.Projection, Reason: "a search continues behind what is no place"}
		}
		body["search_after"] = json.RawMessage(s.After)
	}
	left := s.Limit
	each := func(h *hit) error {
		key, row, at, err := t.entry(h)
		if err != nil || !rest(key, row) {
			return err
		}
		if err := found(readmodel.Found{Key: key, Row: row, At: at, Place: string(h.Sort)}); err != nil {
			return err
		}
		if left--; left == 0 {
			return readmodel.ErrStop
		}
		return nil
	}
	for {
		last, err := t.page(ctx, t.path("_search"), body, each)
		if err != nil || last == nil {
			return err
		}
		body["search_after"] = last.sort
	}
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
