"""The two files that are written from the registry: `redis.conf.example` and `docs/configuration.md`.

`python -m pyredmem.config.reference` writes both into the current directory; a test holds them to the registry.
"""

import textwrap
from pathlib import Path
from typing import Final

from pyredmem.config.file import save_file
from pyredmem.config.parameter import Parameter
from pyredmem.config.parameters import SECTIONS

EXAMPLE_PATH: Final = "redis.conf.example"
DOCUMENT_PATH: Final = "docs/configuration.md"

_WIDTH: Final = 100

_EXAMPLE_HEAD: Final = """\
# Configuration of pyredmem. Start it with the path of a file like this:
#
#     pyredmem /path/to/redis.conf
#
# Every setting is here with its default, as a comment; remove the # to change it. Each is also an option of the
# command line (--maxmemory 100mb), which wins over the file, and most can be changed while the server runs
# with CONFIG SET.
#
# Sizes may have a unit, in any case: 1k is 1000 bytes and 1kb 1024; so for m and mb, g and gb.
# A value with blanks goes in double quotes, where \\n, \\r, \\t, \\" and \\xHH mean what they do in C, or in single
# quotes. When a setting occurs more than once, the last line wins; lines of save add up.
#
# include /path/to/other.conf reads another file at that place; its path may have wildcards.
# user <name> <rules> defines an ACL user, rename-command <old> <new> renames a command or, to "", removes it.
"""

_DOCUMENT_HEAD: Final = """\
# Configuration

<!-- Written by `python -m pyredmem.config.reference`. -->

Settings come from a file in the format of `redis.conf` (see `redis.conf.example`), from options of the command line
(`--maxmemory 100mb`), which win over the file, and, where the table says so, from `CONFIG SET` while the server runs.
`CONFIG REWRITE` puts the present values into the file and keeps its comments.

Every setting of a Redis 7.2 `redis.conf` is accepted with its values, bounds and errors. Where it changes nothing
here, the last column says why.

In the column *Run time*, **yes** means `CONFIG SET`, **protected** means so only as `enable-protected-configs`
allows, and **start** means only in the file or on the command line.
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
    notes = [parameter.help, _sentence(parameter.kind.describe())]
    if parameter.alias:
        notes.append(f"Also called {parameter.alias}.")
    if not parameter.effect:
        notes.append(f"Without effect: {parameter.no_effect}.")
    comment = textwrap.wrap(" ".join(notes), _WIDTH - 2, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in comment) + "".join(f"# {line}\n" for line in default_lines(parameter))


def default_lines(parameter: Parameter) -> list[str]:
    """The lines of a file that set a parameter to its default."""
    if parameter.name == "replicaof":
        return ["replicaof no one"]
    lines = parameter.kind.lines(parameter.name, parameter.default, parameter.default)
    return [line.text for line in lines] or [f"{parameter.name} {parameter.default or chr(34) * 2}"]


def _sentence(text: str) -> str:
    """`text` with a capital and a full stop."""
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
        parameter.help,
        "yes" if parameter.effect else f"no: {parameter.no_effect}",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _run_time(parameter: Parameter) -> str:
    """When a setting may be changed."""
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
