"""HyperLogLogs as string objects: registers are changed in place, and the sds grows as in Redis 7.2.

A sparse value gets its room in advance, a little at a time and at most up to ``hll-sparse-max-bytes``. A value that
would be longer, or has a rank too high for the sparse encoding, becomes a dense one in a new sds.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.objects.string import BufferString
from pyredmem.structures import hyperloglog
from pyredmem.structures.hyperloglog import (
    CHANGED,
    CORRUPT,
    REGISTERS,
    SPARSE_GROWTH,
    SPARSE_MAX_RANK,
    TOO_LONG,
    UNCHANGED,
    SparseEditor,
)

#: The most bytes that a sparse value gets in addition to those it needs (Redis 7.2 hyperloglog.c).
_MOST_SPARE_BYTES: Final = 300
_RANK_SHIFT: Final = 14


def make_dense(value: BufferString, allocator: Allocator) -> bool:
    """Give the value the dense encoding; False if it is corrupt."""
    if not hyperloglog.is_sparse(value.buffer):
        return True
    registers = hyperloglog.registers_of(value.buffer)
    if registers is None:
        return False
    value.renew(hyperloglog.dense_with(value.buffer, registers), allocator)
    return True


def _make_room(value: BufferString, allocator: Allocator, limit: i64) -> None:
    """Make room for the longest change of one register."""
    length: i64 = len(value.buffer)
    capacity = value.sds.capacity if value.sds.capacity > length else length  # the shortest sds stores none
    if capacity >= limit or capacity - length >= SPARSE_GROWTH:
        return
    wanted = length + SPARSE_GROWTH
    wanted += wanted if wanted < _MOST_SPARE_BYTES else _MOST_SPARE_BYTES
    value.sds.resize(wanted if wanted < limit else limit, allocator)


def add_elements(value: BufferString, elements: list[bytes], allocator: Allocator, limit: i64) -> i64:
    """Add elements; returns how many of them changed a register, or -1 if the value proved to be corrupt.

    A corrupt value stays as it was: the command fails, so neither replicas nor the append-only file get to know of it.
    """
    changed: i64 = 0
    editor: SparseEditor | None = SparseEditor(value.buffer) if hyperloglog.is_sparse(value.buffer) else None
    before = bytes(value.buffer) if editor is not None else b""
    for element in elements:
        place = hyperloglog.register_of(element)
        index = place & (REGISTERS - 1)
        rank = place >> _RANK_SHIFT
        if editor is not None:
            editor.rewind()
            outcome = _raise_sparse(value, editor, index, rank, allocator, limit)
            if outcome < TOO_LONG:
                changed += outcome
                continue
            if outcome == CORRUPT or not make_dense(value, allocator):
                value.buffer[:] = before
                return -1
            editor = None
        if hyperloglog.raise_dense(value.buffer, index, rank):
            changed += 1
    return changed


def _raise_sparse(
    value: BufferString, editor: SparseEditor, index: i64, rank: i64, allocator: Allocator, limit: i64
) -> i64:
    """Make room, and raise a register of a sparse value."""
    if rank > SPARSE_MAX_RANK:
        return TOO_LONG
    _make_room(value, allocator, limit)
    return editor.raise_register(index, rank, limit)


def merge_registers(value: BufferString, registers: bytes, allocator: Allocator, limit: i64) -> bool:
    """Raise each register to the one in ``registers`` if that is higher; False if the value proved to be corrupt."""
    if hyperloglog.is_sparse(value.buffer):
        outcome = _merge_sparse(value, registers, allocator, limit)
        if outcome != TOO_LONG:
            return outcome != CORRUPT
        if not make_dense(value, allocator):
            return False
    own = hyperloglog.registers_of(value.buffer)
    assert own is not None, "a dense value cannot be corrupt"
    value.buffer = hyperloglog.dense_with(value.buffer, hyperloglog.highest(own, registers))
    return True


def _merge_sparse(value: BufferString, registers: bytes, allocator: Allocator, limit: i64) -> i64:
    """Raise the registers of a sparse value one by one, until it has to become dense."""
    editor = SparseEditor(value.buffer)
    changed: i64 = UNCHANGED
    for index in _occupied(registers):
        outcome = _raise_sparse(value, editor, index, registers[index], allocator, limit)
        if outcome > CHANGED:
            return outcome
        changed |= outcome
    return changed


def _occupied(registers: bytes) -> list[int]:
    """The numbers of the registers that are not zero."""
    if registers.count(0) == REGISTERS:
        return []
    return [index for index in range(REGISTERS) if registers[index] != 0]
