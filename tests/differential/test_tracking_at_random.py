"""Client-side caching: the same random sequences on both servers cause the same invalidations, in the same order.

Clients of all modes and both protocols take turns with the commands of a sequence, switch their modes now and then, and
one of them may be in a transaction. Compared is what each client gets, and where among its own replies. Of the clients
in RESP2 only the one to which messages are redirected gets any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random
from zlib import crc32

import pytest

from tests.differential.effects import COMPARED, Event, Observed, compare_effects
from tests.differential.grammar import form, sequences, with_few_names, words
from tests.differential.harness import Step
from tests.differential.test_sequences import GROUPS
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Array, Bulk, Integer, Null, Push, Reply, Wire, info, request

pytestmark = [pytest.mark.needs_redis, pytest.mark.filterwarnings("ignore:Generating overly large repr")]

#: The clients that run commands, and how they track; the number at the end of a name is the protocol. `{target}` is
#: the id of a client that only listens.
MODES: dict[str, str] = {
    "none2": "OFF",
    "plain3": "ON",
    "noloop3": "ON NOLOOP",
    "optin3": "ON OPTIN",
    "optout3": "ON OPTOUT NOLOOP",
    "redirected2": "ON REDIRECT {target}",
    "prefixes3": "ON BCAST PREFIX a PREFIX k PREFIX {{t}}",
    "broadcast3": "ON BCAST NOLOOP",
    "redirected3": "ON BCAST REDIRECT {target}",
}
#: What two of them send before every other command.
CACHING = {"optin3": "YES", "optout3": "NO"}
#: Besides the commands of a group: each client reads many keys at once, and switches its mode now and then.
ADDED = [
    form("EXISTS", words([b"a", b"b", b"c", b""], [b"a", b"b"]), weight=12),
    form(
        "CLIENT",
        words(
            *(
                [b"TRACKING", *options.split()]
                for options in (
                    b"OFF",
                    b"ON",
                    b"ON NOLOOP",
                    b"ON OPTIN",
                    b"ON OPTOUT",
                    b"ON BCAST",
                    b"ON BCAST PREFIX b",
                )
            )
        ),
    ),
]
CHANNEL = b"__redis__:invalidate"
#: Redis reads at most 16 kB at once, and broadcasts in between.
MOST_AT_ONCE = 8_000
END = b"the end of a step"
REPLY = b"(reply)"


class Tracked(Observed):
    """A server with the clients above; one of them also gets keyspace notifications if there are ``events``."""

    def __init__(self, server: Server, events: str) -> None:
        self._control = server.connect()
        self._target = server.connect()
        number = self._target.do("CLIENT", "ID")
        assert isinstance(number, Integer)
        self._target.do("SUBSCRIBE", CHANNEL)
        self._modes = {name: mode.format(target=number.value) for name, mode in MODES.items()}
        self._wires = {name: server.connect(int(name[-1])) for name in MODES}
        self._control.do("CONFIG", "SET", "notify-keyspace-events", events)
        # When the timer deletes a key that has expired, and who is told of it then, would be left to chance.
        assert self._control.do("DEBUG", "SET-ACTIVE-EXPIRE", "0") == OK
        if events:
            self._wires["plain3"].do("PSUBSCRIBE", "*")

    def close(self) -> None:
        self._control.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")
        for wire in (self._control, self._target, *self._wires.values()):
            wire.close()

    def play(self, steps: Sequence[Step]) -> list[Event]:
        """Run a sequence. Successive steps of one client are sent in one write, so broadcasts come after the last."""
        self._begin()
        found: list[Event] = []
        for name, run in groupby(steps, lambda step: step.connection):
            sent = [one for step in run for one in _requests(step)]
            for batch in [sent] if sum(map(len, sent)) < MOST_AT_ONCE else [[one] for one in sent]:
                found += self._run(name, batch)
        return found

    def _run(self, name: str, batch: list[bytes]) -> list[Event]:
        wire = self._wires[name]
        found: list[Event] = []
        wire.send(b"".join(batch))
        for _ in batch:
            found += [(name.encode(), message) for message in _messages(wire)]
            found.append((name.encode(), REPLY))
        return found + self._arrived()

    def _begin(self) -> None:
        self._control.do("FLUSHALL")
        for name, wire in self._wires.items():
            for line in ("DISCARD", "UNWATCH", "CLIENT TRACKING OFF", f"CLIENT TRACKING {self._modes[name]}"):
                wire.send(request(*line.split()))
                _messages(wire)
        self._arrived()

    def _arrived(self) -> list[Event]:
        """The messages that have arrived. In a transaction the ECHO is queued, which is a reply as well."""
        listening = {name: wire for name, wire in self._wires.items() if name.endswith("3")}
        for wire in listening.values():
            wire.send(request("ECHO", END))
        found = [(name.encode(), message) for name, wire in listening.items() for message in _messages(wire)]
        self._target.send(request("PING", END))
        while (reply := self._target.receive()) != Array((Bulk(b"pong"), Bulk(END))):
            assert isinstance(reply, Array)
            assert reply.items[:2] == (Bulk(b"message"), Bulk(CHANNEL))
            found.append((b"target", _keys(reply.items[2])))
        return found


def _requests(step: Step) -> list[bytes]:
    found = [request(*step.argv)]
    if step.connection in CACHING and crc32(found[0]) % 2:
        found.insert(0, request("CLIENT", "CACHING", CACHING[step.connection]))
    return found


def _messages(wire: Wire) -> list[bytes]:
    """The messages before the next reply, which is dropped."""
    found: list[bytes] = []
    while isinstance(reply := wire.receive(), Push):
        if reply.items[0] == Bulk(b"invalidate"):
            found.append(_keys(reply.items[1]))
        elif Bulk(b"expired") not in reply.items:  # which key expires at which step is left to chance
            found.append(repr(reply.items[2:]).encode())
    return found


def _keys(keys: Reply) -> bytes:
    """The keys of an invalidation as text."""
    if isinstance(keys, Array):
        return repr([key.data for key in keys.items if isinstance(key, Bulk)]).encode()
    assert keys == Null()
    return b"all keys"


@pytest.fixture
def pair(request: pytest.FixtureRequest, version: str, ours: Server) -> Iterator[tuple[Tracked, Tracked]]:
    """Both servers. 8.2 also judges the order of notifications and invalidations, which changed in 7.2."""
    real: Server = request.getfixturevalue("newer" if version == "8.2" else "real")
    events = "KAn" if version == "8.2" else ""
    pair = Tracked(real, events), Tracked(ours, events)
    yield pair
    for one in pair:
        one.close()


#: In 7.0 other commands of streams create consumers. In 8.2 FLUSHALL replies after a background thread has freed keys,
#: and sorted sets and SORT take other words for numbers; `test_tracking` has the order of their messages.
JUDGED = [(group, "7.0") for group in COMPARED if group != "streams"]
JUDGED += [(group, "8.2") for group in COMPARED if group not in {"keys", "sorted sets", "sorting"}]


def _explore(pair: tuple[Tracked, Tracked], group: str, examples: int, number: int) -> None:
    generated = sequences([*GROUPS[group][0], *ADDED], tuple(MODES), least=30, most=70).map(with_few_names)
    compare_effects(pair, generated, examples, number)


@pytest.mark.parametrize(("group", "version"), JUDGED)
def test_random_sequences_cause_the_same_invalidations(pair: tuple[Tracked, Tracked], group: str, version: str) -> None:
    _explore(pair, group, 6, crc32(group.encode()))


@pytest.mark.slow
@time_limit(600)
@pytest.mark.parametrize(("group", "version"), JUDGED)
def test_thousands_of_commands_cause_the_same_invalidations(
    pair: tuple[Tracked, Tracked], group: str, version: str
) -> None:
    _explore(pair, group, SUITE.commands_per_group // 40, 1 + crc32(group.encode()))


class Limited:
    """A server whose table of tracked keys has a limit, and clients that read keys which nobody else reads."""

    def __init__(self, server: Server) -> None:
        self._control = server.connect()
        self._control.do("FLUSHALL")
        self._readers = [server.connect(3) for _ in range(3)]
        for reader in self._readers:
            reader.do("CLIENT", "TRACKING", "ON")

    def close(self) -> None:
        for wire in (self._control, *self._readers):
            wire.close()

    def play(self, number: int) -> list[tuple[int, int]]:
        """How many keys the table has after each step, and how many invalidations there were."""
        random = Random(number)
        found: list[tuple[int, int]] = []
        for step in range(60):
            if step == 0 or random.random() < 0.2:
                self._control.do("CONFIG", "SET", "tracking-table-max-keys", random.choice((1, 10, 50, 100)))
            reader = random.choice(self._readers)
            keys = [f"key:{step}:{count}" for count in range(random.randint(1, 50))]
            reader.send(request("EXISTS", *keys))
            messages = _messages(reader)
            left = int(info(self._control, "stats")["tracking_total_keys"])
            for wire in self._readers:
                wire.send(request("PING"))
                messages += _messages(wire)
            found.append((left, len(messages)))
        return found


@pytest.mark.parametrize("number", range(5))
def test_a_table_with_a_limit_drops_as_many_keys_as_on_redis(judge: Server, ours: Server, number: int) -> None:
    """Redis drops keys at random, so how many are dropped is compared, and not which.

    The limit never falls by more than what one command drops: otherwise a timer may be the first to drop some.
    """
    both = Limited(judge), Limited(ours)
    try:
        theirs, found = (one.play(number) for one in both)
    finally:
        for one in both:
            one.close()
    assert found == theirs
