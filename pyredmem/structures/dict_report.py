"""The state of a hash table as text: what DEBUG HTSTATS shows of it."""

from __future__ import annotations

from typing import Final

from pyredmem.structures.dict import Dict

_CHAIN_LENGTHS: Final = 50  # longer chains are counted with those of this length


def table_report(table: Dict, full: bool) -> str:
    """DEBUG HTSTATS: one hash table, or the two of a rehash in progress."""
    text = _one_table(table, False, full)
    if table.is_rehashing():
        text += _one_table(table, True, full)
    return text


def _one_table(table: Dict, new: bool, full: bool) -> str:
    rehashing = table.is_rehashing()
    moved = table.used - table.old_used
    used = (moved if new else table.old_used) if rehashing else table.used
    title = f"Hash table {int(new)} stats ({'rehashing target' if new else 'main hash table'}):\n"
    if used == 0:
        return title + "No stats available for empty dictionaries\n"
    slots = (table.new_mask if new else table.mask) + 1
    text = title + f" table size: {slots}\n number of elements: {used}\n"
    return text + _chains(table, new, slots, used) if full else text


def _chains(table: Dict, new: bool, slots: int, used: int) -> str:
    lengths = table.chain_lengths(new)
    different = slots - lengths.get(0, 0)
    lines = [
        f" different slots: {different}",
        f" max chain length: {max(lengths)}",
        f" avg chain length (counted): {used / different:.02f}",
        f" avg chain length (computed): {used / different:.02f}",
        " Chain length distribution:",
    ]
    shown = sorted([length for length in lengths if length < _CHAIN_LENGTHS - 1])
    lines += [f"   {length}: {lengths[length]} ({lengths[length] * 100 / slots:.02f}%)" for length in shown]
    longer = sum([count for length, count in lengths.items() if length >= _CHAIN_LENGTHS - 1])
    if longer:
        lines.append(f"   >= {_CHAIN_LENGTHS - 1}: {longer} ({longer * 100 / slots:.02f}%)")
    return "\n".join(lines) + "\n"
