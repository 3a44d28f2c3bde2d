"""A plugin of pytest that hides hiredis from redis-py, which takes its parsers in Python then."""

from __future__ import annotations

import sys

import pyredmem.protocol.hiredis_request  # noqa: F401 - keeps hiredis, for requests

assert "redis" not in sys.modules, "redis-py has chosen its parsers already"
sys.modules["hiredis"] = None  # type: ignore[assignment]
