-- The number of entries in a range of a set, and the checkpoint.
--
-- KEYS  the generation, the set
-- ARGV  the range's beginning and end
local at = redis.call('HMGET', KEYS[1], 'position', 'commit', 'handled', 'built')
if not at[1] then return 'no generation' end
at[5] = redis.call('ZLEXCOUNT', KEYS[2], ARGV[1], ARGV[2])
return at
