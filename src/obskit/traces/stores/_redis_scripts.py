"""
What the Redis store does on the server: one script for each call.

Three keys, whatever the number of traces; the bounds hold among all writers since
nothing runs between two lines of a script.

    index   sorted set, all of one score, so its members are in the order of their bytes:
            a:<key>  every trace       u:<user>:<key>  those of a user
            i:<trace id>:<key>         those of an id
    docs    hash    <key>    user, trace id, 1 while it runs and else 0, document
    alive   sorted set of processes by the time, in ms of the server, until which they count as alive

A server that evicts one of the keys loses traces, never the bounds: `index` and
`docs` go together then.
"""

from __future__ import annotations

from typing import Final

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

local function key_of(member)
  return string.sub(member, -32)
end

-- User, trace id, '1' while it runs, document.
local function read(key)
  return string.match(call('HGET', docs, key) or '', '^(%S*) (%S+) ([01]) (.*)$')
end

local function remove(member)
  local key = key_of(member)
  local user, trace_id = read(key)
  call('ZREM', index, member, 'a:' .. key)
  if user then
    call('ZREM', index, 'u:' .. user .. ':' .. key, 'i:' .. trace_id .. ':' .. key)
  end
  call('HDEL', docs, key)
  return key
end
"""

#: Arguments: per_user, total, first key that is not too old, ms until all expires ('' for never).
#: For each change: key, user, trace id, is new, is final, document.
#: Returns how many final changes found their trace gone.
WRITE: Final = (
    _SHARED
    + """
local per_user, total, oldest, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]

local function make_room(words, bound)
  local first, last = under(words)
  local excess = call('ZLEXCOUNT', index, first, last) - bound + 1
  if excess <= 0 then return end
  for _, member in ipairs(call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, excess)) do remove(member) end
end

if (call('ZCARD', index) == 0) ~= (call('HLEN', docs) == 0) then call('UNLINK', index, docs) end
for _, member in ipairs(call('ZRANGEBYLEX', index, '[a:', '(a:' .. oldest)) do remove(member) end
local gone = 0
for first = 5, #ARGV, 6 do
  local key, user, trace_id, is_new, is_final, document = unpack(ARGV, first, first + 5)
  local is_known = read(key) ~= nil
  if is_new == '1' and not is_known and key >= oldest then
    make_room('u:' .. user, per_user)
    make_room('a', total)
    call('ZADD', index, 0, 'a:' .. key, 0, 'u:' .. user .. ':' .. key, 0, 'i:' .. trace_id .. ':' .. key)
    is_known = true
  end
  if is_known then
    call('HSET', docs, key, user .. ' ' .. trace_id .. ' ' .. 1 - is_final .. ' ' .. document)
  elseif is_final == '1' then
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
local function add(key)
  local _, _, is_running, document = read(key)
  if not document then return end
  local lives_until = call('ZSCORE', alive, string.sub(key, 17)) or '0'
  local is_lost = is_running == '1' and tonumber(lives_until) < now_ms()
  table.insert(answer, {key, document, is_lost and 1 or 0})
end
"""

#: Arguments: 'a' for everybody or 'u:<user>', limit.
#: Returns key, document, and 1 for a lost one, of each trace, newest first.
RECENT: Final = (
    _SHARED
    + _ANSWER
    + """
local first, last = under(ARGV[1])
for _, member in ipairs(call('ZREVRANGEBYLEX', index, last, first, 'LIMIT', 0, ARGV[2])) do
  add(key_of(member))
end
return answer
"""
)

#: Arguments: beginning of a trace id, limit. Returns the same as RECENT.
FIND: Final = (
    _SHARED
    + _ANSWER
    + """
local keys = {}
-- 'g' is what follows the last hex digit.
for _, member in ipairs(call('ZRANGEBYLEX', index, '[i:' .. ARGV[1], '(i:' .. ARGV[1] .. 'g')) do
  table.insert(keys, key_of(member))
end
table.sort(keys, function(one, other) return one > other end)
for position = 1, math.min(ARGV[2], #keys) do add(keys[position]) end
return answer
"""
)

#: Arguments: user. Returns the keys of the traces that there were.
FORGET: Final = (
    _SHARED
    + """
local keys = {}
local first, last = under('u:' .. ARGV[1])
for _, member in ipairs(call('ZRANGEBYLEX', index, first, last)) do table.insert(keys, remove(member)) end
return keys
"""
)

#: Arguments: process, ms that it lives without a beat.
BEAT: Final = (
    _SHARED
    + """
call('ZADD', alive, now_ms() + ARGV[2], ARGV[1])
call('ZREMRANGEBYSCORE', alive, '-inf', now_ms() - 1)
call('PEXPIRE', alive, ARGV[2])
"""
)
