"""`monitor-port`: the page about the very server that serves it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from pyredmem.server.engine_source import EngineSource
from pyredmem.server.monitor_port import MonitorPort
from pyredmem.web.source import Refusal, SourceError
from tests.server.processes import environment, on_port
from tests.support.heap_maps import KeptMap
from tests.support.http import basic, get
from tests.support.replies import OK
from tests.support.servers import free_port
from tests.support.wire import Wire
from tests.support.world import World
from tests.web.sites import answer, message


@asynccontextmanager
async def serving(directory: Path, *options: str, user: str = "") -> AsyncIterator[tuple[ClientSession, Wire]]:
    """A browser at a server's monitor port, and a client of that server."""
    port = free_port()
    arguments = ("--monitor-port", str(port), "--save", "", *options)
    with on_port(directory, *arguments) as (_, own), Wire(own) as wire:
        async with ClientSession(f"http://127.0.0.1:{port}", headers=basic(user)) as browser:
            yield browser, wire


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_the_page_frames_and_answers_are_served(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYREDMEM_LOOP", loop)
    async with serving(tmp_path) as (browser, wire):
        for index in range(300):
            wire.do("SET", f"user:{index}", "x" * 100)
        async with browser.get("/") as response:
            assert "<html" in await response.text()
        async with browser.ws_connect("/live?interval=0.5") as watching:
            hello = await message(watching)
            assert (hello["kind"], hello["missing"], hello["server"]["is_pyredmem"]) == ("hello", [], True)
            kept = KeptMap()
            frame = await message(watching)
            kept.apply(b64decode(frame["heap"]["changes"]))
            size_112 = [one["size"] for one in hello["classes"]].index(112) + 1
            assert kept.regions(size_112) >= 300
            assert frame["values"]["redis_connected_clients"] == 1  # that is the test: the watcher is none
            wire.do("FLUSHALL")
            kept.apply(b64decode((await message(watching))["heap"]["changes"]))
            kept.apply(b64decode((await message(watching))["heap"]["changes"]))
            assert kept.regions(size_112) < 20
        status, found = await answer(browser, "/api/keyspace")
        assert (status, found["keys"]) == (200, 0)


async def test_an_open_page_does_not_keep_the_server_from_ending(tmp_path: Path) -> None:
    port = free_port()
    with on_port(tmp_path, "--monitor-port", str(port), "--save", "") as (process, own):
        async with ClientSession() as browser, browser.ws_connect(f"http://127.0.0.1:{port}/live") as watching:
            await message(watching)
            with Wire(own) as wire:
                assert wire.do("PING") is not None
            process.signal(15)
            assert await asyncio.to_thread(process.status) == 0


async def test_where_the_default_user_has_a_password_one_is_needed(tmp_path: Path) -> None:
    async with serving(tmp_path, "--requirepass", "secret") as (browser, wire):
        assert wire.do("AUTH", "secret") == OK
        for path in ("/", "/api/keyspace", "/live"):
            async with browser.get(path) as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"].startswith("Basic")
        with pytest.raises(WSServerHandshakeError) as caught:
            await browser.ws_connect("/live")
        assert caught.value.status == 401
        async with browser.ws_connect("/live", headers=basic("default:secret")) as watching:
            assert (await message(watching))["kind"] == "hello"
        async with browser.post("/api/demonstration", headers=basic("default:wrong")) as response:
            assert response.status == 401


async def test_a_watcher_has_the_rights_of_its_user(tmp_path: Path) -> None:
    async with serving(tmp_path, "--requirepass", "secret", user="watcher:w") as (browser, wire):
        wire.do("AUTH", "secret")
        wire.do("ACL", "SETUSER", "watcher", "on", ">w", "+info")
        async with browser.ws_connect("/live") as watching:
            hello = await message(watching)
            assert hello["classes"] is None
            assert len(hello["missing"]) == 3
            frame = await message(watching)
            assert frame["heap"] is None
            assert frame["values"]["redis_memory_used_bytes"] > 650_000
        status, found = await answer(browser, "/api/keyspace")
        assert (status, found) == (200, {"keys": 0, "sampled": 0, "bytes": 0, "groups": []})
        wire.do("SET", "k", "v")
        status, found = await answer(browser, "/api/keyspace")
        assert status == 503
        assert "is refused" in found["error"]


async def test_other_names_are_refused_where_no_password_protects_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path) as (browser, wire):
        for name, status in (("rebound.example", 403), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200)):
            async with browser.get("/", headers={"Host": name}) as response:
                assert response.status == status, name
        wire.do("CONFIG", "SET", "requirepass", "secret")
        headers = {"Host": "redis.example", **basic("default:secret")}
        async with browser.get("/", headers=headers) as response:
            assert response.status == 200


def test_the_port_is_none_of_the_listeners_of_info(tmp_path: Path) -> None:
    with on_port(tmp_path, "--monitor-port", str(free_port()), "--save", "") as (_, own), Wire(own) as wire:
        reply = str(wire.do("INFO", "server"))
        assert "listener0:name=tcp" in reply
        assert "listener1" not in reply


def test_both_ports_for_http_can_be_open(tmp_path: Path) -> None:
    metrics, monitor = free_port(), free_port()
    with on_port(tmp_path, "--monitor-port", str(monitor), "--metrics-port", str(metrics), "--save", ""):
        assert json.loads(get(metrics, "/healthz")[1])["live"]
        assert get(monitor, "/metrics")[0] == 404
        assert get(monitor, "/")[0] == 200


def test_a_library_that_is_missing_is_named_with_what_installs_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from pyredmem.__main__ import main; main()"
    words = [sys.executable, "-c", code, "--port", str(free_port()), "--monitor-port", str(free_port())]
    ended = subprocess.run(words, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "monitor-port needs aiohttp: pip install 'pyredmem[monitor]'" in ended.stdout


# Without a process.


async def test_other_machines_are_refused_in_protected_mode(world: World) -> None:
    port = MonitorPort(world.engine, "s")

    def status(remote: str) -> int | None:
        asking = SimpleNamespace(remote=remote, headers={"Host": "10.0.0.9:6380"})
        refusal = port._refusal(cast(Any, asking))
        return None if refusal is None else refusal.status

    assert status("10.0.0.1") == 403
    assert status("127.0.0.1") is None
    world.do("CONFIG", "SET", "protected-mode", "no")
    assert status("10.0.0.1") is None
    world.do("CONFIG", "SET", "protected-mode", "yes", "requirepass", "secret")
    assert status("10.0.0.1") == 401


async def test_watching_from_inside_changes_neither_the_ledger_nor_the_clients(world: World) -> None:
    world.do("SET", "k", "v")
    source = EngineSource(world.engine, world.engine.access.default)
    await source.ask_all([("INFO", "everything"), ("MEMORY", "HEAP-MAP"), ("SCAN", 0), ("MEMORY", "USAGE", "k")])
    keyspace = world.engine.keyspace
    await source.ask_all([("TYPE", "k"), ("PTTL", "k"), ("OBJECT", "ENCODING", "k"), ("TYPE", "none")])
    assert (keyspace.hits, keyspace.misses) == (0, 0)
    before = (world.used_memory, len(world.engine.sessions))
    for _ in range(3):
        await source.ask_all([("INFO", "everything"), ("MEMORY", "HEAP-MAP"), ("SCAN", 0), ("MEMORY", "USAGE", "k")])
    assert (world.used_memory, len(world.engine.sessions)) == before
    await source.close()
    world.check()


async def test_replies_are_those_of_the_wire(world: World) -> None:
    world.do("SET", "k", "v")
    source = EngineSource(world.engine, world.engine.access.default)
    replies = await source.ask_all(
        [("TYPE", "k"), ("SELECT", 1), ("GET", b"k"), ("NONSENSE",), ("CONFIG", "GET", "hz")]
    )
    assert replies[:3] == [b"string", b"OK", None]
    assert isinstance(replies[3], Refusal)
    assert replies[3].message.startswith("ERR unknown command")
    assert replies[4] == [b"hz", b"10"]


async def test_a_user_that_is_gone_may_not_read_any_more(world: World) -> None:
    world.do("ACL", "SETUSER", "watcher", "on", ">w", "+info")
    user = world.engine.access.user(b"watcher")
    assert user is not None
    source = EngineSource(world.engine, user)
    assert isinstance(await source.ask("INFO"), bytes)
    assert isinstance(await source.ask("GET", "k"), Refusal)
    world.do("ACL", "SETUSER", "watcher", "-info")
    assert isinstance(await source.ask("INFO"), Refusal)
    world.do("ACL", "DELUSER", "watcher")
    with pytest.raises(SourceError, match="The user may not read any more"):
        await source.ask("INFO")


async def test_while_clients_are_paused_nothing_is_told(world: World) -> None:
    source = EngineSource(world.engine, world.engine.access.default)
    world.do("CLIENT", "PAUSE", "100000", "ALL")
    with pytest.raises(SourceError, match="paused"):
        await source.ask("INFO")


async def test_others_run_between_two_commands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyredmem.server.turns._SLICE_S", 0.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.get_running_loop().create_task(count())
    await EngineSource(world.engine, world.engine.access.default).ask_all([("PING",)] * 50)
    other.cancel()
    assert turns >= 50
