-- What the old tables say, in the new ones.

INSERT INTO streams (id, category, name) SELECT id, category, name FROM old_streams;

INSERT INTO types (category, name, schema_version, content_type, events)
SELECT s.category, t.name, t.schema_version, t.content_type, count(*)
FROM old_events e JOIN old_streams s ON s.id = e.stream JOIN old_types t ON t.id = e.type
GROUP BY s.category, t.name, t.schema_version, t.content_type
ORDER BY min(e.position);

INSERT INTO events (position, stream, version, type, commit_id, time,
  command_id, correlation_id, causation_id, actor, data, checksum)
SELECT e.position, e.stream, e.version, n.id, e.commit_id, e.time,
  e.command_id, e.correlation_id, e.causation_id, e.actor, e.data,
  event_checksum(s.category, s.name, t.name, t.schema_version, t.content_type, e.position, e.version, e.commit_id, e.time,
    e.command_id, e.correlation_id, e.causation_id, e.actor, e.data)
FROM old_events e CROSS JOIN old_streams s ON s.id = e.stream CROSS JOIN old_types t ON t.id = e.type
CROSS JOIN types n ON n.category = s.category AND n.name = t.name AND n.schema_version = t.schema_version
  AND n.content_type = t.content_type
ORDER BY e.position;

-- Each bit is in a sum once, so that sums are what OR would be.
INSERT INTO type_positions (type, block, positions)
SELECT type, position / 64, sum(1 << (position % 64)) FROM events GROUP BY type, position / 64;

INSERT INTO commands (id, hash, position, version, time, correlation_id, causation_id, actor)
SELECT id, hash, position, version, time, correlation_id, causation_id, actor FROM old_commands ORDER BY position, id;

INSERT INTO snapshots (stream, sealed) SELECT stream, sealed FROM old_snapshots;
