-- Deletes some rows of a dropped generation, and says how many; when there are none left, everything else.
--
-- KEYS  the set of keys, the tombstones, the projection's generations that are being dropped and those that are there,
--       the set of projections
-- ARGV  the fingerprint, what the keys of rows begin with, how many, what the keys of indexes begin with, the projection
local indexes = redis.call('HGET', KEYS[3], ARGV[1])
if not indexes then return 0 end
local swept = redis.call('ZPOPMIN', KEYS[1], ARGV[3])
for i = 1, #swept, 2 do
	-- A member ends with the row's name, and the length of that.
	local length = struct.unpack('>I4', string.sub(swept[i], -4))
	redis.call('UNLINK', ARGV[2] .. string.sub(swept[i], -4 - length, -5))
end
local gone = redis.call('SPOP', KEYS[2], ARGV[3])
for _, name in ipairs(gone) do redis.call('UNLINK', ARGV[2] .. name) end
if #swept + #gone > 0 then return #swept / 2 + #gone end
for name in string.gmatch(indexes, '%S+') do redis.call('UNLINK', ARGV[4] .. name) end
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('EXISTS', KEYS[3], KEYS[4]) == 0 then redis.call('SREM', KEYS[5], ARGV[5]) end
return 0
