"""Numbers as a terminal shows them."""

from __future__ import annotations

import pytest

from pyredmem.monitor.top.texts import count, cut, duration, microseconds, percent, rate, size


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (size(1_000_000), "976.56K"),
        (size(12), "12B"),
        (count(12_345), "12,345"),
        (count(123_456_789), "123M"),
        (rate(0), "0.0"),
        (rate(99.94), "99.9"),
        (rate(1234.5), "1,234"),
        (percent(0.9312), "93.1%"),
        (microseconds(1.004), "1.00 µs"),
        (microseconds(12.34), "12.3 µs"),
        (microseconds(999), "999 µs"),
        (microseconds(1500), "1.50 ms"),
        (microseconds(2_500_000), "2.50 s"),
        (duration(59), "59 s"),
        (duration(3599), "59 m 59 s"),
        (duration(7320), "2 h 2 m"),
        (duration(180_000), "2 d 2 h"),
    ],
)
def test_numbers_are_short(shown: str, text: str) -> None:
    assert shown == text


@pytest.mark.parametrize("write", [size, count, rate, percent, microseconds, duration])
def test_no_number_is_a_dash(write: object) -> None:
    assert callable(write)
    assert write(None) == "-"


def test_a_long_text_ends_with_an_ellipsis() -> None:
    assert [cut("memory", width) for width in (7, 6, 5, 1, 0)] == ["memory", "memory", "memo…", "…", ""]
