"""Records a running server with MONITOR: what its clients send, without the values.

MONITOR costs a server throughput, so a recording has a time limit. Keys can be sampled by their hash, and can be
replaced by digests of the same length that nobody can compute without the secret of the recording.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from hashlib import shake_128
from typing import Any, Final

import redis
from redis.exceptions import RedisError

from pyredmem.config.quoting import decode, encode, split_words
from pyredmem.lab.commands import operations_of
from pyredmem.lab.errors import RecordError
from pyredmem.lab.sampling import is_sampled
from pyredmem.lab.trace_file import BLOCK, TraceWriter

_TIMEOUT_S: Final = 20
#: How long a read waits at most, so that the end of the recording is noticed while no command comes.
_LOOK_S: Final = 0.1
_SECRET_BYTES: Final = 16
_US: Final = 1_000_000


class Line:
    """A line of MONITOR: when the command came, the database, and the command."""

    def __init__(self, time_us: int, database: int, argv: list[bytes]) -> None:
        self.time_us = time_us
        self.database = database
        self.argv = argv


def parsed_line(line: bytes) -> Line | None:
    """The content of a line such as ``1339518083.107412 [0 127.0.0.1:60866] "get" "key"``; None if it is none."""
    head, found, rest = line.partition(b'] "')
    moment, bracket, place = head.partition(b" [")
    seconds, _, fraction = moment.partition(b".")
    database = place.partition(b" ")[0]
    if not (found and bracket and seconds.isdigit() and fraction.isdigit() and database.isdigit()):
        return None
    if b"\\" in rest:
        words = split_words(decode(b'"' + rest))
        argv = [encode(word) for word in words or []]
    else:
        argv = rest.removesuffix(b'"').split(b'" "')
    return Line(int(seconds) * _US + int(fraction.ljust(6, b"0")[:6]), int(database), argv) if argv else None


class Recorder:
    """Turns lines of MONITOR into operations of a trace file."""

    def __init__(self, writer: TraceWriter, rate: float = 1.0, hashes_keys: bool = False) -> None:
        self._writer = writer
        self._rate = rate
        self._secret = os.urandom(_SECRET_BYTES) if hashes_keys else b""
        self._names: dict[bytes, bytes | None] = {}  # as keys are recorded; None: not in the sample
        self._last_us = 0
        self.commands = 0
        self.operations = 0

    def take(self, data: bytes) -> None:
        """Take a line."""
        line = parsed_line(data)
        if line is None:
            return
        self.commands += 1
        self._last_us = max(self._last_us, line.time_us)
        builder = self._writer.builder
        for found in operations_of(line.argv, line.time_us // 1000):
            name = self._name(found.key)
            if name is not None:
                self.operations += 1
                builder.add(self._last_us, found.operation, name, found.size, found.ttl_ms, found.kind, line.database)
        if len(builder) >= BLOCK:
            self._writer.flush()

    def _name(self, key: bytes) -> bytes | None:
        if key in self._names:
            return self._names[key]
        name: bytes | None = key
        if self._rate < 1 and not is_sampled(key, self._rate):
            name = None
        elif self._secret:
            name = shake_128(self._secret + key).digest(len(key))
        self._names[key] = name
        return name


def record(
    url: str,
    path: str,
    seconds: float,
    rate: float = 1.0,
    hashes_keys: bool = False,
    started: Callable[[], None] = lambda: None,
) -> tuple[int, int]:
    """Record a server into a file for some seconds; returns how many commands came, and operations were written.

    ``started`` is called when the server has begun to tell. Raises RecordError and OSError.
    """
    try:
        client = redis.Redis.from_url(url, protocol=2, socket_timeout=_TIMEOUT_S)
        connection: Any = client.connection_pool.get_connection()
    except (RedisError, ValueError, OSError) as error:
        raise RecordError(f"Cannot connect: {error}") from None
    try:
        with TraceWriter(path) as writer:
            recorder = Recorder(writer, rate, hashes_keys)
            connection.send_command("MONITOR")
            connection.read_response(disable_decoding=True)
            started()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if connection.can_read(min(_LOOK_S, max(end - time.monotonic(), 0.0))):
                    recorder.take(connection.read_response(disable_decoding=True))
    except RedisError as error:
        raise RecordError(f"Cannot record: {error}") from None
    finally:
        connection.disconnect()
        client.close()
    return recorder.commands, recorder.operations
