"""Fields with a time to live: the commands of Redis 7.4, and what happens to expired fields."""

from __future__ import annotations

import pytest

from tests.support.filling import fill_hash
from tests.support.keys import Watched, encoding
from tests.support.replies import WRONG_TYPE, Error, Reply
from tests.support.world import World

LATEST_MS = 70368744177663
SETTERS = ["HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"]
SHOWERS = ["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HPERSIST"]


@pytest.fixture(params=["listpackex", "hashtable"])
def kind(world: World, request: pytest.FixtureRequest) -> str:
    """The encoding of every hash in the test that has field times: listpackex or hashtable."""
    if request.param == "hashtable":
        world.do("CONFIG", "SET", "hash-max-listpack-entries", "0")
    return str(request.param)


def lazily(world: World) -> None:
    """Let only access delete expired fields, not the timer."""
    world.engine.switches.active_expire = False


def expire(world: World, *fields: str, after_ms: int = 10) -> None:
    """Give fields `after_ms` to live and let this time pass."""
    world.do("HPEXPIRE", "k", after_ms, "FIELDS", len(fields), *fields)
    world.advance(after_ms + 1)


def now_ms(world: World) -> int:
    return world.clock.now_us() // 1000


# Refusals.


@pytest.mark.parametrize("command", SETTERS)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x", "FIELDS", "1", "a"], "value is not an integer or out of range"),
        (["-1", "FIELDS", "1", "a"], "invalid expire time, must be >= 0"),
        (["1", "NOPE", "1", "a"], "Mandatory argument FIELDS is missing or not at the right position"),
        (["1", "NX", "XX", "FIELDS", "1", "a"], "Mandatory argument FIELDS is missing or not at the right position"),
        (["1", "NX", "FIELDS", "0", "a"], "Parameter `numFields` should be greater than 0"),
        (["1", "FIELDS", "-1", "a"], "Parameter `numFields` should be greater than 0"),
        (["1", "FIELDS", "x", "a"], "Parameter `numFields` should be greater than 0"),
        (["1", "FIELDS", "2", "a"], "The `numfields` parameter must match the number of arguments"),
        (["1", "FIELDS", "1", "a", "b"], "The `numfields` parameter must match the number of arguments"),
    ],
)
def test_bad_arguments_of_commands_that_set_times_are_refused(
    world: World, command: str, words: list[str], message: str
) -> None:
    assert world.do(command, "k", *words) == Error(f"ERR {message}".encode())


@pytest.mark.parametrize("command", SETTERS)
def test_times_have_46_bits(world: World, command: str) -> None:
    fill_hash(world, "a")
    unit = 1000 if command in ("HEXPIRE", "HEXPIREAT") else 1
    from_ms = 0 if command.endswith("AT") else now_ms(world)
    most = (LATEST_MS - from_ms) // unit
    assert world.do(command, "k", most, "FIELDS", "1", "a") == [1]
    refusal = Error(f"ERR invalid expire time in '{command.lower()}' command".encode())
    assert world.do(command, "k", most + 1, "FIELDS", "1", "a") == refusal


@pytest.mark.parametrize("command", SHOWERS)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["NOPE", "1", "a"], "Mandatory argument FIELDS is missing or not at the right position"),
        (["FIELDS", "0", "a"], "Number of fields must be a positive integer"),
        (["FIELDS", "x", "a"], "Number of fields must be a positive integer"),
        (["FIELDS", "2", "a"], "The `numfields` parameter must match the number of arguments"),
    ],
)
def test_bad_arguments_of_the_other_commands_are_refused(
    world: World, command: str, words: list[str], message: str
) -> None:
    assert world.do(command, "k", *words) == Error(f"ERR {message}".encode())


@pytest.mark.parametrize("command", SETTERS)
def test_a_wrong_type_is_reported_before_a_bad_time(world: World, command: str) -> None:
    world.do("SET", "s", "v")
    assert world.do(command, "s", "x", "FIELDS", "1", "a") == WRONG_TYPE


# Setting and showing.


def test_missing_keys_and_fields_give_minus_two(world: World, kind: str) -> None:
    fill_hash(world, "a")
    for command in SETTERS:
        assert world.do(command, "missing", "1", "FIELDS", "2", "x", "y") == [-2, -2]
        assert world.do(command, "k", "1", "FIELDS", "1", "x") == [-2]
    for command in SHOWERS:
        assert world.do(command, "missing", "FIELDS", "2", "x", "y") == [-2, -2]
        assert world.do(command, "k", "FIELDS", "2", "x", "a") == [-2, -1]


def test_times_are_rounded_up_to_the_unit_shown(world: World, kind: str) -> None:
    fill_hash(world, "a", "b")
    now = now_ms(world)
    assert world.do("HPEXPIRE", "k", "1500", "FIELDS", "1", "a") == [1]
    assert world.do("HPTTL", "k", "FIELDS", "2", "a", "b") == [1500, -1]
    assert world.do("HTTL", "k", "FIELDS", "1", "a") == [2]
    assert world.do("HPEXPIRETIME", "k", "FIELDS", "1", "a") == [now + 1500]
    assert world.do("HEXPIRETIME", "k", "FIELDS", "1", "a") == [(now + 1500 + 999) // 1000]
    assert encoding(world) == kind


def test_the_four_commands_that_set_times_mean_the_same(world: World, kind: str) -> None:
    fill_hash(world, "a")
    second = now_ms(world) // 1000 + 100
    for command, time in [("HEXPIREAT", second), ("HPEXPIREAT", second * 1000)]:
        assert world.do(command, "k", time, "FIELDS", "1", "a") == [1]
        assert world.do("HPEXPIRETIME", "k", "FIELDS", "1", "a") == [second * 1000]
    for command, time in [("HEXPIRE", 100), ("HPEXPIRE", 100000)]:
        assert world.do(command, "k", time, "fields", "1", "a") == [1]
        assert world.do("HPTTL", "k", "FIELDS", "1", "a") == [100000]


@pytest.mark.parametrize(
    ("condition", "without", "later", "earlier", "same"),
    [("NX", 1, 0, 0, 0), ("XX", 0, 1, 1, 1), ("GT", 0, 1, 0, 0), ("LT", 1, 0, 1, 0)],
)
def test_conditions(world: World, kind: str, condition: str, without: int, later: int, earlier: int, same: int) -> None:
    time = now_ms(world) + 100000
    for when, expected in [(time + 1, later), (time - 1, earlier), (time, same)]:
        fill_hash(world, "a", "b")
        world.do("HPEXPIREAT", "k", time, "FIELDS", "1", "a")
        reply = world.do("HPEXPIREAT", "k", when, condition.lower(), "FIELDS", "2", "a", "b")
        assert reply == [expected, without]
        assert world.do("HPEXPIRETIME", "k", "FIELDS", "1", "a") == [when if expected else time]


def test_a_time_in_the_past_deletes_the_fields(world: World, kind: str) -> None:
    fill_hash(world, "a", "b", "c")
    watched = Watched(world)
    assert world.do("HPEXPIREAT", "k", now_ms(world), "FIELDS", "2", "a", "x") == [2, -2]
    assert watched.by("HEXPIREAT", "k", "1", "FIELDS", "1", "b") == (["hdel k"], 1)
    assert watched.by("HPEXPIRE", "k", "0", "FIELDS", "1", "c") == (["hdel k", "del k"], 1)
    assert world.do("EXISTS", "k") == 0


def test_a_condition_that_is_not_met_keeps_the_field(world: World) -> None:
    fill_hash(world, "a")
    assert world.do("HEXPIREAT", "k", "1", "XX", "FIELDS", "1", "a") == [0]
    assert world.do("HGETALL", "k") == [b"a", b"a"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("HEXPIRE k 100 XX FIELDS 1 a", "listpackex"),
        ("HEXPIRE k 100 FIELDS 1 missing", "listpackex"),
        ("HPEXPIREAT k 1 FIELDS 1 missing", "listpackex"),
        ("HGETEX k EX 100 FIELDS 1 missing", "listpackex"),
        ("HGETEX k PERSIST FIELDS 1 a", "listpackex"),
        ("HSETEX k PXAT 1 FIELDS 1 b b", "listpackex"),
        ("HSETEX k FXX EX 100 FIELDS 1 b b", "listpack"),
        ("HSETEX k KEEPTTL FIELDS 1 b b", "listpack"),
        ("HSETEX k FIELDS 1 b b", "listpack"),
        ("HGETEX k FIELDS 1 a", "listpack"),
        ("HPERSIST k FIELDS 1 a", "listpack"),
        ("HTTL k FIELDS 1 a", "listpack"),
    ],
)
def test_a_command_that_may_set_times_changes_the_encoding_even_if_it_sets_none(
    world: World, words: str, expected: str
) -> None:
    fill_hash(world, "a")
    world.do(*words.split())
    assert encoding(world) == expected


def test_fields_are_listed_by_their_times_and_a_new_time_comes_before_equal_ones(world: World) -> None:
    fill_hash(world, "a", "b", "c", "d")
    world.do("HPEXPIREAT", "k", LATEST_MS, "FIELDS", "3", "a", "b", "c")
    assert world.do("HKEYS", "k") == [b"c", b"b", b"a", b"d"]
    world.do("HPEXPIREAT", "k", LATEST_MS - 1, "FIELDS", "1", "a")
    assert world.do("HKEYS", "k") == [b"a", b"c", b"b", b"d"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("HPEXPIRE k 100000 FIELDS 1 a", 1),
        ("HPEXPIRE k 100000 NX FIELDS 1 a", 0),
        ("HPEXPIRE k 100000 XX FIELDS 1 a", 1),
        ("HPEXPIRE k 100000 GT FIELDS 1 a", 1),
        ("HPEXPIRE k 100000 LT FIELDS 1 a", 0),
        ("HPEXPIRE k 0 FIELDS 1 a", 2),
    ],
)
def test_an_expired_field_that_was_not_deleted_yet_can_get_another_time(
    world: World, kind: str, words: str, expected: int
) -> None:
    lazily(world)
    fill_hash(world, "a", "b")
    expire(world, "a")
    assert world.do(*words.split()) == [expected]
    assert world.do("HEXISTS", "k", "a") == int(expected == 1)


def test_hpersist_removes_times(world: World, kind: str) -> None:
    fill_hash(world, "a", "b")
    world.do("HEXPIRE", "k", "100", "FIELDS", "1", "a")
    assert world.do("HPERSIST", "k", "FIELDS", "3", "a", "b", "x") == [1, -1, -2]
    assert world.do("HTTL", "k", "FIELDS", "1", "a") == [-1]
    assert encoding(world) == kind


def test_events(world: World, kind: str) -> None:
    fill_hash(world, "a", "b")
    watched = Watched(world)
    assert watched.by("HEXPIRE", "k", "100", "FIELDS", "2", "a", "b") == (["hexpire k"], 2)
    assert watched.by("HEXPIRE", "k", "100", "NX", "FIELDS", "2", "a", "x") == ([], 0)
    assert watched.by("HPERSIST", "k", "FIELDS", "1", "a") == (["hpersist k"], 1)
    assert watched.by("HPERSIST", "k", "FIELDS", "1", "a") == ([], 0)


# Other commands.


def test_setting_a_field_removes_its_time(world: World, kind: str) -> None:
    for words in (["HSET", "k", "a", "1"], ["HSET", "k", "a", "1", "c", "1"], ["HMSET", "k", "a", "1"]):
        fill_hash(world, "a", "b")
        world.do("HEXPIRE", "k", "100", "FIELDS", "2", "a", "b")
        world.do(*words)
        assert world.do("HTTL", "k", "FIELDS", "2", "a", "b") == [-1, 100]


def test_incrementing_a_field_keeps_its_time(world: World, kind: str) -> None:
    world.do("HSET", "k", "n", "5")
    world.do("HEXPIRE", "k", "100", "FIELDS", "1", "n")
    world.do("HINCRBY", "k", "n", "1")
    world.do("HINCRBYFLOAT", "k", "n", "0.5")
    assert world.do("HTTL", "k", "FIELDS", "1", "n") == [100]


def test_incrementing_an_expired_field_starts_from_zero(world: World, kind: str) -> None:
    lazily(world)
    for command in ("HINCRBY", "HINCRBYFLOAT"):
        world.do("HSET", "k", "n", "5")
        expire(world, "n")
        world.do(command, "k", "n", "1")
        assert world.do("HGETALL", "k") == [b"n", b"1"]
        assert world.do("HTTL", "k", "FIELDS", "1", "n") == [-1]


def test_hsetnx_sets_an_expired_field(world: World, kind: str) -> None:
    lazily(world)
    fill_hash(world, "a")
    expire(world, "a")
    assert world.do("HSETNX", "k", "a", "new") == 1
    assert world.do("HGET", "k", "a") == b"new"


# Expired fields.


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["HGET", "k", "a"], None),
        (["HMGET", "k", "a", "b", "c"], [None, None, b"c"]),
        (["HEXISTS", "k", "a"], 0),
        (["HSTRLEN", "k", "a"], 0),
        (["HGETALL", "k"], [b"c", b"c"]),
        (["HKEYS", "k"], [b"c"]),
        (["HVALS", "k"], [b"c"]),
        (["HRANDFIELD", "k"], b"c"),
        (["HRANDFIELD", "k", "5"], [b"c"]),
        (["HRANDFIELD", "k", "-2"], [b"c", b"c"]),
        (["HSCAN", "k", "0"], [b"0", [b"c", b"c"]]),
        (["HTTL", "k", "FIELDS", "3", "a", "b", "c"], [-2, -2, -1]),
        (["HPERSIST", "k", "FIELDS", "2", "a", "c"], [-2, -1]),
    ],
)
@pytest.mark.parametrize("active", [True, False])
def test_expired_fields_are_not_seen(world: World, kind: str, words: list[str], reply: Reply, active: bool) -> None:
    if not active:
        lazily(world)
    fill_hash(world, "a", "b", "c")
    expire(world, "a", "b")
    if active:
        world.advance(100)
        assert world.do("HLEN", "k") == 1
    else:
        assert world.do("HLEN", "k") == 3  # counted until they are deleted
    assert world.do(*words) == reply


def test_a_field_exists_until_the_end_of_its_last_millisecond(world: World, kind: str) -> None:
    fill_hash(world, "a")
    world.do("HPEXPIRE", "k", "10", "FIELDS", "1", "a")
    world.clock.advance_ms(10)
    assert world.do("HPTTL", "k", "FIELDS", "1", "a") == [0]
    assert world.do("HGET", "k", "a") == b"a"
    world.clock.advance_ms(1)
    assert world.do("HGET", "k", "a") is None


@pytest.mark.parametrize("command", ["HGET", "HEXISTS", "HSTRLEN", "HMGET"])
def test_access_deletes_the_expired_field_that_it_asks_for(world: World, kind: str, command: str) -> None:
    lazily(world)
    fill_hash(world, "a", "b", "c")
    expire(world, "a", "b")
    watched = Watched(world)
    assert watched.by(command, "k", "a") == (["hexpired k"], 0)
    assert world.do("HLEN", "k") == 2
    assert watched.by(command, "k", "a") == ([], 0)


def test_the_hash_is_deleted_with_its_last_field(world: World, kind: str) -> None:
    lazily(world)
    fill_hash(world, "a", "b")
    expire(world, "a", "b")
    assert world.do("EXISTS", "k") == 1
    watched = Watched(world)
    assert watched.by("HMGET", "k", "a", "b", "a") == (["hexpired k", "del k"], 0)
    assert world.do("EXISTS", "k") == 0


def test_hrandfield_deletes_all_expired_fields(world: World, kind: str) -> None:
    lazily(world)
    fill_hash(world, "a", "b", "c")
    expire(world, "a", "b")
    watched = Watched(world)
    assert watched.by("HRANDFIELD", "k", "5") == (["hexpired k"], 0)
    assert world.do("HLEN", "k") == 1
    expire(world, "c")
    assert watched.by("HRANDFIELD", "k") == (["hexpired k", "del k"], 0)
    assert world.engine.keyspace.expired_fields == 3


def test_hdel_deletes_and_counts_expired_fields(world: World, kind: str) -> None:
    lazily(world)
    fill_hash(world, "a")
    expire(world, "a")
    assert world.do("HDEL", "k", "a") == 1


def test_no_field_is_deleted_while_the_data_set_stands_still(world: World, kind: str) -> None:
    fill_hash(world, "a")
    world.do("HPEXPIRE", "k", "10", "FIELDS", "1", "a")
    world.do("CLIENT", "PAUSE", "100000", "WRITE")
    world.advance(500)
    assert world.do("HGET", "k", "a") is None
    assert world.do("HLEN", "k") == 1


# The active expire cycle.


def test_expired_fields_are_deleted_although_no_command_accesses_them(world: World, kind: str) -> None:
    fill_hash(world, "a", "b")
    watched = Watched(world)
    world.do("HPEXPIRE", "k", "50", "FIELDS", "1", "a")
    world.do("HPEXPIRE", "k", "150", "FIELDS", "1", "b")
    assert watched.by("PING") == ([], 0)
    world.advance(100)
    assert world.do("HLEN", "k") == 1
    world.advance(100)
    assert world.do("DBSIZE") == 0
    assert world.engine.keyspace.expired_fields == 2


def test_the_cycle_notifies_one_event_per_hash(world: World, kind: str) -> None:
    fill_hash(world, "a", "b", "c")
    world.do("HPEXPIRE", "k", "50", "FIELDS", "2", "a", "b")
    watched = Watched(world)
    watched._log.seen.clear()
    world.advance(100)
    assert watched._log.seen == [(b"hexpired", b"k")]


def test_a_longer_time_is_respected(world: World, kind: str) -> None:
    fill_hash(world, "a")
    world.do("HPEXPIRE", "k", "50", "FIELDS", "1", "a")
    world.do("HPEXPIRE", "k", "5000", "FIELDS", "1", "a")
    world.advance(200)
    assert world.do("HLEN", "k") == 1
    world.advance(5000)
    assert world.do("EXISTS", "k") == 0


def test_many_fields_are_deleted_over_several_ticks(world: World) -> None:
    for index in range(30):
        names = [f"f{number}" for number in range(1000)]
        world.do("HSET", f"k{index}", *[word for name in names for word in (name, "v")])
        world.do("HPEXPIRE", f"k{index}", "50", "FIELDS", len(names), *names)
    world.advance(100)
    left = world.do("DBSIZE")
    assert 0 < left < 30
    world.advance(500)
    assert world.do("DBSIZE") == 0


@pytest.mark.parametrize(
    "moving",
    [
        ["RENAME", "k", "new"],
        ["COPY", "k", "new"],
        ["COPY", "k", "new", "DB", "1"],
        ["MOVE", "k", "1"],
        ["SWAPDB", "0", "1"],
    ],
)
def test_field_times_move_with_the_hash(world: World, kind: str, moving: list[str]) -> None:
    fill_hash(world, "a", "b")
    world.do("HPEXPIRE", "k", "150", "FIELDS", "2", "a", "b")
    world.do(*moving)
    world.do("SELECT", "1" if "1" in moving else "0")
    name = "new" if "new" in moving else "k"
    assert world.do("HPTTL", name, "FIELDS", "2", "a", "b") == [150, 150]
    world.advance(200)
    assert world.do("DBSIZE") == 0
    world.do("SELECT", "0")
    assert world.do("DBSIZE") == 0


@pytest.mark.parametrize("ending", [["DEL", "k"], ["FLUSHALL"], ["FLUSHDB"], ["SET", "k", "v"], ["PEXPIRE", "k", "20"]])
def test_a_hash_that_is_deleted_before_its_fields_expire_does_no_harm(
    world: World, kind: str, ending: list[str]
) -> None:
    fill_hash(world, "a")
    world.do("HPEXPIRE", "k", "50", "FIELDS", "1", "a")
    world.do(*ending)
    world.advance(200)
    assert world.engine.keyspace.expired_fields == 0
    assert world.engine.keyspace.databases[0].due_keys.count == 0


def test_the_index_knows_only_hashes_with_times(world: World, kind: str) -> None:
    index = world.engine.keyspace.databases[0].due_keys
    for ending in (
        ["HDEL", "k", "a"],
        ["HPERSIST", "k", "FIELDS", "1", "a"],
        ["HSET", "k", "a", "v"],
        ["HGETDEL", "k", "FIELDS", "1", "a"],
        ["HGETEX", "k", "PERSIST", "FIELDS", "1", "a"],
    ):
        fill_hash(world, "a", "b")
        world.do("HEXPIRE", "k", "50", "FIELDS", "1", "a")
        assert index.count == 1
        world.do(*ending)
        assert index.count == 0
