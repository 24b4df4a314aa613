package postgres

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
)

// copySignature begins what COPY reads in binary; flags and the length of an extension, both 0, follow.
const copySignature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyEvents sends a plan's events by COPY, which takes many rows faster than an INSERT does.
func (s *session) copyEvents(ctx context.Context, p *plan) error {
	b := append([]byte{}, copySignature...)
	for i := range p.events {
		b = appendCopyRow(b, &p.events[i])
	}
	b = binary.BigEndian.AppendUint16(b, 0xffff) // the end
	statement := postgresdb.InSchema("COPY {schema}.events ("+eventColumnNames+") FROM STDIN (FORMAT binary)", s.settings.schema)
	_, err := s.conn.PgConn().CopyFrom(ctx, bytes.NewReader(b), statement)
	return err
}

func appendCopyRow(b []byte, r *eventRow) []byte {
	meta := &r.commit.Meta
	b = binary.BigEndian.AppendUint16(b, uint16(len(eventOIDs)))
	b = appendCopyInt64(b, int64(r.position))
	b = appendCopyInt64(b, int64(r.version))
	b = appendCopyInt64(b, encodeTime(meta.Time))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), uint32(r.kind))
	b = appendCopyField(b, r.commit.ID[:])
	for _, text := range [...]string{r.stream, meta.CommandID, meta.CorrelationID, meta.CausationID, meta.Actor} {
		b = appendCopyField(b, text)
	}
	return appendCopyField(b, r.event.Data)
}

func appendCopyInt64(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(n))
}

func appendCopyField[T []byte | string](b []byte, field T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(field))), field...)
}
