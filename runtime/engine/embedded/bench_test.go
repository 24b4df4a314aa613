package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// payload is what the benchmarks store: a deposit with its meta data has about 180 bytes.
const payload = `{"money":{"amount":123456,"currency":"EUR"},"reference":"invoice 2026-03-01/4711"}`

func deposit(account int, expected eventlog.Expected) eventlog.Commit {
	return eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{
			Time: time.Now().UTC().Truncate(time.Microsecond), CorrelationID: "0198c5a2-7f3e-7000-8000-1234567890ab",
		},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Account", ID: fmt.Sprintf("acc-%06d", account)}, Expected: expected,
			Events: []eventlog.NewEvent{
				{Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(payload)},
			},
		}},
	}
}

// plainFile is the least that a durable log can do: it appends framed records to a file, checks nothing, and syncs
// once for all callers that wait. It is what the engine is measured against.
type plainFile struct {
	file  *os.File
	queue chan plainRecord
	done  chan error
}

type plainRecord struct {
	data   []byte
	stored chan error
}

func newPlainFile(b *testing.B, dir string) *plainFile {
	file, err := os.Create(filepath.Join(dir, "plain.log"))
	require.NoError(b, err)
	p := &plainFile{file: file, queue: make(chan plainRecord, maxBatch), done: make(chan error)}
	go p.run()
	return p
}

func (p *plainFile) close() error {
	close(p.queue)
	return <-p.done
}

func (p *plainFile) append(data []byte) error {
	r := plainRecord{data: append([]byte(nil), data...), stored: make(chan error, 1)}
	p.queue <- r
	return <-r.stored
}

func (p *plainFile) run() {
	var batch []plainRecord
	var buf []byte
	for r := range p.queue {
		last := len(batch)
		batch, buf = append(batch[:0], r), buf[:0]
		for tries := 0; len(batch) < maxBatch; {
			select {
			case r, ok := <-p.queue:
				if ok {
					batch = append(batch, r)
					continue
				}
			default:
			}
			if tries++; len(batch) >= last || tries > patience {
				break
			}
			runtime.Gosched()
		}
		for _, r := range batch {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(len(r.data)))
			buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(r.data, crc32.MakeTable(crc32.Castagnoli)))
			buf = append(buf, r.data...)
		}
		_, err := p.file.Write(buf)
		if err == nil {
			err = syncData(p.file)
		}
		for _, r := range batch {
			r.stored <- err
		}
	}
	p.done <- p.file.Close()
}

// each runs f n times, by so many callers.
func each(callers, n int, f func(caller, i int) error) (time.Duration, error) {
	start := time.Now()
	var wg sync.WaitGroup
	errs := make(chan error, callers)
	for c := range callers {
		wg.Go(func() {
			for i := c; i < n; i += callers {
				if err := f(c, i/callers); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return time.Since(start), <-errs
}

// BenchmarkAppend appends commits of one event, each with the exact version that its stream must have, and the same
// number of records of the same size to a plain file. The metric "×plain" is how many times longer the engine takes.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			dir := b.TempDir()
			l := open(b, dir)
			plain := newPlainFile(b, dir)
			versions := make([]cqrs.Version, callers)
			record := make([]byte, len(payload)+100)
			var engine, file time.Duration
			b.ResetTimer()
			// Both take turns, so that what else the machine does slows both.
			const turns = 20
			for turn := range turns {
				n := b.N*(turn+1)/turns - b.N*turn/turns
				took, err := each(callers, n, func(caller, _ int) error {
					_, err := l.Append(context.Background(), deposit(caller, eventlog.Exactly(versions[caller])))
					versions[caller]++
					return err
				})
				require.NoError(b, err)
				engine += took
				took, err = each(callers, n, func(int, int) error { return plain.append(record) })
				require.NoError(b, err)
				file += took
			}
			b.StopTimer()
			require.NoError(b, plain.close())
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(b.N)/engine.Seconds(), "commits/s")
			b.ReportMetric(float64(b.N)/file.Seconds(), "plain/s")
			b.ReportMetric(engine.Seconds()/file.Seconds(), "×plain")
		})
	}
}

// benchmarkLog returns a log with n deposits in so many streams.
func benchmarkLog(b *testing.B, n, streams int) *Log {
	l := open(b, b.TempDir())
	for from := 0; from < n; from += 1000 {
		c := deposit(0, eventlog.Any)
		e := c.Streams[0].Events
		c.Streams = nil
		for i := range 1000 {
			s := deposit((from+i)%streams, eventlog.Any).Streams[0].Stream
			c.Streams = append(c.Streams, eventlog.StreamAppend{Stream: s, Expected: eventlog.Any, Events: e})
		}
		_, err := l.Append(context.Background(), c)
		require.NoError(b, err)
	}
	return l
}

// bareScan is the least that reading a log can be: one statement, whose columns are all looked at and copied nowhere.
func bareScan(b *testing.B, l *Log) (rows int, bytes int) {
	c, err := l.readers.Get(b.Context())
	require.NoError(b, err)
	defer l.readers.Put(c)
	stmt, _, err := c.PrepareTransient("SELECT " + eventColumns + " FROM events ORDER BY position")
	require.NoError(b, err)
	defer stmt.Finalize()
	var buf [4096]byte
	for {
		row, err := stmt.Step()
		require.NoError(b, err)
		if !row {
			return rows, bytes
		}
		for _, col := range [...]int{0, 1, 2, 3, 5, 11} {
			stmt.ColumnInt64(col)
		}
		for _, col := range [...]int{4, 6, 7, 8, 9, 10} {
			bytes += stmt.ColumnBytes(col, buf[:])
		}
		rows++
	}
}

// BenchmarkScan reads a whole log of 1,000,000 events. The metric "allocs/event" is over all of a scan, and "×bare" how
// many times longer it takes than the bare statement.
func BenchmarkScan(b *testing.B) {
	const n = 1_000_000
	for _, streams := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			l := benchmarkLog(b, n, streams)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			bytes := 0
			var bare time.Duration
			for b.Loop() {
				b.StopTimer()
				start := time.Now()
				rows, _ := bareScan(b, l)
				require.Equal(b, n, rows)
				bare += time.Since(start)
				b.StartTimer()
				read := 0
				for r, err := range l.Read(context.Background(), eventlog.Query{}) {
					if err != nil {
						b.Fatal(err)
					}
					read++
					bytes += len(r.Data)
				}
				require.Equal(b, n, read)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/n, "allocs/event")
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(b.Elapsed().Seconds()/bare.Seconds(), "×bare")
		})
	}
}

// BenchmarkRareCategory reads the 100 events of a category that are behind 500,000 others.
func BenchmarkRareCategory(b *testing.B) {
	l := benchmarkLog(b, 500_000, 1_000)
	for i := range 100 {
		c := deposit(i, eventlog.Any)
		c.Streams[0].Stream.Category = "Rare"
		_, err := l.Append(context.Background(), c)
		require.NoError(b, err)
	}
	read := func(q eventlog.Query) (n int) {
		for _, err := range l.Read(context.Background(), q) {
			require.NoError(b, err)
			n++
		}
		return n
	}
	require.Equal(b, 500_100, read(eventlog.Query{}))
	for b.Loop() {
		require.Equal(b, 100, read(eventlog.Query{Categories: []string{"Rare"}}))
	}
}
