"""CONFIG: reads and changes the settings of the running server, and writes them to its file."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.help import declare_help
from pyredmem.config.file import rewritten
from pyredmem.config.quoting import decode, encode
from pyredmem.config.settings import SettingError, Settings
from pyredmem.engine.clients import is_local
from pyredmem.engine.command import ADMIN, LOADING, NOSCRIPT, STALE, Group
from pyredmem.engine.context import Context

config: Final = Group("server")

_FLAGS: Final = ADMIN | NOSCRIPT | LOADING | STALE
_NO_FILE: Final = b"ERR The server is running without a config file"

config.container("config", since="2.0.0", summary="A container for commands about the settings of the server.")
declare_help(config, "config", since="5.0.0")


@config.command(
    "config|get",
    arity=-3,
    flags=_FLAGS,
    since="2.0.0",
    complexity="O(N) with N settings and M patterns: O(N*M)",
    summary="Returns the settings whose names match a glob pattern, with their values.",
    syntax="parameter [parameter ...]",
    history=(("7.0.0", "Accepts multiple patterns."),),
)
def config_get(context: Context, argv: list[bytes]) -> None:
    found = context.engine.settings.matching(argv[2:])
    context.reply.map(len(found))
    for name, value in found:
        context.reply.bulk(encode(name))
        context.reply.bulk(encode(value))


def _config_secrets(argv: list[bytes], settings: Settings) -> list[int]:
    """The places of the values of sensitive settings."""
    return [at + 1 for at in range(2, len(argv) - 1, 2) if settings.is_sensitive(decode(argv[at]))]


@config.command(
    "config|set",
    arity=-4,
    flags=_FLAGS,
    since="2.0.0",
    complexity="O(N) with N settings",
    summary="Changes settings: all of the named ones, or none if one of them is refused.",
    syntax="parameter value [parameter value ...]",
    history=(("7.0.0", "Accepts multiple settings."),),
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
    find_secrets=_config_secrets,
)
def config_set(context: Context, argv: list[bytes]) -> None:
    if len(argv) % 2 != 0:
        raise CommandError(SYNTAX_ERROR)
    pairs = [(decode(argv[at]), decode(argv[at + 1])) for at in range(2, len(argv), 2)]
    try:
        context.engine.settings.set_many(pairs, is_local(context.session))
    except SettingError as refused:
        raise CommandError(refused.message) from None
    context.reply.ok()


@config.command(
    "config|rewrite",
    arity=2,
    flags=_FLAGS,
    since="2.8.0",
    complexity="O(N) with N lines of the file",
    summary="Writes the current settings to the configuration file and keeps its comments and order.",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def config_rewrite(context: Context, argv: list[bytes]) -> None:
    host = context.engine.host
    if not host.config_path():
        raise CommandError(_NO_FILE)
    settings = context.engine.settings
    try:
        try:
            text = host.read_config()
        except FileNotFoundError:  # it was removed after the start: write a new one
            text = ""
        host.write_config(rewritten(text, settings, [decode(user.text()) for user in context.engine.access.users()]))
    except OSError as error:
        host.log("warning", f"CONFIG REWRITE failed: {error.strerror}")
        raise CommandError(b"ERR Rewriting config file: " + encode(error.strerror or str(error))) from None
    host.log("notice", "CONFIG REWRITE executed with success.")
    context.reply.ok()


@config.command(
    "config|resetstat",
    arity=2,
    flags=_FLAGS,
    since="2.0.0",
    complexity="O(N) with N commands",
    summary="Resets the counters that INFO shows.",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def config_resetstat(context: Context, argv: list[bytes]) -> None:
    engine = context.engine
    engine.stats.reset()
    engine.keyspace.reset_statistics()
    engine.sampler.reset_rates()
    engine.figures.reset()
    engine.statistics.reset()
    context.reply.ok()
