"""MEMORY AUDIT as the tests use it: the only place that knows the form of its reply."""

from __future__ import annotations

import os

from tests.support.servers import OTHER_SERVER
from tests.support.wire import OK, Error, Reply, Wire


def complaint(reply: Reply) -> str:
    """The complaints in a reply of MEMORY AUDIT; empty if the ledger is sound."""
    if reply == OK:
        return ""
    return reply.text.decode(errors="replace") if isinstance(reply, Error) else repr(reply)


def assert_sound(wire: Wire) -> None:
    """Run the audit over a connection; a server chosen with PYREDMEM_SERVER may have none."""
    if os.environ.get(OTHER_SERVER):
        return
    found = complaint(wire.do("MEMORY", "AUDIT"))
    assert not found, f"MEMORY AUDIT: {found}"
