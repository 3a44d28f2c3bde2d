"""Loading: at the start, in slices while clients get LOADING, and DEBUG RELOAD."""

from __future__ import annotations

from typing import Any

import pytest

from pyredmem.persistence.loading import LoadError
from tests.persistence.worlds import SavingWorld
from tests.scripting.test_killing import RunningClock
from tests.support.replies import OK, PONG, Error

LOADING = Error(b"LOADING Redis is loading the dataset in memory")
CANNOT_LOAD = Error(b"ERR Error trying to load the RDB dump, check server logs.")
#: Records of an RDB file.
KEY_A = b"\x00\x01a\x01b"
HEADER = b"REDIS0011"


def saved(keys: int = 3) -> SavingWorld:
    """A world that has saved some keys."""
    world = SavingWorld()
    for number in range(keys):
        world.do("SET", f"key:{number}", number)
    world.do("SAVE")
    return world


def with_large_file(**settings: Any) -> SavingWorld:
    """A world whose file takes many slices to load, since reading is slow: 200 keys, which expire in 5 seconds."""
    world = SavingWorld(rdbcompression="no")
    for number in range(200):
        world.do("SET", f"key:{number}", "x" * 10_000, "PX", "5000")
    world.do("SAVE")
    other = world.another(**settings)
    other.files.passes_time = lambda: other.clock.advance_ms(2)
    return other


def loaded_keys(world: SavingWorld) -> int:
    return len(world.engine.keyspace.databases[0].all_keys())


def with_file(content: bytes, **settings: Any) -> SavingWorld:
    """A world that has a file without having written it. The file ends without a checksum."""
    world = SavingWorld(**settings)
    world.files.content["dump.rdb"] = bytearray(content)
    return world


def ended(records: bytes, header: bytes = HEADER) -> bytes:
    return header + records + b"\xff" + bytes(8)


# At once.


def test_keys_that_have_expired_are_not_loaded() -> None:
    world = SavingWorld()
    world.do("SET", "stays", "1", "PX", "100000")
    world.do("SET", "goes", "1", "PX", "10")
    world.do("SAVE")
    other = world.another()
    other.clock.advance_ms(50)
    other.tick()
    other.persistence.load()
    assert other.do("KEYS", "*") == [b"stays"]
    assert other.field("rdb_last_load_keys_expired") == "1"
    assert other.field("rdb_last_load_keys_loaded") == "1"
    other.check()


def test_the_tables_have_room_from_the_beginning_for_as_many_keys_as_the_file_says() -> None:
    world = SavingWorld()
    for number in range(70):
        world.do("SET", f"key:{number}", number, "PX", "100000")
    world.do("SAVE")
    database = world.another().started().engine.keyspace.databases[0]
    assert (database.keys.buckets(), database.expires.buckets()) == (128, 128)


def test_loading_counts_no_change_and_raises_no_event() -> None:
    world = saved()
    other = world.another(notify_keyspace_events="AKEn")
    watcher = other.client()
    watcher.do("PSUBSCRIBE", "*")
    other.persistence.load()
    assert other.dirty == 0
    assert watcher.take_output() == b""


def test_functions_are_saved_and_loaded() -> None:
    world = SavingWorld()
    world.do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 7 end)")
    world.do("SAVE")
    other = world.another()
    other.persistence.load()
    assert other.do("FCALL", "f", "0") == 7


def test_fields_with_expire_times_are_saved_and_loaded() -> None:
    world = SavingWorld()
    world.do("HSET", "h", "f", "v", "g", "w")
    world.do("HPEXPIRE", "h", "100000", "FIELDS", "1", "f")
    world.do("SAVE")
    assert world.files.content["dump.rdb"].startswith(b"REDIS0012")
    other = world.another()
    other.persistence.load()
    assert other.do("HPTTL", "h", "FIELDS", "2", "f", "g") == world.do("HPTTL", "h", "FIELDS", "2", "f", "g")
    other.advance(101_000)
    assert other.do("HKEYS", "h") == [b"g"]
    other.check()


@pytest.mark.parametrize("limit", ["0", "128"])
def test_a_hash_that_has_lost_its_expire_times_is_saved_for_old_servers(limit: str) -> None:
    world = SavingWorld(hash_max_listpack_entries=limit)
    world.do("HSET", "h", "f", "v", "g", "w")
    world.do("HPEXPIRE", "h", "100000", "FIELDS", "1", "f")
    world.do("HPERSIST", "h", "FIELDS", "1", "f")
    world.do("SAVE")
    assert world.files.content["dump.rdb"].startswith(b"REDIS0011")
    other = world.another()
    other.persistence.load()
    assert other.do("DEBUG", "DIGEST") == world.do("DEBUG", "DIGEST")


def test_idle_times_are_saved_if_the_policy_uses_them() -> None:
    world = SavingWorld(maxmemory_policy="allkeys-lru")
    world.do("RPUSH", "l", "x")
    world.advance(7000)
    world.do("SAVE")
    other = world.another(maxmemory_policy="allkeys-lru")
    other.persistence.load()
    assert other.do("OBJECT", "IDLETIME", "l") == 7


def test_keys_that_are_loaded_before_the_first_tick_count_as_used_then() -> None:
    world = SavingWorld()
    world.do("RPUSH", "l", "x")
    world.do("SAVE")
    world.advance(60_000)
    other = world.another()
    other.clock.advance_us(world.clock.now_us() - other.clock.now_us())
    other.persistence.load()
    other.tick(3000)
    assert other.do("OBJECT", "IDLETIME", "l") == 3


def test_frequencies_are_saved_if_the_policy_uses_them() -> None:
    world = SavingWorld(maxmemory_policy="allkeys-lfu")
    world.do("RPUSH", "l", "x")
    for _ in range(200):
        world.do("LLEN", "l")
    world.do("SAVE")
    other = world.another(maxmemory_policy="allkeys-lfu")
    other.persistence.load()
    frequency = world.do("OBJECT", "FREQ", "l")
    assert frequency > 5
    assert other.do("OBJECT", "FREQ", "l") == frequency


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Unexpected EOF reading RDB file"),
        (b"RUBBISH!!", "Wrong signature trying to load DB from file"),
        (b"REDIS0099", "Can't handle RDB format version 99"),
        (HEADER + KEY_A, "Unexpected EOF reading RDB file"),
        (ended(KEY_A + KEY_A), "RDB has duplicated key 'a' in DB 0"),
        (ended(b"\xfe\x20" + KEY_A), "Data file was created with a server configured to handle more than 16 databases"),
        (ended(b"\xf5\x05rubbi"), "Failed loading library: ERR Missing library metadata"),
        (ended(KEY_A)[:-1] + b"\x01", "Wrong RDB checksum"),
        (ended(b"\x1e\x01a"), "Invalid object type: 30"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_an_error_that_says_why(content: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=r"dump\.rdb") as raised:
        with_file(content).persistence.load()
    assert message in str(raised.value)


def test_keys_without_elements_and_values_of_modules_are_left_out() -> None:
    module = b"\x07\x01m\x81" + bytes(8) + b"\x02\x05\x05\x01x\x00"
    world = with_file(ended(b"\x02\x01s\x00" + module + KEY_A))
    world.persistence.load()
    assert world.do("KEYS", "*") == [b"a"]
    assert world.logged("empty keys skipped: 1")
    assert world.logged("Left out 1 keys with values of modules")
    world.check()


def test_a_false_number_of_keys_takes_no_memory() -> None:
    world = with_file(ended(b"\xfb\x81" + b"\x7f" * 8 + b"\x00" + KEY_A))
    before = world.used_memory
    world.persistence.load()
    assert world.used_memory - before < 500


# In slices.


def test_clients_get_loading_while_a_large_file_is_loaded() -> None:
    world = with_large_file(maxmemory="1mb")
    problems: list[str] = []
    world.persistence.start_in_slices(problems.append)
    world.run_tasks()
    assert problems == []
    assert world.do("GET", "key:0") == LOADING
    assert world.do("MULTI") == OK
    assert world.do("GET", "key:0") == LOADING
    assert world.do("DISCARD") == OK
    info = world.info("persistence")
    assert info["loading"] == "1"
    assert 0 < int(info["loading_loaded_bytes"]) < int(info["loading_total_bytes"])
    assert int(info["loading_rdb_used_mem"]) > 0
    for _ in range(100):
        world.run_tasks()
    assert problems == [""]
    assert world.field("loading") == "0"
    assert "loading_total_bytes" not in world.info("persistence")
    assert loaded_keys(world) == 200  # nothing was evicted meanwhile
    assert world.do("PING") == PONG
    world.check()


def test_nothing_expires_while_a_file_is_loaded() -> None:
    world = with_large_file()
    world.persistence.start_in_slices(lambda problem: None)
    world.run_tasks()
    loaded = loaded_keys(world)
    assert 0 < loaded < 200
    world.clock.advance_ms(10_000)
    world.engine.tick(world.now_ms)
    world.do("PING")
    assert loaded_keys(world) >= loaded


def test_a_file_that_cannot_be_loaded_in_slices_is_reported() -> None:
    problems: list[str] = []
    with_file(HEADER + KEY_A).persistence.start_in_slices(problems.append)
    world = with_file(HEADER + KEY_A)
    world.persistence.start_in_slices(problems.append)
    world.run_tasks()
    assert problems == ["dump.rdb at offset 14: Unexpected EOF reading RDB file"]
    assert world.do("SET", "a", "1") == LOADING  # until the server has ended
    missing = SavingWorld()
    missing.persistence.start_in_slices(problems.append)
    assert problems[1:] == [""]  # there is nothing to load


# DEBUG RELOAD.


def test_debug_reload_loads_what_it_saves() -> None:
    world = saved()
    world.do("SELECT", "2")
    world.do("ZADD", "z", "1", "a", "2", "b")
    digest = world.do("DEBUG", "DIGEST")
    assert world.do("DEBUG", "RELOAD") == OK
    assert world.do("DEBUG", "DIGEST") == digest
    assert world.dirty == 0
    world.check()


def test_debug_reload_without_saving_brings_back_what_was_saved() -> None:
    world = saved()
    world.do("SET", "new", "1")
    assert world.do("DEBUG", "RELOAD", "NOSAVE") == OK
    assert world.do("EXISTS", "new") == 0


def test_debug_reload_without_flushing_needs_merge_where_keys_exist() -> None:
    world = saved()
    world.do("SET", "key:0", "changed")
    world.do("SET", "new", "1")
    assert world.do("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH") == CANNOT_LOAD
    assert world.do("GET", "key:0") == b"changed"
    assert world.do("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE") == OK
    assert world.do("GET", "key:0") == b"0"
    assert world.do("GET", "new") == b"1"
    world.check()


def test_a_damaged_file_costs_debug_reload_nothing() -> None:
    world = saved()
    digest = world.do("DEBUG", "DIGEST")
    del world.files.content["dump.rdb"][-3:]
    assert world.do("DEBUG", "RELOAD", "NOSAVE") == CANNOT_LOAD
    assert world.do("DEBUG", "DIGEST") == digest
    del world.files.content["dump.rdb"]
    assert world.do("DEBUG", "RELOAD", "NOSAVE") == CANNOT_LOAD


def test_debug_reload_refuses_unknown_options_and_a_save_that_fails() -> None:
    world = saved()
    assert world.do("DEBUG", "RELOAD", "FAST") == Error(
        b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
    )
    world.files.fail("create")
    assert world.do("DEBUG", "RELOAD") == Error(b"ERR")
    assert world.do("DBSIZE") == 3


# The end of the server.


def test_shutdown_saves_if_there_are_save_points() -> None:
    world = SavingWorld(save="3600 1")
    world.do("SET", "a", "b")
    world.raw("SHUTDOWN")
    assert "dump.rdb" in world.files.content
    assert world.host.shut == 1


@pytest.mark.parametrize(
    ("points", "options", "saves"),
    [("", [], False), ("", ["SAVE"], True), ("3600 1", ["NOSAVE"], False), ("3600 1", ["NOW"], True)],
)
def test_options_of_shutdown_decide_whether_it_saves(points: str, options: list[str], saves: bool) -> None:
    world = SavingWorld(save=points)
    world.raw("SHUTDOWN", *options)
    assert ("dump.rdb" in world.files.content) == saves
    assert world.host.shut == 1


def test_a_shutdown_that_cannot_save_does_not_happen_unless_it_is_forced() -> None:
    world = SavingWorld(save="3600 1")
    world.files.fail("create")
    assert world.do("SHUTDOWN") == Error(b"ERR Errors trying to SHUTDOWN. Check logs.")
    assert world.host.shut == 0
    world.raw("SHUTDOWN", "FORCE")
    assert world.host.shut == 1


def test_a_server_that_is_loading_is_not_saved_at_its_end() -> None:
    world = with_large_file(save="3600 1")
    before = bytes(world.files.content["dump.rdb"])
    world.persistence.start_in_slices(lambda problem: None)
    world.run_tasks()
    world.raw("SHUTDOWN", "SAVE")
    assert world.host.shut == 1
    assert bytes(world.files.content["dump.rdb"]) == before


def test_a_dataset_that_a_script_is_changing_is_not_saved() -> None:
    world = SavingWorld(clock=RunningClock(), save="3600 1", busy_reply_threshold="20")
    world.do("EVAL", "redis.call('SET', 'half', 'done') while true do end", 0)
    assert world.engine.script_run.is_suspended()
    assert world.persistence.prepare_end({"save"})
    assert world.files.content == {}
    world.engine.script_run.abandon()
