package elastic

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// table implements readmodel.Table and readmodel.Searcher.
type table struct {
	*readmodel.Signal
	store   *Store
	schema  readmodel.Schema
	columns []column
	index   string
}

func newTable(s *Store, schema *readmodel.Schema) *table {
	index := s.indexName(schema.Projection, schema.Fingerprint)
	return &table{s.signal(index), s, *schema, newColumns(schema), index}
}

func (t *table) key() []column { return t.columns[:len(t.schema.Key)] }
func (t *table) row() []column { return t.columns[len(t.schema.Key):] }

// The ids of the documents that are no rows. The encoding of a key escapes the tilde.
const (
	checkpointID = "~checkpoint"
	leaseID      = "~lease"
)

// maxID is how long an id may be, in bytes.
const maxID = 512

// id returns the id of a row: the values of its key as they are shown, with a slash between them. Whatever is no letter or
// digit in them is escaped as in addresses. If that is too long, it is a hash.
func id(key []readmodel.Value) string {
	var b strings.Builder
	for i := range key {
		if i > 0 {
			b.WriteByte('/')
		}
		if v := &key[i]; v.Kind() == readmodel.Bytes {
			b.WriteString(hex.EncodeToString([]byte(v.Text())))
		} else {
			escape(&b, plainText(v))
		}
	}
	if b.Len() > 0 && b.Len() <= maxID {
		return b.String()
	}
	hash := sha256.Sum256([]byte(b.String()))
	return "~" + base64.RawURLEncoding.EncodeToString(hash[:])
}

func escape(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if lower(c) || upper(c) || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' && i > 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
}

// path returns the address of an interface of the generation's index.
func (t *table) path(of string) string { return "/" + t.index + "/" + of }

// wrap names the read model in an error that does not do so itself.
func (t *table) wrap(err error) error {
	var (
		corrupt *readmodel.CorruptError
		held    *readmodel.HeldError
	)
	switch {
	case err == nil, errors.Is(err, readmodel.ErrFenced), errors.As(err, &corrupt), errors.As(err, &held):
		return err
	case failed(err, "index_not_found_exception"):
		return fmt.Errorf("read model %s: %w: %s was dropped", t.schema.Projection, readmodel.ErrNoGeneration, t.schema.Fingerprint)
	}
	return fmt.Errorf("read model %s: %w", t.schema.Projection, err)
}

// place is where a document stands in the history of its index: what a write says that it replaces.
type place struct {
	SeqNo int64 `json:"_seq_no"`
	Term  int64 `json:"_primary_term"`
}

// replaces returns the parameters that let a write succeed only if the document was not changed since it was read, or
// does not exist if it did not.
func (p *place) replaces() string {
	if p == nil {
		return "op_type=create"
	}
	return fmt.Sprintf("if_seq_no=%d&if_primary_term=%d", p.SeqNo, p.Term)
}

// storedCheckpoint is a checkpoint as a document has it.
type storedCheckpoint struct {
	Position cqrs.Position `json:"position"`
	Commit   uuid.UUID     `json:"commit"`
	Handled  int64         `json:"handled"`
	Built    bool          `json:"built"`
	// By tells whose write it was, if the answer to a write is lost.
	By uuid.UUID `json:"by"`
}

func (c *storedCheckpoint) checkpoint() readmodel.Checkpoint {
	return readmodel.Checkpoint{Position: c.Position, Commit: cqrs.CommitID(c.Commit), Handled: c.Handled, Built: c.Built}
}

// checkpointDocument is what is stored under checkpointID.
type checkpointDocument struct {
	Kind       string           `json:"cqrs_kind"`
	Checkpoint storedCheckpoint `json:"cqrs_checkpoint"`
}

// load reads the checkpoint, in real time. The place is nil if there is none yet.
func (t *table) load(ctx context.Context) (storedCheckpoint, *place, error) {
	var answer struct {
		place
		Source checkpointDocument `json:"_source"`
	}
	err := t.store.do(ctx, request{method: http.MethodGet, path: t.path("_doc/" + checkpointID)}, &answer)
	if notFound(err) {
		return storedCheckpoint{}, nil, nil
	}
	return answer.Source.Checkpoint, &answer.place, err
}

// Checkpoint implements readmodel.Table.
func (t *table) Checkpoint(ctx context.Context) (readmodel.Checkpoint, error) {
	stored, _, err := t.load(ctx)
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return stored.checkpoint(), nil
}

// RowsAhead implements readmodel.Table.
func (t *table) RowsAhead() bool { return true }

// Apply implements readmodel.Table, in two steps: the rows, which only ever replace older ones, and the checkpoint, with
// a refresh that lets searches see both at once. Whatever happens in between, the rows are what the fold makes of the log,
// and the checkpoint says less than what is there.
func (t *table) Apply(ctx context.Context, b *readmodel.Batch) error {
	if err := cmp.Or(t.schema.CheckBatch(b), ctx.Err()); err != nil {
		return err
	}
	stored, at, err := t.load(ctx)
	if err != nil {
		return t.wrap(err)
	}
	if stored.checkpoint() != b.From {
		return readmodel.ErrFenced
	}
	if err := t.writeRows(ctx, b.Changes); err != nil {
		return t.wrap(err)
	}
	if err := t.move(ctx, at, b.To); err != nil {
		return t.wrap(err)
	}
	t.Notify()
	if b.To.Built && !b.From.Built {
		t.store.Notify()
	}
	return nil
}

// move is the fence: it writes the checkpoint if the stored one is still that at a place. Until the table is built nobody
// searches in it who does not refresh it first.
func (t *table) move(ctx context.Context, at *place, to readmodel.Checkpoint) error {
	next := storedCheckpoint{to.Position, uuid.UUID(to.Commit), to.Handled, to.Built, uuid.New()}
	err := t.store.do(ctx, request{
		method: http.MethodPut, path: "/" + writeAlias(t.index) + "/_doc/" + checkpointID, query: "require_alias=true&refresh=" + strconv.FormatBool(to.Built) + "&" + at.replaces(),
		body: checkpointDocument{"checkpoint", next},
	}, nil)
	if !conflict(err) {
		return err
	}
	// An answer may have been lost, and the write been sent twice.
	stored, _, err := t.load(ctx)
	if err == nil && stored.By != next.By {
		err = readmodel.ErrFenced
	}
	return err
}

// shards is how many copies of the data took part.
type shards struct {
	Shards struct{ Failed int } `json:"_shards"`
}

func (s *shards) check() error {
	if s.Shards.Failed > 0 {
		return fmt.Errorf("%w: %d shards of its index failed", readmodel.ErrUnavailable, s.Shards.Failed)
	}
	return nil
}

func (t *table) refresh(ctx context.Context) error {
	var answer shards
	err := t.store.do(ctx, request{method: http.MethodPost, path: t.path("_refresh")}, &answer)
	return cmp.Or(err, answer.check())
}

// The bounds of one bulk request.
const (
	bulkItems = 2000
	bulkBytes = 4 << 20
)

// writeRows writes all changes.
func (t *table) writeRows(ctx context.Context, changes []readmodel.Change) error {
	var buf []byte
	first := 0
	var ends []int // where each item of the request ends
	for i := range changes {
		var err error
		if buf, err = t.appendItem(buf, &changes[i]); err != nil {
			return err
		}
		ends = append(ends, len(buf))
		if len(ends) < bulkItems && len(buf) < bulkBytes && i < len(changes)-1 {
			continue
		}
		if err := t.sendItems(ctx, buf, ends, changes[first:i+1]); err != nil {
			return err
		}
		buf, ends, first = buf[:0], ends[:0], i+1
	}
	return nil
}

// appendItem appends an item of a bulk request: a line with the id and version of a row, and one with the row.
func (t *table) appendItem(b []byte, c *readmodel.Change) ([]byte, error) {
	w := jsoncodec.NewWriter(b)
	w.Raw(`{"index":{"_id":`)
	w.String(id(c.Key))
	w.Raw(`,"version_type":"external","version":`)
	w.Int(int64(c.Position))
	w.Raw("}}\n{")
	w.Raw(`"cqrs_position":`)
	w.Int(int64(c.Position))
	if c.Row == nil {
		w.Raw(`,"cqrs_kind":"deleted"`)
	} else {
		w.Raw(`,"cqrs_kind":"row"`)
	}
	values := append(append(make([]readmodel.Value, 0, len(t.columns)), c.Key...), c.Row...)
	t.writeValues(&w, values)
	w.Raw("}\n")
	return w.Finish(t.schema.Projection)
}

// writeValues appends the fields of the first columns.
func (t *table) writeValues(w *jsoncodec.Writer, values []readmodel.Value) {
	var long []int
	sorted := false
	for i := range values {
		c, v := &t.columns[i], &values[i]
		if v.Kind() == readmodel.Null {
			continue
		}
		w.Field(c.label)
		if !c.write(w, v) {
			long = append(long, i)
		}
		sorted = sorted || c.sortLabel != ""
	}
	if sorted {
		w.Field(`"` + sortField + `":{`)
		for i := range values {
			if c := &t.columns[i]; c.sortLabel != "" && values[i].Kind() != readmodel.Null {
				w.Field(c.sortLabel)
				w.String(sortable(&values[i]))
			}
		}
		w.Raw("}")
	}
	if len(long) > 0 {
		w.Field(`"` + longField + `":{`)
		for _, i := range long {
			w.Field(t.columns[i].label)
			w.String(values[i].Text())
		}
		w.Raw("}")
	}
}

// bulkAnswer has an item for each of the request, in order, whatever happened to it.
type bulkAnswer struct {
	Items []map[string]struct {
		Status int
		Error  *struct{ Type, Reason string }
	}
}

// sendItems sends the items of a bulk request until each is done. What a server is too busy for is sent again, what
// meets a newer version, or itself, is done already, and what is refused stops it.
func (t *table) sendItems(ctx context.Context, buf []byte, ends []int, changes []readmodel.Change) error {
	items := make([][]byte, len(ends))
	begin := 0
	for i, end := range ends {
		items[i], begin = buf[begin:end], end
	}
	for attempt := 1; ; attempt++ {
		left, last, err := t.sendOnce(ctx, items, changes)
		if err != nil || len(left) == 0 {
			return err
		}
		if attempt == attempts {
			return fmt.Errorf("%w: %d of %d rows were not taken, tried %d times: %w", readmodel.ErrUnavailable,
				len(left), len(changes), attempt, last)
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
		again, rows := make([][]byte, len(left)), make([]readmodel.Change, len(left))
		for i, n := range left {
			again[i], rows[i] = items[n], changes[n]
		}
		items, changes = again, rows
	}
}

// sendOnce sends items, and returns the numbers of those that are to be sent again, with the reason of the last.
func (t *table) sendOnce(ctx context.Context, items [][]byte, changes []readmodel.Change) (left []int, last, err error) {
	var body []byte
	for _, item := range items {
		body = append(body, item...)
	}
	var answer bulkAnswer
	err = t.store.do(ctx, request{
		method: http.MethodPost, path: "/" + writeAlias(t.index) + "/_bulk",
		query: "require_alias=true&filter_path=items.*.status,items.*.error.type,items.*.error.reason", body: body,
	}, &answer)
	if err != nil {
		return nil, nil, err
	}
	if len(answer.Items) != len(items) {
		return nil, nil, fmt.Errorf("the server answered to %d of %d items of a bulk request", len(answer.Items), len(items))
	}
	for i, item := range answer.Items {
		result := item["index"]
		switch {
		case result.Status/100 == 2 || result.Status == http.StatusConflict:
			continue
		case result.Error == nil:
			return nil, nil, fmt.Errorf("the server answered to the item of the row %s with status %d only",
				readmodel.KeyText(&t.schema, changes[i].Key), result.Status)
		}
		refused := &Error{result.Status, result.Error.Type, result.Error.Reason}
		if !passing(result.Status) {
			return nil, nil, fmt.Errorf("the row %s at position %d was not taken: %w",
				readmodel.KeyText(&t.schema, changes[i].Key), changes[i].Position, refused)
		}
		left, last = append(left, i), refused
	}
	return left, last, nil
}

// Get implements readmodel.Table. It reads the checkpoint first, so that the rows reflect it; and in real time, so that
// a projector finds what it wrote.
func (t *table) Get(ctx context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	ids := make([]string, len(keys))
	for i, key := range keys {
		if err := t.schema.CheckKey(key); err != nil {
			return readmodel.Checkpoint{}, err
		}
		ids[i] = id(key)
	}
	stored, _, err := t.load(ctx)
	for first := 0; first < len(keys) && err == nil; first += bulkItems {
		last := min(len(keys), first+bulkItems)
		err = t.getMany(ctx, ids[first:last], func(i int, d *document) error {
			return t.foundKey(d, keys[first+i], func(row []readmodel.Value) error { return found(first+i, row, d.Position) })
		})
	}
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return stored.checkpoint(), nil
}

func (t *table) getMany(ctx context.Context, ids []string, found func(int, *document) error) error {
	var answer struct {
		Docs []struct {
			Found  bool
			Source json.RawMessage `json:"_source"`
			Error  *struct{ Type, Reason string }
		}
	}
	err := t.store.do(ctx, request{method: http.MethodPost, path: t.path("_mget"), body: object{"ids": ids}}, &answer)
	if err != nil {
		return err
	}
	if len(answer.Docs) != len(ids) {
		return fmt.Errorf("the server answered %d of %d documents", len(answer.Docs), len(ids))
	}
	for i := range answer.Docs {
		doc := &answer.Docs[i]
		if doc.Error != nil {
			return &Error{http.StatusOK, doc.Error.Type, doc.Error.Reason}
		}
		if !doc.Found {
			continue
		}
		d, err := readDocument(doc.Source)
		if err != nil {
			return t.corrupt(err)
		}
		if err := found(i, d); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) corrupt(err error) error {
	return &readmodel.CorruptError{Projection: t.schema.Projection, Column: positionField,
		Reason: fmt.Sprintf("a document in index %s can't be read: %v", t.index, err)}
}

// foundKey calls found with the row of a document, nil if it was deleted. The key is checked: an id may be a hash.
func (t *table) foundKey(d *document, key []readmodel.Value, found func([]readmodel.Value) error) error {
	stored, err := t.readAll(d, t.key())
	if err != nil {
		return err
	}
	for i := range key {
		if stored[i] != key[i] {
			return &readmodel.CorruptError{Projection: t.schema.Projection, Column: t.schema.Key[i].Name,
				Reason: fmt.Sprintf("index %s has the row %s where %s belongs", t.index,
					readmodel.KeyText(&t.schema, stored), readmodel.KeyText(&t.schema, key))}
		}
	}
	if d.Kind != "row" {
		return found(nil)
	}
	row, err := t.readAll(d, t.row())
	if err != nil {
		return err
	}
	return found(row)
}

// readAll returns the values of columns; the slice is never nil.
func (t *table) readAll(d *document, columns []column) ([]readmodel.Value, error) {
	values := make([]readmodel.Value, len(columns))
	for i := range columns {
		var err error
		if values[i], err = t.read(d, &columns[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// writeAlias is the name that rows are written through. It goes with the index: a projector that writes late, into a
// generation that was dropped, is refused and does not make a new index by its write.
func writeAlias(index string) string { return index + ".rows" }
