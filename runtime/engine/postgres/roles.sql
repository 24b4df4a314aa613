-- {appender} appends and reads, and writes snapshots. It can't change or remove what is stored.
CREATE ROLE {appender} NOLOGIN;
GRANT USAGE ON SCHEMA {schema} TO {appender};
GRANT SELECT, INSERT ON {schema}.events, {schema}.commands, {schema}.kinds TO {appender};
GRANT SELECT, INSERT, UPDATE ON {schema}.snapshots TO {appender};
GRANT SELECT, UPDATE (turn) ON {schema}.log TO {appender}; -- UPDATE is what locking a row takes
GRANT SELECT ON {schema}.event_log TO {appender};

-- {reader} reads. It can't hold up appends either: it may not take their lock.
CREATE ROLE {reader} NOLOGIN;
GRANT USAGE ON SCHEMA {schema} TO {reader};
GRANT SELECT ON {schema}.events, {schema}.commands, {schema}.kinds, {schema}.log, {schema}.event_log TO {reader};
