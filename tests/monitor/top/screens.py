"""The screen of `pyredmem top`, run by textual's pilot, as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from textual.pilot import Pilot

from pyredmem.alerts.rules import Alert, default_alerts
from pyredmem.monitor.server_reading import WatchedServer
from pyredmem.monitor.top.app import Top
from pyredmem.monitor.top.watch import Frame, Watch
from tests.support.servers import Server

#: Between two readings: short, so that the tests are.
INTERVAL_S = 0.2
_PATIENCE_S = 30.0


def address(server: Server) -> str:
    """The URL of a server."""
    return f"redis://127.0.0.1:{server.port}"


def watched(url: str, alerts: Sequence[Alert] | None = None) -> Watch:
    """A watch over a server, which reads it when it is told to."""
    return Watch(WatchedServer(url), default_alerts() if alerts is None else alerts, INTERVAL_S)


class Screen:
    """What somebody sees, and the keys."""

    def __init__(self, app: Top, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    def lines(self) -> list[str]:
        """The text on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join([segment.text for segment in strip]) for strip in strips]

    def text(self) -> str:
        return "\n".join(self.lines())

    def line(self, label: str) -> str:
        """What is shown beside a label of the overview, with the label."""
        wanted = f"│{label:<14}"
        [found] = [line[line.index(wanted) :] for line in self.lines() if wanted in line]
        return found[1 : found.index("│", 1)]

    def value(self, label: str) -> str:
        """The value beside a label: it has the ten columns after the first fourteen."""
        return self.line(label)[14:24].strip()

    def rows(self) -> list[str]:
        """The rows of the table that is shown."""
        lines = self.lines()
        [heading] = [at for at, line in enumerate(lines) if "▼" in line or "▲" in line]
        return [line for line in lines[heading + 1 : -1] if line.strip()]

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a reading that makes something true; it comes from a thread, so there is no event to wait for."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.text()
            await asyncio.sleep(0.02)
            await self._pilot.pause()

    async def after_readings(self, readings: int = 2) -> None:
        """Wait for frames that were read after now."""
        for _ in range(readings):
            await self.until(partial(self._is_newer_than, self.app._frame))

    def _is_newer_than(self, seen: Frame) -> bool:
        return self.app._frame is not seen


@asynccontextmanager
async def shown(watch: Watch, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Screen]:
    """The screen of a watch while the block runs."""
    app = Top(watch, watch.read())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Screen(app, pilot)
