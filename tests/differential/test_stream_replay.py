"""Whatever clients do, replaying the recorded stream into an empty engine gives the same dataset.

The sequences are random, from the grammars of commands. They contain short times to live, time that passes, clients
that are blocked and served, transactions and eviction.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.engine.command_stream import CommandStream
from pyredmem.engine.session import Session
from tests.differential.command_streams import Timed
from tests.differential.grammar import KEY, VALUE, Form, form, sequences, some, with_few_names, words
from tests.differential.grammar import sequence as seq
from tests.differential.grammar_newer import NEWER
from tests.differential.harness import Step
from tests.differential.replicas import dataset, replay, replica
from tests.differential.test_sequences import FOREIGN, GROUPS
from tests.support.wire import request
from tests.support.world import World

EXAMPLES = 20
WAITS = 5  # the time between two ticks while time passes
WAIT = b"wait"
SOON = words(b"1", b"5", b"20", b"50", b"200")
TIMES = [
    form("wait", words(b"1", b"5", b"20", b"100"), weight=6),
    form("PEXPIRE", KEY, SOON, weight=4),
    form("SET", KEY, VALUE, words(b"PX"), SOON, weight=4),
    form("GETEX", KEY, words(b"PX"), SOON),
    form("HPEXPIRE", KEY, SOON, words([b"FIELDS", b"1", b"f"], [b"FIELDS", b"2", b"f", b"g"]), weight=4),
    form(
        "HSETEX",
        KEY,
        words(b"PX"),
        SOON,
        words([b"FIELDS", b"1", b"f", b"v"], [b"FIELDS", b"2", b"g", b"v", b"f", b"v"]),
    ),
    form("HSET", KEY, some(seq(words(b"f", b"g", b"h"), VALUE)), weight=3),
    form("HINCRBYFLOAT", KEY, words(b"f", b"g", b"h"), words(b"1.5", b"1")),
    form("SPOP", KEY, words([], [b"1"], [b"2"], [b"3"]), weight=2),
    form("SADD", KEY, some(words(b"a", b"b", b"c", b"1", b"2", b"3")), weight=2),
]
NUMBER = words(*(b"%d" % number for number in range(10)))
END = words(b"LEFT", b"RIGHT")
BLOCKING = [
    form("BLPOP", some(KEY), words(b"0")),
    form("BRPOP", KEY, words(b"0")),
    form("BLMOVE", KEY, KEY, END, END, words(b"0")),
    form("BRPOPLPUSH", KEY, KEY, words(b"0")),
    form("BLMPOP", words([b"0", b"1"]), KEY, END, words([], [b"COUNT", b"2"])),
    form("BZPOPMIN", KEY, words(b"0")),
    form("BZPOPMAX", some(KEY), words(b"0")),
    form("BZMPOP", words([b"0", b"1"]), KEY, words(b"MIN", b"MAX"), words([], [b"COUNT", b"2"])),
    form(
        "XREADGROUP",
        words([b"GROUP", b"g", b"c"], [b"GROUP", b"g", b"d"]),
        words([b"BLOCK", b"0"]),
        words([], [b"NOACK"]),
        words(b"STREAMS"),
        KEY,
        words(b">"),
    ),
    form("XGROUP CREATE", KEY, words(b"g"), words([b"0", b"MKSTREAM"]), weight=3),
    form("XADD", KEY, words(b"*"), words([b"f", b"v"]), weight=3),
    form("RPUSH", KEY, some(NUMBER), weight=4),
    form("LPUSH", KEY, NUMBER, weight=2),
    form("ZADD", KEY, NUMBER, words(b"a", b"b"), weight=4),
    form("LMOVE", KEY, KEY, END, END),
    form("RENAME", KEY, KEY),
    form("DEL", KEY, weight=2),
    form("SET", KEY, VALUE),
    form("MULTI", weight=2),
    form("EXEC", weight=3),
]
EVICTION = [
    form(
        "CONFIG SET", words([b"maxmemory-policy", b"allkeys-random"], [b"maxmemory-policy", b"volatile-ttl"]), weight=2
    ),
    form("CONFIG SET", words([b"maxmemory", b"1"], [b"maxmemory", b"0"], [b"maxmemory", b"0"]), weight=3),
    form("CONFIG SET", words([b"lazyfree-lazy-eviction", b"yes"], [b"lazyfree-lazy-expire", b"yes"])),
    form("SET", KEY, VALUE, weight=6),
    form("SELECT", words(b"0", b"1")),
]
MORE: dict[str, list[Form]] = {
    **{name: forms for name, (forms, _) in GROUPS.items()},
    **{f"{name} of 8.2": GROUPS[name][0] + forms for name, forms in NEWER.items() if name in {"bitmaps", "streams"}},
    "times": TIMES + FOREIGN,
    "blocking": BLOCKING,
    "eviction": EVICTION + FOREIGN + TIMES[:3],
}
CONNECTIONS = ("main", "other", "third")


class Recorded:
    """An engine, its clients, and the recorded stream of their changes."""

    def __init__(self) -> None:
        self.world = World(enable_debug_command="yes")
        self.commands: list[Timed] = []
        self.stream = CommandStream()
        self.world.engine.record(self.stream)
        self._sessions: dict[str, Session] = {}

    def run(self, step: Step) -> None:
        """Run one command, or let time pass."""
        if is_not_propagated(step.argv):
            return
        if step.argv[:1] == (WAIT,):
            milliseconds = step.argv[1:2] and step.argv[1]
            left_ms = int(milliseconds) if milliseconds and milliseconds.isdigit() else 1
            for _ in range(WAITS):
                self.world.advance(max(1, left_ms // WAITS))
                self._note()
            return
        if step.connection not in self._sessions:
            self._sessions[step.connection] = self.world.client().session
        session = self._sessions[step.connection]
        session.receive(request(*step.argv))
        session.take_output()
        self._note()
        self.world.clock.advance_us(10)

    def _note(self) -> None:
        now_us = self.world.clock.now_us()
        self.commands += [(now_us, command) for command in self.stream.take()]


def is_not_propagated(argv: tuple[bytes, ...]) -> bool:
    """Whether the command may change the dataset although Redis does not propagate it.

    BITFIELD lengthens a string with zeros before its overflow fails; XREADGROUP with an id counts another delivery;
    XDELEX with DELREF forgets what was pending even if it deletes nothing.
    """
    words = [word.upper() for word in argv]
    if words[:1] == [b"XDELEX"]:
        return b"DELREF" in words
    if words[:1] == [b"XREADGROUP"] and b"STREAMS" in words:
        named = words[words.index(b"STREAMS") + 1 :]
        return set(named[len(named) // 2 :]) != {b">"}
    return words[:1] == [b"BITFIELD"] and b"FAIL" in words


@pytest.mark.parametrize("group", MORE)
def test_the_replayed_stream_gives_the_same_dataset(group: str) -> None:
    @settings(max_examples=EXAMPLES)
    @given(sequences([*MORE[group], *TIMES[:2], *FOREIGN], CONNECTIONS), st.booleans())
    def replays(steps: list[Step], few: bool) -> None:
        recorded = Recorded()
        for step in with_few_names(steps) if few else steps:
            recorded.run(step)
        copy = replica()
        replay(copy, recorded.commands, recorded.world.clock.now_us())
        assert dataset(copy) == dataset(recorded.world)

    replays()
