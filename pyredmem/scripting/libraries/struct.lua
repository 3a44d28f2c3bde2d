-- The library `struct`: Roberto Ierusalimschy's 0.2 with the checks that Redis added.
--
-- A format is read one option at a time: its letter, its size and the padding before it. Integers are computed as two
-- halves of 32 bits, since a double holds 53.

local support, floats = ...
local bad_argument, fail, halves = support.bad_argument, support.fail, support.halves
local check_number, check_string = support.check_number, support.check_string
local byte, char, find, floor, rep, sub = string.byte, string.char, string.find, math.floor, string.rep, string.sub
local concat, reverse, select, tonumber, type = table.concat, string.reverse, select, tonumber, type

local MAX_INT = 2147483647
local MAX_INTEGER_SIZE = 32
local MAX_ALIGNMENT = 8

local SIZES = { b = 1, B = 1, h = 2, H = 2, l = 8, L = 8, T = 8, f = 4, d = 8, x = 1 }
local SIGNED = { b = true, h = true, l = true, i = true }
local UNSIGNED = { B = true, H = true, L = true, T = true, I = true }

-- The number at a position of the format, or the default; the position after it.
local function read_number(layout, position, default)
  local first, last = find(layout, "^[0-9]+", position)
  if not first then
    return default, position
  end
  local number = 0
  for index = first, last do
    number = number * 10 + byte(layout, index) - 48
    if number > MAX_INT then
      fail("integral size overflow")
    end
  end
  return number, last + 1
end

-- The size of an option and the position after its number.
local function option_size(layout, option, position)
  local size = SIZES[option]
  if size then
    return size, position
  elseif option == "c" then
    size, position = read_number(layout, position, 1)
    return size, position
  elseif option == "i" or option == "I" then
    size, position = read_number(layout, position, 4)
    if size > MAX_INTEGER_SIZE then
      fail("integral size " .. size .. " is larger than limit of " .. MAX_INTEGER_SIZE)
    end
    return size, position
  end
  return 0, position
end

-- How many bytes go before an option. C computes with masks, so sizes that are no power of two give odd results.
local function padding(length, alignment, option, size)
  if size == 0 or option == "c" or alignment == 1 then
    return 0
  end
  if size > alignment then
    size = alignment
  end
  if size == 1 or size == 2 or size == 4 or size == 8 or size == 16 or size == 32 then
    return -length % size
  end
  local mask, length_low = size - 1, length % 64
  local function masked(value)
    local result, weight = 0, 1
    local bits = mask
    while bits > 0 do
      if bits % 2 == 1 and floor(value / weight) % 2 == 1 then
        result = result + weight
      end
      bits, weight = floor(bits / 2), weight * 2
    end
    return result
  end
  return masked(size - masked(length_low))
end

-- Obey an option that moves no data; give back endianness, alignment and the position after it.
local function control(layout, option, position, little, alignment)
  if option == "<" then
    return true, alignment, position
  elseif option == ">" then
    return false, alignment, position
  elseif option == "!" then
    alignment, position = read_number(layout, position, MAX_ALIGNMENT)
    local power = alignment
    while power > 1 do
      power = power / 2
    end
    if power ~= 1 then
      fail("alignment " .. alignment .. " is not a power of 2")
    end
    return little, alignment, position
  elseif option ~= " " then
    bad_argument(1, "invalid format option '" .. option .. "'")
  end
  return little, alignment, position
end

-- The format as C reads it: up to the first zero byte.
local function check_layout(value, count)
  local layout = check_string(1, value, count)
  local zero = find(layout, "%z")
  return zero and sub(layout, 1, zero - 1) or layout
end

-- A number as the bytes of an unsigned 64-bit integer, the lowest first; above them there are zeros.
local function integer_bytes(number, size)
  local high, low
  if number >= 9223372036854775808 then
    -- Only the unsigned conversion of C reaches further, and gives 0 beyond 64 bits.
    high = number < 18446744073709551616 and floor(number / 4294967296) or 0
    low = high ~= 0 and number % 4294967296 or 0
  else
    high, low = halves(number)
  end
  if size == 1 then
    return char(low % 256)
  elseif size == 2 then
    return char(low % 256, floor(low / 256) % 256)
  end
  local lowest = char(low % 256, floor(low / 256) % 256, floor(low / 65536) % 256, floor(low / 16777216))
  if size == 4 then
    return lowest
  end
  local all = lowest
    .. char(high % 256, floor(high / 256) % 256, floor(high / 65536) % 256, floor(high / 16777216))
  return size <= 8 and sub(all, 1, size) or all .. rep("\0", size - 8)
end

-- Four bytes, the lowest first, as an unsigned integer.
local function unsigned_32(a, b, c, d)
  return a + (b or 0) * 256 + (c or 0) * 65536 + (d or 0) * 16777216
end

-- The integer of a string of bytes, the lowest first. What is above 64 bits is lost, except that C shifts the sign mask
-- by the size modulo 64 bits.
local function integer(bytes, size, is_signed)
  local low = size > 0 and unsigned_32(byte(bytes, 1, 4)) or 0
  local high = size > 4 and unsigned_32(byte(bytes, 5, 8)) or 0
  if not is_signed then
    return high * 4294967296 + low
  end
  local sign_bit = (size * 8 - 1) % 64
  if sign_bit < 32 then
    local sign = 2 ^ sign_bit
    return (high > 0 or low >= sign) and low % sign - sign or low
  end
  local sign = 2 ^ (sign_bit - 32)
  if high >= sign then
    high = high % sign - sign
  end
  return high * 4294967296 + low
end

local function little_float(number)
  return integer_bytes(floats.float_bits(number), 4)
end

local function little_double(number)
  local high, low = floats.double_bits(number)
  return integer_bytes(low, 4) .. integer_bytes(high, 4)
end

local struct = {}

function struct.pack(...)
  local count = select("#", ...)
  local values = { ... }
  local layout = check_layout(values[1], count)
  -- A nil stands behind the arguments in Redis, so a value that is missing is called nil.
  count = count + 1
  local little, alignment = true, 1
  local pieces, size_of_pieces = {}, 0
  local length, argument, position = 0, 2, 1
  while position <= #layout do
    local option = sub(layout, position, position)
    local size
    size, position = option_size(layout, option, position + 1)
    local pad = padding(length, alignment, option, size)
    if pad > 0 then
      size_of_pieces = size_of_pieces + 1
      pieces[size_of_pieces] = rep("\0", pad)
    end
    local piece
    if SIGNED[option] or UNSIGNED[option] then
      piece = integer_bytes(check_number(argument, values[argument], count), size)
      argument = argument + 1
    elseif option == "x" then
      piece = "\0"
    elseif option == "f" then
      piece = little_float(check_number(argument, values[argument], count))
      argument = argument + 1
    elseif option == "d" then
      piece = little_double(check_number(argument, values[argument], count))
      argument = argument + 1
    elseif option == "c" or option == "s" then
      local value = check_string(argument, values[argument], count)
      argument = argument + 1
      if size == 0 then
        size = #value
      elseif #value < size then
        bad_argument(argument, "string too short")
      end
      piece = #value == size and value or sub(value, 1, size)
      if option == "s" then
        piece = piece .. "\0"
        size = size + 1
      end
    else
      little, alignment, position = control(layout, option, position, little, alignment)
    end
    if piece then
      if not little and option ~= "c" and option ~= "s" then
        piece = reverse(piece)
      end
      size_of_pieces = size_of_pieces + 1
      pieces[size_of_pieces] = piece
    end
    length = length + pad + size
  end
  return concat(pieces, "", 1, size_of_pieces)
end

-- The bytes of an option, the lowest first.
local function bytes_of(data, start, size, little)
  local bytes = sub(data, start + 1, start + size)
  return little and bytes or reverse(bytes)
end

-- The size that a result gives to the option c0. C makes a negative one very large.
local function previous_size(value)
  local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
  if not number then
    fail("format 'c0' needs a previous size")
  end
  local high, low = halves(number)
  if number >= 9223372036854775808 then
    high = number < 18446744073709551616 and 2147483648 or 0
    low = 0
  end
  return high * 4294967296 + low
end

function struct.unpack(...)
  local count = select("#", ...)
  local layout, data, offset = ...
  layout = check_layout(layout, count)
  data = check_string(2, data, count)
  local start = 0
  if offset ~= nil then
    local high, low = halves(check_number(3, offset, count))
    start = high * 4294967296 + low - 1
    if start < 0 then
      bad_argument(3, "offset must be 1 or greater")
    elseif #layout == 0 then
      return integer(integer_bytes(low, 4) .. integer_bytes(high, 4), 8, true)
    end
  end
  local little, alignment = true, 1
  local results, found = {}, 0
  local position = 1
  while position <= #layout do
    local option = sub(layout, position, position)
    local size
    size, position = option_size(layout, option, position + 1)
    start = start + padding(start, alignment, option, size)
    if start + size > #data then
      bad_argument(2, "data string too short")
    elseif found + 4 > support.MAX_STACK then
      fail("stack overflow (too many results)")
    end
    local result
    if SIGNED[option] then
      result = integer(bytes_of(data, start, size, little), size, true)
    elseif UNSIGNED[option] then
      result = integer(bytes_of(data, start, size, little), size, false)
    elseif option == "f" then
      result = floats.float(unsigned_32(byte(bytes_of(data, start, 4, little), 1, 4)))
    elseif option == "d" then
      local bytes = bytes_of(data, start, 8, little)
      result = floats.double(unsigned_32(byte(bytes, 5, 8)), unsigned_32(byte(bytes, 1, 4)))
    elseif option == "c" then
      if size == 0 then
        size = previous_size(results[found])
        found = found - 1
        if start + size > #data then
          bad_argument(2, "data string too short")
        end
      end
      result = sub(data, start + 1, start + size)
    elseif option == "s" then
      local zero = find(data, "%z", start + 1)
      if not zero then
        fail("unfinished string in data")
      end
      result = sub(data, start + 1, zero - 1)
      size = zero - start
    elseif option ~= "x" then
      little, alignment, position = control(layout, option, position, little, alignment)
    end
    if result then
      found = found + 1
      results[found] = result
    end
    start = start + size
  end
  results[found + 1] = start + 1
  return support.spread(results, found + 1)
end

function struct.size(...)
  local layout = check_layout((...), select("#", ...))
  local alignment, length, position = 1, 0, 1
  while position <= #layout do
    local option = sub(layout, position, position)
    local size
    size, position = option_size(layout, option, position + 1)
    length = length + padding(length, alignment, option, size)
    if option == "s" then
      bad_argument(1, "option 's' has no fixed size")
    elseif option == "c" and size == 0 then
      bad_argument(1, "option 'c0' has no fixed size")
    elseif not find(option, "^[0-9A-Za-z]") then
      local _
      _, alignment, position = control(layout, option, position, true, alignment)
    end
    length = length + size
  end
  return length
end

return support.export(struct)
