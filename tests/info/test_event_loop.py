"""The figures of the event loop: what counts as a cycle, how long cycles take, and what becomes of them on a reset."""

from __future__ import annotations

import pytest

from tests.support.hosted import Hosted, RecordingHost
from tests.support.wire import request


class BusyHost(RecordingHost):
    """A process whose engine's thread has been at work for as long as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.thread_seconds = 5.0

    def main_thread_cpu_seconds(self) -> tuple[float, float]:
        return (0.0, self.thread_seconds)


def ping(hosted: Hosted, count: int = 1) -> None:
    """A batch of commands."""
    hosted.session.receive(request("PING") * count)
    hosted.session.take_output()


def figures(hosted: Hosted) -> dict[str, int]:
    """The figures of the loop; the batch that asks for them is counted already."""
    found = {**hosted.info("stats", "debug")}
    return {name: int(value) for name, value in found.items() if "eventloop" in name}


def test_batches_and_ticks_are_cycles() -> None:
    hosted = Hosted()
    before = figures(hosted)["eventloop_cycles"]
    ping(hosted, 10)
    for _ in range(5):
        hosted.tick()
    hosted.engine.run_tasks()
    assert figures(hosted)["eventloop_cycles"] - before == 1 + 5 + 1 + 1


def test_cycles_per_second_are_a_mean_of_the_last_samples() -> None:
    hosted = Hosted()
    for _ in range(32):
        for _ in range(9):
            ping(hosted)
        hosted.tick(100)
    assert figures(hosted)["instantaneous_eventloop_cycles_per_sec"] == 100


def test_an_idle_server_has_as_many_cycles_as_ticks() -> None:
    hosted = Hosted()
    for _ in range(32):
        hosted.tick(100)
    assert figures(hosted)["instantaneous_eventloop_cycles_per_sec"] == 10


def test_the_most_commands_of_a_cycle_are_those_of_the_longest_batch() -> None:
    hosted = Hosted()
    for count in (3, 250, 7):
        ping(hosted, count)
    assert figures(hosted)["eventloop_cmd_per_cycle_max"] == 250


def busy() -> tuple[Hosted, BusyHost]:
    hosted, host = Hosted(), BusyHost()
    hosted.engine.sampler._host = host
    hosted.tick()
    return hosted, host


def test_the_loop_is_busy_as_long_as_its_thread_is_from_the_first_tick_on() -> None:
    hosted, host = busy()
    host.thread_seconds += 0.25
    assert figures(hosted)["eventloop_duration_sum"] == 250_000


def test_the_mean_of_a_cycle_is_its_share_of_the_time_that_the_thread_was_busy() -> None:
    hosted, host = busy()
    for _ in range(32):
        host.thread_seconds += 0.01
        for _ in range(9):
            ping(hosted)
        hosted.tick(100)
    assert figures(hosted)["instantaneous_eventloop_duration_usec"] == pytest.approx(1000, abs=100)


def test_a_reset_sets_all_of_them_to_zero() -> None:
    hosted, host = busy()
    host.thread_seconds += 0.25
    ping(hosted, 250)
    hosted.do("CONFIG", "RESETSTAT")
    found = figures(hosted)
    assert found.pop("eventloop_cycles") == 1
    assert found.pop("eventloop_cmd_per_cycle_max") == 1  # the batch of CONFIG RESETSTAT itself
    assert set(found.values()) == {0}


def test_the_section_debug_is_shown_only_when_it_is_asked_for() -> None:
    hosted = Hosted()
    for words in ((), ("all",), ("everything",), ("default",)):
        assert "eventloop_duration_cron_sum" not in hosted.info(*words)
    assert hosted.info_text("debug").startswith("# Debug\r\neventloop_duration_aof_sum:0\r\n")
