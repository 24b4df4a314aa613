-- Lets the pointer lead to another generation.
--
-- KEYS  the generation, the pointer, the clock
-- ARGV  the fingerprint
local at = redis.call('HMGET', KEYS[1], 'position', 'built')
if not at[1] then return 'no generation' end
if redis.call('GET', KEYS[2]) == ARGV[1] then return 'ok' end
if at[2] ~= '1' then return at[1] end
local time = redis.call('TIME')
local now = math.max(time[1] * 1e6 + time[2], 1 + (redis.call('GET', KEYS[3]) or 0))
now = string.format('%.0f', now)
redis.call('SET', KEYS[3], now)
redis.call('SET', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'promoted', now)
return 'ok'
