"""Commands of the group *connection* other than CLIENT: handshake, authentication, SELECT, RESET; and MONITOR."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import NO_PROTOCOL, SYNTAX_ERROR, CommandError
from pyredmem.commands.databases import database_at
from pyredmem.commands.modules import reply_modules
from pyredmem.config.settings import Settings
from pyredmem.engine.access_control import DEFAULT_USER
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.authentication import WRONG_PASSWORD
from pyredmem.engine.client_names import check_name, rename
from pyredmem.engine.command import (
    ADMIN,
    ALLOW_BUSY,
    ALLOWED_SUBSCRIBED,
    FAST,
    IMMEDIATE_IN_MULTI,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    QUEUED_OUT_OF_MEMORY,
    STALE,
    Group,
)
from pyredmem.engine.context import Context
from pyredmem.engine.gates import GATE_NO_TOUCH, GATE_REPLY_SKIP, GATE_SUBSCRIBED
from pyredmem.engine.redaction import places_after
from pyredmem.engine.session import Session

connection: Final = Group("connection")
monitoring: Final = Group("server")

_HANDSHAKE: Final = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY
#: Commands that end a state of the client: it may send them in MULTI, while subscribed, and when memory is short.
_LEAVES_STATE: Final = IMMEDIATE_IN_MULTI | QUEUED_OUT_OF_MEMORY | ALLOWED_SUBSCRIBED

NO_PASSWORD_SET: Final = (
    b"ERR AUTH <password> called without any password configured for the default user. "
    b"Are you sure your configuration is correct?"
)


@connection.command(
    "ping",
    arity=-1,
    flags=FAST | ALLOWED_SUBSCRIBED,
    acl="connection",
    since="1.0.0",
    complexity="O(1)",
    summary="Replies with PONG, or with the given message.",
    syntax="[message]",
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
)
def ping(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 2:
        raise errors.wrong_arity(b"ping")
    reply = context.reply
    if context.session.gates & GATE_SUBSCRIBED and reply.protocol == 2:
        reply.bulks([b"pong", argv[1] if len(argv) == 2 else b""])
    elif len(argv) == 2:
        reply.bulk(argv[1])
    else:
        reply.simple(b"PONG")


@connection.command(
    "echo",
    arity=2,
    flags=LOADING | STALE | FAST,
    acl="connection",
    since="1.0.0",
    complexity="O(1)",
    summary="Replies with the given message.",
    syntax="message",
)
def echo(context: Context, argv: list[bytes]) -> None:
    context.reply.bulk(argv[1])


@connection.command(
    "quit",
    arity=-1,
    flags=_HANDSHAKE | _LEAVES_STATE,
    acl="connection",
    since="1.0.0",
    complexity="O(1)",
    summary="Closes the connection after all pending replies are sent.",
    deprecated=("7.2.0", "just closing the connection"),
)
def quit_(context: Context, argv: list[bytes]) -> None:
    context.reply.ok()
    context.session.close()


@connection.command(
    "select",
    arity=2,
    flags=LOADING | STALE | FAST,
    acl="connection",
    since="1.0.0",
    complexity="O(1)",
    summary="Selects the database for the following commands of the connection.",
    syntax="index",
)
def select(context: Context, argv: list[bytes]) -> None:
    context.select(database_at(context, argv[1]).index)
    context.reply.ok()


def _auth_secrets(argv: list[bytes], settings: Settings) -> list[int]:
    return list(range(1, len(argv))) if len(argv) <= 3 else []


def _hello_secrets(argv: list[bytes], settings: Settings) -> list[int]:
    return places_after(argv, b"auth", 2)


@connection.command(
    "auth",
    arity=-2,
    flags=_HANDSHAKE,
    acl="connection",
    since="1.0.0",
    complexity="O(N) with N passwords of the user",
    summary="Authenticates the connection with the password of a user, by default of the default user.",
    syntax="[username] password",
    history=(("6.0.0", "Added the username argument."),),
    find_secrets=_auth_secrets,
)
def auth(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 3:
        raise CommandError(SYNTAX_ERROR)
    authentication = context.engine.authentication
    if len(argv) == 2 and authentication.has_no_password():
        raise CommandError(NO_PASSWORD_SET)
    user = argv[1] if len(argv) == 3 else DEFAULT_USER
    if not authentication.authenticate(context.session, user, argv[-1], argv):
        raise CommandError(WRONG_PASSWORD)
    context.reply.ok()


class _Hello:
    """The arguments of HELLO."""

    def __init__(self, argv: list[bytes]) -> None:
        arguments = Arguments(argv)
        self.protocol = 0  # leave it unchanged
        self.credentials: tuple[bytes, bytes] | None = None
        self.name: bytes | None = None
        if arguments.left() == 0:
            return
        self.protocol = arguments.integer(b"ERR Protocol version is not an integer or out of range")
        if self.protocol not in {2, 3}:
            raise CommandError(NO_PROTOCOL)
        while arguments.left() > 0:
            typed = arguments.next()
            option = typed.upper()
            if option == b"AUTH" and arguments.left() >= 2:
                self.credentials = (arguments.next(), arguments.next())
            elif option == b"SETNAME" and arguments.left() >= 1:
                self.name = arguments.next()
                check_name(self.name)
            else:
                raise CommandError(b"ERR Syntax error in HELLO option '" + typed + b"'")


@connection.command(
    "hello",
    arity=-1,
    flags=_HANDSHAKE,
    acl="connection",
    since="6.0.0",
    complexity="O(1)",
    summary="Selects the protocol version and returns facts about the server and the connection.",
    syntax="[protover [AUTH username password] [SETNAME clientname]]",
    history=(("6.2.0", "Made `protover` optional: without it the protocol does not change."),),
    find_secrets=_hello_secrets,
)
def hello(context: Context, argv: list[bytes]) -> None:
    session = context.session
    engine = context.engine
    asked = _Hello(argv)
    if asked.credentials is not None:
        user, password = asked.credentials
        if not engine.authentication.authenticate(session, user, password, argv):
            raise CommandError(WRONG_PASSWORD)
    if engine.authentication.is_missing(session):
        raise CommandError(errors.HELLO_WITHOUT_AUTH)
    if asked.name is not None:
        rename(session, asked.name)
    if asked.protocol:
        context.set_protocol(asked.protocol)
    _facts(context, session)


def _facts(context: Context, session: Session) -> None:
    """Send the reply of HELLO, in the protocol that it selected."""
    reply = context.reply
    profile = context.engine.profile
    zone = context.engine.settings.text("availability-zone") if profile.has_setting("availability-zone") else ""
    reply.map(8 if zone else 7)
    reply.bulk(b"server")
    reply.text(profile.server)
    reply.bulk(b"version")
    reply.text(profile.version)
    reply.bulk(b"proto")
    reply.integer(context.reply.protocol)
    reply.bulk(b"id")
    reply.integer(session.id)
    reply.bulk(b"mode")
    reply.bulk(b"standalone")
    reply.bulk(b"role")
    reply.bulk(b"master")
    reply.bulk(b"modules")
    reply_modules(context)
    if zone:
        reply.bulk(b"availability_zone")
        reply.text(zone)


@connection.command(
    "reset",
    arity=1,
    flags=_HANDSHAKE | _LEAVES_STATE,
    acl="connection",
    since="6.2.0",
    complexity="O(1)",
    summary="Resets the connection to the state of a new one.",
)
def reset(context: Context, argv: list[bytes]) -> None:
    session = context.session
    engine = context.engine
    engine.monitors.remove(session)
    engine.tracking.disable(session)
    engine.pubsub.unsubscribe_all(session)
    session.end_transaction()
    session.set_gate(GATE_NO_TOUCH, False)
    if not session.gates & GATE_REPLY_SKIP:  # after REPLY SKIP the reply to RESET is dropped too
        session.set_replies(True)
    session.no_evict = False
    session.claims.is_read_only = False
    context.set_protocol(2)
    context.select(0)
    rename(session, b"")
    engine.authentication.begin(session)
    context.reply.simple(b"RESET")


@monitoring.command(
    "monitor",
    arity=1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    since="1.0.0",
    complexity="",
    summary="Streams every command that the server runs to the connection.",
)
def monitor(context: Context, argv: list[bytes]) -> None:
    session = context.session
    if not context.may_block:
        raise CommandError(b"ERR MONITOR isn't allowed for DENY BLOCKING client")
    if not context.engine.monitors.has(session):
        context.engine.monitors.add(session)
        context.reply.ok()
