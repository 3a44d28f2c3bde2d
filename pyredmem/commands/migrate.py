"""MIGRATE: moves keys to another server, to which this one speaks as a client."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.commands.dump import payload_of
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import ACCESS, DELETE, INCOMPLETE, MOVABLE_KEYS, READ_WRITE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.engine.host import Link
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
        self.port = argv[2]

    def preparation(self) -> list[list[bytes]]:
        """The commands that come before the keys."""
        select = [b"SELECT", b"%d" % self.database]
        return [self.authentication, select] if self.authentication else [select]


def _keys_of_migrate(argv: list[bytes]) -> list[FoundKey]:
    """The keys of MIGRATE: its third argument, or what follows KEYS if that is empty."""
    if argv[3]:
        return [FoundKey(3, _MOVED)]
    for place in range(_FIRST_OPTION, len(argv)):
        if argv[place].upper() == b"KEYS":
            return [FoundKey(key, _MOVED) for key in range(place + 1, len(argv))]
    return [FoundKey(3, _MOVED)]


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
)
def migrate(context: Context, argv: list[bytes]) -> None:
    """The server waits for the other one, as Redis does: until then no other client is served."""
    request = _Request(argv)
    images = _images(context, request)
    if not images:
        context.record_nothing()
        context.reply.simple(b"NOKEY")
        return
    preparation = request.preparation()
    replies = _exchange(context, request, preparation + [restore for _, restore in images])
    refusals = [reply for reply in replies if reply.startswith(b"-")]
    is_prepared = not any(reply.startswith(b"-") for reply in replies[: len(preparation)])
    restored = replies[len(preparation) :]
    moved = [
        key for (key, _), reply in zip(images, restored, strict=True) if is_prepared and not reply.startswith(b"-")
    ]
    context.record_nothing()
    if not request.copy:
        _delete(context, moved)
    if refusals:
        raise CommandError(_REFUSED + refusals[0][1:])
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


def _exchange(context: Context, request: _Request, commands: list[list[bytes]]) -> list[bytes]:
    """Send commands and return the lines of the replies; tries again, once, if the connection breaks."""
    data = b"".join([_encode(command) for command in commands])
    is_last_try = False
    while True:
        problem = _NO_CONNECTION
        link: Link | None = None
        try:
            link = context.engine.host.connect(request.host, request.port, request.timeout_s)
            problem = _NO_WRITE
            link.send(data)
            problem = _NO_READ
            return [link.read_line() for _ in commands]
        except TimeoutError:
            raise CommandError(problem) from None
        except ConnectionError:  # refused, or closed by the other server
            if is_last_try:
                raise CommandError(_NO_WRITE if problem == _NO_CONNECTION else problem) from None
            is_last_try = True
        except OSError:
            raise CommandError(problem) from None
        finally:
            if link is not None:
                link.close()


def _encode(words: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def _delete(context: Context, keys: list[bytes]) -> None:
    """Delete the keys that the other server has now."""
    deleted = [b"DEL"]
    for key in keys:
        if context.db.delete(key, False):
            context.changed(key, events.GENERIC, b"del")
            deleted.append(key)
    if len(deleted) > 1:
        context.record_instead(deleted)
