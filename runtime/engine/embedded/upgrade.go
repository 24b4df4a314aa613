package embedded

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The steps from version 1 to version 2; between the first two the new tables are created.
var (
	//go:embed upgrade1.sql
	putAside string
	//go:embed upgrade2.sql
	carryOver string
	//go:embed upgrade3.sql
	dropOld string
)

// upgradeWait is how long an upgrade waits for those who have the log open and are about to close it.
const upgradeWait = 2 * time.Second

// upgradeFile brings the file to the schema that this release writes, if it is a log of an older one: in one
// transaction, so that a file whose upgrade fails, or is killed, is as it was.
func upgradeFile(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	old := false
	conn, err := sqlitedb.OpenIf(ctx, path, func(c *sqlite.Conn) (err error) {
		old, err = needsUpgrade(c, path)
		return err
	})
	if err != nil {
		return refused(path, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if !old {
		return nil
	}
	return explain(ctx, upgrade(ctx, conn, path))
}

// needsUpgrade reports whether the file has the old schema. It fails if the file is no log.
func needsUpgrade(c *sqlite.Conn, path string) (bool, error) {
	_, err := checkSchema(c, path)
	if old := (*oldSchemaError)(nil); errors.As(err, &old) {
		return true, nil
	}
	return false, err
}

func upgrade(ctx context.Context, c *sqlite.Conn, path string) error {
	if err := createChecksumFunction(c); err != nil {
		return err
	}
	// Who had the log open would go on to read with the ids of the old types in mind. This makes the transaction wait until
	// nobody has, and keeps others out until the connection is closed.
	if err := sqlitex.ExecuteTransient(c, "PRAGMA locking_mode=EXCLUSIVE", nil); err != nil {
		return err
	}
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	err := sqlitedb.Write(ctx, c, upgradeWait, func() error {
		old, err := needsUpgrade(c, path)
		if err != nil || !old {
			return err
		}
		for _, script := range []string{putAside, schema, carryOver} {
			if err := runScript(c, script); err != nil {
				return err
			}
		}
		if err := compareUpgraded(c); err != nil {
			return err
		}
		return runScript(c, dropOld)
	})
	if sqlitedb.Classify(err) == sqlitedb.Busy && ctx.Err() == nil {
		return &RefusedError{Path: path, Reason: "it is to be upgraded, and something else has it open: stop that first", Err: err}
	}
	return err
}

// runScript runs a script in the transaction that is open.
func runScript(c *sqlite.Conn, script string) error {
	// ExecuteScript would make a savepoint of its own, and so keep what it changes twice.
	for script = strings.TrimSpace(script); script != ""; script = strings.TrimSpace(script) {
		stmt, rest, err := c.PrepareTransient(script)
		if err != nil {
			return err
		}
		_, err = stmt.Step()
		if err = errors.Join(err, stmt.Finalize()); err != nil {
			return err
		}
		script = script[len(script)-rest:]
	}
	return nil
}

// compareUpgraded fails if an event has no place in the new tables, or the old ones had gaps.
func compareUpgraded(c *sqlite.Conn) error {
	for _, table := range []string{"streams", "events", "commands", "snapshots"} {
		before, err := integer(c, "SELECT count(*) FROM old_"+table)
		if err != nil {
			return err
		}
		after, err := integer(c, "SELECT count(*) FROM "+table)
		if err != nil {
			return err
		}
		if before != after {
			return corruptf("of %d rows of the table %s only %d belong together", before, table, after)
		}
	}
	gaps, err := integer(c, "SELECT coalesce(max(position), 0) - count(*) FROM events")
	if err == nil && gaps != 0 {
		return corruptf("the log lacks %d positions", gaps)
	}
	return err
}

func createChecksumFunction(c *sqlite.Conn) error {
	return c.CreateFunction("event_checksum", &sqlite.FunctionImpl{
		NArgs: 14, Deterministic: true,
		Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			stream := cqrs.StreamID{Category: args[0].Text(), ID: args[1].Text()}
			typ := eventType{args[2].Text(), args[3].Int(), cqrs.ContentType(args[4].Text())}
			var commit cqrs.CommitID
			if n := copy(commit[:], args[7].Blob()); n != len(commit) {
				return sqlite.Value{}, fmt.Errorf("the commit id of the event at position %d has %d bytes", args[5].Int64(), n)
			}
			var s sizes
			var text []byte
			for i, value := range args[9:13] {
				s.meta[i] = len(value.Text())
				text = append(text, value.Text()...)
			}
			head := eventHead{
				position: args[5].Int64(), version: args[6].Int64(), time: args[8].Int64(),
				typ: typeSum(&typ), commit: &commit, sizes: &s,
			}
			sum := crc32.Update(streamSum(&stream), castagnoli, append(head.append(nil), text...))
			return sqlite.IntegerValue(int64(crc32.Update(sum, castagnoli, args[13].Blob()))), nil
		},
	})
}

// DDL returns the statements that create the log's tables, as Open does in a new file: for those who want to read or to
// review them.
func DDL() string { return schema + schemaIDs() }

func schemaIDs() string {
	return fmt.Sprintf("\nPRAGMA application_id=%d;\nPRAGMA user_version=%d;\n", applicationID, schemaVersion)
}
