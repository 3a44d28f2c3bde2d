"""Readings of a running server, which redis-py asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from pyredmem.metrics.names import SETTINGS
from pyredmem.metrics.reading import Reading, SlowLogState, parsed, spikes_of
from pyredmem.web.source import name_of, text

_TIMEOUT_S: Final = 20


class ServerError(Exception):
    """The server cannot be reached, or refuses what is needed; the text says why."""


class WatchedServer:
    """A server that is read again and again. Raises ServerError."""

    def __init__(self, url: str) -> None:
        try:
            # Whoever asks again and again needs no other attempts; they would only delay the news.
            retry = Retry(NoBackoff(), 0)
            self._client: Any = redis.Redis.from_url(url, protocol=2, socket_timeout=_TIMEOUT_S, retry=retry)
        except (RedisError, ValueError) as error:
            raise ServerError(f"Cannot connect: {error}") from None  # the URL may hold a password
        self.name = name_of(self._client.connection_pool.connection_kwargs)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def read(self) -> Reading:
        """Read INFO, the slow log and the latency events. What the server refuses but INFO is left out."""
        try:
            info = self._asked("INFO", "everything")
            entries = self._asked("SLOWLOG", "GET", 1)
            length = self._asked("SLOWLOG", "LEN")
            spikes = self._asked("LATENCY", "LATEST")
            settings = {name: self._setting(name) for name in (*SETTINGS, "databases")}
        except (RedisError, OSError) as error:
            raise ServerError(f"Cannot read {self.name}: {error}") from None
        if info is None:
            raise ServerError(f"Cannot read {self.name}: INFO is refused")
        newest = entries[0] if entries else None
        return Reading(
            info=parsed(text(info)),
            settings={name: number for name, number in settings.items() if number is not None},
            slow_log=SlowLogState(length or 0, newest[0] if newest else 0, newest[2] if newest else 0),
            spikes=spikes_of(spikes or []),
        )

    def ask(self, *words: object) -> Any:
        """The bare reply to a command; a ResponseError if the server refuses it. Raises ServerError."""
        return self.ask_all([words])[0]

    def ask_all(self, commands: Sequence[Sequence[object]]) -> list[Any]:
        """The same for commands that are sent together. Raises ServerError."""
        try:
            return self._replies(commands)
        except (RedisError, OSError) as error:
            raise ServerError(f"Cannot read {self.name}: {error}") from None

    def _asked(self, *words: object) -> Any:
        """The bare reply to a command; None if the server does not permit it, or does not know it."""
        [reply] = self._replies([words])
        return None if isinstance(reply, ResponseError) else reply

    def _replies(self, commands: Sequence[Sequence[object]]) -> list[Any]:
        connection = self._client.connection_pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            return [_reply(connection) for _ in commands]
        finally:
            self._client.connection_pool.release(connection)

    def _setting(self, name: str) -> int | None:
        found = self._asked("CONFIG", "GET", name)
        return int(found[1]) if found and found[1].isdigit() else None


def _reply(connection: Any) -> Any:
    """The next bare reply; a ResponseError is returned, as the replies after it are still to be read."""
    try:
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error
