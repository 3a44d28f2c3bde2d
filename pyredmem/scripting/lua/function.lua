-- What libraries of functions have: redis.register_function while a library is being loaded, and globals of their own.
--
-- While a library is being loaded it sees only `redis`, and in it only what is harmless. Afterwards its functions see
-- the globals of scripts. Their environment is the same table; what is behind it changes.

local support, api, sandbox = ...

local error, next, rawget, select, type, tostring, gsub, loadstring, xpcall =
  error, next, rawget, select, type, tostring, string.gsub, loadstring, xpcall
local setfenv, setmetatable, find, lower, concat = setfenv, setmetatable, string.find, string.lower, table.concat

local FLAGS = {
  ["no-writes"] = true,
  ["allow-oom"] = true,
  ["allow-stale"] = true,
  ["no-cluster"] = true,
  ["allow-cross-slot-keys"] = true,
}
local BAD_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"

local loader = {}

-- What the library that is being loaded has registered: names, functions, descriptions and flags, and their number.
local registered, names, count

local function raise(text)
  error({ err = "ERR " .. text }, 0)
end

local function c_string(text)
  return (gsub(text, "%z.*", ""))
end

local function text_of(value)
  if type(value) == "string" or type(value) == "number" then
    return tostring(value)
  end
end

local function read_flags(flags)
  local found = {}
  local flag = rawget(flags, 1)
  while flag ~= nil do
    local name = text_of(flag)
    name = name and lower(c_string(name))
    if not name or not FLAGS[name] then
      raise("unknown flag given")
    end
    found[#found + 1] = name
    flag = rawget(flags, #found + 1)
  end
  return found
end

local function read_named(arguments)
  local name, callback, description, flags
  for key, value in next, arguments do
    local word = text_of(key)
    if not word then
      raise("named argument key given to redis.register_function is not a string")
    end
    word = lower(c_string(word))
    if word == "function_name" then
      name = text_of(value)
      if not name then
        raise("function_name argument given to redis.register_function must be a string")
      end
    elseif word == "description" then
      description = text_of(value)
      if not description then
        raise("description argument given to redis.register_function must be a string")
      end
    elseif word == "callback" then
      callback = value
      if type(callback) ~= "function" then
        raise("callback argument given to redis.register_function must be a function")
      end
    elseif word == "flags" then
      if type(value) ~= "table" then
        raise("flags argument to redis.register_function must be a table representing function flags")
      end
      flags = read_flags(value)
    else
      raise("unknown argument given to redis.register_function")
    end
  end
  if not name then
    raise("redis.register_function must get a function name argument")
  elseif not callback then
    raise("redis.register_function must get a callback argument")
  end
  return name, callback, description, flags or {}
end

local function read_arguments(...)
  local number = select("#", ...)
  if number < 1 or number > 2 then
    raise("wrong number of arguments to redis.register_function")
  elseif number == 1 then
    local arguments = ...
    if type(arguments) ~= "table" then
      raise("calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).")
    end
    return read_named(arguments)
  end
  local name, callback = ...
  name = text_of(name)
  if not name then
    raise("first argument to redis.register_function must be a string")
  elseif type(callback) ~= "function" then
    raise("second argument to redis.register_function must be a function")
  end
  return name, callback, nil, {}
end

local function register_function(...)
  if not registered then
    raise("redis.register_function can only be called on FUNCTION LOAD command")
  end
  local name, callback, description, flags = read_arguments(...)
  if not find(name, "^[%w_]+$") then
    raise(BAD_NAME)
  end
  if names[name] then
    raise("Function already exists in the library")
  end
  names[name] = true
  count = count + 1
  registered[count] = { name, callback, description or false, concat(flags, " ") }
end

local early = { register_function = register_function }
for name, value in next, api do
  if name == "log" or type(value) ~= "function" then
    early[name] = value
  end
end
support.export({ register_function = register_function })

local environment, metatable

-- Called when the globals of scripts are there.
function loader.open(globals, unknown)
  local lua = {}
  for name, value in next, globals do
    lua[name] = value
  end
  lua.__redis__err__handler = nil
  setmetatable(lua, { __index = unknown })
  lua._G = sandbox.protect(lua, (sandbox.protect({ __index = unknown })))
  local redis = sandbox.protect(setmetatable(early, { __index = unknown }))
  loader.late = lua
  loader.early = setmetatable({ redis = redis, server = api.SERVER_NAME and redis or nil }, { __index = unknown })
  environment, metatable = sandbox.protect(lua)
end

-- Load a library. Gives back the number of functions that it has registered, or nil and the error.
function loader.load(compiled)
  registered, names, count = {}, {}, 0
  metatable.__index = loader.early
  sandbox.begin_loading()
  local ok, problem = xpcall(setfenv(loadstring(compiled), environment), sandbox.handle)
  metatable.__index = loader.late
  local found = count
  count = nil
  local death = sandbox.death()
  if death then
    sandbox.arm()
    if ok then
      ok, problem = false, death
    end
  end
  sandbox.end_loading()
  sandbox.reset()
  sandbox.restore()
  if not ok then
    registered = nil
    if type(problem) == "table" then
      return nil, text_of(problem.err) or "ERR unknown error"
    end
    return nil, text_of(problem) or "execution failure"
  end
  loader.found, registered = registered, nil
  return found
end

-- A function that the library loaded last has registered: its name, the function, its description, its flags.
function loader.function_at(index)
  local entry = loader.found[index]
  return entry[1], entry[2], entry[3], entry[4]
end

function loader.forget()
  loader.found = nil
end

return loader
