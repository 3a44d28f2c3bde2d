"""Gives the pages of large arrays back to the system before the arrays are dropped, a piece at a time.

To drop an array of 40 MB is one call of the C library, in which the system takes milliseconds to take back ten thousand
pages; meanwhile the interpreter stands still. Worse, when the C library trims the end of its heap, a hundred megabytes
that were freed earlier may go back in the same call. Pages that were given back beforehand cost nothing at that point.

To do so the module must know where CPython keeps the content of a list and of a vec, and no document promises that. So
it first looks at arrays of known content (:data:`KNOWS_LISTS`, :data:`KNOWS_VECS`); if they are not laid out as
expected, nothing is given back early. Only whole pages inside the array's own memory are touched. They read as zero
afterwards, so an array may be released only when nobody reads it any more. Unlike most of the package this module calls
the operating system.
"""

from __future__ import annotations

import struct
import sys
from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.memory import c_library

#: Bytes that are given back in one call, which takes some 60 microseconds.
PIECE_BYTES: Final = 1 << 20
PAGE_BYTES: Final = 4096
_DONT_NEED: Final = 4  # MADV_DONTNEED
_PROBE: Final = [305419896, 19088743, 591751049, 1]
# Offsets in the objects of a 64-bit CPython.
_SIZE: Final = 16
_ITEMS: Final = 24
_ALLOCATED: Final = 32  # of a list

_MADVISE: Final = c_library.function("madvise", "c_void_p", "c_size_t", "c_int")


def _word(address: int) -> int:
    return c_library.word_at(address)


def _knows_lists() -> bool:
    """Whether a list object holds its length, a pointer to its items, and the number of items there is room for."""
    if sys.platform != "linux" or sys.implementation.name != "cpython" or struct.calcsize("P") != 8:
        return False
    if _MADVISE is None:
        return False
    probe: list[object] = [None, True, False]
    probe.append(probe)
    address = id(probe)
    if _word(address + _SIZE) != len(probe) or not len(probe) <= _word(address + _ALLOCATED) <= 64:
        return False
    items = _word(address + _ITEMS)
    return all(_word(items + 8 * place) == id(item) for place, item in enumerate(probe))


def _knows_vecs() -> bool:
    """Whether a vec, seen as an object, holds its length and a pointer to its items."""
    if not KNOWS_LISTS:
        return False
    return _is_the_probe(vec[i32](_PROBE))


def _is_the_probe(array: object) -> bool:
    """Whether a vec of the probe's numbers has its items where they are expected.

    The vec is passed as an argument of type ``object``, so that compiled code surely makes an object of it.
    """
    address = id(array)
    if _word(address + _SIZE) != len(_PROBE):
        return False
    items = _word(address + _ITEMS)
    if items % 4 != 0 or items < PAGE_BYTES:
        return False
    return c_library.bytes_at(items, 4 * len(_PROBE)) == struct.pack(f"<{len(_PROBE)}i", *_PROBE)


KNOWS_LISTS: Final = _knows_lists()
KNOWS_VECS: Final = _knows_vecs()


def place_of_vec(array: object) -> int:
    """Where the process has the items of a vec; 0 if that is not known, or not a multiple of 8."""
    place = _word(id(array) + _ITEMS) if KNOWS_VECS else 0
    return place if place % 8 == 0 else 0


def place_of_bytearray(array: bytearray) -> int:
    """Where the process has the bytes of a bytearray; 0 if that is not known, or not a multiple of 8."""
    place = c_library.place_of(array) if KNOWS_LISTS else 0
    return place if place % 8 == 0 else 0


def give_back(start: int, end: int) -> None:
    """Give the whole pages between two addresses of the process back to the system.

    The interpreter's lock is released meanwhile. The addresses must come from a function of this module.
    """
    start = (start + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
    end = end // PAGE_BYTES * PAGE_BYTES
    if start < end:
        _MADVISE(start, end - start, _DONT_NEED)


def release_vec(array: object, size: i64, done: i64) -> i64:
    """Give a piece of a vec of ``size`` bytes back to the system, from byte ``done`` on; returns the end of the piece.

    At the end that is ``size``. The vec must have one owner, and nobody may read it any more.
    """
    if not KNOWS_VECS:
        return size
    end = min(done + PIECE_BYTES, size)
    items = _word(id(array) + _ITEMS)
    give_back(items + done, items + end)
    return end


def release_list_tail(items: object) -> None:
    """Give the unused room at the end of a list, whose last items were deleted, back to the system."""
    if KNOWS_LISTS:
        address = id(items)
        start = _word(address + _ITEMS)
        give_back(start + _word(address + _SIZE) * 8, start + _word(address + _ALLOCATED) * 8)
