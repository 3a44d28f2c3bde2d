"""INFO commandstats, latencystats and errorstats beside the real server: which calls count, and for what."""

from __future__ import annotations

import re

import pytest

from tests.support.servers import Server
from tests.support.wire import info

pytestmark = pytest.mark.needs_redis

CASES: dict[str, list[str]] = {
    "a container without a subcommand is rejected": ["CONFIG", "XGROUP", "CLIENT", "OBJECT", "MEMORY", "SLOWLOG"],
    "a subcommand that is unknown counts for nobody": ["CONFIG NOSUCH", "XGROUP NOSUCH a", "COMMAND NOSUCH"],
    "COMMAND counts for itself": ["COMMAND", "command", "COMMAND COUNT", "COMMAND INFO get"],
    "too few and too many arguments": ["GET", "GET a b", "CONFIG GET", "OBJECT HELP a", "COMMAND GETKEYS"],
    "a call that fails": ["LPUSH l a", "GET l", "COMMAND LIST FILTERBY x y", "XGROUP CREATE s g"],
    "in a transaction": ["MULTI", "COMMAND COUNT", "SET a 1", "EXEC", "MULTI", "CONFIG", "GET", "SET a 1", "EXEC"],
    "in a transaction, with COMMAND": ["MULTI", "COMMAND", "GET a", "EXEC"],
    "discarded": ["MULTI", "SET a 1", "DISCARD", "EXEC", "DISCARD"],
    "unknown commands": ["NOSUCH", "NOSUCH a b"],
}


def _statistics(server: Server, commands: list[str]) -> dict[str, str]:
    """The lines of the three sections without their times."""
    with server.connect() as control, server.connect() as client:
        control.do("CONFIG", "RESETSTAT")
        for command in commands:
            client.do(*command.split())
        lines: dict[str, str] = {}
        for section in ("commandstats", "latencystats", "errorstats"):
            lines.update(info(control, section))
        return {
            name: re.sub(r"usec=.*?,rejected|p[\d.]+=.*", "", figures)
            for name, figures in lines.items()
            if not name.endswith(("_info", "_config|resetstat"))
        }


@pytest.mark.parametrize("name", CASES)
def test_calls_are_counted_as_on_redis(real: Server, ours: Server, name: str) -> None:
    expected = _statistics(real, CASES[name])
    assert expected
    assert _statistics(ours, CASES[name]) == expected
