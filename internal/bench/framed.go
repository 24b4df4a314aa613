package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// frameAll writes the records of a log behind each other into a file: size and checksum, then all fields.
func frameAll(ctx context.Context, log eventlog.Log, path string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriterSize(file, 1<<20)
	var buf []byte
	for r, err := range log.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return err
		}
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
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return w.Flush()
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// framed is what the loop makes of a record: no copies.
type framed struct {
	position, version, micros            uint64
	commit                               [16]byte
	category, id, typ, correlation, data []byte
}

// readFramed reads such a file, verifies the checksums, and returns how many bytes of payload there are.
func readFramed(path string) (bytes int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	buf := make([]byte, 256<<10)
	var f framed
	for start, end := 0, 0; ; start = 0 {
		n, err := file.Read(buf[end:])
		if errors.Is(err, io.EOF) {
			return bytes, nil
		}
		if err != nil {
			return 0, err
		}
		end += n
		for end-start >= 8 {
			size := int(binary.LittleEndian.Uint32(buf[start:]))
			if end-start < 8+size {
				break
			}
			rec := buf[start+8 : start+8+size]
			if crc32.Checksum(rec, castagnoli) != binary.LittleEndian.Uint32(buf[start+4:]) {
				return 0, errors.New("a checksum is wrong")
			}
			f.frame(rec)
			bytes += int64(len(f.data))
			start += 8 + size
		}
		end = copy(buf, buf[start:end])
	}
}

func (f *framed) frame(rec []byte) {
	f.position, f.version = binary.LittleEndian.Uint64(rec), binary.LittleEndian.Uint64(rec[8:])
	f.micros = binary.LittleEndian.Uint64(rec[16:])
	copy(f.commit[:], rec[24:])
	rec = rec[40:]
	for _, field := range [...]*[]byte{&f.category, &f.id, &f.typ, &f.correlation, &f.data} {
		n := int(binary.LittleEndian.Uint16(rec))
		*field, rec = rec[2:2+n], rec[2+n:]
	}
}
