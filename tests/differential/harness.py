"""Run one sequence of commands on two servers and compare everything that can be seen.

A `Step` is a command, the connection it goes over, and the rule for its reply. `Pair.differences` runs the
steps over fresh state on both servers and then looks at what they left behind: for every key its type, value,
encoding and time to live. Steps that follow each other on one connection travel in one write, so that a
sequence costs one round trip per server and thousands of commands a second are compared.

Replies are lined up by position. A server that answers a command twice would shift the rest; so every
connection ends with an ECHO of a mark that occurs nowhere else, and what comes before it is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.differential.known import deliberate
from tests.differential.rules import MILLISECONDS, Rule, exactly, itemwise
from tests.support.servers import Server
from tests.support.wire import (
    OK,
    QUEUED,
    Argument,
    Array,
    Bulk,
    Closed,
    Error,
    Reply,
    Set,
    Simple,
    Wire,
    encode,
    request,
)

DATABASES_LOOKED_AT = 2
MARK = b"mark-of-the-harness-7c1d"


@dataclass(frozen=True)
class Step:
    """One command of a sequence."""

    argv: tuple[bytes, ...]
    connection: str = "main"
    rule: Rule = field(default=exactly, repr=False)


def step(*argv: Argument, on: str = "main", rule: Rule = exactly) -> Step:
    """A step from arguments of any kind."""
    return Step(tuple(encode(argument) for argument in argv), on, rule)


@dataclass(frozen=True)
class Difference:
    """A place where the servers disagree."""

    where: str
    why: str
    theirs: Reply | None
    ours: Reply | None
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.where}: {self.why}",
            f"  redis-server: {show(self.theirs)}",
            f"  pyredmem:     {show(self.ours)}",
        ]
        lines.append("  after:")
        lines += [f"    {one.connection}> {' '.join(_quoted(word) for word in one.argv)}" for one in self.steps]
        return "\n".join(lines)


@dataclass(frozen=True)
class Run:
    """What one server answered."""

    replies: list[Reply]
    state: list[tuple[str, Rule, Reply]]


class Pair:
    """A real redis-server and a pyredmem, and connections to both by name."""

    def __init__(self, real: Server, ours: Server) -> None:
        self._sides = (Side(real), Side(ours))
        self.unsupported: frozenset[str] = self._sides[0].commands() - self._sides[1].commands()

    def close(self) -> None:
        """Close all connections."""
        for side in self._sides:
            side.close()

    def difference(
        self, steps: Sequence[Step], protocol: int = 2, settings: Mapping[str, str] | None = None
    ) -> Difference | None:
        """The first place where the servers disagree, or None."""
        runs = [side.run(steps, protocol, settings or {}) for side in self._sides]
        theirs, ours = runs
        rules = _rules_with_transactions(steps, theirs.replies)
        for at, one in enumerate(steps):
            their_reply = theirs.replies[at] if at < len(theirs.replies) else None
            our_reply = ours.replies[at] if at < len(ours.replies) else None
            if their_reply is None and our_reply is None:
                break
            if their_reply is None or our_reply is None:
                why: str | None = "one of them did not answer"
            else:
                why = rules[at](their_reply, our_reply)
            if why is not None and not (our_reply and their_reply and deliberate(one.argv, their_reply, our_reply)):
                name = " ".join(_quoted(word) for word in one.argv)
                return Difference(f"step {at}, {name}", why, their_reply, our_reply, tuple(steps[: at + 1]))
        if len(theirs.replies) != len(ours.replies):
            why = f"{len(theirs.replies)} and {len(ours.replies)} replies"
            return Difference("at the end", why, None, None, tuple(steps))
        return _difference_of_states(theirs, ours, tuple(steps))

    def check(self, steps: Iterable[Step], protocol: int = 2, settings: Mapping[str, str] | None = None) -> None:
        """Fail with a readable report when the servers disagree."""
        found = self.difference(list(steps), protocol, settings)
        assert found is None, f"RESP{protocol}\n{found}"


class Side:
    """One server and its connections, kept between sequences."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wires: dict[str, Wire] = {}

    def close(self) -> None:
        """Close all connections."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()

    def commands(self) -> frozenset[str]:
        """Names of the commands the server has."""
        reply = self._wire("control").do("COMMAND", "LIST")
        items = reply.items if isinstance(reply, Array | Set) else ()
        return frozenset(item.data.decode().upper() for item in items if isinstance(item, Bulk))

    def run(self, steps: Sequence[Step], protocol: int, settings: Mapping[str, str]) -> Run:
        """One sequence, from an empty server to the state it leaves."""
        restore = self._prepare({one.connection for one in steps}, protocol, settings)
        replies: list[Reply] = []
        for batch in _batches(steps):
            received, whole = self._batch(batch)
            replies += received
            if not whole:
                break
        state = self._state()
        for name, value in restore.items():
            self._wire("control").do("CONFIG", "SET", name, value)
        return Run(replies, state)

    def _wire(self, name: str) -> Wire:
        if name not in self._wires:
            self._wires[name] = self._server.connect()
        return self._wires[name]

    def _drop(self, name: str) -> None:
        self._wires.pop(name).close()

    def _prepare(self, names: set[str], protocol: int, settings: Mapping[str, str]) -> dict[str, str]:
        for name in names:
            self._wire(name).pipeline([("RESET",), ("HELLO", protocol)])
        control = self._wire("control")
        restore: dict[str, str] = {}
        for setting, value in settings.items():
            before = control.do("CONFIG", "GET", setting)
            assert isinstance(before, Array), before
            assert isinstance(before.items[1], Bulk)
            restore[setting] = before.items[1].data.decode()
            assert control.do("CONFIG", "SET", setting, value) == OK, setting
        control.do("FLUSHALL")
        return restore

    def _batch(self, steps: Sequence[Step]) -> tuple[list[Reply], bool]:
        """Replies to steps of one connection, and whether it lived to the end of them."""
        name = steps[0].connection
        wire = self._wire(name)
        replies: list[Reply] = []
        try:
            wire.send(b"".join(request(*one.argv) for one in steps))
            replies.extend(wire.receive() for _ in steps)
        except Closed:
            self._drop(name)
            return replies, False
        return replies, True

    def _state(self) -> list[tuple[str, Rule, Reply]]:
        extra = []
        for name in [name for name in self._wires if name != "control"]:
            try:
                extra += self._leftovers(name)
            except Closed:
                self._drop(name)
        found: list[tuple[str, Rule, Reply]] = [(f"replies left on {name}", exactly, r) for name, r in extra]
        for database in range(DATABASES_LOOKED_AT):
            found += self._keys(database)
        return found

    def _leftovers(self, name: str) -> list[tuple[str, Reply]]:
        """Replies nobody asked for, up to the mark."""
        wire = self._wire(name)
        wire.send(request("RESET") + request("ECHO", MARK))
        left: list[tuple[str, Reply]] = []
        while (reply := wire.receive()) != Bulk(MARK):
            if reply != Simple(b"RESET"):
                left.append((name, reply))
        return left

    def _keys(self, database: int) -> list[tuple[str, Rule, Reply]]:
        control = self._wire("control")
        # Not DBSIZE: it counts keys whose time has passed until the timer has been there.
        _, listing = control.pipeline([("SELECT", database), ("KEYS", "*")])
        assert isinstance(listing, Array), listing
        names = sorted(item.data for item in listing.items if isinstance(item, Bulk))
        found: list[tuple[str, Rule, Reply]] = [
            (f"keys of db{database}", exactly, Array(tuple(Bulk(name) for name in names))),
        ]
        types = control.pipeline([("TYPE", name) for name in names])
        for name, kind in zip(names, types, strict=True):
            value_of, rule = _READERS.get(kind.text if isinstance(kind, Simple) else b"", (("DUMP",), exactly))
            value, life, encoding = control.pipeline(
                [(value_of[0], name, *value_of[1:]), ("PTTL", name), ("OBJECT", "ENCODING", name)]
            )
            label = f"key {_quoted(name)} of db{database}: "
            found += [
                (label + "TYPE", exactly, kind),
                (label + "value", rule, value),
                (label + "PTTL", MILLISECONDS, life),
                (label + "OBJECT ENCODING", exactly, encoding),
            ]
        return found


def show(reply: Reply | None) -> str:
    """A reply for a person."""
    return "(nothing)" if reply is None else repr(reply)


def _sorted_array(theirs: Reply, ours: Reply) -> str | None:
    if isinstance(theirs, Array) and isinstance(ours, Array):
        one, other = sorted(map(repr, theirs.items)), sorted(map(repr, ours.items))
        return None if one == other else "different members"
    return exactly(theirs, ours)


_READERS: dict[bytes, tuple[tuple[str, ...], Rule]] = {
    b"string": (("GET",), exactly),
    b"list": (("LRANGE", "0", "-1"), exactly),
    b"set": (("SMEMBERS",), _sorted_array),
    b"hash": (("HGETALL",), _sorted_array),
    b"zset": (("ZRANGE", "0", "-1", "WITHSCORES"), exactly),
    b"stream": (("XRANGE", "-", "+"), exactly),
}


def _batches(steps: Sequence[Step]) -> Iterable[list[Step]]:
    batch: list[Step] = []
    for one in steps:
        if batch and batch[0].connection != one.connection:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _rules_with_transactions(steps: Sequence[Step], replies: Sequence[Reply]) -> list[Rule]:
    """The rule of each step, where an EXEC gets the rules of what it executes."""
    rules: list[Rule] = []
    queued: dict[str, list[Rule]] = {}
    for one, reply in zip(steps, replies, strict=False):
        name = one.argv[0].upper() if one.argv else b""
        waiting = queued.setdefault(one.connection, [])
        if reply == QUEUED:
            rules.append(exactly)
            waiting.append(one.rule)
            continue
        rules.append(itemwise(list(waiting)) if name == b"EXEC" else one.rule)
        if name in {b"EXEC", b"DISCARD", b"RESET", b"MULTI"} and not (name == b"MULTI" and isinstance(reply, Error)):
            waiting.clear()
    return rules + [one.rule for one in steps[len(rules) :]]


def _difference_of_states(theirs: Run, ours: Run, steps: tuple[Step, ...]) -> Difference | None:
    for (where, rule, their_reply), (our_where, _, our_reply) in zip(theirs.state, ours.state, strict=False):
        if where != our_where:
            return Difference(f"final state, {where}", f"pyredmem has {our_where}", their_reply, our_reply, steps)
        if (why := rule(their_reply, our_reply)) is not None:
            return Difference(f"final state, {where}", why, their_reply, our_reply, steps)
    if len(theirs.state) != len(ours.state):
        return Difference("final state", "one has more to show", None, None, steps)
    return None


def _quoted(word: bytes) -> str:
    if word and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in word) and len(word) < 200:
        return word.decode()
    text = repr(word)[1:]
    return text if len(text) < 200 else f"{text[:80]}...({len(word)} bytes)"
