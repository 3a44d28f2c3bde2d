"""Layer 5: scripts and functions, which run in Lua.

    commands/scripting.py     EVAL and its kin
      Scripting               scripting.py: the script that runs, its caller, its rules; the part of an engine
        ScriptCache           cache.py: the scripts that EVAL has seen
        Interpreter           interpreter.py: a Lua state with the sandbox; the only module that imports lupa
          lua/*.lua           the sandbox, the table `redis`, results taken to pieces
        Calls                 calls.py: redis.call, from Lua back into the dispatcher
          LuaSink             sink.py: the reply of a command, as Lua needs it

No object of Python is given to a script: it sees functions of Lua, which keep functions of Python to themselves. These
take and give strings and numbers only, and never raise an error.
"""
