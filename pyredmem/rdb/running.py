"""The keys of a running server, of Redis, Valkey or this one, read by SCAN, DUMP and PTTL.

The commands for some keys are sent together, and their replies taken one by one, so only one value is in memory. A key
that vanishes between SCAN and DUMP is left out. One that SCAN tells twice, because the server's table was resized
meanwhile, is counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import urlsplit

from redis import ConnectionPool
from redis.exceptions import RedisError, ResponseError

from pyredmem.base.clock import Clock
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_images import Image
from pyredmem.objects.rdb_loader import read_value_of
from pyredmem.objects.rdb_reader import PayloadError, RdbReader
from pyredmem.rdb.dataset import MODULE, TYPES, Entry, Selection, Source
from pyredmem.rdb.progress import Progress

#: How many keys SCAN looks at, and about how many are asked for together.
_TOGETHER: Final = 100
_TIMEOUT_S: Final = 60
_KEYSPACE: Final = re.compile(r"^db(\d+):keys=(\d+)", re.MULTILINE)
_NO_TIME: Final = -1
_NO_KEY: Final = -2


class ServerError(Exception):
    """The server cannot be reached, or refuses what is needed."""


class RunningServer(Source):
    """The keys of a server. If its address names no database, they are those of all databases."""

    def __init__(self, url: str, selection: Selection, clock: Clock, rate: int = 0) -> None:
        """``rate``: how many keys may be read per second; 0 means any number. Raises ServerError."""
        super().__init__(address_of(url), selection)
        self._clock = clock
        self._rate = rate
        self._is_valkey = False
        self.progress = Progress()
        try:
            pool = ConnectionPool.from_url(url, protocol=2, socket_timeout=_TIMEOUT_S)
            self._named: int | None = pool.connection_kwargs.get("db")
            self._connection: Any = pool.make_connection()  # its type is another one in each version of redis-py
            self._connection.connect()
        except (RedisError, ValueError, OSError) as error:
            raise ServerError(f"Cannot connect to {self.name}: {error}") from None

    def close(self) -> None:
        """End the connection."""
        self._connection.disconnect()

    def databases(self) -> dict[int, int]:
        """The databases that are read, with how many keys they have now. Raises ServerError."""
        text = self._text("INFO", "keyspace")
        sizes = {int(number): int(keys) for number, keys in _KEYSPACE.findall(text)}
        wanted = self.selection.databases
        return {
            number: keys
            for number, keys in sorted(sizes.items())
            if (self._named is None or number == self._named) and (wanted is None or number in wanted)
        }

    def records(self) -> Iterator[Entry]:
        """The keys. Raises ServerError."""
        server = self._text("INFO", "server")
        self._is_valkey = "valkey_version:" in server
        version = re.search(r"^(?:valkey|redis)_version:(\S+)", server, re.MULTILINE)
        if version is not None:
            self.fields[b"redis-ver"] = version[1].encode()
        for database in self.databases():
            self._call("SELECT", database)
            yield from self._keys_of(database)

    def _keys_of(self, database: int) -> Iterator[Entry]:
        cursor = b"0"
        started, seen = monotonic(), 0
        while True:
            cursor, keys = self._call("SCAN", cursor, "COUNT", _TOGETHER)
            yield from self._entries(database, [key for key in keys if self._is_wanted(key)])
            self.progress.advance(len(keys))
            seen += len(keys)
            if cursor == b"0":
                return
            if self._rate:
                sleep(max(started + seen / self._rate - monotonic(), 0))

    def _is_wanted(self, key: bytes) -> bool:
        pattern = self.selection.key
        return pattern is None or pattern.match(key) is not None

    def _entries(self, database: int, keys: list[bytes]) -> Iterator[Entry]:
        """The keys that still exist. All commands are sent, then the replies are read one by one."""
        if not keys:
            return
        self._send([(name, key) for key in keys for name in ("PTTL", "DUMP")])
        for key in keys:
            left_ms, payload = self._reply("PTTL"), self._reply("DUMP")
            if payload is not None and left_ms != _NO_KEY:
                expire_ms = None if left_ms == _NO_TIME else self._clock.now_us() // 1000 + left_ms
                entry = self._entry(database, key, payload, expire_ms)
                if entry is not None:
                    yield entry

    def _entry(self, database: int, key: bytes, payload: bytes, expire_ms: int | None) -> Entry | None:
        """A key, if it is wanted and its value can be read."""
        kind = TYPES.get(payload[0])
        image: Image | None = None
        if kind is None:
            self.unreadable += 1
            return None
        if not self.selection.takes(database, kind, key):
            return None
        if kind == MODULE:
            self.modules += 1
            return Entry(database, kind, key, None, expire_ms)
        try:
            image = self._image(payload)
        except PayloadError:
            self.unreadable += 1
            return None
        return Entry(database, kind, key, image, expire_ms)

    def _image(self, payload: bytes) -> Image | None:
        """The value. Valkey has a type of its own, whose number means something else in Redis."""
        reader = RdbReader(payload)
        kind = reader.byte()
        if self._is_valkey and kind == rdb_types.HASH_WITH_TIMES_VALKEY:
            kind = rdb_types.VALKEY_HASH_WITH_TIMES
        return read_value_of(reader, kind)

    # The connection.

    def _text(self, *words: str) -> str:
        text: str = self._call(*words).decode("utf-8", "replace")
        return text.replace("\r\n", "\n")

    def _call(self, *words: str | bytes | int) -> Any:
        """The reply to a command. Raises ServerError."""
        self._send([words])
        return self._reply(str(words[0]))

    def _send(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> None:
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
        except (RedisError, OSError) as error:
            raise self._lost(error) from None

    def _reply(self, command: str) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            raise ServerError(f"{self.name} refuses {command}: {error}") from None
        except (RedisError, OSError) as error:
            raise self._lost(error) from None

    def _lost(self, error: Exception) -> ServerError:
        return ServerError(f"The connection to {self.name} is lost: {error}")


def address_of(url: str) -> str:
    """An address as it may be shown, without user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
