-- cjson.encode: the text is collected in pieces, and many pieces are joined to a chunk, since a list of pieces of a few
-- bytes takes several times the memory of the text.

local support, null = ...
local fail = support.fail
local concat, find, floor, format, gsub = table.concat, string.find, math.floor, string.format, string.gsub
local error, next, rawequal, rawget, type = error, next, rawequal, rawget, type

-- The longest text, which is the longest string that Redis stores. A list of two elements with a gap of 2^31 between
-- them would need gigabytes.
local MAX_TEXT = 536870912
local MAX_PIECES = 65536
local MAX_STACK = support.MAX_STACK
local ESCAPED = '[%z\1-\31"/\\\127]'

local ESCAPES = { ['"'] = '\\"', ["/"] = "\\/", ["\\"] = "\\\\", ["\127"] = "\\u007f" }
for code = 0, 31 do
  ESCAPES[string.char(code)] = format("\\u%04x", code)
end
for letter, character in next, { b = "\b", t = "\t", n = "\n", f = "\f", r = "\r" } do
  ESCAPES[character] = "\\" .. letter
end

-- As C adds to and multiplies an int.
local function wrapped_int(number)
  return (number + 2147483648) % 4294967296 - 2147483648
end

-- Make the function that encodes a value with the settings of one instance of cjson.
return function(settings)
  local chunks, pieces, count, length

  local function check_length(more)
    if length + more > MAX_TEXT then
      error("not enough memory", 0)
    end
  end

  local function join()
    local chunk = concat(pieces, "", 1, count)
    check_length(#chunk)
    length = length + #chunk
    chunks[#chunks + 1] = chunk
    pieces, count = {}, 0
  end

  local function append(piece)
    count = count + 1
    pieces[count] = piece
  end

  local function quote(text)
    if find(text, ESCAPED) then
      text = gsub(text, ESCAPED, ESCAPES)
    end
    return '"' .. text .. '"'
  end

  local function number_text(number, depth)
    if number - number ~= 0 then
      if settings.encode_invalid_numbers == "off" then
        fail("Cannot serialise number: must not be NaN or Inf", depth)
      elseif settings.encode_invalid_numbers == "null" then
        return "null"
      elseif number ~= number then
        return "nan"
      end
    end
    return format(settings.number_format, number)
  end

  -- How many elements the array has; 0 for a table that is encoded as an object.
  local function array_length(value, depth)
    local highest, elements = 0, 0
    for key in next, value do
      if type(key) ~= "number" or key < 1 or floor(key) ~= key then
        return 0
      end
      if key > highest then
        highest = key < 2147483648 and key or -2147483648
      end
      elements = elements + 1
    end
    local ratio = settings.sparse_ratio
    if ratio > 0 and highest > settings.sparse_safe and highest > wrapped_int(elements * ratio) then
      if not settings.sparse_convert then
        fail("Cannot serialise table: excessively sparse array", depth)
      end
      return 0
    end
    return highest
  end

  local append_value

  local function append_array(value, size, depth, stack)
    check_length(size * 2)
    append("[")
    for index = 1, size do
      if index > 1 then
        append(",")
      end
      append_value(rawget(value, index), depth, stack + 1)
      if count > MAX_PIECES then
        join()
      end
    end
    append("]")
  end

  local function append_object(value, depth, stack)
    local before = "{"
    for key, element in next, value do
      local kind = type(key)
      if kind == "string" then
        append(before .. quote(key) .. ":")
      elseif kind == "number" then
        append(before .. '"' .. number_text(key, depth) .. '":')
      else
        fail("Cannot serialise " .. kind .. ": table key must be a number or string", depth)
      end
      before = ","
      append_value(element, depth, stack + 2)
      if count > MAX_PIECES then
        join()
      end
    end
    append(before == "{" and "{}" or "}")
  end

  -- `depth` is how many tables are around the value, `stack` how many values C would have on its stack.
  function append_value(value, depth, stack)
    local kind = type(value)
    if kind == "string" then
      count = count + 1
      pieces[count] = quote(value)
    elseif kind == "number" then
      count = count + 1
      pieces[count] = number_text(value, depth)
    elseif kind == "table" then
      depth = depth + 1
      if depth > settings.encode_max_depth or stack + 3 > MAX_STACK then
        fail(format("Cannot serialise, excessive nesting (%d)", depth), depth)
      end
      local size = array_length(value, depth)
      if size > 0 then
        append_array(value, size, depth, stack)
      else
        append_object(value, depth, stack)
      end
    elseif kind == "boolean" then
      append(value and "true" or "false")
    elseif kind == "nil" or rawequal(value, null) then
      append("null")
    else
      fail("Cannot serialise " .. kind .. ": type not supported", depth)
    end
  end

  return function(value)
    chunks, pieces, count, length = {}, {}, 0, 0
    append_value(value, 0, 1)
    join()
    local text = concat(chunks)
    chunks, pieces = nil, nil
    return text
  end
end
