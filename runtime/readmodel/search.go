package readmodel

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Searchable says how Search looks into a column of kind String.
type Searchable string

// The ways of searching.
const (
	NotSearched Searchable = ""
	// SearchText finds the words of a text, whatever their case.
	SearchText Searchable = "text"
	// SearchKeyword finds a text as a whole, as it is written.
	SearchKeyword Searchable = "keyword"
)

// Search selects rows by what their texts say: those that have every word of Text in one of their columns of
// SearchText, and those of which a column of SearchKeyword equals Text.
type Search struct {
	Text string
	// Where leaves out the rows that do not meet it.
	Where Condition
	// After, if not empty, continues behind a row: its place, as the table called it.
	After string
	// Limit bounds the number of rows; a table is given 1 to MostFound, a Model takes 0 for UsuallyFound.
	Limit int
}

// MostFound bounds the limit of a Search, and so the size of a page. UsuallyFound is the limit where none is given.
const (
	MostFound    = 1000
	UsuallyFound = 100
)

// Searcher is implemented by tables that can search.
type Searcher interface {
	// Search calls found for each row that s selects, the best ones first and otherwise in the order of the keys, until it
	// returns an error, and returns the checkpoint. The rows reflect the checkpoint. ErrStop ends it without an error.
	//
	// Pages of one search may come from different moments: a row whose text changes in between may be in two of them, or
	// in none.
	Search(ctx context.Context, s Search, found func(r Found) error) (Checkpoint, error)
}

// Found is a row that a Search found.
type Found struct {
	Key, Row []Value
	// At is the position of the last event that was folded into the row.
	At cqrs.Position
	// Place is what a Search continues behind.
	Place string
}

// Searched returns the columns that Search looks into, in one of the ways.
func (s *Schema) Searched(how Searchable) []Column {
	var columns []Column
	for _, c := range s.Columns() {
		if c.Search == how {
			columns = append(columns, c)
		}
	}
	return columns
}

// CheckSearch refuses a Search that does not fit the schema. Sinks call it first in Search.
func (s *Schema) CheckSearch(q *Search) error {
	switch {
	case len(s.Searched(SearchText))+len(s.Searched(SearchKeyword)) == 0:
		return s.invalid("it has no column that is searched")
	case q.Limit <= 0 || q.Limit > MostFound:
		return s.invalid("a search has the limit %d, which has to be 1 to %d", q.Limit, MostFound)
	}
	text := Column{Kind: String}
	if v := OfString(q.Text); text.fault(&v) != "" {
		return s.invalid("the text of a search %s", text.fault(&v))
	}
	return s.checkCondition(&q.Where)
}

// NoSearchError says that rows can't be searched where they are kept.
type NoSearchError struct {
	Projection string
	// Store is the store's name.
	Store  string
	Reason string
}

func (e *NoSearchError) Error() string {
	return fmt.Sprintf("read model %s can't be searched in %s: %s", e.Projection, e.Store, e.Reason)
}

// Search returns the rows that s selects, the best ones first; with cqrs.InPage, a page of them, of at most MostFound-1.
// The error is a *NoSearchError if the store can't search, or if the generation that answers was made without it.
func (m *Model[K, R]) Search(ctx context.Context, s Search, opts ...cqrs.QueryOption) ([]Entry[K, R], Freshness, error) {
	page, err := m.codec.Schema.begin(&s, options(opts).Page)
	if err != nil {
		return nil, Freshness{}, err
	}
	var entries []Entry[K, R]
	var places []string
	fresh, err := m.serving.answer(ctx, opts, func(g *opened) (Checkpoint, error) {
		entries, places = nil, nil
		searcher, err := m.searcher(g)
		if err != nil {
			return Checkpoint{}, err
		}
		ks := NewScanner(m.codec.Schema.Projection, m.codec.Schema.Key, nil)
		reading := m.reading(func(i int) *R { return &entries[i].Row })
		at, err := searcher.Search(ctx, s, func(f Found) error {
			var e Entry[K, R]
			ks.Reset(f.Key)
			m.codec.ReadKey(ks, &e.Key)
			entries, places = append(entries, e), append(places, f.Place)
			return errors.Join(ks.Err(), reading.row(len(entries)-1, f.Row))
		})
		return at, reading.end(ctx, err)
	})
	if err != nil {
		return nil, fresh, err
	}
	if n := s.Limit - 1; page != nil && page.Limit > 0 && len(entries) > n {
		entries = entries[:n:n]
		page.Next = m.codec.Schema.foundCursor(&s, places[n-1])
	}
	return entries, fresh, nil
}

// begin turns a page into the limit of a search, one row more than wanted, and the place where it continues.
func (s *Schema) begin(q *Search, page *cqrs.Page) (*cqrs.Page, error) {
	if page == nil {
		if q.Limit == 0 {
			q.Limit = UsuallyFound
		}
		return nil, s.CheckSearch(q)
	}
	page.Next = ""
	if page.After != "" {
		after, err := s.behindFound(q, page.After)
		if err != nil {
			return nil, err
		}
		q.After = after
	}
	switch {
	case page.Limit > 0:
		q.Limit = page.Limit + 1
	case q.Limit == 0:
		q.Limit = UsuallyFound
	}
	return page, s.CheckSearch(q)
}

// searcher returns what searches a generation.
func (m *Model[K, R]) searcher(g *opened) (Searcher, error) {
	no := &NoSearchError{Projection: m.codec.Schema.Projection, Store: m.serving.store.Name()}
	searcher, ok := g.table.(Searcher)
	switch {
	case !ok:
		no.Reason = "keep it in Elasticsearch, or in memory, as well"
	case !sameSearch(g.schema, &m.codec.Schema):
		no.Reason = "its generation " + g.schema.Fingerprint + ", which answers until the new one is built, is searched by other fields"
	default:
		return searcher, nil
	}
	return nil, no
}

// sameSearch reports whether two schemas of one shape are searched in the same way.
func sameSearch(a, b *Schema) bool {
	columns := b.Columns()
	for i, c := range a.Columns() {
		if c.Search != columns[i].Search {
			return false
		}
	}
	return true
}

// searchPlace is what a cursor is good for: one search.
func (s *Schema) searchPlace(q *Search) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.Projection + " " + s.Fingerprint + " " + q.Text))
	_, _ = h.Write(q.Where.append([]byte{0}))
	return h.Sum64()
}

func (s *Schema) foundCursor(q *Search, place string) cqrs.Cursor {
	b := binary.BigEndian.AppendUint64(nil, s.searchPlace(q))
	return cqrs.Cursor(base64.RawURLEncoding.EncodeToString(append(b, place...)))
}

// behindFound reads what foundCursor wrote. What nobody here wrote, or for another search, is an *InvalidQueryError.
func (s *Schema) behindFound(q *Search, c cqrs.Cursor) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(b) <= 8 || binary.BigEndian.Uint64(b) != s.searchPlace(q) {
		return "", s.invalid("the cursor %.80q is not one of this search: start without one", string(c))
	}
	return string(b[8:]), nil
}
