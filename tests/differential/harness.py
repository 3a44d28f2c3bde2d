"""Runs a sequence of commands on two servers and compares everything that can be seen.

A `Step` is a command, the connection that sends it, and the rule for its reply. `Pair.difference` runs the steps on
both servers, beginning with empty ones, and then compares the data: for every key its type, value, encoding, time to
live and digest (`state`). Successive steps of one connection are sent in one write. So a sequence costs a few round
trips per server, and thousands of commands a second are compared.

Replies are matched by position. If a server replied twice to one command, all later replies would be shifted. So each
connection ends with an ECHO of a mark that occurs nowhere else, and replies before it are reported.

A command that blocks for a key which nobody will create would stop the sequence. If there is no reply for a moment, the
client is unblocked by CLIENT UNBLOCK, on both servers alike, and replies as after a timeout.
"""

from __future__ import annotations

import select
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.differential.encodings import DEFAULT, Expectation, Limits
from tests.differential.known import Known, deliberate, known_differences, parts_ways
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
# How long to wait for a reply before the command counts as blocked; longer each time.
PATIENCE_SECONDS = (0.005, 0.005, 0.01, 0.02, 0.05, *[0.1] * 200)


@dataclass(frozen=True)
class Step:
    """One command of a sequence."""

    argv: tuple[bytes, ...]
    connection: str = "main"
    rule: Rule = field(default=exactly, repr=False)


def step(*argv: Argument, on: str = "main", rule: Rule = exactly) -> Step:
    """A step from arguments that are bytes, text or numbers."""
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
    """The replies of one server, and the state it is left in."""

    replies: list[Reply]
    leftovers: list[tuple[str, Reply]]
    state: State


class Pair:
    """A real redis-server and a pyredmem, and connections to both by name."""

    def __init__(self, real: Server, ours: Server) -> None:
        self._sides = (Side(real), Side(ours))
        self.unsupported: frozenset[str] = self._sides[0].commands() - self._sides[1].commands()
        #: How often both servers replied to each command, by its first word in capitals.
        self.compared: Counter[str] = Counter()
        self._limits = DEFAULT
        #: Both servers are real ones of the same version, to test the harness: their encodings must be the same.
        self._same_version = self._sides[0].version() == self._sides[1].version()
        version = self._sides[0].version()
        self._known = known_differences(version)
        #: The judge has what came after 7.0, as our server has.
        self.is_newer = not version.startswith("7.0.")

    def close(self) -> None:
        for side in self._sides:
            side.close()

    def control(self, side: int) -> Wire:
        """The connection of the harness itself to the real server (0) or to ours (1)."""
        return self._sides[side].wire("control")

    def limit(self, limits: Limits) -> None:
        """Set other limits of encodings; the fixtures of the servers restore them."""
        theirs, ours = self._sides
        of_set_listpacks = limits.our_settings()
        theirs.configure(limits.shared_settings() | (of_set_listpacks if self.is_newer else {}))
        ours.configure(limits.shared_settings() | (of_set_listpacks if self.is_newer or not self._same_version else {}))
        self._limits = limits

    def difference(
        self, steps: Sequence[Step], protocol: int = 2, settings: Mapping[str, str] | None = None
    ) -> Difference | None:
        """The first place where the servers disagree, or None."""
        runs = [side.run(steps, protocol, settings or {}) for side in self._sides]
        theirs, ours = runs
        answered = min(len(theirs.replies), len(ours.replies))
        self.compared.update(one.argv[0].decode("latin-1").upper() for one in steps[:answered] if one.argv)
        rules = _rules_with_transactions(self._known, steps, theirs.replies)
        for at, one in enumerate(steps):
            their_reply = theirs.replies[at] if at < len(theirs.replies) else None
            our_reply = ours.replies[at] if at < len(ours.replies) else None
            if their_reply is None and our_reply is None:
                break
            if their_reply is None or our_reply is None:
                why: str | None = "only one of them replied"
            else:
                why = rules[at](their_reply, our_reply)
            if why is not None:
                name = " ".join(quoted(word) for word in one.argv)
                return Difference(f"step {at}, {name}", why, their_reply, our_reply, tuple(steps[: at + 1]))
            if our_reply is not None and parts_ways(one.argv, our_reply):
                return None
        if len(theirs.replies) != len(ours.replies):
            why = f"{len(theirs.replies)} and {len(ours.replies)} replies"
            return Difference("at the end", why, None, None, tuple(steps))
        if theirs.leftovers != ours.leftovers:
            return Difference(
                "final state, surplus replies",
                f"{theirs.leftovers[:3]} and {ours.leftovers[:3]}",
                None,
                None,
                tuple(steps),
            )
        expectation = None if self._same_version else Expectation([one.argv for one in steps], self._limits)
        found = disagreement(theirs.state, ours.state, expectation, self._known if self.is_newer else ())
        if found is None:
            return None
        return Difference(f"final state, {found.where}", found.why, found.theirs, found.ours, tuple(steps))

    def reduced(self, steps: Sequence[Step], protocol: int = 2) -> Difference | None:
        """The difference after as few steps as still show one: every step that is not needed is left out."""
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
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()

    def commands(self) -> frozenset[str]:
        """The names of the server's commands."""
        reply = self.wire("control").do("COMMAND", "LIST")
        items = reply.items if isinstance(reply, Array | Set) else ()
        return frozenset(item.data.decode().upper() for item in items if isinstance(item, Bulk))

    def version(self) -> str:
        """The version that the server reports; that of Valkey begins with its name."""
        found = info(self.wire("control"), "server")
        valkey = found.get("valkey_version")
        return found["redis_version"] if valkey is None else f"valkey {valkey}"

    def run(self, steps: Sequence[Step], protocol: int, settings: Mapping[str, str]) -> Run:
        """Run a sequence on the server, which is emptied first."""
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
        """Change settings, for this and all later sequences."""
        for name, value in settings.items():
            assert self.wire("control").do("CONFIG", "SET", name, value) == OK, name

    def wire(self, name: str) -> Wire:
        """The connection with a name; it is opened if it does not exist."""
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
        """The replies to steps of one connection, and whether it is still open after them."""
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
        """Wait for bytes; if the client is blocked, unblock it."""
        wire = self._wires[name]
        for seconds in PATIENCE_SECONDS:
            if wire.pending or select.select([wire], [], [], seconds)[0]:
                return
            self.wire("control").do("CLIENT", "UNBLOCK", self._ids[name])

    def _left(self) -> list[tuple[str, Reply]]:
        """Surplus replies on all connections."""
        found: list[tuple[str, Reply]] = []
        for name in [name for name in self._wires if name != "control"]:
            try:
                found += self._leftovers(name)
            except Closed:
                self._drop(name)
        return found

    def _leftovers(self, name: str) -> list[tuple[str, Reply]]:
        """Surplus replies of a connection, up to the mark."""
        wire = self.wire(name)
        wire.send(request("RESET") + request("ECHO", MARK))
        left: list[tuple[str, Reply]] = []
        while (reply := wire.receive()) != Bulk(MARK):
            if reply != Simple(b"RESET"):
                left.append((name, reply))
        return left


def show(reply: Reply | None) -> str:
    """A reply, for people to read."""
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


def _rules_with_transactions(known: tuple[Known, ...], steps: Sequence[Step], replies: Sequence[Reply]) -> list[Rule]:
    """The rule of each step; an EXEC gets the rules of the commands that it runs."""
    rules: list[Rule] = []
    queued: dict[str, list[Rule]] = {}
    for one, reply in zip(steps, replies, strict=False):
        name = one.argv[0].upper() if one.argv else b""
        waiting = queued.setdefault(one.connection, [])
        if reply == QUEUED:
            rules.append(exactly)
            waiting.append(_rule(known, one))
            continue
        rules.append(itemwise(list(waiting)) if name == b"EXEC" else _rule(known, one))
        if name in {b"EXEC", b"DISCARD", b"RESET", b"MULTI"} and not (name == b"MULTI" and isinstance(reply, Error)):
            waiting.clear()
    return rules + [_rule(known, one) for one in steps[len(rules) :]]


def _rule(known: tuple[Known, ...], one: Step) -> Rule:
    """The rule of a step, which also accepts known differences."""

    def rule(theirs: Reply, ours: Reply) -> str | None:
        why = one.rule(theirs, ours)
        return None if why is None or deliberate(known, one.argv, theirs, ours) else why

    return rule
