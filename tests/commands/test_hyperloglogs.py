"""PFADD, PFCOUNT, PFMERGE and their helpers."""

from __future__ import annotations

import pytest

from tests.support.keys import Watched, add_foreign, encoding, used
from tests.support.replies import NULL_ARRAY, OK, WRONG_TYPE, Error, Simple
from tests.support.world import World

INVALID = Error(b"WRONGTYPE Key is not a valid HyperLogLog string value.")
CORRUPT = Error(b"INVALIDOBJ Corrupted HLL object detected")
HEADER = b"HYLL\x01\x00\x00\x00" + bytes(7) + b"\x80"


def series(first: int, last: int) -> list[str]:
    return [f"e{number}" for number in range(first, last)]


CALLS = [
    ("PFADD", "f", "a"),
    ("PFADD", "f"),
    ("PFCOUNT", "f"),
    ("PFCOUNT", "none", "f"),
    ("PFMERGE", "f"),
    ("PFMERGE", "new", "f"),
    ("PFDEBUG", "ENCODING", "f"),
]


@pytest.mark.parametrize("words", CALLS)
def test_another_type_is_refused(world: World, words: tuple[str, ...]) -> None:
    add_foreign(world)
    assert world.do(*words) == WRONG_TYPE
    assert world.engine.keyspace.size() == 1


@pytest.mark.parametrize("words", CALLS)
@pytest.mark.parametrize("data", [b"5", b"", b"hello", HEADER[:15], b"HYLL\x02" + bytes(20), b"HYLL" + bytes(20)])
def test_another_string_is_refused(world: World, words: tuple[str, ...], data: bytes) -> None:
    world.do("SET", "f", data)
    assert world.do(*words) == INVALID
    assert world.do("GET", "f") == data
    assert world.engine.keyspace.size() == 1


@pytest.mark.parametrize(
    "words", [("PFCOUNT", "f"), ("PFCOUNT", "f", "f"), ("PFMERGE", "f"), ("PFDEBUG", "GETREG", "f")]
)
def test_a_corrupt_value_is_noticed_when_it_is_used(world: World, words: tuple[str, ...]) -> None:
    world.do("SET", "f", HEADER + b"\x7f\xfe")
    assert world.do(*words) == CORRUPT


def test_pfadd_to_a_corrupt_value_may_work(world: World) -> None:
    world.do("SET", "f", HEADER + b"\x7f\xfe")
    assert world.do("PFADD", "f", "a") == 1
    world.do("SET", "f", HEADER)
    assert world.do("PFADD", "f", "a") == CORRUPT


@pytest.mark.parametrize("sparse_bytes", [30, 3000])  # fails when it gets dense, or at an element
def test_pfadd_to_a_corrupt_value_adds_all_elements_or_none(world: World, sparse_bytes: int) -> None:
    world.do("CONFIG", "SET", "hll-sparse-max-bytes", sparse_bytes)
    value = HEADER + b"\x6f\xff"  # covers three quarters of the registers
    world.do("SET", "f", value)
    assert world.do("PFADD", "f", *series(0, 100)) == CORRUPT
    assert world.do("GET", "f") == value


def test_pfadd_says_whether_the_estimate_may_have_changed(world: World) -> None:
    assert world.do("PFADD", "k") == 1
    assert world.do("PFADD", "k") == 0
    assert world.do("PFADD", "k", "a") == 1
    assert world.do("PFADD", "k", "a", "a") == 0
    assert world.do("TYPE", "k") == Simple(b"string")
    assert encoding(world) == "raw"


def test_the_bytes_are_those_of_redis(world: World) -> None:
    world.do("PFADD", "k")
    assert world.do("GET", "k") == HEADER + b"\x7f\xff"
    world.do("PFADD", "k", "a")
    assert world.do("GET", "k") == HEADER + b"q\xa6\x84NW"
    world.do("PFCOUNT", "k")
    assert world.do("GET", "k") == b"HYLL\x01\x00\x00\x00\x01" + bytes(7) + b"q\xa6\x84NW"


def test_a_value_set_as_a_string_is_counted(world: World) -> None:
    world.do("SET", "k", HEADER + b"q\xa6\x84NW")
    assert world.do("PFCOUNT", "k") == 1
    assert world.do("PFADD", "k", "a") == 0
    assert world.do("PFADD", "k", "b") == 1


def test_pfcount_of_one_key_trusts_the_estimate_in_it(world: World) -> None:
    world.do("SET", "k", b"HYLL\x01\x00\x00\x00\x39\x05" + bytes(6) + b"\x7f\xff")
    assert world.do("PFCOUNT", "k") == 1337
    assert world.do("PFCOUNT", "k", "k") == 0


def test_pfcount_of_several_keys_counts_their_union(world: World) -> None:
    world.do("PFADD", "a", *series(0, 5))
    world.do("PFADD", "b", *series(3, 9))
    assert world.do("PFCOUNT", "a", "b", "none") == 9
    assert world.do("PFCOUNT", "none") == 0


def test_events_and_changes(world: World) -> None:
    watched = Watched(world)
    assert watched.by("PFADD", "k", "a", "b", "a") == (["pfadd k"], 3)
    assert watched.by("PFADD", "k", "a") == ([], 0)
    assert watched.by("PFADD", "k", "c") == (["pfadd k"], 1)
    assert watched.by("PFMERGE", "m", "k") == (["pfadd m"], 1)
    assert watched.by("PFMERGE", "m", "k") == (["pfadd m"], 1)
    assert watched.by("PFDEBUG", "TODENSE", "m") == ([], 1)
    assert watched.by("PFDEBUG", "TODENSE", "m") == ([], 0)


def test_pfcount_that_writes_marks_the_key_as_changed(world: World) -> None:
    world.do("PFADD", "k", "a")
    other = world.client()
    world.do("WATCH", "k")
    assert other.do("PFCOUNT", "k") == 1
    world.do("MULTI")
    assert world.do("EXEC") == NULL_ARRAY
    world.do("WATCH", "k")
    other.do("PFCOUNT", "k")
    world.do("MULTI")
    assert world.do("EXEC") == []


def test_pfmerge_creates_the_destination(world: World) -> None:
    assert world.do("PFMERGE", "k") == OK
    assert world.do("GET", "k") == HEADER + b"\x7f\xff"
    world.do("PFADD", "a", *series(0, 50))
    world.do("PFADD", "k", *series(40, 60))
    assert world.do("PFMERGE", "k", "a", "none") == OK
    assert world.do("PFCOUNT", "k") == world.do("PFCOUNT", "k", "a")


def test_pfmerge_with_a_dense_source_makes_a_dense_value(world: World) -> None:
    world.do("PFADD", "a", "x")
    world.do("PFDEBUG", "TODENSE", "a")
    world.do("PFADD", "k", "y")
    assert world.do("PFMERGE", "k", "a") == OK
    assert world.do("PFDEBUG", "ENCODING", "k") == Simple(b"dense")
    assert world.do("PFCOUNT", "k") == 2


def test_pfmerge_stops_at_a_bad_source_before_it_changes_anything(world: World) -> None:
    world.do("PFADD", "a", "x")
    world.do("SET", "b", "text")
    assert world.do("PFMERGE", "k", "a", "b") == INVALID
    assert world.do("EXISTS", "k") == 0


def test_the_expire_time_stays(world: World) -> None:
    world.do("PFADD", "k", "a")
    world.do("EXPIRE", "k", "100")
    world.do("PFADD", "k", "b")
    world.do("PFMERGE", "k", "k")
    assert world.do("TTL", "k") == 100


@pytest.mark.parametrize("limit", ["0", "100", "3000"])
def test_hll_sparse_max_bytes_is_obeyed_at_once(world: World, limit: str) -> None:
    world.do("CONFIG", "SET", "hll-sparse-max-bytes", limit)
    world.do("PFADD", "k", *series(0, 100))
    expected = Simple(b"sparse") if limit == "3000" else Simple(b"dense")
    assert world.do("PFDEBUG", "ENCODING", "k") == expected
    assert world.do("PFCOUNT", "k") == 100


def test_memory(world: World) -> None:
    world.do("PFADD", "k")
    assert world.do("MEMORY", "USAGE", "k") == 72
    world.do("PFADD", "k", "a")
    assert world.do("MEMORY", "USAGE", "k") == 96
    world.do("PFDEBUG", "ENCODING", "k")
    before = used(world)
    world.do("PFDEBUG", "TODENSE", "k")
    assert used(world) == before - 48 + 14336


def test_pfdebug(world: World) -> None:
    assert world.do("PFDEBUG", "DECODE", "k") == Error(b"ERR The specified key does not exist")
    world.do("PFADD", "k", "a")
    assert world.do("PFDEBUG", "decode", "k") == b"Z:12711 v:2,1 Z:3672"
    assert world.do("PFDEBUG", "wat", "k") == Error(b"ERR Unknown PFDEBUG subcommand 'wat'")
    registers = world.do("PFDEBUG", "GETREG", "k")
    assert len(registers) == 16384
    assert {at: register for at, register in enumerate(registers) if register != 0} == {12711: 2}
    assert world.do("PFDEBUG", "ENCODING", "k") == Simple(b"dense")
    assert world.do("PFDEBUG", "DECODE", "k") == Error(b"ERR HLL encoding is not sparse")
    assert world.do("PFDEBUG", "TODENSE", "k") == 0


def test_pfselftest(world: World) -> None:
    assert world.do("PFSELFTEST") == OK
