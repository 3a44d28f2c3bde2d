"""Thousands of nearly correct calls of every command: no exception, sound structures, an exact ledger.

The seeds are fixed, so a failure can be repeated; the message names the call.
"""

from __future__ import annotations

import random

import pytest

from tests.stress.calls import Calls
from tests.support.local import LocalEngine, local_engine
from tests.support.suites import SUITE, time_limit
from tests.support.wire import request

SEED = 20240911
QUICK = 8000
AUDIT_EVERY = 1000
LOW_LIMITS = (
    ("hash-max-listpack-entries", "4"),
    ("hash-max-listpack-value", "9"),
    ("list-max-listpack-size", "3"),
    ("list-compress-depth", "1"),
    ("set-max-intset-entries", "3"),
    ("set-max-listpack-entries", "4"),
    ("zset-max-listpack-entries", "4"),
    ("zset-max-listpack-value", "9"),
    ("hll-sparse-max-bytes", "30"),
    ("stream-node-max-entries", "3"),
)


def _check(local: LocalEngine) -> None:
    local.engine.keyspace.check()
    local.assert_sound()


def _call(local: LocalEngine, count: int, seed: int) -> set[bytes]:
    """Make calls; returns the names of the commands that succeeded at least once."""
    chance = random.Random(seed)
    client = local.client()
    calls = Calls()
    calls.learn(client)
    worked: set[bytes] = set()
    for number in range(count):
        argv = calls.make(chance)
        try:
            client.session.receive(request(*argv))
            reply = client.session.take_output()
        except Exception as error:
            error.add_note(f"call {number}: {argv!r}")
            raise
        if not reply.startswith(b"-"):
            worked.add(argv[0])
        if client.session.is_closing() or client.session.holds or number % 40 == 39:
            local.drop(client)
            client = local.client(chance.choice([2, 3]))
        if number % 30 == 29:
            local.pass_time(chance.choice([1, 100, 1000]))
        if number % AUDIT_EVERY == AUDIT_EVERY - 1:
            _check(local)
    local.drop(client)
    _check(local)
    return worked


@pytest.mark.parametrize("settings", [(), LOW_LIMITS], ids=["usual-limits", "low-limits"])
def test_any_call_leaves_everything_sound(settings: tuple[tuple[str, str], ...]) -> None:
    local = local_engine(*settings)
    worked = _call(local, QUICK, SEED)
    assert {b"HSET", b"LPUSH", b"SADD", b"ZADD", b"XADD", b"PFADD", b"GEOSEARCH", b"ZUNIONSTORE"} <= worked


@pytest.mark.slow
@time_limit(1800)
@pytest.mark.parametrize("settings", [(), LOW_LIMITS], ids=["usual-limits", "low-limits"])
def test_a_long_run_of_calls_leaves_everything_sound(settings: tuple[tuple[str, str], ...]) -> None:
    local = local_engine(*settings)
    _call(local, SUITE.calls, SEED + 1)
