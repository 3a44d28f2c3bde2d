-- The library `cmsgpack`: lua-cmsgpack 0.4.0.
--
-- A number that is an integer of 64 bits is packed as one, another as a float if that loses nothing, or else as a
-- double.

local support, floats = ...
local bad_argument, fail, int = support.bad_argument, support.fail, support.int
local check_integer, check_string, halves = support.check_integer, support.check_string, support.halves
local byte, char, concat, floor, sub = string.byte, string.char, table.concat, math.floor, string.sub
local error, format, next, rawget, select, type = error, string.format, next, rawget, select, type

-- Tables that are nested deeper are packed as nil.
local MAX_NESTING = 16
local MAX_STACK = support.MAX_STACK

-- Bytes of an unsigned integer, the highest first.

local function bytes_16(number)
  return char(floor(number / 256), number % 256)
end

local function bytes_32(number)
  return char(floor(number / 16777216), floor(number / 65536) % 256, floor(number / 256) % 256, number % 256)
end

local function pack_integer(number)
  if number >= 0 then
    if number < 128 then
      return char(number)
    elseif number < 256 then
      return char(204, number)
    elseif number < 65536 then
      return "\205" .. bytes_16(number)
    elseif number < 4294967296 then
      return "\206" .. bytes_32(number)
    end
  elseif number >= -32 then
    return char(256 + number)
  elseif number >= -128 then
    return char(208, 256 + number)
  elseif number >= -32768 then
    return "\209" .. bytes_16(65536 + number)
  elseif number >= -2147483648 then
    return "\210" .. bytes_32(4294967296 + number)
  end
  local high, low = halves(number)
  return (number < 0 and "\211" or "\207") .. bytes_32(high) .. bytes_32(low)
end

local function pack_number(number)
  if floor(number) == number and number >= -9223372036854775808 and number < 9223372036854775808 then
    return pack_integer(number)
  end
  local bits = floats.float_bits(number)
  if floats.float(bits) == number then
    return "\202" .. bytes_32(bits)
  end
  local high, low = floats.double_bits(number)
  return "\203" .. bytes_32(high) .. bytes_32(low)
end

local function pack_string(text)
  local size = #text
  if size < 32 then
    return char(160 + size) .. text
  elseif size < 256 then
    return char(217, size) .. text
  elseif size < 65536 then
    return "\218" .. bytes_16(size) .. text
  end
  return "\219" .. bytes_32(size) .. text
end

-- The head of an array or of a map.
local function pack_size(size, short, code_16, code_32)
  if size < 16 then
    return char(short + size)
  elseif size < 65536 then
    return code_16 .. bytes_16(size)
  end
  return code_32 .. bytes_32(size)
end

-- How many elements the table has, and whether its keys are exactly 1 to that number.
local function measure(value)
  local highest, elements, is_array = 0, 0, true
  for key in next, value do
    elements = elements + 1
    if is_array then
      if type(key) == "number" and key > 0 and floor(key) == key and key < 9223372036854775808 then
        highest = key > highest and key or highest
      else
        is_array = false
      end
    end
  end
  return elements, is_array and highest == elements
end

local pieces, count

local function append(piece)
  count = count + 1
  pieces[count] = piece
end

local function append_value(value, level)
  local kind = type(value)
  if kind == "string" then
    append(pack_string(value))
  elseif kind == "number" then
    append(pack_number(value))
  elseif kind == "boolean" then
    append(value and "\195" or "\194")
  elseif kind ~= "table" or level == MAX_NESTING then
    append("\192")
  else
    local elements, is_array = measure(value)
    if is_array then
      append(pack_size(elements, 144, "\220", "\221"))
      for index = 1, elements do
        append_value(rawget(value, index), level + 1)
      end
    else
      append(pack_size(elements, 128, "\222", "\223"))
      for key, element in next, value do
        append_value(key, level + 1)
        append_value(element, level + 1)
      end
    end
  end
end

-- What is unpacked: the text and the position of the next byte.
local text, position

-- Move over some bytes; give back where they begin.
local function take(size)
  local start = position
  if start + size > #text + 1 then
    fail("Missing bytes in input.")
  end
  position = start + size
  return start
end

-- An unsigned integer of 1, 2 or 4 bytes, the highest first.
local function read_unsigned(size)
  local a, b, c, d = byte(text, take(size), position - 1)
  if size == 1 then
    return a
  elseif size == 2 then
    return a * 256 + b
  end
  return a * 16777216 + b * 65536 + c * 256 + d
end

local function read_signed(size)
  local number, range = read_unsigned(size), 256 ^ size
  return number >= range / 2 and number - range or number
end

-- An integer of 64 bits. One without a sign is read as if it had one, as Redis pushes it on the stack.
local function read_signed_64()
  take(8)
  position = position - 8
  local high = read_signed(4)
  return high * 4294967296 + read_unsigned(4)
end

local function read_text(size)
  local start = take(size)
  return sub(text, start, position - 1)
end

local function read_float()
  return floats.float(read_unsigned(4))
end

local function read_double()
  take(8)
  position = position - 8
  local high = read_unsigned(4)
  return floats.double(high, read_unsigned(4))
end

local read_value

-- `stack` is how many values C has on its stack: the container counts, and a key while its value is read.
local function read_array(size, stack)
  if stack + 2 > MAX_STACK then
    fail("stack overflow (in function mp_decode_to_lua_array)")
  end
  local array = {}
  for index = 1, size do
    array[index] = read_value(stack + 2)
  end
  return array
end

local function read_map(size, stack)
  local map = {}
  for _ = 1, size do
    local key = read_value(stack + 1)
    local value = read_value(stack + 2)
    if key == nil then
      error("table index is nil", 0)
    elseif key ~= key then
      error("table index is NaN", 0)
    end
    map[key] = value
  end
  return map
end

local READERS = {
  [192] = function() return nil end,
  [194] = function() return false end,
  [195] = function() return true end,
  [202] = read_float,
  [203] = read_double,
  [204] = function() return read_unsigned(1) end,
  [205] = function() return read_unsigned(2) end,
  [206] = function() return read_unsigned(4) end,
  [207] = read_signed_64,
  [208] = function() return read_signed(1) end,
  [209] = function() return read_signed(2) end,
  [210] = function() return read_signed(4) end,
  [211] = read_signed_64,
  [217] = function() return read_text(read_unsigned(1)) end,
  [218] = function() return read_text(read_unsigned(2)) end,
  [219] = function() return read_text(read_unsigned(4)) end,
  [220] = function(stack) return read_array(read_unsigned(2), stack) end,
  [221] = function(stack) return read_array(read_unsigned(4), stack) end,
  [222] = function(stack) return read_map(read_unsigned(2), stack) end,
  [223] = function(stack) return read_map(read_unsigned(4), stack) end,
}

function read_value(stack)
  local code = byte(text, take(1))
  if stack + 1 > MAX_STACK then
    fail("stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)")
  end
  if code < 128 then
    return code
  elseif code >= 224 then
    return code - 256
  elseif code >= 160 and code < 192 then
    return read_text(code - 160)
  elseif code < 144 then
    return read_map(code - 128, stack)
  elseif code < 160 then
    return read_array(code - 144, stack)
  end
  local reader = READERS[code]
  if not reader then
    fail("Bad data format in input.")
  end
  return reader(stack)
end

-- Unpack up to `limit` values from an offset on; give back a list and its length. It begins with the offset of what is
-- left, or -1; but if limit and offset are 0, all values are unpacked, and nothing else is in the list.
local function unpack_values(input, limit, offset, stack)
  if offset < 0 or limit < 0 then
    fail(format("Invalid request to unpack with offset of %d and limit of %d.", int(offset), #input))
  elseif offset > #input then
    fail(format("Start offset %d greater than input length %d.", int(offset), #input))
  end
  text, position = input, offset + 1
  local everything = limit == 0 and offset == 0
  local results, first, found = {}, everything and 0 or 1, 0
  while position <= #text and (everything or found < limit) do
    results[first + found + 1] = read_value(stack + found)
    found = found + 1
  end
  if not everything then
    if stack + found + 1 > MAX_STACK then
      fail("stack overflow (in function mp_unpack_full)")
    end
    results[1] = position > #text and -1 or position - 1
  end
  text = nil
  return results, first + found
end

local cmsgpack = {}

function cmsgpack.pack(...)
  local arguments = select("#", ...)
  if arguments == 0 then
    bad_argument(0, "MessagePack pack needs input.")
  elseif arguments * 2 > MAX_STACK then
    bad_argument(0, "Too many arguments for MessagePack pack.")
  end
  local values = { ... }
  pieces, count = {}, 0
  for index = 1, arguments do
    append_value(values[index], 0)
  end
  local packed = concat(pieces, "", 1, count)
  pieces = nil
  return packed
end

function cmsgpack.unpack(...)
  local arguments = select("#", ...)
  local input = check_string(1, (...), arguments)
  local results, found = unpack_values(input, 0, 0, arguments)
  return support.spread(results, found)
end

function cmsgpack.unpack_one(...)
  local arguments = select("#", ...)
  local input, offset = ...
  offset = offset ~= nil and check_integer(2, offset, arguments) or 0
  input = check_string(1, input, arguments)
  local results, found = unpack_values(input, 1, offset, 1)
  return support.spread(results, found)
end

function cmsgpack.unpack_limit(...)
  local arguments = select("#", ...)
  local input, limit, offset = ...
  limit = check_integer(2, limit, arguments)
  offset = offset ~= nil and check_integer(3, offset, arguments) or 0
  input = check_string(1, input, arguments)
  local results, found = unpack_values(input, limit, offset, 1)
  return support.spread(results, found)
end

cmsgpack._NAME = "cmsgpack"
cmsgpack._VERSION = "lua-cmsgpack 0.4.0"
cmsgpack._COPYRIGHT = "Copyright (C) 2012, Salvatore Sanfilippo"
cmsgpack._DESCRIPTION = "MessagePack C implementation for Lua"

return support.export(cmsgpack)
