-- Gives a lease up, if it is the holder's.
--
-- KEYS  the generation
-- ARGV  the holder, the report
local holder = redis.call('HMGET', KEYS[1], 'position', 'holder')
if not holder[1] then return 'no generation' end
if holder[2] == ARGV[1] then
	local time = redis.call('TIME')
	redis.call('HSET', KEYS[1], 'holder', '', 'until', '', 'report', ARGV[2],
		'reported', string.format('%.0f', time[1] * 1e6 + time[2]))
end
return 'ok'
