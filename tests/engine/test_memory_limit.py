"""The memory limit: which keys are evicted and when, which commands are refused, and what is reported of that."""

from __future__ import annotations

from typing import Any

import pytest

from pyredmem.base.clock import ManualClock
from pyredmem.base.limits import UNLIMITED
from pyredmem.engine import figures
from pyredmem.engine.memory_limit import NEAR_BYTES, slice_us
from pyredmem.keyspace.database import Database
from tests.support.hosted import Hosted
from tests.support.replies import NO_REPLY, NULL_ARRAY, OK, OUT_OF_MEMORY, PONG, Error, is_error
from tests.support.world import World


def first(world: World) -> Database:
    return world.engine.keyspace.databases[0]


def fill(world: World, count: int) -> None:
    database = first(world)
    for number in range(count):
        database.add(b"key:%d" % number, world.engine.keyspace.strings.create(b"v"))


def change(world: World, **settings: str) -> None:
    world.engine.settings.set_many([(name.replace("_", "-"), value) for name, value in settings.items()])


def used(world: World) -> int:
    return int(world.engine.allocator.used_memory)


def evicted(world: World) -> int:
    return world.engine.figures.value(figures.EVICTED_KEYS)


def tick(world: World) -> None:
    world.engine.tick(world.clock.now_us() // 1000)


# Growth near the memory limit.


def slots_after_filling(world: World, count: int) -> int:
    fill(world, count)
    return int(first(world).keys.buckets())


def test_a_table_does_not_grow_beyond_the_memory_limit_until_it_is_far_too_full() -> None:
    world = World()
    fill(world, 512)
    assert first(world).keys.buckets() == 512
    change(world, maxmemory=str(world.engine.allocator.used_memory + 4000), maxmemory_policy="noeviction")
    database = first(world)
    for number in range(512, 829):
        database.add(b"key:%d" % number, world.engine.keyspace.strings.create(b"1"))
    assert database.keys.buckets() == 512
    # 829 keys are 1.619 times the number of buckets: with one more key the table grows
    database.add(b"one more", world.engine.keyspace.strings.create(b"1"))
    assert database.keys.buckets() == 512 + 1024
    world.check()


def test_a_table_grows_freely_far_below_the_limit() -> None:
    world = World(maxmemory="100mb")
    assert slots_after_filling(world, 513) == 512 + 1024
    world.check()


def test_removing_the_limit_lets_tables_grow_again() -> None:
    world = World()
    fill(world, 512)
    change(world, maxmemory=str(world.engine.allocator.used_memory + 4000))
    change(world, maxmemory="0")
    first(world).add(b"one more", world.engine.keyspace.strings.create(b"1"))
    assert first(world).keys.buckets() == 512 + 1024


# The policy.


@pytest.mark.parametrize(
    ("maxmemory", "policy", "shared"),
    [
        ("0", "allkeys-lru", True),
        ("100mb", "noeviction", True),
        ("100mb", "volatile-ttl", True),
        ("100mb", "allkeys-random", True),
        ("100mb", "allkeys-lru", False),
        ("100mb", "volatile-lru", False),
        ("100mb", "volatile-lfu", False),
    ],
)
def test_numbers_are_shared_unless_each_key_needs_an_access_field(maxmemory: str, policy: str, shared: bool) -> None:
    world = World(maxmemory=maxmemory, maxmemory_policy=policy)
    world.do("SET", "k", "7")
    assert world.do("OBJECT", "REFCOUNT", "k") == (2147483647 if shared else 1)
    change(world, maxmemory="0")
    world.do("SET", "k", "8")
    assert world.do("OBJECT", "REFCOUNT", "k") == 2147483647


def test_the_policy_decides_whether_the_access_field_is_for_lfu() -> None:
    world = World()
    seen: list[bool] = []
    for policy in ("noeviction", "volatile-lfu", "allkeys-lfu", "volatile-lru"):
        change(world, maxmemory_policy=policy)
        seen.append(world.engine.keyspace.lfu_policy)
    assert seen == [False, True, True, False]


# How long eviction may take at once.


@pytest.mark.parametrize(
    ("tenacity", "microseconds"),
    [(0, 0), (1, 50), (10, 500), (11, 575), (12, 661), (20, 2022), (50, 133931), (99, 126205358), (100, UNLIMITED)],
)
def test_the_tenacity_sets_how_long_a_command_may_have_to_wait_for_eviction(tenacity: int, microseconds: int) -> None:
    assert slice_us(tenacity) == microseconds


# What is refused.


#: Commands to run once before the limit is set, because the first call of each command costs memory of its own.
WARM = (
    ("SET", "volatile", "x", "EX", "100"),
    *(("SETRANGE", "x", "1", "x"), ("DEL", "x")),
    *(("DEL", "volatile"), ("GET", "x"), ("GETEX", "x"), ("EXPIRE", "x", "1"), ("PING",), ("EXISTS", "x")),
    *(("MULTI",), ("EXEC",), ("MULTI",), ("DISCARD",), ("WATCH", "x"), ("UNWATCH",)),
    *(("BLPOP", "x", "0.1"), ("BLMOVE", "x", "y", "LEFT", "LEFT", "0.1"), ("RPUSH", "x", "1"), ("LLEN", "x")),
    *(("DEL", "x"), ("CLIENT", "UNPAUSE"), ("CLIENT", "PAUSE", "0", "WRITE")),
)


class Limited(World):
    """A world with 1000 keys, a second client, and a memory limit `spare` bytes above the memory in use."""

    def __init__(self, spare: int = 0, policy: str = "noeviction", **settings: Any) -> None:
        super().__init__(maxmemory_policy=policy, **settings)
        self.other = self.client()
        for words in WARM:
            for client in (self.first, self.other):
                client.do(*words)
                if client.session.holds:
                    self.advance(200)
                    assert client.replies() == [NULL_ARRAY]
        for number in range(1000):
            self.do("SET", f"key:{number:04}", "x" * 100)
        self.advance(100)
        self.do("PING")
        change(self, maxmemory=str(used(self) + spare))


limited = Limited


def fill_up(world: Limited) -> None:
    """Let the second client add keys until one is refused."""
    for number in range(10_000):
        if world.other.do("SETRANGE", f"more:{number}", "1000", "x") == OUT_OF_MEMORY:
            return
    raise AssertionError("nothing was refused")


def exceed(world: Limited) -> None:
    """Exceed the limit, and let the engine notice."""
    assert world.other.do("SETRANGE", "much", "1000", "x") == 1001
    assert world.other.do("SET", "k", "v") == OUT_OF_MEMORY


def test_a_command_may_exceed_the_limit_but_the_next_one_is_refused() -> None:
    world = limited(500)
    assert world.do("SETRANGE", "one", "1000", "x") == 1001
    assert world.do("SET", "two", "2") == OUT_OF_MEMORY
    world.check()


def test_the_arguments_of_a_command_count() -> None:
    world = limited(500)
    assert world.do("SET", "one", "x" * 1000) == OUT_OF_MEMORY
    assert world.do("SET", "two", "x" * 10) == OK


@pytest.mark.parametrize("request_", ["GET key:0000", "DEL key:0000", "EXPIRE key:0000 100", "PING", "GETEX key:0001"])
def test_commands_that_need_no_memory_are_served(request_: str) -> None:
    world = limited(0)
    fill_up(world)
    assert not isinstance(world.do(*request_.split()), Error)


def test_a_refusal_is_counted_for_its_command() -> None:
    world = limited(0)
    fill_up(world)
    counters = world.counters("setrange")
    assert (counters.rejected, counters.failed) == (1, 0)


def test_memory_that_was_freed_can_be_used() -> None:
    world = limited(0)
    fill_up(world)
    world.do("DEL", *[f"key:{number:04}" for number in range(100)])
    assert world.do("SET", "k", "v") == OK


def test_above_the_limit_no_command_is_queued_in_a_transaction() -> None:
    world = limited(0)
    fill_up(world)
    assert world.do("MULTI") == OK
    assert world.do("GET", "key:0000") == OUT_OF_MEMORY
    assert is_error(world.do("EXEC"), b"EXECABORT")


def test_above_the_limit_a_transaction_can_be_discarded() -> None:
    world = limited(0)
    world.do("MULTI")
    fill_up(world)
    assert world.do("DISCARD") == OK


def test_a_transaction_that_needs_memory_is_refused_as_a_whole() -> None:
    world = limited(100_000)
    world.do("MULTI")
    world.do("SET", "a", "1")
    fill_up(world)
    assert world.do("EXEC") == Error(b"EXECABORT Transaction discarded because of: " + OUT_OF_MEMORY.text)
    assert world.do("EXISTS", "a") == 0


def test_a_transaction_that_needs_no_memory_is_run() -> None:
    world = limited(100_000)
    world.do("MULTI")
    world.do("DEL", "key:0000")
    fill_up(world)
    assert world.do("EXEC") == [1]


def push_and_exceed(world: Limited, key: str) -> None:
    """In one transaction, push an element onto a list and exceed the memory limit."""
    world.do("MULTI")
    world.do("RPUSH", key, "element")
    world.do("SETRANGE", "large", "10000", "x")
    assert world.do("EXEC") == [1, 10001]


def test_a_blocked_command_is_refused_if_it_needs_memory() -> None:
    world = limited(3000)
    assert world.other.do("BLMOVE", "source", "target", "LEFT", "LEFT", "0") == NO_REPLY
    push_and_exceed(world, "source")
    assert world.other.replies() == [OUT_OF_MEMORY]
    assert world.do("LLEN", "source") == 1
    assert world.other.do("PING") == PONG


def test_a_blocked_command_is_served_if_it_needs_no_memory() -> None:
    world = limited(3000)
    world.other.do("BLPOP", "list", "0")
    push_and_exceed(world, "list")
    [[key, _]] = world.other.replies()
    assert key == b"list"


# What is evicted.


def test_keys_are_evicted_to_make_room_for_others() -> None:
    world = limited(0, "allkeys-random")
    for number in range(500):
        assert world.do("SET", f"more:{number}", "x" * 100) == OK
    assert 980 < world.engine.keyspace.size() < 1020
    assert evicted(world) == 1500 - world.engine.keyspace.size()
    world.check()


def test_memory_exceeds_the_limit_by_what_a_command_adds_to_its_arguments() -> None:
    world = limited(0, "allkeys-lru")
    limit = used(world)
    for number in range(300):
        world.do("SET", f"more:{number:04}", "x" * 1000)
        assert used(world) <= limit + 64
    world.check()


def test_a_read_evicts_keys_too() -> None:
    world = limited(0, "allkeys-lru")
    world.do("SET", "k", "x" * 10_000)
    world.do("GET", "k")
    assert evicted(world) > 50


def test_volatile_policies_refuse_commands_when_no_key_with_a_time_to_live_is_left() -> None:
    world = limited(250, "volatile-lru")
    world.do("SET", "k", "v", "EX", "1000")
    assert world.do("SETRANGE", "another", "1000", "x") == 1001
    assert world.do("SET", "one more", "v") == OUT_OF_MEMORY
    assert evicted(world) == 1


def test_a_transaction_that_watches_an_evicted_key_fails() -> None:
    world = limited(100_000, "allkeys-lru")
    world.do("WATCH", *[f"key:{number:04}" for number in range(1000)])
    world.other.do("SET", "large", "x" * 200_000)
    world.do("MULTI")
    assert world.do("EXEC") == NULL_ARRAY


def test_while_clients_are_paused_nothing_is_evicted_or_refused() -> None:
    world = limited(0, "allkeys-lru")
    world.do("SET", "k", "v")
    world.do("CLIENT", "PAUSE", "1000", "WRITE")
    change(world, maxmemory="1mb")
    before = evicted(world)
    world.do("GET", "k")
    world.advance(500)
    assert evicted(world) == before
    world.advance(600)
    world.do("GET", "k")
    assert evicted(world) > before


# Slices.


class SlowClock(ManualClock):
    """A clock that moves on by `step_us` whenever it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.step_us = 0

    def now_us(self) -> int:
        self.advance_us(self.step_us)
        return int(super().now_us())


class SlowWorld(World):
    """A world with a `SlowClock`."""

    def __init__(self, **settings: Any) -> None:
        self.slow = SlowClock()
        super().__init__(clock=self.slow, **settings)


def slow(policy: str = "allkeys-lru", **settings: str) -> SlowWorld:
    """A world with 1000 keys and a clock that moves on by 1 ms whenever it is read."""
    world = SlowWorld(maxmemory_policy=policy, **settings)
    world.do("GET", "x")
    for number in range(1000):
        world.do("SET", f"key:{number:04}", "x" * 100)
    world.slow.step_us = 1000
    return world


def test_a_lower_limit_is_reached_in_slices_although_no_command_comes() -> None:
    world = slow()
    change(world, maxmemory=str(used(world) - 50_000))
    seen: list[int] = []
    while used(world) > world.engine.settings.integer("maxmemory"):
        world.run_tasks()
        seen.append(evicted(world))
    assert seen[:-1] == list(range(16, 16 * len(seen), 16))
    assert len(seen) > 15
    world.check()


def test_commands_are_accepted_while_eviction_is_in_progress() -> None:
    world = slow()
    change(world, maxmemory=str(used(world) - 100_000))
    assert world.do("SET", "k", "v") == OK
    assert evicted(world) == 16


def test_with_the_greatest_tenacity_a_command_waits_until_eviction_has_ended() -> None:
    world = slow(maxmemory_eviction_tenacity="100")
    limit = used(world) - 50_000
    change(world, maxmemory=str(limit))
    world.do("GET", "k")
    assert used(world) <= limit


def test_eviction_goes_on_between_commands() -> None:
    world = slow()
    change(world, maxmemory=str(used(world) - 50_000))
    world.do("PING")
    before = evicted(world)
    world.run_tasks()
    assert evicted(world) == before + 16


def test_slices_end_when_nothing_is_left_to_evict() -> None:
    world = slow("volatile-lru")
    change(world, maxmemory=str(used(world) - 50_000))
    tick(world)
    world.slow.step_us = 0
    before = evicted(world)
    world.run_tasks()
    assert evicted(world) == before
    assert world.do("SET", "k", "v") == OUT_OF_MEMORY


def test_setting_the_limit_below_the_memory_in_use_logs_a_warning() -> None:
    hosted = Hosted()
    hosted.do("CONFIG", "SET", "maxmemory", "1000")
    hosted.do("CONFIG", "SET", "maxmemory", "1gb")
    assert [level for level, text in hosted.host.logged if "maxmemory" in text] == ["warning"]


# Figures.


def figure(world: World, name: str) -> int:
    return world.engine.figures.value(name)


def test_the_time_above_the_limit_is_measured() -> None:
    world = limited(500)
    exceed(world)
    world.advance(300)
    assert figure(world, figures.EVICTION_EXCEEDED_MS) == 300
    assert figure(world, figures.EVICTION_EXCEEDED_TOTAL_MS) == 300
    world.do("DEL", "much")
    world.do("PING")
    world.advance(500)
    assert figure(world, figures.EVICTION_EXCEEDED_MS) == 0
    assert figure(world, figures.EVICTION_EXCEEDED_TOTAL_MS) == 300
    exceed(world)
    world.advance(100)
    assert figure(world, figures.EVICTION_EXCEEDED_MS) == 100
    assert figure(world, figures.EVICTION_EXCEEDED_TOTAL_MS) == 400


def test_the_dispatcher_checks_the_limit_only_near_or_above_it() -> None:
    world = limited(0)
    assert world.engine.core.gates.memory_alarm_bytes == world.engine.settings.integer("maxmemory") - NEAR_BYTES
    fill_up(world)
    assert world.engine.core.gates.memory_alarm_bytes == -1
    world.do("FLUSHALL")
    world.do("PING")
    assert world.engine.core.gates.memory_alarm_bytes == world.engine.settings.integer("maxmemory") - NEAR_BYTES
    change(world, maxmemory="0")
    assert world.engine.core.gates.memory_alarm_bytes == world.engine.allocator.addressable_bytes - NEAR_BYTES


def test_after_the_limit_was_removed_the_time_above_it_goes_on_as_in_redis() -> None:
    world = limited(500)
    exceed(world)
    world.advance(300)
    change(world, maxmemory="0")
    world.do("PING")
    world.advance(300)
    assert figure(world, figures.EVICTION_EXCEEDED_TOTAL_MS) == 600  # as in Redis: nothing checks the limit any more


def test_resetstat_resets_the_counters_of_eviction() -> None:
    world = limited(0, "allkeys-lru")
    for number in range(20):
        world.do("SET", f"more:{number:04}", "x" * 1000)
    assert figure(world, figures.EVICTED_KEYS) > 0
    world.do("CONFIG", "RESETSTAT")
    assert figure(world, figures.EVICTED_KEYS) == 0
    assert figure(world, figures.EVICTION_EXCEEDED_TOTAL_MS) == 0


def test_the_time_that_a_command_waits_for_eviction_is_not_counted_as_its_own() -> None:
    world = slow(slowlog_log_slower_than="5000", maxmemory_eviction_tenacity="100")
    change(world, maxmemory=str(used(world) - 50_000))
    world.do("GET", "k")
    assert world.do("SLOWLOG", "LEN") == 0


def test_eviction_is_recorded_in_the_latency_monitor() -> None:
    world = slow(latency_monitor_threshold="1")
    change(world, maxmemory=str(used(world) - 50_000))
    world.do("GET", "k")
    monitor = world.engine.slow_commands.monitor
    assert {event.name for event in monitor.events()} >= {b"eviction-cycle", b"eviction-del"}


# In the background.


def test_a_command_waits_for_memory_that_is_being_freed_in_the_background() -> None:
    world = World(lazyfree_lazy_user_del="yes", latency_monitor_threshold="1")
    world.do("SADD", "s", *range(5000))
    limit = used(world)
    world.do("SET", "k", "x" * 10_000)
    change(world, maxmemory=str(limit), maxmemory_policy="volatile-lru")
    world.do("DEL", "s")
    assert figure(world, figures.LAZYFREE_PENDING) == 1
    assert world.do("SET", "k", "v") == OK
    assert figure(world, figures.LAZYFREE_PENDING) == 0
    world.check()


def test_evicted_values_are_freed_in_the_background() -> None:
    world = World(lazyfree_lazy_eviction="yes", maxmemory_policy="allkeys-lru")
    for number in range(100):
        world.do("SADD", f"s{number}", *range(1000))
    limit = used(world) - 200_000
    change(world, maxmemory=str(limit))
    world.do("PING")
    assert figure(world, figures.LAZYFREED) == evicted(world) == 16
    assert used(world) <= limit
    world.check()


# The address space.


def test_without_a_limit_the_address_space_is_one() -> None:
    world = World()
    world.do("SET", "k", "v")
    world.engine.allocator.addressable_bytes = used(world) + 300_000
    change(world, maxmemory_policy="allkeys-lru")
    change(world, maxmemory_policy="noeviction")
    assert world.do("SET", "large", "x" * 200_000) == OK
    assert world.do("SET", "k", "x" * 200_000) == OUT_OF_MEMORY
    assert world.do("GET", "k") == b"v"
    assert world.do("DEL", "large") == 1
    assert world.do("SET", "k", "w") == OK
    world.check()


def test_the_policy_makes_room_in_the_address_space() -> None:
    world = World()
    world.engine.allocator.addressable_bytes = used(world) + 400_000
    change(world, maxmemory_policy="allkeys-lru")
    for number in range(20):
        assert world.do("SET", f"k{number}", "x" * 50_000) == OK
    assert evicted(world) > 5
    world.check()
