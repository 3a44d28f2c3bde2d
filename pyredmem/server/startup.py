"""The start of a server process: configuration, directory, log, background, pid file, and then the server itself."""

import os
import sys
from typing import Final

from pyredmem import __version__
from pyredmem.acl.catalogue import Catalogue
from pyredmem.assembly import registry_of
from pyredmem.base.build import COMPILED
from pyredmem.config.command_line import Invocation
from pyredmem.config.file import ConfigFileError, Directives, MissingFileError, load_file, read
from pyredmem.config.profiles import Profile
from pyredmem.config.quoting import decode, encode
from pyredmem.config.settings import Settings
from pyredmem.engine.acl_calls import acl_commands
from pyredmem.engine.acl_files import UserLineError, UsersError, check_user_line, set_up_users
from pyredmem.engine.command import Registry
from pyredmem.engine.defrag import UNSUPPORTED
from pyredmem.engine.spec import RenameError
from pyredmem.memory.size_classes import create_profile
from pyredmem.server.app import Server
from pyredmem.server.logs import Log, complain
from pyredmem.server.process import ProcessError, ProcessSettings

FAILED: Final = 1


def build_name() -> str:
    """The name of this build."""
    return "compiled" if COMPILED else "interpreted"


def serve(invocation: Invocation) -> int:
    """Start the server that a command line asks for, and run it to its end; returns the exit status."""
    log = Log()
    settings = Settings()
    try:
        directives = configure(invocation, settings, log)
        registry = renamed_commands(directives, settings)
        check_users(directives, registry, settings.profile())
        refuse_impossible(settings)
        config_path = os.path.abspath(invocation.path) if invocation.path else ""  # before the directory changes
        process = ProcessSettings(settings, log)
        process.apply()
    except MissingFileError as error:
        log.warning(str(error))
        return FAILED
    except ConfigFileError as error:
        complain(error.report(settings.profile().version))
        return FAILED
    except ProcessError as error:
        complain(ConfigFileError(str(error)).report(settings.profile().version))
        return FAILED
    process.detach()
    greet(invocation, settings, log)
    warn_of_ignored(directives, log)
    process.write_pid_file()
    try:
        server = Server(settings, log, config_path, registry=registry)
        set_up_users(server.engine.core, server.engine.access, directives.users)
        return server.run()
    except UsersError as error:
        log.warning(str(error))
        return FAILED
    finally:
        process.finish()


def configure(invocation: Invocation, settings: Settings, log: Log) -> Directives:
    """Read the file, standard input and the options, in this order, into `settings`."""
    file_text = load_file(invocation.path) if invocation.path else ""
    stdin_text = ""
    if invocation.from_stdin:
        log.warning("Reading config from stdin")
        stdin_text = decode(sys.stdin.buffer.read())
    return read(invocation.configuration(file_text, stdin_text), settings, load_file)


def renamed_commands(directives: Directives, settings: Settings) -> Registry:
    """The commands of the server, by the names that `rename-command` gives them; raises ConfigFileError."""
    registry = registry_of(settings.profile())
    if not directives.renamed_commands:
        return registry
    names = [(encode(old), encode(new)) for old, new in directives.renamed_commands]
    try:
        return registry.renamed(names)
    except RenameError as error:
        raise ConfigFileError(error.reason, *directives.renaming_lines[error.number]) from error


def check_users(directives: Directives, registry: Registry, profile: Profile) -> None:
    """Raise ConfigFileError if a line ``user`` has an error."""
    catalogue = Catalogue(lambda: acl_commands(registry.table, profile))
    names: set[str] = set()
    for number, words in enumerate(directives.users):
        try:
            check_user_line(words, names, catalogue)
        except UserLineError as error:
            raise ConfigFileError(str(error), *directives.user_lines[number]) from error


def refuse_impossible(settings: Settings) -> None:
    """Raise ConfigFileError if settings contradict each other."""
    if settings.flag("activedefrag") and not create_profile(settings.text("mem-allocator")).supports_defrag:
        raise ConfigFileError(UNSUPPORTED)


def warn_of_ignored(directives: Directives, log: Log) -> None:
    """Log a warning for each line of the configuration that this server has to ignore."""
    for words in directives.modules:
        log.warning(f"Ignored: loadmodule {words[0]}. Modules cannot be loaded.")


def greet(invocation: Invocation, settings: Settings, log: Log) -> None:
    """Write the first lines of the log."""
    profile = settings.profile()
    log.warning(
        f"pyredmem {__version__} ({build_name()}) is starting as {profile.title} version={profile.version}, "
        f"bits=64, pid={os.getpid()}, just started"
    )
    if invocation.path or invocation.from_stdin or invocation.options:
        log.warning("Configuration loaded")
    else:
        log.warning("No configuration given, using the defaults. Give the path of a file as the first argument.")
