"""MEMORY DOCTOR: which titles stand under which conditions."""

from __future__ import annotations

import re

from pyredmem.engine import figures
from tests.support.hosted import Hosted
from tests.support.wire import Bulk


def doctor(hosted: Hosted) -> str:
    """The diagnosis after a fresh sample."""
    hosted.tick()
    reply = hosted.do("MEMORY", "DOCTOR")
    assert isinstance(reply, Bulk)
    return reply.data.decode()


def titles(hosted: Hosted) -> list[str]:
    """The titles of the findings."""
    return re.findall(r"^ \* ([^:]+):", doctor(hosted), re.MULTILINE)


def loaded(megabytes: int = 20) -> Hosted:
    """An engine with data, and a process that has exactly what the allocator has."""
    hosted = Hosted()
    hosted.do("DEBUG", "POPULATE", str(megabytes), "k", "1000000")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    return hosted


def test_an_almost_empty_server_cannot_be_judged() -> None:
    text = doctor(Hosted())
    assert text.startswith("Hi Sam, this instance is empty or is using very little memory")


def test_nothing_is_wrong_with_a_server_that_only_holds_data() -> None:
    assert doctor(loaded()).startswith("Hi Sam, I can't find any memory issue in your instance.")


def test_findings_stand_between_greeting_and_farewell() -> None:
    hosted = loaded()
    hosted.host.rss *= 2
    text = doctor(hosted)
    assert text.startswith("Sam, I detected a few issues in this Redis instance memory implants:\n\n * ")
    assert text.splitlines()[-1].startswith("I'm here to keep you safe, Sam.")


def test_a_past_peak() -> None:
    hosted = loaded()
    for number in range(15):
        hosted.do("SET", f"k:{number}", "x")
    hosted.do("MEMORY", "PURGE")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    assert titles(hosted) == ["Peak memory"]


def test_a_process_much_bigger_than_its_data() -> None:
    hosted = loaded()
    hosted.host.rss *= 2
    assert titles(hosted) == ["High total RSS", "High process RSS overhead"]
    assert '"jemalloc-5.3.0"' in doctor(hosted)


def test_pages_that_the_allocator_keeps() -> None:
    hosted = loaded(60)
    for number in range(12):
        hosted.do("SET", f"k:{number}", "x")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    assert "High allocator RSS overhead" in titles(hosted)


def test_room_between_the_blocks() -> None:
    hosted = Hosted()
    for number in range(40_000):
        hosted.do("SET", f"k{number}", "x" * 900)
    for number in range(40_000):
        if number % 2:
            hosted.do("SET", f"k{number}", "x")
    hosted.host.rss = int(hosted.engine.allocator.resident())
    assert "High allocator fragmentation" in titles(hosted)


def test_clients_with_big_buffers() -> None:
    hosted = loaded()
    hosted.do("SET", "big", "x" * 1_000_000)  # the query buffer stays as big until the client was idle for a while
    assert titles(hosted) == ["Big client buffers"]


def test_many_scripts() -> None:
    hosted = loaded()
    hosted.engine.figures.provide(figures.CACHED_SCRIPTS, lambda: 1001)
    assert titles(hosted) == ["Many scripts"]
