"""redis-py's asyncio connection to a server in this process.

Requests run when they are written, in the thread of the event loop. A genuine `asyncio.StreamReader` gets the output.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from weakref import ref

from redis.asyncio.connection import Connection
from redis.exceptions import ResponseError

from pyredmem.client.driver import Driver
from pyredmem.client.forks import give_up_if_gone
from pyredmem.client.loops import LoopEnd
from pyredmem.client.shortcuts import NO_REPLY, is_message, may_use_stream, pack, read_stream


class _Pausing:
    """What a reader has in place of a transport: it stops the output while it has too much that nobody reads."""

    def __init__(self, end: LoopEnd) -> None:
        self._end = ref(end)  # the reader must not keep it, see `LoopEnd.begin`

    def pause_reading(self) -> None:
        """Give the reader nothing for now."""
        end = self._end()
        if end is not None:
            end.is_paused = True

    def resume_reading(self) -> None:
        """Give the reader what there is."""
        end = self._end()
        if end is not None:
            end.resume()


class LocalWriter(LoopEnd):
    """One client's end of a connection: what redis-py has in place of an `asyncio.StreamWriter`."""

    def __init__(self, driver: Driver, reader: asyncio.StreamReader, host: str, port: int) -> None:
        super().__init__(driver)
        self._reader = reader
        pausing: Any = _Pausing(self)
        reader.set_transport(pausing)
        self._peer = (host, port)
        self._is_closed = False
        driver.enter()
        try:
            session = driver.open_session(port)
            self._name = ("127.0.0.1", int(session.address.rpartition(":")[2]))
            self.begin(session)
        finally:
            driver.leave()

    def __del__(self) -> None:
        self.end()

    def take(self, output: bytes) -> None:
        self._reader.feed_data(output)

    def take_end(self) -> None:
        if not self.loop_driver.loop.is_closed():
            self._reader.feed_eof()

    # What redis-py calls.

    def writelines(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send requests, and run them."""
        self.receive(b"".join(parts))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send requests, and run them."""
        self.receive(bytes(data))

    async def drain(self) -> None:
        """Let other tasks of the loop have their turn from time to time."""
        if self.loop_driver.turn_is_over():
            await asyncio.sleep(0)

    def close(self) -> None:
        """End the connection."""
        self._is_closed = True
        self.end()

    def is_closing(self) -> bool:
        return self._is_closed

    async def wait_closed(self) -> None:
        """The connection ends at once."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": self._peer, "sockname": self._name}.get(name, default)

    @property
    def transport(self) -> LocalWriter:
        """There is no transport below the writer."""
        return self


def open_stream(driver: Driver, host: str, port: int) -> tuple[asyncio.StreamReader, Any]:
    """A connection for the loop that is running: a reader, and a `LocalWriter` as the writer."""
    reader = asyncio.StreamReader(loop=asyncio.get_running_loop())
    return reader, LocalWriter(driver, reader, host, port)


class ShortAsyncConnection(Connection):
    """A genuine connection that sends and reads by the `shortcuts` while its writer is a `LocalWriter`."""

    def pack_command(self, *words: Any) -> list[bytes]:
        """The request of a command in RESP."""
        packed = pack(self, [words])
        return super().pack_command(*words) if packed is None else packed

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        """The requests of several commands."""
        listed = [tuple(words) for words in commands]
        packed = pack(self, listed)
        return super().pack_commands(listed) if packed is None else packed

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send requests."""
        if not may_use_stream(self):
            await super().send_packed_command(command, check_health)
        else:
            await send(self, command)

    async def read_response(self, disable_decoding: bool = False, timeout: float | None = None, **options: Any) -> Any:
        """The next reply. Raises it if it is an error."""
        response = NO_REPLY if options or timeout is not None else await read(self, disable_decoding)
        return await super().read_response(disable_decoding, timeout, **options) if response is NO_REPLY else response


class AsyncLocalConnection(ShortAsyncConnection):
    """A genuine connection whose writer is a `LocalWriter`. Its pool passes ``driver`` with the options."""

    def __init__(self, *args: Any, driver: Driver, **options: Any) -> None:
        self._driver = driver
        super().__init__(*args, **options)

    async def _connect(self) -> None:
        give_up_if_gone(self._driver, self)
        self._reader, self._writer = open_stream(self._driver, str(self.host), int(self.port))


async def send(connection: Any, requests: str | bytes | Iterable[bytes]) -> None:
    """Send requests, and run them. Other tasks of the loop have their turn from time to time."""
    writer = connection._writer
    try:
        if isinstance(requests, str):
            requests = requests.encode()
        writer.receive(requests if isinstance(requests, bytes) else b"".join(requests))
        if writer.loop_driver.turn_is_over():
            await asyncio.sleep(0)
    except BaseException:
        await connection.disconnect(nowait=True)
        raise


async def read(connection: Any, disable_decoding: bool) -> Any:
    """The next reply, or `NO_REPLY`. Raises it if it is an error."""
    try:
        response = read_stream(connection, disable_decoding)
        while is_message(connection._parser, response):
            await connection._parser.handle_push_response(response)
            response = read_stream(connection, disable_decoding)
    except ResponseError:
        raise
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    return response
