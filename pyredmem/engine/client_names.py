"""What a client says of itself: its name, and the name and version of its library."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.engine.session import Session

BAD_NAME: Final = b"ERR Client names cannot contain spaces, newlines or special characters."
_FIRST: Final = 33
_LAST: Final = 126


def is_plain(text: bytes) -> bool:
    """Whether a text is of printable characters without spaces, so that it fits into a line of CLIENT LIST."""
    return all(_FIRST <= byte <= _LAST for byte in text)


def check_name(name: bytes) -> None:
    """Refuse a name that does not fit into a line of CLIENT LIST."""
    if not is_plain(name):
        raise CommandError(BAD_NAME)


def rename(session: Session, name: bytes) -> None:
    """Give a client a name; an empty one takes its name away."""
    check_name(name)
    session.name = name
    session.memory.set_name("name", name)


def set_library(session: Session, attribute: bytes, value: bytes) -> None:
    """Note the name or version of a client's library, as ``attribute`` says."""
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
