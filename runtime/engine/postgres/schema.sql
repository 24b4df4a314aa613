-- Version 1

CREATE SCHEMA IF NOT EXISTS {schema};

-- One row. Whoever appends locks it until its transaction ends, so that positions are given in the order of commits. It is
-- changed only where a connection was lost and its transaction is not there, whence long transactions elsewhere leave
-- next to no dead versions of it behind.
CREATE TABLE {schema}.log (
  id             smallint PRIMARY KEY CHECK (id = 1),
  schema_version integer NOT NULL,
  turn           smallint NOT NULL DEFAULT 0 -- what is sent under an earlier one stores nothing; appenders may UPDATE it
);

-- One row for each way in which events of a category were written. Ids are given in order, under the lock.
CREATE TABLE {schema}.kinds (
  id             integer PRIMARY KEY,
  category       text COLLATE "C" NOT NULL,
  type           text COLLATE "C" NOT NULL,
  schema_version integer NOT NULL,
  content_type   text COLLATE "C" NOT NULL,
  UNIQUE (category, type, schema_version, content_type)
);

-- The events. Positions have no gaps, and neither have the versions of a stream. A stream is its category, a slash and
-- its id; a category has no slash. Data is the payload, byte for byte.
CREATE TABLE {schema}.events (
  position       bigint NOT NULL,
  version        bigint NOT NULL,
  time           timestamptz NOT NULL,
  kind           integer NOT NULL, -- of kinds; a foreign key would be checked again for each event
  commit_id      uuid NOT NULL,
  stream         text COLLATE "C" NOT NULL,
  command_id     text COLLATE "C" NOT NULL,
  correlation_id text COLLATE "C" NOT NULL,
  causation_id   text COLLATE "C" NOT NULL,
  actor          text COLLATE "C" NOT NULL,
  data           bytea NOT NULL,
  CONSTRAINT events_position PRIMARY KEY (position),
  CONSTRAINT events_stream_version UNIQUE (stream, version)
);

CREATE INDEX events_by_kind ON {schema}.events (kind, position);

-- The outcome of each command that had an id, for ever.
CREATE TABLE {schema}.commands (
  id             text COLLATE "C" NOT NULL,
  hash           bytea NOT NULL,
  commit_id      uuid NOT NULL,
  position       bigint NOT NULL,
  version        bigint NOT NULL,
  time           timestamptz NOT NULL,
  correlation_id text COLLATE "C" NOT NULL,
  causation_id   text COLLATE "C" NOT NULL,
  actor          text COLLATE "C" NOT NULL,
  CONSTRAINT commands_id PRIMARY KEY (id)
);

CREATE INDEX commands_by_position ON {schema}.commands (position);

-- The newest snapshot of each stream: a cache, which may be emptied at any time.
CREATE TABLE {schema}.snapshots (
  stream text COLLATE "C" PRIMARY KEY,
  sealed bytea NOT NULL
);

CREATE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION '% of %.%: what is stored is never changed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$body$;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.events
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.commands
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.kinds
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
CREATE TRIGGER refuse_change BEFORE DELETE OR TRUNCATE ON {schema}.log
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();

-- For people.
CREATE VIEW {schema}.event_log AS
SELECT e.position, e.stream, e.version, k.type, k.schema_version, e.time, e.command_id, e.correlation_id,
  e.causation_id, e.actor, e.commit_id, k.content_type,
  CASE k.content_type WHEN 'application/json' THEN convert_from(e.data, 'UTF8') END AS json, e.data
FROM {schema}.events e JOIN {schema}.kinds k ON k.id = e.kind;

INSERT INTO {schema}.log (id, schema_version) VALUES (1, 1);
