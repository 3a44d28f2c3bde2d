"""Runs tests inside of tests, with pyredmem's plugin loaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest
import redis.asyncio  # noqa: F401

# What an inner run loads it also unloads; these are loaded once for all, since they have compiled parts and states.
import pyredmem.client.failure_report
import pyredmem.client.listening
import pyredmem.client.patch
import pyredmem.client.routes
import pyredmem.client.shared_server

#: An installed package has the plugin loaded; the sources have no entry point.
LOADED: Final = [] if entry_points(group="pytest11", name="pyredmem") else ["-p", "pyredmem.pytest_plugin"]
_SETTINGS: Final = """
[pytest]
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

#: Runs the tests in a text, with more arguments of pytest; a warning is an error.
RunTests = Callable[..., pytest.RunResult]


@pytest.fixture
def run_tests(pytester: pytest.Pytester) -> RunTests:
    """Runs the tests in a text, in this process."""

    def run(text: str, *arguments: str) -> pytest.RunResult:
        pytester.makeini(_SETTINGS)
        pytester.makepyfile(text)
        return pytester.runpytest_inprocess(*LOADED, "-p", "no:cacheprovider", *arguments)

    return run


@pytest.fixture
def run_tests_apart(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunTests:
    """Runs the tests in a text, in a process of their own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(pyredmem.__file__).parents[1]), prepend=os.pathsep)

    def run(text: str, *arguments: str) -> pytest.RunResult:
        pytester.makeini(_SETTINGS)
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess(*LOADED, "-p", "no:cacheprovider", *arguments)

    return run
