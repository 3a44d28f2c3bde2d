"""What redis-py does around each command, as far as a server inside the process needs it.

Such a server has replied before its client begins to read, unless the command blocks. So neither sending nor reading
needs a timeout; in asyncio, the timer and the task that keep one take redis-py longer than all the rest. Whatever is
yet to come is left to redis-py, and so is reading if its parser is the one in Python, or if it checks the health of
idle connections.

A pool need not look at a network for what an idle connection has received. Its part in a command, with the counting for
metrics and the events that nobody waits for, is a third of what a sync GET takes redis-py.

The connections are those of redis-py, over a `LocalSocket`, or over a `LoopEnd` in asyncio; others are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from redis.client import EMPTY_RESPONSE
from redis.connection import Connection, ConnectionPool, HiredisRespSerializer
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

try:
    from redis.observability.providers import get_observability_instance

    _observability: Callable[[], Any] | None = get_observability_instance
except ImportError:  # redis-py 7.1 and older count nothing
    _observability = None

#: Commands after which a pipeline watches keys, or does so no more.
_WATCHING: Final = frozenset(("WATCH", "UNWATCH", "EXEC", "DISCARD"))

#: The types that hiredis packs as redis-py does.
_PACKED: Final = frozenset((bytes, str, int, float))

#: What `take_idle` and `give_back` stand for.
_get_connection: Any = ConnectionPool.get_connection
_release: Any = ConnectionPool.release
_connect: Any = Connection.connect

#: Whether a connection can be told to connect again, which its pool then sees to.
_CAN_BE_MARKED: Final = hasattr(Connection, "should_reconnect")


def send(connection: Any, words: tuple[Any, ...]) -> bool:
    """Send a command, and run it; False if this is up to redis-py."""
    local = connection._sock
    if not isinstance(local, LocalSocket) or not local.is_usable() or connection.health_check_interval:
        return False
    packer = connection._command_packer
    requests: Any  # of a packer of any kind
    if _pack_command is not None and type(packer) is HiredisRespSerializer and _is_plain(words):
        requests = [_pack_command(words)]
    else:
        requests = packer.pack(*words)
    try:
        for request in requests:
            local.sendall(request)
    except BaseException:
        connection.disconnect()
        raise
    return True


def read(connection: Any, disable_decoding: bool) -> Any:
    """The next reply, or `NO_REPLY`. Raises it if it is an error."""
    if not may_read(connection):
        return NO_REPLY
    local: LocalSocket = connection._sock
    parser = connection._parser
    reader = parser._reader
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


def may_read(connection: Any) -> bool:
    """Whether the shortcuts may read the replies of a sync connection."""
    local = connection._sock
    return (
        isinstance(local, LocalSocket)
        and local.is_usable()
        and not connection.health_check_interval
        and _reader_of(connection._parser) is not None
    )


def read_all(connection: Any, commands: list[Any], callbacks: dict[str, Any], parse: Callable[..., Any]) -> list[Any]:
    """The replies to the commands of a pipeline, each with its options, once they are sent. Errors are among them.

    ``parse`` is redis-py's way, for commands with options that matter, or that change what the pipeline does next.
    """
    gets = connection._parser._reader.gets
    replies: list[Any] = []
    try:
        for words, options in commands:
            name = words[0]
            reply: Any
            try:
                if type(name) is not str or name in _WATCHING or not _are_plain(options):
                    reply = parse(connection, name, **options)
                else:
                    reply = _called_back(callbacks, name, _next_reply(connection, gets), options)
            except ResponseError as error:
                reply = error
            replies.append(reply)
    except BaseException:
        connection.disconnect()
        raise
    return replies


def read_queued(connection: Any, count: int) -> list[tuple[int, ResponseError]]:
    """Read the replies to MULTI and to what follows it, ``count`` in all; the errors among them, with their numbers."""
    gets = connection._parser._reader.gets
    errors: list[tuple[int, ResponseError]] = []
    try:
        for number in range(count):
            try:
                _next_reply(connection, gets)
            except ResponseError as error:
                errors.append((number, error))
    except BaseException:
        connection.disconnect()
        raise
    return errors


def call_back(callbacks: dict[str, Any], commands: list[Any], replies: list[Any]) -> list[Any]:
    """What the callbacks make of the replies to commands, each with its options. Errors stay what they are."""
    results: list[Any] = []
    for number, (words, options) in enumerate(commands):
        reply = replies[number]
        results.append(reply if isinstance(reply, Exception) else _called_back(callbacks, words[0], reply, options))
    return results


def _are_plain(options: dict[str, Any]) -> bool:
    """Whether the options of a command matter at most to a cache, and not to what reads the reply."""
    return not options or (len(options) == 1 and "keys" in options)


def are_all_sent(commands: list[Any]) -> bool:
    """Whether redis-py would send all commands of a transaction: it knows the reply to MGET without keys."""
    for _, options in commands:  # noqa: SIM110 - `all` takes the interpreter twice as long
        if options and EMPTY_RESPONSE in options:
            return False
    return True


def _called_back(callbacks: dict[str, Any], name: Any, reply: Any, options: dict[str, Any]) -> Any:
    """What the callback for a command makes of its reply, or the reply."""
    callback = dict.get(callbacks, name)
    if callback is None:
        callback = dict.get(callbacks, name.upper())
        if callback is None:
            return reply
    if _are_plain(options):
        return callback(reply)
    return callback(reply, **{name: value for name, value in options.items() if name != "keys"})


def _next_reply(connection: Any, gets: Any) -> Any:
    """The next reply in a parser, whose method is ``gets``. Raises it if it is an error."""
    response = gets(True)
    if type(response) in _PLAIN:
        return response
    if response is NO_REPLY:
        return connection.read_response()
    parser = connection._parser
    if is_message(parser, response):
        parser.handle_push_response(response)
        return connection.read_response()
    return _checked(response)


def _is_plain(words: tuple[Any, ...]) -> bool:
    """Whether the words of a command are sent as they are. redis-py splits a name such as CONFIG GET."""
    name = words[0]
    if not isinstance(name, str) or not (name.isalnum() or name.split() == [name]):
        return False
    for word in words:  # noqa: SIM110 - `all` takes the interpreter twice as long
        if type(word) not in _PACKED:
            return False
    return True


def pack(connection: Any, commands: list[tuple[Any, ...]]) -> list[bytes] | None:
    """The requests of commands in RESP; None if this is up to redis-py, whose packer for asyncio is in Python."""
    encoder = connection.encoder
    if _pack_command is None or encoder.encoding != "utf-8" or encoder.encoding_errors != "strict":
        return None
    requests: list[bytes] = []
    for words in commands:
        if not _is_plain(words):
            return None
        requests.append(_pack_command(words))
    return requests


def pack_together(connection: Any, commands: list[tuple[Any, ...]]) -> list[bytes] | None:
    """The same for a sync connection: in parts as long as those that redis-py makes, whose packer is hiredis."""
    if _pack_command is None or type(connection._command_packer) is not HiredisRespSerializer:
        return None
    longest: int = connection._buffer_cutoff
    parts: list[bytes] = []
    requests: list[bytes] = []
    buffered = 0
    for words in commands:
        if not _is_plain(words):
            return None
        request = _pack_command(words)
        size = len(request)
        if requests and (buffered > longest or size > longest):
            parts.append(b"".join(requests))
            requests = []
            buffered = 0
        requests.append(request)
        buffered += size
    if requests:
        parts.append(b"".join(requests))
    return parts


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


# What the pool of a sync client does before and after each command.


def is_pool_plain() -> bool:
    """Whether nobody follows what pools do: redis-py counts nothing, and no test has replaced a method."""
    return (
        ConnectionPool.get_connection is _get_connection
        and ConnectionPool.release is _release
        and Connection.connect is _connect
        and (_observability is None or _observability().get_provider_manager() is None)
    )


def take_idle(pool: Any) -> Any:
    """A connection of a pool that is ready for a command; None if this is up to redis-py."""
    idle = pool._available_connections
    if not idle or not is_pool_plain() or _belongs_elsewhere(idle):
        return None
    with pool._lock:
        idle = pool._available_connections
        if not idle:  # another thread was faster
            return None
        connection = idle.pop()
        pool._in_use_connections.add(connection)
    is_ready = False
    try:
        is_ready = _is_ready(connection)
    finally:
        if not is_ready:
            with pool._lock:
                pool._in_use_connections.discard(connection)
                pool._available_connections.append(connection)
    return connection if is_ready else None


def _belongs_elsewhere(connections: Any) -> bool:
    """Whether the last connection is not connected, or of the process that was forked: so is the lock of its pool."""
    try:
        local = connections[-1]._sock
    except IndexError:  # another thread was faster
        return True
    return not isinstance(local, LocalSocket) or not local.is_usable()


def _is_ready(connection: Any) -> bool:
    """Whether a connection is connected, and has nothing to read: no rest of a reply, no message, no end."""
    local = connection._sock
    reader = _reader_of(connection._parser)
    return (
        reader is not None
        and isinstance(local, LocalSocket)
        and local.is_usable()
        and not reader.has_data()
        and not local.can_read(0)
    )


def give_back(pool: Any, connection: Any) -> bool:
    """Take a connection back into its pool; False if this is up to redis-py."""
    local = connection._sock
    if (
        not isinstance(local, LocalSocket)
        or not local.is_usable()
        or connection.pid != pool.pid
        or getattr(connection, "_re_auth_token", None) is not None
        or (_CAN_BE_MARKED and connection.should_reconnect())
        or not is_pool_plain()
    ):
        return False
    with pool._lock:
        in_use = pool._in_use_connections
        if connection not in in_use:
            return False
        in_use.remove(connection)
        pool._available_connections.append(connection)
    return True
