"""MEMORY."""

from __future__ import annotations

import pytest

from tests.support.hosted import Hosted
from tests.support.replies import NOT_AN_INTEGER, OK, SYNTAX_ERROR, Double, Error, Map, Simple, Verbatim, wrong_arity


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def stats(hosted: Hosted) -> dict[bytes, object]:
    """MEMORY STATS of a RESP2 client, as a dictionary."""
    reply = hosted.do("MEMORY", "STATS")
    assert isinstance(reply, list)
    pairs = zip(reply[::2], reply[1::2], strict=True)
    return {name: value for name, value in pairs if isinstance(name, bytes)}


@pytest.mark.parametrize(
    ("key", "value", "size"),
    [
        ("foo", "bar", 56),
        ("k", "5", 48),
        ("k", "123456", 48),
        ("k", "", 56),
        ("k", "x" * 44, 96),
        ("k", "x" * 45, 104),
        ("k", "x" * 253, 368),
        ("k" * 31, "v", 88),
        ("k", "x" * 16384, 20528),
    ],
)
def test_usage_is_the_sum_of_entry_key_and_value(hosted: Hosted, key: str, value: str, size: int) -> None:
    hosted.do("SET", key, value)
    assert hosted.do("MEMORY", "USAGE", key) == size


def test_usage_of_a_missing_key_is_null(hosted: Hosted) -> None:
    assert hosted.do("MEMORY", "USAGE", "none") is None


def test_usage_neither_deletes_an_expired_key_nor_counts_as_use_or_lookup(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    hosted.engine.keyspace.databases[0].expire_at(b"k", 1_700_000_000_001)
    hosted.clock.advance_ms(50)
    hits = hosted.engine.keyspace.hits
    # The timer has not run, so the expired key is still there.
    assert hosted.do("MEMORY", "USAGE", "k") == 56
    assert hosted.engine.keyspace.hits == hits


@pytest.mark.parametrize("samples", ["0", "5", "1000000"])
def test_usage_takes_samples(hosted: Hosted, samples: str) -> None:
    hosted.do("SET", "k", "v")
    assert hosted.do("MEMORY", "USAGE", "k", "samples", samples, "SAMPLES", samples) == 56


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["USAGE", "k", "SAMPLES"], SYNTAX_ERROR),
        (["USAGE", "k", "SAMPLES", "-1"], SYNTAX_ERROR),
        (["USAGE", "k", "SAMPLES", "x"], NOT_AN_INTEGER),
        (["USAGE", "k", "OTHER", "1"], SYNTAX_ERROR),
        (["USAGE"], wrong_arity("memory|usage")),
        (["STATS", "x"], wrong_arity("memory|stats")),
        (["NONSENSE"], Error(b"ERR unknown subcommand 'NONSENSE'. Try MEMORY HELP.")),
        ([], wrong_arity("memory")),
    ],
)
def test_errors(hosted: Hosted, words: list[str], error: Error) -> None:
    assert hosted.do("MEMORY", *words) == error


NAMES = (
    *(b"peak.allocated", b"total.allocated", b"startup.allocated", b"replication.backlog", b"clients.slaves"),
    *(b"clients.normal", b"cluster.links", b"aof.buffer", b"lua.caches", b"functions.caches", b"db.0"),
    *(b"overhead.total", b"keys.count", b"keys.bytes-per-key", b"dataset.bytes", b"dataset.percentage"),
    *(b"peak.percentage", b"allocator.allocated", b"allocator.active", b"allocator.resident"),
    *(b"allocator-fragmentation.ratio", b"allocator-fragmentation.bytes", b"allocator-rss.ratio"),
    *(b"allocator-rss.bytes", b"rss-overhead.ratio", b"rss-overhead.bytes", b"fragmentation", b"fragmentation.bytes"),
)
DOUBLES = {
    *(b"dataset.percentage", b"peak.percentage", b"allocator-fragmentation.ratio", b"allocator-rss.ratio"),
    *(b"rss-overhead.ratio", b"fragmentation"),
}


def test_stats_come_in_redis_order(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    assert tuple(stats(hosted)) == NAMES


def test_stats_are_integers_except_for_ratios_which_are_text(hosted: Hosted) -> None:
    for name, value in stats(hosted).items():
        assert isinstance(value, bytes if name in DOUBLES else int), name


def test_stats_are_a_map_with_doubles_under_resp3() -> None:
    hosted = Hosted(protocol=3)
    hosted.do("SET", "k", "v")
    reply = hosted.do("MEMORY", "STATS")
    assert isinstance(reply, Map)
    for name, value in reply.items():
        assert isinstance(name, bytes)
        expected = Map if name == b"db.0" else Double if name in DOUBLES else int
        assert isinstance(value, expected), name


def test_stats_give_the_tables_of_a_database(hosted: Hosted) -> None:
    for number in range(5):
        hosted.do("SET", f"k{number}", "v")
    hosted.engine.keyspace.databases[0].expire_at(b"k1", 1_800_000_000_000)
    tables = stats(hosted)[b"db.0"]
    buckets = hosted.engine.keyspace.databases[0].keys.buckets()
    assert tables == [
        *(b"overhead.hashtable.main", 5 * 40 + 8 * buckets),
        *(b"overhead.hashtable.expires", 24 + 4 * 8),
        *(b"overhead.hashtable.slot-to-keys", 0),
    ]


def test_stats_leave_out_empty_databases(hosted: Hosted) -> None:
    assert b"db.0" not in stats(hosted)


def test_overhead_is_the_sum_of_its_parts(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    found = stats(hosted)
    parts = (b"startup.allocated", b"clients.normal", b"lua.caches", b"functions.caches")
    total = sum(value for name in parts if isinstance(value := found[name], int))
    assert found[b"overhead.total"] == total + 24 + 16 + 32


def test_purge_returns_free_pages_of_ledger_and_process(hosted: Hosted) -> None:
    hosted.do("SET", "k", "x" * 1_000_000)
    hosted.do("SET", "k", "x")
    assert hosted.engine.allocator.dirty() > 900_000
    assert hosted.do("MEMORY", "PURGE") == OK
    assert hosted.engine.allocator.dirty() == 0
    assert hosted.host.trimmed == 1


def test_malloc_stats_are_the_allocators_report() -> None:
    reply = Hosted(protocol=3).do("MEMORY", "MALLOC-STATS")
    assert isinstance(reply, Verbatim)
    assert reply.text.startswith(b"___ Begin jemalloc statistics ___\n")
    assert reply.text.endswith(b"--- End jemalloc statistics ---\n")


@pytest.mark.parametrize("profile", ["libc", "tcmalloc"])
def test_other_allocators_have_no_report(profile: str) -> None:
    hosted = Hosted(mem_allocator=profile)
    assert hosted.do("MEMORY", "MALLOC-STATS") == b"Stats not supported for the current allocator"
    assert hosted.do("MEMORY", "PURGE") == OK


def test_a_sound_ledger_passes_the_audit(hosted: Hosted) -> None:
    hosted.do("SET", "k", "v")
    assert hosted.do("MEMORY", "AUDIT") == OK


def test_a_leak_fails_the_audit(hosted: Hosted) -> None:
    hosted.engine.allocator.alloc(100)
    reply = hosted.do("MEMORY", "AUDIT")
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"ERR the ledger is not sound: 1 blocks of 112 bytes leaked; leaked: address ")


def test_a_missing_block_fails_the_audit(hosted: Hosted) -> None:
    hosted.engine.core.owners.register("nobody", lambda: [3])
    reply = hosted.do("MEMORY", "AUDIT")
    assert isinstance(reply, Error)
    assert b"dangling: address 3 of nobody" in reply.text


def test_reset_stats_begins_a_new_measurement_of_reclaim(hosted: Hosted) -> None:
    hosted.do("DEBUG", "POPULATE", "1", "big", "1000000")
    hosted.do("DEL", "big:0")
    hosted.do("SET", "short", "v", "PX", "1")
    hosted.tick()
    hosted.do("GET", "short")
    assert hosted.info("stats")["expired_keys"] == "1"
    assert hosted.do("MEMORY", "RESET", "stats") == OK
    assert hosted.engine.allocator.peak == hosted.engine.allocator.used_memory
    stats = hosted.info("stats")
    assert (stats["expired_keys"], stats["expired_stale_perc"]) == ("0", "0.00")
    assert stats["keyspace_misses"] == "1", "what is no reclaim goes on"


def test_reset_accepts_no_argument_but_stats(hosted: Hosted) -> None:
    assert hosted.do("MEMORY", "RESET", "PEAK") == SYNTAX_ERROR


def test_help_names_every_subcommand(hosted: Hosted) -> None:
    reply = hosted.do("MEMORY", "HELP")
    assert isinstance(reply, list)
    lines = [line.text for line in reply if isinstance(line, Simple)]
    assert [line.split()[0] for line in lines[1:] if not line.startswith(b" ")] == [
        *(b"ARENAS", b"AUDIT", b"DOCTOR", b"EVICTION-POOL", b"HEAP-MAP", b"MALLOC-STATS", b"PURGE", b"RESET"),
        *(b"SLAB", b"STATS", b"USAGE", b"HELP"),
    ]
