"""Addresses of servers, in all the forms that code may have."""

from __future__ import annotations

import pytest

from pyredmem.client.addresses import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", "localhost:6379"),
        ("127.0.0.1:6379", "localhost:6379"),
        ("[::1]:7000", "localhost:7000"),
        ("::1", "localhost:6379"),
        ("Cache", "cache:6379"),
        ("cache:7000", "cache:7000"),
        ("redis://cache", "cache:6379"),
        ("redis://:secret@cache:7000/3?protocol=3", "cache:7000"),
        ("rediss://cache:7000", "cache:7000"),
        ("redis://", "localhost:6379"),
        ("fe80::1", "fe80::1:6379"),
        ("/run/redis.sock", "/run/redis.sock"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock"),
        ("*", "*"),
    ],
)
def test_an_address_has_one_form(text: str, expected: str) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["http://cache", "cache:port"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cache"):
        parse(text)
