-- Makes a generation where there is none, and says with which schema it was made and which indexes it has.
--
-- KEYS  the generation, the set of projections, the projection's set of generations and those being dropped, the clock
-- ARGV  the projection, the fingerprint, the schema, the names of the indexes, the commit of an empty checkpoint
if redis.call('HEXISTS', KEYS[4], ARGV[2]) == 1 then return {'dropping', '', '', ''} end
if redis.call('EXISTS', KEYS[1]) == 0 then
	-- No two generations are made, or promoted, at the same time.
	local time = redis.call('TIME')
	local now = math.max(time[1] * 1e6 + time[2], 1 + (redis.call('GET', KEYS[5]) or 0))
	now = string.format('%.0f', now)
	redis.call('SET', KEYS[5], now)
	redis.call('HSET', KEYS[1], 'schema', ARGV[3], 'indexes', ARGV[4], 'unfinished', '', 'created', now,
		'position', 0, 'commit', ARGV[5], 'handled', 0, 'built', 0)
	redis.call('SADD', KEYS[2], ARGV[1])
	redis.call('SADD', KEYS[3], ARGV[2])
end
return {'ok', unpack(redis.call('HMGET', KEYS[1], 'schema', 'indexes', 'unfinished'))}
