"""ACL: the users, their rules, and the log of what was denied."""

from __future__ import annotations

from typing import Final

from pyredmem.acl.catalogue import CATEGORIES, category_named
from pyredmem.acl.file import AclFileError
from pyredmem.acl.log import AclLogEntry
from pyredmem.acl.rules import RuleError, UnmatchedParenthesisError, has_spaces, merged_selectors
from pyredmem.acl.selector import Selector
from pyredmem.acl.user import User
from pyredmem.base import errors
from pyredmem.base.errors import CommandError, bad_subcommand_call
from pyredmem.commands.help import declare_help
from pyredmem.config.settings import Settings
from pyredmem.engine.access_control import DEFAULT_USER
from pyredmem.engine.acl_files import load_file, save_file
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ADMIN, LOADING, NOSCRIPT, STALE, Group
from pyredmem.engine.context import Context
from pyredmem.protocol.reply import ReplySink

acl: Final = Group("server")

_PLAIN: Final = NOSCRIPT | LOADING | STALE
_ADMIN: Final = ADMIN | _PLAIN
_TO_ALL: Final = ("request_policy:all_nodes", "response_policy:all_succeeded")
_PER_USER: Final = "O(N) with N users"

_NO_FILE: Final = (
    b"ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
    b"command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
    b"users in the Redis configuration."
)
_NOT_SAVED: Final = b"ERR There was an error trying to save the ACLs. Please check the server logs for more information"
_BAD_BITS: Final = (
    b"ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
)
_DEFAULT_BITS: Final = 256
_MOST_BITS: Final = 4096
_SHOWN_ENTRIES: Final = 10

acl.container("acl", since="6.0.0", summary="A container for commands about users and what they may do.")
declare_help(acl, "acl", since="6.0.0")


def _secret_names(argv: list[bytes], settings: Settings) -> list[int]:
    return list(range(2, len(argv)))


def _too_many(argv: list[bytes]) -> None:
    if len(argv) > 3:
        raise bad_subcommand_call(argv[0], argv[1])


# Users.


@acl.command(
    "acl|setuser",
    arity=-3,
    flags=_ADMIN,
    since="6.0.0",
    complexity="O(N) with N rules",
    summary="Creates or changes a user: applies all the rules, or none if one of them is refused.",
    syntax="username [rule [rule ...]]",
    history=(
        ("6.2.0", "Added the rules about channels."),
        ("7.0.0", "Added selectors, and rules about what commands may do with keys."),
    ),
    tips=_TO_ALL,
    find_secrets=_secret_names,
)
def setuser(context: Context, argv: list[bytes]) -> None:
    name = argv[2]
    if has_spaces(name):
        raise CommandError(b"ERR Usernames can't contain spaces or null characters")
    try:
        rules = merged_selectors(argv[3:])
    except UnmatchedParenthesisError as unmatched:
        start = errors.as_c_string(argv[3 + unmatched.place])
        raise CommandError(b"ERR Unmatched parenthesis in acl selector starting at '" + start + b"'.") from None
    access = context.engine.access
    user = access.user(name)
    draft = access.new_user(name)
    if user is not None:
        draft.take(user)
    for rule in rules:
        try:
            draft.apply(rule)
        except RuleError as refused:
            shown = errors.as_c_string(rule)
            raise CommandError(b"ERR Error in ACL SETUSER modifier '" + shown + b"': " + refused.reason) from None
    context.reply.ok()
    context.engine.clients.cut(access.set_user(draft), context.session)


@acl.command(
    "acl|deluser",
    arity=-3,
    flags=_ADMIN,
    since="6.0.0",
    complexity="O(N) with N connections, for each user",
    summary="Deletes users, and closes their connections.",
    syntax="username [username ...]",
    tips=_TO_ALL,
    find_secrets=_secret_names,
)
def deluser(context: Context, argv: list[bytes]) -> None:
    engine = context.engine
    if DEFAULT_USER in argv[2:]:
        raise CommandError(b"ERR The 'default' user cannot be removed")
    deleted = 0
    for name in argv[2:]:
        clients = engine.access.delete_user(name)
        if clients is not None:
            deleted += 1
            engine.clients.cut(clients, context.session)
    context.reply.integer(deleted)


@acl.command(
    "acl|getuser",
    arity=3,
    flags=_ADMIN,
    since="6.0.0",
    complexity="O(N) with N rules of the user",
    summary="Returns the flags, passwords and rules of a user.",
    syntax="username",
    history=(
        ("6.2.0", "Added the rules about channels."),
        ("7.0.0", "Added selectors; the patterns of keys and channels are shown as rules instead of lists."),
    ),
    find_secrets=_secret_names,
)
def getuser(context: Context, argv: list[bytes]) -> None:
    user = context.engine.access.user(argv[2])
    if user is None:
        context.reply.null()
    else:
        _describe(context.reply, user)


def _describe(reply: ReplySink, user: User) -> None:
    reply.map(6)
    reply.bulk(b"flags")
    flags = user.flags()
    reply.set(len(flags))
    for flag in flags:
        reply.bulk(flag)
    reply.bulk(b"passwords")
    reply.bulks(user.passwords)
    _describe_selector(reply, user.selectors[0])
    reply.bulk(b"selectors")
    reply.array(len(user.selectors) - 1)
    for selector in user.selectors[1:]:
        reply.map(3)
        _describe_selector(reply, selector)


def _describe_selector(reply: ReplySink, selector: Selector) -> None:
    """Reply with three pairs of a map."""
    reply.bulk(b"commands")
    reply.bulk(selector.commands_text())
    reply.bulk(b"keys")
    reply.bulk(selector.keys_text())
    reply.bulk(b"channels")
    reply.bulk(selector.channels_text())


@acl.command(
    "acl|list",
    arity=2,
    flags=_ADMIN,
    since="6.0.0",
    complexity=_PER_USER,
    summary="Returns all users with their rules, each as a line of an ACL file.",
)
def list_(context: Context, argv: list[bytes]) -> None:
    context.reply.bulks([b"user " + user.text() for user in context.engine.access.users()])


@acl.command(
    "acl|users",
    arity=2,
    flags=_ADMIN,
    since="6.0.0",
    complexity=_PER_USER,
    summary="Returns the names of all users.",
)
def users(context: Context, argv: list[bytes]) -> None:
    context.reply.bulks([user.name for user in context.engine.access.users()])


@acl.command(
    "acl|whoami",
    arity=2,
    flags=_PLAIN,
    since="6.0.0",
    complexity="O(1)",
    summary="Returns the name of the user of the connection.",
)
def whoami(context: Context, argv: list[bytes]) -> None:
    user = context.session.user
    if user is None:
        context.reply.null()
    else:
        context.reply.bulk(user.name)


# The file.


@acl.command(
    "acl|load",
    arity=2,
    flags=_ADMIN,
    since="6.0.0",
    complexity=_PER_USER,
    summary="Replaces all users by those of the ACL file, unless that has an error.",
)
def load(context: Context, argv: list[bytes]) -> None:
    engine = context.engine
    if not engine.settings.text("aclfile"):
        raise CommandError(_NO_FILE)
    try:
        cut = load_file(engine.core, engine.access)
    except AclFileError as error:
        raise CommandError(b"ERR " + error.report) from None
    context.reply.ok()
    engine.clients.cut(cut, context.session)


@acl.command(
    "acl|save",
    arity=2,
    flags=_ADMIN,
    since="6.0.0",
    complexity=_PER_USER,
    summary="Writes all users to the ACL file.",
    tips=_TO_ALL,
)
def save(context: Context, argv: list[bytes]) -> None:
    engine = context.engine
    if not engine.settings.text("aclfile"):
        raise CommandError(_NO_FILE)
    if not save_file(engine.core, engine.access):
        raise CommandError(_NOT_SAVED)
    context.reply.ok()


# The log.


@acl.command(
    "acl|log",
    arity=-2,
    flags=_ADMIN,
    since="6.0.0",
    complexity="O(N) with N returned entries",
    summary="Returns the newest entries of the log of what was denied, or empties the log.",
    syntax="[count | RESET]",
    history=(("7.2.0", "Added the id of an entry, and when it was created and last updated."),),
)
def log(context: Context, argv: list[bytes]) -> None:
    _too_many(argv)
    if len(argv) == 3 and argv[2].lower() == b"reset":
        context.engine.access.log.clear()
        context.reply.ok()
        return
    count = max(integer(argv[2]), 0) if len(argv) == 3 else _SHOWN_ENTRIES
    entries = context.engine.access.log.entries[:count]
    context.reply.array(len(entries))
    for entry in entries:
        _show_entry(context.reply, entry, context.keyspace.now_ms())


def _show_entry(reply: ReplySink, entry: AclLogEntry, now_ms: int) -> None:
    reply.map(10)
    reply.bulk(b"count")
    reply.integer(entry.count)
    texts = ((b"reason", entry.reason), (b"context", entry.context), (b"object", entry.what), (b"username", entry.user))
    for name, text in texts:
        reply.bulk(name)
        reply.bulk(text)
    reply.bulk(b"age-seconds")
    reply.double((now_ms - entry.updated_ms) / 1000)
    reply.bulk(b"client-info")
    reply.bulk(entry.client_info)
    numbers = (
        (b"entry-id", entry.entry_id),
        (b"timestamp-created", entry.created_ms),
        (b"timestamp-last-updated", entry.updated_ms),
    )
    for name, number in numbers:
        reply.bulk(name)
        reply.integer(number)


# Helps for writing rules.


@acl.command(
    "acl|cat",
    arity=-2,
    flags=_PLAIN,
    since="6.0.0",
    complexity="O(N) with N commands",
    summary="Returns the names of the categories, or of the commands in one of them.",
    syntax="[category]",
)
def cat(context: Context, argv: list[bytes]) -> None:
    _too_many(argv)
    if len(argv) == 2:
        context.reply.bulks([name.encode() for name in CATEGORIES])
        return
    category = category_named(argv[2])
    if category is None:
        raise CommandError(b"ERR Unknown category '" + errors.as_c_string(argv[2]) + b"'")
    found = [command for command in context.engine.commands.all() if category in command.spec.acl]
    context.reply.bulks([command.full_name for command in found])


@acl.command(
    "acl|genpass",
    arity=-2,
    flags=_PLAIN,
    since="6.0.0",
    complexity="O(1)",
    summary="Returns a random password in hexadecimal digits.",
    syntax="[bits]",
)
def genpass(context: Context, argv: list[bytes]) -> None:
    _too_many(argv)
    bits = integer(argv[2]) if len(argv) == 3 else _DEFAULT_BITS
    if not 1 <= bits <= _MOST_BITS:
        raise CommandError(_BAD_BITS)
    digits = (bits + 3) // 4
    context.reply.bulk(_random_bytes(context, (digits + 1) // 2).hex()[:digits].encode())


def _random_bytes(context: Context, count: int) -> bytes:
    """Bytes that nobody can guess; without a process around the engine, they come from its seeded generator."""
    secret = context.engine.host.random_bytes(count)
    return secret or bytes([int(context.engine.rng.below(256)) for _ in range(count)])


@acl.command(
    "acl|dryrun",
    arity=-4,
    flags=_ADMIN,
    since="7.0.0",
    complexity="O(1)",
    summary="Returns whether a user may make a call, without making it.",
    syntax="username command [arg [arg ...]]",
)
def dryrun(context: Context, argv: list[bytes]) -> None:
    engine = context.engine
    user = engine.access.user(argv[2])
    if user is None:
        raise CommandError(b"ERR User '" + errors.as_c_string(argv[2]) + b"' not found")
    call = argv[3:]
    command = engine.commands.lookup(call)
    if command is None or (command.is_container and len(call) > 1):
        raise CommandError(b"ERR Command '" + errors.as_c_string(call[0]) + b"' not found")
    if not command.spec.accepts(len(call)):
        raise errors.wrong_arity(command.full_name)
    denial = engine.access.denial(user, command, call)
    if denial is None:
        context.reply.ok()
    else:
        context.reply.bulk(denial.full_message(user.name, command.full_name, call))
