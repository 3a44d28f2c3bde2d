"""The figures of the real process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyredmem.memory import process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_process_has_resident_memory() -> None:
    assert process.resident_bytes() > 1 << 20


def test_the_peak_is_at_least_the_resident_memory() -> None:
    resident = process.resident_bytes()
    assert process.peak_resident_bytes() >= resident * 0.9


def test_the_machine_has_more_memory_than_the_process() -> None:
    assert process.total_system_memory() > process.resident_bytes()


def test_trim_says_whether_it_freed_memory() -> None:
    assert process.trim() in (True, False)


def test_large_blocks_can_be_given_pages_of_their_own() -> None:
    script = "from pyredmem.memory import process; print(process.keep_large_blocks_apart())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
