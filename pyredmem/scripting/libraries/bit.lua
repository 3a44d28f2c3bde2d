-- The library `bit`: LuaBitOp 1.0.2.
--
-- Numbers are doubles, so the operations work on an unsigned value of 32 bits and give a signed one back. AND looks up
-- four bits of both operands at a time; OR and XOR follow from it: a|b = a+b-(a&b), a^b = a+b-2(a&b). A shift is a
-- multiplication or a division.

local support = ...
local bad_type = support.bad_type
local floor, format, frexp, select, sub = math.floor, string.format, math.frexp, select, string.sub
local tonumber, type, upper = tonumber, type, string.upper

local AND = {}
for a = 0, 15 do
  for b = 0, 15 do
    local both, weight = 0, 1
    local x, y = a, b
    while x > 0 and y > 0 do
      if x % 2 == 1 and y % 2 == 1 then
        both = both + weight
      end
      x, y, weight = floor(x / 2), floor(y / 2), weight * 2
    end
    AND[a * 16 + b] = both
  end
end

local POWER = {}
for bits = 0, 32 do
  POWER[bits] = 2 ^ bits
end

-- The low 32 bits of a number. LuaBitOp adds 2^52+2^51, so that the last bits of the sum's mantissa are those of the
-- rounded integer, and takes these bits whatever the sum is: beyond 2^51 they are bits of a scaled number.
local function unsigned(value, index, count)
  if type(value) ~= "number" then
    local number = type(value) == "string" and tonumber(value)
    if not number then
      bad_type(index, "number", value, count)
    end
    value = number
  end
  local sum = value + 6755399441055744
  if sum >= 4503599627370496 and sum < 9007199254740992 then
    return sum % 4294967296
  elseif sum ~= sum or sum == 0 or sum - sum ~= 0 then
    return 0
  end
  local mantissa = frexp(sum < 0 and -sum or sum)
  return mantissa * 9007199254740992 % 4294967296
end

local function signed(value)
  if value >= 2147483648 then
    return value - 4294967296
  end
  return value
end

local function and_(a, b)
  local a1, b1 = a % 16, b % 16
  a, b = (a - a1) / 16, (b - b1) / 16
  local a2, b2 = a % 16, b % 16
  a, b = (a - a2) / 16, (b - b2) / 16
  local a3, b3 = a % 16, b % 16
  a, b = (a - a3) / 16, (b - b3) / 16
  local a4, b4 = a % 16, b % 16
  a, b = (a - a4) / 16, (b - b4) / 16
  local a5, b5 = a % 16, b % 16
  a, b = (a - a5) / 16, (b - b5) / 16
  local a6, b6 = a % 16, b % 16
  a, b = (a - a6) / 16, (b - b6) / 16
  local a7, b7 = a % 16, b % 16
  return AND[a1 * 16 + b1] + AND[a2 * 16 + b2] * 16 + AND[a3 * 16 + b3] * 256 + AND[a4 * 16 + b4] * 4096
    + AND[a5 * 16 + b5] * 65536 + AND[a6 * 16 + b6] * 1048576 + AND[a7 * 16 + b7] * 16777216
    + AND[a - a7 + (b - b7) / 16] * 268435456
end

local function or_(a, b)
  return a + b - and_(a, b)
end

local function xor(a, b)
  return a + b - 2 * and_(a, b)
end

-- The first argument is checked first, the others from the last one back.
local function fold(operation, ...)
  local count = select("#", ...)
  local result = unsigned((...), 1, count)
  for index = count, 2, -1 do
    result = operation(result, unsigned((select(index, ...)), index, count))
  end
  return result
end

local function shift_left(value, bits)
  return value % POWER[32 - bits] * POWER[bits]
end

local function shift_right(value, bits)
  return floor(value / POWER[bits])
end

-- The value of a shift's first argument, and the five bits of its second that count.
local function shift_arguments(...)
  local count = select("#", ...)
  local value, bits = ...
  value = unsigned(value, 1, count)
  bits = unsigned(bits, 2, count) % 32
  return value, bits
end

local bit = {}

function bit.tobit(...)
  local value = unsigned((...), 1, select("#", ...))
  return signed(value)
end

function bit.bnot(...)
  local value = unsigned((...), 1, select("#", ...))
  return signed(4294967295 - value)
end

function bit.band(...)
  local value = fold(and_, ...)
  return signed(value)
end

function bit.bor(...)
  local value = fold(or_, ...)
  return signed(value)
end

function bit.bxor(...)
  local value = fold(xor, ...)
  return signed(value)
end

function bit.lshift(...)
  local value, bits = shift_arguments(...)
  return signed(shift_left(value, bits))
end

function bit.rshift(...)
  local value, bits = shift_arguments(...)
  return signed(shift_right(value, bits))
end

function bit.arshift(...)
  local value, bits = shift_arguments(...)
  return floor(signed(value) / POWER[bits])
end

function bit.rol(...)
  local value, bits = shift_arguments(...)
  return signed(shift_left(value, bits) + shift_right(value, 32 - bits))
end

function bit.ror(...)
  local value, bits = shift_arguments(...)
  return signed(shift_right(value, bits) + shift_left(value, 32 - bits) % 4294967296)
end

function bit.bswap(...)
  local value = unsigned((...), 1, select("#", ...))
  local a = value % 256
  value = (value - a) / 256
  local b = value % 256
  value = (value - b) / 256
  local c = value % 256
  return signed(a * 16777216 + b * 65536 + c * 256 + (value - c) / 256)
end

-- A negative number of digits asks for capital letters.
function bit.tohex(...)
  local count = select("#", ...)
  local value, digits = ...
  value = unsigned(value, 1, count)
  digits = count < 2 and 8 or signed(unsigned(digits, 2, count))
  local text = format("%08x", value)
  if digits < 0 then
    digits = -digits
    text = upper(text)
  end
  return digits >= 8 and text or sub(text, 9 - digits)
end

return support.export(bit)
