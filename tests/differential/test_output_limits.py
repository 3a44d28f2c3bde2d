"""Limits on output, compared with the real server: they hold after every command of a batch and inside a long reply."""

from __future__ import annotations

import time

import pytest

from tests.support.servers import Server
from tests.support.wire import Argument, Bulk, Integer, Wire, info, request

pytestmark = pytest.mark.needs_redis

Command = tuple[Argument, ...]

BIG: Command = ("GET", "big")
AFTERWARDS: list[Command] = [("SET", "after", 1), ("FLUSHDB",)]
HARD = ("client-output-buffer-limit", "normal 1mb 0 0")
DEADLINE_SECONDS = 20.0


def _calls(control: Wire, *names: str) -> list[int]:
    """How often commands were called since CONFIG RESETSTAT."""
    lines = info(control, "commandstats")
    return [int(lines.get(f"cmdstat_{name}", "calls=0,").split(",")[0].removeprefix("calls=")) for name in names]


def _is_connected(control: Wire, number: int) -> bool:
    reply = control.do("CLIENT", "LIST", "ID", number)
    return isinstance(reply, Bulk) and bool(reply.data.strip())


def _flood(server: Server, control: Wire, commands: list[Command]) -> None:
    """Send the commands in one write and read nothing; returns when the server has disconnected the client."""
    with server.connect() as victim:
        number = victim.do("CLIENT", "ID")
        assert isinstance(number, Integer)
        control.do("CONFIG", "RESETSTAT")
        victim.send(b"".join([request(*command) for command in commands]))
        deadline = time.monotonic() + DEADLINE_SECONDS
        while _is_connected(control, number.value):
            assert time.monotonic() < deadline, "the client is still connected"
            time.sleep(0.01)


def _run(server: Server, setting: tuple[str, ...], commands: list[Command], *names: str) -> list[int]:
    """How often each of the commands ``names`` ran until the client was disconnected, and the keys afterwards."""
    with server.connect() as control:
        control.do("SET", "big", "x" * 1_000_000)
        control.do("SET", "middle", "x" * 10_000)
        control.do("SET", "small", "x" * 100)
        control.do("CONFIG", "SET", *setting)
        _flood(server, control, commands)
        keys = control.do("DBSIZE")
        assert isinstance(keys, Integer)
        return [*_calls(control, *names), keys.value]


def test_the_command_that_exceeds_the_limit_is_the_last_one_to_run(real: Server, ours: Server) -> None:
    expected = [1, 0, 0, 3]
    for server in (real, ours):
        assert _run(server, HARD, [BIG] * 50 + AFTERWARDS, "get", "set", "flushdb") == expected


def test_commands_with_medium_replies_run_until_the_limit_is_exceeded(real: Server, ours: Server) -> None:
    commands: list[Command] = [("GET", "middle")] * 1000 + AFTERWARDS
    [calls, *rest], [our_calls, *our_rest] = (
        _run(server, HARD, commands, "get", "set", "flushdb") for server in (real, ours)
    )
    assert our_rest == rest == [0, 0, 3]
    assert abs(our_calls - calls) <= 2  # the limits are checked after every 16 KiB of output


def test_a_transaction_that_exceeds_the_limit_runs_to_its_end(real: Server, ours: Server) -> None:
    commands: list[Command] = [("MULTI",), *[BIG] * 50, ("SET", "inside", 1), ("EXEC",), ("SET", "after", 1)]
    for server in (real, ours):
        assert _run(server, HARD, commands, "get", "set", "exec") == [50, 1, 1, 4]


def test_the_soft_limit_lets_a_batch_run_within_its_seconds(real: Server, ours: Server) -> None:
    soft = ("client-output-buffer-limit", "normal 0 1mb 1")  # with 0, a batch may meet the end of a second
    for server in (real, ours):
        assert _run(server, soft, [BIG] * 20 + AFTERWARDS[:1], "get", "set") == [20, 1, 4]


def test_maxmemory_clients_holds_after_every_command(real: Server, ours: Server) -> None:
    limit = ("maxmemory-clients", "4mb")
    for server in (real, ours):
        calls, *rest = _run(server, limit, [BIG] * 100 + AFTERWARDS, "get", "set", "flushdb")
        assert calls in {4, 5}  # the buffers of the watching client count, too
        assert rest == [0, 0, 3]


def _sizes_while_output_grows(server: Server) -> list[int]:
    """The replies to DBSIZE between long replies, while unsent output has keys evicted."""
    with server.connect() as client:
        client.pipeline([("SET", f"key:{number}", "x" * 100_000, "EX", 1000) for number in range(100)])
        client.do("SET", "big", "x" * 1_000_000)
        client.do("CONFIG", "SET", "maxmemory-policy", "volatile-lru", "maxmemory", "20mb")
        replies = client.pipeline([("GETRANGE", "big", 0, -1), ("DBSIZE",)] * 60)
        return [reply.value for reply in replies if isinstance(reply, Integer)]


def test_unsent_output_has_keys_evicted_between_two_commands(real: Server, ours: Server) -> None:
    expected, found = _sizes_while_output_grows(real), _sizes_while_output_grows(ours)
    for sizes in (expected, found):
        assert sizes[0] == 101
        assert sizes[-1] == 1
        assert sizes == sorted(sizes, reverse=True)
    assert all(abs(one - other) <= 5 for one, other in zip(expected, found, strict=True))


LONG: dict[str, Command] = {
    "SRANDMEMBER": ("SRANDMEMBER", "set", -(2**62)),
    "HRANDFIELD": ("HRANDFIELD", "hash", -(2**61)),
    "HRANDFIELD with values": ("HRANDFIELD", "hash", -(2**61), "WITHVALUES"),
    "ZRANDMEMBER": ("ZRANDMEMBER", "sorted", -(2**61)),
    "ZRANDMEMBER with scores": ("ZRANDMEMBER", "sorted", -(2**61), "WITHSCORES"),
    "LRANGE": ("LRANGE", "list", 0, -1),
    "MGET": ("MGET", *["small"] * 20_000),
    "MGET of large values": ("MGET", *["big"] * 50),
    "SORT": ("SORT", "list", "BY", "nosort", "GET", "#", "GET", "#", "GET", "#"),
}


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("name", LONG)
def test_a_long_reply_ends_at_the_limit(real: Server, ours: Server, name: str, protocol: int) -> None:
    for server in (real, ours):
        with server.connect() as control:
            control.do("SADD", "set", *range(300))
            control.do("HSET", "hash", *range(600))
            control.do("ZADD", "sorted", *range(600))
            control.do("RPUSH", "list", *["x" * 100] * 10_000)
        hello: list[Command] = [("HELLO", protocol)]
        assert _run(server, HARD, [*hello, LONG[name], *AFTERWARDS], "set", "flushdb") == [0, 0, 7]
