"""The harness itself: it must report every difference, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.encodings import Expectation, listpack_bytes
from tests.differential.harness import Pair, step
from tests.differential.known import parts_ways, same_but_for_digits
from tests.differential.rules import (
    MILLISECONDS,
    SECONDS,
    Rule,
    exactly,
    in_any_order,
    itemwise,
    near,
    same_type,
    scanned,
)
from tests.differential.state import disagreement, read_state
from tests.support import servers
from tests.support.wire import Array, Bulk, Double, Error, Integer, Map, Null, Reply, Set, Simple

A, B, C = Bulk(b"a"), Bulk(b"b"), Bulk(b"c")


@pytest.mark.parametrize(
    ("rule", "theirs", "ours", "agree"),
    [
        (exactly, A, A, True),
        (exactly, Simple(b"a"), A, False),
        (same_type, A, B, True),
        (same_type, A, Null(), False),
        (same_type, Error(b"ERR a"), Error(b"ERR b"), False),
        (near(5), Integer(100), Integer(104), True),
        (near(5), Integer(100), Integer(106), False),
        (SECONDS, Integer(-1), Integer(0), False),
        (MILLISECONDS, Error(b"ERR a"), Integer(0), False),
        (in_any_order, Array((A, B)), Array((B, A)), True),
        (in_any_order, Array((A, A, B)), Array((B, B, A)), False),
        (in_any_order, Array((A,)), Set((A,)), False),
        (in_any_order, Map(((A, B), (B, C))), Map(((B, C), (A, B))), True),
        (scanned, Array((Bulk(b"0"), Array((A, B)))), Array((Bulk(b"0"), Array((B, A)))), True),
        (scanned, Array((Bulk(b"0"), Array((A,)))), Array((Bulk(b"7"), Array((A,)))), False),
        (itemwise([exactly, near(5)]), Array((A, Integer(7))), Array((A, Integer(9))), True),
        (itemwise([exactly, near(5)]), Array((A, Integer(7))), Array((B, Integer(9))), False),
        (itemwise([exactly]), Null(), Null(), True),
    ],
)
def test_a_rule_compares_only_what_redis_promises(rule: Rule, theirs: Reply, ours: Reply, agree: bool) -> None:
    assert (rule(theirs, ours) is None) == agree


@pytest.fixture(scope="module")
def twins() -> Iterator[Pair | None]:
    """Two real servers; the harness takes the second one for ours."""
    if servers.REDIS_SERVER is None:
        yield None
        return
    different = ["--maxmemory-policy", "allkeys-lfu", "--set-max-intset-entries", "0"]
    with servers.redis_server() as one, servers.redis_server(*different) as other:
        pair = Pair(one, other)
        yield pair
        pair.close()


@pytest.mark.needs_redis
@pytest.mark.parametrize("protocol", [2, 3])
def test_equal_servers_do_not_differ(twins: Pair, protocol: int) -> None:
    twins.check(
        [
            step("SET", "a", "1", "EX", "100"),
            step("MULTI"),
            step("PTTL", "a", rule=MILLISECONDS),
            step("INCR", "a", on="other"),
            step("KEYS", "*", rule=in_any_order),
            step("EXEC"),
            step("NOSUCH"),
            step("RPUSH", "l", "x", "y"),
            step("HSET", "h", "f", "v"),
        ],
        protocol,
    )


@pytest.mark.needs_redis
def test_a_different_reply_is_reported_with_the_steps_before_it(twins: Pair) -> None:
    found = twins.difference([step("SET", "a", "1"), step("OBJECT", "FREQ", "a"), step("GET", "a")])
    assert found is not None
    assert found.where == "step 1, OBJECT FREQ a"
    assert len(found.steps) == 2


@pytest.mark.needs_redis
def test_a_different_final_state_is_reported(twins: Pair) -> None:
    found = twins.difference([step("SADD", "numbers", "1")])
    assert found is not None
    assert found.where == "final state, key numbers of db0: OBJECT ENCODING"
    assert (found.theirs, found.ours) == (Bulk(b"intset"), Bulk(b"hashtable"))


@pytest.mark.needs_redis
def test_a_blocked_command_is_released(twins: Pair) -> None:
    steps = [step("BLPOP", "a", "0"), step("RPUSH", "a", "x"), step("BLPOP", "a", "0"), step("BLPOP", "a", "b", "0")]
    assert twins.difference(steps) is None


@pytest.mark.needs_redis
def test_the_groups_of_a_stream_are_compared_but_not_the_times_of_delivery(twins: Pair) -> None:
    steps = [step("XADD", "s", "1-1", "f", "v"), step("XGROUP", "CREATE", "s", "g", "0")]
    steps += [step("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")]
    assert twins.difference(steps) is None
    [(_, left)] = read_state(twins.control(0)).keys.items()
    assert "1-1" in repr(left.value)
    assert "seen-time" not in repr(left.value)
    twins.control(1).do("XGROUP", "SETID", "s", "g", "0")
    found = disagreement(read_state(twins.control(0)), read_state(twins.control(1)), None)
    assert found is not None
    assert found.where == "key s of db0: value"


@pytest.mark.needs_redis
def test_commands_are_counted(twins: Pair) -> None:
    before = twins.compared["SADD"]
    twins.check([step("SADD", "a", "x"), step("sadd", "b", "x"), step("NOSUCH")])
    assert twins.compared["SADD"] == before + 2


NUMBERS = [b"%d" % n for n in range(10)]


@pytest.mark.parametrize(
    ("kind", "value", "theirs", "ours", "agree"),
    [
        (b"list", [b"a"], b"quicklist", b"listpack", True),
        (b"list", [b"a"], b"quicklist", b"quicklist", False),
        (b"list", [b"x" * 9000], b"quicklist", b"listpack", False),
        (b"list", [b"x" * 9000], b"quicklist", b"quicklist", True),
        (b"set", [b"a"], b"hashtable", b"listpack", True),
        (b"set", [b"a"], b"hashtable", b"hashtable", False),
        (b"set", [b"a" * 65], b"hashtable", b"hashtable", True),
        (b"set", [b"a" * 65], b"hashtable", b"listpack", False),
        (b"set", NUMBERS, b"intset", b"intset", True),
        (b"set", NUMBERS, b"intset", b"listpack", False),
        (b"set", NUMBERS, b"hashtable", b"listpack", True),
        (b"hash", [b"a", b"b"], b"hashtable", b"listpack", False),
        (b"zset", [b"a", b"1"], b"listpack", b"listpack", True),
        (b"zset", [b"a", b"1"], b"listpack", b"skiplist", False),
    ],
)
def test_an_encoding_follows_from_the_value(
    kind: bytes, value: list[bytes], theirs: bytes, ours: bytes, agree: bool
) -> None:
    expectation = Expectation([(b"SET", b"k", *value)])
    items = Array(tuple(Bulk(item) for item in value))
    assert (expectation.complaint(Simple(kind), items, Bulk(theirs), Bulk(ours)) is None) == agree


def test_a_set_that_was_large_may_still_be_a_hash_table() -> None:
    expectation = Expectation([(b"SADD", b"s", b"a", b"x" * 65), (b"SREM", b"s", b"x" * 65)])
    for ours in (b"listpack", b"hashtable"):
        assert expectation.complaint(Simple(b"set"), Array((A,)), Bulk(b"hashtable"), Bulk(ours)) is None


@pytest.mark.parametrize(
    ("element", "size"),
    [
        (b"0", 2),
        (b"127", 2),
        (b"128", 3),
        (b"-1", 3),
        (b"4095", 3),
        (b"-4096", 3),
        (b"4096", 4),
        (b"32768", 5),
        (b"8388608", 6),
        (b"2147483648", 10),
        (b"", 2),
        (b"x" * 63, 65),
        (b"x" * 64, 67),
        (b"x" * 125, 128),
        (b"x" * 126, 130),
        (b"x" * 5000, 5007),
    ],
)
def test_the_size_of_a_listpack_entry_is_computed_as_redis_does(element: bytes, size: int) -> None:
    assert listpack_bytes([element]) == 7 + size


@pytest.mark.parametrize(
    ("theirs", "ours", "alike"),
    [
        (Bulk(b"9.2233720368547758e+18"), Bulk(b"9223372036854775808"), True),
        (Array((A, Bulk(b"0.10000000000000001"))), Array((A, Bulk(b"0.1"))), True),
        (Double(b"0.10000000000000001"), Double(b"0.1"), True),
        (Bulk(b"0.10000000000000001"), Bulk(b"0.2"), False),
        (Bulk(b"0.10"), Bulk(b"0.1"), False),
        (Bulk(b"x"), Bulk(b"y"), False),
        (Array((A, B)), Array((A,)), False),
    ],
)
def test_the_number_of_digits_of_a_score_may_differ(theirs: Reply, ours: Reply, alike: bool) -> None:
    assert same_but_for_digits(theirs, ours) == alike


@pytest.mark.needs_redis
def test_a_sequence_is_reduced_to_the_steps_that_show_the_difference(twins: Pair) -> None:
    found = twins.reduced([step("SET", "a", "1"), step("SADD", "n", "1"), step("GET", "a")])
    assert found is not None
    assert found.steps == (step("SADD", "n", "1"),)


@pytest.mark.needs_redis
def test_settings_apply_to_one_sequence_only(twins: Pair) -> None:
    get = step("CONFIG", "GET", "maxmemory-policy")
    assert twins.difference([get], settings={"maxmemory-policy": "noeviction"}) is None
    assert twins.difference([get]) is not None


@pytest.mark.needs_redis
def test_one_reply_too_many_is_noticed(twins: Pair) -> None:
    sequence = [step("SUBSCRIBE", "a", "b")]
    assert twins.difference(sequence) is None
    assert twins.difference([*sequence, step("OBJECT", "FREQ", "a")]) is None


@pytest.mark.needs_redis
def test_a_closed_connection_ends_the_sequence_for_both(twins: Pair) -> None:
    assert twins.difference([step("SET", "a", "1"), step("QUIT"), step("GET", "a")]) is None
    assert twins.difference([step("GET", "a")]) is None


def test_a_corrupt_hyperloglog_parts_ways_in_a_transaction_too() -> None:
    corrupt = Error(b"INVALIDOBJ Corrupted HLL object detected")
    assert parts_ways((b"PFADD", b"k", b"a", b"b"), corrupt)
    assert parts_ways((b"exec",), Array((Integer(1), corrupt)))
    assert not parts_ways((b"exec",), Array((Integer(1),)))
    assert not parts_ways((b"PFCOUNT", b"k"), corrupt)
