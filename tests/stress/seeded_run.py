"""Sends a long random sequence of commands to a server with a seed and virtual time, and prints every reply.

    python -m tests.stress.seeded_run SEED COMMANDS

Nothing but the seed may decide what comes out: not PYTHONHASHSEED, not the real time. What INFO says of the process
and of Lua's heap stands still, and `INFO process`, which tells of the heap of Python, is not asked for.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from unittest.mock import patch

import pyredmem
from pyredmem.client.host import ClientHost
from pyredmem.client.local_socket import LocalSocket
from pyredmem.engine import figures
from tests.differential.grammar_scripts import Scripts
from tests.stress.calls import Calls
from tests.stress.churn import Churn
from tests.support.local import local_engine
from tests.support.wire import Argument, request

#: What the server says of its process, here the same in all processes.
STILL: Final[dict[str, Any]] = {
    "process_id": lambda _host: 4711,
    "resident_bytes": lambda _host: 50_000_000,
    "peak_resident_bytes": lambda _host: 60_000_000,
    "cpu_seconds": lambda _host: (1.0, 2.0, 0.0, 0.0),
    "main_thread_cpu_seconds": lambda _host: (0.5, 1.0),
}

LIBRARY: Final = (
    "#!lua name=mixed\n"
    "redis.register_function('pick', function(k, a) return redis.call('SRANDMEMBER', k[1], 3) end)\n"
    "redis.register_function{function_name='roll', callback=function() return math.random(1000) end,"
    " flags={'no-writes', 'allow-stale', 'allow-oom'}}\n"
)
LUA: Final = (
    "return {math.random(1000000), math.random(1000000)}",
    "math.randomseed(ARGV[1]) return math.random(1000000)",
    "local t = {} for _, w in ipairs({'one', 'two', 'three', 'four', 'five', 'six', 'x y', ''}) do t[w] = #w end"
    " local r = {} for k, v in pairs(t) do r[#r + 1] = k end return r",
    "local t = {} for i = 1, 40 do t['field:' .. i * 7] = i end return cjson.encode(t)",
    "local t = {} for i = 1, 40 do t['field:' .. i * 7] = i end return cmsgpack.pack(t)",
    "return redis.call('SMEMBERS', 'e:1')",
    "redis.setresp(3) local r = redis.call('HGETALL', 'h:1').map or {} local n = {} for k in pairs(r) do n[#n + 1] = k"
    " end return n",
    "return redis.call('TIME')",
    "return {redis.call('RANDOMKEY'), redis.call('SPOP', 'e:2')}",
)
#: All sections but `process`.
SECTIONS: Final = (
    *("server", "clients", "memory", "persistence", "threads", "stats", "replication", "cpu", "modules", "cluster"),
    *("commandstats", "errorstats", "latencystats", "keyspace", "debug"),
)
#: Lua shows the addresses of what it cannot show otherwise.
ADDRESS: Final = re.compile(rb"(function|table|thread|userdata): 0x[0-9a-f]+")


class Conversation:
    """Clients of one server, and what they were told."""

    def __init__(self, server: pyredmem.Server, tell: Callable[[bytes], object]) -> None:
        self._server = server
        self._tell = tell
        self.clients: dict[str, LocalSocket] = {}

    def send(self, name: str, *argv: Argument) -> None:
        """Send a command of a client, which connects if it has to; what all clients get is told and read."""
        if name not in self.clients:
            self.clients[name] = LocalSocket(self._server.driver, "localhost", 6379, 0.0)
        self._tell(b"%b> %b" % (name.encode(), b" ".join(str(one).encode() for one in argv)))
        self.clients[name].sendall(request(*argv))
        self.hear()

    def hear(self) -> None:
        for name, client in list(self.clients.items()):
            while client.can_read(0):
                data = client.recv(1 << 20)
                if not data:
                    client.close()
                    del self.clients[name]
                    self._tell(b"%b closed" % name.encode())
                    break
                self._tell(b"%b< %b" % (name.encode(), ADDRESS.sub(rb"\1", data)))

    def pass_time(self, seconds: float) -> None:
        self._tell(b"%g seconds pass" % seconds)
        self._server.clock.advance(seconds)
        self.hear()

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


def questions(chance: random.Random) -> Iterator[tuple[Argument, ...]]:
    """Commands that show an order, a random choice, an id or a time."""

    def key(kind: str) -> str:
        return f"{kind}:{chance.randrange(500)}"

    while True:
        asked: list[tuple[Argument, ...]] = [
            *(("SCAN", 0, "COUNT", 100), ("SCAN", chance.randrange(4000), "COUNT", 30), ("KEYS", "*1*")),
            *(
                ("RANDOMKEY",),
                ("DBSIZE",),
                ("SRANDMEMBER", key("e"), -5),
                ("SPOP", key("e"), 2),
                ("SMEMBERS", key("e")),
            ),
            *(("HGETALL", key("h")), ("HKEYS", key("h")), ("HSCAN", key("h"), 0), ("HRANDFIELD", key("h"), 4)),
            *(("ZRANDMEMBER", key("z"), 3, "WITHSCORES"), ("ZSCAN", key("z"), 0), ("ZRANGE", key("z"), 0, -1)),
            *(("SUNION", key("e"), key("e")), ("SDIFF", key("e"), key("e")), ("SINTER", key("e"), key("e"))),
            *(("SORT", key("e"), "BY", "nosort"), ("SSCAN", key("e"), 0), ("XADD", key("x"), "*", "f", "v")),
            *(("XINFO", "STREAM", key("x"), "FULL"), ("OBJECT", "FREQ", key("s")), ("OBJECT", "IDLETIME", key("s"))),
            *(
                ("MEMORY", "STATS"),
                ("MEMORY", "DOCTOR"),
                ("MEMORY", "MALLOC-STATS"),
                ("DBSIZE",),
                ("MEMORY", "USAGE", key("h")),
            ),
            *(("INFO",), ("INFO", *SECTIONS), ("CLIENT", "LIST"), ("CLIENT", "INFO"), ("CLIENT", "TRACKINGINFO")),
            *(("LASTSAVE",), ("LATENCY", "HISTOGRAM"), ("LATENCY", "LATEST"), ("SLOWLOG", "GET", -1), ("LOLWUT",)),
            *(("CONFIG", "GET", "*"), ("COMMAND",), ("COMMAND", "LIST"), ("COMMAND", "DOCS", "set", "xadd", "client")),
            *(
                ("COMMAND", "LIST", "FILTERBY", "ACLCAT", "read"),
                ("COMMAND", "GETKEYSANDFLAGS", "MSET", "a", 1),
            ),
            *(("ACL", "LIST"), ("ACL", "USERS"), ("ACL", "CAT"), ("ACL", "CAT", "hash"), ("ACL", "GETUSER", "u1")),
            *(("ACL", "LOG"), ("ACL", "GENPASS"), ("ACL", "SETUSER", f"u{chance.randrange(9)}", "+@hash", "-hget")),
            *(("PUBSUB", "CHANNELS"), ("PUBSUB", "NUMSUB", "c1", "c2"), ("PUBLISH", f"c{chance.randrange(9)}", "m")),
            *(("FUNCTION", "LIST"), ("FUNCTION", "STATS"), ("FCALL", "pick", 1, key("e")), ("FCALL", "roll", 0)),
            *(("DEBUG", "DIGEST"), ("DEBUG", "HTSTATS", 0), ("DEBUG", "HTSTATS-KEY", key("e")), ("MODULE", "LIST")),
            *(("DEBUG", "OBJECT", key("h")), ("TIME",), ("HELLO", 3), ("HELLO", 2), ("MULTI",), ("EXEC",), ("RESET",)),
            *(("EVAL", chance.choice(LUA), 0, chance.randrange(99)) for _ in range(8)),
        ]
        yield chance.choice(asked)


def converse(seed: int, count: int, tell: Callable[[bytes], object]) -> None:
    """Let clients send ``count`` commands to a server with a seed; ``tell`` is called with all they send and get."""
    chance = random.Random(20300101)  # the same commands for every seed of the server
    calls = Calls()
    calls.learn(local_engine().client())
    churn = Churn(1, 3_000_000)
    scripts = Scripts(1)
    asked = questions(chance)
    with pyredmem.Server(
        seed=seed,
        frozen_at=datetime(2030, 1, 1, tzinfo=UTC),
        maxmemory=3_000_000,
        maxmemory_policy="allkeys-lfu",
        notify_keyspace_events="KEA",
        enable_debug_command="yes",
    ) as server:
        # Tables of Lua grow earlier or later in other processes: functions in them are hashed by their addresses.
        for name in (figures.LUA_EVAL_BYTES, figures.LUA_FUNCTIONS_BYTES):
            server.engine.figures._sources[name] = lambda: 600_000
        talk = Conversation(server, tell)
        talk.send("events", "PSUBSCRIBE", "__key*__:*", "c[1-3]")
        for at in range(9):
            talk.send("subscriber", "SUBSCRIBE", f"c{at}", f"channel:{at}")
        talk.send("tracker", "HELLO", 3)
        talk.send("tracker", "CLIENT", "TRACKING", "ON", "BCAST")
        talk.send("monitor", "MONITOR")
        talk.send("load", "FUNCTION", "LOAD", LIBRARY)
        for number in range(count):
            kind = chance.randrange(20)
            if kind < 11:
                talk.send("load", *churn.call())
            elif kind < 14:
                talk.send(f"caller{chance.randrange(4)}", *calls.make(chance))
            elif kind < 18:
                talk.send("asker", *next(asked))
            elif kind < 19:
                talk.send("scripter", "EVAL", scripts.script(), 0)
            else:
                keys = f"l:{chance.randrange(500)}", "w"
                talk.send(f"waiter{chance.randrange(3)}", "BLPOP", *keys, chance.randint(1, 5))
            if number % 40 == 39:
                talk.pass_time(chance.choice([0.001, 0.1, 1.0, 30.0]))
            if number % 100 == 99:
                talk.send("load", *churn.change_of_settings())
            if number % 300 == 299:
                for name in [one for one in talk.clients if one.startswith("caller")]:
                    talk.clients.pop(name).close()
        talk.close()
        report = server.engine.audit()
        assert report.ok, report.lines()


def main() -> None:
    out = sys.stdout.buffer
    with patch.multiple(ClientHost, **STILL):
        converse(int(sys.argv[1]), int(sys.argv[2]), lambda line: out.write(repr(line).encode() + b"\n"))


if __name__ == "__main__":
    main()
