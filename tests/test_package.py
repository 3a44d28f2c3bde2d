"""The names of the package itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pyredmem

LOADS = """
import sys
import pyredmem
{use}
print(*sorted(name for name in ("redis", "lupa", "asyncio", "pyredmem.engine") if name in sys.modules))
"""


@pytest.mark.parametrize("name", ["Expiring", "Server", "Snapshot", "SortedSet", "Stream", "patch"])
def test_public_names_are_there(name: str) -> None:
    assert name in pyredmem.__all__
    assert callable(getattr(pyredmem, name))


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(pyredmem, "nothing")  # noqa: B009 - mypy knows


@pytest.mark.parametrize(
    ("use", "loaded"),
    [
        ("", ""),
        ("pyredmem.Server()", "pyredmem.engine"),
        ("pyredmem.Server().client()", "asyncio pyredmem.engine redis"),
    ],
)
def test_nothing_is_loaded_before_it_is_used(use: str, loaded: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADS.format(use=use)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == loaded.split()
