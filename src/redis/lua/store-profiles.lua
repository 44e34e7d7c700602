-- Stores profiles unless a newer version is there: a reader that was slow must not put an older profile back. Of people
-- who were erased the version stays with `null` in place of the profile, for the same reason.
-- KEYS[i]: a user's key. ARGV[1]: time to live in ms. ARGV[2i], ARGV[2i + 1]: the profile's version and its JSON.
-- A value is the version, a space, and the JSON, so that one MGET reads many. Returns how many were stored.
local stored = 0
for i, key in ipairs(KEYS) do
  local version = ARGV[2 * i]
  local held = redis.call('GET', key)
  local heldVersion = held and tonumber(string.match(held, '^(%d+) '))
  -- Versions are whole numbers below 2^53, which Lua compares exactly.
  if not heldVersion or heldVersion <= tonumber(version) then
    redis.call('SET', key, version .. ' ' .. ARGV[2 * i + 1], 'PX', ARGV[1])
    stored = stored + 1
  end
end
return stored
