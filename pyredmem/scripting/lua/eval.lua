-- What only the scripts of EVAL have in `redis`: the debugger's functions, which do nothing, and one that is withdrawn.

local support, api = ...

function api.breakpoint()
  return false
end

function api.debug() end

function api.replicate_commands()
  return true
end

support.export(api)
