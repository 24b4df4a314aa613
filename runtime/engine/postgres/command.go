package postgres

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// decodeCommand reads a row of commandsStatement or of selectCommands.
func decodeCommand(row [][]byte) (*commandRow, error) {
	c := &commandRow{outcome: eventlog.Appended{
		Position: cqrs.Position(decodeInt64(row[2])),
		Version:  cqrs.Version(decodeInt64(row[3])),
		Meta: cqrs.CommandMeta{
			Time: decodeTime(row[4]), CommandID: string(row[0]), CorrelationID: string(row[5]), CausationID: string(row[6]),
			Actor: string(row[7]),
		},
	}}
	if copy(c.hash[:], row[1]) != len(c.hash) || len(row[1]) != len(c.hash) {
		return nil, corruptf("the hash of command %q has %d bytes", row[0], len(row[1]))
	}
	copy(c.commit[:], row[8])
	return c, nil
}

// Command implements eventlog.Log.
func (l *Log) Command(ctx context.Context, id string, hash [32]byte) (eventlog.Appended, bool, error) {
	if !utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0 {
		id = "" // none is stored under it, or under that; the server would refuse its bytes
	}
	var found *commandRow
	var ids array
	ids.reset(textOID)
	ids.string(id)
	err := l.query(ctx, commandsStatement, func(row [][]byte) (err error) {
		found, err = decodeCommand(row)
		return err
	}, ids.param())
	if found == nil || err != nil {
		return eventlog.Appended{}, false, err
	}
	first, err := found.first(hash)
	return first, err == nil, err
}
