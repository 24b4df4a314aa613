-- Takes a generation out of the catalogue; its rows are swept afterwards.
--
-- KEYS  the generation, the pointer, the set of generations, and those being dropped, with the names of their indexes
-- ARGV  the fingerprint
if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1 then return 'ok' end
local held = redis.call('HMGET', KEYS[1], 'position', 'holder', 'until', 'indexes')
if not held[1] then return 'no generation' end
if redis.call('GET', KEYS[2]) == ARGV[1] then return 'active' end
local time = redis.call('TIME')
if held[2] and held[2] ~= '' and tonumber(held[3]) > time[1] * 1e6 + time[2] then
	return {held[2], held[3]}
end
redis.call('HSET', KEYS[4], ARGV[1], held[4])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[1])
return 'ok'
