-- Takes or renews a lease, by the server's clock, and says what the checkpoint is.
--
-- KEYS  the generation
-- ARGV  the holder, how long in microseconds, the report
local held = redis.call('HMGET', KEYS[1], 'position', 'commit', 'handled', 'built', 'holder', 'until')
if not held[1] then return 'no generation' end
local time = redis.call('TIME')
local now = time[1] * 1e6 + time[2]
if held[5] and held[5] ~= '' and held[5] ~= ARGV[1] and tonumber(held[6]) > now then
	return {held[1], held[2], held[3], held[4], held[5], held[6]}
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]),
	'report', ARGV[3], 'reported', string.format('%.0f', now))
return {held[1], held[2], held[3], held[4], '', ''}
