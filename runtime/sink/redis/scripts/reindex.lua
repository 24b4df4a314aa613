-- Says that a generation has further indexes, or that they have all entries now.
--
-- KEYS  the generation
-- ARGV  the names of the indexes as they are known, the unfinished ones among them, and what both are to be
local known = redis.call('HMGET', KEYS[1], 'indexes', 'unfinished')
if not known[1] then return 'no generation' end
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then return 'indexes' end
redis.call('HSET', KEYS[1], 'indexes', ARGV[3], 'unfinished', ARGV[4])
return 'ok'
