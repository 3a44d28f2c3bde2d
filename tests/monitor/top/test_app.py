"""`pyredmem top` on the screen: what is seen of a server, and what the keys do."""

from __future__ import annotations

import re
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from pyredmem.alerts.rules import parsed_alerts
from pyredmem.monitor.server_reading import WatchedServer
from tests.monitor.top.screens import Screen, address, shown, watched
from tests.support.servers import Server, pyredmem_server
from tests.support.wire import Wire
from tests.support.wire import info as info_section

SMALL = (80, 24)
WIDE = (160, 48)

#: Figures of the overview that are written as INFO writes them.
FIELDS = {
    "used": "used_memory_human",
    "peak": "used_memory_peak_human",
    "RSS": "used_memory_rss_human",
    "connected": "connected_clients",
    "blocked": "blocked_clients",
    "lazy free": "lazyfree_pending_objects",
}
RATIOS = {
    "active": ("allocator_frag_ratio", "blocks"),
    "resident": ("allocator_rss_ratio", "active"),
    "RSS": ("mem_fragmentation_ratio", "used"),
}
SIZES = {"used": "used_memory", "peak": "used_memory_peak", "dataset": "used_memory_dataset"}
SIZES |= {"active": "allocator_active", "resident": "allocator_resident", "RSS": "used_memory_rss"}
#: What buffers of clients, and the pages in which they lie, change from one reading to the next.
BUFFERS = 500_000

ALWAYS = """
[[alert]]
name = "SomebodyIsThere"
if = "redis_connected_clients > 0"
severity = "critical"
measured = "{value:.0f} clients are connected."
meaning = "This is a test."
advice = "Read on."

[[alert]]
name = "NotForLong"
if = "redis_connected_clients > 0"
for = 3600
severity = "info"
measured = "m."
meaning = "n."
advice = "a."
"""


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.needs_redis)])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


def fill(wire: Wire) -> None:
    """Strings, some of which expire, and a large list; figures that do not change by themselves."""
    for number in range(200):
        wire.do("SET", f"key:{number}", "x" * 100)
    for number in range(50):
        wire.do("SET", f"short:{number}", "x", "EX", "1000")
    for _ in range(20):
        wire.do("RPUSH", "jobs", *["x" * 1000] * 100)
    wire.do("GET", "key:1")
    wire.do("GET", "nothing")


def info(server: Server) -> dict[str, str]:
    with closing(WatchedServer(address(server))) as asked:
        return asked.read().info


async def test_the_figures_are_those_of_info(server: Server) -> None:
    with server.connect() as wire, closing(WatchedServer(address(server))) as asked:
        fill(wire)
        asked.read()
        async with shown(watched(address(server))) as screen:
            await screen.until(lambda: screen.value("connected") == "3")
            read = screen.app._frame.reading.info
            assert {label: screen.value(label) for label in FIELDS} == {label: read[FIELDS[label]] for label in FIELDS}
            for label, (field, base) in RATIOS.items():
                assert f" {read[field]} x {base}" in screen.line(label)
            # A server measures its allocator ten times a second, so the next reading may be another one.
            await screen.until(lambda: not _differences(screen, asked.read().info))
            assert _differences(screen, asked.read().info) == {}
            assert screen.value("maxmemory") == "none"
            assert (screen.value("keys"), screen.value("with a time")) == ("251", "50")
            assert screen.value("evicted/s") == "0.0"
            assert screen.value("defrag") == "idle"


def _differences(screen: Screen, told: dict[str, str]) -> dict[str, tuple[float, int]]:
    """The sizes on the screen that are not those of INFO, with those."""
    pairs = {label: (_bytes(screen.value(label)), int(told[field])) for label, field in SIZES.items()}
    return {label: pair for label, pair in pairs.items() if pair[0] != pytest.approx(pair[1], abs=BUFFERS)}


def _bytes(text: str) -> float:
    return float(text[:-1]) * {"B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}[text[-1]]


async def test_counters_are_shown_as_rates(server: Server) -> None:
    with server.connect() as wire:
        async with shown(watched(address(server))) as screen:
            await screen.after_readings()
            assert screen.value("hit ratio") in {"-", "100.0%"}

            def some_are_found() -> bool:
                wire.do("SET", "key", "x")
                for _ in range(30):
                    wire.do("GET", "key")
                    wire.do("GET", "nothing")
                return 45 < float(screen.value("hit ratio").rstrip("%").replace("-", "0")) < 55

            await screen.until(some_are_found)
            await screen.until(lambda: some_are_found() and "get" in screen.line("busiest"))
            assert float(screen.value("commands/s").replace(",", "")) > 60
            assert screen.value("per call").split()[1] in {"µs", "ms"}


async def test_the_commands_are_told_with_their_percentiles(server: Server) -> None:
    with server.connect() as wire:
        wire.do("CONFIG", "RESETSTAT")
        for _ in range(50):
            wire.do("SET", "key", "x")
        wire.do("INCR", "key")
        async with shown(watched(address(server)), WIDE) as screen:
            await screen.press("2")
            await screen.after_readings()
            rows = {row.split()[0]: row for row in screen.rows()}
            parts = info(server)["latency_percentiles_usec_set"].split(",")
            p99 = float(dict(part.split("=") for part in parts)["p99"])
            assert f" {_digits(p99)} " in rows["set"]
            assert re.search(r"\b50 +0\b", rows["set"])  # calls, and how many of them failed
            assert re.search(r"\b1 +1\b", rows["incr"])


def _digits(us: float) -> str:
    value, unit = (us, "µs") if us < 1000 else (us / 1000, "ms")
    return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


async def test_a_table_is_sorted_by_any_column_in_both_directions(ours: Server) -> None:
    with ours.connect() as wire:
        for name, length in (("beta", 3000), ("gamma", 1000), ("alpha", 2000)):
            wire.do("SET", name, "x" * length)
    async with shown(watched(address(ours))) as screen:
        await screen.press("5")
        await screen.until(lambda: len(screen.rows()) == 3)
        assert [row.split()[-1] for row in screen.rows()] == ["beta", "alpha", "gamma"]
        assert "Big keys by memory, falling" in screen.text()
        await screen.press("r")
        assert [row.split()[-1] for row in screen.rows()] == ["gamma", "alpha", "beta"]
        await screen.press("less_than_sign")
        assert "Big keys by key, rising" in screen.text()
        assert [row.split()[-1] for row in screen.rows()] == ["alpha", "beta", "gamma"]
        await screen.press("greater_than_sign")
        assert "Big keys by memory, falling" in screen.text()


async def test_a_table_is_filtered_by_what_somebody_types(ours: Server) -> None:
    with ours.connect() as wire:
        for name in ("cart:1", "cart:2", "Session:q"):
            wire.do("SET", name, "x")
    async with shown(watched(address(ours))) as screen:
        await screen.press("5")
        await screen.until(lambda: len(screen.rows()) == 3)
        await screen.press("slash", *"CART")
        assert [row for row in screen.rows() if "filter: CART" in row]
        await screen.press("enter")
        assert {row.split()[-1] for row in screen.rows()} == {"cart:1", "cart:2"}
        assert "2 of 3 with 'CART'" in screen.text()
        await screen.press("escape")
        assert len(screen.rows()) == 3
        await screen.press("slash", "q")  # types a letter, and does not quit
        assert screen.app.is_running
        assert any("Session:q" in row for row in screen.rows())


async def test_while_it_is_paused_nothing_is_asked_and_nothing_changes(ours: Server) -> None:
    async with shown(watched(address(ours))) as screen:
        await screen.after_readings()
        await screen.press("p")
        assert screen.lines()[0].strip().startswith("PAUSED")
        # A reading that had begun may still end. The server then counts only our own questions.
        time.sleep(0.4)
        with ours.connect() as wire:
            wire.do("SET", "key", "x")
            before = _processed(wire)
            time.sleep(0.6)  # three intervals, in which it would have asked
            assert _processed(wire) == before + 1
        assert screen.value("keys") == "0"
        await screen.press("space")
        await screen.until(lambda: screen.value("keys") == "1")
        assert "PAUSED" not in screen.text()


def _processed(wire: Wire) -> int:
    return int(info_section(wire, "stats")["total_commands_processed"])


async def test_panes_are_chosen_by_number_and_by_tab(ours: Server) -> None:
    async with shown(watched(address(ours))) as screen:
        for key, title in (("2", "Commands"), ("3", "Clients"), ("4", "Slow log"), ("5", "Big keys"), ("6", "Alerts")):
            await screen.press(key)
            assert f"[{key} {title}]" in screen.lines()[1]
        await screen.press("tab")
        assert "[1 Overview]" in screen.lines()[1]
        await screen.press("shift+tab", "shift+tab")
        assert "[5 Big keys]" in screen.lines()[1]


async def test_the_help_lists_keys_and_figures_while_readings_go_on(ours: Server) -> None:
    async with shown(watched(address(ours))) as screen:
        await screen.press("question_mark")
        assert "the next pane; Shift-Tab" in screen.text()
        await screen.after_readings()
        await screen.press("end")
        await screen.until(lambda: "BIG KEYS" in screen.text())  # at the end of the page
        await screen.press("escape")
        await screen.until(lambda: "[1 Overview]" in screen.text())
        await screen.press("q")
        assert not screen.app.is_running


async def test_the_clients_are_listed_while_they_are_looked_at(server: Server) -> None:
    with server.connect() as wire:
        wire.do("CLIENT", "SETNAME", "shop[/red]")  # which is no markup
        watch = watched(address(server))
        async with shown(watch, WIDE) as screen:
            assert not watch.wants_clients
            await screen.press("3")
            await screen.until(lambda: "shop[/red]" in screen.text())
            assert len(screen.rows()) == 2
            await screen.press("4")
            assert not watch.wants_clients


async def test_the_slow_log_is_shown(server: Server) -> None:
    with server.connect() as wire:
        wire.do("SLOWLOG", "RESET")
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
        wire.do("SET", "some:key", "x")
        wire.do("CONFIG", "SET", "slowlog-log-slower-than", "-1")
        async with shown(watched(address(server))) as screen:
            await screen.press("4")
            await screen.until(lambda: len(screen.rows()) == 2)
            assert screen.rows()[0].split()[-3:] == ["SET", "some:key", "x"]
            assert screen.rows()[1].split()[-4:] == ["CONFIG", "SET", "slowlog-log-slower-than", "0"]


async def test_alerts_that_hold_are_shown_with_their_advice(ours: Server) -> None:
    async with shown(watched(address(ours), parsed_alerts(ALWAYS))) as screen:
        assert "CRITICAL SomebodyIsThere: " in screen.text()
        assert "6 Alerts (2)" in screen.lines()[1]
        await screen.press("6")
        assert "clients are connected." in screen.text()
        assert "This is a test. Read on." in screen.text()
        assert "INFO NotForLong (not yet for 3600 s): m." in screen.text()


async def test_memory_that_is_nearly_full_is_an_alert() -> None:
    with pyredmem_server("--maxmemory", "3mb") as server:
        with server.connect() as wire:
            wire.do("SETRANGE", "key", "1800000", "x")
        async with shown(watched(address(server))) as screen:
            assert "WARNING MemoryNearlyFull (not yet for 30 s): 9" in screen.text()
            assert screen.line("maxmemory").count("% used") == 1


async def test_a_server_that_goes_away_is_said_to_be_lost_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"  # a socket that another server can take over
    with pyredmem_server("--unixsocket", str(path)) as first:
        with first.connect() as wire:
            wire.do("SET", "key", "x")
        async with shown(watched(f"unix://{path}")) as screen:
            await screen.until(lambda: screen.value("keys") == "1")
            first.stop()
            await screen.until(lambda: screen.lines()[0].strip().startswith("LOST for "))
            assert "trying again" in screen.lines()[0]
            with pyredmem_server("--unixsocket", str(path)):
                await screen.until(lambda: "LOST" not in screen.lines()[0])
                assert screen.value("keys") == "0"
                await screen.until(lambda: screen.value("commands/s") != "-")


async def test_a_server_that_does_not_reply_is_said_not_to_and_quitting_does_not_wait_for_it() -> None:
    with pyredmem_server() as server:
        try:
            async with shown(watched(address(server))) as screen:
                await screen.after_readings()
                server.process.send_signal(signal.SIGSTOP)
                await screen.until(lambda: "NO REPLY from " in screen.lines()[0])
                began = time.monotonic()
                await screen.press("q")
            assert time.monotonic() - began < 5
        finally:
            server.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("size", [(40, 12), (100, 30), (240, 60)])
async def test_every_size_of_terminal_shows_all_panes(ours: Server, size: tuple[int, int]) -> None:
    with ours.connect() as wire:
        fill(wire)
    async with shown(watched(address(ours)), size) as screen:
        for key in "123456":
            await screen.press(key)
            assert all(len(line) == size[0] for line in screen.lines())
            assert "q quit" in screen.lines()[-1]
        await screen.after_readings(1)
        await screen.press("2", "slash", *"rpush", "enter")
        assert [row.split()[0] for row in screen.rows()] == ["rpush"]


async def test_a_tall_terminal_shows_the_overview_above_the_tables(ours: Server) -> None:
    async with shown(watched(address(ours)), WIDE) as screen:
        assert "Commands by calls/s" in screen.text()
        await screen.press("5")
        assert "Big keys" in screen.text()
        assert "─ Memory ─" in screen.text()
    async with shown(watched(address(ours))) as screen:
        assert "Commands by calls/s" not in screen.text()
        await screen.press("5")
        assert "─ Memory ─" not in screen.text()


async def test_without_colours_the_text_is_the_same(ours: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with ours.connect() as wire:
        fill(wire)
    texts = []
    for has_colours in (True, False):
        monkeypatch.delenv("NO_COLOR", raising=False)
        if not has_colours:
            monkeypatch.setenv("NO_COLOR", "1")
        async with shown(watched(address(ours))) as screen:
            await screen.press("5")
            await screen.until(lambda: "jobs" in screen.rows()[0])
            strips = screen.app.screen._compositor.render_strips()
            colours = {segment.style.color for strip in strips for segment in strip if segment.style}
            named = {colour.name for colour in colours if colour is not None}
            assert (named <= {"default"}) is not has_colours
            reversed_text = [s.text for strip in strips for s in strip if s.style is not None and s.style.reverse]
            assert has_colours or any("jobs" in text for text in reversed_text)  # the row with the cursor
            texts.append([line.split()[:5] for line in screen.lines()[1:4]])
    assert texts[0] == texts[1]
