"""HyperLogLog: the size of a set, estimated from 16384 registers, which are stored in the same bytes as in Redis.

The hash of an element selects a register (14 bits) and gives a rank: one more than the number of zeros at the end of
the other 50 bits. A register keeps the highest rank that it has seen. The more distinct elements, the higher the ranks.

    header, 16 bytes:  "HYLL", encoding (0 dense, 1 sparse), 3 unused, the last estimate in 8 bytes, little-endian;
                       its highest bit says that registers have changed since
    dense:             12288 bytes, 6 bits per register, the lowest bits of a byte first
    sparse:            a sequence of opcodes that together cover all registers
                         00llllll           l + 1 registers that are zero
                         01llllll llllllll  the same, up to 16384 registers
                         1vvvvvll           l + 1 registers with the rank v + 1

Dense registers are processed all at once, as one byte each, by operations on bytes and big integers that run in C.
:class:`SparseEditor` changes single registers of a sparse value. This module does not know the ledger.
"""

from __future__ import annotations

import math
from typing import Final

from mypy_extensions import i64

from pyredmem.base.murmur import murmur64

Data = bytes | bytearray

REGISTERS: Final = 16384
HEADER_BYTES: Final = 16
REGISTER_BYTES: Final = REGISTERS * 6 // 8
DENSE_BYTES: Final = HEADER_BYTES + REGISTER_BYTES
#: The highest rank that a sparse value can hold.
SPARSE_MAX_RANK: Final = 32
#: The most bytes that raising one register adds to a sparse value.
SPARSE_GROWTH: Final = 3

# The results of raising a register of a sparse value.
UNCHANGED: Final = 0
CHANGED: Final = 1
TOO_LONG: Final = 2
CORRUPT: Final = 3

_MAGIC: Final = b"HYLL"
_DENSE: Final = 0
_SPARSE: Final = 1
_ENCODING_AT: Final = 4
_ESTIMATE_AT: Final = 8
_STALE: Final = 0x80

_SEED: Final = 0xADC83B19  # Redis 7.2 hyperloglog.c
_INDEX_BITS: Final = 14
_INDEX_MASK: Final = REGISTERS - 1
#: A bit after the 50 bits of the hash that give the rank, so that the zeros always end.
_RANK_END: Final = 1 << 50
_MAX_RANK: Final = 51
_RANKS: Final = 64  # as many as fit into 6 bits

_VALUE_OPCODE: Final = 0x80
_LONG_ZERO_OPCODE: Final = 0x40
_SHORT_ZERO_LIMIT: Final = 64
_VALUE_RUN_LIMIT: Final = 4
#: How many opcodes, from the one before the change on, are searched for values to join.
_JOIN_SCAN: Final = 5

_HALF_INVERSE_LN2: Final = 0.5 / math.log(2.0)
_INT64_MIN: Final = -(2**63)


def new_hyperloglog() -> bytearray:
    """An empty set: one opcode for all registers, and the estimate 0."""
    return bytearray(_MAGIC + bytes((_SPARSE,)) + bytes(HEADER_BYTES - 5) + b"\x7f\xff")


def is_hyperloglog(data: Data) -> bool:
    """Whether a string looks like a HyperLogLog; the opcodes of a sparse one are only checked when they are used."""
    size = len(data)
    if size < HEADER_BYTES or data[0:4] != _MAGIC:
        return False
    encoding = data[_ENCODING_AT]
    return encoding == _SPARSE or (encoding == _DENSE and size == DENSE_BYTES)


def is_sparse(data: Data) -> bool:
    """Whether the registers are run-length encoded."""
    return data[_ENCODING_AT] == _SPARSE


def register_of(element: bytes) -> i64:
    """The register of an element and the rank that it gives, as ``rank << 14 | register``."""
    digest = murmur64(element, _SEED)
    rest: i64 = digest >> _INDEX_BITS | _RANK_END
    index: i64 = digest & _INDEX_MASK
    rank: i64 = int(rest & -rest).bit_length()
    return rank << _INDEX_BITS | index


def known_estimate(data: Data) -> int | None:
    """The estimate in the header, None if registers have changed since."""
    if data[HEADER_BYTES - 1] & _STALE:
        return None
    return int.from_bytes(data[_ESTIMATE_AT:HEADER_BYTES], "little")


def remember_estimate(buffer: bytearray, estimate: int) -> None:
    """Write an estimate into the header."""
    buffer[_ESTIMATE_AT:HEADER_BYTES] = (estimate & (2**64 - 1)).to_bytes(8, "little")


def forget_estimate(buffer: bytearray) -> None:
    """Note in the header that registers have changed since the estimate."""
    buffer[HEADER_BYTES - 1] |= _STALE


# All registers at once, one byte each.


def _mapped(factor: int, low: int, high: int) -> bytes:
    """A table that maps a byte to its bits ``low`` to ``high`` - 1, shifted up by ``factor`` bits."""
    return bytes(((byte & ((1 << high) - 1)) >> low) << factor for byte in range(256))


# Three bytes hold four registers: aaaaaa, bbbb|bb.., cc|cccc.., dddddd (the lowest bits first).
_FIRST_OF_BYTE_0: Final = _mapped(0, 0, 6)
_LOW_OF_SECOND: Final = _mapped(0, 6, 8)
_HIGH_OF_SECOND: Final = _mapped(2, 0, 4)
_LOW_OF_THIRD: Final = _mapped(0, 4, 8)
_HIGH_OF_THIRD: Final = _mapped(4, 0, 2)
_FOURTH: Final = _mapped(0, 2, 8)
_SECOND_INTO_BYTE_0: Final = _mapped(6, 0, 2)
_SECOND_INTO_BYTE_1: Final = _mapped(0, 2, 6)
_THIRD_INTO_BYTE_1: Final = _mapped(4, 0, 4)
_THIRD_INTO_BYTE_2: Final = _mapped(0, 4, 6)
_FOURTH_INTO_BYTE_2: Final = _mapped(2, 0, 6)

_SIGN_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")


def _either(one: bytes, other: bytes) -> bytes:
    """The bits that are set in either of two strings of the same length."""
    return (int.from_bytes(one, "little") | int.from_bytes(other, "little")).to_bytes(len(one), "little")


def _unpacked(packed: bytes) -> bytes:
    """Registers of 6 bits each, turned into bytes."""
    byte_0, byte_1, byte_2 = packed[0::3], packed[1::3], packed[2::3]
    registers = bytearray(REGISTERS)
    registers[0::4] = byte_0.translate(_FIRST_OF_BYTE_0)
    registers[1::4] = _either(byte_0.translate(_LOW_OF_SECOND), byte_1.translate(_HIGH_OF_SECOND))
    registers[2::4] = _either(byte_1.translate(_LOW_OF_THIRD), byte_2.translate(_HIGH_OF_THIRD))
    registers[3::4] = byte_2.translate(_FOURTH)
    return bytes(registers)


def _packed(registers: bytes) -> bytes:
    """Registers of one byte each, turned into 6 bits each."""
    first, second, third, fourth = registers[0::4], registers[1::4], registers[2::4], registers[3::4]
    packed = bytearray(REGISTER_BYTES)
    packed[0::3] = _either(first, second.translate(_SECOND_INTO_BYTE_0))
    packed[1::3] = _either(second.translate(_SECOND_INTO_BYTE_1), third.translate(_THIRD_INTO_BYTE_1))
    packed[2::3] = _either(third.translate(_THIRD_INTO_BYTE_2), fourth.translate(_FOURTH_INTO_BYTE_2))
    return bytes(packed)


def registers_of(data: Data) -> bytes | None:
    """All registers, one byte each; None if the opcodes of a sparse value do not cover exactly all registers."""
    content = bytes(data)
    if not is_sparse(content):
        return _unpacked(content[HEADER_BYTES:])
    parts: list[bytes] = []
    covered: i64 = 0
    at: i64 = HEADER_BYTES
    end: i64 = len(content)
    while at < end:
        opcode: i64 = content[at]
        span = _span(content, at)
        covered += span
        if covered > REGISTERS:
            return None
        rank = (opcode >> 2 & 31) + 1 if opcode & _VALUE_OPCODE else 0
        parts.append(bytes((rank,)) * span)
        at += _opcode_bytes(opcode)
    return b"".join(parts) if covered == REGISTERS else None


def highest(one: bytes, other: bytes) -> bytes:
    """The higher rank of each pair of registers, which gives the union of two sets."""
    first, second = int.from_bytes(one, "little"), int.from_bytes(other, "little")
    # Ranks have at most 7 bits, so in each byte the borrow of a subtraction ends in the sign bit.
    is_higher = ((first | _SIGN_BITS) - second) & _SIGN_BITS
    mask = is_higher - (is_higher >> 7)
    return (second ^ ((first ^ second) & mask)).to_bytes(REGISTERS, "little")


def dense_with(header: Data, registers: bytes) -> bytearray:
    """A dense value with these registers, and with the header of another value but for the encoding."""
    dense = bytearray(header[:HEADER_BYTES])
    dense[_ENCODING_AT] = _DENSE
    dense += _packed(registers)
    return dense


def estimate(registers: bytes) -> int:
    """The estimated size of the set with these registers (Otmar Ertl's estimator, arXiv:1702.01284, algorithm 6)."""
    counts = [0] * _RANKS
    left = REGISTERS
    rank: i64 = 0
    while left > 0:
        count = registers.count(rank)
        counts[rank] = count
        left -= count
        rank += 1
    size = float(REGISTERS)
    sum_ = size * _tau((size - counts[_MAX_RANK]) / size)
    for number in range(_MAX_RANK - 1, 0, -1):
        sum_ = (sum_ + counts[number]) * 0.5
    sum_ += size * _sigma(counts[0] / size)
    if sum_ == 0.0:
        return _INT64_MIN  # all registers have the highest rank: the estimate is infinite, and C converts it to this
    return _rounded(_HALF_INVERSE_LN2 * size * size / sum_)


def _rounded(number: float) -> int:
    """The nearest integer, halves away from zero."""
    whole = int(number)
    return whole + 1 if number - whole >= 0.5 else whole


def _sigma(share: float) -> float:
    """The contribution of the empty registers."""
    if share == 1.0:
        return math.inf
    weight = 1.0
    result = share
    before = -1.0
    while before != result:
        share *= share
        before = result
        result += share * weight
        weight += weight
    return result


def _tau(share: float) -> float:
    """The contribution of the registers with the highest rank."""
    if share in {0.0, 1.0}:
        return 0.0
    weight = 1.0
    result = 1.0 - share
    before = -1.0
    while before != result:
        share = math.sqrt(share)
        before = result
        weight *= 0.5
        result -= (1.0 - share) * (1.0 - share) * weight
    return result / 3.0


# Single registers.


def raise_dense(buffer: bytearray, index: i64, rank: i64) -> bool:
    """Raise a register of a dense value to a rank; False if its rank is as high already."""
    bit = index * 6
    at = HEADER_BYTES + (bit >> 3)
    shift = bit & 7
    pair: i64 = buffer[at]
    if shift > 2:
        following: i64 = buffer[at + 1]
        pair |= following << 8
    if pair >> shift & 63 >= rank:
        return False
    mask: i64 = 63
    pair = (pair & ~(mask << shift)) | rank << shift
    buffer[at] = pair & 255
    if shift > 2:
        buffer[at + 1] = pair >> 8
    return True


def _opcode_bytes(opcode: i64) -> i64:
    return 2 if opcode & 0xC0 == _LONG_ZERO_OPCODE else 1


def _span(data: bytes, at: i64) -> i64:
    """How many registers an opcode covers; a missing second byte counts as zero, like the end of a C string."""
    opcode: i64 = data[at]
    if opcode & _VALUE_OPCODE:
        return (opcode & 3) + 1
    if not opcode & _LONG_ZERO_OPCODE:
        return opcode + 1
    low: i64 = data[at + 1] if at + 1 < len(data) else 0
    return ((opcode & 63) << 8 | low) + 1


def _zeros(count: i64) -> bytes:
    """The opcode for ``count`` zero registers; empty if there are none."""
    if count == 0:
        return b""
    if count <= _SHORT_ZERO_LIMIT:
        return bytes((count - 1,))
    return bytes((_LONG_ZERO_OPCODE | (count - 1) >> 8, (count - 1) & 255))


def _values(rank: i64, count: i64) -> bytes:
    """The opcode for ``count`` registers (at most 4) of a rank; empty if there are none."""
    if count == 0:
        return b""
    return bytes((_VALUE_OPCODE | (rank - 1) << 2 | (count - 1),))


class SparseEditor:
    """Raises registers of a sparse value in its buffer.

    The editor searches from left to right for the opcode that covers a register. If registers are raised in ascending
    order, a search can start two opcodes before the last change, because nothing before that has changed. Otherwise the
    caller must call :meth:`rewind` first.
    """

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self._content = bytes(buffer)
        # Where the next search begins: an opcode, and the first register that it covers.
        self._start: i64 = HEADER_BYTES
        self._start_register: i64 = 0
        # What the search found: the opcode, its first register, how many it covers, and the opcode before (-1: none).
        self._at: i64 = 0
        self._first: i64 = 0
        self._covered: i64 = 0
        self._previous: i64 = -1

    def rewind(self) -> None:
        """Search from the first opcode again."""
        self._start = HEADER_BYTES
        self._start_register = 0

    def raise_register(self, index: i64, rank: i64, limit: i64) -> i64:
        """Raise a register to a rank of at most 32, unless that makes the value longer than ``limit`` bytes."""
        if not self._find(index):
            return CORRUPT
        content = self._content
        at = self._at
        opcode: i64 = content[at]
        old_rank: i64 = 0
        if opcode & _VALUE_OPCODE:
            old_rank = (opcode >> 2 & 31) + 1
            if old_rank >= rank:
                return UNCHANGED
        before = index - self._first
        after = self._covered - before - 1
        if old_rank > 0:
            opcodes = _values(old_rank, before) + _values(rank, 1) + _values(old_rank, after)
        else:
            opcodes = _zeros(before) + _values(rank, 1) + _zeros(after)
        old_bytes = _opcode_bytes(opcode)
        growth = len(opcodes) - old_bytes
        if growth > 0 and len(content) + growth > limit:
            return TOO_LONG
        self.buffer[at : at + old_bytes] = opcodes
        # A long opcode whose second byte is missing counts as two bytes nevertheless.
        del self.buffer[len(content) + growth :]
        self._join_values()
        forget_estimate(self.buffer)
        self._content = bytes(self.buffer)
        return CHANGED

    def _find(self, index: i64) -> bool:
        """Find the opcode that covers a register, and where the next search can begin; False if no opcode covers it."""
        content = self._content
        end: i64 = len(content)
        at = self._start
        first = self._start_register
        previous: i64 = -1
        previous_first: i64 = 0
        second_last: i64 = HEADER_BYTES
        second_last_first: i64 = 0
        while at < end:
            opcode: i64 = content[at]
            span: i64
            size: i64 = 1
            if opcode & _VALUE_OPCODE:
                span = (opcode & 3) + 1
            elif opcode & _LONG_ZERO_OPCODE:
                span = _span(content, at)
                size = 2
            else:
                span = opcode + 1
            if index < first + span:
                self._at = at
                self._first = first
                self._covered = span
                self._previous = previous
                self._start = second_last
                self._start_register = second_last_first
                return True
            if previous >= 0:
                second_last = previous
                second_last_first = previous_first
            previous = at
            previous_first = first
            at += size
            first += span
        return False

    def _join_values(self) -> None:
        """Join neighbouring opcodes of the same rank around the change, as far as Redis does (7.2 hllSparseSet)."""
        buffer = self.buffer
        at = self._previous if self._previous >= 0 else HEADER_BYTES
        scans: i64 = _JOIN_SCAN
        while at < len(buffer) and scans > 0:
            scans -= 1
            opcode: i64 = buffer[at]
            if opcode & _VALUE_OPCODE and at + 1 < len(buffer):
                following: i64 = buffer[at + 1]
                count = (opcode & 3) + (following & 3) + 2
                if opcode >> 2 == following >> 2 and count <= _VALUE_RUN_LIMIT:
                    del buffer[at]
                    buffer[at] = following & ~3 | (count - 1)
                    continue
            at += _opcode_bytes(opcode)


def described(data: Data) -> bytes:
    """The opcodes of a sparse value as text, for PFDEBUG DECODE."""
    content = bytes(data)
    words: list[bytes] = []
    at: i64 = HEADER_BYTES
    while at < len(content):
        opcode: i64 = content[at]
        span = _span(content, at)
        if opcode & _VALUE_OPCODE:
            words.append(b"v:%d,%d" % ((opcode >> 2 & 31) + 1, span))
        else:
            words.append((b"Z:%d" if opcode & _LONG_ZERO_OPCODE else b"z:%d") % span)
        at += _opcode_bytes(opcode)
    return b" ".join(words)
