-- Gives rows their entries of an index that was declared after they were stored. Whoever changed a row since gave it one.
--
-- KEYS  the generation, the index's set
-- ARGV  what the keys of rows begin with, the index's field; and of each row its name, its position, and the beginning
--       and the end of its member
if redis.call('EXISTS', KEYS[1]) == 0 then return 'no generation' end
for i = 3, #ARGV, 4 do
	local row = ARGV[1] .. ARGV[i]
	local old = redis.call('HMGET', row, '@position', ARGV[2], '@gone')
	if old[1] == ARGV[i + 1] and not old[2] and not old[3] then
		redis.call('HSET', row, ARGV[2], ARGV[i + 2])
		redis.call('ZADD', KEYS[2], 0, ARGV[i + 2] .. ARGV[i + 3])
	end
end
return 'ok'
