"""Bit arithmetic, compared with a bit-by-bit reference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyredmem.objects import bits

DATA = st.binary(min_size=1, max_size=40)


def in_order(data: bytes | bytearray) -> list[int]:
    """The bits of a string, from the highest bit of the first byte on."""
    return [byte >> (7 - place) & 1 for byte in data for place in range(8)]


@given(DATA, st.data())
def test_a_bit_is_read_and_changed_in_its_byte(data: bytes, draw: st.DataObject) -> None:
    offset = draw.draw(st.integers(0, len(data) * 8 - 1))
    bit = draw.draw(st.integers(0, 1))
    expected = in_order(data)
    changed = bytearray(data)
    assert bits.bit_of(changed[offset >> 3], offset) == expected[offset]
    changed[offset >> 3] = bits.with_bit(changed[offset >> 3], offset, bit)
    expected[offset] = bit
    assert in_order(changed) == expected


@given(DATA, st.data())
def test_count_and_find(data: bytes, draw: st.DataObject) -> None:
    first = draw.draw(st.integers(0, len(data) * 8 - 1))
    last = draw.draw(st.integers(0, len(data) * 8 - 1))
    part = in_order(data)[first : last + 1]
    assert bits.count_bits(data, first, last) == sum(part)
    for bit in (0, 1):
        expected = first + part.index(bit) if bit in part else -1
        assert bits.find_bit(bytearray(data), bit, first, last) == expected


@given(st.integers(0, 200_000), st.sampled_from([b"\x00", b"\xff"]), st.integers(0, 7))
def test_long_runs_are_counted_and_searched(place: int, filler: bytes, bit: int) -> None:
    data = bytearray(filler * 200_001)
    data[place] ^= 128 >> bit
    wanted = 1 if filler == b"\x00" else 0
    end = len(data) * 8 - 1
    assert bits.find_bit(data, wanted, 0, end) == place * 8 + bit
    assert bits.find_bit(data, wanted, place * 8 + bit + 1, end) == -1
    assert bits.count_bits(data, 0, end) == (1 if wanted else end)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_combine(sources: list[bytes]) -> None:
    size = max(len(source) for source in sources)
    columns = list(zip(*[source.ljust(size, b"\0") for source in sources], strict=True))
    conjunction, disjunction, difference = bytearray(), bytearray(), bytearray()
    for column in columns:
        together, either, odd = 255, 0, 0
        for byte in column:
            together &= byte
            either |= byte
            odd ^= byte
        conjunction.append(together)
        disjunction.append(either)
        difference.append(odd)
    assert bits.combine(bits.AND, list(sources)) == conjunction
    assert bits.combine(bits.OR, list(sources)) == disjunction
    assert bits.combine(bits.XOR, list(sources)) == difference


@given(st.binary(max_size=40))
def test_invert(data: bytes) -> None:
    assert in_order(bits.invert(data)) == [1 - bit for bit in in_order(data)]


@given(DATA, st.integers(0, 400), st.integers(1, 64))
def test_field_at_reads_bits_after_the_end_as_zero(data: bytes, offset: int, width: int) -> None:
    digits = (in_order(data) + [0] * 500)[offset : offset + width]
    expected = int("".join(map(str, digits)), 2)
    assert bits.field_at(data, offset, width) == expected
    signed = bits.as_signed(expected, width)
    assert signed == (expected - (1 << width) if digits[0] else expected)


@given(st.binary(min_size=10, max_size=40), st.integers(1, 64), st.integers(-(1 << 63), (1 << 63) - 1), st.data())
def test_set_field_changes_no_other_bits(data: bytes, width: int, number: int, draw: st.DataObject) -> None:
    offset = draw.draw(st.integers(0, len(data) * 8 - width))
    buffer = bytearray(data)
    bits.set_field(buffer, offset, width, number)
    expected = in_order(data)
    expected[offset : offset + width] = [number >> (width - 1 - place) & 1 for place in range(width)]
    assert in_order(buffer) == expected
