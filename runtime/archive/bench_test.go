//go:build unix

package archive

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// deposits returns a log of n events with payloads of about 85 bytes, one in each commit, in so many streams.
func deposits(b *testing.B, n, streams int) *memory.Log {
	log := memory.New()
	for i := range n {
		_, err := log.Append(context.Background(), eventlog.Commit{
			ID: cqrs.CommitID(uuid.Must(uuid.NewV7())),
			Meta: cqrs.CommandMeta{
				Time: start.Add(time.Duration(i) * time.Millisecond), CorrelationID: "0198c5a2-7f3e-7000-8000-1234567890ab",
			},
			Streams: []eventlog.StreamAppend{{
				Stream: cqrs.StreamID{Category: "Account", ID: fmt.Sprintf("acc-%06d", i*7919%streams)}, Expected: eventlog.Any,
				Events: []eventlog.NewEvent{{
					Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON,
					Data: fmt.Appendf(nil, `{"money":{"amount":%d,"currency":"EUR"},"reference":"invoice 2026-03-01/%d"}`,
						1000+i%100_000, i),
				}},
			}},
		})
		require.NoError(b, err)
	}
	return log
}

// plainFile writes the records of a log framed one after the other: size and checksum, then all fields.
func plainFile(b *testing.B, log eventlog.Log, path string) {
	file, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriterSize(file, 1<<20)
	var buf []byte
	for r, err := range log.Read(context.Background(), eventlog.Query{}) {
		require.NoError(b, err)
		buf = append(buf[:0], make([]byte, 8)...)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(r.Position))
		buf = binary.LittleEndian.AppendUint64(buf, uint64(r.Version))
		buf = binary.LittleEndian.AppendUint64(buf, uint64(r.Time.UnixMicro()))
		buf = append(buf, r.Commit[:]...)
		for _, s := range []string{r.Stream.Category, r.Stream.ID, r.Type, r.CorrelationID, string(r.Data)} {
			buf = binary.LittleEndian.AppendUint16(buf, uint16(len(s)))
			buf = append(buf, s...)
		}
		binary.LittleEndian.PutUint32(buf, uint32(len(buf)-8))
		binary.LittleEndian.PutUint32(buf[4:], crc32.Checksum(buf[8:], castagnoli))
		_, err = w.Write(buf)
		require.NoError(b, err)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, file.Close())
}

// framed is what a person's loop makes of a record: no copies.
type framed struct {
	position, version, micros            uint64
	commit                               [16]byte
	category, id, typ, correlation, data []byte
}

// byHand reads the plain file and frames its records.
func byHand(path string) (events, bytes int) {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	buf := make([]byte, 256<<10)
	var f framed
	for start, end := 0, 0; ; {
		n, err := file.Read(buf[end:])
		if err == io.EOF {
			return events, bytes
		}
		end += n
		for end-start >= 8 {
			size := int(binary.LittleEndian.Uint32(buf[start:]))
			if end-start < 8+size {
				break
			}
			rec := buf[start+8 : start+8+size]
			if crc32.Checksum(rec, castagnoli) != binary.LittleEndian.Uint32(buf[start+4:]) {
				panic("checksum")
			}
			f.position, f.version = binary.LittleEndian.Uint64(rec), binary.LittleEndian.Uint64(rec[8:])
			f.micros = binary.LittleEndian.Uint64(rec[16:])
			copy(f.commit[:], rec[24:])
			rec = rec[40:]
			for _, field := range [...]*[]byte{&f.category, &f.id, &f.typ, &f.correlation, &f.data} {
				n := int(binary.LittleEndian.Uint16(rec))
				*field, rec = rec[2:2+n], rec[2+n:]
			}
			events++
			bytes += len(f.data)
			start += 8 + size
		}
		end = copy(buf, buf[start:end])
		start = 0
	}
}

// stub answers what a read asks of the log, so that no log in memory bothers the garbage collector.
type stub struct {
	Store
	last cqrs.Record
}

func (s *stub) Head(context.Context) (cqrs.Position, error) { return s.last.Position, nil }

func (s *stub) Read(_ context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		if q.After < s.last.Position {
			yield(&s.last, nil)
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkOrderedRead(b *testing.B) {
	const events = 1_000_000
	ctx := context.Background()
	dir := b.TempDir()
	plain, want := filepath.Join(dir, "plain"), 0
	last := &stub{}
	func() {
		store := deposits(b, events, 100_000)
		plainFile(b, store, plain)
		log, err := With(ctx, store, filepath.Join(dir, "archive"))
		require.NoError(b, err)
		require.NoError(b, log.Seal(ctx))
		require.NoError(b, log.Close())
		s, err := Export(ctx, store, filepath.Join(dir, "export"), Range{}, nil)
		require.NoError(b, err)
		b.Logf("%+v", s)
		for r := range store.Read(ctx, eventlog.Query{After: events - 1}) {
			last.last = *r
		}
	}()
	log, err := With(ctx, last, filepath.Join(dir, "archive"))
	require.NoError(b, err)
	b.Logf("%+v", log.Status())
	// As much as the rows of a small read model take: with next to no heap at all, the collector would run for each few
	// megabytes that are read.
	rows := make([]byte, 64<<20)
	defer runtime.KeepAlive(rows)
	runtime.GC()
	_, want = byHand(plain)
	measure := func(b *testing.B, f func()) {
		cpu := cpuTime()
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		b.ReportMetric(float64(events)*float64(b.N)/(cpuTime()-cpu).Seconds()/1e6, "Mevents/cpu-s")
	}
	for range 3 {
		b.Run("by hand", func(b *testing.B) {
			measure(b, func() {
				if _, n := byHand(plain); n != want {
					b.Fatal(n)
				}
			})
		})
		b.Run("archive", func(b *testing.B) {
			measure(b, func() {
				bytes := 0
				for r, err := range log.Read(ctx, eventlog.Query{}) {
					if err != nil {
						b.Fatal(err)
					}
					bytes += len(r.Data)
				}
				if bytes != want {
					b.Fatal(bytes)
				}
			})
		})
	}
}
