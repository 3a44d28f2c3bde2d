"""Commands that list, draw and scan the fields of hashes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.engine import World
from tests.support.wire import Array, Bulk, Decoder, Map, Reply

SYNTAX = b"-ERR syntax error\r\n"
SIZES = pytest.mark.parametrize("size", [5, 700], ids=["listpack", "hashtable"])


def ask(world: World, *words: str | int) -> Reply:
    decoder = Decoder()
    decoder.feed(world.do(*words))
    reply = decoder.take()
    assert reply is not None
    return reply


def strings(reply: Reply) -> list[bytes]:
    assert isinstance(reply, Array), reply
    return [item.data for item in reply.items if isinstance(item, Bulk)]


def fill(world: World, size: int) -> dict[bytes, bytes]:
    """Set fields of the hash k."""
    pairs = {b"f%d" % index: b"v%d" % index for index in range(size)}
    for field, value in pairs.items():
        world.do("HSET", "k", field, value)
    return pairs


@SIZES
def test_all_fields_and_values_are_listed(world: World, size: int) -> None:
    pairs = fill(world, size)
    assert sorted(strings(ask(world, "HKEYS", "k"))) == sorted(pairs)
    assert sorted(strings(ask(world, "HVALS", "k"))) == sorted(pairs.values())
    listed = strings(ask(world, "HGETALL", "k"))
    assert dict(zip(listed[::2], listed[1::2], strict=True)) == pairs


def test_nothing_is_listed_of_a_missing_key(world: World) -> None:
    for command in ("HKEYS", "HVALS", "HGETALL"):
        assert world.do(command, "k") == b"*0\r\n"
    world.do("HELLO", "3")
    assert world.do("HGETALL", "k") == b"%0\r\n"
    assert world.do("HKEYS", "k") == b"*0\r\n"


def test_hgetall_is_a_map_under_resp3(world: World) -> None:
    world.do("HELLO", "3")
    fill(world, 2)
    assert ask(world, "HGETALL", "k") == Map(((Bulk(b"f0"), Bulk(b"v0")), (Bulk(b"f1"), Bulk(b"v1"))))


# HRANDFIELD.


def test_nothing_is_drawn_from_a_missing_key(world: World) -> None:
    assert world.do("HRANDFIELD", "k") == b"$-1\r\n"
    assert world.do("HRANDFIELD", "k", "3") == b"*0\r\n"
    assert world.do("HRANDFIELD", "k", "-3", "WITHVALUES") == b"*0\r\n"


@SIZES
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 300, 699, 10000])
def test_a_positive_count_draws_different_fields(world: World, size: int, count: int) -> None:
    pairs = fill(world, size)
    drawn = strings(ask(world, "HRANDFIELD", "k", count))
    assert len(drawn) == len(set(drawn)) == min(count, size)
    assert set(drawn) <= set(pairs)
    flat = strings(ask(world, "HRANDFIELD", "k", count, "withvalues"))
    assert len(flat) == 2 * min(count, size)
    assert all(pairs[field] == value for field, value in zip(flat[::2], flat[1::2], strict=True))


@SIZES
def test_a_negative_count_draws_so_many(world: World, size: int) -> None:
    pairs = fill(world, size)
    drawn = strings(ask(world, "HRANDFIELD", "k", -1000))
    assert len(drawn) == 1000
    assert set(drawn) <= set(pairs)
    flat = strings(ask(world, "HRANDFIELD", "k", -50, "WITHVALUES"))
    assert all(pairs[field] == value for field, value in zip(flat[::2], flat[1::2], strict=True))
    assert len(flat) == 100


def test_values_come_in_pairs_under_resp3(world: World) -> None:
    world.do("HELLO", "3")
    fill(world, 1)
    pair = b"*2\r\n$2\r\nf0\r\n$2\r\nv0\r\n"
    assert world.do("HRANDFIELD", "k", "1", "WITHVALUES") == b"*1\r\n" + pair
    assert world.do("HRANDFIELD", "k", "-2", "WITHVALUES") == b"*2\r\n" + pair + pair


@pytest.mark.parametrize("count", [1, 3, 5])
def test_every_field_has_the_same_chance(world: World, count: int) -> None:
    fill(world, 10)
    drawn: Counter[bytes] = Counter()
    for _ in range(3000):
        drawn.update(strings(ask(world, "HRANDFIELD", "k", count)))
    expected = 300 * count
    assert sum((drawn[b"f%d" % i] - expected) ** 2 / expected for i in range(10)) < 27.9  # 9 degrees, 1 in 1000


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["x"], b"-ERR value is not an integer or out of range\r\n"),
        (["x", "y"], b"-ERR value is not an integer or out of range\r\n"),
        (["1", "y"], SYNTAX),
        (["1", "WITHVALUES", "y"], SYNTAX),
        (
            ["-9223372036854775808"],
            b"-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n",
        ),
        (["-4611686018427387904", "WITHVALUES"], b"-ERR value is out of range\r\n"),
        (["4611686018427387904", "WITHVALUES"], b"-ERR value is out of range\r\n"),
    ],
)
def test_hrandfield_refuses(world: World, words: list[str], reply: bytes) -> None:
    fill(world, 1)
    assert world.do("HRANDFIELD", "k", *words) == reply
    assert world.do("HRANDFIELD", "missing", *words) == reply


# HSCAN.


def scan_all(world: World, *options: str) -> list[bytes]:
    """All that a whole scan lists."""
    listed: list[bytes] = []
    cursor = b"0"
    while True:
        reply = ask(world, "HSCAN", "k", cursor.decode(), *options)
        assert isinstance(reply, Array)
        assert isinstance(reply.items[0], Bulk)
        cursor = reply.items[0].data
        listed += strings(reply.items[1])
        if cursor == b"0":
            return listed


@SIZES
@pytest.mark.parametrize("count", ["1", "10", "1000"])
def test_a_whole_scan_lists_all_pairs(world: World, size: int, count: str) -> None:
    pairs = fill(world, size)
    listed = scan_all(world, "COUNT", count)
    assert dict(zip(listed[::2], listed[1::2], strict=True)) == pairs


@SIZES
def test_a_scan_can_leave_out_the_values(world: World, size: int) -> None:
    pairs = fill(world, size)
    assert sorted(set(scan_all(world, "novalues"))) == sorted(pairs)
    assert scan_all(world, "MATCH", "f3", "NOVALUES") == [b"f3"]


@SIZES
def test_a_scan_can_select_fields(world: World, size: int) -> None:
    fill(world, size)
    assert scan_all(world, "MATCH", "f3", "COUNT", "1000") == [b"f3", b"v3"]


def test_a_scan_looks_at_its_options_only_if_there_is_a_hash(world: World) -> None:
    assert world.do("HSCAN", "k", "x") == b"-ERR invalid cursor\r\n"
    assert world.do("HSCAN", "k", "7", "FOO") == b"*2\r\n$1\r\n0\r\n*0\r\n"
    fill(world, 1)
    for words in (["FOO"], ["COUNT", "0"], ["TYPE", "hash"], ["MATCH"]):
        assert world.do("HSCAN", "k", "0", *words) == SYNTAX
