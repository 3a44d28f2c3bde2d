"""Functions, compared with real servers: libraries that load and that do not, calls, reports, payloads both ways.

The sequences of commands are in `scripts/functions.jsonl`, a command in a line; each begins without libraries.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.servers import Server
from tests.support.wire import Array, Bulk, Reply, Wire

pytestmark = pytest.mark.needs_redis

TEXT = (Path(__file__).parent / "scripts" / "functions.jsonl").read_text()
SEQUENCES = [[json.loads(line) for line in sequence.splitlines()] for sequence in TEXT.split("\n\n")]
LIBRARIES = (
    "#!lua name=one\nredis.register_function('f1', function(keys, args) return {keys, args} end)",
    "#!lua name=two\nredis.register_function{function_name='f2', flags={'no-writes'}, description='x', "
    "callback=function() return 2 end}",
)


def in_order(reply: Reply) -> str:
    """A reply, with everything that has no order sorted: libraries, functions and flags."""
    return "".join(sorted(repr(reply)))


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("number", range(len(SEQUENCES)))
def test_a_sequence_has_the_replies_of_a_real_server(
    ours: Server, real: Server, newer: Server, number: int, protocol: int
) -> None:
    with ours.connect(protocol) as wire, real.connect(protocol) as judge, newer.connect(protocol) as newer_judge:
        for one in (wire, judge, newer_judge):
            one.do("FUNCTION", "FLUSH")
        for words in SEQUENCES[number]:
            command = [word.encode("latin-1") for word in words]
            reply = wire.do(*command)
            expected = [one.do(*command) for one in (judge, newer_judge)]
            if words[:2] == ["FUNCTION", "LIST"]:
                assert in_order(reply) in [in_order(one) for one in expected], command
            else:
                assert reply in expected, command
        for one in (wire, judge, newer_judge):
            one.do("FUNCTION", "FLUSH")


def dumped(wire: Wire) -> bytes:
    wire.do("FUNCTION", "FLUSH")
    for code in LIBRARIES:
        wire.do("FUNCTION", "LOAD", code)
    reply = wire.do("FUNCTION", "DUMP")
    assert isinstance(reply, Bulk)
    wire.do("FUNCTION", "FLUSH")
    return reply.data


def test_payloads_are_restored_by_the_other_server(ours: Server, real: Server, newer: Server) -> None:
    with ours.connect() as wire, real.connect() as judge, newer.connect() as newer_judge:
        payloads = [dumped(judge), dumped(newer_judge)]
        ours_payload = dumped(wire)
        # The libraries may stand in another order.
        assert sorted(ours_payload[:-10]) == sorted(payloads[0][:-10]) == sorted(payloads[1][:-10])
        for payload in payloads:
            assert repr(wire.do("FUNCTION", "RESTORE", payload, "REPLACE")) == "Simple(text=b'OK')"
        restored = newer_judge.do("FUNCTION", "RESTORE", ours_payload)
        assert repr(restored) == "Simple(text=b'OK')"
        listed, expected = wire.do("FUNCTION", "LIST", "WITHCODE"), newer_judge.do("FUNCTION", "LIST", "WITHCODE")
        assert isinstance(listed, Array)
        assert in_order(listed) == in_order(expected)
        for one in (wire, newer_judge):
            one.do("FUNCTION", "FLUSH")
