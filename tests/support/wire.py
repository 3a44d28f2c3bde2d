"""A raw RESP client whose replies keep their types.

redis-py returns the same Python value for `+OK` and `$2 OK`, and the same dict for a RESP3 map and for a RESP2 array.
Tests of a server have to distinguish them. So there is one small class for each RESP type, and a reply is equal only to
a reply of the same type with the same content.

`Decoder` is the parser without I/O (feed bytes, take replies); `Wire` is a blocking socket around it. It reads while it
writes, so that client and server never wait for each other, however long a pipeline is.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Argument = bytes | str | int | float


@dataclass(frozen=True, slots=True)
class Simple:
    """`+text`."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Error:
    """`-text` or `!length text`."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Integer:
    """`:number`."""

    value: int


@dataclass(frozen=True, slots=True)
class Bulk:
    """`$length data`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Null:
    """`$-1` under RESP2, `_` under RESP3."""


@dataclass(frozen=True, slots=True)
class NullArray:
    """`*-1`, which exists under RESP2 only."""


@dataclass(frozen=True, slots=True)
class Array:
    """`*count`."""

    items: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """`%count`; pairs in the order sent."""

    pairs: tuple[tuple[Reply, Reply], ...]


@dataclass(frozen=True, slots=True)
class Set:
    """`~count`; members in the order sent."""

    items: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Push:
    """`>count`: out of band."""

    items: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Double:
    """`,number`, as text: its digits are compared too."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Boolean:
    """`#t` or `#f`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Verbatim:
    """`=length kind:text`."""

    kind: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class BigNumber:
    """`(digits`."""

    digits: bytes


Reply = (
    Simple
    | Error
    | Integer
    | Bulk
    | Null
    | NullArray
    | Array
    | Map
    | Set
    | Push
    | Double
    | Boolean
    | Verbatim
    | BigNumber
)

OK = Simple(b"OK")
QUEUED = Simple(b"QUEUED")


class WireError(Exception):
    """The other side sent something that is not RESP."""


class Closed(Exception):  # noqa: N818 - says what happened to the connection; often expected
    """The other side closed the connection."""


class _Incomplete(Exception):  # noqa: N818 - control flow inside the decoder
    pass


def encode(argument: Argument) -> bytes:
    """An argument as bytes."""
    if isinstance(argument, bytes):
        return argument
    if isinstance(argument, str):
        return argument.encode()
    return str(argument).encode()


def request(*arguments: Argument) -> bytes:
    """Encode a command as a multibulk request."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = encode(argument)
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Decoder:
    """Turns bytes into replies, and keeps an unfinished one until the rest arrives."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Take bytes that were read."""
        self._data = self._data[self._at :] + data
        self._at = 0

    @property
    def pending(self) -> bytes:
        """The bytes that are not yet a whole reply."""
        return self._data[self._at :]

    def take(self) -> Reply | None:
        """The next whole reply; None if more bytes are needed."""
        start = self._at
        try:
            return self._reply()
        except _Incomplete:
            self._at = start
            return None

    def take_all(self) -> list[Reply]:
        """All whole replies."""
        replies: list[Reply] = []
        while (reply := self.take()) is not None:
            replies.append(reply)
        return replies

    def _line(self) -> bytes:
        end = self._data.find(b"\r\n", self._at)
        if end < 0:
            raise _Incomplete
        line = self._data[self._at : end]
        self._at = end + 2
        return line

    def _blob(self, length: int) -> bytes:
        start, end = self._at, self._at + length
        if len(self._data) < end + 2:
            raise _Incomplete
        if self._data[end : end + 2] != b"\r\n":
            raise WireError(f"no CRLF after {length} bytes: {self._data[start : end + 2]!r}")
        self._at = end + 2
        return self._data[start:end]

    def _items(self, count: int) -> tuple[Reply, ...]:
        return tuple([self._reply() for _ in range(count)])

    def _reply(self) -> Reply:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return Simple(rest)
        if kind == b"-":
            return Error(rest)
        if kind == b":":
            return Integer(int(rest))
        if kind == b"$":
            return Null() if rest == b"-1" else Bulk(self._blob(int(rest)))
        if kind == b"*":
            return NullArray() if rest == b"-1" else Array(self._items(int(rest)))
        return self._reply_of_resp3(kind, rest)

    def _reply_of_resp3(self, kind: bytes, rest: bytes) -> Reply:
        if kind == b"_" and not rest:
            return Null()
        if kind == b"%":
            items = self._items(2 * int(rest))
            return Map(tuple(zip(items[::2], items[1::2], strict=True)))
        if kind == b"~":
            return Set(self._items(int(rest)))
        if kind == b">":
            return Push(self._items(int(rest)))
        if kind == b",":
            return Double(rest)
        if kind == b"#" and rest in {b"t", b"f"}:
            return Boolean(rest == b"t")
        if kind == b"=":
            blob = self._blob(int(rest))
            return Verbatim(blob[:3], blob[4:])
        if kind == b"(":
            return BigNumber(rest)
        if kind == b"!":
            return Error(self._blob(int(rest)))
        raise WireError(f"not a reply: {kind + rest!r}")


class Wire:
    """One connection to a server."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1", *, path: str = "", timeout: float = 20.0) -> None:
        self.timeout = timeout
        if path:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(timeout)
            self._socket.connect(path)
        else:
            self._socket = socket.create_connection((host, port), timeout=timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._decoder = Decoder()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The socket's file descriptor, for select."""
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    @property
    def pending(self) -> bytes:
        """The bytes that were read and are not yet a whole reply."""
        return self._decoder.pending

    def send(self, data: bytes) -> None:
        """Send raw bytes, and read whatever arrives in the meantime."""
        view = memoryview(data)
        deadline = time.monotonic() + self.timeout
        while view:
            readable, writable, _ = select.select([self], [self], [], max(0.0, deadline - time.monotonic()))
            if not readable and not writable:
                raise TimeoutError(f"{len(view)} bytes not accepted within {self.timeout} s")
            if readable:
                self._read()
            if writable:
                try:
                    view = view[self._socket.send(view) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise Closed from error

    def receive(self) -> Reply:
        """The next reply."""
        deadline = time.monotonic() + self.timeout
        while (reply := self._decoder.take()) is None:
            readable, _, _ = select.select([self], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise TimeoutError(f"no reply within {self.timeout} s; unfinished: {self._decoder.pending[:200]!r}")
            self._read()
        return reply

    def receive_until_closed(self) -> list[Reply]:
        """All replies until the connection ends."""
        replies: list[Reply] = []
        while True:
            try:
                replies.append(self.receive())
            except Closed:
                return replies

    def do(self, *arguments: Argument) -> Reply:
        """Send one command and return its reply."""
        self.send(request(*arguments))
        return self.receive()

    def pipeline(self, commands: Iterable[Sequence[Argument]]) -> list[Reply]:
        """Send many commands in one write and return their replies."""
        requests = [request(*command) for command in commands]
        self.send(b"".join(requests))
        return [self.receive() for _ in requests]

    def hello(self, protocol: int) -> None:
        """Switch the protocol."""
        reply = self.do("HELLO", protocol)
        if isinstance(reply, Error):
            raise WireError(f"HELLO {protocol}: {reply.text!r}")

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        self._decoder.feed(data)


def info(wire: Wire, section: str = "") -> dict[str, str]:
    """INFO as a dictionary of its fields."""
    reply = wire.do("INFO", section) if section else wire.do("INFO")
    text = reply.data if isinstance(reply, Bulk) else reply.text if isinstance(reply, Verbatim) else b""
    lines = [line for line in text.decode().split("\r\n") if line and not line.startswith("#")]
    return dict(line.split(":", 1) for line in lines)
