"""The document that is written from the specs: ``docs/compatibility.md``.

``python -m pyredmem.compatibility`` writes it into the current directory; a test holds it to the commands, to the
list of Redis 7.2's and to the settings. Kept by hand are only the differences, below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyredmem.assembly import REGISTRY
from pyredmem.compatibility.redis_commands import redis_commands
from pyredmem.config.file import save_file
from pyredmem.config.parameters import SECTIONS
from pyredmem.engine.command import Command

PATH: Final = "docs/compatibility.md"

_OWN_WORDS: Final = "the text is in words of its own"
_NO_FILES: Final = "refused: nothing is written to disk"
_NO_REPLICAS: Final = "there is no replication"
_NO_MODULES: Final = "modules cannot be loaded"
_NO_CLUSTER: Final = "there is no cluster mode"

#: How commands that are there differ from Redis 7.2's.
DIFFERENCES: Final = {
    "bgrewriteaof": _NO_FILES,
    "bgsave": _NO_FILES,
    "command|docs": "summaries and complexities are in words of their own; groups of arguments have other names; no "
    "versions of single arguments",
    "debug": "what looks inside the server or prepares a test; not what crashes, reloads or leaks",
    "latency|doctor": _OWN_WORDS,
    "lolwut": "draws other pictures",
    "memory|doctor": _OWN_WORDS,
    "memory|malloc-stats": "describes the model of the allocator",
    "replicaof": f"`NO ONE` is accepted, the rest refused: {_NO_REPLICAS}",
    "role": "always a master without replicas",
    "save": _NO_FILES,
    "shutdown": "`SAVE` is refused while there is nowhere to save to",
    "slaveof": "as `REPLICAOF`",
    "wait": f"no replica ever answers: {_NO_REPLICAS}",
    "waitaof": f"nothing ever answers: {_NO_REPLICAS}, and there is no append-only file",
}

#: Why commands are missing for good, by name or container.
_ABSENT: Final = {
    "asking": _NO_CLUSTER,
    "cluster": _NO_CLUSTER,
    "failover": _NO_REPLICAS,
    "module": _NO_MODULES,
    "psync": _NO_REPLICAS,
    "readonly": _NO_CLUSTER,
    "readwrite": _NO_CLUSTER,
    "replconf": _NO_REPLICAS,
    "sync": _NO_REPLICAS,
}

_HEAD: Final = """\
# Compatibility with Redis 7.2

<!-- Written by `python -m pyredmem.compatibility`. -->

Replies, errors and their texts, types under RESP2 and RESP3, effects on keys, expiry and memory are those of Redis
7.2, for every command below that says **yes**. Where something differs on purpose, the table says what.

The texts of `HELP` subcommands are made from the specs of the commands: they have the form of Redis's and other words.

"""

_SETTINGS_HEAD: Final = """\
## Settings without effect

Every setting of a Redis 7.2 `redis.conf` is accepted with its values, bounds and errors, and `CONFIG GET`, `CONFIG
SET` and `CONFIG REWRITE` know it. These change nothing here; all others are in [configuration.md](configuration.md).

| Setting | Why |
|---|---|
"""


def document() -> str:
    """The text of the document."""
    table = REGISTRY.table
    served = {command.name: command for command in table.all()}
    known = redis_commands()
    names = [name for group in known.values() for name in group]
    count = len([name for name in names if name in served])
    parts = [_HEAD, f"{count} of {len(names)} commands and subcommands of Redis 7.2 are there.\n\n"]
    parts += [_group(title, group, served) for title, group in known.items()]
    parts.append(_extensions([command for command in table.all() if command.name not in names]))
    parts.append(_settings())
    return "".join(parts)


def _group(title: str, names: list[str], served: dict[str, Command]) -> str:
    rows = [_row(name, served) for name in names]
    return (
        f"## {title.replace('-', ' ').capitalize()}\n\n| Command | Here | Remarks |\n|---|---|---|\n{''.join(rows)}\n"
    )


def _row(name: str, served: dict[str, Command]) -> str:
    if name not in served:
        return f"| `{_shown(name)}` | no | {_ABSENT.get(name) or _ABSENT.get(name.partition('|')[0], '')} |\n"
    difference = DIFFERENCES.get(name, "")
    return f"| `{_shown(name)}` | {'differs' if difference else 'yes'} | {difference} |\n"


def _shown(name: str) -> str:
    return name.replace("|", " ").upper()


def _extensions(commands: list[Command]) -> str:
    if not commands:
        return ""
    rows = [f"| `{_shown(command.name)}` | {command.spec.summary} |\n" for command in commands]
    return f"## Beyond Redis 7.2\n\n| Command | What it does |\n|---|---|\n{''.join(rows)}\n"


def _settings() -> str:
    rows = [
        f"| `{parameter.name}` | {parameter.no_effect} |\n"
        for section in SECTIONS
        for parameter in section.parameters
        if not parameter.effect
    ]
    return _SETTINGS_HEAD + "".join(rows)


def main() -> None:
    """Write the document."""
    Path(PATH).parent.mkdir(parents=True, exist_ok=True)
    save_file(PATH, document())
