"""Keyspace notifications: the same random sequences on both servers raise the same events in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

import pytest

from tests.differential.effects import COMPARED, Event, Observed, compare_effects
from tests.differential.grammar import sequences
from tests.differential.harness import Step
from tests.differential.stage import compare
from tests.differential.test_sequences import GROUPS
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Bulk, Reply, Wire

pytestmark = pytest.mark.needs_redis

EVERYTHING = "AKEnm"
END = "__keyspace@0__:the-end-of-the-sequence"
#: A key expires when its time has come and somebody looks: not at the same step on both servers.
UNTIMELY = {b"expired", b"hexpired"}


class Watched(Observed):
    """A server with one client, and another one that is subscribed to all events."""

    def __init__(self, server: Server) -> None:
        self.client = server.connect()
        assert self.client.do("CONFIG", "SET", "notify-keyspace-events", EVERYTHING) == OK
        self._subscriber = server.connect()
        self._subscriber.do("PSUBSCRIBE", "__key*__:*")

    def close(self) -> None:
        self.client.do("CONFIG", "SET", "notify-keyspace-events", "")
        self.client.close()
        self._subscriber.close()

    def play(self, steps: Sequence[Step]) -> list[Event]:
        """Run a sequence in an empty database; returns the events as channels and messages."""
        self.client.do("FLUSHALL")
        for step in steps:
            self.client.do(*step.argv)
        self.client.do("PUBLISH", END, "")
        return self._events(self._subscriber)

    @staticmethod
    def _events(subscriber: Wire) -> list[Event]:
        found: list[Event] = []
        while True:
            channel, message = (_text(part) for part in getattr(subscriber.receive(), "items", ())[2:])
            if channel == END.encode():
                return found
            if not UNTIMELY & {message, channel.rpartition(b":")[2]}:
                found.append((channel, message))


def _text(reply: Reply) -> bytes:
    assert isinstance(reply, Bulk)
    return reply.data


@pytest.fixture
def pair(request: pytest.FixtureRequest, group: str, ours: Server) -> Iterator[tuple[Watched, Watched]]:
    """Both servers. Since 7.2 all commands of streams raise the event of a consumer that they create."""
    real: Server = request.getfixturevalue("newer" if group == "streams" else "real")
    watched = Watched(real), Watched(ours)
    yield watched
    for one in watched:
        one.close()


def _explore(pair: tuple[Watched, Watched], group: str, examples: int, number: int) -> None:
    """Compare the events of sequences. Which elements of a set SORT looks up first is left to chance."""
    compare_effects(pair, sequences(GROUPS[group][0]), examples, number, is_ordered=group != "sorting")


@pytest.mark.parametrize("group", COMPARED)
def test_random_sequences_raise_the_same_events(pair: tuple[Watched, Watched], group: str) -> None:
    _explore(pair, group, 30, crc32(group.encode()))


@pytest.mark.slow
@time_limit(600)
@pytest.mark.parametrize("group", COMPARED)
def test_thousands_of_commands_raise_the_same_events(pair: tuple[Watched, Watched], group: str) -> None:
    _explore(pair, group, SUITE.commands_per_group // 10, 1 + crc32(group.encode()))


SCRIPTS: dict[str, str] = {
    "channels and classes": """
        p: CONFIG SET notify-keyspace-events KE$
        s: PSUBSCRIBE *
        p: SET k v | LPUSH l x | DEL k
        p: CONFIG SET notify-keyspace-events Kg
        p: SET k v | DEL k
        p: CONFIG SET notify-keyspace-events El
        p: LPUSH l x | DEL l
        p: CONFIG SET notify-keyspace-events g$l | SET k v | CONFIG SET notify-keyspace-events KE | SET k v
        p: CONFIG SET notify-keyspace-events AKEn | CONFIG GET notify-keyspace-events | SET k2 v
        p: CONFIG SET notify-keyspace-events AKEm | GET nosuch | GET k | EXISTS nosuch | TTL nosuch
        p: CONFIG SET notify-keyspace-events ""
    """,
    "databases and expiry": """
        p: CONFIG SET notify-keyspace-events AKE
        s: PSUBSCRIBE __key*
        p: SELECT 3 | SET k v PX 1 | DEBUG SLEEP 0.01 | GET k
        p: SET a 1 | MOVE a 5 | SELECT 5 | RENAME a b | COPY b c DB 3 | EXPIRE b 100 | PERSIST b | EXPIRE b -1
        p: MULTI | SET x 1 | INCR x | EXEC | FLUSHDB
        p: CONFIG SET notify-keyspace-events x | SELECT 0
    """,
    "one channel": """
        p: CONFIG SET notify-keyspace-events KEA
        s: SUBSCRIBE __keyspace@0__:k __keyevent@0__:del
        p: SET k 1 | APPEND k 2 | SET j 1 | DEL j k
        p: CONFIG SET notify-keyspace-events K
    """,
}
FIELD_TIMES = """
    p: CONFIG SET notify-keyspace-events AKE
    s: PSUBSCRIBE __key*
    p: HSET h a 1 b 2 c 3 d 4 | HEXPIRE h 100 FIELDS 2 a b | HPERSIST h FIELDS 1 a | HPEXPIRE h 5 FIELDS 1 b
    p: DEBUG SLEEP 0.02 | HGET h b | HGETDEL h FIELDS 1 c | HSETEX h EX 10 FIELDS 1 e 5 | HGETEX h PERSIST FIELDS 1 e
    p: HEXPIREAT h 1 FIELDS 3 a d e | EXISTS h
    p: CONFIG SET notify-keyspace-events K
"""


def test_events_of_times_of_fields_are_published_as_on_a_newer_redis(newer: Server, ours: Server) -> None:
    compare(newer, ours, 2, FIELD_TIMES)


FIELDS_WITHOUT_A_TIME_LEFT = """
    p: CONFIG SET notify-keyspace-events AKE
    s: PSUBSCRIBE __key*
    p: HSET h a 1 b 2 | HEXPIRE h 0 FIELDS 1 a | HGETEX h PXAT 1 FIELDS 1 b
    p: HSET h c 3 | HPERSIST h FIELDS 1 c | HGETDEL h FIELDS 1 c
    p: HSETEX h EX 0 FIELDS 1 a 1 | HSETEX h EX 10 FIELDS 1 a 1 | HSETEX h EXAT 1 FIELDS 2 a 1 b 2
    p: CONFIG SET notify-keyspace-events K
"""


def test_events_of_times_of_fields_are_published_as_on_valkey(valkey: Server, our_valkey: Server) -> None:
    compare(valkey, our_valkey, 2, FIELDS_WITHOUT_A_TIME_LEFT)


@pytest.mark.parametrize("name", SCRIPTS)
def test_events_are_published_as_on_redis(real: Server, ours: Server, name: str) -> None:
    compare(real, ours, 2, SCRIPTS[name])
