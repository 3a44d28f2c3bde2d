-- The library `cjson`: lua-cjson 2.1.0.
--
-- Each instance that cjson.new() makes has settings of its own.

local support, new_encoder, new_decoder, null = ...
local bad_argument, check_int, check_string = support.bad_argument, support.check_int, support.check_string
local find, select, sub, type = string.find, select, string.sub, type

local MAX_INT = 2147483647
local SWITCH = { off = true, on = true }
local INVALID_NUMBERS = { off = true, on = true, null = true }

-- Set an integer unless the argument is nil. lua-cjson complains of the first argument whichever is out of range.
local function set_integer(settings, name, index, value, count, lowest, highest)
  if value ~= nil then
    local number = check_int(index, value, count)
    if number < lowest or number > highest then
      bad_argument(1, "expected integer between " .. lowest .. " and " .. highest)
    end
    settings[name] = number
  end
end

-- One of the names of `options`, of which "off" and "on" may be written as booleans too; nil if the argument is nil.
local function check_option(index, value, count, options)
  if value == nil then
    return nil
  elseif type(value) == "boolean" then
    return value and "on" or "off"
  end
  local name = check_string(index, value, count)
  local zero = find(name, "%z")
  name = zero and sub(name, 1, zero - 1) or name
  if not options[name] then
    bad_argument(index, "invalid option '" .. name .. "'")
  end
  return name
end

local function set_switch(settings, name, index, value, count)
  local chosen = check_option(index, value, count, SWITCH)
  if chosen then
    settings[name] = chosen == "on"
  end
end

local function check_count(count, highest)
  if count > highest then
    bad_argument(highest + 1, "found too many arguments")
  end
end

local function check_single_argument(count)
  if count ~= 1 then
    bad_argument(1, "expected 1 argument")
  end
end

local function set_precision(settings, precision)
  settings.number_format = "%." .. precision .. "g"
end

local function new_settings()
  local settings = {
    sparse_convert = false,
    sparse_ratio = 2,
    sparse_safe = 10,
    encode_max_depth = 1000,
    decode_max_depth = 1000,
    encode_invalid_numbers = "off",
    decode_invalid_numbers = true,
    keep_buffer = true,
    precision = 14,
  }
  set_precision(settings, settings.precision)
  return settings
end

local function new_instance()
  local settings = new_settings()
  local encode_value, decode_text = new_encoder(settings), new_decoder(settings)
  local cjson = {}

  function cjson.encode(...)
    check_single_argument(select("#", ...))
    local text = encode_value((...))
    return text
  end

  function cjson.decode(...)
    check_single_argument(select("#", ...))
    local value = decode_text(check_string(1, (...), 1))
    return value
  end

  function cjson.encode_sparse_array(...)
    local count = select("#", ...)
    check_count(count, 3)
    local convert, ratio, safe = ...
    set_switch(settings, "sparse_convert", 1, convert, count)
    set_integer(settings, "sparse_ratio", 2, ratio, count, 0, MAX_INT)
    set_integer(settings, "sparse_safe", 3, safe, count, 0, MAX_INT)
    return settings.sparse_convert, settings.sparse_ratio, settings.sparse_safe
  end

  function cjson.encode_max_depth(...)
    local count = select("#", ...)
    check_count(count, 1)
    set_integer(settings, "encode_max_depth", 1, (...), count, 1, MAX_INT)
    return settings.encode_max_depth
  end

  function cjson.decode_max_depth(...)
    local count = select("#", ...)
    check_count(count, 1)
    set_integer(settings, "decode_max_depth", 1, (...), count, 1, MAX_INT)
    return settings.decode_max_depth
  end

  function cjson.encode_number_precision(...)
    local count = select("#", ...)
    check_count(count, 1)
    set_integer(settings, "precision", 1, (...), count, 1, 14)
    set_precision(settings, settings.precision)
    return settings.precision
  end

  -- Accepted and told again, as it only says how C keeps its memory.
  function cjson.encode_keep_buffer(...)
    local count = select("#", ...)
    check_count(count, 1)
    set_switch(settings, "keep_buffer", 1, (...), count)
    return settings.keep_buffer
  end

  function cjson.encode_invalid_numbers(...)
    local count = select("#", ...)
    check_count(count, 1)
    local chosen = check_option(1, (...), count, INVALID_NUMBERS)
    settings.encode_invalid_numbers = chosen or settings.encode_invalid_numbers
    if settings.encode_invalid_numbers == "null" then
      return "null"
    end
    return settings.encode_invalid_numbers == "on"
  end

  function cjson.decode_invalid_numbers(...)
    local count = select("#", ...)
    check_count(count, 1)
    set_switch(settings, "decode_invalid_numbers", 1, (...), count)
    return settings.decode_invalid_numbers
  end

  function cjson.new()
    local instance = new_instance()
    return instance
  end

  cjson.null = null
  cjson._NAME = "cjson"
  cjson._VERSION = "2.1.0"
  return support.export(cjson)
end

return new_instance()
