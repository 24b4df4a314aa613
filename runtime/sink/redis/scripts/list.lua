-- The generations of a projection, with the fingerprint of the active one and the time in microseconds.
--
-- KEYS  the set of generations, the pointer to the active one
-- ARGV  what the keys of generations begin with, the fields
local time = redis.call('TIME')
local all = {redis.call('GET', KEYS[2]) or '', string.format('%.0f', time[1] * 1e6 + time[2])}
for _, fingerprint in ipairs(redis.call('SMEMBERS', KEYS[1])) do
	all[#all + 1] = redis.call('HMGET', ARGV[1] .. fingerprint, unpack(ARGV, 2))
end
return all
