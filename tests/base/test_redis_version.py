import pytest

from pyredmem.base.redis_version import version_parts


@pytest.mark.parametrize(
    ("version", "parts"),
    [
        ("7.2.6", (7, 2, 6)),
        ("7.4", (7, 4, 0)),
        ("8", (8, 0, 0)),
        ("8.0-m01", (8, 0, 0)),
        ("7.4.1-rc1", (7, 4, 1)),
        ("255.255.255", (255, 255, 255)),
        ("7.256.1", (7, 0, 1)),
        ("unstable", (0, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_parts_that_are_missing_or_no_numbers_are_0(version: str, parts: tuple[int, int, int]) -> None:
    assert version_parts(version) == parts
