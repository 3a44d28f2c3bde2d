"""Lazy free in an engine: the commands that use it, its settings, its task, its figures."""

from __future__ import annotations

import pytest

from pyredmem.assembly import create_engine
from pyredmem.base.clock import Clock
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.host import Host
from pyredmem.engine.lazyfree_task import BUSY_PAUSE_US, HurryRule
from pyredmem.engine.stats import Stats
from tests.support.hosted import Hosted
from tests.support.replies import Reply
from tests.support.wire import Argument
from tests.support.world import Client, World

BIG = [f"m:{number}" for number in range(200)]


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def figures(hosted: Hosted) -> tuple[int, int]:
    """The numbers of pending objects and of freed objects."""
    info = hosted.info("memory")
    return int(info["lazyfree_pending_objects"]), int(info["lazyfreed_objects"])


def pending_after(hosted: Hosted, *words: Argument) -> int:
    hosted.do(*words)
    return figures(hosted)[0]


# The commands that free lazily.


def prepare(hosted: Hosted) -> None:
    hosted.do("SADD", "k", *BIG)
    hosted.do("SADD", "other", "x")
    hosted.do("ZADD", "places", "1", "x")
    hosted.do("RPUSH", "list", "1")
    hosted.do("SET", "string", "v")


REPLACING: list[list[Argument]] = [
    ["SET", "k", "v"],
    ["SETEX", "k", "100", "v"],
    ["MSET", "k", "v"],
    ["RENAME", "string", "k"],
    ["COPY", "string", "k", "REPLACE"],
    ["SUNIONSTORE", "k", "other"],
    ["SINTERSTORE", "k", "other", "missing"],
    ["ZRANGESTORE", "k", "places", "0", "-1"],
    ["ZRANGESTORE", "k", "missing", "0", "-1"],
    ["SORT", "list", "STORE", "k"],
    ["SORT", "missing", "STORE", "k"],
    ["BITOP", "NOT", "k", "string"],
    ["BITOP", "NOT", "k", "missing"],
    ["GEOSEARCHSTORE", "k", "missing", "FROMLONLAT", "1", "1", "BYRADIUS", "1", "m"],
    ["ZUNIONSTORE", "k", "1", "places"],
    ["ZINTERSTORE", "k", "1", "missing"],
    ["RESTORE", "k", "0", b"\\x00\\xc0\\x01\\x0b\\x00\\xa0\\xa5\\xfc\\xff\\xd8\\xf2\\x8e\\xf8", "REPLACE"],
    ["SPOP", "k", "200"],
    ["SPOP", "k", "190"],
]


@pytest.mark.parametrize("words", REPLACING, ids=[" ".join(map(str, words[:3])) for words in REPLACING])
def test_values_that_commands_replace_or_delete_follow_lazy_server_del(hosted: Hosted, words: list[Argument]) -> None:
    if words[0] == "RESTORE":
        assert hosted.do("DUMP", "missing") is None
        prepare(hosted)
        dump = hosted.do("DUMP", "string")
        words = [words[0], words[1], words[2], dump, words[4]]
    else:
        prepare(hosted)
    hosted.do("CONFIG", "SET", "lazyfree-lazy-server-del", "yes")
    assert pending_after(hosted, *words) == 1
    hosted.do("DEL", "k")
    prepare(hosted)
    hosted.do("CONFIG", "SET", "lazyfree-lazy-server-del", "no")
    assert pending_after(hosted, *words) == 1  # the value from before the command: no tick has passed


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("lazyfree-lazy-user-del", ["DEL", "k"]),
        ("lazyfree-lazy-expire", ["PEXPIRE", "k", "-1"]),
        ("lazyfree-lazy-expire", ["EXPIREAT", "k", "1"]),
    ],
)
@pytest.mark.parametrize("value", ["yes", "no"])
def test_each_kind_of_deletion_follows_its_setting(
    hosted: Hosted, setting: str, words: list[Argument], value: str
) -> None:
    prepare(hosted)
    others = {"lazyfree-lazy-user-del", "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-eviction"}
    for other in others - {setting}:
        hosted.do("CONFIG", "SET", other, "no" if value == "yes" else "yes")
    hosted.do("CONFIG", "SET", setting, value)
    assert pending_after(hosted, *words) == int(value == "yes")


def test_unlink_needs_no_setting(hosted: Hosted) -> None:
    prepare(hosted)
    assert pending_after(hosted, "UNLINK", "k", "other") == 1


@pytest.mark.parametrize("lazy", ["yes", "no"])
@pytest.mark.parametrize("found_by", ["access", "cycle"])
def test_expired_keys_follow_their_setting(hosted: Hosted, lazy: str, found_by: str) -> None:
    hosted.do("CONFIG", "SET", "lazyfree-lazy-expire", lazy)
    prepare(hosted)
    hosted.do("PEXPIRE", "k", "5")
    hosted.clock.advance_ms(10)
    if found_by == "access":
        hosted.do("EXISTS", "k")
        assert figures(hosted)[0] == int(lazy == "yes")
    for _ in range(20):
        hosted.tick()
    assert figures(hosted) == (0, int(lazy == "yes"))


@pytest.mark.parametrize(
    ("words", "setting", "keys"),
    [
        (["FLUSHALL"], "no", 0),
        (["FLUSHALL"], "yes", 5),
        (["FLUSHALL", "SYNC"], "yes", 0),
        (["FLUSHALL", "ASYNC"], "no", 5),
        (["FLUSHDB"], "yes", 5),
        (["FLUSHDB", "ASYNC"], "no", 5),
        (["FLUSHDB", "SYNC"], "yes", 0),
    ],
)
def test_flushing_in_the_background_counts_all_keys_as_pending(
    hosted: Hosted, words: list[Argument], setting: str, keys: int
) -> None:
    prepare(hosted)
    hosted.do("CONFIG", "SET", "lazyfree-lazy-user-flush", setting)
    assert pending_after(hosted, *words) == keys
    assert hosted.do("DBSIZE") == hosted.do("BITCOUNT", "missing")
    hosted.tick()
    assert figures(hosted) == (0, keys)


def test_flushing_in_the_background_reaches_all_databases(hosted: Hosted) -> None:
    prepare(hosted)
    hosted.do("SELECT", "3")
    prepare(hosted)
    assert pending_after(hosted, "FLUSHALL", "ASYNC") == 10


def test_used_memory_falls_when_the_blocks_are_freed(hosted: Hosted) -> None:
    hosted.do("UNLINK", "warm")
    hosted.do("INFO", "memory")
    hosted.do("SADD", "k", *BIG)
    hosted.do("UNLINK", "k")
    before = hosted.engine.allocator.used_memory
    hosted.tick()
    assert hosted.engine.allocator.used_memory < before - 200 * 16


# The task.


class Steps(Clock):
    """A clock that moves on by some microseconds whenever it is read."""

    def __init__(self) -> None:
        self.time_us = 1_700_000_000_000_000

    def now_us(self) -> int:
        self.time_us += 5
        return self.time_us


class Waker(Host):
    """Records when it was asked to call."""

    def __init__(self) -> None:
        self.delays: list[int] = []

    def wake_after(self, delay_us: int) -> None:
        self.delays.append(delay_us)


class Slices:
    """An engine whose clock moves on as it works, and whose host records when it asks to be called."""

    def __init__(self) -> None:
        self.host = Waker()
        self.engine = create_engine(Settings([]), Steps(), Random(1), self.host)
        self.first = Client(self.engine)
        self.do("SADD", "k", *[f"member:{number}" for number in range(5000)])

    def do(self, *words: Argument) -> Reply:
        return self.first.do(*words)

    def pending(self) -> int:
        return self.engine.keyspace.lazyfree.pending


def test_the_first_slice_is_due_at_once() -> None:
    slices = Slices()
    slices.do("UNLINK", "k")
    assert slices.host.delays == [0]


def test_a_large_value_is_freed_in_several_slices() -> None:
    slices = Slices()
    slices.do("UNLINK", "k")
    calls = 0
    while slices.pending():
        slices.engine.run_tasks()
        calls += 1
    assert calls > 3
    assert slices.engine.audit().ok


def test_an_idle_server_does_not_pause_between_slices() -> None:
    slices = Slices()
    slices.do("UNLINK", "k")
    slices.engine.run_tasks()  # from now on the rule knows how many reads there have been
    slices.host.delays.clear()
    while not slices.host.delays or slices.host.delays[-1] != 0:
        slices.engine.run_tasks()
    assert slices.pending()


def test_a_busy_server_pauses_between_slices() -> None:
    slices = Slices()
    slices.do("UNLINK", "k")
    slices.engine.run_tasks()
    slices.host.delays.clear()
    slices.do("PING")
    slices.engine.core.tasks.run()
    assert not slices.host.delays or slices.host.delays[-1] > BUSY_PAUSE_US - 100


def test_a_slice_that_starts_late_is_longer() -> None:
    """Otherwise slow commands would leave lazy free next to no time."""
    slices = Slices()
    clock = slices.engine.clock
    assert isinstance(clock, Steps)

    def spent_us(late_us: int) -> int:
        slices.engine.lazyfree_task.wake()
        clock.time_us += late_us
        start_us = clock.time_us
        slices.engine.core.tasks.run()
        return clock.time_us - start_us

    slices.do("UNLINK", "k")
    assert spent_us(0) < 300
    assert 800 < spent_us(5000) < 1200


def test_an_audit_drains_the_queue_first() -> None:
    slices = Slices()
    slices.do("UNLINK", "k")
    slices.engine.run_tasks()
    assert slices.pending()
    assert slices.engine.audit().ok
    assert not slices.pending()


def test_freeing_on_demand_stops_when_the_time_given_to_it_has_passed() -> None:
    slices = Slices()
    slices.do("UNLINK", "k")
    lazyfree, clock = slices.engine.keyspace.lazyfree, slices.engine.clock
    assert lazyfree.work(clock, 100)
    assert slices.pending()
    assert not lazyfree.work(clock, 10**9)
    assert not slices.pending()


def test_without_a_job_no_slice_is_scheduled() -> None:
    slices = Slices()
    slices.do("DEL", "k")
    assert slices.host.delays == []
    assert not slices.engine.lazyfree_task.is_awake()


# Pauses.


def test_lazy_free_hurries_while_no_client_sends_anything() -> None:
    rule = HurryRule(Stats(), lambda: False)
    assert rule.observe()
    assert rule.observe()


def test_lazy_free_does_not_hurry_after_a_read() -> None:
    stats = Stats()
    rule = HurryRule(stats, lambda: False)
    stats.reads_processed += 1
    assert not rule.observe()
    assert rule.observe()


def test_lazy_free_hurries_when_memory_is_short_even_after_a_read() -> None:
    stats = Stats()
    rule = HurryRule(stats, lambda: True)
    stats.reads_processed += 1
    assert rule.observe()


def test_lazy_free_hurries_above_maxmemory(hosted: Hosted) -> None:
    rule = hosted.engine.lazyfree_task.new_rule()
    hosted.do("CONFIG", "SET", "maxmemory", "1")
    assert rule.observe()


def test_each_caller_has_its_own_rule(hosted: Hosted) -> None:
    task = hosted.engine.lazyfree_task
    one, other = task.new_rule(), task.new_rule()
    hosted.do("PING")
    assert (one.observe(), other.observe()) == (False, False)


# Figures.


def test_resetstat_resets_the_freed_objects_but_not_the_pending_ones(hosted: Hosted) -> None:
    prepare(hosted)
    hosted.do("UNLINK", "k")
    hosted.tick()
    hosted.do("SADD", "k", *BIG)
    hosted.do("UNLINK", "k")
    assert figures(hosted) == (1, 1)
    hosted.do("CONFIG", "RESETSTAT")
    assert figures(hosted) == (1, 0)


def test_settings_given_at_start_are_obeyed() -> None:
    world = World(lazyfree_lazy_user_del="yes", lazyfree_lazy_user_flush="yes", lazyfree_lazy_expire="yes")
    keyspace = world.engine.keyspace
    assert (keyspace.lazy_user_del, keyspace.lazy_user_flush, keyspace.lazy_expire) == (True, True, True)
    assert (keyspace.lazy_server_del, keyspace.lazy_eviction) == (False, False)


# Clients.


def test_a_long_queue_of_a_disconnected_client_is_freed_in_slices() -> None:
    slices = Slices()
    client = Client(slices.engine)
    client.do("MULTI")
    before = slices.engine.allocator.used_memory
    for number in range(1000):
        client.do("SET", f"key:{number}", "v" * 100)
    full = slices.engine.allocator.used_memory
    client.leave()
    assert full > slices.engine.allocator.used_memory > before
    while slices.engine.keyspace.lazyfree.is_busy():
        slices.engine.run_tasks()
    assert slices.engine.allocator.used_memory < before
    assert slices.engine.keyspace.lazyfree.freed == 0
    assert slices.engine.audit().ok


def test_a_queue_that_was_never_run_is_freed_and_counts_as_no_object(hosted: Hosted) -> None:
    client = hosted.client()
    client.do("MULTI")
    for number in range(100):
        client.do("SET", f"key:{number}", "v" * 100)
    client.leave()
    assert figures(hosted) == (0, 0)
    hosted.tick()
    assert hosted.engine.audit().ok
    assert not hosted.engine.keyspace.lazyfree.is_busy()
