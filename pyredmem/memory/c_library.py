"""Functions of the C library of the process.

They are called by way of ctypes, without which Python can be built. On Windows, and where a C library does not have
them, there are no such functions; whoever wants one must do without it then.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final


def _load() -> Any:
    try:
        return import_module("ctypes")
    except ImportError:
        return None


ctypes: Final = _load()


def function(name: str, *kinds: str) -> Any:
    """A function that returns an int, and takes arguments of these types of ctypes; None if there is no such one."""
    try:
        found = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes = [getattr(ctypes, kind) for kind in kinds]
    return found


def word_at(address: int) -> int:
    """The 64 bits at an address. Needs ctypes."""
    return int(ctypes.c_uint64.from_address(address).value)


def bytes_at(address: int, size: int) -> bytes:
    """The bytes at an address. Needs ctypes."""
    return bytes(ctypes.string_at(address, size))


def place_of(buffer: bytearray) -> int:
    """Where the process has the bytes of a bytearray. Needs ctypes."""
    return int(ctypes.addressof(ctypes.c_char.from_buffer(buffer))) if buffer else 0
