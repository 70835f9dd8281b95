-- The same as plan.py's `decide`, number for number, with the server's time. All numbers stay below 2^53.
-- KEYS[i]: the buckets. ARGV: now in microseconds (-1: TIME; only tests give another), cost, up to how many, then for
-- each bucket: interval, per_micro, capacity, 1 if enforced. Returns granted, then debt and wait of each, in ticks.
local now, cost, upto = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local granted = math.max(cost, upto)
local refused = false
local buckets = {}
for i = 1, #KEYS do
  local a = 4 * i
  local interval, per_micro, capacity = tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
  local burst = interval * capacity
  local owed = 0
  local kept = redis.call('GET', KEYS[i])
  if kept then
    local whole, rest, before = string.match(kept, '^(%d+):(%d+):(%d+)$')
    whole, rest, before = tonumber(whole), tonumber(rest), tonumber(before)
    if whole and (before == 0) == (per_micro == 0) then
      if per_micro == 0 then
        owed = rest
      else
        if before ~= per_micro then
          if rest > 0 then whole = whole + 1 end
          rest = 0
        end
        if whole - now > burst / per_micro then owed = burst else owed = (whole - now) * per_micro + rest end
      end
      owed = math.min(math.max(owed, 0), burst)
    end
  end
  local wait = math.max(0, owed + interval * cost - burst)
  if ARGV[a + 3] == '1' then
    if wait > 0 then refused = true end
    local room = burst - owed
    granted = math.min(granted, (room - room % interval) / interval)
  end
  buckets[i] = {interval, per_micro, burst, owed, wait}
end
if refused then granted = 0 end
local answer = {granted}
for i, b in ipairs(buckets) do
  local interval, per_micro, burst, owed, wait = b[1], b[2], b[3], b[4], b[5]
  if granted > 0 and owed + interval * granted <= burst then owed = owed + interval * granted end
  if granted > 0 or owed >= burst then -- see `is_kept`
    -- Kept for a minute at least: a replica that takes over may have a clock that is behind.
    local rest, whole, seconds = owed, 0, 31536000
    if per_micro > 0 then
      rest = owed % per_micro
      local micros = (owed - rest) / per_micro
      whole = now + micros
      seconds = math.max(60, math.ceil(micros / 1000000) + 1)
    end
    redis.call('SET', KEYS[i], string.format('%.0f:%.0f:%.0f', whole, rest, per_micro), 'EX', seconds)
  end
  answer[#answer + 1] = owed
  answer[#answer + 1] = wait
end
return answer
