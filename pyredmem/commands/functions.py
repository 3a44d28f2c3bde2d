"""FUNCTION, FCALL and FCALL_RO: libraries of functions."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import PAYLOAD_NOT_INTACT, CommandError, as_c_string, bad_subcommand_call
from pyredmem.base.glob import Glob
from pyredmem.commands.help import declare_help
from pyredmem.commands.scripting import READ_KEYS, WRITE_KEYS, count_keys
from pyredmem.engine.command import (
    ALLOW_BUSY,
    DENYOOM,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    RUNS_SCRIPT,
    SKIP_MONITOR,
    STALE,
    WRITE,
    Group,
)
from pyredmem.engine.context import Context
from pyredmem.objects.rdb_reader import PayloadError, RdbReader, is_intact
from pyredmem.objects.rdb_types import FUNCTION
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.scripting.functions import ENGINE, Function, Library
from pyredmem.scripting.scripting import scripting_of

functions: Final = Group("scripting")

_RUN: Final = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLE_KEYS | RUNS_SCRIPT
_EVERYWHERE: Final = ("request_policy:all_shards", "response_policy:all_succeeded")
_MODES: Final = (b"ASYNC", b"SYNC")


@functions.command(
    "fcall",
    arity=-3,
    flags=_RUN | MAY_REPLICATE,
    keys=WRITE_KEYS,
    acl="scripting",
    since="7.0.0",
    complexity="That of the function",
    summary="Calls a function.",
    syntax="function numkeys [key [key ...]] [arg [arg ...]]",
)
def fcall(context: Context, argv: list[bytes]) -> None:
    _call(context, argv, False)


@functions.command(
    "fcall_ro",
    arity=-3,
    flags=_RUN | READONLY,
    keys=READ_KEYS,
    acl="scripting",
    since="7.0.0",
    complexity="That of the function",
    summary="Calls a function that may not write.",
    syntax="function numkeys [key [key ...]] [arg [arg ...]]",
)
def fcall_ro(context: Context, argv: list[bytes]) -> None:
    _call(context, argv, True)


def _call(context: Context, argv: list[bytes], is_read_only: bool) -> None:
    context.engine.monitors.feed_script(context.session, context.db.index, argv)
    part = scripting_of(context.engine)
    function = part.libraries.find(argv[1])
    if function is None:
        raise CommandError(b"ERR Function not found")
    count = count_keys(argv, b"ERR Bad number of keys provided")
    part.run(context, function, argv[3 : 3 + count], argv[3 + count :], argv, is_read_only)


# FUNCTION.

functions.container("function", since="7.0.0", summary="A container for commands about libraries of functions.")
declare_help(functions, "function", since="7.0.0", acl="scripting")


@functions.command(
    "function|load",
    arity=-3,
    flags=NOSCRIPT | WRITE | DENYOOM,
    acl="scripting",
    since="7.0.0",
    complexity="O(1), not counting the compilation",
    summary="Loads a library of functions.",
    syntax="[REPLACE] function-code",
    tips=_EVERYWHERE,
)
def function_load(context: Context, argv: list[bytes]) -> None:
    replaces = False
    for word in argv[2:-1]:
        if word.upper() != b"REPLACE":
            raise CommandError(b"ERR Unknown option given: " + as_c_string(word))
        replaces = True
    name = scripting_of(context.engine).load_library(argv[-1], replaces)
    context.keyspace.changes.count(1)
    context.reply.bulk(name)


@functions.command(
    "function|delete",
    arity=3,
    flags=NOSCRIPT | WRITE,
    acl="scripting",
    since="7.0.0",
    complexity="O(1)",
    summary="Deletes a library and its functions.",
    syntax="library-name",
    tips=_EVERYWHERE,
)
def function_delete(context: Context, argv: list[bytes]) -> None:
    if not scripting_of(context.engine).delete_library(argv[2]):
        raise CommandError(b"ERR Library not found")
    context.keyspace.changes.count(1)
    context.reply.ok()


@functions.command(
    "function|flush",
    arity=-2,
    flags=NOSCRIPT | WRITE,
    acl="scripting",
    since="7.0.0",
    complexity="O(N) with N functions",
    summary="Deletes all libraries.",
    syntax="[ASYNC|SYNC]",
    tips=_EVERYWHERE,
)
def function_flush(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 3:
        raise bad_subcommand_call(argv[0], argv[1])
    if len(argv) == 3 and argv[2].upper() not in _MODES:
        raise CommandError(b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    scripting_of(context.engine).flush_libraries()
    context.keyspace.changes.count(1)
    context.reply.ok()


@functions.command(
    "function|kill",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    acl="scripting",
    since="7.0.0",
    complexity="O(1)",
    summary="Ends the running function, if it has not written yet.",
    tips=("request_policy:all_shards", "response_policy:one_succeeded"),
)
def function_kill(context: Context, argv: list[bytes]) -> None:
    context.engine.script_run.kill(True)
    context.reply.ok()


# Reports.


@functions.command(
    "function|list",
    arity=-2,
    flags=NOSCRIPT,
    acl="scripting",
    since="7.0.0",
    complexity="O(N) with N functions",
    summary="Returns what is known about the libraries.",
    syntax="[LIBRARYNAME library-name-pattern] [WITHCODE]",
    tips=("nondeterministic_output_order",),
)
def function_list(context: Context, argv: list[bytes]) -> None:
    pattern, with_code = _list_options(argv)
    libraries = list(scripting_of(context.engine).libraries.by_name.values())
    if pattern is not None:
        libraries = [library for library in libraries if pattern.matches(library.name)]
    context.reply.array(len(libraries))
    for library in libraries:
        _reply_library(context, library, with_code)


def _list_options(argv: list[bytes]) -> tuple[Glob | None, bool]:
    pattern: Glob | None = None
    with_code = False
    index = 2
    while index < len(argv):
        word = argv[index].upper()
        if not with_code and word == b"WITHCODE":
            with_code = True
        elif pattern is None and word == b"LIBRARYNAME":
            index += 1
            if index >= len(argv):
                raise CommandError(b"ERR library name argument was not given")
            pattern = Glob(argv[index], ignore_case=True)
        else:
            raise CommandError(b"ERR Unknown argument " + as_c_string(argv[index]))
        index += 1
    return pattern, with_code


def _reply_library(context: Context, library: Library, with_code: bool) -> None:
    reply = context.reply
    reply.map(4 if with_code else 3)
    reply.bulk(b"library_name")
    reply.bulk(library.name)
    reply.bulk(b"engine")
    reply.bulk(ENGINE)
    reply.bulk(b"functions")
    reply.array(len(library.functions))
    for function in library.functions:
        _reply_function(context, function)
    if with_code:
        reply.bulk(b"library_code")
        reply.bulk(library.code)


def _reply_function(context: Context, function: Function) -> None:
    reply = context.reply
    reply.map(3)
    reply.bulk(b"name")
    reply.bulk(function.name)
    reply.bulk(b"description")
    if function.description is None:
        reply.null()
    else:
        reply.bulk(function.description)
    reply.bulk(b"flags")
    reply.set(len(function.flag_names))
    for name in function.flag_names:
        reply.simple(name)


@functions.command(
    "function|stats",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    acl="scripting",
    since="7.0.0",
    complexity="O(1)",
    summary="Returns what is known about the running function, and figures about each engine.",
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
)
def function_stats(context: Context, argv: list[bytes]) -> None:
    run = context.engine.script_run
    if run.name and not run.is_function:
        raise CommandError(run.busy_error())
    reply = context.reply
    reply.map(2)
    reply.bulk(b"running_script")
    if run.name:
        reply.map(3)
        reply.bulk(b"name")
        reply.bulk(run.name)
        reply.bulk(b"command")
        reply.bulks(run.argv)
        reply.bulk(b"duration_ms")
        reply.integer((context.engine.clock.now_us() - run.start_us) // 1000)
    else:
        reply.null()
    libraries = scripting_of(context.engine).libraries
    reply.bulk(b"engines")
    reply.map(1)
    reply.bulk(ENGINE)
    reply.map(2)
    reply.bulk(b"libraries_count")
    reply.integer(len(libraries.by_name))
    reply.bulk(b"functions_count")
    reply.integer(libraries.function_count())


# Serialized libraries.


@functions.command(
    "function|dump",
    arity=2,
    flags=NOSCRIPT,
    acl="scripting",
    since="7.0.0",
    complexity="O(N) with N functions",
    summary="Returns all libraries, serialized for FUNCTION RESTORE.",
)
def function_dump(context: Context, argv: list[bytes]) -> None:
    writer = RdbWriter(context.engine.settings.flag("rdbcompression"))
    writer.raise_version(context.engine.profile.rdb_version)
    for library in scripting_of(context.engine).libraries.by_name.values():
        writer.kind(FUNCTION)
        writer.string(library.code)
    context.reply.bulk(writer.payload())


@functions.command(
    "function|restore",
    arity=-3,
    flags=NOSCRIPT | WRITE | DENYOOM,
    acl="scripting",
    since="7.0.0",
    complexity="O(N) with N functions in the payload",
    summary="Loads the libraries of a payload that FUNCTION DUMP has returned.",
    syntax="serialized-value [FLUSH|APPEND|REPLACE]",
    tips=_EVERYWHERE,
)
def function_restore(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 4:
        raise bad_subcommand_call(argv[0], argv[1])
    policy = argv[3].upper() if len(argv) == 4 else b"APPEND"
    if policy not in {b"FLUSH", b"APPEND", b"REPLACE"}:
        raise CommandError(b"ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    if not is_intact(argv[2], context.engine.switches.payloads_need_checksums):
        raise CommandError(PAYLOAD_NOT_INTACT)
    codes = _read_codes(argv[2])
    scripting_of(context.engine).restore_libraries(codes, policy == b"FLUSH", policy == b"REPLACE")
    context.keyspace.changes.count(1)
    context.reply.ok()


def _read_codes(payload: bytes) -> list[bytes]:
    """The codes of the libraries in a payload."""
    reader = RdbReader(payload)
    codes: list[bytes] = []
    while reader.left() > 0:
        if reader.byte() != FUNCTION:
            raise CommandError(b"ERR given type is not a function")
        try:
            codes.append(reader.string())
        except PayloadError:
            raise CommandError(b"ERR Failed loading library payload") from None
    return codes
