-- Version 1

CREATE SCHEMA IF NOT EXISTS {schema};

-- One row: which of these scripts were run.
CREATE TABLE {schema}.cqrs_catalogue (
  id      smallint PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL
);

-- The view that leads to a projection's active generation.
CREATE TABLE {schema}.cqrs_projections (
  projection text COLLATE "C" PRIMARY KEY,
  view_name  text COLLATE "C" NOT NULL UNIQUE
);

-- The generations: each has a table of its own, whose columns shape describes. At most one of a projection is active.
CREATE TABLE {schema}.cqrs_generations (
  id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  projection  text COLLATE "C" NOT NULL REFERENCES {schema}.cqrs_projections,
  fingerprint text COLLATE "C" NOT NULL,
  table_name  text COLLATE "C" NOT NULL UNIQUE,
  shape       json NOT NULL,
  active      boolean NOT NULL DEFAULT false,
  created     timestamptz NOT NULL DEFAULT clock_timestamp(),
  promoted    timestamptz, -- when it last became active
  UNIQUE (projection, fingerprint)
);
CREATE UNIQUE INDEX cqrs_generations_active ON {schema}.cqrs_generations (projection) WHERE active;

-- How far each generation reflects the log. A row changes with every batch, in the transaction of its rows.
CREATE TABLE {schema}.cqrs_checkpoints (
  generation integer PRIMARY KEY REFERENCES {schema}.cqrs_generations,
  position   bigint NOT NULL DEFAULT 0,
  commit_id  uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  handled    bigint NOT NULL DEFAULT 0,
  built      boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- Which process projects into a generation, and what it said last of its work. It is apart from the checkpoint, so that
-- a lease is renewed while a long batch is stored.
CREATE TABLE {schema}.cqrs_leases (
  generation integer PRIMARY KEY REFERENCES {schema}.cqrs_generations,
  holder     text COLLATE "C" NOT NULL DEFAULT '',
  until      timestamptz NOT NULL DEFAULT 'epoch',
  report     bytea,
  reported   timestamptz
) WITH (fillfactor = 50);

-- For people.
CREATE VIEW {schema}.cqrs_read_models AS
SELECT g.projection, g.fingerprint, p.view_name, g.table_name, g.active, c.built, c.position, c.handled, g.created, g.promoted,
  CASE WHEN l.until > clock_timestamp() THEN nullif(l.holder, '') END AS holder, encode(l.report, 'escape') AS report, l.reported
FROM {schema}.cqrs_generations g
  JOIN {schema}.cqrs_projections p USING (projection)
  JOIN {schema}.cqrs_checkpoints c ON c.generation = g.id
  JOIN {schema}.cqrs_leases l ON l.generation = g.id;

INSERT INTO {schema}.cqrs_catalogue (id, version) VALUES (1, 1);
