"""Glob patterns: each rule; the prepared form compared with the plain matcher; both compared with a real server."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredmem.base.glob import Glob, match
from tests.support.servers import Server
from tests.support.wire import Array, Bulk, Reply

CASES = [
    (b"", b"", True),
    (b"", b"a", False),
    (b"*", b"", False),
    (b"*", b"a", True),
    (b"**", b"abc", True),
    (b"a*", b"a", True),
    (b"a*c", b"abbbc", True),
    (b"a*c", b"abbb", False),
    (b"*a*b*", b"xxayybzz", True),
    (b"ab*ba", b"aba", False),
    (b"a?c", b"abc", True),
    (b"a?c", b"ac", False),
    (b"?", b"", False),
    (b"[abc]x", b"bx", True),
    (b"[^abc]x", b"bx", False),
    (b"[^abc]x", b"zx", True),
    (b"[a-c]", b"b", True),
    (b"[c-a]", b"b", True),
    (b"[a-]", b"a", True),
    (b"[a-]", b"-", False),
    (b"[-a]", b"-", True),
    (b"[]", b"]", False),
    (b"[\\]]", b"]", True),
    (b"[\\a-z]", b"-", True),
    (b"[\\a-z]", b"m", False),
    (b"[abc", b"c", True),
    (b"[^", b"x", True),
    (b"[", b"[", False),
    (b"[\\", b"\\", True),
    (b"\\*", b"*", True),
    (b"\\*", b"a", False),
    (b"a\\", b"a\\", True),
    (b"\\\\", b"\\", True),
    (b"[\x7f-\x80]", b"a", True),
    (b"[\x80-\xff]", b"a", False),
    (b"a*\x00b", b"axx\x00b", True),
]

FOLDED_CASES = [
    (b"MAX*", b"maxmemory", True),
    (b"m[A-Z]x", b"max", True),
    (b"[Z-a]", b"b", False),
    (b"[\\M]ax", b"max", False),
    (b"\\Max", b"max", True),
    (b"*MEMORY", b"maxmemory", True),
    (b"\xc0", b"\xe0", False),
]

patterns = st.lists(
    st.sampled_from([b"a", b"b", b"c", b"C", b"*", b"*", b"?", b"[", b"]", b"^", b"-", b"\\", b"\x80", b"\x00"]),
    max_size=12,
).map(b"".join)
texts = st.lists(
    st.sampled_from([b"a", b"b", b"c", b"B", b"]", b"-", b"\\", b"^", b"*", b"\x80", b"\x00"]), max_size=8
).map(b"".join)


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_match_follows_the_rules(pattern: bytes, text: bytes, expected: bool) -> None:
    assert match(pattern, text) is expected


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_glob_follows_the_rules(pattern: bytes, text: bytes, expected: bool) -> None:
    assert Glob(pattern).matches(text) is expected


@pytest.mark.parametrize(("pattern", "text", "expected"), FOLDED_CASES)
def test_matching_that_ignores_case(pattern: bytes, text: bytes, expected: bool) -> None:
    assert match(pattern, text, True) is expected
    assert Glob(pattern, True).matches(text) is expected


@given(patterns, texts, st.booleans())
def test_glob_agrees_with_match(pattern: bytes, text: bytes, ignore_case: bool) -> None:
    assert Glob(pattern, ignore_case).matches(text) == match(pattern, text, ignore_case)


@given(texts)
def test_a_pattern_without_special_bytes_matches_itself(text: bytes) -> None:
    if text and not set(text) & set(b"*?[\\"):
        assert match(text, text)


def test_a_long_run_of_one_letter_is_matched() -> None:
    assert match(b"a*a", b"a" * 100_000)
    assert not match(b"a*" * 50 + b"b", b"a" * 100_000)


def test_many_stars_do_not_take_exponential_time() -> None:
    assert not match(b"a*" * 200 + b"b", b"a" * 2000)
    assert not Glob(b"[a]*" * 200 + b"b").matches(b"a" * 2000)


def test_more_than_a_thousand_stars_never_match() -> None:
    assert match(b"*a" * 1000, b"a" * 1000)
    assert Glob(b"*a" * 999).matches(b"a" * 1000)
    assert not match(b"*a" * 1001, b"a" * 1001)
    assert not Glob(b"*a" * 1001).matches(b"a" * 1001)


def keys_by_pattern(server: Server, keys: set[bytes], some_patterns: list[bytes]) -> list[set[bytes]]:
    with server.connect() as wire:
        wire.pipeline([("FLUSHALL",), *[("SET", key, "") for key in keys]])
        replies = wire.pipeline([("KEYS", pattern) for pattern in some_patterns])
    return [bulks(reply) for reply in replies]


def bulks(reply: Reply) -> set[bytes]:
    assert isinstance(reply, Array)
    return {item.data for item in reply.items if isinstance(item, Bulk)}


@pytest.mark.needs_redis
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(patterns, min_size=40, max_size=60), st.sets(texts, min_size=10, max_size=30))
def test_match_agrees_with_a_real_server(real: Server, some_patterns: list[bytes], keys: set[bytes]) -> None:
    found = keys_by_pattern(real, keys, some_patterns)
    for pattern, matched in zip(some_patterns, found, strict=True):
        if pattern != b"*":
            assert matched == {key for key in keys if match(pattern, key)}, pattern


folded_patterns = st.lists(
    st.sampled_from(
        [
            b"m",
            b"A",
            b"x",
            b"[a-Z]",
            b"[M-a]",
            b"[\\M]",
            b"m[A-Z]x*",
            b"*",
            b"?",
            b"[",
            b"]",
            b"^",
            b"-",
            b"\\",
        ]
    ),
    max_size=8,
).map(b"".join)


@pytest.mark.needs_redis
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(folded_patterns, min_size=20, max_size=40))
def test_matching_that_ignores_case_agrees_with_a_real_server(real: Server, some_patterns: list[bytes]) -> None:
    # The server looks up a name without a wildcard, and does not match it.
    wild = [pattern for pattern in some_patterns if b"*" in pattern or b"?" in pattern or b"[" in pattern]
    with real.connect() as wire:
        everything, *replies = wire.pipeline(
            [("CONFIG", "GET", "*"), *[("CONFIG", "GET", pattern) for pattern in wild]]
        )
    names = config_names(everything)
    for pattern, reply in zip(wild, replies, strict=True):
        assert config_names(reply) == {name for name in names if match(pattern, name, True)}, pattern


def config_names(reply: Reply) -> set[bytes]:
    assert isinstance(reply, Array)
    return {item.data for item in reply.items[::2] if isinstance(item, Bulk)}
