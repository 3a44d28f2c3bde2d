"""What to do about a damaged append-only file: what is whole, what a repair would delete, and how to keep a copy."""

import shlex
from dataclasses import dataclass

from pyredmem.rdb.advice import counted


@dataclass(frozen=True)
class Damage:
    """What was found in a file whose commands are not whole."""

    path: str
    commands: int  # that are whole
    ok_up_to: int  # where they end
    ends_early: bool  # whether the file ends within a command or a transaction
    in_transaction: bool  # whether a transaction was begun that is not whole
    further: int  # where after the damage commands seem to go on; -1 if they do not
    is_last: bool  # whether it is the last file, or the only one


def of_damage(damage: Damage) -> list[str]:
    """About a file whose commands are not whole."""
    if damage.ok_up_to == 0:
        lines = ["Nothing in the file is whole."]
    else:
        lines = [f"{counted(damage.commands, 'command')} could be read, up to offset {damage.ok_up_to}."]
    if damage.in_transaction:
        lines.append(f"The transaction that begins at offset {damage.ok_up_to} is not whole: it counts as not run.")
    if damage.further >= 0:
        lines += _of_further_commands(damage.path, damage.further)
    elif damage.ends_early:
        lines.append("The file was cut off, as happens when a machine crashes while a server writes.")
        if damage.is_last:
            lines.append("A server with `aof-load-truncated yes`, the default, mends that itself when it starts.")
    else:
        lines.append("After the damage nothing looks like a command.")
    if not damage.is_last:
        lines.append("Only the last file of a manifest can be cut off. To keep what is whole, delete the lines of the")
        lines.append("files after this one from the manifest, which gives up their commands, and check with --fix.")
    return lines


def _of_further_commands(path: str, offset: int) -> list[str]:
    return [
        f"Commands seem to go on at offset {offset}, so the file is damaged before that, and not only cut off.",
        "--fix deletes them too. This keeps them in a file of their own:",
        f"  tail -c +{offset + 1} {shlex.quote(path)} > {_beside(path, 'rest')}",
    ]


def before_fixing(damage: Damage) -> list[str]:
    """How to keep a copy before a repair."""
    return ["Keep a copy before you use --fix:", f"  cp {shlex.quote(damage.path)} {_beside(damage.path, 'copy')}"]


def of_torn_annotation(path: str, offset: int) -> list[str]:
    """About a valid file at whose end an annotation is not whole."""
    return [
        f"The annotation at the end of {path} is not whole. A server would write its next command to the same line,",
        "and could not load the file again. This deletes the annotation, which is not needed:",
        f"  truncate -s {offset} {shlex.quote(path)}",
    ]


def _beside(path: str, ending: str) -> str:
    return shlex.quote(f"{path}.{ending}")
