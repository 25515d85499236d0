"""
What the Redis store does on the server: one script for each call.

Three keys, whatever the number of traces; the bounds hold among all writers since
nothing runs between two lines of a script.

    index   sorted set, all of one score, so its members are in the order of their bytes:
            a:<place>  every trace     u:<user>:<place>  those of a user
            i:<trace id>:<place>       those of an id
    docs    hash    <place>         the trace
                    <place>:<slot>  a step of one that runs
                    <place>@        user, trace id and number of slots; -1 slots: it has ended
    alive   sorted set of processes by the time, in ms of the server, until which they count as alive

A server that evicts one of the keys loses traces, never the bounds: `index` and
`docs` go together then.
"""

from __future__ import annotations

from typing import Final

from ...storage.redis import Script

_SHARED: Final = """
local index, docs, alive = KEYS[1], KEYS[2], KEYS[3]
local call = redis.call

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The range of the members that begin with these words; ';' is what follows ':'.
local function under(words)
  return '[' .. words .. ':', '(' .. words .. ';'
end

local function place_of(member)
  return string.sub(member, -48)
end

local function about(place)
  local user, trace_id, slots = string.match(call('HGET', docs, place .. '@') or '', '^(%S*) (%S+) (%S+)$')
  return user, trace_id, tonumber(slots)
end

local function drop_steps(place, slots)
  for slot = 0, (slots or 0) - 1 do call('HDEL', docs, place .. ':' .. slot) end
end

local function remove(member)
  local place = place_of(member)
  local user, trace_id, slots = about(place)
  call('ZREM', index, member, 'a:' .. place)
  if user then
    call('ZREM', index, 'u:' .. user .. ':' .. place, 'i:' .. trace_id .. ':' .. place)
  end
  drop_steps(place, slots)
  call('HDEL', docs, place, place .. '@')
end

local function remove_older(cutoff)
  if cutoff == '' then return end
  for _, member in ipairs(call('ZRANGEBYLEX', index, '[a:', '(a:' .. cutoff)) do remove(member) end
end
"""

#: Arguments: per_user, total, first place that is not too old ('' for any), ms until all expires
#: ('' for never), number of changes. For each change: place, user, trace id, is new, is final,
#: document ('' where it has not changed), number of steps, then slot and document of each.
#: Returns how many final changes found their trace gone.
WRITE: Final = Script(
    _SHARED
    + """
local per_user, total, cutoff, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local next_argument = 5
local function take()
  next_argument = next_argument + 1
  return ARGV[next_argument - 1]
end

local function make_room(words, bound)
  local first, last = under(words)
  local excess = call('ZLEXCOUNT', index, first, last) - bound + 1
  if excess <= 0 then return end
  for _, member in ipairs(call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, excess)) do remove(member) end
end

local function begin(place, user, trace_id)
  make_room('u:' .. user, per_user)
  make_room('a', total)
  call('ZADD', index, 0, 'a:' .. place, 0, 'u:' .. user .. ':' .. place, 0, 'i:' .. trace_id .. ':' .. place)
end

if (call('ZCARD', index) == 0) ~= (call('HLEN', docs) == 0) then call('UNLINK', index, docs) end
remove_older(cutoff)
local gone = 0
for _ = 1, tonumber(take()) do
  local place, user, trace_id = take(), take(), take()
  local is_new, is_final, document = take() == '1', take() == '1', take()
  local steps = {}
  for position = 1, 2 * tonumber(take()) do steps[position] = take() end
  local whose, _, slots = about(place)
  local is_known = whose ~= nil
  if is_new and not is_known and place >= cutoff then
    begin(place, user, trace_id)
    is_known, slots = true, 0
  end
  if is_known then
    if document ~= '' then call('HSET', docs, place, document) end
    if is_final then
      drop_steps(place, slots)
      slots = -1
    else
      for position = 1, #steps, 2 do
        call('HSET', docs, place .. ':' .. steps[position], steps[position + 1])
        slots = math.max(slots, steps[position] + 1)
      end
    end
    call('HSET', docs, place .. '@', user .. ' ' .. trace_id .. ' ' .. slots)
  elseif is_final then
    gone = gone + 1
  end
end
if ttl ~= '' then
  call('PEXPIRE', index, ttl)
  call('PEXPIRE', docs, ttl)
end
return gone
"""
)

_ANSWER: Final = """
local answer = {}
local function add(place)
  local document = call('HGET', docs, place)
  if not document then return end
  local _, _, slots = about(place)
  local lives_until = slots and slots >= 0 and (call('ZSCORE', alive, string.sub(place, 17, 32)) or '0')
  local kept = {place, document, lives_until and tonumber(lives_until) < now_ms() and 1 or 0}
  for slot = 0, (slots or 0) - 1 do
    local step = call('HGET', docs, place .. ':' .. slot)
    if step then table.insert(kept, step) end
  end
  table.insert(answer, kept)
end
"""

#: Arguments: 'a' for everybody or 'u:<user>', first place that is not too old, limit, keys to leave out.
#: Returns place, document, 1 for a lost one, and steps of each trace, newest first.
RECENT: Final = Script(
    _SHARED
    + _ANSWER
    + """
local words, cutoff, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local skipped = {}
for position = 4, #ARGV do skipped[ARGV[position]] = true end
local first, last = under(words)
for _, member in ipairs(call('ZREVRANGEBYLEX', index, last, first, 'LIMIT', 0, limit + #ARGV - 3)) do
  local place = place_of(member)
  if #answer < limit and place >= cutoff and not skipped[string.sub(place, -16)] then add(place) end
end
return answer
"""
)

#: Arguments: beginning of a trace id, first place that is not too old, limit. Returns the same as RECENT.
FIND: Final = Script(
    _SHARED
    + _ANSWER
    + """
local prefix, cutoff, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local places = {}
-- 'g' is what follows the last hex digit.
for _, member in ipairs(call('ZRANGEBYLEX', index, '[i:' .. prefix, '(i:' .. prefix .. 'g')) do
  if place_of(member) >= cutoff then table.insert(places, place_of(member)) end
end
table.sort(places, function(one, other) return one > other end)
for position = 1, math.min(limit, #places) do add(places[position]) end
return answer
"""
)

#: Arguments: user, first place that is not too old. Returns how many traces there were.
FORGET: Final = Script(
    _SHARED
    + """
remove_older(ARGV[2])
local first, last = under('u:' .. ARGV[1])
local members = call('ZRANGEBYLEX', index, first, last)
for _, member in ipairs(members) do remove(member) end
return #members
"""
)

#: Arguments: process, ms that it lives without a beat.
BEAT: Final = Script(
    _SHARED
    + """
call('ZADD', alive, now_ms() + ARGV[2], ARGV[1])
call('ZREMRANGEBYSCORE', alive, '-inf', now_ms() - 1)
call('PEXPIRE', alive, ARGV[2])
"""
)
