"""Random scripts: values of all kinds, returned, raised, caught, passed to commands and read back from them."""

from __future__ import annotations

import random
from typing import Final

#: Texts as Lua writes them. Some have bytes that a text of C cannot have.
TEXTS: Final = ("''", "'a'", "'a b'", "'ERR x'", "'1'", "'-0.5'", "'\\0'", "'a\\0b'", "'\\255'", "'z'")
NUMBERS: Final = (
    *("0", "1", "-1", "3.99", "-3.99", "0.1", "-0.1", "1e15", "1e17", "123456789012", "1.5e300", "-1e300", "2^31"),
    *("2^53", "2^62", "2^63", "-(2^63)", "2^64", "1/3", "1e-7", "100", "1e21"),
)
FLAT: Final = ("nil", "true", "false", "function() end")
#: Tables that stand for something else than an array; the second half does not, since the value has a wrong type.
SPECIAL: Final = (
    *("{ok=%s}", "{err=%s}", "{double=%s}", "{big_number=%s}", "{map={[1]=%s}}", "{set={[%s]=true}}"),
    *("{verbatim_string={format='txt', string=%s}}", "{verbatim_string={format=%s, string='x'}}", "{map=%s}"),
    *("{set=%s}", "{ok=%s, err='E x'}", "{verbatim_string=%s}", "{err='E x', ignore_error_stats_update=%s}"),
)
STATEMENTS: Final = (
    *("return %s", "redis.setresp(3) return %s", "redis.setresp(2) return %s"),
    *("error(%s)", "error(%s, 0)", "return {pcall(error, %s)}", "return redis.error_reply(%s)"),
    *("return redis.status_reply(%s)", "return redis.call('echo', %s)", "return redis.pcall('echo', %s)"),
    *("return type(%s)", "return {type(%s), #{%s}}", "return tostring(%s ~= nil)", "return redis.sha1hex(%s)"),
    "redis.call('del', 'k') redis.call('rpush', 'k', 'a', %s) return redis.call('lrange', 'k', 0, -1)",
    "redis.call('del', 'h') redis.pcall('hset', 'h', 'f', %s) redis.setresp(3) return redis.call('hgetall', 'h')",
    "redis.call('del', 'h') redis.pcall('hset', 'h', 'f', %s) redis.setresp(3) return redis.call('hgetall', 'h').map.f",
    "redis.call('del', 'z') redis.pcall('zadd', 'z', 1.5, %s) redis.setresp(3) return redis.call('zscore', 'z', 'a')",
    "redis.call('del', 's') redis.pcall('sadd', 's', %s) redis.setresp(3) return redis.call('smembers', 's')",
    "redis.call('set', 'v', 'x') redis.setresp(3) return {redis.call('get', 'v'), redis.call('get', 'none'), %s}",
    "return {redis.call('get', 'none'), %s, redis.call('mget', 'none', 'v')}",
    "local ok, e = pcall(function() error(%s) end) return {tostring(ok), type(e), e}",
    "local ok, e = xpcall(function() error(%s) end, function(e) return e end) return {tostring(ok), type(e), e}",
    "local co = coroutine.wrap(function(...) return coroutine.yield(...) end) return {co(%s), co(%s)}",
    "return {coroutine.resume(coroutine.create(function() error(%s) end))}",
    "return {select('#', %s), ARGV[1], KEYS[1], ARGV[3]}",
)


class Scripts:
    """An endless sequence of scripts."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def script(self) -> str:
        statement = self._chance.choice(STATEMENTS)
        return statement % tuple(self.value(3) for _ in range(statement.count("%s")))

    def value(self, depth: int) -> str:
        """An expression of Lua, with tables at most ``depth`` levels deep."""
        kind = self._chance.randrange(10)
        if depth == 0 or kind < 5:
            return self._chance.choice(self._chance.choice((TEXTS, NUMBERS, FLAT)))
        if kind < 8:
            return self._chance.choice(SPECIAL) % self._field(depth - 1)
        return "{" + ", ".join(self.value(depth - 1) for _ in range(self._chance.randrange(5))) + "}"

    def _field(self, depth: int) -> str:
        """A value that may be the index of a table."""
        value = self.value(depth)
        return "'nil'" if value == "nil" else value
