-- Counts one more request in the window of its key; the first one opens it.
-- KEYS[1] the counter   ARGV[1] window in ms
-- Returns how many there were, and how long the window goes on in ms.
local count = redis.call('INCR', KEYS[1])
local rest = redis.call('PTTL', KEYS[1])
if rest < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  rest = tonumber(ARGV[1])
end
return { count, rest }
