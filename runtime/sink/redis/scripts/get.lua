-- Rows by their names, and the checkpoint.
--
-- KEYS  the generation
-- ARGV  what the keys of rows begin with, the number of fields, the fields, of which the first is in every row, and
--       the rows' names
local at = redis.call('HMGET', KEYS[1], 'position', 'commit', 'handled', 'built')
if not at[1] then return 'no generation' end
local count = tonumber(ARGV[2])
local rows = {}
for i = 3 + count, #ARGV do
	local row = redis.call('HMGET', ARGV[1] .. ARGV[i], unpack(ARGV, 3, 2 + count))
	rows[#rows + 1] = row[1] and row
end
at[5] = rows
return at
