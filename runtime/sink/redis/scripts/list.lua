-- The generations of a projection, with the fingerprint of the active one.
--
-- KEYS  the set of generations, the pointer to the active one
-- ARGV  what the keys of generations begin with, the fields
local all = {redis.call('GET', KEYS[2]) or ''}
for _, fingerprint in ipairs(redis.call('SMEMBERS', KEYS[1])) do
	all[#all + 1] = redis.call('HMGET', ARGV[1] .. fingerprint, unpack(ARGV, 2))
end
return all
