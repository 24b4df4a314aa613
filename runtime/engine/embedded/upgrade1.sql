-- From version 1 to version 2: event_checksum is a function of this program.

DROP VIEW event_log;
DROP TRIGGER events_are_not_updated;
DROP TRIGGER events_are_not_deleted;
DROP TRIGGER streams_are_not_updated;
DROP TRIGGER streams_are_not_deleted;
DROP INDEX events_by_stream;
DROP INDEX events_by_type;
ALTER TABLE events RENAME TO old_events;
ALTER TABLE types RENAME TO old_types;
ALTER TABLE streams RENAME TO old_streams;
ALTER TABLE commands RENAME TO old_commands;
ALTER TABLE snapshots RENAME TO old_snapshots;
