"""What redis-py does around each command, as far as a server inside the process needs it.

Such a server has replied before its client begins to read, unless the command blocks. So neither sending nor reading
needs a timeout; in asyncio, the timer and the task that keep one take redis-py longer than all the rest. Whatever is
yet to come is left to redis-py, and so is reading if its parser is the one in Python, or if it checks the health of
idle connections.

The connections are those of redis-py, over a `LocalSocket`, or over a `LoopEnd` in asyncio; others are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from pyredmem.client.local_socket import LocalSocket
from pyredmem.client.loops import LoopEnd

#: The types of most replies, which are returned as they are.
_PLAIN: Final = frozenset((bytes, str, int, type(None), bool, float, dict, set))

try:
    import hiredis

    _pack_command: Callable[[tuple[Any, ...]], bytes] | None = hiredis.pack_command
    READERS: frozenset[type] = frozenset((hiredis.Reader,))
except ImportError:
    _pack_command = None
    READERS = frozenset()

try:
    from redis._parsers.hiredis import NOT_ENOUGH_DATA

    #: What stands for a reply that is not there.
    NO_REPLY: Any = NOT_ENOUGH_DATA
except ImportError:  # redis-py 5.0.0, where False stands for it, which may be a reply too
    NO_REPLY = object()
    READERS = frozenset()

#: The types that hiredis packs as redis-py does.
_PACKED: Final = frozenset((bytes, str, int, float))


def send(connection: Any, words: tuple[Any, ...]) -> bool:
    """Send a command, and run it; False if this is up to redis-py."""
    local = connection._sock
    if not isinstance(local, LocalSocket) or not local.is_usable() or connection.health_check_interval:
        return False
    pieces = connection._command_packer.pack(*words)
    try:
        for piece in pieces:
            local.sendall(piece)
    except BaseException:
        connection.disconnect()
        raise
    return True


def read(connection: Any, disable_decoding: bool) -> Any:
    """The next reply, or `NO_REPLY`. Raises it if it is an error."""
    local = connection._sock
    parser = connection._parser
    reader = _reader_of(parser)
    if (
        reader is None
        or not isinstance(local, LocalSocket)
        or not local.is_usable()
        or connection.health_check_interval
    ):
        return NO_REPLY
    try:
        while True:
            response = reader.gets(not disable_decoding)
            if type(response) in _PLAIN:
                return response
            if response is NO_REPLY:
                output = local.take_output()
                if not output:
                    return NO_REPLY
                reader.feed(output)
            elif is_message(parser, response):
                parser.handle_push_response(response)
            else:
                return _checked(response)
    except ResponseError:
        raise
    except BaseException:
        connection.disconnect()
        raise


def pack(connection: Any, commands: list[tuple[Any, ...]]) -> list[bytes] | None:
    """The requests of commands in RESP; None if this is up to redis-py, whose packer for asyncio is in Python."""
    encoder = connection.encoder
    if _pack_command is None or encoder.encoding != "utf-8" or encoder.encoding_errors != "strict":
        return None
    requests: list[bytes] = []
    for words in commands:
        name = words[0]
        if not isinstance(name, str) or " " in name:
            return None
        for word in words:
            if type(word) not in _PACKED:
                return None
        requests.append(_pack_command(words))
    return requests


def may_use_stream(connection: Any) -> bool:
    """Whether the shortcuts may be used in an asyncio connection."""
    writer = connection._writer
    return isinstance(writer, LoopEnd) and writer.is_usable() and not connection.health_check_interval


def read_stream(connection: Any, disable_decoding: bool) -> Any:
    """The next reply in the stream of an asyncio connection, or a message, or `NO_REPLY`. Raises an error reply."""
    reader = _reader_of(connection._parser)
    if reader is None or not may_use_stream(connection):
        return NO_REPLY
    response = reader.gets(not disable_decoding)
    if response is NO_REPLY:
        output = connection._reader._buffer
        if not output or connection._writer.is_paused:  # only a read from the stream ends the pause
            return NO_REPLY
        reader.feed(output)
        output.clear()
        response = reader.gets(not disable_decoding)
    return response if type(response) in _PLAIN else _checked(response)


def _reader_of(parser: Any) -> Any:
    """The reader of hiredis; None if the parser has none, or a test has put something in its place."""
    reader = getattr(parser, "_reader", None)
    return reader if type(reader) in READERS else None


def is_message(parser: Any, response: Any) -> bool:
    """Whether this comes between replies, such as an invalidation. To redis-py 5 with hiredis nothing does."""
    if type(response) in _PLAIN or type(response) is list or response is NO_REPLY:
        return False
    kind = getattr(parser, "_hiredis_PushNotificationType", None)
    return kind is not None and isinstance(response, kind)


def _checked(response: Any) -> Any:
    """A reply or message. Raises it if it is an error, or if it is an array that begins with a fatal one."""
    first = response[0] if isinstance(response, list) and response else response
    if isinstance(first, RedisConnectionError) or isinstance(response, ResponseError):
        raise first
    return response
