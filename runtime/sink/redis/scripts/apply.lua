-- One part of a batch: rows and their index entries, and with the last part the checkpoint.
--
-- KEYS  the generation, its set of keys, its tombstones, and the set of each index
-- ARGV  the checkpoint from which the batch leads: position, commit, handled, built; the names of the indexes;
--       what the keys of rows begin with; "part" or "whole"; "last" or ""; "clear" or ""; the checkpoint to which it
--       leads; the field of each index; and then the changes. A change is the row's name, its position, the end of its
--       members of sets, and the number of the fields and values that follow; -1 deletes. What follows begins with the
--       beginning of the row's member of each index.
--
-- A part is visible without the checkpoint. A row says what it reflects, so that a part can be stored again, and a
-- deleted one stays as a tombstone until the checkpoint is there.
local generation, keys, gone = KEYS[1], KEYS[2], KEYS[3]
local at = redis.call('HMGET', generation, 'position', 'commit', 'handled', 'built', 'indexes')
if not at[1] then return 'no generation' end
for i = 1, 4 do
	if at[i] ~= ARGV[i] then return 'fenced' end
end
if at[5] ~= ARGV[5] then return 'indexes' end
local rows, part, last, clear = ARGV[6], ARGV[7] == 'part', ARGV[8] == 'last', ARGV[9] == 'clear'
local indexes = #KEYS - 3
local fields = {'@position', '@gone'}
for i = 1, indexes do fields[2 + i] = ARGV[13 + i] end

-- Entries are added and removed many at once, in either order: a member belongs to one row, and a row changes once.
local adds, removes = {}, {}
for i = 2, #KEYS do adds[i], removes[i] = {}, {} end
local function flush(i)
	if #adds[i] > 0 then redis.call('ZADD', KEYS[i], unpack(adds[i])) end
	if #removes[i] > 0 then redis.call('ZREM', KEYS[i], unpack(removes[i])) end
	adds[i], removes[i] = {}, {}
end
local function add(i, member)
	local a = adds[i]
	a[#a + 1], a[#a + 2] = 0, member
	if #a >= 2000 then flush(i) end
end
local function remove(i, member)
	local r = removes[i]
	r[#r + 1] = member
	if #r >= 2000 then flush(i) end
end
-- Positions are compared as text: a Lua number does not hold each of them.
local function later(a, b) return #a > #b or #a == #b and a > b end

local i = 14 + indexes
while i <= #ARGV do
	local name, position, ending, count = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
	i = i + 4
	local row = rows .. name
	local old = redis.call('HMGET', row, unpack(fields))
	local live = old[1] and not old[2]
	if old[1] and later(old[1], position) then
		-- The row reflects more than this batch: a part of another one was stored, and the checkpoint was not.
		if count >= 0 then i = i + indexes + count end
	elseif count >= 0 then
		if old[1] and (clear or old[2]) then redis.call('DEL', row) end
		if not live then add(2, ending) end
		for n = 1, indexes do
			local beginning = ARGV[i + n - 1]
			if not live or old[2 + n] ~= beginning then
				if live then remove(3 + n, old[2 + n] .. ending) end
				add(3 + n, beginning .. ending)
			end
		end
		i = i + indexes
		redis.call('HSET', row, unpack(ARGV, i, i + count - 1))
		i = i + count
	else
		if live then
			remove(2, ending)
			for n = 1, indexes do remove(3 + n, old[2 + n] .. ending) end
		end
		if old[1] then redis.call('DEL', row) end
		if part then
			redis.call('HSET', row, '@position', position, '@gone', 1)
			redis.call('SADD', gone, name)
		end
	end
end
for n = 2, #KEYS do
	if n ~= 3 then flush(n) end
end

if last then
	redis.call('HSET', generation, 'position', ARGV[10], 'commit', ARGV[11], 'handled', ARGV[12], 'built', ARGV[13])
	for _, name in ipairs(redis.call('SMEMBERS', gone)) do
		local row = rows .. name
		local old = redis.call('HMGET', row, '@position', '@gone')
		if not old[2] then
			redis.call('SREM', gone, name)
		elseif not later(old[1], ARGV[10]) then
			redis.call('DEL', row)
			redis.call('SREM', gone, name)
		end
	end
end
return 'ok'
