"""A healthy server under load: none of the usual alerts begins, for as long as the suite says."""

from __future__ import annotations

import json
import random
import time
from importlib.resources import files
from pathlib import Path

import pytest

from tests.server.processes import on_port
from tests.support.suites import SUITE, time_limit
from tests.support.wire import Array, Bulk, Error, Wire, request

SEED = 20251130
SECONDS = SUITE.churn_seconds
PIPELINE = 20
PAUSE_S = 0.01  # between pipelines: a healthy server is not busy all the time
#: One more alert, which proves that the server looks.
AWAKE = """
[[alert]]
name = "Awake"
if = "redis_uptime_in_seconds >= 0"
severity = "info"
measured = "It has been up for {value} s."
meaning = "The server looks at itself."
advice = "Nothing."
"""


def call(chance: random.Random) -> list[str | int]:
    """What a usual application does: mostly it reads, and what it writes expires."""
    number = int(chance.paretovariate(0.8)) % 20_000
    kind = chance.choice(("get", "get", "get", "get", "set", "hash", "list", "queue", "score"))
    if kind == "get":
        return ["GET", f"page:{number}"]
    if kind == "set":
        return ["SET", f"page:{number}", "x" * chance.randrange(20, 2000), "EX", chance.randrange(5, 120)]
    if kind == "hash":
        return ["HSET", f"user:{number}", "name", f"n{number}", "seen", chance.randrange(10**9)]
    if kind == "list":
        return ["LPUSH", "queue", number]
    if kind == "queue":
        return ["RPOP", "queue", 2]
    return ["ZINCRBY", "scores", 1, f"player:{number % 1000}"]


def told(subscriber: Wire) -> str:
    message = subscriber.receive()
    assert isinstance(message, Array)
    assert isinstance(message.items[-1], Bulk)
    return message.items[-1].data.decode()


@pytest.mark.slow
@time_limit(SECONDS + 60)
def test_no_alert_begins_on_a_healthy_server_under_load(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    usual, _, _ = files("pyredmem.alerts").joinpath("alerts.toml").read_text("utf-8").partition("[[doctor]]")
    (tmp_path / "alerts.toml").write_text(usual + AWAKE)
    options = ("--alerts", "yes", "--alerts-file", str(tmp_path / "alerts.toml"), "--save", "", "--maxmemory", "200mb")
    with on_port(tmp_path, *options) as (_, port), Wire(port) as wire, Wire(port, timeout=60) as subscriber:
        subscriber.do("SUBSCRIBE", "__redis__:alert")
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            calls = [call(chance) for _ in range(PIPELINE)]
            wire.send(b"".join([request(*words) for words in calls]))
            replies = [wire.receive() for _ in calls]
            assert not any(isinstance(reply, Error) for reply in replies)
            time.sleep(PAUSE_S)
        wire.do("PUBLISH", "__redis__:alert", "the end")
        assert json.loads(told(subscriber))["alert"] == "Awake"
        assert told(subscriber) == "the end"
