"""Memory of deleted values goes back to the operating system, seen from outside as the resident set of the process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.processes import on_port, wait_until
from tests.support.wire import Wire

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

KEYS = 60_000
MEGABYTE = 1_000_000


def _resident(process_id: int) -> int:
    """Resident bytes of a process."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def _fill(wire: Wire) -> None:
    for start in range(0, KEYS, 1000):
        wire.pipeline([("SET", f"k{number}", "x" * 1000) for number in range(start, start + 1000)])


def _flushall(wire: Wire) -> None:
    wire.do("FLUSHALL")


def _flushall_async(wire: Wire) -> None:
    wire.do("FLUSHALL", "ASYNC")


def _delete_most(wire: Wire) -> None:
    for start in range(0, KEYS * 9 // 10, 1000):
        wire.do("DEL", *[f"k{number}" for number in range(start, start + 1000)])


@pytest.mark.parametrize("activedefrag", ["no", "yes"])
@pytest.mark.parametrize("delete", [_flushall, _flushall_async, _delete_most])
def test_the_resident_set_shrinks_when_most_values_are_deleted(
    tmp_path: Path, delete: Callable[[Wire], None], activedefrag: str
) -> None:
    with on_port(tmp_path, "--save", "", "--activedefrag", activedefrag) as (process, port), Wire(port) as wire:
        number = process.popen.pid
        empty = _resident(number)
        _fill(wire)
        full = _resident(number)
        assert full - empty > 60 * MEGABYTE
        delete(wire)
        # What small objects had, of which the interpreter keeps a part, and the keys that are left.
        wait_until(lambda: _resident(number) - empty < 35 * MEGABYTE, "a smaller resident set")
