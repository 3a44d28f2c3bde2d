"""The answers to the page's questions, of our own server and of a real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pyredmem.web.questions import QUESTIONS, QuestionError, ages, eviction, expiry, keyspace, largest, slab
from pyredmem.web.sampling import Sample, Sampled
from pyredmem.web.source import Refusal, Source, SourceError, Word
from tests.support.servers import Server, pyredmem_server
from tests.web.sites import Scripted, source_of, told


@pytest.fixture(params=["ours", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


async def fill(source: Source, users: int, carts: int) -> None:
    commands: list[Sequence[Word]] = [("SET", f"user:{index}", "x" * 100) for index in range(users)]
    commands += [("RPUSH", f"cart:{index}", *["y" * 50] * 10) for index in range(carts)]
    for start in range(0, len(commands), 500):
        await source.ask_all(commands[start : start + 500])


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {group["name"]: group for group in found["groups"]}


@pytest.mark.needs_redis
async def test_of_a_small_keyspace_nothing_is_estimated(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 300, 100)
        await source.ask_all([("SELECT", 3), ("SET", "lonely", "1")])
        found = await keyspace(source, {})
        assert (found["keys"], found["sampled"]) == (401, 401)
        groups = by_name(found)
        assert {name: group["keys"] for name, group in groups.items()} == {
            "user:*": 300,
            "cart:*": 100,
            "(no prefix)": 1,
        }
        assert {group["keys_error"] for group in groups.values()} == {0}
        assert {group["bytes_error"] for group in groups.values()} == {0}
        await source.ask("SELECT", 0)
        size = await source.ask("MEMORY", "USAGE", "user:7")
        assert groups["user:*"]["bytes"] == pytest.approx(300 * size, rel=0.1)
        assert found["bytes"] == sum(group["bytes"] for group in groups.values())


@pytest.mark.needs_redis
@pytest.mark.parametrize(
    ("by", "names"), [("type", {"string", "list"}), ("encoding", {"raw", "listpack", "quicklist"})]
)
async def test_keys_are_grouped_by_type_and_encoding(server: Server, by: str, names: set[str]) -> None:
    async with source_of(server.port) as source:
        await fill(source, 100, 100)
        found = by_name(await keyspace(source, {"by": by}))
        assert len(found) == 2
        assert set(found) <= names
        assert {group["keys"] for group in found.values()} == {100}


@pytest.mark.needs_redis
async def test_estimates_of_a_large_keyspace_are_as_good_as_they_say(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 9000, 3000)
        within = 0
        for _ in range(12):
            found = await keyspace(source, {"separator": ":"})
            assert found["keys"] == 12_000
            assert 900 <= found["sampled"] <= 1000
            group = by_name(found)["user:*"]
            assert 0 < group["keys_error"] < 600
            assert abs(group["keys"] - 9000) < 3 * group["keys_error"]
            within += abs(group["keys"] - 9000) <= group["keys_error"]
        assert within >= 7  # of 12; fewer happens once in 10,000 runs


@pytest.mark.needs_redis
async def test_a_small_database_beside_a_large_one_is_not_counted_twice(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 6000, 0)
        await source.ask("SELECT", 5)
        await source.ask_all([("SET", f"few:{index}", "1") for index in range(60)])
        keys = [by_name(await keyspace(source, {})).get("few:*", {"keys": 0})["keys"] for _ in range(10)]
        assert 20 < sum(keys) / len(keys) < 110


@pytest.mark.needs_redis
async def test_the_largest_keys_come_first(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 200, 0)
        await source.ask("SELECT", 2)
        await source.ask("HSET", b"\xff:huge", *[word for index in range(500) for word in (f"field{index}", "z" * 90)])
        found = await largest(source, {})
        assert found["sampled"] == 201
        assert len(found["keys"]) == 20
        assert found["keys"][0].pop("bytes") > 40_000
        assert found["keys"][0] == {"db": 2, "key": "\\xff:huge", "type": "hash", "encoding": "hashtable"}


@pytest.mark.needs_redis
async def test_times_to_live_are_told_as_shares(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 50, 0)
        await source.ask_all([("SET", f"soon:{index}", "1", "EX", 30) for index in range(25)])
        await source.ask_all([("SET", f"late:{index}", "1", "EX", 10_000_000) for index in range(25)])
        found = await expiry(source, {})
        assert (found["sampled"], found["without"]) == (100, 0.5)
        shares = {(bucket["from_s"], bucket["to_s"]): bucket["share"] for bucket in found["buckets"] if bucket["share"]}
        assert shares == {(10, 60): 0.25, (2_592_000, None): 0.25}


@pytest.mark.needs_redis
async def test_ages_are_idle_times_or_frequencies_as_the_policy_has_them(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 50, 0)
        found = await ages(source, {})
        assert (found["kind"], found["sampled"]) == ("idle", 50)
        assert sum(bucket["share"] for bucket in found["buckets"][:3]) == pytest.approx(1)
        await source.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        await fill(source, 50, 0)
        found = await ages(source, {})
        assert (found["kind"], found["sampled"]) == ("frequency", 50)
        assert sum(bucket["share"] for bucket in found["buckets"]) == pytest.approx(1)


@pytest.mark.needs_redis
async def test_asking_is_no_use_of_a_key(server: Server) -> None:
    async with source_of(server.port) as source:
        await source.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        await fill(source, 20, 20)
        before = [await source.ask("OBJECT", "FREQ", f"user:{index}") for index in range(20)]
        for by in ("prefix", "type", "encoding"):
            await keyspace(source, {"by": by})
        for question in (largest, expiry, ages):
            await question(source, {})
        assert [await source.ask("OBJECT", "FREQ", f"user:{index}") for index in range(20)] == before


async def test_a_slab_is_told_with_keys_that_live_there() -> None:
    # A server of its own: in one that had run other tests, a slab may be full of other blocks of this size.
    with pyredmem_server() as server:
        async with source_of(server.port) as source:
            await fill(source, 3000, 10)
            for page in range(286, 800):
                try:
                    found = await slab(source, {"page": str(page)})
                except QuestionError:
                    continue
                if found["size"] == 112 and found["used"] > 100:
                    break
            assert found["regions"] == 256
            assert found["page"] <= page < found["page"] + found["pages"]
            assert 0 < len(found["keys"]) <= 12
            assert {(key["db"], key["type"]) for key in found["keys"]} == {(0, "string")}
            assert all(key["key"].startswith("user:") for key in found["keys"])
            assert found["looked"] >= len(found["keys"])


async def test_the_candidates_for_eviction_are_told() -> None:
    with pyredmem_server("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        async with source_of(server.port) as source:
            await fill(source, 20_000, 0)
            found = await eviction(source, {})
            assert found["policy"] == "allkeys-lru"
            assert 0 < len(found["candidates"]) <= 16
            assert set(found["candidates"][0]) == {"db", "key", "score", "what"}
            assert found["candidates"][0]["what"] == "idle seconds"


@pytest.mark.needs_redis
async def test_a_redis_server_cannot_tell_slabs_nor_candidates(real: Server) -> None:
    async with source_of(real.port) as source:
        assert list(await eviction(source, {})) == ["error"]
        with pytest.raises(QuestionError, match="The server cannot tell what lies there"):
            await slab(source, {"page": "300"})


@pytest.mark.parametrize(
    ("name", "query"),
    [
        *[("slab", {"page": page}) for page in ("", "x", "-1", "1.5", "²", str(1 << 40))],
        ("keyspace", {"by": "colour"}),
        ("keyspace", {"separator": ""}),
        ("keyspace", {"separator": "x" * 9}),
    ],
)
async def test_malformed_questions_are_refused(name: str, query: dict[str, str]) -> None:
    source = Scripted({})
    with pytest.raises(QuestionError):
        await QUESTIONS[name](source, query)
    assert source.asked == []


async def test_a_user_who_may_not_scan_is_told() -> None:
    source = Scripted({**told(b"# Keyspace\r\ndb0:keys=5,expires=0\r\n"), "SELECT 0": b"OK"})
    with pytest.raises(SourceError, match="SCAN is refused: unknown command"):
        await largest(source, {})


async def test_a_command_that_is_refused_for_every_key_is_told() -> None:
    info = b"# Keyspace\r\ndb0:keys=1,expires=0\r\n"
    source = Scripted({**told(info), "SELECT 0": b"OK", "SCAN 0 COUNT 25": [b"0", [b"key"]]})
    with pytest.raises(SourceError, match="refuses what is needed: unknown command"):
        await largest(source, {})


class Noting(Source):
    """Passes everything on, and notes which commands are used."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.commands: set[str] = set()

    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        self.commands |= {str(words[0]).lower() for words in commands}
        return await self._source.ask_all(commands)

    async def close(self) -> None:
        await self._source.close()


async def test_only_commands_that_do_not_write_are_used(ours: Server) -> None:
    async with source_of(ours.port) as source:
        await fill(source, 50, 50)
        noting = Noting(source)
        for name, question in QUESTIONS.items():
            await question(noting, {"page": "300"} if name == "slab" else {})
        assert {"scan", "memory", "info"} <= noting.commands
        for command in noting.commands:
            [described] = await source.ask("COMMAND", "INFO", command)
            assert b"write" not in described[2], command


def test_the_error_of_a_sample_that_has_all_keys_is_0() -> None:
    keys = [Sampled(0, b"k", [size]) for size in (1, 2, 3, 4)]
    assert Sample(keys, 4).error_of_mean(2.5, 7.5) == 0
    assert Sample([], 0).error_of_share(0.5) == 0


def test_the_error_of_a_mean_is_1_96_standard_errors() -> None:
    sample = Sample([Sampled(0, b"k")] * 100, 1_000_000)
    assert sample.error_of_share(0.5) == pytest.approx(1.96 * 0.05, rel=0.01)
    assert Sample([Sampled(0, b"k")] * 100, 200).error_of_share(0.5) == pytest.approx(1.96 * 0.05 * 0.5**0.5, rel=0.02)


def test_a_refusal_is_told_without_its_code() -> None:
    assert Refusal("ERR unknown command").reason() == "unknown command"
    assert Refusal("NOPERM no").reason() == "NOPERM no"
