"""Every argument that is the id of a stream entry, with ids and with words that are nearly ids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.harness import Pair, Step, step
from tests.differential.rules import Rule, exactly, same_type
from tests.support.servers import Server
from tests.support.wire import Array, Integer, Reply

pytestmark = pytest.mark.needs_redis

ID = "ID"
HIGHEST = str(2**64 - 1)
IDS = [
    *("-", "+", "$", ">", "*", "++", "--", "(", "(-", "(+", "", " 1", "x", "1e3", "+1", "01-1"),
    *(
        "0",
        "0-0",
        "0-1",
        "1",
        "1-",
        "-1",
        "1-1",
        "1-1 ",
        "1-1\0",
        "1-1\0x",
        "1--1",
        "1-+1",
        "1-x",
        "1-1-1",
        "2-2",
        "3-",
    ),
    *("1-*", "*-1", "$-1", "5-5", "9-9", "(0", "(0-0", "(1-1", "(2", "9" * 130),
    *(HIGHEST, f"{HIGHEST}-{HIGHEST}", f"{HIGHEST}-{2**64 - 2}", f"({HIGHEST}-{HIGHEST}", str(2**64)),
]
CALLS = [
    *("XADD s ID f v", "XADD new ID f v", "XADD new NOMKSTREAM ID f v", "XADD s MINID ID 9-9 f v", "XADD s ID"),
    *("XADD s MINID = ID 9-9 f v", "XADD s MAXLEN ID 9-9 f v", "XTRIM s MINID ID", "XTRIM s MINID = ID"),
    *("XTRIM missing MINID ID", "XDEL s ID", "XDEL missing ID", "XDEL s 1-1 ID"),
    *(
        "XRANGE s ID +",
        "XRANGE s - ID",
        "XRANGE s ID ID",
        "XRANGE missing ID +",
        "XREVRANGE s ID -",
        "XREVRANGE s + ID",
    ),
    *("XREAD STREAMS s ID", "XREAD COUNT 1 STREAMS s ID", "XREAD STREAMS missing ID", "XREAD STREAMS s s ID ID"),
    *("XREAD COUNT ID STREAMS s 0", "XREADGROUP GROUP g c STREAMS s ID", "XREADGROUP GROUP g c NOACK STREAMS s ID"),
    *("XREADGROUP GROUP none c STREAMS s ID", "XREADGROUP GROUP g c STREAMS missing ID"),
    *("XGROUP CREATE s h ID", "XGROUP CREATE missing h ID", "XGROUP CREATE missing h ID MKSTREAM"),
    *("XGROUP CREATE s h ID ENTRIESREAD 2", "XGROUP SETID s g ID", "XGROUP SETID s none ID"),
    *("XGROUP SETID missing g ID", "XGROUP SETID s g ID ENTRIESREAD 2"),
    *("XACK s g ID", "XACK missing g ID", "XACK s g 1-1 ID", "XACK s none ID"),
    *("XPENDING s g ID + 10", "XPENDING s g - ID 10", "XPENDING s g IDLE 0 ID + 10", "XPENDING s g ID + 10 c"),
    *("XPENDING missing g ID + 10", "XPENDING s none ID + 10"),
    *("XCLAIM s g d 0 ID", "XCLAIM s g d 0 1-1 ID", "XCLAIM s g d 0 1-1 LASTID ID", "XCLAIM s g d 0 ID JUSTID"),
    *("XCLAIM s g d 0 ID FORCE JUSTID", "XCLAIM missing g d 0 ID"),
    *("XAUTOCLAIM s g d 0 ID", "XAUTOCLAIM s g d 0 ID COUNT 1 JUSTID", "XAUTOCLAIM missing g d 0 ID"),
    *("XSETID s ID", "XSETID s 9-9 ENTRIESADDED 10 MAXDELETEDID ID", "XSETID s ID ENTRIESADDED 10 MAXDELETEDID 1-1"),
    *("XSETID missing ID", "XINFO STREAM ID"),
]
BEFORE = [
    *[step("XADD", "s", entry_id, "f", "v") for entry_id in ("1-1", "2-2", "5-5")],
    step("XGROUP", "CREATE", "s", "g", "0"),
    step("XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "s", ">"),
]
#: 7.2 creates the consumer even if a claim finds nothing to claim; 7.0 does not.
MAKE_CONSUMERS = {"XCLAIM", "XAUTOCLAIM"}


def pending(theirs: Reply, ours: Reply) -> str | None:
    """The rows of XPENDING without the third column, the time since an entry was delivered."""
    return exactly(_without_idle(theirs), _without_idle(ours))


def _without_idle(reply: Reply) -> Reply:
    if not isinstance(reply, Array):
        return reply
    rows = [row.items if isinstance(row, Array) else (row,) for row in reply.items]
    return Array(tuple(Array(tuple(Integer(0) if at == 2 else item for at, item in enumerate(row))) for row in rows))


def _rule(words: list[str]) -> Rule:
    if words[0] == "XPENDING":
        return pending
    return (
        same_type if words[0] == "XADD" and "*" in words else exactly
    )  # an id from the clock differs between the servers


def _steps(call: str, entry_id: str) -> list[Step]:
    words = [entry_id if word == ID else word for word in call.split()]
    steps = [*BEFORE, step(*words, rule=_rule(words))]
    if words[0] in MAKE_CONSUMERS:
        return [*steps, step("XPENDING", "s", "g")]
    return [*steps, step("XPENDING", "s", "g"), step("XINFO", "GROUPS", "s"), step("XRANGE", "s", "-", "5-5")]


@pytest.fixture
def pair(real: Server, ours: Server) -> Iterator[Pair]:
    made = Pair(real, ours)
    yield made
    made.close()


@pytest.mark.parametrize("call", CALLS)
def test_an_id_is_accepted_or_refused_as_by_the_real_server(pair: Pair, call: str) -> None:
    for entry_id in IDS:
        found = pair.difference(_steps(call, entry_id))
        if found is not None and found.where.startswith("final state") and _is_from_the_clock(call, entry_id):
            continue
        assert found is None, f"{entry_id!r}\n{found}"


def _is_from_the_clock(call: str, entry_id: str) -> bool:
    """Whether a new entry's id, and so the value of the key, depends on each server's own clock."""
    return call.startswith("XADD") and "*" in entry_id
