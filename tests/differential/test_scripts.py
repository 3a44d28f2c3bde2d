"""Scripts, compared with real servers: replies, errors with their lines, conversions both ways, what is protected.

The scripts are in `scripts/scripts.txt`, and in `scripts/calls.jsonl` with their keys and arguments. Where the two real
servers disagree, 7.2 behaves like one or the other.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.differential.grammar_scripts import Scripts
from tests.support.servers import Server
from tests.support.suites import SUITE
from tests.support.wire import Argument, Wire

pytestmark = pytest.mark.needs_redis

FILES = Path(__file__).parent / "scripts"
SCRIPTS = (FILES / "scripts.txt").read_text().rstrip("\n").split("\n---\n")
CALLS = [json.loads(line) for line in (FILES / "calls.jsonl").read_text().splitlines()]
SEED = 20250611


def compare(ours: Wire, judges: tuple[Wire, ...], script: str) -> None:
    """Run a script everywhere; its keys and arguments are always the same."""
    words = ("EVAL", script, 1, "key", "first", "second")
    reply = shown(ours, words)
    expected = [shown(judge, words) for judge in judges]
    assert reply in expected, script


def shown(wire: Wire, words: tuple[Argument, ...]) -> str:
    """The reply to a command, without addresses: those of Lua's objects differ."""
    return re.sub("0x[0-9a-f]+", "0x", repr(wire.do(*words)))


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_script_has_the_reply_of_a_real_server(ours: Server, real: Server, newer: Server, protocol: int) -> None:
    with ours.connect(protocol) as wire, real.connect(protocol) as judge, newer.connect(protocol) as newer_judge:
        for script in SCRIPTS:
            compare(wire, (judge, newer_judge), script)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("name", ["EVAL", "EVAL_RO"])
def test_a_call_has_the_reply_of_a_real_server(
    ours: Server, real: Server, newer: Server, name: str, protocol: int
) -> None:
    with ours.connect(protocol) as wire, real.connect(protocol) as judge, newer.connect(protocol) as newer_judge:
        for words in CALLS:
            replies = []
            for one in (wire, judge, newer_judge):
                one.do("FLUSHALL")
                replies.append(shown(one, (name, *words)))
            assert replies[0] in replies[1:], (name, *words)


@pytest.mark.parametrize("protocol", [2, 3])
def test_values_of_all_kinds_are_converted_as_on_a_real_server(ours: Server, newer: Server, protocol: int) -> None:
    scripts = Scripts(SEED)
    with ours.connect(protocol) as wire, newer.connect(protocol) as judge:
        for _ in range(max(500, SUITE.commands_per_group // 8)):
            compare(wire, (judge,), scripts.script())
