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
--
-- Nobody else is served meanwhile, so what it costs is bounded even where one person is told of thousands of things at
-- once: each key is read and written once, and of asks that are alike each begins where the one before it ended.
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
local spans = {}
for _, ask in ipairs(asked.asks) do
  for _, cap in ipairs(ask[4]) do
    local key, span = cap[1], cap[3] + grace
    if not spans[key] or span > spans[key] then spans[key] = span end
  end
end

-- How many of some times in order are not after a moment.
local function countUntil(times, moment)
  local low, high = 0, #times
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    if times[middle] <= moment then low = middle else high = middle - 1 end
  end
  return low
end

-- By key: `times` of its places in order, but for those that no window reaches any more; `placeOf` by member; `added`,
-- scores and members to be written.
local calendars = {}

local function calendarOf(key)
  if calendars[key] then return calendars[key] end
  local calendar = { times = {}, placeOf = {}, added = {} }
  local held = redis.call('ZRANGE', KEYS[key], 0, -1, 'WITHSCORES')
  local oldest, stale = now - spans[key], false
  for i = 1, #held, 2 do
    local place = tonumber(held[i + 1])
    calendar.placeOf[held[i]] = place
    if place <= oldest then stale = true else calendar.times[#calendar.times + 1] = place end
  end
  if stale then redis.call('ZREMRANGEBYSCORE', KEYS[key], '-inf', text(oldest)) end
  calendars[key] = calendar
  return calendar
end

local function addTime(calendar, place)
  table.insert(calendar.times, countUntil(calendar.times, place) + 1, place)
end

local function removeTime(calendar, place)
  local index = countUntil(calendar.times, place)
  if calendar.times[index] == place then table.remove(calendar.times, index) end
end

-- The earliest time from `time` on at which one more place keeps this cap. Any `limit` places in a row that lie within
-- a span forbid whatever would share a span with all of them.
local function afterCap(times, limit, span, time)
  for i = countUntil(times, time - span) + 1, #times - limit + 1 do
    local first, last = times[i], times[i + limit - 1]
    if last - span >= time then break end
    if last - first < span and first + span > time then time = first + span end
  end
  return time
end

-- Moves a time on until no quiet window and no cap forbids it. Each step moves it forward past something that is finite.
local function earliestFrom(time, caps, quiet)
  local moved = true
  while moved do
    moved = false
    for _, window in ipairs(quiet) do
      if time >= window[1] and time < window[2] then time = window[2]; moved = true end
    end
    for _, cap in ipairs(caps) do
      local later = afterCap(calendarOf(cap[1]).times, cap[2], cap[3] + grace, time)
      if later > time then time = later; moved = true end
    end
  end
  return time
end

-- Where the search of an ask with the same caps and quiet windows ended: places are only added, so before it there is
-- none for the next one either.
local endedAt = {}

local function earliestPlace(caps, quiet)
  local alike = cjson.encode({ caps, quiet })
  local place = earliestFrom(endedAt[alike] or now, caps, quiet)
  endedAt[alike] = place
  return place
end

local function answer(ask)
  local member, expiresAt, drop, caps, quiet = ask[1], ask[2], ask[3], ask[4], ask[5]
  local keys, own = {}, nil
  for _, cap in ipairs(caps) do
    keys[cap[1]] = true
    own = calendarOf(cap[1]).placeOf[member] or own
  end
  -- It has its place already: asked again after a crash, or back from its wait.
  if own and own + grace >= now then return own <= now and 0 or own end
  if own then
    for key in pairs(keys) do removeTime(calendarOf(key), own) end
    endedAt = {}
  end
  local place = earliestPlace(caps, quiet)
  if drop == 1 and place > now then
    if own then
      for key in pairs(keys) do
        if own > now - spans[key] then addTime(calendarOf(key), own) end
      end
    end
    return -2
  end
  if place >= expiresAt then
    if own then
      for key in pairs(keys) do
        calendarOf(key).placeOf[member] = nil
        redis.call('ZREM', KEYS[key], member)
      end
    end
    return -1
  end
  for key in pairs(keys) do
    local calendar = calendarOf(key)
    calendar.placeOf[member] = place
    addTime(calendar, place)
    calendar.added[#calendar.added + 1] = text(place)
    calendar.added[#calendar.added + 1] = member
  end
  return place <= now and 0 or place
end

local answers = {}
for index, ask in ipairs(asked.asks) do answers[index] = answer(ask) end

-- Lua hands over so many arguments safely.
local argumentsMax = 2000
for key, calendar in pairs(calendars) do
  local added = calendar.added
  for first = 1, #added, argumentsMax do
    redis.call('ZADD', KEYS[key], unpack(added, first, math.min(first + argumentsMax - 1, #added)))
  end
  -- Outlives every window that a place of it may lie in.
  if #added > 0 then
    redis.call('PEXPIREAT', KEYS[key], text(calendar.times[#calendar.times] + spans[key] + 60000))
  end
end
return answers
