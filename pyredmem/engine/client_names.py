"""What a client says about itself: its name, and the name and version of its library."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.engine.session import Session

BAD_NAME: Final = b"ERR Client names cannot contain spaces, newlines or special characters."
_FIRST: Final = 33
_LAST: Final = 126


def is_plain(text: bytes) -> bool:
    """Whether a text has only printable characters and no spaces, so that it can stand in a line of CLIENT LIST."""
    return all(_FIRST <= byte <= _LAST for byte in text)


def check_name(name: bytes) -> None:
    """Raise an error if a name cannot stand in a line of CLIENT LIST."""
    if not is_plain(name):
        raise CommandError(BAD_NAME)


def rename(session: Session, name: bytes) -> None:
    """Give a client a name; an empty ``name`` removes the one that it has."""
    check_name(name)
    session.name = name
    session.memory.set_name("name", name)


def set_library(session: Session, attribute: bytes, value: bytes) -> None:
    """Set the name or the version of a client's library; ``attribute`` says which (CLIENT SETINFO)."""
    wanted = attribute.lower()
    if wanted not in {b"lib-name", b"lib-ver"}:
        raise CommandError(b"ERR Unrecognized option '" + attribute + b"'")
    if not is_plain(value):
        raise CommandError(b"ERR " + attribute + b" cannot contain spaces, newlines or special characters.")
    if wanted == b"lib-name":
        session.library_name = value
    else:
        session.library_version = value
    session.memory.set_name(wanted.decode(), value)
