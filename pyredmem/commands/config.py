"""CONFIG: the settings while the server runs."""

from __future__ import annotations

import hashlib
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

config.container("config", since="2.0.0", summary="Reads and changes the settings of the server.")
declare_help(config, "config", since="5.0.0")


@config.command(
    "config|get",
    arity=-3,
    flags=_FLAGS,
    since="2.0.0",
    complexity="O(N) with N settings and M patterns: O(N*M)",
    summary="Returns the settings whose names match a glob pattern, with their values.",
    syntax="parameter [parameter ...]",
    history=(("7.0.0", "Several patterns may be given."),),
)
def config_get(context: Context, argv: list[bytes]) -> None:
    found = context.engine.settings.matching(argv[2:])
    context.reply.map(len(found))
    for name, value in found:
        context.reply.bulk(encode(name))
        context.reply.bulk(encode(value))


def _config_secrets(argv: list[bytes], settings: Settings) -> list[int]:
    """The values of sensitive settings."""
    return [at + 1 for at in range(2, len(argv) - 1, 2) if settings.is_sensitive(decode(argv[at]))]


@config.command(
    "config|set",
    arity=-4,
    flags=_FLAGS,
    since="2.0.0",
    complexity="O(N) with N settings",
    summary="Changes settings: all that are named, or none if one of them is refused.",
    syntax="parameter value [parameter value ...]",
    history=(("7.0.0", "Several settings may be given."),),
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
    summary="Writes the settings into the configuration file, whose comments and order stay.",
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
        except FileNotFoundError:  # it was removed since: a new one will do
            text = ""
        host.write_config(rewritten(text, settings, [_default_user(settings)]))
    except OSError as error:
        host.log("warning", f"CONFIG REWRITE failed: {error.strerror}")
        raise CommandError(b"ERR Rewriting config file: " + encode(error.strerror or str(error))) from None
    host.log("notice", "CONFIG REWRITE executed with success.")
    context.reply.ok()


def _default_user(settings: Settings) -> str:
    """The only user there is, as ACL LIST describes users."""
    password = settings.text("requirepass")
    hashed = "#" + hashlib.sha256(encode(password)).hexdigest()
    secret = f"sanitize-payload {hashed}" if password else "nopass sanitize-payload"  # flags come before passwords
    return f"default on {secret} ~* &* +@all"


@config.command(
    "config|resetstat",
    arity=2,
    flags=_FLAGS,
    since="2.0.0",
    complexity="O(N) with N commands",
    summary="Sets the counters that INFO shows to zero.",
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
