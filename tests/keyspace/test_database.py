"""A database: lookups of each kind, storing, moving, deleting, swapping; and values that are duplicated."""

from __future__ import annotations

import pytest

from pyredmem.base.rng import Random
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.database_tables import NO_EXPIRE
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.audit import audit
from pyredmem.objects.string import StringObject
from tests.support.world import World

NOW_MS = 1_700_000_000_000


@pytest.fixture
def keyspace() -> Keyspace:
    made = Keyspace(Random(1), create_layout(REDIS_7_2.layout, Allocator()), 4)
    made.now_us = NOW_MS * 1000
    made.update_clocks()
    return made


@pytest.fixture
def database(keyspace: Keyspace) -> Database:
    return keyspace.databases[0]


def put(database: Database, key: bytes, data: bytes = b"v", when_ms: int = -1) -> None:
    database.add(key, database.shared.strings.create(data))
    if when_ms >= 0:
        database.expire_at(key, when_ms)


def later(keyspace: Keyspace, milliseconds: int) -> None:
    keyspace.now_us += milliseconds * 1000
    keyspace.update_clocks()


def content(database: Database, key: bytes) -> bytes:
    value = database.peek(key)
    assert isinstance(value, StringObject)
    return value.data()


@pytest.mark.parametrize(
    ("kind", "counts", "uses"),
    [("read", True, True), ("inspect", True, False), ("write", False, True), ("peek", False, False)],
)
def test_each_lookup_counts_and_marks_as_its_kind_says(
    keyspace: Keyspace, database: Database, kind: str, counts: bool, uses: bool
) -> None:
    put(database, b"k")
    created = database.keys.access(0)
    later(keyspace, 10_000)
    lookup = {"read": database.read, "inspect": database.inspect, "write": database.write, "peek": database.peek}[kind]
    value = lookup(b"k")
    assert isinstance(value, StringObject)
    assert value.data() == b"v"
    assert lookup(b"none") is None
    assert (keyspace.hits, keyspace.misses) == ((1, 1) if counts else (0, 0))
    assert (database.keys.access(0) != created) == uses


@pytest.mark.parametrize("kind", ["read", "inspect", "write", "peek", "exists"])
def test_every_lookup_deletes_an_expired_key(keyspace: Keyspace, database: Database, kind: str) -> None:
    put(database, b"k", when_ms=NOW_MS + 5)
    later(keyspace, 6)
    if kind == "exists":
        assert not database.exists(b"k")
    else:
        lookup = {"read": database.read, "inspect": database.inspect, "write": database.write, "peek": database.peek}
        assert lookup[kind](b"k") is None
    assert database.keys.used == 0
    assert database.expires.used == 0
    assert keyspace.expired == 1


def test_the_key_of_an_expire_time_is_in_memory_once(database: Database) -> None:
    put(database, b"some key", when_ms=NOW_MS)
    if database.keys.heap is None:
        assert database.expires.key(0) is database.keys.key(0)
    assert database.expires.key_address(0) == database.keys.key_address(0)


def test_a_key_that_moves_takes_its_value_and_its_expire_time_along(keyspace: Keyspace, database: Database) -> None:
    put(database, b"k", when_ms=NOW_MS + 5)
    value = database.peek(b"k")
    assert value is not None
    other = keyspace.databases[1]
    database.move_key(b"k", other, b"other")
    assert (database.size(), database.expiring()) == (0, 0)
    moved = other.peek(b"other")
    assert moved is not None
    assert moved.addresses() == value.addresses()
    assert other.expire_time(b"other") == NOW_MS + 5
    keyspace.check()


def test_a_key_that_moves_counts_as_new(keyspace: Keyspace, database: Database) -> None:
    keyspace.set_policy(lfu=True)
    put(database, b"k")
    fresh = database.keys.access(0)
    database.read(b"k")
    assert database.keys.access(0) > fresh
    database.move_key(b"k", database, b"other")
    assert database.keys.access(0) == fresh


def test_a_copied_key_has_the_expire_time_of_the_original(keyspace: Keyspace, database: Database) -> None:
    put(database, b"k", b"v", when_ms=NOW_MS + 5)
    value = database.peek(b"k")
    assert value is not None
    database.copy_key(b"k", value.duplicate(keyspace.allocator), database, b"other")
    assert database.expire_time(b"k") == database.expire_time(b"other") == NOW_MS + 5
    keyspace.check()


def test_storing_a_string_removes_the_expire_time(database: Database) -> None:
    put(database, b"k", when_ms=NOW_MS + 5)
    database.store_string(b"k", b"other")
    assert database.expire_time(b"k") == NO_EXPIRE


def test_storing_a_string_can_keep_the_expire_time(database: Database) -> None:
    put(database, b"k", when_ms=NOW_MS + 5)
    database.store_string(b"k", b"other", True)
    assert database.expire_time(b"k") == NOW_MS + 5


def test_storing_a_string_over_an_expired_key_makes_a_new_one(keyspace: Keyspace, database: Database) -> None:
    put(database, b"k", when_ms=NOW_MS + 5)
    later(keyspace, 6)
    database.store_string(b"k", b"other", True)
    assert keyspace.expired == 1
    assert database.expire_time(b"k") == NO_EXPIRE


def test_a_replaced_value_is_found_whatever_was_written_in_between(keyspace: Keyspace, database: Database) -> None:
    for key in (b"a", b"b", b"c"):
        put(database, key)
    database.write(b"c")
    database.delete(b"a")  # the last key moves to the slot of this one
    database.replace_value(b"c", keyspace.strings.create(b"new"))
    assert content(database, b"c") == b"new"
    database.write(b"b")
    database.replace_value(b"c", keyspace.strings.create(b"newer"))
    assert content(database, b"c") == b"newer"
    keyspace.check()


def test_a_lookup_that_found_nothing_does_not_mislead_what_follows(keyspace: Keyspace, database: Database) -> None:
    for key in (b"a", b"b", b"c"):
        put(database, key, key)
    assert database.write(b"missing") is None
    database.delete_found(b"c", False)
    database.write_integer(b"missing")
    database.replace_value(b"b", keyspace.strings.create(b"new"))
    assert database.all_keys() == [b"a", b"b"]
    assert content(database, b"b") == b"new"
    keyspace.check()


def test_a_string_is_made_modifiable_under_its_key(keyspace: Keyspace, database: Database) -> None:
    put(database, b"k", b"text")
    value = database.write(b"k")
    assert isinstance(value, StringObject)
    buffer = database.modify_string(b"k", value)
    buffer.set_part(4, b"!", keyspace.allocator)
    assert database.peek(b"k") is buffer
    assert buffer.data() == b"text!"
    keyspace.check()


def test_clearing_counts_the_keys_and_frees_everything(keyspace: Keyspace, database: Database) -> None:
    before = keyspace.allocator.used_memory
    for number in range(100):
        put(database, b"key:%d" % number, b"x" * number, when_ms=NOW_MS + 5)
    assert database.clear() == 100
    assert keyspace.allocator.used_memory == before


def test_swapping_exchanges_everything(keyspace: Keyspace, database: Database) -> None:
    other = keyspace.databases[1]
    put(database, b"a", when_ms=NOW_MS + 5)
    put(other, b"b")
    database.average_ttl = 7
    database.expires_cursor = 3
    database.swap(other)
    assert (database.keys.all_keys(), other.keys.all_keys()) == ([b"b"], [b"a"])
    assert (database.expire_time(b"b"), other.expire_time(b"a")) == (-1, NOW_MS + 5)
    assert (database.average_ttl, other.average_ttl) == (0, 7)
    assert (database.expires_cursor, other.expires_cursor) == (0, 3)
    keyspace.check()


def test_random_keys_are_uniform_during_a_rehash(keyspace: Keyspace, database: Database) -> None:
    """Chi-square over 33 keys of which only some have moved: one seed in a thousand exceeds 63."""
    for number in range(33):
        put(database, b"key:%d" % number)
    assert database.keys.is_rehashing()
    counts = dict.fromkeys(database.keys.all_keys(), 0)
    for _ in range(3300):
        slot = keyspace.rng.below(database.keys.used)
        counts[database.keys.key(slot)] += 1
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 63


@pytest.mark.parametrize("data", [b"7", b"123456", b"-9223372036854775808", b"", b"text", b"x" * 44, b"x" * 45])
def test_a_duplicate_has_the_same_content_encoding_and_size(keyspace: Keyspace, data: bytes) -> None:
    value = keyspace.strings.create(data)
    duplicate = value.duplicate(keyspace.allocator)
    assert isinstance(duplicate, StringObject)
    assert duplicate is not value
    assert duplicate.data() == data
    assert duplicate.encoding() == value.encoding()
    assert duplicate.memory(keyspace.allocator, 0) == value.memory(keyspace.allocator, 0)
    assert duplicate.refcount == 1
    owned = [("test", address) for address in value.addresses() + duplicate.addresses()]
    assert audit(keyspace.allocator, owned).ok


def test_a_duplicate_has_no_spare_room(keyspace: Keyspace) -> None:
    value = keyspace.strings.create_buffer(bytearray(b"x" * 100))
    value.set_part(100, b"y" * 10, keyspace.allocator)
    duplicate = value.duplicate(keyspace.allocator)
    exact = keyspace.strings.create(b"x" * 110)
    assert duplicate.memory(keyspace.allocator, 0) == exact.memory(keyspace.allocator, 0)
    assert duplicate.memory(keyspace.allocator, 0) < value.memory(keyspace.allocator, 0)


def test_only_a_database_with_such_hashes_has_an_index_of_fields_that_expire(database: Database) -> None:
    assert (database.hashes_with_times(), database.has_due_fields(NOW_MS)) == (0, False)
    database.due_keys.add(b"key", NOW_MS)
    assert database.hashes_with_times() == 1
    assert (database.has_due_fields(NOW_MS), database.has_due_fields(NOW_MS + 1)) == (False, True)
    database.clear()
    assert (database.hashes_with_times(), database.has_due_fields(NOW_MS + 1)) == (0, False)


def test_an_emptied_key_is_deleted_wherever_it_was_found_last(database: Database) -> None:
    for key in (b"one", b"two", b"three"):
        put(database, key)
    database.write(b"three")
    database.delete_found(b"one", False)  # another key than the one that was found last
    database.write(b"two")
    database.delete_found(b"two", False)
    assert database.all_keys() == [b"three"]


def test_the_timer_gives_an_emptied_table_of_valkey_a_bucket_again() -> None:
    world = World(redis_version="valkey-9.1", lazyfree_lazy_user_flush="no")
    for key in ("a", "b"):
        world.do("SET", key, "v", "EX", "100")
    world.do("FLUSHALL")
    world.advance(200)
    empty = world.used_memory
    world.do("SET", "a", "v", "EX", "100")
    assert world.used_memory - empty == 40  # of Valkey 9.1.2: only the key
    world.do("FLUSHALL")
    assert world.used_memory - empty == -144  # and a bucket of each table, until the timer runs
    world.advance(200)
    assert world.used_memory == empty
