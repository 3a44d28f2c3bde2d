"""The figures of the real process are plausible."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyredmem.memory import process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_process_is_resident() -> None:
    assert process.resident_bytes() > 1 << 20


def test_the_peak_is_not_below_what_is_resident() -> None:
    resident = process.resident_bytes()
    assert process.peak_resident_bytes() >= resident * 0.9


def test_the_machine_has_more_memory_than_the_process() -> None:
    assert process.total_system_memory() > process.resident_bytes()


def test_trim_says_whether_it_could() -> None:
    assert process.trim() in (True, False)


def test_large_blocks_can_be_kept_apart() -> None:
    script = "from pyredmem.memory import process; print(process.keep_large_blocks_apart())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
