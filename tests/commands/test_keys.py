"""Commands on whole keys: DEL, UNLINK, EXISTS, TOUCH, TYPE, RANDOMKEY, RENAME, MOVE, COPY, WAIT."""

from __future__ import annotations

import pytest

from tests.support.journal import Journal
from tests.support.keys import encoding, used
from tests.support.replies import (
    DB_INDEX_OUT_OF_RANGE,
    NO_REPLY,
    NO_SUCH_KEY,
    NOT_AN_INTEGER,
    NOT_POSITIVE,
    OK,
    PONG,
    SYNTAX_ERROR,
    Error,
    Reply,
    Simple,
)
from tests.support.wire import request
from tests.support.world import World

SAME = Error(b"ERR source and destination objects are the same")


INT_RANGE = Error(b"ERR value is out of range, value must between -2147483648 and 2147483647")


def select(world: World, database: int) -> None:
    """Let the first client work on another database."""
    world.session.db = world.engine.keyspace.databases[database]


def dirty(world: World) -> int:
    return int(world.engine.keyspace.changes.since_save())


def lookups(world: World) -> tuple[int, int]:
    keyspace = world.engine.keyspace
    return int(keyspace.hits), int(keyspace.misses)


def idle_after(world: World, *command: str) -> Reply:
    """Set k, let ten seconds pass and run a command; returns what OBJECT IDLETIME says of k then."""
    world.do("SET", "k", "v")
    world.advance(10_000)
    world.do(*command)
    return world.do("OBJECT", "IDLETIME", "k")


# DEL, UNLINK


@pytest.mark.parametrize("command", ["DEL", "UNLINK"])
def test_deleting_counts_the_keys_that_existed(world: World, command: str) -> None:
    world.do("MSET", "a", "1", "b", "2")
    assert world.do(command, "a", "b", "a", "c") == 2
    assert world.do("EXISTS", "a", "b") == 0


@pytest.mark.parametrize("command", ["DEL", "UNLINK"])
def test_deleting_notifies_one_event_per_key_that_existed(world: World, command: str) -> None:
    world.do("MSET", "a", "1", "b", "2")
    journal = Journal(world)
    before = dirty(world)
    world.do(command, "a", "c", "b")
    assert journal.take() == ["* a", "del a", "* b", "del b"]
    assert dirty(world) - before == 2


def test_deleting_frees_all_memory_of_a_key(world: World) -> None:
    world.do("SET", "other", "v")
    world.do("DEL", "k")
    before = used(world)
    world.do("SET", "k", "x" * 1000, "EX", "100")
    world.do("DEL", "k")
    assert used(world) - before == 32  # the table of expire times stays


def test_deleting_an_expired_key_counts_nothing(world: World) -> None:
    world.do("SET", "k", "v", "PX", "5")
    world.clock.advance_ms(6)
    journal = Journal(world)
    assert world.do("DEL", "k") == 0
    assert journal.events() == ["expired k"]


# EXISTS, TOUCH, TYPE


def test_exists_counts_a_key_as_often_as_it_is_given(world: World) -> None:
    world.do("SET", "a", "1")
    assert world.do("EXISTS", "a", "a", "b") == 2


def test_touch_counts_the_keys_that_exist(world: World) -> None:
    world.do("SET", "a", "1")
    assert world.do("TOUCH", "a", "a", "b") == 2


def test_type_names_the_type_or_none(world: World) -> None:
    world.do("SET", "a", "1")
    assert world.do("TYPE", "a") == Simple(b"string")
    assert world.do("TYPE", "b") == Simple(b"none")


@pytest.mark.parametrize(
    "command", [("EXISTS", "k"), ("TYPE", "k"), ("TTL", "k"), ("PTTL", "k"), ("OBJECT", "ENCODING", "k"), ("KEYS", "*")]
)
def test_inspecting_a_key_does_not_count_as_use(world: World, command: tuple[str, ...]) -> None:
    assert idle_after(world, *command) == 10


@pytest.mark.parametrize("command", [("TOUCH", "k"), ("GET", "k"), ("PERSIST", "k"), ("COPY", "k", "l")])
def test_reading_or_writing_a_key_counts_as_use(world: World, command: tuple[str, ...]) -> None:
    assert idle_after(world, *command) == 0


@pytest.mark.parametrize(
    "command",
    [
        ("EXISTS",),
        ("TOUCH",),
        ("TYPE",),
        ("TTL",),
        ("PTTL",),
        ("EXPIRETIME",),
        ("PEXPIRETIME",),
        ("OBJECT", "ENCODING"),
        ("OBJECT", "REFCOUNT"),
    ],
)
def test_reading_commands_count_a_hit_or_a_miss(world: World, command: tuple[str, ...]) -> None:
    world.do("SET", "k", "v")
    world.do(*command, "k")
    assert lookups(world) == (1, 0)
    world.do(*command, "none")
    assert lookups(world) == (1, 1)


@pytest.mark.parametrize(
    "command",
    [
        ("DEL", "k"),
        ("EXPIRE", "k", "5"),
        ("PERSIST", "k"),
        ("RENAME", "k", "l"),
        ("MOVE", "k", "1"),
        ("RANDOMKEY",),
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("DBSIZE",),
    ],
)
def test_other_commands_count_neither(world: World, command: tuple[str, ...]) -> None:
    world.do("SET", "k", "v")
    world.do(*command)
    world.do(*command)
    assert lookups(world) == (0, 0)


@pytest.mark.parametrize("command", ["EXISTS", "TOUCH", "TYPE", "TTL"])
def test_a_miss_is_notified(world: World, command: str) -> None:
    journal = Journal(world)
    world.do(command, "none")
    assert journal.take() == ["keymiss none"]


def test_object_notifies_no_miss(world: World) -> None:
    journal = Journal(world)
    world.do("OBJECT", "ENCODING", "none")
    assert journal.take() == []


# RANDOMKEY


def test_randomkey_of_an_empty_database_is_null(world: World) -> None:
    assert world.do("RANDOMKEY") is None


def test_randomkey_deletes_expired_keys_until_it_finds_another_key(world: World) -> None:
    for number in range(20):
        world.do("SET", f"old{number}", "v", "PX", "5")
    world.do("SET", "young", "v")
    world.clock.advance_ms(6)
    assert world.do("RANDOMKEY") == b"young"


def test_randomkey_is_null_when_all_keys_have_expired(world: World) -> None:
    world.do("SET", "old", "v", "PX", "5")
    world.clock.advance_ms(6)
    assert world.do("RANDOMKEY") is None
    assert world.do("DBSIZE") == 0


def test_randomkey_gives_an_expired_key_while_the_data_set_stands_still(world: World) -> None:
    world.do("SET", "old", "v", "PX", "5")
    world.clock.advance_ms(6)
    world.engine.keyspace.stands_still = True
    assert world.do("RANDOMKEY") == b"old"


def test_randomkey_gives_every_key_equally_often(world: World) -> None:
    """Chi-square over 64 keys: by chance 103 is exceeded once in a thousand seeds."""
    for number in range(64):
        world.do("SET", f"key:{number}", "v")
    counts: dict[bytes, int] = {}
    for _ in range(6400):
        key = world.do("RANDOMKEY")
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 64
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 103


# RENAME, RENAMENX


def test_rename_moves_value_and_expire_time(world: World) -> None:
    world.do("SET", "a", "v", "PX", "5000")
    assert world.do("RENAME", "a", "b") == OK
    assert world.do("GET", "b") == b"v"
    assert world.do("PTTL", "b") == 5000
    assert world.do("EXISTS", "a") == 0


def test_rename_overwrites_value_and_expire_time(world: World) -> None:
    world.do("SET", "a", "new")
    world.do("SET", "b", "old", "EX", "100")
    assert world.do("RENAME", "a", "b") == OK
    assert world.do("GET", "b") == b"new"
    assert world.do("TTL", "b") == -1


@pytest.mark.parametrize("command", ["RENAME", "RENAMENX"])
@pytest.mark.parametrize("target", ["a", "b"])
def test_renaming_a_missing_key_is_an_error(world: World, command: str, target: str) -> None:
    world.do("SET", "b", "v")
    assert world.do(command, "a", target) == NO_SUCH_KEY


def test_renaming_a_key_to_itself_changes_nothing(world: World) -> None:
    world.do("SET", "a", "v")
    journal = Journal(world)
    before = dirty(world)
    assert world.do("RENAME", "a", "a") == OK
    assert world.do("RENAMENX", "a", "a") == 0
    assert journal.take() == []
    assert dirty(world) == before


def test_renamenx_does_not_overwrite(world: World) -> None:
    world.do("MSET", "a", "1", "b", "2")
    assert world.do("RENAMENX", "a", "b") == 0
    assert world.do("RENAMENX", "a", "c") == 1
    assert world.do("MGET", "a", "b", "c") == [None, b"2", b"1"]


def test_rename_notifies_both_changes_before_both_events(world: World) -> None:
    world.do("MSET", "a", "1", "b", "2")
    journal = Journal(world)
    before = dirty(world)
    world.do("RENAME", "a", "b")
    assert journal.take() == ["new b", "* a", "* b", "rename_from a", "rename_to b"]
    assert dirty(world) - before == 1


def test_rename_allocates_the_new_key_and_keeps_the_value(world: World) -> None:
    world.do("SET", "a", "x" * 100)
    world.do("SET", "c", "v")
    world.do("RENAME", "c", "d")
    before = used(world)
    world.do("RENAME", "a", "b" * 100)
    assert used(world) - before == 112 - 8  # the sds of the key: 3 -> 8, 104 -> 112 bytes


def test_rename_grows_a_full_table_although_the_number_of_keys_stays(world: World) -> None:
    world.do("MSET", "a", "1", "b", "2", "c", "3", "d", "4")
    table = world.engine.keyspace.databases[0].keys
    assert table.buckets() == 4
    world.do("RENAME", "a", "e")
    assert table.buckets() > 4
    assert table.used == 4


# MOVE


def test_move_moves_value_and_expire_time(world: World) -> None:
    world.do("SET", "a", "v", "PX", "5000")
    assert world.do("MOVE", "a", "3") == 1
    assert world.do("EXISTS", "a") == 0
    select(world, 3)
    assert world.do("GET", "a") == b"v"
    assert world.do("PTTL", "a") == 5000


def test_move_does_not_overwrite(world: World) -> None:
    world.do("SET", "a", "1")
    world.do("MOVE", "a", "1")
    world.do("SET", "a", "2")
    assert world.do("MOVE", "a", "1") == 0
    assert world.do("GET", "a") == b"2"


def test_move_overwrites_an_expired_key(world: World) -> None:
    world.do("SET", "a", "1", "PX", "5")
    world.do("MOVE", "a", "1")
    world.do("SET", "a", "2")
    world.clock.advance_ms(6)
    assert world.do("MOVE", "a", "1") == 1


@pytest.mark.parametrize(
    ("database", "reply"),
    [
        ("0", SAME),
        ("16", DB_INDEX_OUT_OF_RANGE),
        ("-1", DB_INDEX_OUT_OF_RANGE),
        ("x", NOT_AN_INTEGER),
        ("99999999999", INT_RANGE),
    ],
)
def test_move_checks_the_database_before_the_key(world: World, database: str, reply: Reply) -> None:
    assert world.do("MOVE", "none", database) == reply


def test_moving_a_missing_key_replies_with_zero(world: World) -> None:
    assert world.do("MOVE", "none", "1") == 0


def test_move_notifies_both_databases(world: World) -> None:
    world.do("SET", "a", "1")
    journal = Journal(world)
    before = dirty(world)
    world.do("MOVE", "a", "1")
    assert journal.take() == ["1:new a", "* a", "1:* a", "move_from a", "1:move_to a"]
    assert dirty(world) - before == 1


# COPY


def test_copy_makes_a_value_of_its_own_with_the_expire_time(world: World) -> None:
    world.do("SET", "a", "text", "PX", "5000")
    assert world.do("COPY", "a", "b") == 1
    world.do("APPEND", "a", "!")
    assert world.do("GET", "b") == b"text"
    assert world.do("PTTL", "b") == 5000


def test_copy_overwrites_only_with_replace(world: World) -> None:
    world.do("SET", "a", "new")
    world.do("SET", "b", "old", "EX", "100")
    assert world.do("COPY", "a", "b") == 0
    assert world.do("COPY", "a", "b", "replace") == 1
    assert world.do("GET", "b") == b"new"
    assert world.do("TTL", "b") == -1


def test_copy_to_another_database(world: World) -> None:
    world.do("SET", "a", "v")
    assert world.do("COPY", "a", "a", "DB", "1") == 1
    assert world.do("COPY", "a", "b", "db", "0", "DB", "1") == 1
    select(world, 1)
    assert world.do("MGET", "a", "b") == [b"v", b"v"]


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        ((), SAME),
        (("DB", "0"), SAME),
        (("DB",), SYNTAX_ERROR),
        (("DB", "16"), DB_INDEX_OUT_OF_RANGE),
        (("DB", "x"), NOT_AN_INTEGER),
        (("DB", "99999999999"), INT_RANGE),
        (("REPLACE", "nonsense"), SYNTAX_ERROR),
    ],
)
def test_copy_checks_its_options_before_the_key(world: World, options: tuple[str, ...], reply: Reply) -> None:
    assert world.do("COPY", "none", "none", *options) == reply


def test_copying_a_missing_key_replies_with_zero(world: World) -> None:
    world.do("SET", "b", "v")
    assert world.do("COPY", "none", "b", "REPLACE") == 0
    assert world.do("EXISTS", "b") == 1


def test_copy_notifies_the_new_key_only(world: World) -> None:
    world.do("SET", "a", "1")
    journal = Journal(world)
    before = dirty(world)
    world.do("COPY", "a", "b", "DB", "2")
    assert journal.take() == ["2:new b", "2:* b", "2:copy_to b"]
    assert dirty(world) - before == 1


def test_the_copy_of_a_shared_number_is_not_shared(world: World) -> None:
    world.do("SET", "a", "7")
    world.do("COPY", "a", "b")
    assert world.do("OBJECT", "REFCOUNT", "a") == 2147483647
    assert world.do("OBJECT", "REFCOUNT", "b") == 1
    assert encoding(world, b"b") == "int"


def test_a_copy_has_no_spare_room(world: World) -> None:
    world.do("SET", "a", "x" * 100)
    world.do("APPEND", "a", "y" * 100)
    world.do("COPY", "a", "b")
    assert encoding(world, b"b") == "raw"
    value = world.engine.keyspace.databases[0].peek(b"b")
    assert value is not None
    assert value.memory(world.engine.allocator, 0) == 16 + 224  # the sds of 200 bytes: 204 -> 224


def test_a_copy_keeps_the_encoding_of_a_short_raw_string(world: World) -> None:
    world.do("APPEND", "a", "x")
    world.do("APPEND", "a", "y")
    world.do("COPY", "a", "b")
    assert encoding(world, b"b") == "raw"


# WAIT, WAITAOF


@pytest.mark.parametrize("replicas", ["0", "-1"])
def test_wait_for_no_replicas_replies_at_once(world: World, replicas: str) -> None:
    assert world.do("WAIT", replicas, "0") == 0


def test_wait_replies_when_it_times_out(world: World) -> None:
    assert world.do("WAIT", "1", "250") == NO_REPLY
    world.advance(200)
    assert world.replies() == []
    world.advance(100)
    assert world.replies() == [0]


def test_wait_without_a_timeout_waits_for_ever(world: World) -> None:
    world.do("WAIT", "1", "0")
    world.advance(10_000)
    assert world.replies() == []


def test_requests_sent_after_wait_run_when_it_has_ended(world: World) -> None:
    world.first.receive(request("WAIT", "1", "50") + request("PING"))
    assert world.do("PING", "second") == NO_REPLY
    world.advance(100)
    assert world.replies() == [0, PONG, b"second"]


def test_wait_does_not_block_in_a_transaction(world: World) -> None:
    world.do("MULTI")
    world.do("WAIT", "1", "0")
    world.do("WAITAOF", "0", "1", "0")
    assert world.do("EXEC") == [0, [0, 0]]


def test_a_client_that_has_disconnected_gets_no_reply(world: World) -> None:
    client = world.client()
    client.do("WAIT", "1", "50")
    client.leave()
    world.advance(100)
    assert client.replies() == []


def test_an_unblocked_client_gets_no_reply_at_its_old_timeout(world: World) -> None:
    world.do("WAIT", "1", "100")
    assert world.engine.blocking.release(world.session)
    assert world.replies() == [0]
    world.do("WAIT", "1", "5000")
    world.advance(200)
    assert world.replies() == []


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (("WAIT", "x", "0"), NOT_AN_INTEGER),
        (("WAIT", "0", "x"), Error(b"ERR timeout is not an integer or out of range")),
        (("WAIT", "0", "-1"), Error(b"ERR timeout is negative")),
        (("WAIT", "0", "9223372036854775807"), Error(b"ERR timeout is out of range")),
        (("WAITAOF", "2", "0", "0"), Error(b"ERR value is out of range, value must between 0 and 1")),
        (("WAITAOF", "0", "-1", "0"), NOT_POSITIVE),
        (("WAITAOF", "1", "0", "-1"), Error(b"ERR timeout is negative")),
        (
            ("WAITAOF", "1", "0", "0"),
            Error(b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."),
        ),
    ],
)
def test_wait_checks_its_arguments(world: World, arguments: tuple[str, ...], reply: Reply) -> None:
    assert world.do(*arguments) == reply


def test_waitaof_without_an_append_only_file_counts_nothing(world: World) -> None:
    assert world.do("WAITAOF", "0", "0", "0") == [0, 0]
    assert world.do("WAITAOF", "0", "1", "50") == NO_REPLY
    world.advance(100)
    assert world.replies() == [[0, 0]]
