DROP TABLE old_snapshots;
DROP TABLE old_commands;
DROP TABLE old_events;
DROP TABLE old_types;
DROP TABLE old_streams;
PRAGMA user_version=2;
