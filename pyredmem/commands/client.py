"""CLIENT: how a connection describes and configures itself, and what it may do to other connections."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError, bad_subcommand_call
from pyredmem.commands.client_filters import Filters, listed
from pyredmem.commands.help import declare_help
from pyredmem.config.profiles import CLIENT_KILL_FILTERS, CLIENT_LIST_FILTERS
from pyredmem.engine.arguments import Arguments, deadline_ms, integer
from pyredmem.engine.client_names import rename, set_library
from pyredmem.engine.command import ADMIN, ALLOW_BUSY, KEEPS_CACHING, LOADING, NOSCRIPT, STALE, Group
from pyredmem.engine.context import Context
from pyredmem.engine.gates import GATE_NO_TOUCH

client: Final = Group("connection")
client.container("client", since="2.4.0", summary="A container for commands about client connections.")

_PLAIN: Final = NOSCRIPT | LOADING | STALE | KEEPS_CACHING
_ADMIN: Final = ADMIN | _PLAIN

NO_SUCH_CLIENT: Final = b"ERR No such client"


def _too_many(argv: list[bytes], most: int) -> None:
    """Refuse a call with more than ``most`` arguments, which an arity cannot say."""
    if len(argv) > most:
        raise bad_subcommand_call(argv[0], argv[1])


def _on_or_off(word: bytes) -> bool:
    choice = word.upper()
    if choice not in {b"ON", b"OFF"}:
        raise CommandError(SYNTAX_ERROR)
    return choice == b"ON"


# The connection itself.


@client.command(
    "client|id",
    arity=2,
    flags=_PLAIN,
    acl="connection",
    since="5.0.0",
    complexity="O(1)",
    summary="Returns the id of the connection; ids are never reused.",
)
def id_(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(context.session.id)


@client.command(
    "client|info",
    arity=2,
    flags=_PLAIN,
    acl="connection",
    since="6.2.0",
    complexity="O(1)",
    summary="Describes the connection, with the fields of CLIENT LIST.",
    tips=("nondeterministic_output",),
)
def info(context: Context, argv: list[bytes]) -> None:
    context.reply.verbatim(context.engine.clients.describe(context.session, argv) + b"\n")


@client.command(
    "client|getname",
    arity=2,
    flags=_PLAIN,
    acl="connection",
    since="2.6.9",
    complexity="O(1)",
    summary="Returns the name of the connection.",
)
def getname(context: Context, argv: list[bytes]) -> None:
    if context.session.name:
        context.reply.bulk(context.session.name)
    else:
        context.reply.null()


@client.command(
    "client|setname",
    arity=3,
    flags=_PLAIN,
    acl="connection",
    since="2.6.9",
    complexity="O(1)",
    summary="Sets the name of the connection.",
    syntax="connection-name",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def setname(context: Context, argv: list[bytes]) -> None:
    rename(context.session, argv[2])
    context.reply.ok()


@client.command(
    "client|setinfo",
    arity=4,
    flags=_PLAIN,
    acl="connection",
    since="7.2.0",
    complexity="O(1)",
    summary="Sets the name or version of the client library that the connection uses.",
    syntax="<LIB-NAME libname | LIB-VER libver>",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def setinfo(context: Context, argv: list[bytes]) -> None:
    set_library(context.session, argv[2], argv[3])
    context.reply.ok()


@client.command(
    "client|reply",
    arity=3,
    flags=_PLAIN,
    acl="connection",
    since="3.2.0",
    complexity="O(1)",
    summary="Turns replies off or on, or skips the reply to the next command.",
    syntax="<ON | OFF | SKIP>",
)
def reply_(context: Context, argv: list[bytes]) -> None:
    session = context.session
    choice = argv[2].upper()
    if choice == b"ON":
        session.set_replies(True)
        session.reply.ok()
    elif choice == b"OFF":
        session.set_replies(False)
    elif choice == b"SKIP":
        session.skip_next_reply()
    else:
        raise CommandError(SYNTAX_ERROR)


@client.command(
    "client|no-evict",
    arity=3,
    flags=_ADMIN,
    acl="connection",
    since="7.0.0",
    complexity="O(1)",
    summary="Sets whether the connection is protected when maxmemory-clients closes connections.",
    syntax="<ON | OFF>",
)
def no_evict(context: Context, argv: list[bytes]) -> None:
    context.session.no_evict = _on_or_off(argv[2])
    context.reply.ok()


@client.command(
    "client|no-touch",
    arity=3,
    flags=_PLAIN,
    acl="connection",
    since="7.2.0",
    complexity="O(1)",
    summary="Sets whether the commands of the connection leave the LRU and LFU data of keys unchanged.",
    syntax="<ON | OFF>",
)
def no_touch(context: Context, argv: list[bytes]) -> None:
    context.session.set_gate(GATE_NO_TOUCH, _on_or_off(argv[2]))
    context.reply.ok()


@client.command(
    "client|capa",
    arity=-3,
    flags=_PLAIN | ALLOW_BUSY,
    acl="connection",
    since="8.0.0",
    complexity="O(1)",
    summary="Tells what the client can do; unknown capabilities are ignored.",
    syntax="capability [capability ...]",
)
def capa(context: Context, argv: list[bytes]) -> None:
    """The one capability is to go to another server when it is told so, which never happens here."""
    if any(word.upper() == b"REDIRECT" for word in argv[2:]):
        context.session.claims.capabilities = b"r"
    context.reply.ok()


@client.command(
    "client|import-source",
    arity=3,
    flags=_PLAIN,
    acl="connection",
    since="8.1.0",
    complexity="O(1)",
    summary="Marks the connection as the source of an import, if `import-mode` is on.",
    syntax="<ON | OFF>",
)
def import_source(context: Context, argv: list[bytes]) -> None:
    """The mark has no other effect: expired keys stay expired."""
    if argv[2].upper() != b"OFF" and not context.engine.settings.flag("import-mode"):
        raise CommandError(b"ERR Server is not in import mode")
    context.session.claims.is_import_source = _on_or_off(argv[2])
    context.reply.ok()


# All connections.


@client.command(
    "client|list",
    arity=-2,
    flags=_ADMIN,
    acl="connection",
    since="2.4.0",
    complexity="O(N) with N connections",
    summary="Describes the open connections, one per line.",
    syntax=f"[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]{CLIENT_LIST_FILTERS.syntax}",
    history=(
        ("2.8.12", "Added the field `id`."),
        ("5.0.0", "Added the `TYPE` filter."),
        ("6.0.0", "Added the field `user`."),
        ("6.2.0", "Added the fields `argv-mem`, `tot-mem`, `laddr` and `redir`, and the `ID` filter."),
        ("7.0.0", "Added the fields `resp`, `multi-mem`, `rbs` and `rbp`."),
        ("7.0.3", "Added the field `ssub`."),
        ("7.2.0", "Added the fields `lib-name` and `lib-ver`."),
        ("7.4.0", "Added the field `watch`."),
        ("8.0.0", "Added the fields `io-thread`, `tot-net-in`, `tot-net-out` and `tot-cmds`."),
    ),
    tips=("nondeterministic_output",),
)
def list_(context: Context, argv: list[bytes]) -> None:
    clients = context.engine.clients
    chosen = listed(context, argv)
    lines = [clients.describe(one, argv if one is context.session else None) + b"\n" for one in chosen]
    context.reply.verbatim(b"".join(lines))


@client.command(
    "client|kill",
    arity=-3,
    flags=_ADMIN,
    acl="connection",
    since="2.4.0",
    complexity="O(N) with N connections",
    summary="Closes the connections that pass all filters.",
    syntax="<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | "
    "[ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage:integer]> [[ID client-id] | "
    "[TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | "
    f"[SKIPME <YES | NO>] | [MAXAGE maxage:integer]{CLIENT_KILL_FILTERS.syntax} ...]>",
    history=(
        ("2.8.12", "Added the form with filters."),
        ("2.8.12", "Added the `ID` filter."),
        ("3.2.0", "Added the type `master`."),
        ("5.0.0", "Added the type `replica`, a new name for `slave`."),
        ("6.2.0", "Added the `LADDR` filter."),
        ("7.4.0", "Added the `MAXAGE` filter."),
    ),
)
def kill(context: Context, argv: list[bytes]) -> None:
    by_address = len(argv) == 3
    wanted = Filters(context, not by_address)
    if by_address:
        wanted.require_address(argv[2])
    else:
        wanted.read(Arguments(argv, 2))
    caller = context.session
    found = wanted.chosen()
    if by_address and not found:
        raise CommandError(NO_SUCH_CLIENT)
    if by_address:
        context.reply.ok()
    else:
        context.reply.integer(len(found))
    context.engine.clients.cut(found, caller)


@client.command(
    "client|pause",
    arity=-3,
    flags=_ADMIN,
    acl="connection",
    since="3.0.0",
    complexity="O(1)",
    summary="Pauses all commands, or only those that write, for a number of milliseconds.",
    syntax="timeout [WRITE | ALL]",
    history=(("6.2.0", "Added the `WRITE` and `ALL` modes."),),
)
def pause(context: Context, argv: list[bytes]) -> None:
    _too_many(argv, 4)
    mode = argv[3].upper() if len(argv) == 4 else b"ALL"
    if mode not in {b"ALL", b"WRITE"}:
        raise CommandError(b"ERR CLIENT PAUSE mode must be WRITE or ALL")
    context.engine.pause.begin(deadline_ms(argv[2], context.keyspace.now_ms()), mode == b"ALL")
    context.reply.ok()


@client.command(
    "client|unpause",
    arity=2,
    flags=_ADMIN,
    acl="connection",
    since="6.2.0",
    complexity="O(N) with N paused connections",
    summary="Ends the pause that CLIENT PAUSE began.",
)
def unpause(context: Context, argv: list[bytes]) -> None:
    context.reply.ok()
    context.engine.pause.end()


@client.command(
    "client|unblock",
    arity=-3,
    flags=_ADMIN,
    acl="connection",
    since="5.0.0",
    complexity="O(log N) with N connections",
    summary="Unblocks a blocked connection, as if it had timed out or with an error.",
    syntax="client-id [TIMEOUT | ERROR]",
)
def unblock(context: Context, argv: list[bytes]) -> None:
    _too_many(argv, 4)
    reason = argv[3].upper() if len(argv) == 4 else b"TIMEOUT"
    if reason not in {b"TIMEOUT", b"ERROR"}:
        raise CommandError(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    target = context.engine.sessions.get(integer(argv[2]))
    done = target is not None and context.engine.blocking.release(target, reason == b"ERROR")
    context.reply.integer(1 if done else 0)


declare_help(client, "client", since="5.0.0", acl="connection", flags=KEEPS_CACHING)
