"""Starting a server as a process: configuration, directory, log, background, pid file, and then the server."""

import hashlib
import os
import sys
from typing import Final

from pyredmem import __version__
from pyredmem.assembly import REGISTRY
from pyredmem.base.build import COMPILED
from pyredmem.config.command_line import Invocation
from pyredmem.config.file import ConfigFileError, Directives, MissingFileError, load_file, read
from pyredmem.config.quoting import decode, encode
from pyredmem.config.settings import Settings
from pyredmem.engine.command import Registry
from pyredmem.engine.defrag import UNSUPPORTED
from pyredmem.engine.spec import RenameError
from pyredmem.memory.size_classes import create_profile
from pyredmem.server.app import Server
from pyredmem.server.logs import Log, complain
from pyredmem.server.process import ProcessError, ProcessSettings

FAILED: Final = 1

# Rules of a user who may do everything.
UNRESTRICTED: Final = frozenset(
    {"on", "sanitize-payload", "~*", "allkeys", "&*", "allchannels", "+@all", "allcommands"}
)


def build_name() -> str:
    """How the core runs."""
    return "compiled" if COMPILED else "interpreted"


def serve(invocation: Invocation) -> int:
    """Start a server as asked and run it to its end."""
    log = Log()
    settings = Settings()
    try:
        directives = configure(invocation, settings, log)
        registry = renamed_commands(directives)
        refuse_impossible(settings)
        config_path = os.path.abspath(invocation.path) if invocation.path else ""  # before the change of directory
        process = ProcessSettings(settings, log)
        process.apply()
    except MissingFileError as error:
        log.warning(str(error))
        return FAILED
    except ConfigFileError as error:
        complain(error.report(settings.text("redis-version")))
        return FAILED
    except ProcessError as error:
        complain(ConfigFileError(str(error)).report(settings.text("redis-version")))
        return FAILED
    process.detach()
    greet(invocation, settings, log)
    warn_of_ignored(directives, settings, log)
    process.write_pid_file()
    try:
        return Server(settings, log, config_path, registry=registry).run()
    finally:
        process.finish()


def configure(invocation: Invocation, settings: Settings, log: Log) -> Directives:
    """Read the file, standard input and the options into `settings`, in that order."""
    file_text = load_file(invocation.path) if invocation.path else ""
    stdin_text = ""
    if invocation.from_stdin:
        log.warning("Reading config from stdin")
        stdin_text = decode(sys.stdin.buffer.read())
    return read(invocation.configuration(file_text, stdin_text), settings, load_file)


def renamed_commands(directives: Directives) -> Registry:
    """The commands of the server, by the names that `rename-command` gives them; raises ConfigFileError."""
    if not directives.renamed_commands:
        return REGISTRY
    names = [(encode(old), encode(new)) for old, new in directives.renamed_commands]
    try:
        return REGISTRY.renamed(names)
    except RenameError as error:
        raise ConfigFileError(error.reason, *directives.renaming_lines[error.number]) from error


def refuse_impossible(settings: Settings) -> None:
    """Refuse settings that cannot go together; raises ConfigFileError."""
    if settings.flag("activedefrag") and not create_profile(settings.text("mem-allocator")).supports_defrag:
        raise ConfigFileError(UNSUPPORTED)


def is_default_user_as_it_is(words: list[str], password: str) -> bool:
    """Whether a `user` line, as CONFIG REWRITE writes it, only repeats what `requirepass` says."""
    secret = {"nopass"}
    if password:
        secret = {f">{password}", "#" + hashlib.sha256(encode(password)).hexdigest()}
    rules = set(words[1:]) - UNRESTRICTED
    return words[0] == "default" and "on" in words and len(rules) == 1 and rules <= secret


def warn_of_ignored(directives: Directives, settings: Settings, log: Log) -> None:
    """Say which lines of the configuration this server cannot follow, rather than pass over them in silence."""
    for words in directives.modules:
        log.warning(f"Ignored: loadmodule {words[0]}. Modules cannot be loaded.")
    for words in directives.users:
        if is_default_user_as_it_is(words, settings.text("requirepass")):
            continue
        log.warning(f"Ignored: user {words[0]}. There is only the default user, with the password of requirepass.")


def greet(invocation: Invocation, settings: Settings, log: Log) -> None:
    """The first lines of the log."""
    log.warning(
        f"pyredmem {__version__} ({build_name()}) is starting as Redis version={settings.text('redis-version')}, "
        f"bits=64, pid={os.getpid()}, just started"
    )
    if invocation.path or invocation.from_stdin or invocation.options:
        log.warning("Configuration loaded")
    else:
        log.warning("No configuration given, using the defaults. A file is given as the first argument.")
