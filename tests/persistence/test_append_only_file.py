"""What is written to the append-only file, and what a server makes of it that starts with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.persistence.aof_worlds import BASE, INCREMENT, MANIFEST, again, commands, digest, parts, recording
from tests.persistence.worlds import SavingWorld
from tests.support.replies import OK, Error
from tests.support.wire import request


@pytest.fixture
def world() -> Iterator[SavingWorld]:
    made = recording()
    yield made
    made.check()


def test_the_first_start_makes_a_base_an_incremental_file_and_the_manifest(world: SavingWorld) -> None:
    assert sorted(world.files.content) == [BASE, INCREMENT, MANIFEST]
    assert world.files.content[MANIFEST].decode() == (
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )


def test_without_a_preamble_the_base_consists_of_commands() -> None:
    world = recording(aof_use_rdb_preamble="no")
    assert parts(world) == ["1.base.aof", "1.incr.aof"]


def test_writes_are_appended_with_the_database_that_they_are_for(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    world.do("GET", "a")
    world.do("INCR", "a")
    world.do("SELECT", "3")
    world.do("SET", "b", "2")
    assert commands(world) == [
        *(b"SELECT", b"0", b"SET", b"a", b"1", b"INCR", b"a"),
        *(b"SELECT", b"3", b"SET", b"b", b"2"),
    ]


def test_a_transaction_is_appended_as_one(world: SavingWorld) -> None:
    world.do("MULTI")
    world.do("SET", "a", "1")
    world.do("RPUSH", "l", "x")
    world.do("EXEC")
    assert commands(world) == [
        *(b"MULTI", b"SELECT", b"0", b"SET", b"a", b"1", b"RPUSH", b"l", b"x", b"EXEC"),
    ]


def test_a_new_server_has_the_dataset_of_the_old_one(world: SavingWorld) -> None:
    world.do("SET", "a", "1", "EX", "100")
    world.do("SELECT", "3")
    world.do("RPUSH", "l", "x", "y")
    world.do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    other = again(world)
    assert digest(other) == digest(world)
    assert other.do("PTTL", "a") == 100_000
    assert other.do("FCALL", "f", 0) == 1
    assert world.logged("DB loaded from append only file")


def test_a_server_goes_on_where_the_last_one_ended(world: SavingWorld) -> None:
    world.do("SELECT", "3")
    world.do("SET", "a", "1")
    second = again(world)
    second.do("SET", "a", "2")  # in database 0: the new server has selected no database yet
    third = again(second)
    assert digest(third) == digest(second)
    assert parts(third) == ["1.base.rdb", "1.incr.aof"]


def test_each_file_begins_in_database_0(world: SavingWorld) -> None:
    world.do("SELECT", "3")
    world.do("SET", "a", "1")
    world.do("BGREWRITEAOF")
    other = "appendonlydir/appendonly.aof.2.incr.aof"
    world.files.content[other] += b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n"
    assert again(world).do("GET", "b") == b"1"
    world.advance(1000)


def test_the_file_is_written_before_the_reply(world: SavingWorld) -> None:
    client = world.client()
    client.receive(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
    assert commands(world)[-1] == b"1"
    assert client.take_output() == b"+OK\r\n"


def test_one_write_is_enough_for_the_commands_of_a_batch(world: SavingWorld) -> None:
    world.files.operations.clear()
    world.client().pipeline(("SET", "a", "1"), ("SET", "b", "2"), ("INCR", "a"))
    assert [operation for operation, _, _ in world.files.operations] == ["write"]


def test_keys_expire_by_commands_of_their_own(world: SavingWorld) -> None:
    world.do("SET", "a", "1", "PX", "50")
    world.advance(1000)
    assert commands(world)[-2:] == [b"DEL", b"a"]


def test_nothing_expires_while_the_file_is_replayed() -> None:
    """A key that had lost its expire time before it came must not be deleted on the way."""
    world = recording()
    world.do("SET", "a", "1", "PX", "50")
    world.do("PERSIST", "a")
    world.do("HSET", "h", "f", "1", "g", "2")
    world.do("HPEXPIRE", "h", "50", "FIELDS", "1", "f")
    world.do("HINCRBY", "h", "f", "5")
    world.do("HPERSIST", "h", "FIELDS", "1", "f")
    world.do("SET", "short", "1", "PX", "50")
    other = SavingWorld(host=world.saving_host, appendonly="yes")
    other.clock.advance_us(10_000_000)
    other.started()
    assert other.do("GET", "a") == b"1"
    assert other.do("HMGET", "h", "f", "g") == [b"6", b"2"]
    assert other.do("EXISTS", "short") == 0
    other.check()


def test_scripts_are_replayed_which_old_versions_have_recorded() -> None:
    library = b"#!lua name=l\nredis.register_function('f', function() redis.call('incr', 'n') end)"
    commands = [
        (b"EVAL", b"redis.call('set', KEYS[1], '1')", b"1", b"a"),
        (b"FUNCTION", b"LOAD", library),
        (b"FCALL", b"f", b"0"),
        (b"SCRIPT", b"LOAD", b"return 1"),
        (b"EVALSHA", b"0" * 40, b"0"),
    ]
    world = SavingWorld()
    world.files.content["appendonly.aof"] = bytearray(b"".join([request(*command) for command in commands]))
    new = again(world)
    assert new.do("MGET", "a", "n") == [b"1", b"1"]
    assert new.do("EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 0) == 1
    new.check()


def test_replayed_commands_are_not_counted_and_reply_to_nobody(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    other = again(world)
    assert "cmdstat_set" not in other.info("commandstats")
    assert other.field("rdb_changes_since_last_save") == "0"


def test_a_server_without_the_setting_neither_reads_nor_writes_the_file(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    before = bytes(world.files.content[INCREMENT])
    other = world.another(appendonly="no").started()
    other.do("SET", "b", "1")
    assert other.do("DBSIZE") == 1
    assert bytes(world.files.content[INCREMENT]) == before


def test_with_the_setting_an_rdb_file_is_not_loaded() -> None:
    world = SavingWorld()
    world.do("SET", "a", "1")
    world.do("SAVE")
    assert again(world).do("DBSIZE") == 0


def test_timestamps_are_written_once_a_second() -> None:
    world = recording(aof_timestamp_enabled="yes")
    now = world.clock.now_us() // 1_000_000
    world.client().pipeline(("SET", "a", "1"), ("SET", "b", "1"))
    world.advance(2000)
    world.do("SET", "c", "1")
    lines = [word for word in commands(world) if word.startswith(b"#")]
    assert lines == [b"#TS:%d" % now, b"#TS:%d" % (now + 2)]
    assert digest(again(world)) == digest(world)


def test_the_file_of_an_old_version_becomes_the_base() -> None:
    world = SavingWorld()
    world.files.content["appendonly.aof"] = bytearray(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
    new = again(world)
    assert new.do("GET", "a") == b"1"
    assert parts(new) == ["1.incr.aof", "appendonly.aof"]
    assert "appendonly.aof" not in new.files.content
    assert digest(again(new)) == digest(new)


def test_an_old_file_is_taken_over_whenever_the_server_ends_meanwhile() -> None:
    world = SavingWorld()
    file = world.files.create("appendonly.aof")
    file.write(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
    file.sync()
    world.files.sync_directory(".")
    before = len(world.files.operations)
    new = again(world)
    for count in range(before, len(new.files.operations) + 1):
        assert new.after_crash(count, loses_power=False).do("GET", "a") == b"1"


def test_info_tells_the_sizes(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    fields = world.info("persistence")
    sizes = {path: len(content) for path, content in world.files.content.items()}
    assert fields["aof_enabled"] == "1"
    assert int(fields["aof_base_size"]) == sizes[BASE]
    assert int(fields["aof_current_size"]) == sizes[BASE] + sizes[INCREMENT]
    again_fields = again(world).info("persistence")
    assert again_fields["aof_current_size"] == fields["aof_current_size"]


def test_what_is_not_written_yet_is_memory_that_does_not_count_for_eviction(world: SavingWorld) -> None:
    world.do("SET", "a", "x" * 1000)
    fields = world.info("memory")
    assert int(fields["mem_aof_buffer"]) == 2560
    assert fields["mem_not_counted_for_evict"] == fields["mem_aof_buffer"]
    stats = world.do("MEMORY", "STATS")
    assert isinstance(stats, list)
    assert stats[stats.index(b"aof.buffer") + 1] == 2560
    world.do("SET", "a", "x" * 100_000)
    assert world.info("memory")["mem_aof_buffer"] == "0"


def test_debug_loadaof_loads_the_dataset_again(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    world.do("RPUSH", "l", "x")
    before = digest(world)
    content = bytes(world.files.content[INCREMENT])
    assert world.do("DEBUG", "LOADAOF") == OK
    assert digest(world) == before
    assert bytes(world.files.content[INCREMENT]) == content
    world.do("SET", "b", "2")
    assert digest(again(world)) == digest(world)


def test_debug_loadaof_without_a_file_changes_nothing() -> None:
    world = SavingWorld().started()
    world.do("SET", "a", "1")
    assert world.do("DEBUG", "LOADAOF") == Error(b"ERR Error trying to load the AOF files, check server logs.")
    assert world.do("GET", "a") == b"1"


def test_commands_that_save_or_reload_are_not_recorded(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    before = commands(world)
    world.do("SAVE")
    world.do("DEBUG", "RELOAD")
    world.do("BGSAVE")
    assert commands(world) == before
    assert digest(again(world)) == digest(world)


def test_the_end_of_the_server_forces_everything_to_the_disk(world: SavingWorld) -> None:
    world.do("SET", "a", "1")
    before = digest(world)
    world.do("SHUTDOWN", "NOSAVE")
    assert world.files.operations[-1][:2] == ("sync", INCREMENT)
    assert digest(world.after_crash(len(world.files.operations), loses_power=True)) == before


def test_debug_aof_flush_sleep_stops_the_server_before_each_write(world: SavingWorld) -> None:
    world.do("DEBUG", "AOF-FLUSH-SLEEP", "2000")
    world.do("SET", "a", "1")
    assert world.host.slept == [0.002]
