"""Generates `redis.conf.example` and `docs/configuration.md` from the declarations of the settings.

`python -m pyredmem.config.reference` writes both below the current directory. A test checks that they are up to date.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

from pyredmem.config.file import save_file
from pyredmem.config.parameter import Parameter
from pyredmem.config.parameters import SECTIONS
from pyredmem.config.profiles import PROFILES

EXAMPLE_PATH: Final = "redis.conf.example"
DOCUMENT_PATH: Final = "docs/configuration.md"

_WIDTH: Final = 100

_EXAMPLE_HEAD: Final = """\
# Configuration of pyredmem. Start it with the path of a file like this:
#
#     pyredmem /path/to/redis.conf
#
# Every setting is here with its default, as a comment; remove the # to change it. Each is also an option of the
# command line (--maxmemory 100mb), which overrides the file, and most can be changed while the server runs
# with CONFIG SET.
#
# Sizes may have a unit, in upper or lower case: 1k is 1000 bytes and 1kb is 1024, likewise m and mb, g and gb.
# A value with blanks must be in double quotes, in which \\n, \\r, \\t, \\" and \\xHH mean the same as in C, or in
# single quotes. If a setting occurs more than once, the last line counts; the lines of save add up.
#
# include /path/to/other.conf reads another file at this point; the path may contain wildcards.
# user <name> <rules> defines an ACL user, rename-command <old> <new> renames a command or, to "", removes it.
"""

_DOCUMENT_HEAD: Final = """\
# Configuration

<!-- Written by `python -m pyredmem.config.reference`. -->

Settings come from a file in the format of `redis.conf` (see `redis.conf.example`), from options of the command line
(`--maxmemory 100mb`), which override the file, and, where the table says so, from `CONFIG SET` while the server runs.
`CONFIG REWRITE` writes the present values to the file and keeps its comments.

Every setting of a `redis.conf` of Redis 7.2 or 8.2, or of Valkey 9.1, is accepted in a file, with the same values,
bounds and errors. `CONFIG GET` and `CONFIG SET` know those of the version that `redis-version` chooses. If a setting
has no effect here, the last column tells why.

In the column *Run time*, **yes** means that `CONFIG SET` can change the setting, **protected** that it can if
`enable-protected-configs` allows it, and **start** that the setting can only be given in the file or on the command
line.
"""


def example() -> str:
    """The text of the example file."""
    blocks = [_EXAMPLE_HEAD]
    for section in SECTIONS:
        bar = "#" * max(4, (_WIDTH - len(section.title) - 2) // 2)
        blocks.append(f"{bar} {section.title} {bar}\n")
        blocks += [_example_of(parameter) for parameter in section.parameters if not parameter.hidden]
    return "\n".join(blocks)


def _example_of(parameter: Parameter) -> str:
    """The lines of one setting."""
    notes = [parameter.help, _sentence(parameter.kind.describe()), *_versions(parameter)]
    if parameter.alias:
        notes.append(f"Also called {parameter.alias}.")
    if not parameter.effect:
        notes.append(f"Without effect: {parameter.no_effect}.")
    comment = textwrap.wrap(" ".join(notes), _WIDTH - 2, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in comment) + "".join(f"# {line}\n" for line in default_lines(parameter))


def default_lines(parameter: Parameter) -> list[str]:
    """The lines of a file that set a setting to its default."""
    if parameter.name == "replicaof":
        return ["replicaof no one"]
    lines = parameter.kind.lines(parameter.name, parameter.default, parameter.default)
    return [line.text for line in lines] or [f"{parameter.name} {parameter.default or chr(34) * 2}"]


def _sentence(text: str) -> str:
    """`text` as a sentence, with a capital and a full stop."""
    return text[:1].upper() + text[1:] + "."


def document() -> str:
    """The text of the document."""
    blocks = [_DOCUMENT_HEAD]
    for section in SECTIONS:
        rows = [_row(parameter) for parameter in section.parameters]
        head = "| Setting | Values | Default | Run time | Meaning | Effect here |\n|---|---|---|---|---|---|\n"
        blocks.append(f"## {section.title}\n\n{head}" + "".join(rows))
    return "\n".join(blocks)


def _row(parameter: Parameter) -> str:
    """One row of a table."""
    name = f"`{parameter.name}`"
    if parameter.alias:
        name += f" (`{parameter.alias}`)"
    if parameter.hidden:
        name += " (hidden)"
    cells = [
        name,
        parameter.kind.describe(),
        f"`{parameter.default}`" if parameter.default else "empty",
        _run_time(parameter),
        " ".join([parameter.help, *_versions(parameter)]),
        "yes" if parameter.effect else f"no: {parameter.no_effect}",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _versions(parameter: Parameter) -> list[str]:
    """Which profiles have a setting, if not all do."""
    names = [name for name, profile in PROFILES.items() if profile.has_setting(parameter.name)]
    return [] if len(names) == len(PROFILES) else [f"CONFIG knows it under {' and '.join(names)}."]


def _run_time(parameter: Parameter) -> str:
    """When a setting can be changed."""
    if parameter.immutable:
        return "start"
    return "protected" if parameter.protected else "yes"


def main() -> None:
    """Write both files."""
    for path, text in ((EXAMPLE_PATH, example()), (DOCUMENT_PATH, document())):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save_file(path, text)


if __name__ == "__main__":
    main()
