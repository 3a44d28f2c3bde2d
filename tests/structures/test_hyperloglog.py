"""HyperLogLogs in bytes: encodings, single registers, all registers, estimates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.structures import hyperloglog
from pyredmem.structures.hyperloglog import CHANGED, CORRUPT, REGISTERS, TOO_LONG, UNCHANGED, SparseEditor

HEADER = b"HYLL\x01\x00\x00\x00" + bytes(8)
NO_LIMIT = 1 << 20
SPARSE_RANKS = st.integers(1, 32)
INDICES = st.integers(0, REGISTERS - 1) | st.integers(0, 20)


def registers_with(ranks: dict[int, int]) -> bytes:
    registers = bytearray(REGISTERS)
    for index, rank in ranks.items():
        registers[index] = rank
    return bytes(registers)


def raised(changes: list[tuple[int, int]]) -> bytearray:
    buffer = hyperloglog.new_hyperloglog()
    editor = SparseEditor(buffer)
    for index, rank in changes:
        editor.rewind()
        assert editor.raise_register(index, rank, NO_LIMIT) in {CHANGED, UNCHANGED}
    return buffer


def test_a_new_hyperloglog_is_a_single_opcode() -> None:
    assert hyperloglog.new_hyperloglog() == HEADER + b"\x7f\xff"


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        (HEADER, True),
        (HEADER[:15], False),
        (b"", False),
        (b"hyll" + HEADER[4:], False),
        (b"HYLL\x00" + bytes(11), False),
        (b"HYLL\x00" + bytes(11 + 12288), True),
        (b"HYLL\x00" + bytes(11 + 12289), False),
        (b"HYLL\x02" + bytes(13), False),
    ],
)
def test_what_is_accepted_as_a_hyperloglog(data: bytes, valid: bool) -> None:
    assert hyperloglog.is_hyperloglog(data) == valid


def test_an_element_has_a_register_and_a_rank() -> None:
    place = hyperloglog.register_of(b"a")
    assert (place & (REGISTERS - 1), place >> 14) == (12711, 2)


@given(st.dictionaries(st.integers(0, REGISTERS - 1), st.integers(1, 63), max_size=50))
def test_dense_registers_are_unpacked_as_they_were_packed(ranks: dict[int, int]) -> None:
    registers = registers_with(ranks)
    dense = hyperloglog.dense_with(HEADER, registers)
    assert len(dense) == 12304
    assert hyperloglog.is_hyperloglog(dense)
    assert not hyperloglog.is_sparse(dense)
    assert hyperloglog.registers_of(dense) == registers


@given(st.lists(st.tuples(INDICES, st.integers(1, 63)), max_size=50))
def test_raising_dense_registers_one_by_one_gives_the_same_bytes_as_packing_them(
    changes: list[tuple[int, int]],
) -> None:
    dense = hyperloglog.dense_with(HEADER, bytes(REGISTERS))
    ranks: dict[int, int] = {}
    for index, rank in [*changes, (REGISTERS - 1, 63), (REGISTERS - 2, 1)]:
        assert hyperloglog.raise_dense(dense, index, rank) == (rank > ranks.get(index, 0))
        ranks[index] = max(rank, ranks.get(index, 0))
    assert dense == hyperloglog.dense_with(HEADER, registers_with(ranks))


@given(st.lists(st.tuples(INDICES, SPARSE_RANKS), max_size=80))
def test_sparse_registers_are_read_as_they_were_raised(changes: list[tuple[int, int]]) -> None:
    ranks: dict[int, int] = {}
    for index, rank in changes:
        ranks[index] = max(rank, ranks.get(index, 0))
    assert hyperloglog.registers_of(raised(changes)) == registers_with(ranks)


@given(st.dictionaries(INDICES, st.integers(1, 3), max_size=80))
def test_raising_registers_in_ascending_order_without_rewinding_writes_the_same_opcodes(ranks: dict[int, int]) -> None:
    buffer = hyperloglog.new_hyperloglog()
    editor = SparseEditor(buffer)
    for index in sorted(ranks):
        assert editor.raise_register(index, ranks[index], NO_LIMIT) == CHANGED
    assert buffer == raised(sorted(ranks.items()))


def test_opcodes_are_split_and_joined_as_registers_are_raised() -> None:
    buffer = raised([(index, 1) for index in (5, 4, 6, 7, 8, 3)])
    assert hyperloglog.described(buffer) == b"z:3 v:1,1 v:1,4 v:1,1 Z:16375"


def test_raising_a_register_inside_a_run_of_values_splits_the_run() -> None:
    buffer = raised([(0, 1), (1, 1), (2, 1), (1, 2)])
    assert hyperloglog.described(buffer) == b"v:1,1 v:2,1 v:1,1 Z:16381"


def test_the_limit_applies_only_to_changes_that_make_the_value_longer() -> None:
    buffer = hyperloglog.new_hyperloglog()
    editor = SparseEditor(buffer)
    assert editor.raise_register(10, 1, 18) == TOO_LONG
    assert buffer == hyperloglog.new_hyperloglog()
    assert editor.raise_register(10, 1, 20) == CHANGED
    editor.rewind()
    assert editor.raise_register(10, 2, 20) == CHANGED
    assert editor.raise_register(10, 2, 20) == UNCHANGED


def test_a_register_that_no_opcode_covers_is_reported_as_corruption() -> None:
    editor = SparseEditor(bytearray(HEADER + b"\x3f"))
    assert editor.raise_register(64, 1, NO_LIMIT) == CORRUPT
    assert editor.raise_register(63, 1, NO_LIMIT) == CHANGED


@pytest.mark.parametrize("opcodes", [b"", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x7f", b"\x7f\xfe\x81"])
def test_opcodes_that_do_not_cover_exactly_all_registers_are_refused(opcodes: bytes) -> None:
    assert hyperloglog.registers_of(HEADER + opcodes) is None


@given(st.binary(min_size=40, max_size=40), st.binary(min_size=40, max_size=40))
def test_the_union_has_the_higher_rank_of_each_register(one: bytes, other: bytes) -> None:
    first = bytes(byte & 63 for byte in one) + bytes(REGISTERS - 40)
    second = bytes(REGISTERS - 40) + bytes(byte & 63 for byte in other)
    second = bytes(byte & 63 for byte in other[:20]) + second[20:]
    merged = bytes(max(a, b) for a, b in zip(first, second, strict=True))
    assert hyperloglog.highest(first, second) == merged == hyperloglog.highest(second, first)


def test_the_estimate_of_an_empty_set_is_zero() -> None:
    assert hyperloglog.estimate(bytes(REGISTERS)) == 0


def test_registers_that_all_have_the_highest_rank_give_the_integer_of_an_infinite_estimate() -> None:
    assert hyperloglog.estimate(b"\x3f" * REGISTERS) == -(2**63)


@pytest.mark.parametrize("size", [1, 10, 100, 1000, 20000])
def test_estimates_are_close_to_the_true_size(size: int) -> None:
    dense = hyperloglog.dense_with(HEADER, bytes(REGISTERS))
    for number in range(size):
        place = hyperloglog.register_of(b"%d" % number)
        hyperloglog.raise_dense(dense, place & (REGISTERS - 1), place >> 14)
    registers = hyperloglog.registers_of(dense)
    assert registers is not None
    assert abs(hyperloglog.estimate(registers) - size) <= 0.03 * size


def test_an_estimate_is_remembered_until_it_is_forgotten() -> None:
    buffer = hyperloglog.new_hyperloglog()
    assert hyperloglog.known_estimate(buffer) == 0
    hyperloglog.remember_estimate(buffer, 12345)
    assert hyperloglog.known_estimate(buffer) == 12345
    hyperloglog.forget_estimate(buffer)
    assert hyperloglog.known_estimate(buffer) is None
