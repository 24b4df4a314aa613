-- The event log. Positions have no gaps, and neither have the versions of a stream.

CREATE TABLE streams (
  id       INTEGER PRIMARY KEY,
  category TEXT NOT NULL,
  name     TEXT NOT NULL,
  UNIQUE (category, name)
) STRICT;

-- One row for each way in which events of a category of streams were written. The count is kept in the transaction of
-- each append.
CREATE TABLE types (
  id             INTEGER PRIMARY KEY,
  category       TEXT NOT NULL,
  name           TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  content_type   TEXT NOT NULL,
  events         INTEGER NOT NULL,
  UNIQUE (category, name, schema_version, content_type)
) STRICT;

-- Times are microseconds since 1970 in UTC; data is the payload, byte for byte. The checksum is a CRC-32C of everything
-- that the event says, the names of its stream and of its type included.
CREATE TABLE events (
  position       INTEGER PRIMARY KEY,
  stream         INTEGER NOT NULL REFERENCES streams,
  version        INTEGER NOT NULL,
  type           INTEGER NOT NULL REFERENCES types,
  commit_id      BLOB NOT NULL,
  time           INTEGER NOT NULL,
  command_id     TEXT,
  correlation_id TEXT,
  causation_id   TEXT,
  actor          TEXT,
  data           BLOB NOT NULL,
  checksum       INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

-- Where the events of each type are: bit n of positions, the lowest being bit 0, stands for position 64 * block + n. It
-- is an index for rare types that costs appends little, because one row is about 64 events.
CREATE TABLE type_positions (
  type      INTEGER NOT NULL REFERENCES types,
  block     INTEGER NOT NULL,
  positions INTEGER NOT NULL,
  PRIMARY KEY (type, block)
) STRICT, WITHOUT ROWID;

-- The outcome of each command that had an id, in the order in which they came.
CREATE TABLE commands (
  number         INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  hash           BLOB NOT NULL,
  position       INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  time           INTEGER NOT NULL,
  correlation_id TEXT,
  causation_id   TEXT,
  actor          TEXT
) STRICT;

CREATE TABLE snapshots (
  stream INTEGER PRIMARY KEY REFERENCES streams,
  sealed BLOB NOT NULL
) STRICT;

CREATE TRIGGER events_are_not_updated BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

CREATE TRIGGER streams_are_not_updated BEFORE UPDATE ON streams
BEGIN SELECT RAISE(ABORT, 'streams are never changed'); END;

CREATE TRIGGER streams_are_not_deleted BEFORE DELETE ON streams
BEGIN SELECT RAISE(ABORT, 'streams are never deleted'); END;

-- For people.
CREATE VIEW event_log AS
SELECT
  e.position,
  s.category || '/' || s.name AS stream,
  e.version,
  t.name AS type,
  t.schema_version,
  strftime('%Y-%m-%dT%H:%M:%S', (e.time - (e.time % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
    || printf('.%06dZ', (e.time % 1000000 + 1000000) % 1000000) AS time,
  e.command_id,
  e.correlation_id,
  e.causation_id,
  e.actor,
  lower(hex(e.commit_id)) AS commit_id,
  t.content_type,
  CASE t.content_type WHEN 'application/json' THEN CAST(e.data AS TEXT) ELSE e.data END AS data
FROM events e JOIN streams s ON s.id = e.stream JOIN types t ON t.id = e.type;
