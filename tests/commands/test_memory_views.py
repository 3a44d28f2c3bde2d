"""MEMORY HEAP-MAP, SLAB, ARENAS and EVICTION-POOL: what `pyredmem monitor` asks for."""

from __future__ import annotations

import re

import pytest

from pyredmem.memory.process_heap import obstacle
from tests.support.heap_maps import KeptMap
from tests.support.hosted import Hosted
from tests.support.replies import NOT_AN_INTEGER, SYNTAX_ERROR, Error, Reply


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def parts(reply: Reply) -> list[Reply]:
    assert isinstance(reply, list), reply
    return reply


def number(reply: Reply) -> int:
    assert isinstance(reply, int), reply
    return reply


def changes(reply: Reply) -> bytes:
    found = parts(reply)[3]
    assert isinstance(found, bytes)
    return found


def fill(hosted: Hosted) -> None:
    for index in range(1500):
        hosted.do("SET", f"user:{index}", "x" * (index % 500))
    for index in range(0, 1500, 3):
        hosted.do("DEL", f"user:{index}")
    hosted.do("SET", "large", "x" * 1_000_000)


def test_the_heap_map_has_the_counts_of_malloc_stats(hosted: Hosted) -> None:
    fill(hosted)
    hosted.do("MEMORY", "MALLOC-STATS")  # has its statistics from now on
    kept = KeptMap()
    for _ in range(2):  # the first call needs blocks of its own, which the second one tells
        kept.apply(changes(hosted.do("MEMORY", "HEAP-MAP")))
    report = hosted.do("MEMORY", "MALLOC-STATS")
    assert isinstance(report, bytes)
    rows = [line.split() for line in report.decode().splitlines()]
    bins = [row for row in rows if len(row) == 14 and row[0].isdigit()]
    assert len(bins) > 20
    for row in bins:
        own = int(row[1]) + 1
        assert (kept.regions(own), kept.slabs(own)) == (int(row[4]), int(row[7])), row
    classes = parts(hosted.do("MEMORY", "HEAP-MAP", "CLASSES"))
    found = re.search(r"total +\d+ +(\d+)\nextents", report.decode())
    assert found is not None
    assert kept.slabs(len(classes) + 1) == int(found[1])


def test_a_client_is_told_what_has_changed_since_it_asked_last(hosted: Hosted) -> None:
    kept = KeptMap()
    first = parts(hosted.do("MEMORY", "HEAP-MAP"))
    assert first[:3] == [1, 1, 0]
    kept.apply(changes(first))
    again = parts(hosted.do("MEMORY", "HEAP-MAP"))
    assert again[:3] == [0, 1, 0]
    assert len(changes(again)) < 20  # what the command itself needed
    other = hosted.client()
    assert parts(other.do("MEMORY", "HEAP-MAP"))[0] == 1


def test_what_has_no_room_in_a_reply_is_counted_and_comes_next(hosted: Hosted) -> None:
    fill(hosted)
    kept = KeptMap()
    waiting = []
    for _ in range(100):
        reply = parts(hosted.do("MEMORY", "HEAP-MAP", "BYTES", "60"))
        assert len(changes(reply)) <= 60
        kept.apply(changes(reply))
        waiting.append(number(reply[2]))
        if waiting[-1] == 0:
            break
    assert waiting[0] > waiting[-1] == 0
    kept.apply(changes(hosted.do("MEMORY", "HEAP-MAP")))
    fresh = KeptMap()
    fresh.apply(changes(hosted.client().do("MEMORY", "HEAP-MAP")))
    assert len(fresh.places) >= len(kept.places) > 50


def test_classes_have_a_size_regions_and_pages(hosted: Hosted) -> None:
    classes = parts(hosted.do("MEMORY", "HEAP-MAP", "CLASSES"))
    assert classes[:3] == [[8, 512, 1], [16, 256, 1], [24, 512, 3]]


def all_keys_of_slab(hosted: Hosted, page: int) -> tuple[list[Reply], list[Reply], int]:
    """What lies at a page, all keys that have a block there, and how many calls it took."""
    keys: list[Reply] = []
    reply = parts(hosted.do("MEMORY", "SLAB", page))
    calls = 1
    while True:
        keys += parts(reply[8])
        if reply[5] == -1:
            return reply[:5], keys, calls
        reply = parts(hosted.do("MEMORY", "SLAB", page, "FROM", number(reply[5]), number(reply[6])))
        calls += 1


def test_the_keys_of_a_slab_are_those_that_have_a_block_there(hosted: Hosted) -> None:
    fill(hosted)
    hosted.do("HSET", "hash", *[word for index in range(600) for word in (f"field{index}", "y" * 70)])
    hosted.do("SELECT", "3")
    hosted.do("RPUSH", "list", *["z" * 60] * 3000)
    database = hosted.engine.keyspace.databases[3]
    slot = database.keys.find(b"list")
    page = database.keys.value(slot).addresses()[-1] >> 9
    _, keys, _ = all_keys_of_slab(hosted, page)
    assert [3, b"list", b"list"] in keys
    first = hosted.engine.keyspace.databases[0]
    slot = first.keys.find(b"user:1000")
    what, keys, calls = all_keys_of_slab(hosted, first.keys.key_address(slot) >> 9)
    assert what[1:4] == [1, 16, 256]
    assert number(what[4]) <= 256
    assert [0, b"user:1000", b"string"] in keys
    assert calls > 1
    names = [entry[1] for entry in map(parts, keys)]
    assert len(set(map(str, names))) == len(names) <= number(what[4])
    slot = first.keys.find(b"hash")
    _, keys, _ = all_keys_of_slab(hosted, first.keys.value(slot).addresses()[-1] >> 9)
    assert [0, b"hash", b"hash"] in keys


def test_looking_for_keys_neither_moves_a_block_nor_counts_as_use(hosted: Hosted) -> None:
    fill(hosted)
    hosted.do("SADD", "set", *[f"member{index}" for index in range(1000)])
    hosted.do("MEMORY", "SLAB", 290)  # has its statistics from now on
    keyspace = hosted.engine.keyspace
    before = (keyspace.hits, keyspace.misses, hosted.used_memory, sorted(hosted.engine.allocator.live_addresses()))
    for page in range(290, 500, 10):
        hosted.do("MEMORY", "SLAB", page)
    assert (keyspace.hits, keyspace.misses, hosted.used_memory) == before[:3]
    assert sorted(hosted.engine.allocator.live_addresses()) == before[3]
    hosted.check()


@pytest.mark.skipif(obstacle() != "", reason="the interpreter's heap cannot be read here")
def test_arenas_are_told_once_they_are_counted(hosted: Hosted) -> None:
    for _ in range(1000):
        size, used = parts(hosted.do("MEMORY", "ARENAS"))
        hosted.clock.advance_ms(300)
        if used:
            break
    assert size == 1 << 20
    assert parts(used)
    assert all(0 <= number(one) <= 1 << 20 for one in parts(used))


def test_the_eviction_pool_has_candidates_with_scores() -> None:
    hosted = Hosted(maxmemory_policy="allkeys-lru", maxmemory="2mb")
    assert hosted.do("MEMORY", "EVICTION-POOL") == [b"allkeys-lru", b"idle seconds", []]
    for index in range(30):
        hosted.do("SET", f"key:{index}", "x" * 40_000)
        hosted.advance(2000)
    policy, what, candidates = parts(hosted.do("MEMORY", "EVICTION-POOL"))
    assert (policy, what) == (b"allkeys-lru", b"idle seconds")
    scores = [number(parts(one)[2]) for one in parts(candidates)]
    assert 0 < len(scores) <= 16
    assert scores == sorted(scores, reverse=True)
    assert 2 <= scores[0] <= 60
    assert {parts(one)[0] for one in parts(candidates)} == {0}


def test_candidates_of_other_policies_have_other_scores() -> None:
    hosted = Hosted(maxmemory_policy="volatile-ttl", maxmemory="2mb")
    for index in range(40):
        hosted.do("SET", f"key:{index}", "x" * 40_000, "EX", 1000 + index)
    _, what, candidates = parts(hosted.do("MEMORY", "EVICTION-POOL"))
    assert what == b"seconds to live"
    assert all(900 < number(parts(one)[2]) <= 1040 for one in parts(candidates))
    hosted.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert hosted.do("MEMORY", "EVICTION-POOL") == [b"noeviction", b"", []]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("HEAP-MAP", "NONSENSE"), SYNTAX_ERROR),
        (("HEAP-MAP", "CLASSES", "x"), SYNTAX_ERROR),
        (("HEAP-MAP", "BYTES", "x"), NOT_AN_INTEGER),
        (("HEAP-MAP", "BYTES", "-1"), Error(b"ERR the budget must be between 0 and 1048576 bytes")),
        (("SLAB", "x"), NOT_AN_INTEGER),
        (("SLAB", "0"), Error(b"ERR no slab or large block lies at that page")),
        (("SLAB", str(1 << 62)), Error(b"ERR no slab or large block lies at that page")),
        (("SLAB", "1", "FROM", "1"), SYNTAX_ERROR),
        (("SLAB", "1", "FROM", "99", "0"), Error(b"ERR there is no such place to go on from")),
    ],
)
def test_wrong_arguments_are_refused(hosted: Hosted, words: tuple[str, ...], error: Error) -> None:
    assert hosted.do("MEMORY", *words) == error
