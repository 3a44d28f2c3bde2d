"""Passwords among a command's arguments, which neither the slow log nor MONITOR may show."""

from __future__ import annotations

from typing import Final

from pyredmem.config.quoting import decode
from pyredmem.config.settings import Settings

REDACTED: Final = b"(redacted)"


def without_passwords(argv: list[bytes], settings: Settings) -> list[bytes]:
    """The arguments of a command with the secret ones replaced; the very list if there are none."""
    places = _secret_places(argv, settings)
    if not places:
        return argv
    return [REDACTED if at in places else argument for at, argument in enumerate(argv)]


def _secret_places(argv: list[bytes], settings: Settings) -> list[int]:
    name = argv[0].lower()
    size = len(argv)
    if name == b"auth":
        return list(range(1, size)) if size <= 3 else []
    if name == b"hello":
        return _behind(argv, b"auth", 2)
    if name == b"migrate":
        return _behind(argv, b"auth", 1) or _behind(argv, b"auth2", 2)
    if size < 2:
        return []
    word = argv[1].lower()
    if name == b"acl" and word == b"setuser":
        return list(range(2, size))
    if name == b"config" and word == b"set":
        return [at + 1 for at in range(2, size - 1, 2) if _is_secret(argv[at], settings)]
    return []


def _behind(argv: list[bytes], word: bytes, count: int) -> list[int]:
    """The places of the ``count`` arguments behind a word, if they are all there."""
    for at in range(1, len(argv) - count):
        if argv[at].lower() == word:
            return list(range(at + 1, at + 1 + count))
    return []


def _is_secret(name: bytes, settings: Settings) -> bool:
    parameter = settings.parameter(decode(name))
    return parameter is not None and parameter.sensitive
