"""Processes from which something is hidden, see `sitecustomize.py`, which their Python loads at its start."""

from __future__ import annotations

import os
from pathlib import Path

from tests.server import processes


def environment(missing: str) -> dict[str, str]:
    """The variables for a process that is to miss what a list names, with commas between."""
    path = os.pathsep.join((str(Path(__file__).parent), processes.environment()["PYTHONPATH"]))
    return processes.environment(PYTHONPATH=path, PYREDMEM_WITHOUT=missing)
