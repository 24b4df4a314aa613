package redis

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/internal/sortable"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// format writes a value that is not null, as the package's documentation says.
func format(v *readmodel.Value) string {
	switch v.Kind() {
	case readmodel.Bool:
		if v.Bool() {
			return "1"
		}
		return "0"
	case readmodel.Duration:
		return strconv.FormatInt(int64(v.Duration()), 10)
	case readmodel.String, readmodel.JSON, readmodel.Bytes:
		return v.Text()
	case readmodel.Date:
		if v.Date() == (cqrs.Date{}) {
			return ""
		}
	}
	return v.String()
}

// scan reads what format wrote. What is not as it writes it, because somebody else wrote it, is a
// *readmodel.CorruptError.
func scan(s *readmodel.Schema, c *readmodel.Column, stored any) (readmodel.Value, error) {
	text, there := stored.(string)
	if !there && c.Optional {
		return readmodel.Value{}, nil
	}
	v, ok := parseValue(text, c.Kind)
	if !there || !ok {
		reason := "is missing in a row"
		if there {
			reason = fmt.Sprintf("%.80q is not a stored %s", text, c.Kind)
		}
		return v, &readmodel.CorruptError{Projection: s.Projection, Column: c.Name, Reason: reason}
	}
	return v, nil
}

func parseValue(s string, kind readmodel.Kind) (readmodel.Value, bool) {
	switch kind {
	case readmodel.Bool:
		return readmodel.OfBool(s == "1"), s == "0" || s == "1"
	case readmodel.Int64:
		i, err := strconv.ParseInt(s, 10, 64)
		return readmodel.OfInt64(i), err == nil
	case readmodel.Uint64:
		u, err := strconv.ParseUint(s, 10, 64)
		return readmodel.OfUint64(u), err == nil
	case readmodel.Float64:
		f, err := strconv.ParseFloat(s, 64)
		return readmodel.OfFloat64(f), err == nil && f-f == 0 // a finite number
	case readmodel.Duration:
		i, err := strconv.ParseInt(s, 10, 64)
		return readmodel.OfDuration(time.Duration(i)), err == nil
	case readmodel.Bytes:
		return readmodel.OfBytes([]byte(s)), true
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
		d, err := cqrs.ParseDecimal(s)
		return readmodel.OfDecimal(d), err == nil
	case readmodel.JSON:
		return readmodel.OfJSON([]byte(s)), true
	}
	return readmodel.OfString(s), true
}

// appendName appends the name of the row under a key: its values, with colons between. In a value, a colon, a percent
// sign and what can't be seen are percent signs with two hex digits; bytes are all written in hex.
func appendName(b []byte, key []readmodel.Value) []byte {
	for i := range key {
		if i > 0 {
			b = append(b, ':')
		}
		text := format(&key[i])
		if key[i].Kind() == readmodel.Bytes {
			text = key[i].String()
		}
		for j := 0; j < len(text); j++ {
			if c := text[j]; c <= ' ' || c == ':' || c == '%' || c == 0x7f {
				b = append(b, '%', hex[c>>4], hex[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return b
}

const hex = "0123456789ABCDEF"

// appendEnding appends the end of a row's members of sets: its key, in its order; a zero; the row's name; and its length.
// What begins a member decides its place, so that what is behind the key decides nothing.
func appendEnding(b []byte, key []readmodel.Value, name []byte) []byte {
	b = append(sortable.Append(b, key), 0)
	return binary.BigEndian.AppendUint32(append(b, name...), uint32(len(name)))
}

// endOf is behind every member that begins with the encoding of some values: what follows is 0 or 1.
const endOf = "\x02"

func commitText(c cqrs.CommitID) string { return uuid.UUID(c).String() }

// parseCheckpoint reads the first four items of a script's answer.
func parseCheckpoint(projection string, items []any) (readmodel.Checkpoint, error) {
	position, err1 := strconv.ParseInt(text(items, 0), 10, 64)
	commit, err2 := uuid.Parse(text(items, 1))
	handled, err3 := strconv.ParseInt(text(items, 2), 10, 64)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return readmodel.Checkpoint{}, &readmodel.CorruptError{Projection: projection, Column: "checkpoint", Reason: err.Error()}
		}
	}
	return readmodel.Checkpoint{
		Position: cqrs.Position(position), Commit: cqrs.CommitID(commit), Handled: handled, Built: text(items, 3) == "1",
	}, nil
}

// appendCheckpoint appends what parseCheckpoint reads.
func appendCheckpoint(args []any, c readmodel.Checkpoint) []any {
	return append(args, strconv.FormatInt(int64(c.Position), 10), commitText(c.Commit), strconv.FormatInt(c.Handled, 10), bit(c.Built))
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// parseTime reads a time in microseconds; nothing is the zero time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	return time.UnixMicro(i).UTC(), err
}

// indexName names an index by its columns.
func indexName(columns []string) string { return strings.Join(columns, ",") }
