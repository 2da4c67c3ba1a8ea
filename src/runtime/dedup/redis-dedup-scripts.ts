import { redisScript } from '../redis/redis-scripts.js';

// What the Redis store does, each as one atomic script. A scope is a hash from id to state, `d<ms>` for one that is
// finished, `c<ms>:<owner>` for one that is claimed until then; and a list per partition of its finished ids, oldest
// first (one of the scope, where the window is of time alone). Ids go in and out in bulk: one HMGET and one HSET for a
// thousand.

/** HMGET and its like take their arguments from Lua's stack, which is not endless. */
const BULK = 1000;

const NOW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/** Whether the state is a claim of this owner's. */
const IS_MINE = `
local function mine(state, owner)
  local colon = string.find(state, ':', 2, true)
  return colon and string.sub(state, colon + 1) == owner
end
`;

/** Writes field and value pairs, in bulk. */
const WRITE = `
local function write(key, pairs)
  for from = 1, #pairs, ${BULK} do
    redis.call('HSET', key, unpack(pairs, from, math.min(from + ${BULK - 1}, #pairs)))
  end
end
`;

/** KEYS hash · ARGV owner, lease, ids … → a digit per id: 1 first, 0 done, 2 in progress. */
export const CLAIM = redisScript(`${NOW}${IS_MINE}${WRITE}
local claim = 'c' .. string.format('%.0f', now + ARGV[2]) .. ':' .. ARGV[1]
local answers, fresh = {}, {}
for from = 3, #ARGV, ${BULK} do
  local states = redis.call('HMGET', KEYS[1], unpack(ARGV, from, math.min(from + ${BULK - 1}, #ARGV)))
  for i = 1, #states do
    local state, answer = states[i], '1'
    if state then
      if string.byte(state) == 100 then
        answer = '0'
      elseif not mine(state, ARGV[1]) and tonumber(string.match(state, '^c(%d+)')) > now then
        answer = '2'
      end
    end
    if answer == '1' then
      fresh[#fresh + 1] = ARGV[from + i - 1]
      fresh[#fresh + 1] = claim
    end
    answers[#answers + 1] = answer
  end
end
write(KEYS[1], fresh)
return table.concat(answers)
`);

/** KEYS hash, lists … · ARGV count or -1, time or -1, lease; then for each list the number of its ids, and those. */
export const FINISH = redisScript(`${NOW}${WRITE}
local count, time = tonumber(ARGV[1]), tonumber(ARGV[2])
local done = 'd' .. string.format('%.0f', now)
local life = string.format('%.0f', time + ARGV[3])

local function add(list, first, last)
  for from = first, last, ${BULK} do
    local to = math.min(from + ${BULK - 1}, last)
    local states = redis.call('HMGET', KEYS[1], unpack(ARGV, from, to))
    local fresh, ids = {}, {}
    for i = 1, #states do
      if not states[i] or string.byte(states[i]) ~= 100 then
        fresh[#fresh + 1] = ARGV[from + i - 1]
        fresh[#fresh + 1] = done
        ids[#ids + 1] = ARGV[from + i - 1]
      end
    end
    write(KEYS[1], fresh)
    if #ids > 0 then redis.call('RPUSH', list, unpack(ids)) end
  end
end

local function trim(list)
  local over = redis.call('LLEN', list) - math.max(count, 0)
  while over > 0 do
    local ids = redis.call('LRANGE', list, 0, math.min(over, ${BULK}) - 1)
    local gone = #ids
    if time >= 0 then
      local states = redis.call('HMGET', KEYS[1], unpack(ids))
      gone = 0
      while gone < #ids do
        local state = states[gone + 1]
        local at = state and tonumber(string.match(state, '^d(%d+)'))
        if at and at + time > now then break end
        gone = gone + 1
      end
    end
    if gone == 0 then break end
    redis.call('HDEL', KEYS[1], unpack(ids, 1, gone))
    redis.call('LTRIM', list, gone, -1)
    over = over - gone
    if gone < #ids then break end
  end
end

local at = 4
for i = 2, #KEYS do
  local last = at + ARGV[at]
  add(KEYS[i], at + 1, last)
  trim(KEYS[i])
  if count < 0 then redis.call('PEXPIRE', KEYS[i], life) end
  at = last + 1
end
if count < 0 then redis.call('PEXPIRE', KEYS[1], life) end
return 1
`);

/** KEYS hash · ARGV owner, ids … */
export const RELEASE = redisScript(`${IS_MINE}
for from = 2, #ARGV, ${BULK} do
  local states = redis.call('HMGET', KEYS[1], unpack(ARGV, from, math.min(from + ${BULK - 1}, #ARGV)))
  for i = 1, #states do
    if states[i] and mine(states[i], ARGV[1]) then redis.call('HDEL', KEYS[1], ARGV[from + i - 1]) end
  end
end
return 1
`);

/** KEYS hash · ARGV owner, lease, ids … */
export const RENEW = redisScript(`${NOW}${IS_MINE}
local claim = 'c' .. string.format('%.0f', now + ARGV[2]) .. ':' .. ARGV[1]
for from = 3, #ARGV, ${BULK} do
  local states = redis.call('HMGET', KEYS[1], unpack(ARGV, from, math.min(from + ${BULK - 1}, #ARGV)))
  for i = 1, #states do
    if states[i] and mine(states[i], ARGV[1]) then redis.call('HSET', KEYS[1], ARGV[from + i - 1], claim) end
  end
end
return 1
`);
