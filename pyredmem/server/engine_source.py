"""A source of figures in the server's own process: its engine, asked with the rights of a user.

The session is none of a client: neither CLIENT LIST nor the ledger knows it, and its lookups are neither hits nor
misses. So watching does not change what is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyredmem.acl.user import User
from pyredmem.engine.engine import Engine
from pyredmem.engine.gates import GATE_NO_TOUCH
from pyredmem.protocol.values import ErrorReply, SimpleReply, ValueSink
from pyredmem.server.turns import Turns
from pyredmem.web.source import Refusal, Source, SourceError, Word, encoded


class EngineSource(Source):
    """Runs commands in the thread of the engine; between slices it lets clients have their turn."""

    def __init__(self, engine: Engine, user: User) -> None:
        self._engine = engine
        self._user_name = user.name
        self._session = engine.clients.nobody()
        self._session.set_gate(GATE_NO_TOUCH, True)
        self._sink = ValueSink(2)
        self._session.reply = self._sink

    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        replies = []
        turns = Turns()
        for words in commands:
            replies.append(_value(self._reply([encoded(word) for word in words])))
            await turns.give_way()
        return replies

    def _reply(self, argv: list[bytes]) -> object:
        session = self._session
        user = self._engine.access.user(self._user_name)
        if user is None or not user.enabled:
            raise SourceError("The user may not read any more.")
        self._engine.access.log_in(session, user)  # its rights may have changed
        keyspace = self._engine.keyspace
        hits, misses = keyspace.hits, keyspace.misses
        runner = session.runner
        runner.begin_batch(session, 0)
        runner.execute(session, argv)
        runner.end_batch()
        keyspace.hits, keyspace.misses = hits, misses
        replies = self._sink.take()
        if not replies:
            raise SourceError("The server has paused its clients.")
        return replies[0]

    async def close(self) -> None:
        self._session.close()


def _value(reply: object) -> Any:
    """A reply as it would be over the wire."""
    if isinstance(reply, ErrorReply):
        return Refusal(reply.message.decode("utf-8", "backslashreplace"))
    return reply.text if isinstance(reply, SimpleReply) else reply
