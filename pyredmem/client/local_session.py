"""The process's own session: commands of a test that no client sends, with replies as Python values.

They run as those of a client, so arguments are checked, memory is accounted for and keyspace events happen; but they
need no password, are not in the command log, and leave the access times of keys alone.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from pyredmem.client.driver import Driver
from pyredmem.engine.gates import GATE_ACL, GATE_NEEDS_AUTH, GATE_NO_TOUCH
from pyredmem.protocol.values import ErrorReply, ValueSink


class LocalSession:
    """A context manager: inside it, no other client of the server runs. Replies are those of RESP3."""

    def __init__(self, driver: Driver, database: int = 0) -> None:
        self._driver = driver
        self._database = database

    def __enter__(self) -> Self:
        driver = self._driver
        driver.enter()
        try:
            databases = driver.engine.keyspace.databases
            if not 0 <= self._database < len(databases):
                raise ValueError(f"there is no database {self._database}: the server has {len(databases)}")
            session = driver.engine.connect("local", "127.0.0.1:0", "127.0.0.1:0")
            if session.is_closing():
                raise RuntimeError(session.output.take().decode().strip("-\r\n"))
            session.user = None
            session.gates = session.gates & ~(GATE_ACL | GATE_NEEDS_AUTH) | GATE_NO_TOUCH
            session.db = databases[self._database]
            self._sink = ValueSink()
            session.reply = self._sink
            self._session = session
        except BaseException:
            driver.leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._driver.engine.release(self._session)
        finally:
            self._driver.leave()

    def has_command(self, name: str) -> bool:
        """Whether the server has a command."""
        return self._driver.engine.commands.by_full_name(name.encode()) is not None

    def do(self, *words: str | bytes | int | float) -> object:
        """Run a command. Raises redis-py's ResponseError if the reply is an error."""
        argv = [encode(word) for word in words]
        session = self._session
        runner = session.runner
        runner.begin_batch(session, 0)
        runner.execute(session, argv)
        runner.end_batch()
        replies = self._sink.take()
        if not replies:
            raise RuntimeError(f"the server has put off {words[0]!r}: its clients are paused")
        reply = replies[0]
        if isinstance(reply, ErrorReply):
            from redis import ResponseError

            raise ResponseError(reply.message.decode("utf-8", "replace"))
        return reply


def encode(word: str | bytes | int | float) -> bytes:
    """A key or an argument as redis-py sends it; bytes that are no UTF-8 may be in a str as surrogates."""
    if isinstance(word, bytes):
        return word
    return repr(word).encode() if isinstance(word, float) else str(word).encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """What `encode` makes these bytes of."""
    return data.decode("utf-8", "surrogateescape")
