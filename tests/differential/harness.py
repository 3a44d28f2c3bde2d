"""Run one sequence of commands on two servers and compare everything that can be seen.

A `Step` is a command, the connection it goes over, and the rule for its reply. `Pair.difference` runs the
steps over fresh state on both servers and then looks at what they left behind: for every key its type, value,
encoding, time to live and digest (`state`). Steps that follow each other on one connection travel in one write,
so that a sequence costs a few round trips per server and thousands of commands a second are compared.

Replies are lined up by position. A server that answers a command twice would shift the rest; so every
connection ends with an ECHO of a mark that occurs nowhere else, and what comes before it is reported.

A command that waits for a key nobody will fill would stop the sequence. What has not answered for a moment is
released by CLIENT UNBLOCK, on both servers alike, and answers as after a timeout.
"""

from __future__ import annotations

import select
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.differential.encodings import DEFAULT, Expectation, Limits
from tests.differential.known import deliberate
from tests.differential.rules import Rule, exactly, itemwise
from tests.differential.state import State, disagreement, quoted, read_state
from tests.support.servers import Server
from tests.support.wire import (
    OK,
    QUEUED,
    Argument,
    Array,
    Bulk,
    Closed,
    Error,
    Integer,
    Reply,
    Set,
    Simple,
    Wire,
    encode,
    info,
    request,
)

MARK = b"mark-of-the-harness-7c1d"
# How long to wait for a reply before the command is taken for one that waits; longer each time.
PATIENCE_SECONDS = (0.005, 0.005, 0.01, 0.02, 0.05, *[0.1] * 200)


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
        lines += [f"    {one.connection}> {' '.join(quoted(word) for word in one.argv)}" for one in self.steps]
        return "\n".join(lines)


@dataclass(frozen=True)
class Run:
    """What one server answered."""

    replies: list[Reply]
    leftovers: list[tuple[str, Reply]]
    state: State


class Pair:
    """A real redis-server and a pyredmem, and connections to both by name."""

    def __init__(self, real: Server, ours: Server) -> None:
        self._sides = (Side(real), Side(ours))
        self.unsupported: frozenset[str] = self._sides[0].commands() - self._sides[1].commands()
        #: How often each command was answered by both, by its first word in capitals.
        self.compared: Counter[str] = Counter()
        self._limits = DEFAULT
        #: A server beside another of its version, to judge the harness: encodings are the same then.
        self._same_version = self._sides[0].version() == self._sides[1].version()

    def close(self) -> None:
        """Close all connections."""
        for side in self._sides:
            side.close()

    def control(self, side: int) -> Wire:
        """The connection of the harness itself to the real server (0) or to ours (1)."""
        return self._sides[side].wire("control")

    def limit(self, limits: Limits) -> None:
        """Other limits of encodings from now on; the fixtures of the servers put them back."""
        theirs, ours = self._sides
        theirs.configure(limits.shared_settings())
        ours.configure(limits.shared_settings() | ({} if self._same_version else limits.our_settings()))
        self._limits = limits

    def difference(
        self, steps: Sequence[Step], protocol: int = 2, settings: Mapping[str, str] | None = None
    ) -> Difference | None:
        """The first place where the servers disagree, or None."""
        runs = [side.run(steps, protocol, settings or {}) for side in self._sides]
        theirs, ours = runs
        answered = min(len(theirs.replies), len(ours.replies))
        self.compared.update(one.argv[0].decode("latin-1").upper() for one in steps[:answered] if one.argv)
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
            if why is not None:
                name = " ".join(quoted(word) for word in one.argv)
                return Difference(f"step {at}, {name}", why, their_reply, our_reply, tuple(steps[: at + 1]))
        if len(theirs.replies) != len(ours.replies):
            why = f"{len(theirs.replies)} and {len(ours.replies)} replies"
            return Difference("at the end", why, None, None, tuple(steps))
        if theirs.leftovers != ours.leftovers:
            return Difference(
                "final state, replies left",
                f"{theirs.leftovers[:3]} and {ours.leftovers[:3]}",
                None,
                None,
                tuple(steps),
            )
        expectation = None if self._same_version else Expectation([one.argv for one in steps], self._limits)
        found = disagreement(theirs.state, ours.state, expectation)
        if found is None:
            return None
        return Difference(f"final state, {found.where}", found.why, found.theirs, found.ours, tuple(steps))

    def reduced(self, steps: Sequence[Step], protocol: int = 2) -> Difference | None:
        """The difference after as few of the steps as still show one: each is left out that need not be there."""
        found = self.difference(steps, protocol)
        kept = list(found.steps) if found else []
        at = len(kept)
        while at > 0:
            at -= 1
            shorter = self.difference(kept[:at] + kept[at + 1 :], protocol)
            if shorter is not None:
                found, kept = shorter, list(shorter.steps)
                at = min(at, len(kept))
        return found

    def check(self, steps: Iterable[Step], protocol: int = 2, settings: Mapping[str, str] | None = None) -> None:
        """Fail with a readable report when the servers disagree."""
        found = self.difference(list(steps), protocol, settings)
        assert found is None, f"RESP{protocol}\n{found}"


class Side:
    """One server and its connections, kept between sequences."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wires: dict[str, Wire] = {}
        self._ids: dict[str, int] = {}

    def close(self) -> None:
        """Close all connections."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()

    def commands(self) -> frozenset[str]:
        """Names of the commands the server has."""
        reply = self.wire("control").do("COMMAND", "LIST")
        items = reply.items if isinstance(reply, Array | Set) else ()
        return frozenset(item.data.decode().upper() for item in items if isinstance(item, Bulk))

    def version(self) -> str:
        """Of Redis."""
        return info(self.wire("control"), "server")["redis_version"]

    def run(self, steps: Sequence[Step], protocol: int, settings: Mapping[str, str]) -> Run:
        """One sequence, from an empty server to the state it leaves."""
        restore = self._prepare({one.connection for one in steps}, protocol, settings)
        replies: list[Reply] = []
        for batch in _batches(steps):
            received, whole = self._batch(batch)
            replies += received
            if not whole:
                break
        leftovers = self._left()
        state = read_state(self.wire("control"))
        self.configure(restore)
        return Run(replies, leftovers, state)

    def configure(self, settings: Mapping[str, str]) -> None:
        """Set settings, which stay."""
        for name, value in settings.items():
            assert self.wire("control").do("CONFIG", "SET", name, value) == OK, name

    def wire(self, name: str) -> Wire:
        """The connection of that name."""
        if name not in self._wires:
            wire = self._wires[name] = self._server.connect()
            identity = wire.do("CLIENT", "ID")
            self._ids[name] = identity.value if isinstance(identity, Integer) else 0
        return self._wires[name]

    def _drop(self, name: str) -> None:
        self._wires.pop(name).close()

    def _prepare(self, names: set[str], protocol: int, settings: Mapping[str, str]) -> dict[str, str]:
        for name in names:
            self.wire(name).pipeline([("RESET",), ("HELLO", protocol)])
        control = self.wire("control")
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
        wire = self.wire(name)
        replies: list[Reply] = []
        try:
            wire.send(b"".join(request(*one.argv) for one in steps))
            for _ in steps:
                self._await(name)
                replies.append(wire.receive())
        except Closed:
            self._drop(name)
            return replies, False
        return replies, True

    def _await(self, name: str) -> None:
        """Wait for bytes; a connection that waits for a key is told to go on."""
        wire = self._wires[name]
        for seconds in PATIENCE_SECONDS:
            if wire.pending or select.select([wire], [], [], seconds)[0]:
                return
            self.wire("control").do("CLIENT", "UNBLOCK", self._ids[name])

    def _left(self) -> list[tuple[str, Reply]]:
        """Replies nobody asked for, on all connections."""
        found: list[tuple[str, Reply]] = []
        for name in [name for name in self._wires if name != "control"]:
            try:
                found += self._leftovers(name)
            except Closed:
                self._drop(name)
        return found

    def _leftovers(self, name: str) -> list[tuple[str, Reply]]:
        """Replies nobody asked for, up to the mark."""
        wire = self.wire(name)
        wire.send(request("RESET") + request("ECHO", MARK))
        left: list[tuple[str, Reply]] = []
        while (reply := wire.receive()) != Bulk(MARK):
            if reply != Simple(b"RESET"):
                left.append((name, reply))
        return left


def show(reply: Reply | None) -> str:
    """A reply for a person."""
    return "(nothing)" if reply is None else repr(reply)


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
            waiting.append(_rule(one))
            continue
        rules.append(itemwise(list(waiting)) if name == b"EXEC" else _rule(one))
        if name in {b"EXEC", b"DISCARD", b"RESET", b"MULTI"} and not (name == b"MULTI" and isinstance(reply, Error)):
            waiting.clear()
    return rules + [_rule(one) for one in steps[len(rules) :]]


def _rule(one: Step) -> Rule:
    """The rule of a step, which lets deliberate differences pass."""

    def rule(theirs: Reply, ours: Reply) -> str | None:
        why = one.rule(theirs, ours)
        return None if why is None or deliberate(one.argv, theirs, ours) else why

    return rule
