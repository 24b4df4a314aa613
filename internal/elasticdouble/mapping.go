package elasticdouble

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mapping says which fields documents have.
type mapping struct {
	source object
	root   *field
}

// field is one of a mapping: an object with further ones, or a leaf.
type field struct {
	name, kind string
	// dynamic is "true", "false" or "strict", for objects.
	dynamic    string
	properties map[string]*field
	// fields index the same value in other ways.
	fields map[string]*field

	disabled, unindexed, noDocValues, ignoreMalformed bool
	ignoreAbove                                       int
}

// typeParams are the parameters of each type that the double knows.
var typeParams = map[string]string{
	"object":        "type properties dynamic enabled",
	"keyword":       "type index doc_values ignore_above fields store",
	"text":          "type index analyzer fields norms store",
	"long":          "type index doc_values ignore_malformed coerce fields",
	"unsigned_long": "type index doc_values ignore_malformed fields",
	"double":        "type index doc_values ignore_malformed coerce fields",
	"boolean":       "type index doc_values fields",
	"date":          "type index doc_values format ignore_malformed fields",
	"binary":        "type doc_values store",
}

func newMapping(v any) (*mapping, error) {
	if v == nil {
		v = object{}
	}
	source, err := asObject("mappings", v, "dynamic properties _meta _source")
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "mapper_parsing_exception", "Failed to parse mapping: %v", err)
	}
	o := object{"type": "object"}
	for _, key := range []string{"dynamic", "properties"} {
		if source[key] != nil {
			o[key] = source[key]
		}
	}
	root, err := newField("", o, "true")
	return &mapping{source, root}, err
}

func malformed(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "mapper_parsing_exception", format, args...)
}

func newField(name string, v any, dynamic string) (*field, error) {
	o, ok := v.(object)
	if !ok {
		return nil, malformed("Expected map for property [fields] on field [%s] but got a value", name)
	}
	kind, _ := o["type"].(string)
	if kind == "" {
		kind = "object"
	}
	if typeParams[kind] == "" {
		return nil, malformed("No handler for type [%s] declared on field [%s]", kind, name)
	}
	for key := range o {
		if !slices.Contains(strings.Fields(typeParams[kind]), key) {
			return nil, malformed("unknown parameter [%s] on mapper [%s] of type [%s]", key, name, kind)
		}
	}
	f := &field{name: name, kind: kind, dynamic: dynamic, properties: map[string]*field{}, fields: map[string]*field{}}
	f.read(o)
	return f, f.readInner(o)
}

func (f *field) read(o object) {
	isFalse := func(key string) bool { return fmt.Sprint(o[key]) == "false" }
	f.disabled, f.unindexed, f.noDocValues = isFalse("enabled"), isFalse("index"), isFalse("doc_values")
	f.ignoreMalformed = fmt.Sprint(o["ignore_malformed"]) == "true"
	if f.kind == "binary" {
		f.unindexed, f.noDocValues = true, fmt.Sprint(o["doc_values"]) != "true"
	}
	f.ignoreAbove, _ = strconv.Atoi(fmt.Sprint(o["ignore_above"]))
	if o["dynamic"] != nil {
		f.dynamic = fmt.Sprint(o["dynamic"])
	}
}

func (f *field) readInner(o object) error {
	for key, into := range map[string]map[string]*field{"properties": f.properties, "fields": f.fields} {
		if o[key] == nil {
			continue
		}
		inner, err := asObject(key, o[key], "*")
		if err != nil {
			return malformed("%v", err)
		}
		for name, v := range inner {
			if name == "" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") {
				return malformed("field name cannot be an empty string")
			}
			if into[name], err = newField(strings.TrimPrefix(f.name+"."+name, "."), v, f.dynamic); err != nil {
				return err
			}
		}
	}
	return nil
}

// field returns the leaf of a path, nil if there is none.
func (m *mapping) field(path string) *field {
	f := m.root
	for part := range strings.SplitSeq(path, ".") {
		next := cmp.Or(f.properties[part], f.fields[part])
		if next == nil {
			return nil
		}
		f = next
	}
	if f.kind == "object" {
		return nil
	}
	return f
}

// parse returns what is indexed of a document.
func (m *mapping) parse(id string, source []byte) (map[string][]any, error) {
	v, err := decode(source)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "document_parsing_exception", "failed to parse: %v", err)
	}
	o, ok := v.(object)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "document_parsing_exception", "[1:1] failed to parse, document is empty or no object")
	}
	values := map[string][]any{}
	return values, m.root.parseObject(id, o, values)
}

var metadata = []string{"_id", "_index", "_source", "_routing", "_field_names", "_ignored", "_version", "_seq_no", "_tier", "_nested_path"}

func (f *field) parseObject(id string, o object, values map[string][]any) error {
	if f.disabled {
		return nil
	}
	for name, v := range o {
		if f.name == "" && slices.Contains(metadata, name) {
			return refuse(http.StatusBadRequest, "document_parsing_exception",
				"[1:1] Field [%s] is a metadata field and cannot be added inside a document. Use the index API request parameters.", name)
		}
		inner, err := f.child(name, v)
		if err != nil {
			return err
		}
		if inner == nil {
			continue
		}
		if err := inner.parse(id, v, values); err != nil {
			return err
		}
	}
	return nil
}

// child returns the field of a name; it adds one, as it is dynamic, or returns nil if the value is ignored.
func (f *field) child(name string, v any) (*field, error) {
	if inner := f.properties[name]; inner != nil {
		return inner, nil
	}
	switch f.dynamic {
	case "strict":
		return nil, refuse(http.StatusBadRequest, "strict_dynamic_mapping_exception",
			"[1:1] mapping set to strict, dynamic introduction of [%s] within [%s] is not allowed", name, cmp.Or(f.name, "_doc"))
	case "false":
		return nil, nil //nolint:nilnil // the value is kept, and not indexed
	}
	guessed := object{"type": "keyword"}
	switch v := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // nothing is known of it yet
	case string:
		guessed = object{"type": "text", "fields": object{"keyword": object{"type": "keyword", "ignore_above": "256"}}}
	case bool:
		guessed["type"] = "boolean"
	case json.Number:
		guessed["type"] = "long"
		if strings.ContainsAny(v.String(), ".eE") {
			guessed["type"] = "double"
		}
	case object:
		guessed["type"] = "object"
	}
	inner, err := newField(strings.TrimPrefix(f.name+"."+name, "."), guessed, f.dynamic)
	f.properties[name] = inner
	return inner, err
}

func (f *field) parse(id string, v any, values map[string][]any) error {
	if list, ok := v.([]any); ok && !f.disabled {
		for _, v := range list {
			if err := f.parse(id, v, values); err != nil {
				return err
			}
		}
		return nil
	}
	if f.disabled || v == nil {
		return nil
	}
	o, isObject := v.(object)
	if isObject != (f.kind == "object") {
		return f.refuseValue(id, v, "object mapping and a concrete value don't fit")
	}
	if isObject {
		return f.parseObject(id, o, values)
	}
	indexed, err := f.value(v)
	if err != nil && !f.ignoreMalformed {
		return f.refuseValue(id, v, err.Error())
	}
	if err == nil {
		values[f.name] = append(values[f.name], indexed...)
	}
	for _, inner := range f.fields {
		if err := inner.parse(id, v, values); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) refuseValue(id string, v any, why string) error {
	return refuse(http.StatusBadRequest, "document_parsing_exception",
		"[1:1] failed to parse field [%s] of type [%s] in document with id '%s'. Preview of field's value: '%.50v': %s",
		f.name, f.kind, id, v, why)
}

// longestTerm is Lucene's bound, in bytes.
const longestTerm = 32766

// says is an error in Elasticsearch's own words.
func says(format string, args ...any) error { return fmt.Errorf(format, args...) }

// value returns what is indexed of a value, none if it is ignored.
func (f *field) value(v any) ([]any, error) {
	text := fmt.Sprint(v)
	switch f.kind {
	case "keyword":
		if f.ignoreAbove > 0 && len([]rune(text)) > f.ignoreAbove || f.unindexed && f.noDocValues {
			return nil, nil
		}
		if len(text) > longestTerm {
			return nil, says("Document contains at least one immense term in field=%q (whose UTF8 encoding is longer "+
				"than the max length %d)", f.name, longestTerm)
		}
		return []any{text}, nil
	case "text":
		if f.unindexed {
			return nil, nil
		}
		return []any{tokens(text)}, nil
	case "binary":
		return nil, nil
	}
	indexed, err := f.scalar(v, text)
	if err != nil {
		return nil, err
	}
	return []any{indexed}, nil
}

// scalar reads a value of a type that is no text: from a document, a query or search_after.
func (f *field) scalar(v any, text string) (any, error) {
	switch f.kind {
	case "long":
		return integer(text)
	case "unsigned_long":
		return strconv.ParseUint(text, 10, 64)
	case "double":
		d, err := strconv.ParseFloat(text, 64)
		if err == nil && (d-d != 0) {
			err = fmt.Errorf("[double] supports only finite values, but got [%s]", text)
		}
		return d, err
	case "boolean":
		switch v {
		case true, "true":
			return int64(1), nil
		case false, "false", "":
			return int64(0), nil
		}
		return nil, says("Failed to parse value [%s] as only [true] or [false] are allowed.", text)
	case "date":
		return date(text)
	}
	return text, nil
}

// integer reads a long; fractions are cut, as coerce says.
func integer(text string) (int64, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, says("For input string: %q", text)
	}
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	if !whole.IsInt64() {
		return 0, says("Value [%s] is out of range for a long", text)
	}
	return whole.Int64(), nil
}

// date reads strict_date_optional_time or epoch_millis, as milliseconds.
func date(text string) (any, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) != 4 {
		return ms, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return nil, says("failed to parse date field [%s] with format [strict_date_optional_time||epoch_millis]", text)
}

// tokens are the words of a text as the standard analyzer finds them, roughly: runs of letters and digits, in lower case.
func tokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !wordRune(r) })
}
