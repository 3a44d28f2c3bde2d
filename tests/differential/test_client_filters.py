"""CLIENT KILL and CLIENT LIST with random filters: the same connections are chosen as by a real server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random

import pytest

from tests.support.servers import Server
from tests.support.wire import Bulk, Closed, Integer, Reply, Simple, Wire

pytestmark = pytest.mark.needs_redis

CLIENTS = 5
ROUNDS = 150
FILTERS = ["ID", "TYPE", "ADDR", "LADDR", "SKIPME", "USER", "id", "NOSUCH"]
TYPES = ["normal", "NORMAL", "master", "slave", "replica", "pubsub", "nosuch"]


class Scene:
    """A server with one client that gives orders, and others."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self.caller = stack.enter_context(server.connect())
        self.others = [stack.enter_context(server.connect()) for _ in range(CLIENTS)]
        self.wires = [self.caller, *self.others]
        self.ids = [self._id(wire) for wire in self.wires]
        self.fields = [self._fields(number) for number in self.ids]

    def _id(self, wire: Wire) -> int:
        reply = wire.do("CLIENT", "ID")
        assert isinstance(reply, Integer)
        return reply.value

    def _fields(self, number: int) -> dict[str, str]:
        reply = self.caller.do("CLIENT", "LIST", "ID", number)
        assert isinstance(reply, Bulk)
        return dict(field.split("=", 1) for field in reply.data.decode().split())

    def words(self, template: list[str]) -> list[str]:
        """The words of a call in which `@3` is the id of a client, and `addr3` and `laddr3` are its addresses."""
        return [self._word(word) for word in template]

    def _word(self, word: str) -> str:
        if word.startswith("@"):
            return str(self.ids[int(word[1:])])
        if word.startswith(("addr", "laddr")):
            return self.fields[int(word[-1])][word[:-1]]
        return word

    def left(self) -> list[int]:
        """Which clients still have a connection."""
        return [at for at, wire in enumerate(self.wires) if _answers(wire)]


def _answers(wire: Wire) -> bool:
    try:
        return wire.do("PING") == Simple(b"PONG")
    except (Closed, OSError):
        return False


@contextmanager
def scenes(*servers: Server) -> Iterator[list[Scene]]:
    with ExitStack() as stack:
        yield [Scene(server, stack) for server in servers]


def filters(random: Random) -> list[str]:
    """One to three random filters, some with wrong values, or with none."""
    words: list[str] = []
    for _ in range(random.randint(1, 3)):
        name = random.choice(FILTERS)
        client = random.randint(0, CLIENTS)
        values = {
            "ID": [f"@{client}", f"@{client}", "0", "-1", "x", "999999999"],
            "TYPE": TYPES,
            "ADDR": [f"addr{client}", "1.2.3.4:5", ""],
            "LADDR": [f"laddr{client}", "1.2.3.4:5"],
            "SKIPME": ["yes", "NO", "no", "maybe"],
            "USER": ["default", "nosuch"],
        }
        words += [name, random.choice(values.get(name.upper(), ["x"]))]
    return words[:-1] if random.random() < 0.05 else words


def comparable(reply: Reply, scene: Scene, ordered: bool) -> object:
    """A reply without what differs between servers: a listing becomes the places of the clients in it.

    It has an order only if it is by ids: Redis's timer moves the clients that it visits to the end of its list.
    """
    if not isinstance(reply, Bulk):
        return reply
    ids = [int(line.split()[0].partition("=")[2]) for line in reply.data.decode().splitlines()]
    places = [scene.ids.index(number) for number in ids if number in scene.ids]
    return places if ordered else sorted(places)


def test_the_same_clients_are_killed(real: Server, ours: Server) -> None:
    random = Random(1)
    killed = 0
    for _ in range(ROUNDS):
        template = ["KILL", *filters(random)]
        if random.random() < 0.2:
            template = ["KILL", random.choice([f"addr{random.randint(0, CLIENTS)}", "1.2.3.4:5", "ID"])]
        found = []
        with scenes(real, ours) as pair:
            for scene in pair:
                reply: object = None
                with contextlib.suppress(Closed, OSError):  # it may have killed itself before the reply is read
                    reply = scene.caller.do("CLIENT", *scene.words(template))
                found.append((reply, scene.left()))
        assert found[1] == found[0], template
        killed += CLIENTS + 1 - len(found[0][1])
    assert killed > ROUNDS // 4


def test_the_same_clients_are_listed(real: Server, ours: Server) -> None:
    random = Random(2)
    with scenes(real, ours) as pair:
        for _ in range(ROUNDS):
            template = ["LIST", *filters(random)]
            if random.random() < 0.3:
                template = ["LIST", "ID", *[f"@{random.randint(0, CLIENTS)}" for _ in range(random.randint(1, 4))]]
            theirs, mine = [
                comparable(scene.caller.do("CLIENT", *scene.words(template)), scene, template[1].upper() == "ID")
                for scene in pair
            ]
            assert mine == theirs, template


def test_the_fields_of_a_client_have_the_same_names_and_order(newer: Server, ours: Server) -> None:
    """8.2 has more of them at the end."""
    with scenes(newer, ours) as [theirs, mine]:
        names = list(mine.fields[0])
        assert names == list(theirs.fields[0])[: len(names)]
