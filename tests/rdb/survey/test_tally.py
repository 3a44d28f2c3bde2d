"""The sums of a survey are those of ``pyredmem rdb memory`` and of a server that has loaded the file."""

from __future__ import annotations

import csv
import io

import pytest

from pyredmem.objects import rdb_types
from tests.persistence.worlds import SavingWorld
from tests.rdb.datasets import OTHER_LIMITS, do, filled, of_bytes, output_of, saved
from tests.rdb.survey.surveys import tally_of
from tests.rdb.test_memory import options_for
from tests.support.rdb_files import key, rdb, word
from tests.support.replies import OK, Simple

FAR = b"\xfc" + (4_102_444_800_000).to_bytes(8, "little")
SMALL = rdb(
    b"\xfe\x00",
    key(rdb_types.STRING, b"a", word(b"12")),
    FAR + key(rdb_types.LIST, b"words", b"\x03" + word(b"x") + word(b"") + word(b"yyyy")),
    b"\xfe\x09",
    key(rdb_types.STRING, b"a", word(b"12345")),
)


@pytest.mark.parametrize("allocator", ["jemalloc", "jemalloc-lg4", "libc", "tcmalloc"])
@pytest.mark.parametrize("limits", OTHER_LIMITS)
def test_keys_have_the_sizes_of_rdb_memory(limits: str, allocator: str) -> None:
    files = saved(filled())
    options = ["--allocator", allocator, *options_for(OTHER_LIMITS[limits])]
    rows = list(csv.DictReader(io.StringIO(output_of(files, "memory", *options))))
    tally = tally_of(files, *options)
    expected: dict[tuple[int, str, str], list[int]] = {}
    for row in rows:
        place = (int(row["database"]), row["type"], row["encoding"])
        found = expected.setdefault(place, [0, 0, 0])
        for at, number in enumerate([1, int(row["size_in_bytes"]), int(row["num_elements"])]):
            found[at] += number
    assert {place: [group.keys, group.size, group.elements] for place, group in tally.groups.items()} == expected
    assert tally.total().size == sum(int(row["size_in_bytes"]) for row in rows)
    [most, *_] = tally.largest_keys.items()
    assert most[0] == max(int(row["size_in_bytes"]) for row in rows)


def has_random_blocks(world: SavingWorld, name: bytes) -> bool:
    """Whether it is a skiplist or the table of a set."""
    encoding = world.do("OBJECT", "ENCODING", name)
    return bool(encoding == b"skiplist" or (encoding == b"hashtable" and world.do("TYPE", name) == Simple(b"set")))


@pytest.mark.parametrize("allocator", ["jemalloc", "jemalloc-lg4", "libc", "tcmalloc"])
def test_loading_adds_as_much_to_a_server_as_the_report_says(allocator: str) -> None:
    """Without skiplists and tables of sets, whose blocks depend on chance."""
    world = filled()
    do(world, "FUNCTION", "FLUSH")
    for database in (0, 9):
        do(world, "SELECT", database)
        for name in list(world.engine.keyspace.databases[database].all_keys()):
            if has_random_blocks(world, name):
                do(world, "DEL", name)
    do(world, "SELECT", 0)
    for number in range(200):
        do(world, "SET", f"number:{number}", number * 100)
    files = saved(world)
    empty = SavingWorld(mem_allocator=allocator)
    empty.files.content.update(files.content)
    assert empty.do("DEBUG", "RELOAD", "NOSAVE") == OK  # the first one makes what a client needs for it
    do(empty, "FLUSHALL")
    before = empty.engine.allocator.used_memory
    assert empty.do("DEBUG", "RELOAD", "NOSAVE") == OK
    grown = empty.engine.allocator.used_memory - before
    blocks = tally_of(files, "--allocator", allocator).blocks()
    allocated = blocks.allocated_bytes()
    spare = allocated // 200 if allocator == "libc" else 0  # libc gives some blocks more than they need
    assert allocated <= grown <= allocated + spare
    assert 0 < blocks.rounding_bytes < grown // 2
    active = sum(item.active_bytes for item in blocks.classes())
    assert allocated <= active < allocated + 64 * 8 * 4096


def test_each_number_is_counted_where_it_belongs() -> None:
    tally = tally_of(of_bytes(SMALL))
    kinds = {place: (group.keys, group.size, group.content_bytes) for place, group in tally.groups.items()}
    assert kinds == {
        (0, "string", "int"): (1, 48, 2),
        (0, "list", "listpack"): (1, 72, 5),
        (9, "string", "int"): (1, 48, 5),
    }
    assert tally.expiring == {0: 1}
    assert tally.key_bytes() == 7
    assert tally.key_sizes() == 3 * 32
    assert {1 << bits: group.keys for bits, group in enumerate(tally.sizes) if group.keys} == {64: 2, 128: 1}
    assert list(tally.by(lambda place: place[1])) == ["string", "list"]


def test_tables_of_databases_are_counted() -> None:
    """24 bytes for the entry of the key that expires, and three tables of four buckets."""
    assert tally_of(of_bytes(SMALL)).tables() == {24: 1, 32: 3}


def test_the_payload_is_what_clients_have_written() -> None:
    world = SavingWorld()
    do(world, "ZADD", "z", 1, "ab", 2, "c")
    do(world, "XADD", "x", "1-1", "field", "value")
    do(world, "HSET", "h", "f", "value")
    do(world, "SADD", "s", 100, 200)
    payload = {kind: group.content_bytes for kind, group in tally_of(saved(world)).by(lambda place: place[1]).items()}
    assert payload == {"sortedset": 3 + 2 * 8, "stream": 10 + 16, "hash": 6, "set": 6}


def test_a_survey_is_the_same_each_time() -> None:
    files = saved(filled())
    first, second = tally_of(files).blocks(), tally_of(files).blocks()
    assert first.classes() == second.classes()


def test_the_longest_element_of_each_collection_is_found() -> None:
    world = SavingWorld()
    long = "x" * 70
    do(world, "RPUSH", "list", "a", long, "b")
    do(world, "SADD", "set", "a", long)
    do(world, "SADD", "numbers", 1, 1000)
    do(world, "ZADD", "board", 1, long, 2, "b")
    do(world, "HSET", "hash", "f", long, "g", "y")
    do(world, "HSET", "names", long, "y")
    do(world, "XADD", "stream", "1-1", "f", "g")
    do(world, "XADD", "stream", "1-2", "f", long)
    do(world, "XGROUP", "CREATE", "queue", "g", 0, "MKSTREAM")
    found = {
        (item.key, item.what, item.which, length) for length, item in tally_of(saved(world)).largest_elements.items()
    }
    name = long.encode()
    assert found == {
        (b"list", "index", 1, 70),
        (b"set", "member", name, 70),
        (b"numbers", "member", b"1000", 4),
        (b"board", "member", name, 70),
        (b"hash", "value of field", b"f", 70),
        (b"names", "name of field", name, 70),
        (b"stream", "entry", b"1-2", 70),
    }


def test_of_equal_elements_the_first_is_the_longest() -> None:
    world = SavingWorld()
    do(world, "RPUSH", "list", "a", "bb", "cc")
    [(_, found)] = tally_of(saved(world)).largest_elements.items()
    assert (found.what, found.which) == ("index", 1)
