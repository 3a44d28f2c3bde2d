-- What the libraries share: errors that read as if C functions had raised them, and the conversion of arguments.
--
-- A C function of Redis puts the line of the script that called it before the text of an error, and calls itself by the
-- name that the script used. `exported` knows the functions that scripts call, so that the frame of the one that runs
-- is found on the stack, however deep the recursion inside the library is. So no exported function may end in a tail
-- call of something that can fail.

local error, format, getinfo, next, setmetatable = error, string.format, debug.getinfo, next, setmetatable
local floor, ceil, tonumber, tostring, type, unpack = math.floor, math.ceil, tonumber, tostring, type, unpack

local exported = setmetatable({}, { __mode = "k" })
local support = {}

-- As many values as a C function may have on the stack (LUAI_MAXCSTACK).
support.MAX_STACK = 8000

-- Declare the functions of a library; give back its table.
function support.export(library)
  for _, value in next, library do
    if type(value) == "function" then
      exported[value] = true
    end
  end
  return library
end

-- The level of the function that the script called, as seen by the caller. The search leaves out `depth` frames, so
-- that it is short where the recursion is deep.
local function level_of_call(depth)
  local level = 2 + depth
  local frame
  repeat
    level = level + 1
    frame = getinfo(level, "f")
  until not frame or exported[frame.func]
  return level - 1
end

local function raise(level, message)
  local caller = getinfo(level + 2, "Sl")
  if caller and caller.currentline > 0 then
    message = format("%s:%d: ", caller.short_src, caller.currentline) .. message
  end
  error(message, 0)
end

-- Raise an error with the position of the call. `depth` is how many frames the library has used at least.
function support.fail(message, depth)
  local level = level_of_call(depth or 0)
  raise(level, message)
end

function support.bad_argument(index, message)
  local level = level_of_call(0)
  local frame = getinfo(level, "n")
  local name = frame and frame.name or "?"
  if frame and frame.namewhat == "method" then
    index = index - 1
    if index == 0 then
      raise(level, "calling '" .. name .. "' on bad self (" .. message .. ")")
    end
  end
  raise(level, "bad argument #" .. index .. " to '" .. name .. "' (" .. message .. ")")
end

local bad_argument = support.bad_argument

-- `count` is the number of arguments: one that is missing is not called nil.
function support.bad_type(index, expected, value, count)
  local got = index > count and "no value" or type(value)
  bad_argument(index, expected .. " expected, got " .. got)
end

local bad_type = support.bad_type

function support.check_number(index, value, count)
  if type(value) == "number" then
    return value
  end
  local number = type(value) == "string" and tonumber(value)
  if not number then
    bad_type(index, "number", value, count)
  end
  return number
end

local check_number = support.check_number

function support.check_string(index, value, count)
  local kind = type(value)
  if kind == "string" then
    return value
  elseif kind ~= "number" then
    bad_type(index, "string", value, count)
  end
  return tostring(value)
end

-- A double as C converts it to a 64-bit integer, as two halves of 32 bits.
local function halves(number)
  if not (number > -9223372036854777856 and number < 9223372036854775808) then
    return 2147483648, 0
  end
  local whole = number < 0 and ceil(number) or floor(number)
  return floor(whole / 4294967296) % 4294967296, whole % 4294967296
end

support.halves = halves

-- A number as an argument of C's type ptrdiff_t; where a double has no room for the last bits, they are lost.
function support.check_integer(index, value, count)
  local high, low = halves(check_number(index, value, count))
  return (high >= 2147483648 and high - 4294967296 or high) * 4294967296 + low
end

-- A number as C's type int has it.
function support.int(number)
  local low = number % 4294967296
  return low >= 2147483648 and low - 4294967296 or low
end

-- A number as an argument of C's type int.
function support.check_int(index, value, count)
  local _, low = halves(check_number(index, value, count))
  return support.int(low)
end

-- The values 1 to `count` of a list. `unpack` is a C function, and its own arguments are on its stack too.
function support.spread(list, count)
  if count < 7900 then
    return unpack(list, 1, count)
  end
  return list[1], list[2], list[3], list[4], list[5], list[6], list[7], list[8], unpack(list, 9, count)
end

return support
