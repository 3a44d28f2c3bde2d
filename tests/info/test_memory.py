"""INFO memory."""

from __future__ import annotations

import pytest

from pyredmem.base.numbers import human_size
from tests.support.hosted import Hosted


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def test_used_memory_is_that_of_the_ledger(hosted: Hosted) -> None:
    hosted.do("SET", "k", "x" * 100_000)
    memory = hosted.info("memory")
    # The first INFO is charged for its histogram only after its reply.
    assert int(memory["used_memory"]) == hosted.engine.allocator.used_memory - 24688
    assert memory["used_memory_human"] == human_size(int(memory["used_memory"]))


def test_an_empty_server_uses_what_an_empty_redis_uses(hosted: Hosted) -> None:
    """The expected number is from a fresh Redis 7.2.6, when its only client called INFO for the first time."""
    assert int(hosted.info("memory")["used_memory"]) == pytest.approx(904_504, rel=0.02)
    assert hosted.info("memory")["used_memory_startup"] == "865960"


def test_overhead_and_dataset_add_up(hosted: Hosted) -> None:
    for number in range(100):
        hosted.do("SET", f"k{number}", "v" * number)
    memory = {name: int(value) for name, value in hosted.info("memory").items() if value.isdigit()}
    assert memory["used_memory_overhead"] + memory["used_memory_dataset"] == memory["used_memory"]
    tables = 100 * (24 + 16) + 128 * 8
    clients = memory["mem_clients_normal"]
    assert memory["used_memory_overhead"] == memory["used_memory_startup"] + 184 + tables + clients


def test_the_peak_stays_when_memory_is_freed(hosted: Hosted) -> None:
    hosted.do("SET", "k", "x" * 1_000_000)
    hosted.do("SET", "k", "x")
    memory = hosted.info("memory")
    assert int(memory["used_memory_peak"]) > int(memory["used_memory"]) + 900_000
    percent = int(memory["used_memory"]) * 100 / int(memory["used_memory_peak"])
    assert memory["used_memory_peak_perc"] == f"{percent:.2f}%"


def test_ratios_come_from_the_last_sample(hosted: Hosted) -> None:
    hosted.tick()
    before = hosted.info("memory")
    hosted.do("SET", "k", "x" * 1_000_000)
    names = ("allocator_allocated", "mem_fragmentation_ratio", "allocator_frag_ratio", "used_memory_rss")
    assert [hosted.info("memory")[name] for name in names] == [before[name] for name in names]
    hosted.tick()
    assert int(hosted.info("memory")["allocator_allocated"]) > int(before["allocator_allocated"]) + 1_000_000


def test_fragmentation_compares_the_process_with_the_ledger(hosted: Hosted) -> None:
    hosted.tick()
    used = hosted.engine.sampler.allocator_sample.used_memory
    memory = hosted.info("memory")
    assert memory["used_memory_rss"] == "100000000"
    assert memory["mem_fragmentation_bytes"] == str(100_000_000 - used)
    assert memory["mem_fragmentation_ratio"] == f"{100_000_000 / used:.2f}"


@pytest.mark.parametrize(
    ("profile", "name", "startup"),
    [
        ("jemalloc", "jemalloc-5.3.0", "865960"),
        ("jemalloc-lg4", "jemalloc-5.3.0", "880336"),
        ("libc", "libc", "957264"),
        ("tcmalloc", "tcmalloc-2.10", "871392"),
    ],
)
def test_the_allocator_and_its_startup_memory_are_shown(profile: str, name: str, startup: str) -> None:
    memory = Hosted(mem_allocator=profile).info("memory")
    assert memory["mem_allocator"] == name
    assert memory["used_memory_startup"] == startup


def test_the_limit_and_its_policy_are_shown() -> None:
    memory = Hosted(maxmemory="100mb", maxmemory_policy="allkeys-lru").info("memory")
    assert memory["maxmemory"] == "104857600"
    assert memory["maxmemory_human"] == "100.00M"
    assert memory["maxmemory_policy"] == "allkeys-lru"
