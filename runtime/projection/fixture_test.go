package projection

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestMain(m *testing.M) {
	// A server that tests share ends with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/cqrsgen/cqrsgen/internal/testserver.(*PostgresServer).launch.func1"))
}

// The projection of these tests, written as the generator writes it: balances per account and currency.

type balanceKey struct{ Account, Currency string }

type balance struct {
	Limit, Balance, Movements int64
	LastMovement              time.Time
}

func balanceCodec() readmodel.Codec[balanceKey, balance] {
	return readmodel.Codec[balanceKey, balance]{
		Schema: readmodel.Schema{
			Projection: "BalanceByCurrency", Fingerprint: "0123456789abcdef",
			Key: []readmodel.Column{{Name: "account", Kind: readmodel.String}, {Name: "currency", Kind: readmodel.String}},
			Row: []readmodel.Column{{Name: "limit", Kind: readmodel.Int64}, {Name: "balance", Kind: readmodel.Int64},
				{Name: "movements", Kind: readmodel.Int64}, {Name: "lastMovement", Kind: readmodel.Time}},
			Indexes: [][]string{{"currency", "balance"}},
		},
		AppendKey: func(v []readmodel.Value, k *balanceKey) []readmodel.Value {
			return append(v, readmodel.OfString(k.Account), readmodel.OfString(k.Currency))
		},
		AppendRow: func(v []readmodel.Value, r *balance) ([]readmodel.Value, error) {
			if r.Balance == unstorable {
				return v, &cqrs.EncodingError{Type: "BalanceByCurrency", Field: "balance", Reason: "is unstorable"}
			}
			return append(v, readmodel.OfInt64(r.Limit), readmodel.OfInt64(r.Balance), readmodel.OfInt64(r.Movements),
				readmodel.OfTime(r.LastMovement)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *balanceKey) { k.Account, k.Currency = s.String(), s.String() },
		ReadRow: func(s *readmodel.Scanner, r *balance) {
			r.Limit, r.Balance, r.Movements, r.LastMovement = s.Int64(), s.Int64(), s.Int64(), s.Time()
		},
	}
}

const unstorable = -1 << 60

// payload is what the events of these tests carry, in 8 bytes per number; its currency is a view of the bytes, and so
// of a buffer that must not be kept.
type payload struct {
	Currency string
	Amount   int64
	// To is the account that a transfer goes to.
	To string
}

func (p payload) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte(p.Currency), uint64(p.Amount))
	return append(b, p.To...)
}

var errPayload = errors.New("the payload is too short")

func (p *payload) decode(b []byte) error {
	if len(b) < 11 {
		return errPayload
	}
	p.Currency, p.Amount = unsafe.String(&b[0], 3), int64(binary.BigEndian.Uint64(b[3:]))
	p.To = ""
	if len(b) > 11 {
		p.To = unsafe.String(&b[11], len(b)-11)
	}
	return nil
}

// folds is what a team writes. Broken positions fail.
type folds struct {
	broken map[cqrs.Position]error
	panics bool
}

func (f *folds) move(r *balance, amount int64, meta *cqrs.EventMeta) error {
	if err := f.broken[meta.Position]; err != nil {
		if f.panics {
			panic(err)
		}
		return err
	}
	r.Balance += amount
	r.Movements++
	r.LastMovement = meta.Time
	return nil
}

func definition(f *folds) Definition[balanceKey, balance] {
	return Definition[balanceKey, balance]{
		Name: "BalanceByCurrency", Events: []string{"Deposited", "Transferred"}, Codec: balanceCodec(),
		Init: func(r *balance) { r.Limit = 100 },
		OwnKey: func(k balanceKey, _ bool) balanceKey {
			return balanceKey{strings.Clone(k.Account), strings.Clone(k.Currency)}
		},
		NewFold: func(int) func(*Rows[balanceKey, balance], *cqrs.Record) error {
			e := &payload{}
			return func(rows *Rows[balanceKey, balance], rec *cqrs.Record) error {
				if err := e.decode(rec.Data); err != nil {
					return err
				}
				switch rec.Type {
				case "Deposited":
					row := rows.At(balanceKey{rec.Stream.ID, e.Currency})
					if row == nil {
						return nil
					}
					return f.move(row, e.Amount, &rec.EventMeta)
				case "Transferred":
					if row := rows.At(balanceKey{rec.Stream.ID, e.Currency}); row != nil {
						if err := f.move(row, -e.Amount, &rec.EventMeta); err != nil {
							return err
						}
					}
					if row := rows.At(balanceKey{e.To, e.Currency}); row != nil {
						return f.move(row, e.Amount, &rec.EventMeta)
					}
				}
				return nil
			}
		},
	}
}

// over is a projector of a group of its own, of one table.
func over[K comparable, R any](
	log eventlog.Log, table readmodel.Table, def Definition[K, R], opts ...Option,
) *Projector[K, R] {
	return New(NewGroup(log, WithLease(time.Second)), tableStore{schema: def.Codec.Schema, table: table}, def, opts...)
}

// inBatches makes the projector's chunks and batches as small as its commits allow.
func (p *Projector[K, R]) inBatches(n int) { p.settings.batch, p.group.feed.chunkRecords = n, n }

// tableStore is a store of one table.
type tableStore struct {
	readmodel.Store // what nothing here calls panics
	schema          readmodel.Schema
	table           readmodel.Table
}

func (s tableStore) Name() string { return "memory" }

func (s tableStore) Table(context.Context, *readmodel.Schema) (readmodel.Table, error) {
	return s.table, nil
}

func (s tableStore) Open(context.Context, string, string) (readmodel.Table, *readmodel.Schema, error) {
	return s.table, &s.schema, nil
}

func (s tableStore) Generations(ctx context.Context, _ string) ([]readmodel.Generation, error) {
	at, err := s.table.Checkpoint(ctx)
	return []readmodel.Generation{{Schema: s.schema, Checkpoint: at, Active: at.Built}}, err
}

func (s tableStore) Promote(context.Context, string, string) error { return nil }

func modelOf(table readmodel.Table, log eventlog.Log) *readmodel.Model[balanceKey, balance] {
	codec := balanceCodec()
	return readmodel.NewModel(tableStore{schema: codec.Schema, table: table}, log, codec)
}

// simpleFold is the loop that a person would write: what every run has to agree with.
func simpleFold(t require.TestingT, records []cqrs.Record, through cqrs.Position) map[balanceKey]balance {
	rows := map[balanceKey]balance{}
	move := func(k balanceKey, amount int64, at time.Time) {
		r, ok := rows[k]
		if !ok {
			r.Limit = 100
		}
		rows[k] = balance{r.Limit, r.Balance + amount, r.Movements + 1, at}
	}
	for _, rec := range records {
		var e payload
		if rec.Position > through || rec.Type == "Noted" {
			continue
		}
		require.NoError(t, e.decode(rec.Data))
		currency := strings.Clone(e.Currency)
		switch rec.Type {
		case "Deposited":
			move(balanceKey{rec.Stream.ID, currency}, e.Amount, rec.Time)
		case "Transferred":
			move(balanceKey{rec.Stream.ID, currency}, -e.Amount, rec.Time)
			move(balanceKey{strings.Clone(e.To), currency}, e.Amount, rec.Time)
		}
	}
	return rows
}

// sliceLog is a log over a slice of records, whose positions may have gaps. It overwrites what it handed out.
type sliceLog struct {
	eventlog.Log // what projections do not call panics

	mu      sync.Mutex
	records []cqrs.Record
	news    chan struct{}
	// onRead, if not nil, is called before each record is handed out; an error ends the reading.
	onRead func(*cqrs.Record) error
	// inPlace hands out the log's own records, which costs nothing, and counts all of them.
	inPlace bool
}

func newLog(records ...cqrs.Record) *sliceLog {
	return &sliceLog{records: records, news: make(chan struct{})}
}

func (l *sliceLog) append(records ...cqrs.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, records...)
	close(l.news)
	l.news = make(chan struct{})
}

func (l *sliceLog) all() []cqrs.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records
}

func (l *sliceLog) Read(_ context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		var reused cqrs.Record
		records := l.all()
		first, _ := slices.BinarySearchFunc(records, q.After+1, func(r cqrs.Record, p cqrs.Position) int { return int(r.Position - p) })
		for i := range records[first:] {
			r := &records[first+i]
			if q.Through > 0 && r.Position > q.Through {
				return
			}
			if len(q.Types) > 0 && !slices.Contains(q.Types, r.Type) {
				continue
			}
			if l.onRead != nil {
				if err := l.onRead(r); err != nil {
					yield(nil, err)
					return
				}
			}
			if l.inPlace {
				if !yield(r, nil) {
					return
				}
				continue
			}
			reused = *r
			if !yield(&reused, nil) {
				return
			}
			reused = cqrs.Record{Type: "overwritten"}
		}
	}
}

func (l *sliceLog) Head(context.Context) (cqrs.Position, error) {
	records := l.all()
	if len(records) == 0 {
		return 0, nil
	}
	return records[len(records)-1].Position, nil
}

func (l *sliceLog) Count(_ context.Context, types ...string) (n int64, err error) {
	if l.inPlace {
		return int64(len(l.all())), nil
	}
	for _, r := range l.all() {
		if slices.Contains(types, r.Type) {
			n++
		}
	}
	return n, nil
}

func (l *sliceLog) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	for {
		l.mu.Lock()
		news := l.news
		l.mu.Unlock()
		if head, _ := l.Head(ctx); head > after {
			return head, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-news:
		}
	}
}

// writer makes records.
type writer struct {
	position cqrs.Position
	commit   uint64
}

// commitOf gives the records one commit, and the next positions.
func (w *writer) commitOf(records ...cqrs.Record) []cqrs.Record {
	w.commit++
	for i := range records {
		w.position++
		r := &records[i]
		r.Position = w.position
		r.Version = cqrs.Version(w.position)
		r.Time = time.Unix(int64(w.position), 0).UTC()
		binary.BigEndian.PutUint64(r.Commit[:], w.commit)
	}
	return records
}

func deposited(account, currency string, amount int64) cqrs.Record {
	return record("Deposited", account, payload{Currency: currency, Amount: amount})
}

func transferred(from, to, currency string, amount int64) cqrs.Record {
	return record("Transferred", from, payload{currency, amount, to})
}

func noted() cqrs.Record { return record("Noted", "x", payload{Currency: "EUR"}) }

func record(name, account string, p payload) cqrs.Record {
	return cqrs.Record{
		EventMeta: cqrs.EventMeta{Stream: cqrs.StreamID{Category: "Account", ID: account}},
		Type:      name, SchemaVersion: 1, ContentType: cqrs.JSON, Data: p.encode(),
	}
}

// stored returns all rows of a table, and its checkpoint.
func stored(t require.TestingT, table readmodel.Table) (map[balanceKey]balance, readmodel.Checkpoint) {
	rows := map[balanceKey]balance{}
	codec := balanceCodec()
	_, err := table.Find(context.Background(), readmodel.Find{Index: -1}, func(key, row []readmodel.Value, _ cqrs.Position) error {
		var k balanceKey
		var r balance
		ks, rs := readmodel.NewScanner("x", codec.Schema.Key, key), readmodel.NewScanner("x", codec.Schema.Row, row)
		codec.ReadKey(ks, &k)
		codec.ReadRow(rs, &r)
		rows[k] = r
		return errors.Join(ks.Err(), rs.Err())
	})
	require.NoError(t, err)
	at, err := table.Checkpoint(context.Background())
	require.NoError(t, err)
	return rows, at
}

// requireReflects checks that the table is the simple fold of the log up to the table's checkpoint, and that this lies
// between two commits.
func requireReflects(t require.TestingT, table readmodel.Table, records []cqrs.Record) readmodel.Checkpoint {
	rows, at := stored(t, table)
	require.Equal(t, simpleFold(t, records, at.Position), rows)
	var handled int64
	for i, r := range records {
		if r.Position <= at.Position && r.Type != "Noted" {
			handled++
		}
		if r.Position == at.Position {
			require.Equal(t, r.Commit, at.Commit)
			rest := records[i+1:]
			for len(rest) > 0 && rest[0].Type == "Noted" {
				rest = rest[1:]
			}
			require.False(t, len(rest) > 0 && rest[0].Commit == at.Commit, "the checkpoint is within a commit")
		}
	}
	require.Equal(t, handled, at.Handled)
	return at
}
