"""Gives the pages of large arrays back to the system before the arrays are dropped, a piece at a time.

Dropping an array of 40 MB is one call of the C library, and the system takes milliseconds to take its ten thousand
pages back, during which the interpreter stands still. Worse, the end of a free part of the C library's heap may take a
hundred megabytes along that were freed before. Pages that have been given back beforehand cost nothing then.

For that one must know where CPython keeps the content of a list and of a vec, which nothing promises. So it is tried on
arrays of known content first (:data:`KNOWS_LISTS`, :data:`KNOWS_VECS`); where it is not as expected nothing is given
back early. Only whole pages inside of the array's own memory are touched: what is left of the array reads as zero, so
only an array that nobody reads any more may be released. Unlike most of the package this module calls the operating
system.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

#: Bytes that are given back in one call: some 60 microseconds.
PIECE_BYTES: Final = 1 << 20
_PAGE_BYTES: Final = 4096
_DONT_NEED: Final = 4  # MADV_DONTNEED
_PROBE: Final = [305419896, 19088743, 591751049, 1]
# Offsets in the objects, 64-bit CPython.
_SIZE: Final = 16
_ITEMS: Final = 24
_ALLOCATED: Final = 32  # of a list


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _knows_lists() -> bool:
    """Whether a list is length, pointer to its items, room for how many."""
    if sys.platform != "linux" or sys.implementation.name != "cpython" or struct.calcsize("P") != 8:
        return False
    probe: list[object] = [None, True, False]
    probe.append(probe)
    address = id(probe)
    if _word(address + _SIZE) != len(probe) or not len(probe) <= _word(address + _ALLOCATED) <= 64:
        return False
    items = _word(address + _ITEMS)
    return all(_word(items + 8 * place) == id(item) for place, item in enumerate(probe))


def _knows_vecs() -> bool:
    """Whether a vec, as an object, is length and pointer to its items."""
    if not KNOWS_LISTS:
        return False
    return _is_the_probe(vec[i32](_PROBE))


def _is_the_probe(array: object) -> bool:
    """Whether a vec of the probe's numbers is where it is expected; an argument, so that it is an object for sure."""
    address = id(array)
    if _word(address + _SIZE) != len(_PROBE):
        return False
    items = _word(address + _ITEMS)
    if items % 4 != 0 or items < _PAGE_BYTES:
        return False
    return ctypes.string_at(items, 4 * len(_PROBE)) == struct.pack(f"<{len(_PROBE)}i", *_PROBE)


KNOWS_LISTS: Final = _knows_lists()
KNOWS_VECS: Final = _knows_vecs()


def _give_back(start: int, end: int) -> None:
    """Give the whole pages between two addresses back, without the interpreter's lock."""
    start = (start + _PAGE_BYTES - 1) // _PAGE_BYTES * _PAGE_BYTES
    end = end // _PAGE_BYTES * _PAGE_BYTES
    if start < end:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)


def release_vec(array: object, size: i64, done: i64) -> i64:
    """Give a piece of a vec of ``size`` bytes back, from byte ``done`` on; how far that got, ``size`` at the end.

    The vec must have one owner, and nobody may read it any more.
    """
    if not KNOWS_VECS:
        return size
    end = min(done + PIECE_BYTES, size)
    items = _word(id(array) + _ITEMS)
    _give_back(items + done, items + end)
    return end


def release_list_tail(items: object) -> None:
    """Give back what a list that was cut off still has room for."""
    if KNOWS_LISTS:
        address = id(items)
        start = _word(address + _ITEMS)
        _give_back(start + _word(address + _SIZE) * 8, start + _word(address + _ALLOCATED) * 8)
