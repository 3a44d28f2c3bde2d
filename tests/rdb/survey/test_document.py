"""Numbers of a report as text."""

from __future__ import annotations

import pytest

from pyredmem.rdb.survey.document import RATIO, Change, Number, count_of, share_of, size_of, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (150_000, "146.5 KiB"),
        (5 << 20, "5.00 MiB"),
        (3 << 30, "3.00 GiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_a_size_has_a_unit(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_number_tells_whether_it_is_an_average() -> None:
    assert [number.text() for number in (count_of(12_345), count_of(5, True), size_of(2048, True))] == [
        "12,345",
        "~5",
        "~2.00 KiB",
    ]
    assert [number.text() for number in (share_of(1, 8), share_of(1, 0), Number(1.5, RATIO))] == [
        "12.5%",
        "0.0%",
        "1.500",
    ]


def test_a_change_has_its_sign() -> None:
    assert [Change(size).text() for size in (-2048, 512, 0)] == ["\N{MINUS SIGN}2.00 KiB", "+512 B", "+0 B"]
