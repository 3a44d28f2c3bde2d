-- Runs scripts and functions, and takes their results to pieces for Python.
--
-- A result that is a string, a number, a boolean or nil is given back as it is. Anything else becomes a stream of parts,
-- which begins with nil: each part is a value or, after nil, the number of a kind.
--   0 nothing (a null); 1 text: status; 2 text, counted: error; 4 n: array; 5 n: map; 6 n: set; 7 number: double;
--   8 digits: big number; 9 text, format: verbatim string; 10 text, source, line, counted: the script failed

local sandbox, state = ...

local loadstring, setfenv, dump, pcall, xpcall = loadstring, setfenv, string.dump, pcall, xpcall
local next, rawget, select, type, unpack, gsub, tostring = next, rawget, select, type, unpack, string.gsub, tostring
local byte = string.byte
local handle, restore, reset = sandbox.handle, sandbox.restore, sandbox.reset

-- A stack of C has this many places; what a conversion finds deeper is an error.
local MAX_STACK = 8000
-- The most values that are given to Python at once.
local CHUNK = 240

local runner = {}

-- The table behind the globals, in which KEYS and ARGV are set, and the globals as scripts see them.
local globals, environment

function runner.open(real, seen)
  globals, environment = real, seen
end

local parts, size

local function put(value)
  size = size + 1
  parts[size] = value
end

-- A marker and its arguments; `put(nil)` leaves a hole, so the parts are given back by number.
local function mark(kind, argument, second)
  parts[size + 1] = nil
  parts[size + 2] = kind
  parts[size + 3] = argument
  size = size + 3
  if second ~= nil then
    put(second)
  end
end

-- The text as C sees it, up to the first NUL.
local function c_string(text)
  return (gsub(text, "%z.*", ""))
end

local flatten

local function flatten_map(map, height)
  mark(5, 0)
  local place, count = size, 0
  for key, value in next, map do
    flatten(key, height + 4)
    flatten(value, height + 3)
    count = count + 1
  end
  parts[place] = count
end

local function flatten_set(set, height)
  mark(6, 0)
  local place, count = size, 0
  for key in next, set do
    flatten(key, height + 3)
    count = count + 1
  end
  parts[place] = count
end

local function flatten_verbatim(verbatim)
  local format, text = rawget(verbatim, "format"), rawget(verbatim, "string")
  if type(format) == "string" and type(text) == "string" then
    mark(9, text, c_string(format))
    return true
  end
end

-- A table that stands for something else than an array; gives back whether this is one.
local function flatten_special(value, height)
  local field = rawget(value, "err")
  if type(field) == "string" then
    local text = value.err
    mark(2, c_string(tostring(text)), value.ignore_error_stats_update ~= true)
    return true
  end
  field = rawget(value, "ok")
  if type(field) == "string" then
    mark(1, c_string(field))
    return true
  end
  field = rawget(value, "double")
  if type(field) == "number" then
    mark(7, field)
    return true
  end
  field = rawget(value, "big_number")
  if type(field) == "string" then
    mark(8, field)
    return true
  end
  field = rawget(value, "verbatim_string")
  if type(field) == "table" and flatten_verbatim(field) then
    return true
  end
  field = rawget(value, "map")
  if type(field) == "table" then
    flatten_map(field, height)
    return true
  end
  field = rawget(value, "set")
  if type(field) == "table" then
    flatten_set(field, height)
    return true
  end
end

-- `height` is how many places of its stack Redis has used by then. Lua's own stack has room for one call per level.
function flatten(value, height)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then
    put(value)
  elseif kind ~= "table" then
    mark(0, 0)
  elseif height + 4 > MAX_STACK then
    mark(2, "ERR reached lua stack limit", true)
  elseif not flatten_special(value, height) then
    mark(4, 0)
    local place, count = size, 0
    local element = rawget(value, 1)
    while element ~= nil do
      count = count + 1
      flatten(element, height + 1)
      element = rawget(value, count + 1)
    end
    parts[place] = count
  end
end

local given

-- The next parts of a result that is too long to be given back at once.
function runner.more()
  local first = given + 1
  local last = first + CHUNK - 1
  if last > size then
    last = size
  end
  given = last
  return unpack(parts, first, last)
end

local function in_parts()
  if size <= CHUNK then
    return nil, size, unpack(parts, 1, size)
  end
  given = 0
  return nil, size
end

local function text_of_field(problem, name)
  local value = problem[name]
  if type(value) == "string" or type(value) == "number" then
    return c_string(tostring(value))
  end
end

local function failed(problem)
  if type(problem) ~= "table" then
    local text = "execution failure"
    if type(problem) == "string" or type(problem) == "number" then
      text = c_string(tostring(problem))
    end
    mark(11, text)
  else
    mark(10, text_of_field(problem, "err") or "ERR unknown error")
    put(text_of_field(problem, "source") or false)
    put(text_of_field(problem, "line") or false)
    put(problem.ignore_error_stats_update ~= true)
  end
end

-- Take a result or an error to pieces. Metamethods may fail, and so may Lua for want of memory.
local function take_apart(convert, value)
  parts, size = {}, 0
  local ok, problem = pcall(convert, value, 1)
  if not ok then
    parts, size = {}, 0
    mark(11, type(problem) == "string" and c_string(problem) or "execution failure")
  end
  return in_parts()
end

local function finish(ok, value)
  state.inside = false
  local death = sandbox.death()
  if death then
    sandbox.arm()
    if ok then
      ok, value = false, death
    end
  end
  reset()
  restore()
  if not ok then
    return take_apart(failed, value)
  end
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    return value
  end
  return take_apart(flatten, value)
end

local function split(count, ...)
  if count == 0 then
    return {}, { ... }
  elseif count == 1 then
    return { (...) }, { select(2, ...) }
  end
  local all = { ... }
  local keys, arguments = {}, {}
  for index = 1, count do
    keys[index] = all[index]
  end
  for index = count + 1, select("#", ...) do
    arguments[index - count] = all[index]
  end
  return keys, arguments
end

function runner.run(body, count, ...)
  globals.KEYS, globals.ARGV = split(count, ...)
  state.inside = true
  return finish(xpcall(body, handle))
end

-- The same for more arguments than C has room for on its stack: they come as tables.
function runner.run_many(body, keys, arguments)
  globals.KEYS, globals.ARGV = keys, arguments
  state.inside = true
  return finish(xpcall(body, handle))
end

function runner.call(body, count, ...)
  local keys, arguments = split(count, ...)
  state.inside = true
  return finish(xpcall(function()
    return body(keys, arguments)
  end, handle))
end

function runner.call_many(body, keys, arguments)
  state.inside = true
  return finish(xpcall(function()
    return body(keys, arguments)
  end, handle))
end

-- A list made of chunks, for arguments that are too many for one call.
function runner.new_list()
  return {}
end

function runner.extend(list, ...)
  local chunk = { ... }
  local place = #list
  for index = 1, select("#", ...) do
    list[place + index] = chunk[index]
  end
end

-- Compile a script. Gives back the compiled code as a string, or nil and the error.
function runner.compile(code, name)
  if byte(code) == 27 then
    code = " " .. code
  end
  local body, problem = loadstring(code, name)
  if not body then
    return nil, problem
  end
  return dump(body)
end

-- A function out of compiled code, with the globals of scripts.
function runner.load(compiled)
  return setfenv(loadstring(compiled), environment)
end

return runner
