-- Reserves places under caps, for several notifications in order, each atomically with all of its caps.
--
-- KEYS: sorted sets, one per (user, category) or user: member = notification, score = its place, Unix ms.
-- ARGV[1]: JSON
--   now    0 for this server's clock
--   grace  ms that a return may be late and keep its place; places lie window + grace apart
--   asks   [[member, expiresAt, drop, [[key index, limit, window ms], …], [[quiet from, quiet until], …]], …]
-- Returns for each: 0 taken now, > 0 taken at that time, -1 too late for its expiry, -2 dropped.
--
-- A place is the earliest time at which no span of a window (and its grace), with the places already taken in past and
-- future, would hold more than the cap's limit. Integers below 2^53 are exact; %.0f keeps them from becoming 1e+12.
local asked = cjson.decode(ARGV[1])
local grace = asked.grace
local now = asked.now
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

-- The longest window of each key: how far back its places matter.
local function spansOf(caps)
  local spans = {}
  for _, cap in ipairs(caps) do
    local key, span = cap[1], cap[3] + grace
    if not spans[key] or span > spans[key] then spans[key] = span end
  end
  return spans
end

-- The places of a key in order, without the member's own; forgets those that no window reaches any more.
local function placesOf(key, span, member)
  local held = redis.call('ZRANGE', KEYS[key], 0, -1, 'WITHSCORES')
  local places, own, stale = {}, nil, false
  for i = 1, #held, 2 do
    local place = tonumber(held[i + 1])
    if held[i] == member then own = place
    elseif place <= now - span then stale = true
    else places[#places + 1] = place end
  end
  if stale then redis.call('ZREMRANGEBYSCORE', KEYS[key], '-inf', text(now - span)) end
  return places, own
end

-- The earliest time from `time` on at which one more place keeps this cap, or `time` itself.
local function afterCap(places, limit, span, time)
  local count = #places
  if count < limit then return time end
  local before = 0
  while before < count and places[before + 1] <= time do before = before + 1 end
  local lowest = math.max(1, before - limit + 1)
  local highest = math.min(before + 1, count - limit + 1)
  for i = highest, lowest, -1 do
    local first, last = places[i], places[i + limit - 1]
    if math.max(last, time) - math.min(first, time) < span then return places[i] + span end
  end
  return time
end

-- Moves a time on until no quiet window and no cap forbids it. Each step moves it forward past something that is finite.
local function earliestFrom(time, caps, quiet, placesByKey)
  local moved = true
  while moved do
    moved = false
    for _, window in ipairs(quiet) do
      if time >= window[1] and time < window[2] then time = window[2]; moved = true end
    end
    for _, cap in ipairs(caps) do
      local later = afterCap(placesByKey[cap[1]], cap[2], cap[3] + grace, time)
      if later > time then time = later; moved = true end
    end
  end
  return time
end

local answers = {}
for index, ask in ipairs(asked.asks) do
  local member, expiresAt, drop, caps, quiet = ask[1], ask[2], ask[3], ask[4], ask[5]
  local spans = spansOf(caps)
  local placesByKey, own = {}, nil
  for key, span in pairs(spans) do
    local places, held = placesOf(key, span, member)
    placesByKey[key] = places
    own = held or own
  end
  if own and own + grace >= now then
    -- It has its place already: asked again after a crash, or back from its wait.
    answers[index] = own <= now and 0 or own
  else
    local place = earliestFrom(now, caps, quiet, placesByKey)
    if drop == 1 and place > now then
      answers[index] = -2
    elseif place >= expiresAt then
      answers[index] = -1
      if own then
        for key in pairs(spans) do redis.call('ZREM', KEYS[key], member) end
      end
    else
      for key, span in pairs(spans) do
        redis.call('ZADD', KEYS[key], text(place), member)
        local places = placesByKey[key]
        local last = math.max(place, places[#places] or place)
        -- Outlives every window that a place of it may lie in.
        redis.call('PEXPIREAT', KEYS[key], text(last + span + 60000))
      end
      answers[index] = place <= now and 0 or place
    end
  end
end
return answers
