"""PFADD, PFCOUNT, PFMERGE and their helpers."""

from __future__ import annotations

import pytest

from tests.support.engine import World
from tests.support.keys import Watched, add_foreign, encoding, used

WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
INVALID = b"-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"
CORRUPT = b"-INVALIDOBJ Corrupted HLL object detected\r\n"
HEADER = b"HYLL\x01\x00\x00\x00" + bytes(7) + b"\x80"
OK = b"+OK\r\n"


def bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


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
    assert world.do("GET", "f") == bulk(data)
    assert world.engine.keyspace.size() == 1


@pytest.mark.parametrize(
    "words", [("PFCOUNT", "f"), ("PFCOUNT", "f", "f"), ("PFMERGE", "f"), ("PFDEBUG", "GETREG", "f")]
)
def test_a_corrupt_value_is_found_out_in_use(world: World, words: tuple[str, ...]) -> None:
    world.do("SET", "f", HEADER + b"\x7f\xfe")
    assert world.do(*words) == CORRUPT


def test_pfadd_to_a_corrupt_value_may_work(world: World) -> None:
    world.do("SET", "f", HEADER + b"\x7f\xfe")
    assert world.do("PFADD", "f", "a") == b":1\r\n"
    world.do("SET", "f", HEADER)
    assert world.do("PFADD", "f", "a") == CORRUPT


def test_pfadd_tells_whether_the_estimate_may_have_changed(world: World) -> None:
    assert world.do("PFADD", "k") == b":1\r\n"
    assert world.do("PFADD", "k") == b":0\r\n"
    assert world.do("PFADD", "k", "a") == b":1\r\n"
    assert world.do("PFADD", "k", "a", "a") == b":0\r\n"
    assert world.do("TYPE", "k") == b"+string\r\n"
    assert encoding(world) == "raw"


def test_the_bytes_are_those_of_redis(world: World) -> None:
    world.do("PFADD", "k")
    assert world.do("GET", "k") == bulk(HEADER + b"\x7f\xff")
    world.do("PFADD", "k", "a")
    assert world.do("GET", "k") == bulk(HEADER + b"q\xa6\x84NW")
    world.do("PFCOUNT", "k")
    assert world.do("GET", "k") == bulk(b"HYLL\x01\x00\x00\x00\x01" + bytes(7) + b"q\xa6\x84NW")


def test_bytes_that_were_set_are_counted(world: World) -> None:
    world.do("SET", "k", HEADER + b"q\xa6\x84NW")
    assert world.do("PFCOUNT", "k") == b":1\r\n"
    assert world.do("PFADD", "k", "a") == b":0\r\n"
    assert world.do("PFADD", "k", "b") == b":1\r\n"


def test_pfcount_of_one_key_trusts_the_estimate_in_it(world: World) -> None:
    world.do("SET", "k", b"HYLL\x01\x00\x00\x00\x39\x05" + bytes(6) + b"\x7f\xff")
    assert world.do("PFCOUNT", "k") == b":1337\r\n"
    assert world.do("PFCOUNT", "k", "k") == b":0\r\n"


def test_pfcount_of_several_keys_counts_their_union(world: World) -> None:
    world.do("PFADD", "a", *series(0, 5))
    world.do("PFADD", "b", *series(3, 9))
    assert world.do("PFCOUNT", "a", "b", "none") == b":9\r\n"
    assert world.do("PFCOUNT", "none") == b":0\r\n"


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
    other = world.connect()
    world.do("WATCH", "k")
    other.receive(b"*2\r\n$7\r\nPFCOUNT\r\n$1\r\nk\r\n")
    assert other.take_output() == b":1\r\n"
    world.do("MULTI")
    assert world.do("EXEC") == b"*-1\r\n"
    world.do("WATCH", "k")
    other.receive(b"*2\r\n$7\r\nPFCOUNT\r\n$1\r\nk\r\n")
    world.do("MULTI")
    assert world.do("EXEC") == b"*0\r\n"


def test_pfmerge_makes_the_destination(world: World) -> None:
    assert world.do("PFMERGE", "k") == OK
    assert world.do("GET", "k") == bulk(HEADER + b"\x7f\xff")
    world.do("PFADD", "a", *series(0, 50))
    world.do("PFADD", "k", *series(40, 60))
    assert world.do("PFMERGE", "k", "a", "none") == OK
    assert world.do("PFCOUNT", "k") == world.do("PFCOUNT", "k", "a")


def test_pfmerge_with_a_dense_source_makes_a_dense_value(world: World) -> None:
    world.do("PFADD", "a", "x")
    world.do("PFDEBUG", "TODENSE", "a")
    world.do("PFADD", "k", "y")
    assert world.do("PFMERGE", "k", "a") == OK
    assert world.do("PFDEBUG", "ENCODING", "k") == b"+dense\r\n"
    assert world.do("PFCOUNT", "k") == b":2\r\n"


def test_pfmerge_stops_at_a_bad_source_before_it_changes_anything(world: World) -> None:
    world.do("PFADD", "a", "x")
    world.do("SET", "b", "text")
    assert world.do("PFMERGE", "k", "a", "b") == INVALID
    assert world.do("EXISTS", "k") == b":0\r\n"


def test_the_expire_time_stays(world: World) -> None:
    world.do("PFADD", "k", "a")
    world.do("EXPIRE", "k", "100")
    world.do("PFADD", "k", "b")
    world.do("PFMERGE", "k", "k")
    assert world.do("TTL", "k") == b":100\r\n"


@pytest.mark.parametrize("limit", ["0", "100", "3000"])
def test_hll_sparse_max_bytes_is_obeyed_at_once(world: World, limit: str) -> None:
    world.do("CONFIG", "SET", "hll-sparse-max-bytes", limit)
    world.do("PFADD", "k", *series(0, 100))
    expected = b"+sparse\r\n" if limit == "3000" else b"+dense\r\n"
    assert world.do("PFDEBUG", "ENCODING", "k") == expected
    assert world.do("PFCOUNT", "k") == b":100\r\n"


def test_memory(world: World) -> None:
    world.do("PFADD", "k")
    assert world.do("MEMORY", "USAGE", "k") == b":72\r\n"
    world.do("PFADD", "k", "a")
    assert world.do("MEMORY", "USAGE", "k") == b":96\r\n"
    world.do("PFDEBUG", "ENCODING", "k")
    before = used(world)
    world.do("PFDEBUG", "TODENSE", "k")
    assert used(world) == before - 48 + 14336


def test_pfdebug(world: World) -> None:
    assert world.do("PFDEBUG", "DECODE", "k") == b"-ERR The specified key does not exist\r\n"
    world.do("PFADD", "k", "a")
    assert world.do("PFDEBUG", "decode", "k") == bulk(b"Z:12711 v:2,1 Z:3672")
    assert world.do("PFDEBUG", "wat", "k") == b"-ERR Unknown PFDEBUG subcommand 'wat'\r\n"
    registers = world.do("PFDEBUG", "GETREG", "k").split(b"\r\n")
    assert registers[0] == b"*16384"
    assert {at: text for at, text in enumerate(registers[1:-1]) if text != b":0"} == {12711: b":2"}
    assert world.do("PFDEBUG", "ENCODING", "k") == b"+dense\r\n"
    assert world.do("PFDEBUG", "DECODE", "k") == b"-ERR HLL encoding is not sparse\r\n"
    assert world.do("PFDEBUG", "TODENSE", "k") == b":0\r\n"


def test_pfselftest(world: World) -> None:
    assert world.do("PFSELFTEST") == OK
