"""Frames: their figures are those of INFO, and their heap map agrees with MEMORY MALLOC-STATS."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from typing import Any

import pytest

from pyredmem.metrics.names import NAMES, OWN_NAMES
from pyredmem.metrics.reading import Reading, parsed
from pyredmem.metrics.values import values_of
from pyredmem.web import heap
from pyredmem.web.frames import Frames, commands_of, explanations
from pyredmem.web.source import Source, SourceError
from tests.support.heap_maps import KeptMap
from tests.support.servers import Server
from tests.web.sites import Scripted, source_of, told

#: What asking for a frame changes by itself.
MOVING = ("time", "commands", "net_", "cpu", "uptime", "buffer", "rss", "cycle", "process", "latency", "spike", "info")


@pytest.fixture(params=["ours", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


async def fill(source: Source, keys: int) -> None:
    for start in range(0, keys, 500):
        await source.ask_all([("SET", f"user:{index}", "x" * (index % 700)) for index in range(start, start + 500)])
    await source.ask_all([("DEL", f"user:{index}") for index in range(0, keys, 3)])


async def bins(source: Source) -> dict[int, tuple[int, int]]:
    """Of each size class its used regions and its slabs, as MEMORY MALLOC-STATS tells them."""
    report = (await source.ask("MEMORY", "MALLOC-STATS")).decode()
    rows = [line.split() for line in report.splitlines()]
    return {int(row[1]) + 1: (int(row[4]), int(row[7])) for row in rows if len(row) == 14 and row[0].isdigit()}


def changes(frame: dict[str, Any]) -> bytes:
    return b64decode(frame["heap"]["changes"], validate=True)


async def test_the_heap_map_of_a_frame_has_the_counts_of_malloc_stats(ours: Server) -> None:
    async with source_of(ours.port) as source:
        await fill(source, 6000)
        frames = Frames(source)
        hello = await frames.hello("s", can_demonstrate=False)
        kept = KeptMap()
        first = await frames.frame(None)
        assert first["heap"]["reset"]
        kept.apply(changes(first))
        await bins(source)  # all that asking needs is allocated from here on
        for _ in range(2):
            frame = await frames.frame(None)
            assert not frame["heap"]["reset"]
            kept.apply(changes(frame))
        different: list[dict[str, int]] = []
        for _ in range(10):  # in between, the server's timer may change the size of a client's buffer
            frame = await frames.frame(None)
            assert not frame["heap"]["reset"]
            kept.apply(changes(frame))
            expected = await bins(source)
            assert len(expected) > 20
            different = [
                hello["classes"][number - 1]
                for number, counts in expected.items()
                if (kept.regions(number), kept.slabs(number)) != counts
            ]
            if not different:
                break
        assert not different


async def test_only_what_has_changed_is_sent(ours: Server) -> None:
    async with source_of(ours.port) as source:
        await fill(source, 6000)
        frames = Frames(source)
        await frames.hello("s", can_demonstrate=False)
        first = len(changes(await frames.frame(None)))
        await frames.frame(None)
        await source.ask("SET", "one", "x" * 100)
        assert first > 500
        assert len(changes(await frames.frame(None))) < 60


async def test_a_frame_keeps_to_its_budget_and_the_next_ones_bring_the_rest(
    ours: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap, "BUDGET", 400)
    async with source_of(ours.port) as source:
        await fill(source, 6000)
        frames = Frames(source)
        await frames.hello("s", can_demonstrate=False)
        left: list[int] = []
        while not left or left[-1]:
            frame = await frames.frame(None)
            assert len(changes(frame)) <= 400
            left.append(frame["heap"]["left"])
            assert len(left) < 50
        assert left[0] > 100
        assert left == sorted(left, reverse=True)


@pytest.mark.needs_redis
async def test_the_figures_of_a_frame_are_those_of_info(server: Server) -> None:
    async with source_of(server.port) as source:
        await fill(source, 600)
        await source.ask("GET", "user:1")
        frames = Frames(source)
        await frames.hello("s", can_demonstrate=False)
        for _ in range(20):
            frame = json.loads(json.dumps(await frames.frame(None)))
            expected = values_of(Reading(parsed((await source.ask("INFO", "everything")).decode())))
            still = {name for name in expected if not any(word in name for word in MOVING)}
            still -= {"redis_keyspace_misses_total"}
            shown = {name: frame["values"].get(name) for name in still}
            if shown == pytest.approx({name: expected[name] for name in still}, rel=0.05):
                break
            await asyncio.sleep(0.1)  # a server measures its allocator that often, so it was perhaps before the filling
        assert shown == pytest.approx({name: expected[name] for name in still}, rel=0.05)
        assert set(expected) <= set(frame["values"])
        assert {"redis_memory_max_bytes", "redis_connected_clients", "redis_keyspace_hits_total"} <= still
        assert {"name", "calls", "us"} <= set(frame["commands"][0])
        assert {command["name"]: command["calls"] for command in frame["commands"]}["set"] >= 600


@pytest.mark.needs_redis
async def test_what_a_redis_server_cannot_tell_is_said(real: Server) -> None:
    async with source_of(real.port) as source:
        frames = Frames(source)
        hello = await frames.hello("s", can_demonstrate=True)
        assert hello["classes"] is None
        assert not hello["server"]["is_pyredmem"]
        assert [sentence.partition(":")[0] for sentence in hello["missing"]] == [
            "The heap map, and the keys of a slab",
            "The interpreter's arenas",
            "The candidates for eviction",
        ]
        frame = await frames.frame(None)
        assert (frame["heap"], frame["arenas"], frame["demonstration"]) == (None, None, None)


async def test_nothing_is_missing_from_our_own_server(ours: Server) -> None:
    async with source_of(ours.port) as source:
        hello = await Frames(source).hello("127.0.0.1:1", can_demonstrate=True)
        assert hello["missing"] == []
        assert hello["server"]["is_pyredmem"]
        assert (hello["server"]["name"], hello["server"]["mode"]) == ("127.0.0.1:1", "standalone")
        assert hello["classes"][0] == {"size": 8, "regions": 512, "pages": 1}


async def test_an_old_server_tells_what_it_can() -> None:
    info = (
        b"# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\nmem_fragmentation_ratio:inf\r\nused_memory:7\r\n"
    )
    frames = Frames(Scripted(told(info)))
    hello = await frames.hello("s", can_demonstrate=False)
    assert hello["server"]["version"] == "5.0.14"
    assert any(sentence.startswith("Percentiles of latency") for sentence in hello["missing"])
    assert (await frames.frame(None))["values"] == {"redis_memory_used_bytes": 7.0}


async def test_a_server_that_refuses_info_cannot_be_watched() -> None:
    with pytest.raises(SourceError, match="INFO is refused: unknown command"):
        await Frames(Scripted({})).hello("s", can_demonstrate=False)


def test_commands_have_their_percentiles() -> None:
    info = {
        "cmdstat_get": "calls=2,usec=7,usec_per_call=3.50,rejected_calls=0,failed_calls=0",
        "cmdstat_set": "calls=9,usec=1,usec_per_call=0.11,rejected_calls=0,failed_calls=0",
        "latency_percentiles_usec_get": "p50=1.003,p99=2.007,p99.9=3.007",
    }
    assert commands_of(Reading(info)) == [
        {"name": "set", "calls": 9, "us": 1.0},
        {"name": "get", "calls": 2, "us": 7.0, "p50": 1.003, "p99": 2.007, "p999": 3.007},
    ]


def test_every_explanation_is_complete_and_of_something_that_exists() -> None:
    metrics = {name.metric for name in (*NAMES, *OWN_NAMES)}
    for name, explanation in explanations().items():
        assert set(explanation) == {"title", "unit", "what", "formula", "where"}, name
        assert explanation["unit"] in {"bytes", "seconds", "ratio", "count", "per_second"}, name
        assert explanation["what"].endswith("."), name
        assert name in metrics or not name.startswith("redis_"), name
