"""MIGRATE: moves keys to another server, to which this one speaks as a client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.commands.c_strings import leading_integer
from pyredmem.commands.dump import payload_of
from pyredmem.config.settings import Settings
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import ACCESS, DELETE, INCOMPLETE, MOVABLE_KEYS, READ_WRITE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.engine.host import Link
from pyredmem.engine.links import NO_DATABASE, CachedLink
from pyredmem.engine.spec import FoundKey, KeySpec
from pyredmem.keyspace import events

migration: Final = Group("generic")

_DEFAULT_TIMEOUT_MS: Final = 1000
_NO_CONNECTION: Final = b"IOERR error or timeout connecting to the client"
_NO_WRITE: Final = b"IOERR error or timeout writing to target instance"
_NO_READ: Final = b"IOERR error or timeout reading to target instance"
_KEY_AND_KEYS: Final = b"ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
_REFUSED: Final = b"ERR Target instance replied with error: "

_FIRST_OPTION: Final = 6
#: The options before KEYS, with the number of their arguments.
_ARGUMENTS: Final = {b"COPY": 0, b"REPLACE": 0, b"AUTH": 1, b"AUTH2": 2}
_MOVED: Final = (READ_WRITE, ACCESS, DELETE)
_KEYS_AT_THE_END: Final = KeySpec(flags=(*_MOVED, INCOMPLETE), index=-2, keyword="KEYS", last=-1)


class _Request:
    """The arguments of MIGRATE; reading them raises an error if one is wrong."""

    def __init__(self, argv: list[bytes]) -> None:
        self.copy = False
        self.replace = False
        self.authentication: list[bytes] = []
        self.keys = [argv[3]]
        arguments = Arguments(argv, _FIRST_OPTION)
        while arguments.left() > 0:
            option = arguments.word()
            if option == b"COPY":
                self.copy = True
            elif option == b"REPLACE":
                self.replace = True
            elif option == b"AUTH":
                self.authentication = [b"AUTH", arguments.next()]
            elif option == b"AUTH2":
                self.authentication = [b"AUTH", arguments.next(), arguments.next()]
            elif option == b"KEYS":
                if argv[3]:
                    raise CommandError(_KEY_AND_KEYS)
                self.keys = arguments.rest()
            else:
                raise CommandError(errors.SYNTAX_ERROR)
        timeout_ms = integer(argv[5])
        self.timeout_s = (timeout_ms if timeout_ms > 0 else _DEFAULT_TIMEOUT_MS) / 1000
        self.database = integer(argv[4])
        self.host = argv[1]
        self.port = leading_integer(argv[2])


class _Failure:
    """What went wrong with a connection."""

    def __init__(self, message: bytes, error: OSError) -> None:
        self.message = message
        #: Redis tries again if the other server had closed the connection, but not if it takes too long.
        self.may_retry = message != _NO_CONNECTION and not isinstance(error, TimeoutError)


class _Exchange:
    """One try to send the keys and to read the replies. It notes which keys have moved, and the first error reply."""

    def __init__(self, context: Context, request: _Request, images: list[tuple[bytes, list[bytes]]]) -> None:
        self._context = context
        self._request = request
        self._images = images
        self.failure: _Failure | None = None
        self.moved: list[bytes] = []
        self.answered = 0  # how many keys have a reply
        self.refusal = b""  # the error reply

    def run(self) -> None:
        """Try once."""
        links = self._context.engine.links
        request = self._request
        message = _NO_CONNECTION
        cached: CachedLink | None = None
        try:
            cached = links.connect(request.host, request.port, request.timeout_s)
            preparation = [request.authentication] if request.authentication else []
            if cached.database != request.database:
                preparation.append([b"SELECT", b"%d" % request.database])
            commands = preparation + [restore for _, restore in self._images]
            message = _NO_WRITE
            cached.link.send(b"".join([_encode(command) for command in commands]), request.timeout_s)
            message = _NO_READ
            self._read_replies(cached.link, len(preparation))
        except OSError as error:
            self.failure = _Failure(message, error)
            if cached is not None:
                links.drop(cached)
            return
        cached.database = NO_DATABASE if self.refusal else request.database

    def _read_replies(self, link: Link, preparation: int) -> None:
        """A refused password or database refuses every key, whatever the other server says about the key itself."""
        refusal = b""
        for _ in range(preparation):
            error = _error_in(link.read_line(self._request.timeout_s))
            refusal = refusal or error
        for key, _ in self._images:
            error = _error_in(link.read_line(self._request.timeout_s))
            self.answered += 1
            if not refusal and not error:
                self.moved.append(key)
            elif not self.refusal:
                self.refusal = refusal or error


def _error_in(reply: bytes) -> bytes:
    """The reply if it is an error, else nothing."""
    return reply if reply.startswith(b"-") else b""


def _options(argv: list[bytes]) -> Iterator[tuple[int, int]]:
    """The places of the words that may be options, each with the number of its arguments; KEYS takes all the rest."""
    place = _FIRST_OPTION
    while place < len(argv):
        count = _ARGUMENTS.get(argv[place].upper(), 0)
        yield place, count
        place += count + 1


def _keys_of_migrate(argv: list[bytes]) -> list[FoundKey]:
    """The keys of MIGRATE: its third argument, or what follows KEYS if that is empty."""
    for place, _ in _options(argv[:-1]):
        if argv[place].upper() == b"KEYS":
            return [] if argv[3] else [FoundKey(key, _MOVED) for key in range(place + 1, len(argv))]
    return [FoundKey(3, _MOVED)]


def _secrets_of_migrate(argv: list[bytes], settings: Settings) -> list[int]:
    """The password for the other server, and the name of the user; those that stand before the first mistake."""
    secrets: list[int] = []
    for place, count in _options(argv):
        word = argv[place].upper()
        if word not in _ARGUMENTS or place + count >= len(argv):
            break
        secrets += range(place + 1, place + count + 1)
    return secrets


@migration.command(
    "migrate",
    arity=-6,
    flags=WRITE | MOVABLE_KEYS,
    keys=(key_at(*_MOVED, index=3), _KEYS_AT_THE_END),
    acl="keyspace dangerous",
    since="2.6.0",
    complexity="That of DUMP and DEL here and of RESTORE there, and O(N) for the transfer of N bytes.",
    summary="Moves keys to another server, atomically.",
    syntax=(
        'host port:integer <key | ""> destination-db:integer timeout:integer [COPY] [REPLACE] '
        "[<AUTH password | AUTH2 username password>] [KEYS key [key ...]]"
    ),
    history=(
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ),
    tips=("nondeterministic_output",),
    find_keys=_keys_of_migrate,
    find_secrets=_secrets_of_migrate,
)
def migrate(context: Context, argv: list[bytes]) -> None:
    """The server waits for the other one, as Redis does: until then no other client is served."""
    request = _Request(argv)
    images = _images(context, request)
    if not images:
        context.record_nothing()
        context.reply.simple(b"NOKEY")
        return
    exchange = _Exchange(context, request, images)
    exchange.run()
    if exchange.failure is not None and exchange.failure.may_retry and exchange.answered == 0:
        exchange = _Exchange(context, request, images)
        exchange.run()
    context.record_nothing()
    if not request.copy:
        _delete(context, exchange.moved)
    if exchange.refusal:
        raise CommandError(_REFUSED + exchange.refusal[1:])
    if exchange.failure is not None:
        raise CommandError(exchange.failure.message)
    context.reply.ok()


def _images(context: Context, request: _Request) -> list[tuple[bytes, list[bytes]]]:
    """Those of the keys that exist, each with the command that creates it on the other server."""
    images: list[tuple[bytes, list[bytes]]] = []
    now_ms = context.keyspace.now_ms()
    for key in request.keys:
        value = context.db.read(key)
        if value is None:
            continue
        when_ms = context.db.expire_time(key)
        ttl_ms = 0 if when_ms < 0 else max(when_ms - now_ms, 1)
        restore = [b"RESTORE", key, b"%d" % ttl_ms, payload_of(context, value)]
        images.append((key, [*restore, b"REPLACE"] if request.replace else restore))
    return images


def _encode(words: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def _delete(context: Context, keys: list[bytes]) -> None:
    """Delete the keys that the other server has now."""
    deleted = [b"DEL"]
    for key in keys:
        if context.db.delete(key, context.keyspace.lazy_server_del):
            context.changed(key, events.GENERIC, b"del")
            deleted.append(key)
    if len(deleted) > 1:
        context.record_instead(deleted)
