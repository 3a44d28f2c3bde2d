"""Python objects that leave their place in the process's heap: a copy takes their place where the mover wants it.

A mover that steers is shown every Python object. The classes of this package are :class:`Relocatable`, they make twins
of themselves; the rest of this module is for the containers they are made of. A container too large for the
interpreter's arenas would take long to copy. It is not shown: only its header, a few dozen bytes, lies in an arena.
"""

from __future__ import annotations

from typing import Final, TypeVar, cast

from librt.vecs import vec
from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.mover import Mover

#: Elements of the longest list, and bytes of the longest buffer, that is copied in one go.
LONGEST_COPIED: Final = 65536
#: Elements of the longest array that lies in an arena (arenas hold blocks of up to 512 bytes).
_LONGEST_SMALL_ARRAY: Final = 128


@mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)
class Relocatable:
    """An object that can be replaced by a twin."""

    def twin(self) -> Relocatable:
        """Another Python object with the very same content and ledger blocks: one of the two is to be dropped.

        It must not change anything that others see, since a mover may ask for several twins and keep the last one.
        """
        raise NotImplementedError

    def detach(self) -> None:
        """Replace by copies what this twin and its original both refer to and may change.

        After that both can live on. The ledger blocks are still those of the original.
        """


Item = TypeVar("Item")
Kind = TypeVar("Kind", bound=Relocatable)


def relocated(item: Kind, mover: Mover) -> Kind:
    """The object or, if it has to leave its place in the process's heap, its twin, which takes over everything."""
    return twin_elsewhere(item, mover) if mover.must_leave(item) else item


def twin_elsewhere(item: Kind, mover: Mover) -> Kind:
    """A twin in a place that the mover accepts. The mover keeps those in other places, which plugs these."""
    twin = item.twin()
    while mover.must_plug(twin):
        twin = item.twin()
    return cast("Kind", twin)


def relocated_list(items: list[Item], mover: Mover) -> list[Item]:
    """The list, or a copy of it; its elements are not shown."""
    if len(items) > LONGEST_COPIED or not mover.must_leave(items):
        return items
    twin = items.copy()
    while mover.must_plug(twin):
        twin = items.copy()
    return twin


def relocated_array(items: vec[i32], mover: Mover) -> vec[i32]:
    """The array, or a copy of it. The mover gets the array in a box made for this call."""
    if len(items) > _LONGEST_SMALL_ARRAY or not mover.must_leave(items):
        return items
    twin = items[:]
    while mover.must_plug(twin):
        twin = items[:]
    return twin


def relocated_floats(items: vec[float], mover: Mover) -> vec[float]:
    """As ``relocated_array``, for an array of floats."""
    if len(items) > _LONGEST_SMALL_ARRAY or len(items) == 0 or not mover.must_leave(items):
        return items
    twin = items[:]
    while mover.must_plug(twin):
        twin = items[:]
    return twin


def relocated_counts(items: vec[i64], mover: Mover) -> vec[i64]:
    """As ``relocated_array``, for an array of 64-bit integers."""
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
    """The dict, or another one if the dict or one of its keys has to leave its place. The order stays the same."""
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
    """The dict, or another one if the dict, a key or a value has to leave its place. The order stays the same."""
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
    """The float, or an equal one in another place. As an ``object`` it stays boxed in compiled code."""
    if not mover.must_leave(number):
        return number
    assert isinstance(number, float)
    twin: object = number * 1.0
    while mover.must_plug(twin):
        twin = number * 1.0
    return twin


def relocated_number(number: object, mover: Mover) -> object:
    """The integer, or an equal one in another place. It is an ``object`` for the same reason."""
    if not mover.must_leave(number):
        return number
    assert isinstance(number, int)
    twin: object = number + 0
    while mover.must_plug(twin):
        twin = number + 0
    return twin
