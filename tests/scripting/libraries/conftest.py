"""A Lua runtime with the libraries."""

from __future__ import annotations

import pytest

from tests.support.lua import Lua


@pytest.fixture
def lua() -> Lua:
    return Lua()
