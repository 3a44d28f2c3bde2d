"""Containers that leave their place in the process's heap: a copy goes where the mover wants it.

A mover that steers is shown every Python object. Objects of this package have twins of their own; here are the
containers that they are made of. A container that is too large for the interpreter's arenas, and would take long to
copy, is not shown: what is in arenas of it is a header of some dozen bytes.
"""

from __future__ import annotations

from typing import Final, TypeVar

from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.memory.mover import Mover

Item = TypeVar("Item")

#: Elements of the longest list, and bytes of the longest buffer, that is copied in one go.
LONGEST_COPIED: Final = 65536
#: Elements beyond which an array is not in an arena (blocks of up to 512 bytes are).
_LONGEST_SMALL_ARRAY: Final = 128


def relocated_list(items: list[Item], mover: Mover) -> list[Item]:
    """The list, or a copy of it; what is in it is not shown."""
    if len(items) > LONGEST_COPIED or not mover.must_leave(items):
        return items
    twin = items.copy()
    while mover.must_plug(twin):
        twin = items.copy()
    return twin


def relocated_array(items: vec[i32], mover: Mover) -> vec[i32]:
    """The array, or a copy of it. The mover is handed a box around it, made for the purpose."""
    if len(items) > _LONGEST_SMALL_ARRAY or not mover.must_leave(items):
        return items
    twin = items[:]
    while mover.must_plug(twin):
        twin = items[:]
    return twin


def relocated_floats(items: vec[float], mover: Mover) -> vec[float]:
    """The same for an array of floats."""
    if len(items) > _LONGEST_SMALL_ARRAY or len(items) == 0 or not mover.must_leave(items):
        return items
    twin = items[:]
    while mover.must_plug(twin):
        twin = items[:]
    return twin


def relocated_counts(items: vec[i64], mover: Mover) -> vec[i64]:
    """The same for an array of large integers."""
    if len(items) > _LONGEST_SMALL_ARRAY or len(items) == 0 or not mover.must_leave(items):
        return items
    twin = items[:]
    while mover.must_plug(twin):
        twin = items[:]
    return twin


def relocated_buffer(buffer: bytearray, mover: Mover) -> bytearray:
    """The buffer, or a copy of it."""
    if len(buffer) > LONGEST_COPIED or not mover.must_leave(buffer):
        return buffer
    twin = bytearray(buffer)
    while mover.must_plug(twin):
        twin = bytearray(buffer)
    return twin


def relocated_keys(items: dict[bytes, None], mover: Mover) -> dict[bytes, None]:
    """The dict with its keys, or another one with those in the same order that take their places."""
    leaves = mover.must_leave(items)
    keys: list[bytes] = []
    for key in items:
        text = mover.text(key)
        if text is not key:
            leaves = True
        keys.append(text)
    if not leaves:
        return items
    twin: dict[bytes, None] = dict.fromkeys(keys)
    while mover.must_plug(twin):
        twin = twin.copy()
    return twin


def relocated_pairs(items: dict[bytes, bytes], mover: Mover) -> dict[bytes, bytes]:
    """The dict with its keys and values, or another one with those in the same order that take their places."""
    leaves = mover.must_leave(items)
    twin: dict[bytes, bytes] = {}
    for key, value in items.items():
        new_key = mover.text(key)
        new_value = mover.text(value)
        if new_key is not key or new_value is not value:
            leaves = True
        twin[new_key] = new_value
    if not leaves:
        return items
    while mover.must_plug(twin):
        twin = twin.copy()
    return twin


def relocated_float(number: object, mover: Mover) -> object:
    """The float, which is handed over as the object that it is, or an equal one."""
    if not mover.must_leave(number):
        return number
    assert isinstance(number, float)
    twin: object = number * 1.0
    while mover.must_plug(twin):
        twin = number * 1.0
    return twin


def relocated_number(number: object, mover: Mover) -> object:
    """The integer, which is handed over as the object that it is, or an equal one."""
    if not mover.must_leave(number):
        return number
    assert isinstance(number, int)
    twin: object = number + 0
    while mover.must_plug(twin):
        twin = number + 0
    return twin
