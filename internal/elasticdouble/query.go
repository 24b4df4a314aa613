package elasticdouble

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// matcher tells whether a document meets a query, and how well.
type matcher func(*document) (float64, bool)

func matchAll(*document) (float64, bool)  { return 1, true }
func matchNone(*document) (float64, bool) { return 0, false }

// compile returns the matcher of a query.
func (x *index) compile(v any) (matcher, error) {
	o, ok := v.(object)
	if !ok || len(o) != 1 {
		return nil, unparsable("[_na] query malformed, empty clause found or more than one")
	}
	for name, v := range o {
		switch name {
		case "match_all":
			_, err := asObject(name, v, "boost")
			return matchAll, err
		case "match_none":
			_, err := asObject(name, v, "")
			return matchNone, err
		case "bool":
			return x.compileBool(v)
		case "term", "terms", "range", "match":
			return x.compileLeaf(name, v)
		case "exists":
			return x.compileExists(v)
		case "ids":
			return compileIDs(v)
		case "multi_match":
			return x.compileMultiMatch(v)
		case "constant_score":
			return x.compileConstant(v)
		}
		return nil, unparsable("unknown query [%s]", name)
	}
	panic("elasticdouble: the query is one")
}

func (x *index) compileAll(v any) (all []matcher, err error) {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	for _, v := range list {
		m, err := x.compile(v)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (x *index) compileConstant(v any) (matcher, error) {
	o, err := asObject("constant_score", v, "filter boost")
	if err != nil {
		return nil, err
	}
	filter, err := x.compile(o["filter"])
	return func(d *document) (float64, bool) {
		_, ok := filter(d)
		return 1, ok
	}, err
}

func (x *index) compileBool(v any) (matcher, error) {
	o, err := asObject("bool", v, "must filter should must_not minimum_should_match boost")
	if err != nil {
		return nil, err
	}
	clauses := map[string][]matcher{}
	for _, name := range []string{"must", "filter", "should", "must_not"} {
		if clauses[name], err = x.compileAll(o[name]); err != nil {
			return nil, err
		}
	}
	least := 0
	if len(clauses["must"])+len(clauses["filter"]) == 0 && len(clauses["should"]) > 0 {
		least = 1
	}
	if least, err = wholeNumber(o, "minimum_should_match", least); err != nil {
		return nil, err
	}
	return func(d *document) (score float64, ok bool) {
		for _, m := range clauses["filter"] {
			if _, ok := m(d); !ok {
				return 0, false
			}
		}
		for _, m := range clauses["must_not"] {
			if _, ok := m(d); ok {
				return 0, false
			}
		}
		for _, m := range clauses["must"] {
			s, ok := m(d)
			if !ok {
				return 0, false
			}
			score += s
		}
		met := 0
		for _, m := range clauses["should"] {
			if s, ok := m(d); ok {
				met++
				score += s
			}
		}
		return score, met >= least
	}, nil
}

// compileLeaf compiles a query of one field.
func (x *index) compileLeaf(name string, v any) (matcher, error) {
	o, err := asObject(name, v, "*")
	if err != nil {
		return nil, err
	}
	if len(o) != 1 {
		return nil, unparsable("[%s] query doesn't support multiple fields", name)
	}
	for path, v := range o {
		f := x.mapping.field(path)
		if f != nil && f.unindexed && f.noDocValues {
			return nil, refuse(400, "query_shard_exception", "failed to create query: Cannot search on field [%s] since it is not indexed nor has doc values.", path)
		}
		switch name {
		case "term":
			return compileTerms(f, path, name, []any{unwrap(v, "value")})
		case "terms":
			list, ok := v.([]any)
			if !ok {
				return nil, unparsable("[terms] query requires an array of terms")
			}
			if len(list) > 65536 {
				return nil, illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed maximum of [65536].", len(list))
			}
			return compileTerms(f, path, name, list)
		case "match":
			return compileMatch(f, v)
		}
		return compileRange(f, path, v)
	}
	panic("elasticdouble: the field is one")
}

// unwrap returns the value of a query that may be written in short.
func unwrap(v any, key string) any {
	if o, ok := v.(object); ok {
		return o[key]
	}
	return v
}

// queryValue reads the value that a field is compared with.
func queryValue(f *field, v any) (any, error) {
	if v == nil {
		return nil, illegal("value cannot be null")
	}
	if f.kind == "keyword" || f.kind == "text" {
		return fmt.Sprint(v), nil
	}
	value, err := f.scalar(v, fmt.Sprint(v))
	if err != nil {
		return nil, refuse(400, "query_shard_exception", "failed to create query: %v", err)
	}
	return value, nil
}

func compileTerms(f *field, path, name string, list []any) (matcher, error) {
	if f == nil {
		return matchNone, nil
	}
	wanted := map[any]bool{}
	for _, v := range list {
		value, err := queryValue(f, v)
		if err != nil {
			return nil, err
		}
		wanted[value] = true
	}
	return func(d *document) (float64, bool) {
		for _, v := range d.fields[path] {
			if words, ok := v.([]string); ok {
				if slices.ContainsFunc(words, func(w string) bool { return wanted[w] }) {
					return 1, true
				}
			} else if wanted[v] {
				return 1, true
			}
		}
		return 0, false
	}, nil
}

func compileRange(f *field, path string, v any) (matcher, error) {
	o, err := asObject("range", v, "gt gte lt lte format boost time_zone")
	if err != nil || f == nil {
		return matchNone, err
	}
	bounds := map[string]any{}
	for op, v := range o {
		if bounds[op], err = queryValue(f, v); err != nil {
			return nil, err
		}
	}
	return func(d *document) (float64, bool) {
		return 1, slices.ContainsFunc(d.fields[path], func(v any) bool {
			for op, bound := range bounds {
				order := compareValues(v, bound)
				if !map[string]bool{"gt": order > 0, "gte": order >= 0, "lt": order < 0, "lte": order <= 0}[op] {
					return false
				}
			}
			return true
		})
	}, nil
}

func (x *index) compileExists(v any) (matcher, error) {
	o, err := asObject("exists", v, "field boost")
	path, _ := o["field"].(string)
	if err != nil || path == "" {
		return nil, unparsable("[exists] must be provided with a [field]")
	}
	return func(d *document) (float64, bool) { return 1, len(d.fields[path]) > 0 }, nil
}

func compileIDs(v any) (matcher, error) {
	o, err := asObject("ids", v, "values boost")
	ids, ok := o["values"].([]any)
	if err != nil || !ok {
		return nil, unparsable("[ids] requires providing a values array of document ids")
	}
	return func(d *document) (float64, bool) { return 1, slices.Contains(ids, any(d.id)) }, nil
}

func compileMatch(f *field, v any) (matcher, error) {
	o, ok := v.(object)
	if !ok {
		o = object{"query": v}
	}
	if _, err := asObject("match", o, "query operator boost"); err != nil {
		return nil, err
	}
	if f == nil {
		return matchNone, nil
	}
	return words([]*field{f}, fmt.Sprint(o["query"]), o["operator"] == "and")
}

// compileMultiMatch looks for each word in any of the fields, as cross_fields does.
func (x *index) compileMultiMatch(v any) (matcher, error) {
	o, err := asObject("multi_match", v, "query fields type operator boost")
	if err != nil {
		return nil, err
	}
	if o["type"] != "cross_fields" {
		return nil, illegal("the double knows multi_match of type cross_fields only")
	}
	list, _ := o["fields"].([]any)
	var fields []*field
	for _, path := range list {
		if f := x.mapping.field(fmt.Sprint(path)); f != nil {
			fields = append(fields, f)
		}
	}
	return words(fields, fmt.Sprint(o["query"]), o["operator"] == "and")
}

// words matches the words of a text, all of them or any. More and rarer-in-the-text matches score higher.
func words(fields []*field, text string, every bool) (matcher, error) {
	for _, f := range fields {
		if f.unindexed && f.noDocValues {
			return nil, refuse(400, "query_shard_exception", "failed to create query: Cannot search on field [%s]", f.name)
		}
	}
	wanted := tokens(text)
	return func(d *document) (float64, bool) {
		score, met := 0.0, 0
		for _, w := range wanted {
			best := 0.0
			for _, f := range fields {
				best = max(best, frequency(f, d, w, text))
			}
			if best > 0 {
				met++
				score += best
			}
		}
		return score, met > 0 && (!every || met == len(wanted))
	}, nil
}

// frequency says how much of a field a word is.
func frequency(f *field, d *document, word, text string) float64 {
	for _, v := range d.fields[f.name] {
		if all, ok := v.([]string); ok {
			n := 0.0
			for _, w := range all {
				if w == word {
					n++
				}
			}
			return n / math.Sqrt(float64(len(all))+1)
		}
		if fmt.Sprint(v) == text {
			return 1
		}
	}
	return 0
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune("_", r)
}
