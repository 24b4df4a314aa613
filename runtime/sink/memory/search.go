package memory

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var _ readmodel.Searcher = (*table)(nil)

// Search implements readmodel.Searcher, for tests of services. Words are runs of letters and digits; no row is better than
// another, so that they come in the order of their keys.
func (t *table) Search(
	ctx context.Context, s readmodel.Search, found func(readmodel.Found) error,
) (readmodel.Checkpoint, error) {
	if err := cmp.Or(t.schema.CheckSearch(&s), ctx.Err()); err != nil {
		return readmodel.Checkpoint{}, err
	}
	rows, at, err := t.inOrder(&readmodel.Find{Index: -1})
	if err != nil {
		return at, err
	}
	after, err := hex.DecodeString(s.After)
	if err != nil {
		return at, &readmodel.InvalidQueryError{Projection: t.schema.Projection, Reason: "a search continues behind what is no place"}
	}
	says, meets, n := t.says(s.Text), t.schema.Matcher(&s.Where), 0
	for _, r := range rows {
		if r.by <= string(after) || !meets(r.key, r.values) || !says(r.row) {
			continue
		}
		err := found(readmodel.Found{Key: r.key, Row: r.values, At: r.position, Place: hex.EncodeToString([]byte(r.by))})
		if errors.Is(err, readmodel.ErrStop) {
			break
		} else if err != nil {
			return readmodel.Checkpoint{}, err
		}
		if n++; n == s.Limit {
			break
		}
	}
	return at, nil
}

// says returns what tells whether a row has a text, or all of its words.
func (t *table) says(text string) func(*row) bool {
	wanted := words(text)
	columns := t.schema.Columns()
	return func(r *row) bool {
		var all []string
		for i, c := range columns {
			v := slices.Concat(r.key, r.values)[i]
			switch {
			case c.Search == readmodel.SearchKeyword && v.Kind() == readmodel.String && v.Text() == text:
				return true
			case c.Search == readmodel.SearchText:
				all = append(all, words(v.Text())...)
			}
		}
		return len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(all, w) })
	}
}

func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
