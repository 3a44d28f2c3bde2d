-- cjson.decode: a parser by recursive descent that takes a token where it expects one.
--
-- Only when something else is there, `describe` says what it is, for the text of the error.

local support, null = ...
local fail = support.fail
local byte, char, find, format = string.byte, string.char, string.find, string.format
local lower, sub = string.lower, string.sub
local concat, floor, tonumber = table.concat, math.floor, tonumber

local MAX_STACK = support.MAX_STACK

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", t = "\t", n = "\n", f = "\f", r = "\r" }
local PUNCTUATION = {
  ["{"] = "T_OBJ_BEGIN",
  ["}"] = "T_OBJ_END",
  ["["] = "T_ARR_BEGIN",
  ["]"] = "T_ARR_END",
  [","] = "T_COMMA",
  [":"] = "T_COLON",
  ["\0"] = "T_END",
  [""] = "T_END",
}

local function utf8(code)
  if code < 128 then
    return char(code)
  elseif code < 2048 then
    return char(192 + floor(code / 64), 128 + code % 64)
  elseif code < 65536 then
    return char(224 + floor(code / 4096), 128 + floor(code / 64) % 64, 128 + code % 64)
  end
  return char(240 + floor(code / 262144), 128 + floor(code / 4096) % 64, 128 + floor(code / 64) % 64, 128 + code % 64)
end

-- The number of four hexadecimal digits at a position; nil if they are not there.
local function hexadecimal(text, position)
  local _, last = find(text, "^[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]", position)
  return last and tonumber(sub(text, position, last), 16)
end

-- The characters of the escape \u at a position, and the position after it; nil if it is not valid.
local function unicode_escape(text, position)
  local code = hexadecimal(text, position + 2)
  if not code then
    return nil
  elseif code < 55296 or code > 57343 then
    return utf8(code), position + 6
  end
  local following = sub(text, position + 6, position + 7) == "\\u" and hexadecimal(text, position + 8)
  if code >= 56320 or not following or following < 56320 or following > 57343 then
    return nil
  end
  return utf8(65536 + (code - 55296) * 1024 + following - 56320), position + 12
end

-- The string after a quotation mark, and the position after it. Where there is none: nil, why, and the position.
local function read_string(text, position)
  local stop = find(text, '["\\%z]', position)
  if stop and byte(text, stop) == 34 then
    return sub(text, position, stop - 1), stop + 1
  end
  local pieces, count = {}, 0
  while stop and byte(text, stop) == 92 do
    local letter = sub(text, stop + 1, stop + 1)
    local character, after = ESCAPES[letter], stop + 2
    if letter == "u" then
      character, after = unicode_escape(text, stop)
      if not character then
        return nil, "invalid unicode escape code", stop
      end
    elseif not character then
      return nil, "invalid escape code", stop
    end
    pieces[count + 1] = sub(text, position, stop - 1)
    count = count + 2
    pieces[count] = character
    position = after
    stop = find(text, '["\\%z]', position)
  end
  if not stop or byte(text, stop) ~= 34 then
    return nil, "unexpected end of string", stop or #text + 1
  end
  pieces[count + 1] = sub(text, position, stop - 1)
  return concat(pieces, "", 1, count + 1), stop + 1
end

-- Where the longest number at a position ends that strtod() of C reads; nil if there is none.
local function number_end(text, position)
  local _, sign = find(text, "^[+-]", position)
  local start = sign and sign + 1 or position
  local _, last = find(text, "^0[xX][0-9a-fA-F]+%.?[0-9a-fA-F]*", start)
  if not last then
    _, last = find(text, "^0[xX]%.[0-9a-fA-F]+", start)
  end
  if last then
    local _, exponent = find(text, "^[pP][+-]?[0-9]+", last + 1)
    return exponent or last
  end
  _, last = find(text, "^[0-9]+%.?[0-9]*", start)
  if not last then
    _, last = find(text, "^%.[0-9]+", start)
  end
  if last then
    local _, exponent = find(text, "^[eE][+-]?[0-9]+", last + 1)
    return exponent or last
  end
  local word = lower(sub(text, start, start + 7))
  if word == "infinity" then
    return start + 7
  elseif sub(word, 1, 3) == "inf" then
    return start + 2
  elseif sub(word, 1, 3) == "nan" then
    _, last = find(text, "^%([0-9A-Za-z_]*%)", start + 3)
    return last or start + 2
  end
  return nil
end

-- Whether what begins at a position is a number that JSON does not have: signed by +, hexadecimal, with a leading zero,
-- infinite or none.
local function is_invalid_number(text, position)
  if find(text, "^%+", position) or find(text, "^%-?0[xX0-9]", position) then
    return true
  end
  local word = lower(sub(text, find(text, "^%-", position) and position + 1 or position, position + 3))
  word = sub(word, 1, 3)
  return word == "inf" or word == "nan"
end

-- Make the function that decodes a text with the settings of one instance of cjson.
return function(settings)
  -- The number at a position and the position after it; nil if it cannot be read.
  local function read_number(text, position)
    if not settings.decode_invalid_numbers and is_invalid_number(text, position) then
      return nil
    end
    local _, last = find(text, "^%-?[0-9]+%.?[0-9]*[eE]?[+-]?[0-9]*", position)
    local number = last and not find(text, "^[xX]", last + 1) and tonumber(sub(text, position, last))
    if not number then
      last = number_end(text, position)
      number = last and tonumber(sub(text, position, last))
    end
    return number, last and last + 1
  end

  -- What the token at a position is, and the position that an error about it names.
  local function describe(text, position)
    position = find(text, "[^ \t\r\n]", position) or #text + 1
    local character = sub(text, position, position)
    if PUNCTUATION[character] then
      return PUNCTUATION[character], position
    elseif character == '"' then
      local string, reason, place = read_string(text, position + 1)
      if string then
        return "T_STRING", position
      end
      return reason, place
    elseif find(character, "^[-0-9]") then
      return read_number(text, position) and "T_NUMBER" or "invalid number", position
    elseif sub(text, position, position + 3) == "true" or sub(text, position, position + 4) == "false" then
      return "T_BOOLEAN", position
    elseif sub(text, position, position + 3) == "null" then
      return "T_NULL", position
    elseif settings.decode_invalid_numbers and find(character, "^[+iInN]") and is_invalid_number(text, position) then
      return read_number(text, position) and "T_NUMBER" or "invalid number", position
    end
    return "invalid token", position
  end

  local function expected(what, text, position, depth)
    local found, place = describe(text, position)
    fail(format("Expected %s but found %s at character %d", what, found, place), depth)
  end

  local function descend(position, depth, stack)
    if depth > settings.decode_max_depth or stack > MAX_STACK then
      fail(format("Found too many nested data structures (%d) at character %d", depth, position), depth)
    end
  end

  local read_value

  -- The character at a position or after the white space there, and its position.
  local function next_character(text, position)
    local code = byte(text, position)
    while code == 32 or code == 10 or code == 13 or code == 9 do
      position = position + 1
      code = byte(text, position)
    end
    return code, position
  end

  local function read_array(text, position, depth, stack)
    descend(position - 1, depth, stack + 2)
    local array, size = {}, 0
    local code
    code, position = next_character(text, position)
    if code == 93 then
      return array, position + 1
    end
    repeat
      size = size + 1
      array[size], position = read_value(text, position, depth, stack + 1)
      code, position = next_character(text, position)
      position = position + 1
    until code ~= 44
    if code ~= 93 then
      expected("comma or array end", text, position - 1, depth)
    end
    return array, position
  end

  local function read_object(text, position, depth, stack)
    descend(position - 1, depth, stack + 3)
    local object = {}
    local code, key, value
    code, position = next_character(text, position)
    if code == 125 then
      return object, position + 1
    end
    repeat
      code, position = next_character(text, position)
      local after
      if code == 34 then
        key, after = read_string(text, position + 1)
      end
      if code ~= 34 or not key then
        expected("object key string", text, position, depth)
      end
      code, position = next_character(text, after)
      if code ~= 58 then
        expected("colon", text, position, depth)
      end
      value, position = read_value(text, position + 1, depth, stack + 2)
      object[key] = value
      code, position = next_character(text, position)
      position = position + 1
    until code ~= 44
    if code ~= 125 then
      expected("comma or object end", text, position - 1, depth)
    end
    return object, position
  end

  -- The value at a position and the position after it. `depth` is how many containers are around it, `stack` how many
  -- values C would have on its stack.
  function read_value(text, position, depth, stack)
    local code
    code, position = next_character(text, position)
    local value, after
    if code == 34 then
      value, after = read_string(text, position + 1)
    elseif code == 123 then
      value, after = read_object(text, position + 1, depth + 1, stack)
    elseif code == 91 then
      value, after = read_array(text, position + 1, depth + 1, stack)
    elseif code and (code >= 48 and code <= 57 or code == 45) then
      value, after = read_number(text, position)
    elseif code == 116 and sub(text, position, position + 3) == "true" then
      return true, position + 4
    elseif code == 102 and sub(text, position, position + 4) == "false" then
      return false, position + 5
    elseif code == 110 and sub(text, position, position + 3) == "null" then
      return null, position + 4
    elseif describe(text, position) == "T_NUMBER" then
      value, after = read_number(text, position)
    end
    if value == nil then
      expected("value", text, position, depth)
    end
    return value, after
  end

  return function(text)
    if #text >= 2 and (byte(text, 1) == 0 or byte(text, 2) == 0) then
      fail("JSON parser does not support UTF-16 or UTF-32")
    end
    local value, position = read_value(text, 1, 0, 1)
    local found = describe(text, position)
    if found ~= "T_END" then
      expected("the end", text, position)
    end
    return value
  end
end
