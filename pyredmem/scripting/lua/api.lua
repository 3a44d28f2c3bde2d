-- The table `redis` of scripts.
--
-- `host` has functions of Python. They never raise an error: one that can fail returns the kind of its result after it.
-- A reply of a command comes in one of these forms:
--
--     value                       a string, number or boolean; nil
--     text, STATUS                a status reply
--     text, FAILURE               an error reply
--     text, MISUSE                a call that is no command
--     count, LIST, ...            an array of strings, numbers and false
--     count, STREAM, ...          anything, as a stream of parts (see `build`)
--     count, CHUNKS               the same, in several chunks
--     text, OUTSIDE               no script is running: an error even for redis.pcall

local support, host, state = ...

local error, select, type, tonumber, tostring, getinfo = error, select, type, tonumber, tostring, debug.getinfo
local byte, find, sub, gsub, floor = string.byte, string.find, string.sub, string.gsub, math.floor
local bad_argument, check_int, fail = support.bad_argument, support.check_int, support.fail
local perform, more, log, sha1hex, set_protocol, set_replication, may_run =
  host.perform, host.more, host.log, host.sha1hex, host.set_protocol, host.set_replication, host.may_run
local draw, seed = host.draw, host.seed

local STATUS, FAILURE, MISUSE, LIST, STREAM, CHUNKS, OUTSIDE = 1, 2, 3, 4, 5, 6, 7

local api = {}

-- Replies. A part of a stream is a value or, after nil, the number of a kind:
--   0 nil; 1 text: status; 2 text: error; 4 n: array; 5 n: map; 6 n: set; 7 number: double; 8 digits: big number;
--   9 text, format: verbatim string

local build

local function build_array(parts, place, count)
  local array = {}
  for index = 1, count do
    array[index], place = build(parts, place)
  end
  return array, place
end

local function build_map(parts, place, count)
  local map = {}
  for _ = 1, count do
    local key, value
    key, place = build(parts, place)
    value, place = build(parts, place)
    if key ~= nil then
      map[key] = value
    end
  end
  return { map = map }, place
end

local function build_set(parts, place, count)
  local set = {}
  for _ = 1, count do
    local member
    member, place = build(parts, place)
    if member ~= nil then
      set[member] = true
    end
  end
  return { set = set }, place
end

function build(parts, place)
  local value = parts[place]
  if value ~= nil then
    return value, place + 1
  end
  local kind, argument = parts[place + 1], parts[place + 2]
  if kind == 0 then
    return nil, place + 2
  elseif kind == 1 then
    return { ok = argument }, place + 3
  elseif kind == 2 then
    return { err = argument, ignore_error_stats_update = true }, place + 3
  elseif kind == 4 then
    return build_array(parts, place + 3, argument)
  elseif kind == 5 then
    return build_map(parts, place + 3, argument)
  elseif kind == 6 then
    return build_set(parts, place + 3, argument)
  elseif kind == 7 then
    return { double = argument }, place + 3
  elseif kind == 8 then
    return { big_number = argument }, place + 3
  end
  return { verbatim_string = { string = argument, format = parts[place + 3] } }, place + 4
end

local function append(parts, place, count, ...)
  local chunk = { ... }
  for index = 1, count do
    parts[place + index] = chunk[index]
  end
  return count
end

local function gather(total)
  local parts, place = {}, 0
  while place < total do
    place = place + append(parts, place, more())
  end
  return parts
end

-- Every reply but a plain value.
local function other(value, kind, ...)
  if kind == LIST then
    return { ... }
  elseif kind == STREAM then
    return (build({ ... }, 1))
  elseif kind == CHUNKS then
    return (build(gather(value), 1))
  elseif kind == OUTSIDE then
    error({ err = value }, 0)
  end
  local failure = { err = value }
  if kind == FAILURE then
    failure.ignore_error_stats_update = true
  end
  return failure
end

local function give(value, kind, ...)
  if kind == nil then
    return value
  elseif kind == STATUS then
    return { ok = value }
  elseif kind < LIST then
    error(other(value, kind), 0)
  end
  return other(value, kind, ...)
end

local function give_protected(value, kind, ...)
  if kind == nil then
    return value
  elseif kind == STATUS then
    return { ok = value }
  end
  return other(value, kind, ...)
end

local function raise(text)
  error({ err = "ERR " .. text }, 0)
end

local function require_script(name)
  if not state.inside then
    raise(name .. " can only be called inside a script invocation")
  end
end

function api.call(...)
  return give(perform(...))
end

function api.pcall(...)
  return give_protected(perform(...))
end

-- Other functions.

local WRONG = { err = "ERR wrong number or type of arguments" }

function api.error_reply(...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    return { err = WRONG.err }
  end
  text = gsub(text, "%z.*", "")
  if byte(text) == 45 then
    text = sub(text, 2)
  end
  local space = find(text, " ", 1, true)
  local code = "ERR"
  if space then
    code, text = sub(text, 1, space - 1), sub(text, space + 1)
  end
  text = gsub(gsub(text, "^[\r\n]+", ""), "[\r\n]+$", "")
  return { err = code .. " " .. text }
end

function api.status_reply(...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    return { err = WRONG.err }
  end
  return { ok = text }
end

function api.sha1hex(...)
  if select("#", ...) ~= 1 then
    raise("wrong number of arguments")
  end
  local text = ...
  if type(text) == "number" then
    text = tostring(text)
  elseif type(text) ~= "string" then
    text = ""
  end
  return sha1hex(text)
end

-- A number as C converts it to an int: zero if it is none.
local function integer(value)
  return support.int((select(2, support.halves(tonumber(value) or 0))))
end

function api.log(...)
  local count = select("#", ...)
  local level = ...
  if count < 2 then
    raise("redis.log() requires two arguments or more.")
  elseif not tonumber(level) or (type(level) ~= "number" and type(level) ~= "string") then
    raise("First argument must be a number (log level).")
  end
  level = integer(level)
  if level < 0 or level > 3 then
    raise("Invalid log level.")
  end
  local words, line = { ... }, nil
  for index = 2, count do
    local word = words[index]
    if type(word) == "number" then
      word = tostring(word)
    end
    if type(word) == "string" then
      line = (line == nil and index == 2) and word or ((line or "") .. (index == 2 and "" or " ") .. word)
    end
  end
  log(level, line or "")
end

function api.setresp(...)
  require_script("redis.setresp")
  if select("#", ...) ~= 1 then
    raise("redis.setresp() requires one argument.")
  end
  local version = integer((...))
  if version ~= 2 and version ~= 3 then
    raise("RESP version must be 2 or 3.")
  end
  set_protocol(version)
end

function api.set_repl(...)
  require_script("redis.set_repl")
  if select("#", ...) ~= 1 then
    raise("redis.set_repl() requires one argument.")
  end
  local targets = integer((...))
  if targets < 0 or targets > 3 then
    raise("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
  end
  set_replication(targets)
end

local function decide(allowed, kind)
  if kind then
    error({ err = allowed }, 0)
  end
  return allowed
end

function api.acl_check_cmd(...)
  require_script("redis.acl_check_cmd")
  return decide(may_run(...))
end

api.LOG_DEBUG, api.LOG_VERBOSE, api.LOG_NOTICE, api.LOG_WARNING = 0, 1, 2, 3
api.REPL_NONE, api.REPL_AOF, api.REPL_REPLICA, api.REPL_SLAVE, api.REPL_ALL = 0, 1, 2, 2, 3
api.REDIS_VERSION, api.REDIS_VERSION_NUM = host.version, host.version_number
if host.server_name then
  api.SERVER_NAME, api.VALKEY_VERSION, api.VALKEY_VERSION_NUM = host.server_name, host.own_version, host.own_version_number
end

-- math.random draws from the sequence that all scripts share.

local random = {}

function random.random(...)
  require_script("math.random")
  local part = draw()
  local count = select("#", ...)
  if count == 0 then
    return part
  elseif count == 1 then
    local upper = check_int(1, (...), count)
    if upper < 1 then
      bad_argument(1, "interval is empty")
    end
    return floor(part * upper) + 1
  elseif count == 2 then
    local lower, upper = ...
    lower, upper = check_int(1, lower, count), check_int(2, upper, count)
    if lower > upper then
      bad_argument(2, "interval is empty")
    end
    -- C adds one to the difference of two ints, which may overflow.
    return floor(part * support.int(upper - lower + 1)) + lower
  end
  fail("wrong number of arguments")
end

function random.randomseed(...)
  require_script("math.randomseed")
  seed(check_int(1, (...), select("#", ...)))
end

support.export(api)
support.export(random)

return api, random
