-- What Open has to know of a generation: its schema, and its indexes.
--
-- KEYS  the generation
return redis.call('HMGET', KEYS[1], 'schema', 'indexes', 'unfinished')
