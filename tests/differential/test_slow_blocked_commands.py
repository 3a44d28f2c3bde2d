"""A blocked command in slow log, commandstats and latencystats: once, when it has its reply, as its client sent it.

The judge is the redis-server 8.2: 7.0 counts such a command when it blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.support.servers import Server
from tests.support.wire import Array, Bulk, Integer, Reply, Wire, info, request

pytestmark = pytest.mark.needs_redis


@dataclass(frozen=True)
class Case:
    """A command that blocks, and the commands of another client that end it; ``{b}`` is the id of the blocked one."""

    blocking: str
    ending: tuple[str, ...]
    setup: tuple[str, ...] = ()


CASES: dict[str, Case] = {
    "BLPOP served": Case("BLPOP l 0", ("RPUSH l v",)),
    "BLPOP served by a transaction": Case("blpop l other 0", ("MULTI", "RPUSH l v", "EXEC")),
    "BLPOP whose key had another type meanwhile": Case("BLPOP l 0", ("SET l v", "DEL l", "RPUSH l v")),
    "BLPOP timed out": Case("BLPOP l 0.05", ()),
    "BLPOP unblocked": Case("BLPOP l 0", ("CLIENT UNBLOCK {b}",)),
    "BLMOVE served": Case("BLMOVE l t LEFT RIGHT 0", ("RPUSH l v",)),
    "BLMOVE refused when it is served": Case("BLMOVE l t LEFT RIGHT 0", ("RPUSH l v",), ("SET t v",)),
    "BRPOPLPUSH served": Case("BRPOPLPUSH l t 0", ("RPUSH l v",)),
    "BLMPOP timed out": Case("BLMPOP 0.05 2 l t LEFT COUNT 3", ()),
    "BZPOPMIN served": Case("BZPOPMIN z 0", ("ZADD z 1 m",)),
    "XREAD served": Case("XREAD BLOCK 0 STREAMS s $", ("XADD s 1-1 f v",)),
    "XREAD timed out": Case("XREAD COUNT 2 BLOCK 50 STREAMS s t $ 5-0", ()),
    "XREADGROUP served": Case(
        "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", ("XADD s 2-1 f v",), ("XGROUP CREATE s g $ MKSTREAM",)
    ),
    "XREADGROUP whose key is deleted": Case(
        "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", ("DEL s",), ("XGROUP CREATE s g $ MKSTREAM",)
    ),
    "WAIT timed out": Case("WAIT 1 50", ()),
    "WAIT unblocked": Case("WAIT 1 0", ("CLIENT UNBLOCK {b}",)),
}

Account = tuple[list[str], dict[str, str], list[str]]


def _arguments(entry: Reply) -> str:
    assert isinstance(entry, Array)
    words = entry.items[3]
    assert isinstance(words, Array)
    return b" ".join([word.data for word in words.items if isinstance(word, Bulk)]).decode()


def _account(control: Wire) -> Account:
    """The slow log, oldest first, the calls, and the commands with latencies, without what the test itself asks."""
    reply = control.do("SLOWLOG", "GET", -1)
    assert isinstance(reply, Array)
    asked = re.compile("slowlog|info|config|client.id|ping", re.IGNORECASE)
    entries = [entry for entry in map(_arguments, reversed(reply.items)) if not asked.match(entry)]
    calls = {
        name.removeprefix("cmdstat_"): re.sub("usec=.*?,rejected", "rejected", figures)
        for name, figures in info(control, "commandstats").items()
    }
    latencies = [name.removeprefix("latency_percentiles_usec_") for name in info(control, "latencystats")]
    return (
        [re.sub(r"UNBLOCK \d+", "UNBLOCK {b}", entry) for entry in entries],
        {name: figures for name, figures in calls.items() if not asked.match(name)},
        sorted(name for name in latencies if not asked.match(name)),
    )


def _play(server: Server, case: Case) -> tuple[Account, Account]:
    """What has been logged and counted while the client is blocked, and when it has its reply."""
    with server.connect() as control, server.connect() as blocked, server.connect() as other:
        control.do("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "1000")
        number = blocked.do("CLIENT", "ID")
        assert isinstance(number, Integer)
        for command in case.setup:
            control.do(*command.split())
        control.do("SLOWLOG", "RESET")
        control.do("CONFIG", "RESETSTAT")
        blocked.send(request(*case.blocking.split()))
        while case.ending and info(control, "clients")["blocked_clients"] == "0":
            pass
        during = _account(control) if case.ending else ([], {}, [])
        for command in case.ending:
            other.do(*command.replace("{b}", str(number.value)).split())
        blocked.receive()
        return during, _account(control)


@pytest.mark.parametrize("name", CASES)
def test_a_blocked_command_is_counted_as_on_redis(newer: Server, ours: Server, name: str) -> None:
    case = CASES[name]
    during, after = _play(ours, case)
    assert (during, after) == _play(newer, case)
    assert during == ([], {}, [])
    assert after[0].count(case.blocking) == 1
