"""Transcripts, which are conversations in plain text: how to read them, play them and show a reply in them.

A transcript is a text file of tests/transcripts. Its lines are these:

    # any text                 a comment; empty lines separate
    > SET k v                  a command of the first client, quoted as in a shell
    b> GET k                   a command of another client, which connects with its first line
    b>> GET k\\r\\n             bytes of that client as they are, with the escapes of Python
    "v"                        the reply to the command above, as redis-cli shows it; `(nothing)` if none was sent,
                               `(closed)` if the server closed the connection after it
    b< 1) "l"                  a message that the client gets later: it was blocked and is served, or it is notified
       2) "x"                  of a change
    @ b speaks RESP3           before the first command of that client
    @ memory k 56 bytes        what MEMORY USAGE says of a key: its share of the ledger. For our engine alone: a server
                               linked with another allocator has other size classes
    @ later 500 ms             time passes
    @ here only                the steps from here on are for our engine alone, because time passes in them or an older
                               server does not know their commands
    @ everywhere               the steps from here on are for both servers again

A transcript is played twice: against the engine of a test world and, without the steps for our engine alone, against a
redis-server. The message about a bad line, or about a step with another result, names file and line.
"""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.replies import NULL_ARRAY, Map, Push, Reply, Set, from_wire
from tests.support.servers import Server
from tests.support.wire import BigNumber, Boolean, Closed, Double, Error, Simple, Verbatim, Wire, info, request
from tests.support.world import Client, World

NOTHING = "(nothing)"
CLOSED = "(closed)"
MEMORY_WORDS = 4  # memory KEY N bytes


class TranscriptError(Exception):
    """A line that does not belong into a transcript; the text names file and line."""


@dataclass
class Step:
    """One step of a transcript; `lines` is what should be sent for it."""

    place: str
    kind: str  # "send", "arrive", "speaks", "memory", "later"
    client: str = ""
    data: bytes = b""
    number: int = 0
    here_only: bool = False
    lines: list[str] = field(default_factory=list)


# Reading.


def read(path: Path) -> list[Step]:
    """The steps of a transcript."""
    steps: list[Step] = []
    here_only = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path.name}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        if line in {"@ here only", "@ everywhere"}:
            here_only = line == "@ here only"
            continue
        step = _step(line, place)
        if step is not None:
            step.here_only = here_only or step.kind in {"later", "memory"}
            if step.kind == "later" and not here_only:
                raise TranscriptError(f"{place}: time passes only where a step is for us alone (@ here only)")
            steps.append(step)
        elif steps and steps[-1].kind in {"send", "arrive"}:
            steps[-1].lines.append(_below(line, steps[-1], place))
        else:
            raise TranscriptError(f"{place}: a reply that nothing asked for: {line}")
    for step in steps:
        if step.kind in {"send", "arrive"} and not step.lines:
            raise TranscriptError(f"{step.place}: what does this send? Write {NOTHING} if it sends nothing")
    return steps


def _step(line: str, place: str) -> Step | None:
    """The step that a line begins; None for a line of a reply."""
    if line.startswith("@"):
        return _directive(line[1:].split(), line, place)
    name, _, rest = line.partition(" ")
    client = name.rstrip("<>")
    mark = name[len(client) :]
    if mark not in {">", ">>", "<"} or (client and not client.isalpha()):
        return None
    if mark == ">":
        try:
            words = shlex.split(rest)
        except ValueError as error:
            raise TranscriptError(f"{place}: {error}: {line}") from error
        if not words:
            raise TranscriptError(f"{place}: no command")
        return Step(place, "send", client, request(*words))
    if mark == ">>":
        return Step(place, "send", client, rest.encode().decode("unicode_escape").encode("latin-1"))
    return Step(place, "arrive", client, lines=[rest])


def _below(line: str, step: Step, place: str) -> str:
    """A further line of a reply, or of a message without a command, which is indented as far as its first line is."""
    indent = " " * len(f"{step.client}< ") if step.kind == "arrive" else ""
    if not line.startswith(indent):
        raise TranscriptError(f"{place}: a reply that nothing asked for: {line}")
    return line.removeprefix(indent)


def _directive(words: list[str], line: str, place: str) -> Step:
    match words:
        case [client, "speaks", "RESP3"]:
            return Step(place, "speaks", client)
        case ["memory", key, size, "bytes"] if size.isdigit():
            return Step(place, "memory", data=key.encode(), number=int(size))
        case ["later", span, "ms"] if span.isdigit():
            return Step(place, "later", number=int(span))
    raise TranscriptError(f"{place}: not a directive: {line}")


# Showing.


def show(reply: Reply) -> list[str]:
    """A reply in the lines in which redis-cli shows it."""
    match reply:
        case Set():
            return _listed(list(map(show, reply)), "~", "(empty set)")
        case Push():
            return _listed(list(map(show, reply)), ">", "(empty push)")
        case Map():
            return _shown_map(reply)
        case list():
            return _listed(list(map(show, reply)), ")", "(empty array)")
        case Verbatim():
            return reply.text.decode().splitlines() or [""]
        case _:
            return [_line(reply)]


def _line(reply: Reply) -> str:
    if reply is None or reply == NULL_ARRAY:
        return "(nil)"
    match reply:
        case bytes():
            return _quoted(reply)
        case int():
            return f"(integer) {reply}"
        case Simple():
            return reply.text.decode()
        case Error():
            return f"(error) {reply.text.decode()}"
        case Double():
            return f"(double) {reply.text.decode()}"
        case Boolean():
            return "(true)" if reply.value else "(false)"
        case BigNumber():
            return reply.digits.decode()
    raise AssertionError(f"not a reply: {reply!r}")


def _quoted(data: bytes) -> str:
    escapes = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}
    shown = (escapes.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in data)
    return '"' + "".join(shown) + '"'


def _listed(items: list[list[str]], mark: str, empty: str) -> list[str]:
    """Items with their numbers; further lines of an item are indented to stand below its first one."""
    width = len(str(len(items)))
    lines: list[str] = []
    for number, item in enumerate(items, 1):
        head = f"{number:>{width}}{mark} "
        lines.append(head + item[0])
        lines += [" " * len(head) + line for line in item[1:]]
    return lines or [empty]


def _shown_map(reply: Map) -> list[str]:
    pairs: list[list[str]] = []
    for name, value in reply.items():
        arrow = f"{_line(name)} => "
        shown = show(value)
        # A value of several lines begins on a line of its own.
        pairs.append([arrow + shown[0]] if len(shown) == 1 else [arrow.rstrip(), *["   " + line for line in shown]])
    return _listed(pairs, "#", "(empty hash)")


# Playing.


class Player(ABC):
    """Plays a transcript on one server; compares what each step sends with what the transcript says."""

    here = True

    def play(self, steps: list[Step]) -> None:
        """Play all steps; at the end no client may have been sent anything that the transcript does not show."""
        for step in steps:
            if self.here or not step.here_only:
                self._play(step)
        for name, lines in self.left_over():
            assert not lines, f"{steps[-1].place}: the end; client {name or 'one'} has been sent more:\n{_text(lines)}"

    def _play(self, step: Step) -> None:
        if step.kind == "speaks":
            self.join(step.client, 3)
        elif step.kind == "memory":
            found = self.memory(step.data)
            assert found == step.number, f"{step.place}: MEMORY USAGE is {found}, not {step.number}"
        elif step.kind == "later":
            self.wait(step.number)
        else:
            found_lines = self.lines_of(step)
            assert found_lines == step.lines, (
                f"{step.place}: the transcript says\n{_text(step.lines)}\nbut this was sent:\n{_text(found_lines)}"
            )

    def lines_of(self, step: Step) -> list[str]:
        """The lines that are sent for a step."""
        if step.kind == "send":
            self.send(step.client, step.data, step.lines == [NOTHING])
        lines: list[str] = []
        while not lines or len(lines) < len(step.lines):
            more = self.next(step.client, step.lines == [NOTHING])
            if more is None:
                break
            lines += more
        return lines or [NOTHING]

    @abstractmethod
    def join(self, client: str, protocol: int) -> None:
        """Connect a client."""

    @abstractmethod
    def send(self, client: str, data: bytes, is_silent: bool) -> None:
        """Send bytes; if nothing should be sent back (`is_silent`), return when the server has dealt with them."""

    @abstractmethod
    def next(self, client: str, may_be_none: bool) -> list[str] | None:
        """The lines of the next reply, or CLOSED."""

    @abstractmethod
    def memory(self, key: bytes) -> Reply:
        """The reply of MEMORY USAGE for a key."""

    @abstractmethod
    def wait(self, milliseconds: int) -> None:
        """Let time pass."""

    @abstractmethod
    def left_over(self) -> Iterator[tuple[str, list[str]]]:
        """What each client has been sent, as far as no step has taken it."""


class EnginePlayer(Player):
    """Plays on the engine of a test world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._clients: dict[str, Client] = {}
        self._waiting: dict[str, list[list[str]]] = {}

    def join(self, client: str, protocol: int) -> None:
        self._clients[client] = self.world.client(protocol)
        self._waiting[client] = []

    def send(self, client: str, data: bytes, is_silent: bool) -> None:
        if client not in self._clients:
            self.join(client, 2)
        assert not self._arrived(client), f"client {client or 'one'} has been sent more:\n{self._arrived(client)}"
        self._clients[client].receive(data)

    def next(self, client: str, may_be_none: bool) -> list[str] | None:
        arrived = self._arrived(client)
        if arrived:
            return arrived.pop(0)
        return [CLOSED] if self._clients[client].session.is_closing() else None

    def memory(self, key: bytes) -> Reply:
        return self.world.do("MEMORY", "USAGE", key)

    def wait(self, milliseconds: int) -> None:
        self.world.advance(milliseconds)

    def left_over(self) -> Iterator[tuple[str, list[str]]]:
        for name in self._clients:
            yield name, [line for lines in self._arrived(name) for line in lines]

    def _arrived(self, client: str) -> list[list[str]]:
        waiting = self._waiting[client]
        waiting += [show(reply) for reply in self._clients[client].replies()]
        return waiting


class ServerPlayer(Player):
    """Plays on a running server, without the steps that are for our engine alone."""

    here = False

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wires: dict[str, Wire] = {}
        self._control = server.connect()
        self._gone: set[str] = set()
        self._blocked: set[str] = set()

    def close(self) -> None:
        """Close all connections."""
        for wire in [self._control, *self._wires.values()]:
            wire.close()

    def join(self, client: str, protocol: int) -> None:
        self._wires[client] = self._server.connect(protocol)

    def send(self, client: str, data: bytes, is_silent: bool) -> None:
        if client not in self._wires:
            self.join(client, 2)
        blocked_before = self._count_blocked()
        self._wires[client].send(data)
        if is_silent:
            self._blocked.add(client)
            tries = 10_000
            while (
                self._count_blocked() == blocked_before and tries
            ):  # the client is blocked as soon as the server has read the command
                tries -= 1

    def next(self, client: str, may_be_none: bool) -> list[str] | None:
        if may_be_none:
            return None
        self._blocked.discard(client)
        try:
            return show(from_wire(self._wires[client].receive()))
        except TimeoutError:
            return None
        except Closed:
            self._gone.add(client)
            return [CLOSED]

    def memory(self, key: bytes) -> Reply:
        raise AssertionError("the ledger is ours")

    def wait(self, milliseconds: int) -> None:
        raise AssertionError("time cannot be moved here")

    def left_over(self) -> Iterator[tuple[str, list[str]]]:
        for name, wire in self._wires.items():
            if name in self._gone or name in self._blocked:
                continue
            lines: list[str] = []
            reply = from_wire(wire.do("ECHO", "the end"))
            while reply != b"the end":
                lines += show(reply)
                reply = from_wire(wire.receive())
            yield name, lines

    def _count_blocked(self) -> str:
        return info(self._control, "clients")["blocked_clients"]


def _text(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
