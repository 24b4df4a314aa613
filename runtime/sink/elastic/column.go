package elastic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// object is a JSON object.
type object = map[string]any

// The fields beside those of the columns.
const (
	kindField       = "cqrs_kind"
	positionField   = "cqrs_position"
	sortField       = "cqrs_sort"
	longField       = "cqrs_long"
	checkpointField = "cqrs_checkpoint"
	leaseField      = "cqrs_lease"
)

// column is a column of the schema with its place in a document.
type column struct {
	readmodel.Column
	number int
	// field has the value in its plain form, by is the field that sorts and compares as the column's kind does.
	field, by string
	// label and sortLabel are the names of the two within their objects, as JSON with a colon; sortLabel is empty if the
	// two are one.
	label, sortLabel string
}

func newColumns(s *readmodel.Schema) []column {
	var columns []column
	for i, c := range s.Columns() {
		field := c.Name
		if strings.HasPrefix(field, "_") || strings.HasPrefix(field, "cqrs_") {
			field = "cqrs_field_" + field // _id and its like belong to Elasticsearch
		}
		column := column{Column: c, number: i, field: field, by: field, label: strconv.Quote(field) + ":"}
		if column.sorted() {
			column.by, column.sortLabel = sortField+"."+field, column.label
		}
		columns = append(columns, column)
	}
	return columns
}

// sorted reports whether the plain field does not sort as the kind does. A number that is missing counts as the least one
// when Elasticsearch sorts, which a number may be too.
func (c *column) sorted() bool {
	switch c.Kind {
	case readmodel.Bool, readmodel.Int64, readmodel.Duration, readmodel.Float64:
		return c.Optional
	case readmodel.Uint64, readmodel.Decimal, readmodel.Bytes:
		return true
	case readmodel.String:
		return c.Search == readmodel.SearchText
	}
	return false
}

// mapping returns how the plain field is indexed.
func (c *column) mapping() object {
	switch c.Kind {
	case readmodel.Bool:
		return object{"type": "boolean"}
	case readmodel.Int64, readmodel.Duration:
		return object{"type": "long"}
	case readmodel.Uint64:
		return object{"type": "unsigned_long"}
	case readmodel.Float64:
		return object{"type": "double"}
	case readmodel.Bytes:
		return object{"type": "binary"}
	case readmodel.JSON:
		return object{"type": "object", "enabled": false}
	case readmodel.Time, readmodel.Date:
		return object{"type": "keyword", "fields": object{"date": object{"type": "date", "ignore_malformed": true}}}
	case readmodel.Decimal:
		return object{"type": "keyword", "fields": object{"number": object{"type": "double"}}}
	}
	if c.Search == readmodel.SearchText {
		return object{"type": "text"}
	}
	return object{"type": "keyword"}
}

// mappings returns the mapping of a generation's index. What it was made from is part of it, so that the index and the
// knowledge of what it is are made, and dropped, in one step.
func mappings(s *readmodel.Schema, columns []column, created time.Time) object {
	off := object{"type": "object", "enabled": false}
	properties := object{
		kindField: object{"type": "keyword"}, positionField: object{"type": "long"},
		longField: off, checkpointField: off, leaseField: off,
	}
	sorted := object{}
	for i := range columns {
		c := &columns[i]
		properties[c.field] = c.mapping()
		if c.sortLabel != "" {
			sorted[c.field] = object{"type": "keyword"}
		}
	}
	if len(sorted) > 0 {
		properties[sortField] = object{"properties": sorted}
	}
	return object{
		"dynamic": "strict", "properties": properties,
		"_meta": object{"cqrs": about{Schema: *s, Created: created.UnixMicro()}},
	}
}

// about is what an index says of itself.
type about struct {
	Schema readmodel.Schema `json:"schema"`
	// Created is in microseconds, by the clock of the process that created the index.
	Created int64 `json:"created"`
}

// longest is how many bytes of a text are sorted by. A keyword has 32,766 at most.
const longest = 32_000

// term returns a text that sorts as s does, up to its first bytes, and equals that of no other text.
func term(s string) string {
	if len(s) <= longest {
		return s
	}
	end := longest
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	hash := sha256.Sum256([]byte(s))
	return s[:end] + hex.EncodeToString(hash[:])
}

// sortable returns a text that sorts as the value does.
func sortable(v *readmodel.Value) string {
	switch v.Kind() {
	case readmodel.Bool:
		return strconv.FormatUint(v.Uint64(), 10)
	case readmodel.Uint64:
		return hexDigits(v.Uint64())
	case readmodel.Int64, readmodel.Duration:
		return hexDigits(v.Uint64() ^ 1<<63)
	case readmodel.Float64:
		bits := math.Float64bits(v.Float64())
		if bits>>63 == 0 {
			return hexDigits(bits | 1<<63)
		}
		return hexDigits(^bits)
	case readmodel.Bytes:
		return term(hex.EncodeToString([]byte(v.Text())))
	}
	return term(v.Text())
}

func hexDigits(u uint64) string { return fmt.Sprintf("%016x", u) }

// compared returns what a query compares the column's by with.
func (c *column) compared(v *readmodel.Value) any {
	switch {
	case c.sortLabel != "":
		return sortable(v)
	case v.Kind() == readmodel.Bool:
		return v.Bool()
	case v.Kind() == readmodel.Int64:
		return v.Int64()
	case v.Kind() == readmodel.Duration:
		return int64(v.Duration())
	case v.Kind() == readmodel.Float64:
		return v.Float64()
	}
	return term(plainText(v))
}

// plainText returns a value as its keyword has it.
func plainText(v *readmodel.Value) string {
	switch v.Kind() {
	case readmodel.String:
		return v.Text()
	case readmodel.Date:
		if v.Date() == (cqrs.Date{}) {
			return ""
		}
	}
	return v.String()
}

// write appends the value in its plain form, and reports whether it is whole.
func (c *column) write(w *jsoncodec.Writer, v *readmodel.Value) bool {
	switch v.Kind() {
	case readmodel.Bool:
		w.Bool(v.Bool())
	case readmodel.Int64, readmodel.Duration:
		w.Int(int64(v.Uint64()))
	case readmodel.Uint64:
		w.Uint(v.Uint64())
	case readmodel.Float64:
		w.Float(v.Float64())
	case readmodel.Bytes:
		w.String(base64.StdEncoding.EncodeToString([]byte(v.Text())))
	case readmodel.JSON:
		w.String(v.Text())
	default:
		text := plainText(v)
		if c.Search == readmodel.SearchText || len(text) <= longest {
			w.String(text)
			return true
		}
		w.String(term(text))
		return false
	}
	return true
}

// document is what is stored of a row.
type document struct {
	Kind     string            `json:"cqrs_kind"`
	Position cqrs.Position     `json:"cqrs_position"`
	Sort     map[string]string `json:"cqrs_sort"`
	Long     map[string]string `json:"cqrs_long"`

	fields map[string]json.RawMessage
}

func readDocument(source []byte) (*document, error) {
	d := new(document)
	if err := json.Unmarshal(source, d); err != nil {
		return nil, err
	}
	return d, json.Unmarshal(source, &d.fields)
}

// read returns the column's value. What is not as write writes it, because somebody else wrote it, is a
// *readmodel.CorruptError.
func (t *table) read(d *document, c *column) (readmodel.Value, error) {
	raw, ok := d.fields[c.field]
	if !ok {
		return readmodel.Value{}, nil
	}
	v, ok := c.parse(d, raw)
	if !ok {
		return v, &readmodel.CorruptError{
			Projection: t.schema.Projection, Column: c.Name,
			Reason: fmt.Sprintf("%.80q in index %s is not a stored %s", raw, t.index, c.Kind),
		}
	}
	return v, nil
}

func (c *column) parse(d *document, raw json.RawMessage) (readmodel.Value, bool) {
	text := string(raw)
	switch c.Kind {
	case readmodel.Bool:
		return readmodel.OfBool(text == "true"), text == "true" || text == "false"
	case readmodel.Int64, readmodel.Duration:
		i, err := strconv.ParseInt(text, 10, 64)
		if c.Kind == readmodel.Duration {
			return readmodel.OfDuration(time.Duration(i)), err == nil
		}
		return readmodel.OfInt64(i), err == nil
	case readmodel.Uint64:
		u, err := strconv.ParseUint(text, 10, 64)
		return readmodel.OfUint64(u), err == nil
	case readmodel.Float64:
		f, err := strconv.ParseFloat(text, 64)
		return readmodel.OfFloat64(f), err == nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return readmodel.Value{}, false
	}
	return c.parseText(d, s)
}

func (c *column) parseText(d *document, s string) (readmodel.Value, bool) {
	switch c.Kind {
	case readmodel.Bytes:
		b, err := base64.StdEncoding.DecodeString(s)
		return readmodel.OfBytes(b), err == nil
	case readmodel.JSON:
		return readmodel.OfJSON([]byte(s)), true
	case readmodel.Time:
		t, err := time.Parse(readmodel.TimeLayout, s)
		return readmodel.OfTime(t), err == nil && len(s) == len(readmodel.TimeLayout)
	case readmodel.UUID:
		u, err := uuid.Parse(s)
		return readmodel.OfUUID(u), err == nil && len(s) == 36
	case readmodel.Date:
		if s == "" {
			return readmodel.OfDate(cqrs.Date{}), true
		}
		day, err := cqrs.ParseDate(s)
		return readmodel.OfDate(day), err == nil
	case readmodel.Decimal:
		sorted := d.Sort[c.field]
		n, ok := cqrs.ParseSortableDecimal(sorted)
		return readmodel.OfDecimal(n), ok
	}
	if long, ok := d.Long[c.field]; ok {
		return readmodel.OfString(long), true
	}
	return readmodel.OfString(s), true
}
