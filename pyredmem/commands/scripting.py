"""Commands of the group *scripting*: EVAL and its kin, and SCRIPT."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import NOT_AN_INTEGER, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands.help import declare_help
from pyredmem.engine.command import (
    ACCESS,
    ALLOW_BUSY,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    RUNS_SCRIPT,
    SKIP_MONITOR,
    STALE,
    UPDATE,
    Group,
    KeySpec,
)
from pyredmem.engine.context import Context
from pyredmem.scripting.scripting import scripting_of

scripting: Final = Group("scripting")

_RUN: Final = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLE_KEYS | RUNS_SCRIPT
_SHA_LENGTH: Final = 40
_NO_SCRIPT: Final = b"NOSCRIPT No matching script."
_ADVICE: Final = b" Please use EVAL."


def script_keys(*flags: str, notes: str = "") -> tuple[KeySpec, ...]:
    """The keys of a script or function, whose number is the second argument."""
    return (KeySpec(flags=flags, index=2, count_at=0, notes=notes),)


WRITE_KEYS: Final = script_keys(
    READ_WRITE, ACCESS, UPDATE, notes="We cannot tell how the keys will be used so we assume the worst, RW and UPDATE"
)
READ_KEYS: Final = script_keys(
    READ_ONLY, ACCESS, notes="We cannot tell how the keys will be used so we assume the worst, RO and ACCESS"
)


def count_keys(argv: list[bytes], bad_number: bytes) -> int:
    """How many of the arguments from the third on are keys."""
    count = parse_integer(argv[2])
    if count is None:
        raise CommandError(bad_number)
    if count > len(argv) - 3:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError(b"ERR Number of keys can't be negative")
    return count


@scripting.command(
    "eval",
    arity=-3,
    flags=_RUN | MAY_REPLICATE,
    keys=WRITE_KEYS,
    acl="scripting",
    since="2.6.0",
    complexity="That of the script",
    summary="Runs a Lua script.",
    syntax="script numkeys [key [key ...]] [arg [arg ...]]",
)
def eval_(context: Context, argv: list[bytes]) -> None:
    _eval(context, argv, False)


@scripting.command(
    "eval_ro",
    arity=-3,
    flags=_RUN | READONLY,
    keys=READ_KEYS,
    acl="scripting",
    since="7.0.0",
    complexity="That of the script",
    summary="Runs a Lua script that may not write.",
    syntax="script numkeys [key [key ...]] [arg [arg ...]]",
)
def eval_ro(context: Context, argv: list[bytes]) -> None:
    _eval(context, argv, True)


@scripting.command(
    "evalsha",
    arity=-3,
    flags=_RUN | MAY_REPLICATE,
    keys=script_keys(READ_WRITE, ACCESS, UPDATE),
    acl="scripting",
    since="2.6.0",
    complexity="That of the script",
    summary="Runs a cached Lua script, named by the SHA1 of its text.",
    syntax="sha1 numkeys [key [key ...]] [arg [arg ...]]",
)
def evalsha(context: Context, argv: list[bytes]) -> None:
    _evalsha(context, argv, False)


@scripting.command(
    "script|show",
    arity=3,
    flags=NOSCRIPT | STALE,
    acl="scripting",
    since="8.0.0",
    complexity="O(1)",
    summary="Returns the text of a cached script, named by its SHA1.",
    syntax="sha1",
)
def script_show(context: Context, argv: list[bytes]) -> None:
    script = scripting_of(context.engine).cache.find(argv[2].lower())
    if script is None:
        raise CommandError(_NO_SCRIPT)
    context.reply.bulk(script.text)


@scripting.command(
    "evalsha_ro",
    arity=-3,
    flags=_RUN | READONLY,
    keys=script_keys(READ_ONLY, ACCESS),
    acl="scripting",
    since="7.0.0",
    complexity="That of the script",
    summary="Runs a cached Lua script that may not write, named by the SHA1 of its text.",
    syntax="sha1 numkeys [key [key ...]] [arg [arg ...]]",
)
def evalsha_ro(context: Context, argv: list[bytes]) -> None:
    _evalsha(context, argv, True)


def _eval(context: Context, argv: list[bytes], is_read_only: bool) -> None:
    context.engine.monitors.feed_script(context.session, context.db.index, argv)
    count = count_keys(argv, NOT_AN_INTEGER)
    part = scripting_of(context.engine)
    script = part.load(argv[1], is_evaluated=True)
    part.run(context, script, argv[3 : 3 + count], argv[3 + count :], argv, is_read_only)


def _no_script(context: Context) -> CommandError:
    return CommandError(_NO_SCRIPT + _ADVICE if context.engine.profile.advises_eval else _NO_SCRIPT)


def _evalsha(context: Context, argv: list[bytes], is_read_only: bool) -> None:
    context.engine.monitors.feed_script(context.session, context.db.index, argv)
    if len(argv[1]) != _SHA_LENGTH:
        raise _no_script(context)
    count = count_keys(argv, NOT_AN_INTEGER)
    part = scripting_of(context.engine)
    script = part.cache.find(argv[1].lower())
    if script is None:
        raise _no_script(context)
    part.cache.use(script)
    part.run(context, script, argv[3 : 3 + count], argv[3 + count :], argv, is_read_only)


# SCRIPT.

scripting.container("script", since="2.6.0", summary="A container for commands about the cache of scripts.")
declare_help(scripting, "script", since="5.0.0", acl="scripting")


@scripting.command(
    "script|load",
    arity=3,
    flags=NOSCRIPT | STALE,
    acl="scripting",
    since="2.6.0",
    complexity="O(N) with N bytes of text",
    summary="Adds a script to the cache without running it; returns its SHA1.",
    syntax="script",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def script_load(context: Context, argv: list[bytes]) -> None:
    context.reply.bulk(scripting_of(context.engine).load(argv[2]).name)


@scripting.command(
    "script|exists",
    arity=-3,
    flags=NOSCRIPT,
    acl="scripting",
    since="2.6.0",
    complexity="O(N) with N scripts to look for",
    summary="Returns whether scripts are cached.",
    syntax="sha1 [sha1 ...]",
    tips=("request_policy:all_shards", "response_policy:agg_logical_and"),
)
def script_exists(context: Context, argv: list[bytes]) -> None:
    cache = scripting_of(context.engine).cache
    context.reply.array(len(argv) - 2)
    for sha in argv[2:]:
        context.reply.integer(int(cache.find(sha.lower()) is not None))


@scripting.command(
    "script|flush",
    arity=-2,
    flags=NOSCRIPT,
    acl="scripting",
    since="2.6.0",
    complexity="O(N) with N cached scripts",
    summary="Removes all scripts from the cache.",
    syntax="[ASYNC|SYNC]",
    history=(("6.2.0", "Added the ASYNC and SYNC flushing mode modifiers."),),
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def script_flush(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 3 or (len(argv) == 3 and argv[2].upper() not in {b"ASYNC", b"SYNC"}):
        raise CommandError(b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    scripting_of(context.engine).flush()
    context.reply.ok()


@scripting.command(
    "script|kill",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    acl="scripting",
    since="2.6.0",
    complexity="O(1)",
    summary="Ends the running script, if it has not written yet.",
    tips=("request_policy:all_shards", "response_policy:one_succeeded"),
)
def script_kill(context: Context, argv: list[bytes]) -> None:
    context.engine.script_run.kill(False)
    context.reply.ok()


@scripting.command(
    "script|debug",
    arity=3,
    flags=NOSCRIPT,
    acl="scripting",
    since="3.2.0",
    complexity="O(1)",
    summary="Sets how scripts are debugged. There is no debugger here: only NO is accepted.",
    syntax="<YES|SYNC|NO>",
)
def script_debug(context: Context, argv: list[bytes]) -> None:
    mode = argv[2].upper()
    if mode in {b"YES", b"SYNC"}:
        raise CommandError(b"ERR The Lua debugger is not supported")
    if mode != b"NO":
        raise CommandError(b"ERR Use SCRIPT DEBUG YES/SYNC/NO")
    context.reply.ok()
