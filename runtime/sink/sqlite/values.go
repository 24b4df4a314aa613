package sqlite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// types are the column types of the kinds; the package's documentation says how values are written.
var types = map[readmodel.Kind]string{
	readmodel.Bool: "INTEGER", readmodel.Int64: "INTEGER", readmodel.Duration: "INTEGER",
	readmodel.Uint64: "TEXT", readmodel.Float64: "REAL", readmodel.String: "TEXT", readmodel.Bytes: "BLOB",
	readmodel.Time: "TEXT", readmodel.UUID: "TEXT", readmodel.Date: "TEXT", readmodel.JSON: "TEXT",
	readmodel.Decimal: "TEXT",
}

// bind gives the statement's parameter a value.
func bind(stmt *sqlite.Stmt, param int, v *readmodel.Value) {
	switch v.Kind() {
	case readmodel.Null:
		stmt.BindNull(param)
	case readmodel.Bool:
		stmt.BindBool(param, v.Bool())
	case readmodel.Int64:
		stmt.BindInt64(param, v.Int64())
	case readmodel.Duration:
		stmt.BindInt64(param, int64(v.Duration()))
	case readmodel.Float64:
		stmt.BindFloat(param, v.Float64())
	case readmodel.Bytes:
		stmt.BindBytes(param, []byte(v.Text()))
	default:
		stmt.BindText(param, textOf(v))
	}
}

// textOf returns a value as the text that it is stored as.
func textOf(v *readmodel.Value) string {
	switch v.Kind() {
	case readmodel.Uint64:
		return fmt.Sprintf("%020d", v.Uint64())
	case readmodel.String, readmodel.JSON, readmodel.Decimal:
		return v.Text()
	case readmodel.Date:
		if v.Date() == (cqrs.Date{}) {
			return ""
		}
	}
	return v.String() // times and UUIDs are written as they are shown
}

// jsonList returns values as one text of JSON, for a list that is too long for a parameter each; false for kinds that JSON
// does not have.
func jsonList(values []readmodel.Value) (string, bool) {
	list := make([]any, len(values))
	for i := range values {
		switch v := &values[i]; v.Kind() {
		case readmodel.Float64, readmodel.Bytes:
			return "", false
		case readmodel.Bool, readmodel.Int64, readmodel.Duration:
			list[i] = int64(v.Uint64())
		default:
			list[i] = textOf(v)
		}
	}
	text, err := json.Marshal(list)
	return string(text), err == nil
}

// bindAll binds values from parameter first on, and returns the number of the next parameter.
func bindAll(stmt *sqlite.Stmt, first int, values []readmodel.Value) int {
	for i := range values {
		bind(stmt, first+i, &values[i])
	}
	return first + len(values)
}

// scan reads a column of the statement's row. What is not as bind writes it, because somebody else wrote it, is a
// *readmodel.CorruptError.
func (t *table) scan(stmt *sqlite.Stmt, i int, c *column) (readmodel.Value, error) {
	if stmt.ColumnType(i) == sqlite.TypeNull {
		return readmodel.Value{}, nil
	}
	v, ok := parse(stmt, i, c.Kind)
	if !ok {
		return v, &readmodel.CorruptError{
			Projection: t.schema.Projection, Column: c.Name,
			Reason: fmt.Sprintf("%.80q in table %s is not a stored %s", stmt.ColumnText(i), t.name, c.Kind),
		}
	}
	return v, nil
}

func parse(stmt *sqlite.Stmt, i int, kind readmodel.Kind) (readmodel.Value, bool) {
	switch kind {
	case readmodel.Bool:
		return readmodel.OfBool(stmt.ColumnInt64(i) != 0), stmt.ColumnInt64(i)>>1 == 0
	case readmodel.Int64:
		return readmodel.OfInt64(stmt.ColumnInt64(i)), true
	case readmodel.Duration:
		return readmodel.OfDuration(time.Duration(stmt.ColumnInt64(i))), true
	case readmodel.Float64:
		return readmodel.OfFloat64(stmt.ColumnFloat(i)), true
	case readmodel.Bytes:
		b := make([]byte, stmt.ColumnLen(i))
		stmt.ColumnBytes(i, b)
		return readmodel.OfBytes(b), true
	}
	return parseText(stmt.ColumnText(i), kind)
}

func parseText(s string, kind readmodel.Kind) (readmodel.Value, bool) {
	switch kind {
	case readmodel.Uint64:
		u, err := strconv.ParseUint(s, 10, 64)
		return readmodel.OfUint64(u), err == nil && len(s) == 20
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
		d, err := cqrs.ParseDate(s)
		return readmodel.OfDate(d), err == nil
	case readmodel.Decimal:
		d, ok := cqrs.ParseSortableDecimal(s)
		return readmodel.OfDecimal(d), ok
	case readmodel.JSON:
		return readmodel.OfJSON([]byte(s)), true
	}
	return readmodel.OfString(s), true
}

// commitText is the form of a commit's id in cqrs_read_models.
func commitText(c readmodel.Checkpoint) string { return uuid.UUID(c.Commit).String() }
