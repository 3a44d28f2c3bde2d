"""Sequences of commands on functions, which the tests compare with real servers. Each begins without libraries."""

from __future__ import annotations

from typing import Final

#: A word per argument.
SEQUENCES: Final[tuple[tuple[tuple[str | bytes, ...], ...], ...]] = (
    (
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=lib1\nredis.register_function('f1', function(keys, args) return {keys, args} end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=lib1\nredis.register_function('f1', function(keys, args) return {keys, args} end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "REPLACE",
            "#!lua name=lib1\nredis.register_function('f1', function(keys, args) return {keys, args} end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=lib2\nredis.register_function('f1', function(keys, args) return {keys, args} end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "REPLACE",
            "#!lua name=lib2\nredis.register_function('f1', function(keys, args) return {keys, args} end)",
        ),
        (
            "FCALL",
            "f1",
            "1",
            "a",
            "b",
            "c",
        ),
        (
            "FCALL",
            "F1",
            "1",
            "a",
            "b",
            "c",
        ),
        (
            "FCALL",
            "nof",
            "0",
        ),
        (
            "FCALL",
            "f1",
            "x",
        ),
        (
            "FCALL",
            "f1",
            "9",
        ),
        (
            "FCALL",
            "f1",
            "-1",
        ),
        (
            "FCALL_RO",
            "f1",
            "0",
        ),
        (
            "FUNCTION",
            "LOAD",
            "return 1",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a-b\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a name=b\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua foo=b name=a\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua  name=a\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!LUA name=a\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name='ab'\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            '#!lua name="ab\n',
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua NAME=a\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!js name=a\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nreturn 1",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nsyntax error",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nerror('x')",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nfoo()",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nx=1",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nredis.call('get','a')",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nredis.pcall('get','a')",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nredis.setresp(3)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a\nredis.log(3,'x') redis.register_function('q', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nmath.random()",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function()",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function('x')",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function('x', 1)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function(1, function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function('a-b', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function('', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function('x', function() end, 1)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function('x', function() end) redis.register_function('x', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x'}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name=1, callback=function() end}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=function() end, description=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=function() end, flags=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=function() end, flags={'foo'}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=function() end, flags={1}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=function() end, foo=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x', callback=function() end, [1]=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function(1)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=a1\nredis.register_function{function_name='x1', callback=function() end, description='de sc', flags={'no-writes','allow-oom','allow-stale','no-cluster','allow-cross-slot-keys'}}\nredis.register_function{function_name='x2', callback=function() return redis.call('set','a','b') end, flags={'no-writes'}} redis.register_function('x3', function() redis.register_function('x5', function() end) end) redis.register_function('x4', function() error('uh') end) redis.register_function('x6', function() return redis.call('get','a') end) redis.register_function('x7', function() local t={} for k in pairs(_G) do t[#t+1]=k end for k in pairs(redis) do t[#t+1]='redis.'..k end table.sort(t) return t end)",
        ),
        (
            "FCALL",
            "x1",
            "0",
        ),
        (
            "FCALL",
            "x2",
            "0",
        ),
        (
            "FCALL",
            "x3",
            "0",
        ),
        (
            "FCALL",
            "x4",
            "0",
        ),
        (
            "FCALL_RO",
            "x1",
            "0",
        ),
        (
            "FCALL_RO",
            "x6",
            "0",
        ),
        (
            "FCALL",
            "x7",
            "0",
        ),
        (
            "FUNCTION",
            "LIST",
        ),
        (
            "FUNCTION",
            "LIST",
            "WITHCODE",
        ),
        (
            "FUNCTION",
            "LIST",
            "LIBRARYNAME",
            "lib*",
        ),
        (
            "FUNCTION",
            "LIST",
            "LIBRARYNAME",
        ),
        (
            "FUNCTION",
            "LIST",
            "foo",
        ),
        (
            "FUNCTION",
            "LIST",
            "LIBRARYNAME",
            "a",
            "LIBRARYNAME",
            "b",
        ),
        (
            "FUNCTION",
            "LIST",
            "WITHCODE",
            "WITHCODE",
        ),
        (
            "FUNCTION",
            "LIST",
            "WITHCODE",
            "LIBRARYNAME",
            "LIB*",
        ),
        (
            "FUNCTION",
            "STATS",
        ),
        (
            "FUNCTION",
            "KILL",
        ),
        (
            "SCRIPT",
            "KILL",
        ),
        (
            "FUNCTION",
            "DELETE",
            "zzz",
        ),
        (
            "FUNCTION",
            "DELETE",
            "a1",
        ),
        (
            "FUNCTION",
            "DELETE",
            "A",
        ),
        (
            "FUNCTION",
            "DELETE",
            "a",
        ),
        (
            "FUNCTION",
            "FLUSH",
            "foo",
        ),
        (
            "FUNCTION",
            "FLUSH",
            "sync",
            "a",
        ),
        (
            "FUNCTION",
            "FLUSH",
            "ASYNC",
        ),
        (
            "FUNCTION",
            "LIST",
        ),
        (
            "FUNCTION",
            "STATS",
        ),
        (
            "FUNCTION",
            "RESTORE",
            "x",
        ),
        (
            "FUNCTION",
            "RESTORE",
            "x",
            "foo",
        ),
        (
            "FUNCTION",
            "RESTORE",
            "x",
            "foo",
            "bar",
        ),
        (
            "FUNCTION",
            "FOO",
        ),
        ("FUNCTION",),
        (
            "SCRIPT",
            "FLUSH",
            "foo",
        ),
        (
            "SCRIPT",
            "FLUSH",
            "sync",
            "x",
        ),
        (
            "SCRIPT",
            "FOO",
        ),
        (
            "SCRIPT",
            "DEBUG",
            "x",
        ),
        (
            "SCRIPT",
            "DEBUG",
            "NO",
        ),
        (
            "SCRIPT",
            "EXISTS",
            "x",
            "y",
        ),
        (
            "SCRIPT",
            "LOAD",
            "foo bar",
        ),
        (
            "SCRIPT",
            "LOAD",
            "return 1",
        ),
        (
            "EVALSHA",
            "x",
            "0",
        ),
        (
            "EVALSHA",
            "e0e1f9fabfc9d4800c877a703b823ac0578ff8db",
            "0",
        ),
        (
            "EVALSHA",
            "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB",
            "0",
        ),
        (
            "EVALSHA",
            "e0e1f9fabfc9d4800c877a703b823ac0578ff8dc",
            "x",
        ),
        (
            "EVAL",
            "return 1",
            "x",
        ),
        (
            "EVAL",
            "return 1",
            "1",
        ),
        (
            "EVAL",
            "return 1",
            "-1",
        ),
        (
            "EVAL_RO",
            "return redis.call('set','a','b')",
            "0",
        ),
        (
            "EVAL_RO",
            "#!lua\nreturn 1",
            "0",
        ),
        (
            "EVAL_RO",
            "#!lua flags=no-writes\nreturn 1",
            "0",
        ),
        (
            "EVAL_RO",
            "return 1",
            "0",
        ),
        (
            "SCRIPT",
            "FLUSH",
        ),
        (
            "SCRIPT",
            "EXISTS",
            "e0e1f9fabfc9d4800c877a703b823ac0578ff8db",
        ),
    ),
    (
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function('a-b', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function('', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function('x', function() end, 1)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function('x', function() end) redis.register_function('x', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x'}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name=1, callback=function() end}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=function() end, description=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=function() end, flags=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=function() end, flags={'foo'}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=function() end, flags={1}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=function() end, foo=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x', callback=function() end, [1]=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function(1)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b1\nredis.register_function{function_name='x1', callback=function() end, description='de sc', flags={'no-writes','allow-oom','allow-stale','no-cluster','allow-cross-slot-keys'}}\nredis.register_function{function_name='x2', callback=function() return redis.call('set','a','b') end, flags={'no-writes'}} redis.register_function('x3', function() redis.register_function('x5', function() end) end) redis.register_function('x4', function() error('uh') end) redis.register_function('x6', function() return redis.call('get','a') end) redis.register_function('x7', function() local t={} for k in pairs(_G) do t[#t+1]=k end for k in pairs(redis) do t[#t+1]='redis.'..k end table.sort(t) return t end)",
        ),
        (
            "FCALL",
            "x1",
            "0",
        ),
        (
            "FCALL",
            "x2",
            "0",
        ),
        (
            "FCALL",
            "x3",
            "0",
        ),
        (
            "FCALL",
            "x4",
            "0",
        ),
        (
            "FCALL_RO",
            "x1",
            "0",
        ),
        (
            "FCALL_RO",
            "x6",
            "0",
        ),
        (
            "FCALL",
            "x7",
            "0",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=c1\nlocal n=0 redis.register_function('y1', function() n=n+1 return n end) redis.register_function('y2', function(...) return {select('#',...), type((...))} end) redis.register_function('y3', function() return {getmetatable(_G)~=nil, getmetatable(redis)~=nil, type(redis.call), tostring(rawget(_G,'redis')), type(next(_G))} end) redis.register_function('y4', function() return KEYS end) redis.register_function('y5', function() foo=1 end) redis.register_function('y6', function() return redis.foo end) redis.register_function('y7', function() return redis.call('incr') end) redis.register_function('y8', function() return redis.breakpoint() end) redis.register_function('y9', function() return redis.register_function end)  redis.register_function('y10', function() return tostring(math.random()) end) redis.register_function('y11', function() return __redis__err__handler end) redis.register_function('y12', function() redis.x=1 end) redis.register_function('y13', function() _G.x=1 end) redis.register_function('y14', function() local t={} for k in pairs(getmetatable(_G)) do t[#t+1]=k end return t end) redis.register_function('y15', function() rawset(_G,'x',1) end) redis.register_function('y16', function() return string.foo end) redis.register_function('y17', function() return {next(redis)~=nil, type(rawget(redis,'call'))} end) redis.register_function('y18', function() local t = {} for k,v in pairs(getmetatable(redis)) do t[#t+1]=k..type(v) end return t end) redis.register_function('y19', function() local f = loadstring('return redis.call(\"ping\")') return f() end) redis.register_function('y20', function() return loadstring('return foo')() end)",
        ),
        (
            "FCALL",
            "y1",
            "0",
        ),
        (
            "FCALL",
            "y2",
            "0",
        ),
        (
            "FCALL",
            "y4",
            "0",
        ),
        (
            "FCALL",
            "y5",
            "0",
        ),
        (
            "FCALL",
            "y6",
            "0",
        ),
        (
            "FCALL",
            "y7",
            "0",
        ),
        (
            "FCALL",
            "y8",
            "0",
        ),
        (
            "FCALL",
            "y9",
            "0",
        ),
        (
            "FCALL",
            "y11",
            "0",
        ),
        (
            "FCALL",
            "y12",
            "0",
        ),
        (
            "FCALL",
            "y13",
            "0",
        ),
        (
            "FCALL",
            "y14",
            "0",
        ),
        (
            "FCALL",
            "y15",
            "0",
        ),
        (
            "FCALL",
            "y16",
            "0",
        ),
        (
            "FCALL",
            "y17",
            "0",
        ),
        (
            "FCALL",
            "y18",
            "0",
        ),
        (
            "FCALL",
            "y19",
            "0",
        ),
        (
            "FCALL",
            "y20",
            "0",
        ),
        (
            "FCALL",
            "y1",
            "0",
        ),
        (
            "FCALL",
            "y2",
            "1",
            "a",
        ),
        (
            "FUNCTION",
            "LIST",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d1\nlocal t={} t.x.y=1",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d1\n\x17x",
        ),
        (
            "FUNCTION",
            "LIST",
            "LIBRARYNAME",
            "d1",
        ),
        (
            "FCALL",
            "z1",
            "0",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d1\nlocal a = redis.LOG_DEBUG .. redis.REDIS_VERSION; local b = _G",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d1\nlocal a = redis; a.x=1",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d1\nlocal a = string",
        ),
        (
            "FUNCTION",
            "LOAD",
            "a",
            "b",
            "c",
        ),
        (
            "FUNCTION",
            "LOAD",
            "REPLAC",
            "#!lua name=d1\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "REPLACE",
            "REPLACE",
            "#!lua name=d1\n",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d1\nreturn redis.register_function('zz', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d2\nredis.register_function('ZZ', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d2\nredis.register_function('Z3', function() end) redis.register_function('z3', function() end)",
        ),
        (
            "FCALL",
            "\x00",
            "0",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d5\nredis.register_function{function_name='u1',callback=function() end,FLAGS={}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d6\nredis.register_function{FUNCTION_NAME='u2',callback=function() end,flags={'NO-WRITES'}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=d7\nredis.register_function{function_name='u3',callback=function() end,flags={a=1,'no-writes'}}",
        ),
        (
            "FUNCTION",
            "LIST",
            "LIBRARYNAME",
            "d7",
        ),
    ),
    (
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, description={}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, flags=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, flags={'foo'}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, flags={1}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, flags={{}}}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, foo=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name={}, callback=function() end}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x', callback=function() end, [1]=1}",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function(1)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function('a\\0b', function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function({}, function() end)",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x1', callback=function() end, description='de sc', flags={'no-writes','allow-oom','allow-stale','no-cluster','allow-cross-slot-keys'}}",
        ),
        (
            "FCALL",
            "x1",
            "0",
        ),
        (
            "FCALL_RO",
            "x1",
            "0",
        ),
        (
            "FUNCTION",
            "LIST",
        ),
        (
            "FUNCTION",
            "DELETE",
            "b2",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function{function_name='x2', callback=function() return redis.call('set','a','b') end, flags={'no-writes'}} redis.register_function('x3', function() redis.register_function('x5', function() end) end) redis.register_function('x4', function() error('uh') end) redis.register_function('x6', function() return redis.call('get','a') end) redis.register_function('x7', function() local t={} for k in pairs(_G) do t[#t+1]=k end for k in pairs(redis) do t[#t+1]='redis.'..k end table.sort(t) return t end)",
        ),
        (
            "FCALL",
            "x2",
            "0",
        ),
        (
            "FCALL",
            "x3",
            "0",
        ),
        (
            "FCALL",
            "x4",
            "0",
        ),
        (
            "FCALL_RO",
            "x1",
            "0",
        ),
        (
            "FCALL_RO",
            "x6",
            "0",
        ),
        (
            "FCALL",
            "x7",
            "0",
        ),
        (
            "FCALL_RO",
            "x2",
            "0",
        ),
        (
            "FUNCTION",
            "FLUSH",
        ),
        (
            "FUNCTION",
            "LOAD",
            "#!lua name=b2\nredis.register_function('x2', function() return 1 end)",
        ),
        (
            "FUNCTION",
            "RESTORE",
            b"\xf5\x05abcde\n\x0000000000",
        ),
        (
            "FUNCTION",
            "STATS",
        ),
        (
            "FCALL",
            "x2",
            "0",
            "a",
        ),
        (
            "EVAL",
            "return redis.call('fcall','x2',0)",
            "0",
        ),
        ("MULTI",),
        (
            "FCALL",
            "x2",
            "0",
        ),
        (
            "EVAL",
            "return redis.call('set','q','1')",
            "0",
        ),
        (
            "EVAL",
            "return redis.call('foo')",
            "0",
        ),
        ("EXEC",),
    ),
)
