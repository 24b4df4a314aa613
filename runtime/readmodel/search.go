package readmodel

import (
	"context"
	"encoding/json"

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
	After json.RawMessage
	// Limit bounds the number of rows; it is above zero.
	Limit int
}

// MostFound bounds the limit of a Search.
const MostFound = 1000

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
	Place json.RawMessage
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
