-- The sandbox: the globals that scripts see, none of which they can change.
--
-- Lua 5.1 has no read-only tables. So a script gets an empty stand-in for each table of functions: reading falls through
-- to the table behind it, assigning is an error, and the functions that look into a table past its metatable (next,
-- rawget, table.insert ...) know the stand-ins. `behind` is the table behind a stand-in.
--
-- Functions of C that need a check of their own are wrapped in Lua. Their errors then begin with "[C]:<line>: ", the
-- position in this chunk; `repair` puts the position in the script in its place. All our chunks are called "=[C]".

local support, tick, call_libraries = ...

local error, getinfo, select, type, next, pairs, rawget, rawset = error, debug.getinfo, select, type, next, pairs, rawget, rawset
local pcall, xpcall, load, loadstring, tostring = pcall, xpcall, load, loadstring, tostring
local setmetatable, getmetatable, collectgarbage, sethook = setmetatable, getmetatable, collectgarbage, debug.sethook
local setfenv, create, resume = setfenv, coroutine.create, coroutine.resume
local find, match, gmatch, gsub = string.find, string.match, string.gmatch, string.gsub
local byte, dump, format, sub = string.byte, string.dump, string.format, string.sub
local insert, foreach = table.insert, table.foreach

local READONLY = "Attempt to modify a readonly table"
-- The hook is called after this many instructions.
local PERIOD = 100000
-- As many coroutines may be resumed one inside another: each uses the stack of C.
local MAX_RESUMED = 190
-- A pattern may have as many repetitions: for each, matching uses the stack of C.
local MAX_REPETITIONS = 20000

-- The globals that scripts have.
local GLOBALS = {
  "_VERSION", "assert", "bit", "cjson", "cmsgpack", "collectgarbage", "coroutine", "error", "gcinfo", "getmetatable",
  "ipairs", "load", "loadstring", "math", "next", "os", "pairs", "pcall", "rawequal", "rawget", "rawset", "redis", "select",
  "setmetatable", "string", "struct", "table", "tonumber", "tostring", "type", "unpack", "xpcall",
  "__redis__err__handler",
}

local sandbox = {}

-- Errors.

-- Where an error was raised: the frame of the script, and the frame of our function that the script called, if any.
-- `level` is that of the function that raised, as seen by the caller.
local function origin(level)
  level = level + 1
  local frame = getinfo(level, "nSl")
  if frame and frame.what == "C" then
    level = level + 1
    frame = getinfo(level, "nSl")
  end
  local ours
  while frame and frame.source == "=[C]" and frame.what ~= "C" do
    ours = frame
    level = level + 1
    frame = getinfo(level, "nSl")
    if frame and frame.what == "tail" then
      level = level + 1
      frame = getinfo(level, "nSl")
    end
  end
  return frame, ours
end

-- The message of an error that a wrapped function of C raised, as if the script had called that function itself.
local function repair(message, level)
  if type(message) ~= "string" or sub(message, 1, 4) ~= "[C]:" then
    return message
  end
  local frame, ours = origin(level + 1)
  message = gsub(message, "^%[C%]:%d+: ", "")
  if not ours then
    return message
  end
  local index, text = match(message, "^bad argument #(%d+) to '[^']*' (.*)$")
  if index then
    local name = ours.name or "?"
    if ours.namewhat == "method" then
      index = index - 1
    end
    message = "bad argument #" .. index .. " to '" .. name .. "' " .. text
    if index == 0 then
      message = "calling '" .. name .. "' on bad self " .. text
    end
  end
  if frame and frame.currentline > 0 then
    message = frame.short_src .. ":" .. frame.currentline .. ": " .. message
  end
  return message
end

-- The message handler of a whole script.
local function handle(problem)
  local frame = origin(2)
  problem = repair(problem, 2)
  if type(problem) ~= "table" then
    problem = { err = "ERR " .. tostring(problem) }
  end
  if frame then
    problem.source = frame.source
    problem.line = frame.currentline
  end
  return problem
end

sandbox.handle = handle

local function repaired(problem)
  return repair(problem, 2)
end

-- Killing. Once `tick` says that the script must end, the hook is called for every instruction, and raises an error
-- wherever the script itself runs. So neither a protected call nor a message handler of the script can go on. Our own
-- functions go on, since they must clean up.

local KILLED = "ERR Script killed by user with SCRIPT KILL..."
local dead, text_of_death = false, KILLED
local function hook()
  if not dead then
    if not tick() then
      return
    end
    dead = true
    sethook(hook, "", 1)
  end
  local running = getinfo(2, "S")
  if not running or running.source ~= "=[C]" or running.what == "C" then
    error({ err = text_of_death }, 0)
  end
end

-- The script ends here: from now on the hook of the running coroutine is called for every instruction, too.
local function die()
  sethook(hook, "", 1)
  error({ err = text_of_death }, 0)
end

-- Where the stack of C is full the hook cannot be called, and raises an error instead. A script that catches that error
-- and goes back there would never end. So whoever catches an error asks, too.
local function poll()
  if not dead and tick() then
    dead = true
  end
  if dead then
    die()
  end
end

-- While a library is being loaded there is no script to kill; it may only take so long.
function sandbox.begin_loading()
  text_of_death = "ERR FUNCTION LOAD timeout"
end

function sandbox.end_loading()
  text_of_death = KILLED
end

function sandbox.arm()
  sethook(hook, "", PERIOD) -- first: while it is called for every instruction it may set `dead` again
  dead = false
end

-- Whether the script was killed, and then the error that says so.
function sandbox.death()
  return dead and { err = text_of_death }
end

-- Stand-ins.

local behind = setmetatable({}, { __mode = "k" })
local metatables = {}

local function refuse()
  error(READONLY, 2)
end

-- A stand-in for a table, and its metatable; scripts get `metatable` instead of that.
local function protect(real, metatable)
  local of_stand_in = { __index = real, __newindex = refuse, __metatable = false }
  local stand_in = setmetatable({}, of_stand_in)
  behind[stand_in] = real
  metatables[stand_in] = metatable
  return stand_in, of_stand_in
end

sandbox.protect = protect

-- The functions in place of those of Lua.

local basic = {}

function basic.next(...)
  local real = behind[(...)]
  if real then
    return next(real, (select(2, ...)))
  end
  return next(...)
end

function basic.pairs(...)
  if behind[(...)] then
    return basic.next, (...), nil
  end
  return pairs(...)
end

function basic.rawget(...)
  local real = behind[(...)]
  if real then
    return rawget(real, select(2, ...))
  end
  return rawget(...)
end

function basic.rawset(...)
  if behind[(...)] then
    error(READONLY, 0)
  end
  return rawset(...)
end

function basic.setmetatable(...)
  if behind[(...)] then
    error(READONLY, 0)
  end
  return setmetatable(...)
end

function basic.getmetatable(...)
  if behind[(...)] then
    return metatables[(...)]
  elseif type((...)) == "userdata" then -- cjson.null
    return nil
  end
  return getmetatable(...)
end

-- Scripts written for older servers expect the text of an error where the error is a table. If it has no text, Redis
-- gives back what it has found in the place of the text, too.
local function caught(problem)
  if type(problem) == "table" then
    local text = problem.err
    if type(text) == "string" or type(text) == "number" then
      return false, text
    end
    return false, problem, text
  end
  return false, problem
end

local function settle(ok, ...)
  if ok then
    return ok, ...
  end
  poll()
  return caught((...))
end

local function settle_call(ok, ...)
  if ok then
    return ok, ...
  end
  poll()
  local problem = ...
  if type(problem) == "string" then
    problem = gsub(problem, "^%[C%]:%d+: ", "")
  end
  return caught(problem)
end

function basic.pcall(...)
  local count = select("#", ...)
  if count == 1 then
    return settle(xpcall((...), repaired))
  elseif count == 0 then
    return false
  end
  return settle_call(pcall(...))
end

local function pass(ok, ...)
  if not ok then
    poll()
  end
  return ok, ...
end

function basic.xpcall(...)
  if select("#", ...) < 2 then
    support.bad_argument(2, "value expected")
  end
  local body, handler = ...
  return pass(xpcall(body, function(problem)
    if dead then
      return problem
    end
    return handler(repair(problem, 2))
  end))
end

-- The globals as scripts see them.
local environment

local function enclose(chunk, ...)
  if not chunk then
    return chunk, ...
  end
  local changed = call_libraries(dump(chunk))
  return setfenv(changed and loadstring(changed) or chunk, environment)
end

-- No code of a script may pass for ours.
local function foreign(name)
  if name == "=[C]" then
    return "=[c]"
  end
  return name
end

-- Compiled code must not get in: nothing checks it. After a space it is no compiled code but a syntax error.
function basic.loadstring(...)
  local code, name = ...
  if type(code) == "string" and byte(code) == 27 then
    return enclose(loadstring(" " .. code, foreign(name or code)))
  elseif code == "=[C]" or name == "=[C]" then
    return enclose(loadstring(code, foreign(name or code)))
  end
  return enclose(loadstring(...))
end

function basic.load(...)
  local reader = ...
  if type(reader) ~= "function" then
    return load(...)
  end
  local began = false
  return enclose(load(function()
    local piece = reader()
    if not began and type(piece) == "string" and piece ~= "" then
      began = true
      if byte(piece) == 27 then
        return " " .. piece
      end
    end
    return piece
  end, foreign((select(2, ...)))))
end

local tuned = false
function basic.collectgarbage(...)
  local option = ...
  tuned = tuned or (option ~= nil and option ~= "collect" and option ~= "count" and option ~= "step")
  return collectgarbage(...)
end

-- At the end of a script: collect garbage as before, whatever it has chosen.
function sandbox.restore()
  if tuned then
    tuned = false
    collectgarbage("restart")
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
  end
end

-- Coroutines. Each gets the hook, and `resumed` counts how many run one inside another.

local coroutines = {}
local resumed = 0

-- Whether scripts must take a value for a function of C: one of ours, which stand for such.
local function seems_compiled(value)
  return type(value) == "function" and getinfo(value, "S").source == "=[C]"
end

-- Redis makes no coroutines of functions of C.
local function create_hooked(...)
  local body = ...
  if seems_compiled(body) then
    support.bad_argument(1, "Lua function expected")
  end
  local made = create(...)
  sethook(made, hook, "", PERIOD)
  return made
end

function coroutines.create(...)
  local made = create_hooked(...)
  return made
end

local function leave(...)
  resumed = resumed - 1
  if dead then
    die()
  end
  return ...
end

local function resume_counted(made, ...)
  if dead then
    die()
  end
  if resumed >= MAX_RESUMED then
    return false, "C stack overflow"
  end
  resumed = resumed + 1
  return leave(resume(made, ...))
end

local function repair_in(made, ok, ...)
  if ok then
    return ok, ...
  end
  poll()
  local problem = ...
  if type(problem) == "string" then
    problem = gsub(problem, "^%[C%]:%d+: ", "")
  end
  return false, problem
end

function coroutines.resume(...)
  local made = ...
  if type(made) ~= "thread" then
    return resume(...)
  end
  return repair_in(made, resume_counted(...))
end

local function raise_outside(problem)
  if type(problem) == "string" then
    local caller = getinfo(4, "Sl") -- this function, `give`, the tail call of `give`, the caller
    if caller and caller.currentline > 0 then
      problem = caller.short_src .. ":" .. caller.currentline .. ": " .. problem
    end
  end
  error(problem, 0)
end

local function give(ok, ...)
  if not ok then
    raise_outside((...))
  end
  return ...
end

function coroutines.wrap(...)
  local made = create_hooked(...)
  return function(...)
    return give(repair_in(made, resume_counted(made, ...)))
  end
end

function sandbox.reset()
  resumed = 0
end

-- Strings and tables.

local strings = {}

local function check_pattern(pattern)
  if type(pattern) == "string" and #pattern > MAX_REPETITIONS then
    local _, repetitions = gsub(pattern, "[-*+?(]", "")
    if repetitions > MAX_REPETITIONS then
      error("pattern too complex", 3)
    end
  end
end

function strings.find(...)
  check_pattern((select(2, ...)))
  return find(...)
end

function strings.match(...)
  check_pattern((select(2, ...)))
  return match(...)
end

function strings.gmatch(...)
  check_pattern((select(2, ...)))
  return gmatch(...)
end

function strings.gsub(...)
  check_pattern((select(2, ...)))
  return gsub(...)
end

strings.gfind = strings.gmatch

function strings.dump(...)
  if seems_compiled((...)) then
    error("unable to dump given function", 2)
  end
  return dump(...)
end

local tables = {}

function tables.insert(...)
  if behind[(...)] then
    error(READONLY, 0)
  end
  return insert(...)
end

function tables.foreach(...)
  local real = behind[(...)]
  if real then
    return foreach(real, select(2, ...))
  end
  return foreach(...)
end

-- The globals.

local function unknown(_, name)
  if type(name) ~= "string" and type(name) ~= "number" then
    error("Second argument to luaProtectedTableError must be a string or number", 2)
  end
  error("Script attempted to access nonexistent global variable '" .. name .. "'", 2)
end

sandbox.unknown = unknown

local function merge(target, source)
  for name, value in next, source do
    target[name] = value
  end
end

-- Build the globals of scripts out of those of Lua. `redis` is the table of that name. Gives back the table behind the
-- globals, in which KEYS and ARGV can be set, and the globals as scripts see them.
function sandbox.close(redis)
  support.export(basic)
  support.export(coroutines)
  merge(string, strings)
  merge(table, tables)
  merge(coroutine, coroutines)
  local lua = _G
  merge(lua, basic)
  lua.redis = redis
  lua.os = { clock = os.clock }
  lua.__redis__err__handler = handle
  local globals = {}
  for _, name in ipairs(GLOBALS) do
    local value = lua[name]
    if type(value) == "table" then
      value = (protect(value))
    end
    globals[name] = value
  end
  if redis.SERVER_NAME then -- Valkey has another name for the table
    lua.server, globals.server = redis, globals.redis
  end
  setmetatable(globals, { __index = unknown })
  environment = protect(globals, (protect({ __index = unknown })))
  globals._G = environment
  local of_strings = getmetatable("")
  of_strings.__metatable = protect({ __index = globals.string })
  return globals, environment
end

return sandbox
