-- The rows of a range of a set, in its order, and the checkpoint.
--
-- KEYS  the generation, the set
-- ARGV  the range's beginning and end, how many rows at most or -1, what the keys of rows begin with, the fields
local at = redis.call('HMGET', KEYS[1], 'position', 'commit', 'handled', 'built')
if not at[1] then return 'no generation' end
local members = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local rows = {}
for i, member in ipairs(members) do
	-- A member ends with the row's name, and the length of that.
	local length = struct.unpack('>I4', string.sub(member, -4))
	rows[i] = redis.call('HMGET', ARGV[4] .. string.sub(member, -4 - length, -5), unpack(ARGV, 5))
end
at[5] = rows
at[6] = members[#members] or ''
return at
