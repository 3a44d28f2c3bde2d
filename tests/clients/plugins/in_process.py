"""A plugin of pytest for redis-py's own tests: the server that they connect to is in the process.

The address of `--redis-url` is claimed, and nobody listens there. Tests that make servers of their own reach these.
"""

from __future__ import annotations

import pytest

from pyredmem.client.patch import Patch


def pytest_configure(config: pytest.Config) -> None:
    """Put the patch in force before redis-py's tests ask the server for its version."""
    patch = Patch(config.getoption("--redis-url"), allow=["*"], enable_debug_command="yes")
    patch.__enter__()
    config.add_cleanup(patch.__exit__)
