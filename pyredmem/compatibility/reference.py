"""The document ``docs/compatibility.md``, which is written from the specs of the commands and the settings.

``python -m pyredmem.compatibility`` writes it in the current directory, and a test checks that it is up to date. Only
the differences below are kept by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyredmem.assembly import REGISTRY
from pyredmem.base.redis_commands import redis_commands
from pyredmem.compatibility.profiles import profiles_section
from pyredmem.config.file import save_file
from pyredmem.config.parameters import SECTIONS
from pyredmem.config.profiles import DEFAULT
from pyredmem.engine.command import Command

PATH: Final = "docs/compatibility.md"

_OWN_WORDS: Final = "the text has other words"
_NO_REPLICAS: Final = "there is no replication"
_NO_MODULES: Final = "modules cannot be loaded"
_NO_VECTOR_SETS: Final = "vector sets are missing"

#: How commands that this server has differ from those of Redis 8.2.
DIFFERENCES: Final = {
    "command|docs": "summaries and complexities have other words, and groups of arguments other names; single "
    "arguments have no versions",
    "client|list": "`tot-cmds` counts the commands of a batch at its end",
    "debug": "has what looks inside the server or prepares a test, not what crashes or restarts it",
    "latency|doctor": _OWN_WORDS,
    "lolwut": "draws other pictures",
    "memory|doctor": _OWN_WORDS,
    "memory|usage": "`VERSION version` asks what the key would take in another version",
    "memory|malloc-stats": "describes the model of the allocator",
    "pfadd": "adds none of the elements if the value proves to be corrupt; Redis adds those before it notices",
    "psync": f"refused: {_NO_REPLICAS}",
    "replconf": f"refused: {_NO_REPLICAS}",
    "replicaof": f"`NO ONE` is accepted, anything else is refused: {_NO_REPLICAS}",
    "role": "always a master without replicas",
    "script|debug": "there is no debugger: only `NO` is accepted",
    "slaveof": "as `REPLICAOF`",
    "sync": f"refused: {_NO_REPLICAS}",
    "wait": f"no replica ever acknowledges: {_NO_REPLICAS}",
    "waitaof": f"no replica ever acknowledges: {_NO_REPLICAS}",
}

#: Why commands are missing, by their names or those of their containers or groups.
_ABSENT: Final = {
    "module": _NO_MODULES,
    "vector-set": _NO_VECTOR_SETS,
}

_STREAM_REPLACED: Final = "the test replaces `asyncio.open_connection`, which nobody calls inside the process"
_REAL_SOCKET: Final = "a proxy of the test connects to the server by a real socket, which `Server.listen` would give"
_FORKED: Final = "a forked process gets an error from the servers of its parent, which says so"

#: The tests of redis-py that pass over TCP but not over connections inside the process, and why.
REDIS_PY_TESTS_IN_PROCESS: Final = {
    "tests/test_asyncio/test_connection.py::test_connection_disconect_race": _STREAM_REPLACED,
    "tests/test_asyncio/test_cwe_404.py::test_standalone": _REAL_SOCKET,
    "tests/test_asyncio/test_cwe_404.py::test_standalone_pipeline": _REAL_SOCKET,
    **{
        f"tests/test_multiprocessing.py::TestMultiprocessing::{name}": _FORKED
        for name in (
            "test_close_connection_in_child",
            "test_close_pool_in_main",
            "test_pool",
            "test_redis_client",
            "test_release_parent_connection_from_pool_in_child_process",
        )
    },
}

_HEAD: Final = """\
# Compatibility with Redis 8.2

<!-- Written by `python -m pyredmem.compatibility`. -->

Every command that is marked **yes** below replies as Redis 8.2 does: its errors and their texts, its types under RESP2
and RESP3, and its effects on keys, expiry and memory are the same. Where something differs on purpose, the table says
what. That is so with `redis-8.2`, the default; [another profile](#profiles) has the commands and replies of its own
version.

The texts of the `HELP` subcommands are made from the specs of the commands: they have Redis's form but other words.

"""

_SCRIPTS: Final = """\
## Scripts

Scripts run in Lua 5.1 with Redis's sandbox, libraries and error texts. Three things differ:

* `pairs` visits the keys of a table in Redis's order unless some are strings of 32 bytes or more, or tables and
  functions: then the order depends on addresses, in Redis too.
* The Lua state for scripts, and that for functions, may take 512 MB each. Then a script fails with `not enough memory`.
* Long chains of coroutines, and patterns with very many repetitions, end with an error somewhat earlier.

"""

_REDIS_PY_HEAD: Final = """\
## redis-py's own tests

Of the tests in redis-py's source distribution that pass on a standalone Redis, and need no module, cluster, Sentinel or
TLS, all pass here, sync and asyncio, under RESP2 and RESP3: with each profile those that the server of its version
passes. redis-py's client-side cache wants Redis 7.4 or later. So it works with `redis-8.2`, the default, and with
`redis-7.4`, `redis-8.4` and `mixed`; it refuses `redis-7.2` and `valkey-9.1`, as it refuses those servers. Inside
the process, with `pyredmem.patch`, the same tests pass as over TCP, with hiredis and with redis-py's own parsers, but
these:

| Test | Why |
|---|---|
"""

_SETTINGS_HEAD: Final = """\
## Settings without effect

Every setting of a `redis.conf` of Redis 7.2 or 8.2, or of Valkey 9.1, is accepted in a file, whatever the profile is.
Values, bounds and errors are those of Redis. `CONFIG GET`, `CONFIG SET` and `CONFIG REWRITE` know the settings of the
profile's version. The settings below have no effect; all others are in [configuration.md](configuration.md).

| Setting | Why |
|---|---|
"""


def document() -> str:
    table = REGISTRY.table
    served = {command.name: command for command in table.all()}
    known = redis_commands(DEFAULT.until)
    names = [name for group in known.values() for name in group]
    count = len([name for name in names if name in served])
    parts = [_HEAD, f"This server has {count} of the {len(names)} commands and subcommands of Redis 8.2.\n\n"]
    parts += [_group(title, group, served) for title, group in known.items()]
    parts.append(_extensions([command for command in table.all() if command.name not in names]))
    parts += [profiles_section(), _SCRIPTS, _redis_py_tests(), _settings()]
    return "".join(parts)


def _group(title: str, names: list[str], served: dict[str, Command]) -> str:
    rows = [_row(name, title, served) for name in names]
    return (
        f"## {title.replace('-', ' ').capitalize()}\n\n| Command | Here | Remarks |\n|---|---|---|\n{''.join(rows)}\n"
    )


def _row(name: str, group: str, served: dict[str, Command]) -> str:
    if name not in served:
        reasons = [_ABSENT[word] for word in (name, name.partition("|")[0], group) if word in _ABSENT]
        return f"| `{_shown(name)}` | no | {reasons[0]} |\n"
    difference = DIFFERENCES.get(name, "")
    return f"| `{_shown(name)}` | {'differs' if difference else 'yes'} | {difference} |\n"


def _shown(name: str) -> str:
    return name.replace("|", " ").upper()


def _extensions(commands: list[Command]) -> str:
    if not commands:
        return ""
    rows = [f"| `{_shown(command.name)}` | {command.spec.summary} |\n" for command in commands]
    return f"## Beyond Redis 8.2\n\n| Command | What it does |\n|---|---|\n{''.join(rows)}\n"


def _redis_py_tests() -> str:
    rows = [f"| `{name}` | {reason} |\n" for name, reason in REDIS_PY_TESTS_IN_PROCESS.items()]
    return f"{_REDIS_PY_HEAD}{''.join(rows)}\n"


def _settings() -> str:
    rows = [
        f"| `{parameter.name}` | {parameter.no_effect} |\n"
        for section in SECTIONS
        for parameter in section.parameters
        if not parameter.effect
    ]
    return _SETTINGS_HEAD + "".join(rows)


def main() -> None:
    Path(PATH).parent.mkdir(parents=True, exist_ok=True)
    save_file(PATH, document())
