"""The active expire cycle."""

from __future__ import annotations

import pytest

from pyredmem.base.clock import ManualClock
from pyredmem.base.limits import NEVER, UNLIMITED
from pyredmem.base.rng import Random
from pyredmem.config.profiles import REDIS_7_2
from pyredmem.keyspace.block_layout import create_layout
from pyredmem.keyspace.events import KeyListener
from pyredmem.keyspace.expiry import ExpireCycle
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.memory.allocator import Allocator

NOW_MS = 1_700_000_000_000


class Cost(KeyListener):
    """Makes each expiry take time: advances the clock when it is notified."""

    def __init__(self, clock: ManualClock, cost_us: int) -> None:
        self._clock = clock
        self._cost_us = cost_us

    def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
        self._clock.advance_us(self._cost_us)


class Rig:
    """A keyspace with its cycle."""

    def __init__(self, databases: int = 16) -> None:
        self.clock = ManualClock(NOW_MS * 1000)
        self.keyspace = Keyspace(Random(1), create_layout(REDIS_7_2.layout, Allocator()), databases)
        self.keyspace.now_us = NOW_MS * 1000
        self.cycle = ExpireCycle(self.keyspace, self.clock)

    def fill(self, count: int, left_ms: int, database: int = 0, prefix: str = "key") -> None:
        """Add keys that expire in ``left_ms``; a negative one makes them expired."""
        filled = self.keyspace.databases[database]
        for number in range(count):
            key = f"{prefix}:{number}".encode()
            filled.add(key, self.keyspace.strings.create(b"v"))
            filled.expire_at(key, NOW_MS + left_ms)

    def left(self, database: int = 0) -> int:
        return int(self.keyspace.databases[database].keys.used)

    def cost(self, cost_us: int) -> None:
        """From now on each expiry takes ``cost_us``."""
        self.keyspace.changes.set_listener(Cost(self.clock, cost_us), True)

    def check(self) -> None:
        self.keyspace.check()


def test_rounds_are_repeated_while_more_than_a_tenth_has_expired() -> None:
    """The last keys stay: their table is filled below 1 percent."""
    rig = Rig()
    rig.fill(2000, -1)
    slots = rig.keyspace.databases[0].expires.buckets()
    rig.cycle.slow()
    assert rig.left() <= slots // 100
    assert rig.keyspace.expired == 2000 - rig.left()
    rig.check()


def test_a_key_still_exists_in_the_millisecond_of_its_expire_time() -> None:
    rig = Rig()
    rig.fill(20, 0)
    rig.cycle.slow()
    assert rig.left() == 20
    rig.clock.advance_ms(1)
    rig.cycle.slow()
    assert rig.left() == 0


def test_one_round_is_enough_when_few_keys_have_expired() -> None:
    rig = Rig()
    rig.fill(1000, 60_000)
    rig.cycle.slow()
    assert rig.left() == 1000
    cursor = rig.keyspace.databases[0].expires_cursor
    assert cursor != 0
    rig.cycle.slow()
    assert rig.keyspace.databases[0].expires_cursor != cursor, "the next cycle continues where this one stopped"


def test_every_key_gets_its_turn() -> None:
    rig = Rig()
    rig.fill(990, 60_000, prefix="young")
    rig.fill(10, -1, prefix="old")
    for _ in range(60):  # each looks at 20 of 1000 keys or more
        rig.cycle.slow()
    assert rig.keyspace.expired == 10
    assert rig.left() == 990


def test_the_effort_makes_rounds_larger() -> None:
    def visited(effort: int) -> int:
        rig = Rig()
        rig.cycle.effort = effort
        rig.fill(1000, 60_000)
        expires = rig.keyspace.databases[0].expires
        rig.cycle.slow()
        cursor = rig.keyspace.databases[0].expires_cursor
        found: list[int] = []
        at = 0
        while at != cursor or not found:
            at = int(expires.scan(at, found))
        return len(found)

    assert 20 <= visited(0) < 30
    assert 65 <= visited(9) < 75


@pytest.mark.parametrize(("effort", "rounds"), [(0, 1), (9, 2)])
def test_the_acceptable_share_falls_with_the_effort(effort: int, rounds: int) -> None:
    """Of 20 keys 2 have expired: a tenth. Each round moves the average time to live once."""
    rig = Rig()
    rig.cycle.effort = effort
    rig.fill(18, 10_000, prefix="young")
    rig.fill(2, -1, prefix="old")
    rig.keyspace.databases[0].average_ttl = 5000
    rig.cycle.slow()
    assert rig.keyspace.databases[0].average_ttl == {1: 5100, 2: 5198}[rounds]


def test_a_slow_cycle_stops_when_a_quarter_of_the_time_is_used() -> None:
    rig = Rig()
    rig.fill(20_000, -1)
    rig.cost(100)  # 16 rounds of at least 20 keys take more than 25 ms
    rig.cycle.slow()
    assert 320 <= rig.keyspace.expired < 500
    assert rig.cycle.time_cap_reached == 1
    assert rig.cycle.used_us == rig.keyspace.expired * 100


def test_the_time_of_a_slow_cycle_follows_hz_and_effort() -> None:
    def used(hz: int, effort: int) -> int:
        rig = Rig()
        rig.cycle.hz = hz
        rig.cycle.effort = effort
        rig.fill(8000, -1)
        rig.cost(50)
        rig.cycle.slow()
        return int(rig.cycle.used_us)

    # Checked every 16 rounds of about 20 (65) keys, which take about 16 (53) ms.
    assert 25_000 < used(10, 0) < 50_000
    assert 10_000 < used(100, 0) < 25_000
    assert 43_000 < used(10, 9) < 125_000


def test_a_slice_ends_after_the_round_in_which_its_time_is_used_up() -> None:
    rig = Rig()
    rig.fill(20_000, -1)
    rig.cost(10)  # 200 us for a round
    rig.cycle.slow(1000)
    assert rig.cycle.is_in_progress()
    assert 100 <= rig.keyspace.expired < 150
    assert rig.cycle.last_us == rig.keyspace.expired * 10
    assert rig.cycle.time_cap_reached == 0


def test_a_cycle_in_slices_looks_at_the_same_keys_as_one_in_one_go() -> None:
    def survivors(slice_us: int) -> set[bytes]:
        rig = Rig()
        rig.fill(5000, -1, prefix="old")
        rig.fill(200, 60_000, prefix="young")
        rig.fill(300, -1, database=3)
        rig.cost(30)
        rig.cycle.slow(slice_us)
        slices = 1
        while rig.cycle.is_in_progress():
            rig.clock.advance_ms(3)  # a pause does not count
            rig.cycle.go_on(slice_us)
            slices += 1
        assert (slices > 10) == (slice_us < UNLIMITED)
        assert rig.cycle.time_cap_reached == 1
        rig.check()
        return set(rig.keyspace.databases[0].keys.all_keys())

    assert survivors(250) == survivors(UNLIMITED)


def test_a_cycle_that_is_in_progress_at_the_next_tick_ran_out_of_time() -> None:
    rig = Rig(databases=40)
    rig.fill(5000, -1)
    rig.cost(100)
    rig.cycle.slow(250)
    assert rig.cycle.is_in_progress()
    rig.cycle.slow(250)
    assert rig.cycle.time_cap_reached == 1


def test_a_database_may_be_flushed_between_two_slices() -> None:
    rig = Rig()
    rig.fill(5000, -1)
    rig.cost(100)
    rig.cycle.slow(250)
    rig.keyspace.flush(rig.keyspace.databases[:1])
    rig.cycle.go_on()
    assert not rig.cycle.is_in_progress()
    rig.check()


def test_a_cycle_that_ran_out_of_time_is_followed_by_fast_ones() -> None:
    rig = Rig()
    rig.fill(3000, -1)
    assert rig.cycle.fast_due_us() == NEVER
    rig.cost(100)
    rig.cycle.slow()
    assert rig.cycle.fast_due_us() <= rig.clock.now_us()
    start_us = rig.clock.now_us()
    before = rig.keyspace.expired
    rig.cycle.fast()
    # It reads the clock every 16 rounds only, and each of the 15 empty databases counts as a round.
    assert 20 <= rig.keyspace.expired - before < 40
    assert rig.cycle.time_cap_reached == 2
    assert rig.cycle.fast_due_us() == start_us + 2000
    while rig.cycle.fast_due_us() != NEVER:
        rig.cycle.fast()
    assert rig.left() < 60  # below 1 percent of the slots


def test_the_effort_makes_fast_cycles_longer_and_rarer() -> None:
    rig = Rig()
    rig.cycle.effort = 4
    rig.fill(9000, -1)
    rig.cost(100)
    rig.cycle.slow()
    start_us = rig.clock.now_us()
    rig.cycle.fast()
    assert rig.cycle.fast_due_us() == start_us + 2 * 2000


def test_a_database_without_expire_times_has_no_average_ttl() -> None:
    rig = Rig()
    rig.fill(100, 10_000)
    database = rig.keyspace.databases[0]
    rig.cycle.slow()
    assert database.average_ttl == 10_000 // 50 * 49 + 10_000 // 50
    for key in database.expires.all_keys():
        database.persist(key)
    rig.cycle.slow()
    assert database.average_ttl == 0


def test_the_average_ttl_moves_by_a_fiftieth() -> None:
    rig = Rig()
    rig.fill(10, 10_000)
    database = rig.keyspace.databases[0]
    database.average_ttl = 5_000
    rig.cycle.slow()
    assert database.average_ttl == 5_000 // 50 * 49 + 10_000 // 50


def test_a_nearly_empty_table_is_skipped_until_it_has_shrunk() -> None:
    rig = Rig()
    rig.fill(1024, 60_000)
    database = rig.keyspace.databases[0]
    while database.expires.is_rehashing():
        database.expires.rehash(100)
    for key in database.expires.all_keys()[10:]:
        database.persist(key)
    rig.clock.advance_ms(60_001)
    rig.cycle.slow()
    assert rig.keyspace.expired == 0  # 10 keys in 1024 slots: less than 1 percent
    assert database.expires.shrink_if_sparse()
    while database.expires.is_rehashing():
        database.expires.rehash(100)
    rig.cycle.slow()
    assert rig.keyspace.expired == 10


def test_a_cycle_visits_sixteen_databases() -> None:
    rig = Rig(databases=40)
    for index in range(40):
        rig.fill(5, -1, database=index)
    rig.cycle.slow()
    assert [rig.left(index) for index in range(40)] == [0] * 16 + [5] * 24
    rig.cycle.slow()
    assert [rig.left(index) for index in range(40)] == [0] * 32 + [5] * 8
    rig.cycle.slow()
    assert sum(rig.left(index) for index in range(40)) == 0


def test_after_running_out_of_time_a_cycle_visits_all_databases_from_the_next_one_on() -> None:
    rig = Rig(databases=40)
    rig.fill(400, -1)
    for index in range(1, 40):
        rig.fill(5, -1, database=index)
    rig.cost(100)
    rig.cycle.slow()
    assert rig.cycle.time_cap_reached == 1
    assert 0 < rig.left(0) < 400
    assert rig.left(1) == 5
    rig.cycle.hz = 1
    rig.cycle.slow()
    assert sum(rig.left(index) for index in range(1, 40)) == 0
    assert rig.left(0) <= 5  # a table of 512 buckets with so few keys is too sparse to be sampled


def test_the_stale_estimate_is_a_running_average() -> None:
    rig = Rig()
    rig.fill(10, -1)
    rig.cycle.slow()
    assert rig.cycle.stale == pytest.approx(0.05)
    rig.cycle.slow()
    assert rig.cycle.stale == pytest.approx(0.0475)


def test_the_figures_can_be_set_to_zero() -> None:
    rig = Rig()
    rig.fill(1000, -1)
    rig.cost(100)
    rig.cycle.slow()
    rig.cycle.reset_counters()
    assert (rig.cycle.time_cap_reached, rig.cycle.used_us, rig.cycle.stale) == (0, 0, 0.0)


def test_a_clock_that_is_set_back_costs_no_negative_time() -> None:
    rig = Rig()
    rig.fill(10, -1)
    rig.cost(-1_000_000)
    rig.cycle.slow()
    assert rig.cycle.used_us == 0


def test_listeners_are_notified_of_expired_keys() -> None:
    class Names(KeyListener):
        def __init__(self) -> None:
            self.seen: list[bytes] = []

        def modified(self, database: int, key: bytes) -> None:
            self.seen.append(b"*")

        def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
            self.seen.append(name)

    rig = Rig()
    rig.fill(2, -1)
    names = Names()
    rig.keyspace.changes.set_listener(names, True)
    rig.cycle.slow()
    assert sorted(names.seen) == [b"*", b"*", b"expired", b"expired"]
