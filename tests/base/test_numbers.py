"""Integers, doubles, long doubles and sizes: each rule, and the comparison with a real server."""

from __future__ import annotations

import math
import random
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredmem.base.double_text import format_by_grisu, length_by_grisu, power_of_ten
from pyredmem.base.numbers import (
    INT64_MAX,
    INT64_MIN,
    UINT64_MAX,
    format_double,
    human_size,
    integer_length,
    integer_text,
    parse_double,
    parse_integer,
    parse_long_double,
    parse_memory,
    parse_unsigned,
)
from tests.support.servers import Server
from tests.support.wire import Array, Bulk, Error

with_server = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

integers = st.integers(INT64_MIN, INT64_MAX)
finite = st.floats(allow_nan=False, allow_infinity=False)

# Texts that are numbers, or are nearly numbers.
digits = st.text("0123456789", max_size=22)
spellings = st.one_of(
    st.text("0123456789+-. eExXaAfFpP_infN\t\0", max_size=8),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "-", "+", "--", " "]),
        digits,
        st.sampled_from(["", ".", ".5", ".0001", "e", "e5", "e-3", "E+02", "x", " ", "_1"]),
        digits,
    ),
    finite.map(repr),
    finite.map(float.hex),
    st.builds("{}e{}".format, digits, st.integers(-6000, 6000)),
    st.builds("0x{:x}.{:x}p{}".format, st.integers(0), st.integers(0), st.integers(-20000, 20000)),
    st.sampled_from(["inf", "-inf", "+Infinity", "nan", "-nan", "nan(1)", "infinit", "0x", "0x.", "0x1p", ".", ""]),
).map(str.encode)


class TestIntegers:
    @given(integers)
    def test_every_64_bit_integer_is_read(self, value: int) -> None:
        assert parse_integer(b"%d" % value) == value

    @given(st.one_of(integers, st.integers(-2000, 10**7)))
    def test_every_64_bit_integer_is_written_in_its_canonical_spelling(self, value: int) -> None:
        assert integer_text(value) == str(value).encode()
        assert integer_length(value) == len(str(value))

    @pytest.mark.parametrize("value", [0, -1, INT64_MIN, INT64_MAX, 10**18, 10**18 - 1, -(10**18), 1 - 10**17])
    def test_the_lowest_and_highest_integers_are_read(self, value: int) -> None:
        assert parse_integer(b"%d" % value) == value

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"-",
            b"+1",
            b"01",
            b"-0",
            b"-01",
            b"00",
            b" 1",
            b"1 ",
            b"1.0",
            b"1e3",
            b"1_0",
            b"a",
            b"--1",
            b"-a",
            b"9223372036854775808",
            b"-9223372036854775809",
            b"9" * 20,
            b"9" * 21,
            b"1\0",
            b"/",
            b":",
            b"\xb2",
        ],
    )
    def test_any_other_spelling_is_refused(self, text: bytes) -> None:
        assert parse_integer(text) is None

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b"0", 0),
            (b"18446744073709551615", UINT64_MAX),
            (b"18446744073709551616", None),
            (b"-1", None),
            (b"-01", UINT64_MAX),
            (b"+7", 7),
            (b" 007", 7),
            (b"7 ", None),
            (b"", None),
            (b"7\0x", 7),
            (b"1x", None),
        ],
    )
    def test_unsigned_integers_are_read_as_strtoull_reads_them(self, text: bytes, value: int | None) -> None:
        assert parse_unsigned(text) == value

    @pytest.mark.needs_redis
    @with_server
    @given(st.lists(spellings, min_size=40, max_size=60))
    def test_a_real_server_takes_the_same_texts_for_integers(self, real: Server, texts: list[bytes]) -> None:
        with real.connect() as wire:
            wire.pipeline([("SET", b"k%d" % i, text) for i, text in enumerate(texts)])
            replies = wire.pipeline([("OBJECT", "ENCODING", b"k%d" % i) for i in range(len(texts))])
        for text, reply in zip(texts, replies, strict=True):
            assert (reply == Bulk(b"int")) == (parse_integer(text) is not None), text


class TestDoubles:
    @given(finite)
    def test_every_double_that_python_prints_is_read(self, value: float) -> None:
        assert parse_double(repr(value).encode()) == value

    @pytest.mark.parametrize(
        "text",
        [b"", b" 1", b"1 ", b"nan", b"1e400", b"-1e400", b"1e-400", b"1_0", b"0x", b"0x1p", b"1\0", b"\n1"],
    )
    def test_a_text_that_is_not_a_double_is_refused(self, text: bytes) -> None:
        assert parse_double(text) is None

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b"inf", math.inf),
            (b"-Infinity", -math.inf),
            (b"0x1p3", 8.0),
            (b".5", 0.5),
            (b"5.", 5.0),
            (b"0e999", 0.0),
        ],
    )
    def test_other_spellings_are_read_as_c_reads_them(self, text: bytes, value: float) -> None:
        assert parse_double(text) == value

    @pytest.mark.needs_redis
    @with_server
    @given(st.lists(spellings, min_size=40, max_size=60))
    def test_a_real_server_reads_the_same_doubles(self, real: Server, texts: list[bytes]) -> None:
        with real.connect() as wire:
            replies = wire.pipeline([("ZADD", b"z%d" % i, text, "m") for i, text in enumerate(texts)])
            scores = wire.pipeline([("ZSCORE", b"z%d" % i, "m") for i in range(len(texts))])
            wire.do("FLUSHALL")
        for text, reply, score in zip(texts, replies, scores, strict=True):
            value = parse_double(text)
            assert isinstance(reply, Error) == (value is None), text
            if value is not None:
                assert isinstance(score, Bulk)
                assert float(score.data) == value, text


class TestDoubleText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.0, b"0"),
            (-0.0, b"-0"),
            (3.0, b"3"),
            (-3.5, b"-3.5"),
            (0.1, b"0.1"),
            (math.inf, b"inf"),
            (-math.inf, b"-inf"),
            (math.nan, b"nan"),
            (2.0**62, b"4611686018427387904"),
            (2.0**63, b"9223372036854776000"),
            (1e20, b"1e+20"),
            (1e-6, b"0.000001"),
            (1e-7, b"1e-7"),
            (1.5e-7, b"1.5e-7"),
            (1.25e-5, b"1.25e-5"),
            (1.234567e-4, b"1.234567e-4"),
            (123456789.125, b"123456789.125"),
            (1.7976931348623157e308, b"1.7976931348623157e+308"),
            (5e-324, b"5e-324"),
            (-1e-300, b"-1e-300"),
            (99.70830535888672, b"99.70830535888672"),
            # Numbers for which Redis's method does not find the shortest digits.
            (0.56744, b"0.5674400000000001"),
            (504.703519, b"504.70351899999997"),
        ],
    )
    def test_a_double_is_written_as_redis_writes_it(self, value: float, text: bytes) -> None:
        assert format_double(value) == text

    @given(st.integers(1, 10**15), st.integers(1, 7), st.booleans())
    @settings(max_examples=2000)
    def test_short_decimals_have_the_digits_of_the_method_too(self, digits: int, decimals: int, negative: bool) -> None:
        value = digits / 10**decimals * (-1 if negative else 1)
        if value != int(value):
            assert format_double(value) == format_by_grisu(value)

    @given(st.integers(1, 2**20), st.integers(1, 60))
    def test_fractions_of_powers_of_two_have_the_digits_of_the_method_too(self, numerator: int, power: int) -> None:
        value = numerator / 2**power
        if value != int(value):
            assert format_double(value) == format_by_grisu(value)

    @given(finite)
    def test_the_text_reads_back_as_the_same_double(self, value: float) -> None:
        assert float(format_double(value)) == value

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (5e-324, b"5e-324"),  # the least double, whose neighbours are 0 and twice as much
            (2.225073858507201e-308, b"2.225073858507201e-308"),
            (2.2250738585072014e-308, b"2.2250738585072014e-308"),
            (2.0**-1000, b"9.332636185032189e-302"),
            (2.0**1000, b"1.0715086071862673e+301"),
            (1.7976931348623157e308, b"1.7976931348623157e+308"),
        ],
    )
    def test_the_digits_of_the_least_and_the_greatest_doubles_are_found(self, value: float, text: bytes) -> None:
        assert format_by_grisu(value) == text
        assert length_by_grisu(value) == len(text)

    @given(finite)
    @settings(max_examples=1000)
    def test_the_length_of_a_text_is_told_without_the_text(self, value: float) -> None:
        if value != 0.0:
            assert length_by_grisu(value) == len(format_by_grisu(value))

    @given(st.integers(1, 10**17), st.integers(-30, 30))
    @settings(max_examples=1000)
    def test_the_length_is_right_in_plain_and_in_scientific_notation(self, digits: int, power: int) -> None:
        value = -float(f"{digits}e{power}")
        assert length_by_grisu(value) == len(format_by_grisu(value))

    def test_the_text_is_the_shortest_one_except_for_one_double_in_a_thousand(self) -> None:
        chance = random.Random(1)
        values = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(5000)]
        longer = sum(
            len(format_double(value).lstrip(b"-").partition(b"e")[0].replace(b".", b"").strip(b"0"))
            > len(repr(value).lstrip("-").partition("e")[0].replace(".", "").strip("0"))
            for value in values
            if math.isfinite(value)
        )
        assert longer <= 25

    @pytest.mark.parametrize("power", range(-348, 341, 8))
    def test_a_power_of_ten_fills_64_bits(self, power: int) -> None:
        significand, _ = power_of_ten(power)
        assert significand.bit_length() == 64


def added(first: bytes, second: bytes) -> bytes | None:
    """The reply of an INCRBYFLOAT of ``second`` on a key that holds ``first``; None for any error."""
    value = parse_long_double(first)
    increment = parse_long_double(second)
    if value is None or increment is None:
        return None
    total = value.plus(increment)
    return total.text() if total.finite else None


amounts = st.one_of(
    spellings,
    integers.map(str).map(str.encode),
    st.decimals(-1000, 1000, places=3).map(str).map(str.encode),
    st.builds("{}.{}".format, st.integers(-(10**25), 10**25), st.integers(0, 10**25)).map(str.encode),
)


class TestLongDoubles:
    @pytest.mark.parametrize(
        ("first", "second", "total"),
        [
            (b"3.0e3", b"200", b"3200"),
            (b"10", b"1e-5", b"10.00001"),
            (b"5.0", b"-5", b"0"),
            (b"-1e-30", b"0", b"0"),
            (b"0x10", b"0.5", b"16.5"),
            (b"0.1", b"0.2", b"0.3"),
            (b"1e4932", b"1e4932", None),
            (b"1", b"inf", None),
            (b"-inf", b"inf", None),
            (b"1", b"nan", None),
            (b"1", b"1e-5000", None),
            (b"1", b"1e-4940", b"1"),
            (b"0" * 5119, b"1", b"1"),
            (b"0" * 5120, b"1", None),
            (b"0e" + b"9" * 5000, b"1", b"1"),
        ],
    )
    def test_the_sum_has_the_precision_of_80_bits(self, first: bytes, second: bytes, total: bytes | None) -> None:
        assert added(first, second) == total

    def test_numbers_of_thousands_of_digits_are_written_in_full(self) -> None:
        total = added(b"1e4931", b"0")
        assert total is not None
        assert len(total) == 4932

    @pytest.mark.needs_redis
    @with_server
    @given(st.lists(st.tuples(amounts, amounts), min_size=40, max_size=60))
    def test_a_real_server_gives_the_same_sums(self, real: Server, pairs: list[tuple[bytes, bytes]]) -> None:
        with real.connect() as wire:
            wire.pipeline([("SET", b"f%d" % i, first) for i, (first, _) in enumerate(pairs)])
            replies = wire.pipeline([("INCRBYFLOAT", b"f%d" % i, second) for i, (_, second) in enumerate(pairs)])
            wire.do("FLUSHALL")
        for (first, second), reply in zip(pairs, replies, strict=True):
            assert (reply.data if isinstance(reply, Bulk) else None) == added(first, second), (first, second)

    @pytest.mark.needs_redis
    @with_server
    @given(st.lists(amounts, min_size=30, max_size=30))
    def test_a_real_server_gives_the_same_sums_over_many_steps(self, real: Server, steps: list[bytes]) -> None:
        with real.connect() as wire:
            wire.do("DEL", "f")
            replies = wire.pipeline([("INCRBYFLOAT", "f", step) for step in steps])
        current = b"0"
        for step, reply in zip(steps, replies, strict=True):
            total = added(current, step)
            assert (reply.data if isinstance(reply, Bulk) else None) == total, (current, step)
            current = total or current


class TestSizes:
    @pytest.mark.parametrize(
        ("size", "text"),
        [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (904499, "883.30K"),
            (1024**2, "1.00M"),
            (1024**3 - 1, "1024.00M"),
            (5 * 1024**4, "5.00T"),
            (3 * 1024**5, "3.00P"),
            (1024**6, "1152921504606846976B"),
        ],
    )
    def test_a_size_is_printed_as_info_prints_it(self, size: int, text: str) -> None:
        assert human_size(size) == text

    @pytest.mark.parametrize(
        ("text", "size"),
        [
            ("0", 0),
            ("100", 100),
            ("100b", 100),
            ("1k", 1000),
            ("1Kb", 1024),
            ("1G", 10**9),
            ("1gb", 1024**3),
            ("2mB", 2 * 1024**2),
            ("gb", 0),
            ("", 0),
            ("99999999999999999999", UINT64_MAX),
            ("1 gb", None),
            ("-1", None),
            ("1.5gb", None),
            ("1tb", None),
            ("0x10", None),
            ("\u0663", None),
        ],
    )
    def test_a_size_is_read_with_its_unit(self, text: str, size: int | None) -> None:
        assert parse_memory(text) == size

    @pytest.mark.needs_redis
    @with_server
    @given(
        st.lists(
            st.builds(
                "{}{}".format,
                st.integers(0, 10**21),
                st.sampled_from(["", "b", "K", "kB", "m", "MB", "g", "Gb", "t"]),
            ),
            min_size=10,
            max_size=20,
        )
    )
    def test_a_real_server_reads_the_same_sizes(self, real: Server, texts: list[str]) -> None:
        with real.connect() as wire:
            for text in texts:
                reply = wire.do("CONFIG", "SET", "maxmemory", text)
                value = parse_memory(text)
                assert isinstance(reply, Error) == (value is None), text
                if value is not None:
                    assert wire.do("CONFIG", "GET", "maxmemory") == Array((Bulk(b"maxmemory"), Bulk(b"%d" % value)))
            wire.do("CONFIG", "SET", "maxmemory", "0")
