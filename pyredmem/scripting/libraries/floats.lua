-- IEEE 754 numbers as integers of 32 bits, for `struct` and `cmsgpack`.
--
-- A NaN keeps its sign. What else is in its bits a script cannot see, so it is always the quiet NaN.

local find, format = string.find, string.format
local floor, frexp, huge, ldexp = math.floor, math.frexp, math.huge, math.ldexp

local INFINITE_FLOAT = 2139095040 -- 0x7f800000
local SIGN = 2147483648

local negative_nan = 0 / 0
if not find(format("%f", negative_nan), "-", 1, true) then
  negative_nan = -negative_nan
end

local function is_negative(number)
  if number == 0 then
    return 1 / number < 0
  elseif number ~= number then
    return find(format("%f", number), "-", 1, true) ~= nil
  end
  return number < 0
end

-- To the nearest integer, half to even, as the processor rounds a sum that has no room for a fraction.
local function round(number)
  return number + 4503599627370496 - 4503599627370496
end

local floats = {}

-- The high and the low half of a double.
function floats.double_bits(number)
  local sign = is_negative(number) and SIGN or 0
  if number ~= number then
    return sign + 2146959360, 0
  end
  local magnitude = number < 0 and -number or number
  if magnitude == 0 then
    return sign, 0
  elseif magnitude == huge then
    return sign + 2146435072, 0
  end
  local fraction, exponent = frexp(magnitude)
  local biased = exponent + 1022
  local mantissa
  if biased > 0 then
    mantissa = (fraction * 2 - 1) * 4503599627370496
  else
    biased, mantissa = 0, ldexp(fraction, exponent + 1074)
  end
  return sign + biased * 1048576 + floor(mantissa / 4294967296), mantissa % 4294967296
end

-- The bits of the float that is nearest to a number.
function floats.float_bits(number)
  local sign = is_negative(number) and SIGN or 0
  if number ~= number then
    return sign + 2143289344
  end
  local magnitude = number < 0 and -number or number
  if magnitude == 0 then
    return sign
  elseif magnitude == huge then
    return sign + INFINITE_FLOAT
  end
  local fraction, exponent = frexp(magnitude)
  local bits
  if exponent < -125 then
    bits = round(ldexp(magnitude, 149))
  else
    -- Where the fraction is rounded up to one, the carry raises the exponent.
    bits = (exponent + 125) * 8388608 + round(fraction * 16777216)
  end
  return sign + (bits < INFINITE_FLOAT and bits or INFINITE_FLOAT)
end

function floats.double(high, low)
  local negative = high >= SIGN
  if negative then
    high = high - SIGN
  end
  local exponent = floor(high / 1048576)
  local mantissa = high % 1048576 * 4294967296 + low
  local magnitude
  if exponent == 2047 then
    if mantissa ~= 0 then
      return negative and negative_nan or -negative_nan
    end
    magnitude = huge
  elseif exponent == 0 then
    magnitude = ldexp(mantissa, -1074)
  else
    magnitude = ldexp(mantissa + 4503599627370496, exponent - 1075)
  end
  return negative and -magnitude or magnitude
end

function floats.float(bits)
  local negative = bits >= SIGN
  if negative then
    bits = bits - SIGN
  end
  local exponent = floor(bits / 8388608)
  local mantissa = bits % 8388608
  local magnitude
  if exponent == 255 then
    if mantissa ~= 0 then
      return negative and negative_nan or -negative_nan
    end
    magnitude = huge
  elseif exponent == 0 then
    magnitude = ldexp(mantissa, -149)
  else
    magnitude = ldexp(mantissa + 8388608, exponent - 150)
  end
  return negative and -magnitude or magnitude
end

return floats
