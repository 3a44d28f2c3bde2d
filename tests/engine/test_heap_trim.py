"""When the C library is asked to give its free memory back."""

from __future__ import annotations

from pyredmem.engine.heap_trim import PATIENCE
from tests.support.hosted import Hosted

VALUE = "1000"


def populated(keys: int = 20_000) -> Hosted:
    """An engine with `keys` keys of 1,000 bytes, whose memory it has noted at a tick."""
    hosted = Hosted()
    hosted.do("DEBUG", "POPULATE", keys, "k", VALUE)
    hosted.tick()
    assert hosted.host.trimmed == 0
    return hosted


def delete(hosted: Hosted, start: int, end: int) -> None:
    hosted.do("DEL", *[f"k:{number}" for number in range(start, end)])


def test_flushall_asks_for_a_trim_at_once() -> None:
    hosted = populated()
    hosted.do("FLUSHALL")
    assert hosted.host.trimmed == 1
    hosted.tick(1000)
    assert hosted.host.trimmed == 1


def test_flushdb_asks_for_a_trim_even_between_two_ticks() -> None:
    hosted = Hosted()
    hosted.do("DEBUG", "POPULATE", 20_000, "k", VALUE)
    hosted.do("FLUSHDB")
    assert hosted.host.trimmed == 1


def test_flushall_of_little_data_asks_for_no_trim() -> None:
    hosted = populated(100)
    for _ in range(10):
        hosted.do("FLUSHALL")
        hosted.tick()
    assert hosted.host.trimmed == 0


def test_after_most_keys_were_deleted_one_trim_is_asked_for() -> None:
    hosted = populated()
    delete(hosted, 0, 18_000)
    for _ in range(30):
        hosted.tick()
    assert hosted.host.trimmed == 1


def test_after_few_keys_were_deleted_no_trim_is_asked_for() -> None:
    hosted = populated()
    delete(hosted, 0, 4_000)
    for _ in range(20):
        hosted.tick()
    assert hosted.host.trimmed == 0


def test_many_small_deletions_add_up_to_a_trim() -> None:
    hosted = populated()
    for start in range(0, 10_000, 1000):
        delete(hosted, start, start + 1000)
        hosted.tick()
        hosted.tick()
    assert hosted.host.trimmed in {1, 2}


def test_the_trim_waits_while_memory_goes_on_falling_but_not_for_ever() -> None:
    hosted = populated()
    for start in range(0, 15_000, 500):
        delete(hosted, start, start + 500)
        hosted.tick()
        if start < 4_000:
            assert hosted.host.trimmed == 0
    assert 1 <= hosted.host.trimmed <= 30 // PATIENCE
    hosted.tick()
    hosted.tick()
    assert hosted.host.trimmed <= 30 // PATIENCE


def test_after_values_were_freed_in_the_background_a_trim_is_asked_for() -> None:
    hosted = populated(100)
    hosted.do("RPUSH", "list", *["x" * 1000] * 20_000)
    hosted.tick()
    hosted.do("UNLINK", "list")
    hosted.engine.lazyfree_task.drain()
    for _ in range(3):
        hosted.tick()
    assert hosted.host.trimmed == 1


def test_flushall_async_asks_for_a_trim_when_the_keys_have_been_freed() -> None:
    hosted = populated()
    hosted.do("FLUSHALL", "ASYNC")
    assert hosted.host.trimmed == 0
    hosted.engine.lazyfree_task.drain()
    for _ in range(3):
        hosted.tick()
    assert hosted.host.trimmed == 1


def test_memory_that_grows_again_is_not_trimmed() -> None:
    hosted = populated()
    delete(hosted, 0, 18_000)
    hosted.do("DEBUG", "POPULATE", 20_000, "other", VALUE)
    for _ in range(20):
        hosted.tick()
    assert hosted.host.trimmed == 0
