"""Active expiry in slices between commands, and the latency events that it causes."""

from __future__ import annotations

from typing import Any

from pyredmem.base.limits import NEVER
from pyredmem.engine import figures
from pyredmem.engine.active_expiry import SLICE_US
from pyredmem.keyspace.events import KeyListener
from tests.support.hosted import Hosted, SlowEvents


def filled(count: int, cost_us: int = 10, **settings: Any) -> tuple[Hosted, SlowEvents]:
    """An engine with `count` keys that have all expired but are not deleted yet."""
    hosted = Hosted(2, **settings)
    for number in range(count):
        hosted.do("SET", f"k{number}", "v", "PX", "50")
    slow = SlowEvents(hosted, cost_us)
    hosted.engine.keyspace.changes.set_listener(slow, True)
    hosted.clock.advance_ms(100)
    return hosted, slow


def expired(hosted: Hosted) -> int:
    return int(hosted.engine.keyspace.expired)


def test_a_tick_expires_keys_for_one_slice_only() -> None:
    hosted, _ = filled(1000)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    assert 20 <= expired(hosted) <= 60  # a round is 20 keys, or a few more, at 10 us each


def test_the_remaining_keys_expire_between_commands_with_pauses_as_long_as_the_slices() -> None:
    hosted, _ = filled(1000)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    start_us = hosted.clock.now_us()
    before = expired(hosted)
    while hosted.engine.maintenance.expiry.is_in_progress():
        hosted.clock.advance_us(50)
        hosted.engine.run_tasks()
    worked_us = (expired(hosted) - before) * 10
    assert expired(hosted) >= 980
    assert 2 * worked_us <= hosted.clock.now_us() - start_us <= 3 * worked_us


def test_a_slice_that_starts_late_is_longer() -> None:
    hosted, _ = filled(1000)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    before = expired(hosted)
    hosted.clock.advance_ms(4)
    hosted.engine.run_tasks()
    assert 95 <= expired(hosted) - before <= 140  # what fits into a millisecond, and the rest of a round


def test_no_fast_cycle_begins_while_the_slow_one_is_in_progress() -> None:
    hosted, _ = filled(1000)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    assert hosted.engine.core.fast_cycle_due_us == NEVER


def test_a_cycle_that_has_not_ended_by_the_next_tick_has_reached_its_time_cap() -> None:
    hosted, _ = filled(1000)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    hosted.engine.maintenance.tick()
    assert hosted.engine.figures.value(figures.EXPIRED_TIME_CAP_REACHED) == 1


def test_no_slice_expires_keys_while_the_data_set_stands_still() -> None:
    hosted, _ = filled(1000)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    before = expired(hosted)
    hosted.engine.keyspace.stands_still = True
    hosted.clock.advance_us(10 * SLICE_US)
    hosted.engine.run_tasks()
    assert expired(hosted) == before


def test_fields_are_expired_in_slices_too() -> None:
    hosted = Hosted()
    for number in range(200):
        hosted.do("HSET", f"h{number}", "f", "v", "g", "v")
        hosted.do("HPEXPIRE", f"h{number}", "50", "FIELDS", "1", "f")
    hosted.engine.keyspace.changes.set_listener(SlowEvents(hosted, 30), True)
    hosted.clock.advance_ms(100)
    hosted.engine.tick(hosted.clock.now_us() // 1000)
    assert 0 < hosted.engine.keyspace.expired_fields < 20
    for _ in range(100):
        hosted.clock.advance_us(400)
        hosted.engine.run_tasks()
    assert hosted.engine.keyspace.expired_fields == 200


def test_the_expired_fields_of_one_hash_are_notified_once() -> None:
    hosted = Hosted(notify_keyspace_events="Kh")
    hosted.do("HSET", "h", *[word for number in range(300) for word in (f"f{number}", "v")])
    hosted.do("HPEXPIRE", "h", "50", "FIELDS", "299", *[f"f{number}" for number in range(299)])
    notified: list[bytes] = []

    class Names(KeyListener):
        def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
            notified.append(name)

    hosted.engine.keyspace.changes.set_listener(Names(), True)
    hosted.tick()
    assert notified == [b"hexpired"]
    assert hosted.engine.keyspace.expired_fields == 299


def test_long_slices_and_deletions_are_events_of_the_latency_monitor() -> None:
    hosted, _ = filled(5, cost_us=3000, latency_monitor_threshold="2")
    hosted.tick()
    names = {name for name, *_ in hosted.engine.slow_commands.monitor.latest()}
    assert b"expire-cycle" in names


def test_the_deletion_of_an_expired_key_is_timed_while_the_monitor_is_on() -> None:
    hosted, _ = filled(1)
    hosted.engine.settings.set_many([("latency-monitor-threshold", "1")])
    timer = hosted.engine.keyspace.expiry_timer
    assert timer is not None
    timer.start()
    hosted.clock.advance_ms(7)
    timer.stop()
    assert [(name, last) for name, _, last, _ in hosted.engine.slow_commands.monitor.latest()] == [(b"expire-del", 7)]
