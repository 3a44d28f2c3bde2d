"""Random inputs for EVAL, FUNCTION LOAD and FUNCTION RESTORE: no exception, no stuck client, no error in the ledger.

The scripts are made of pieces of Lua, so that many of them compile and some of them do something; the libraries and
payloads are good ones with damages. The seed is fixed, so a failure can be repeated; the message names the input.
"""

from __future__ import annotations

import random
from typing import Final

import pytest

from tests.differential.grammar_scripts import Scripts
from tests.support.replies import Error
from tests.support.suites import SUITE, time_limit
from tests.support.world import World

SEED: Final = 20250612
QUICK: Final = 500
AUDIT_EVERY: Final = 5000

WORDS: Final = (
    *(
        "return",
        "local",
        "x",
        "y",
        "=",
        "==",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        ";",
        "..",
        "+",
        "-",
        "#",
        "not",
        "and",
    ),
    *("nil", "true", "1", "0", "-1", "1e300", "'a'", "'%'", '"', "[[", "]]", "--", "function()", "end", "if", "then"),
    *(
        "for i=1,3 do",
        "end",
        "redis",
        ".call",
        ".pcall",
        "redis.call('get','k')",
        "redis.call('set','k',1)",
        "KEYS",
        "ARGV",
    ),
    *("pcall", "error", "setmetatable", "getmetatable", "string", ".rep", ".format", "table", ".insert", "_G", "pairs"),
    *("coroutine.wrap", "loadstring", "string.dump", "cjson.encode", "cmsgpack.pack", "struct.unpack", "bit.bor"),
    *("redis.setresp(3)", "redis.register_function('f', function() end)", "#!lua name=l\n", "#!lua flags=no-writes\n"),
    *("\n", "\x00", "\x1b", "\xff", "redis.error_reply('x')", "{err='x'}", "{map={}}", "select('#'"),
)
LIBRARY: Final = (
    b"#!lua name=lib\nredis.register_function('f1', function(keys, args) return {keys, args} end)\n"
    b"redis.register_function{function_name='f2', flags={'no-writes'}, "
    b"callback=function() return redis.call('ping') end}"
)


class Inputs:
    """An endless sequence of commands."""

    def __init__(self, seed: int, payload: bytes) -> None:
        self._chance = random.Random(seed)
        self._scripts = Scripts(seed)
        self._payload = payload

    def eval(self) -> tuple[str | bytes, ...]:
        kind = self._chance.randrange(3)
        if kind == 0:
            return "EVAL", self._scripts.script(), "1", "k", "a"
        if kind == 1:
            return "EVAL", self._text(), "0"
        return "EVAL", self._damaged(self._scripts.script().encode("latin-1")), "0"

    def load(self) -> tuple[str | bytes, ...]:
        if self._chance.random() < 0.5:
            return "FUNCTION", "LOAD", "REPLACE", "#!lua name=l\n" + self._text()
        return "FUNCTION", "LOAD", "REPLACE", self._damaged(LIBRARY)

    def restore(self) -> tuple[str | bytes, ...]:
        policy = self._chance.choice(("FLUSH", "APPEND", "REPLACE"))
        return "FUNCTION", "RESTORE", self._damaged(self._payload), policy

    def _text(self) -> str:
        return " ".join(self._chance.choice(WORDS) for _ in range(self._chance.randrange(1, 14)))

    def _damaged(self, data: bytes) -> bytes:
        damaged = bytearray(data)
        for _ in range(self._chance.randrange(4)):
            place = self._chance.randrange(len(damaged))
            kind = self._chance.randrange(3)
            if kind == 0:
                damaged[place] = self._chance.randrange(256)
            elif kind == 1:
                del damaged[place : place + self._chance.randrange(1, 8)]
            else:
                damaged[place:place] = self._chance.randbytes(self._chance.randrange(1, 4))
            damaged = damaged or bytearray(b"x")
        return bytes(damaged)


def fuzz(count: int) -> None:
    """Send ``count`` commands of each kind. The server does not verify checksums, so it reads damaged payloads, too."""
    world = World(enable_debug_command="yes")
    assert not isinstance(world.do("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"), Error)
    world.do("FUNCTION", "LOAD", LIBRARY)
    payload = world.do("FUNCTION", "DUMP")
    assert isinstance(payload, bytes)
    inputs = Inputs(SEED, payload)
    kinds = (inputs.eval, inputs.load, inputs.restore)
    for number in range(count * len(kinds)):
        command = kinds[number % len(kinds)]()
        try:
            reply = world.raw(*command)
        except Exception as error:
            error.add_note(f"input {number}: {command!r}")
            raise
        assert reply, f"input {number} is stuck: {command!r}"
        if number % 500 == 499:
            world.do("SCRIPT", "FLUSH")
        if number % AUDIT_EVERY == AUDIT_EVERY - 1:
            world.check()
    world.do("FUNCTION", "FLUSH")
    world.do("SCRIPT", "FLUSH")
    assert world.do("EVAL", "return redis.call('ping')", 0)
    world.check()


def test_random_scripts_and_libraries_do_no_harm() -> None:
    fuzz(QUICK)


@pytest.mark.slow
@time_limit(1200)
def test_many_random_scripts_and_libraries_do_no_harm() -> None:
    fuzz(SUITE.inputs)
