"""Random scripts of clients that wait for a few keys of every type: they get the replies of the real server.

Each command waits for one key only: of several keys 7.0 serves the one that became ready, 7.2 the first in the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

import pytest

from tests.differential.stage import Stage
from tests.support.servers import Server
from tests.support.wire import Reply

pytestmark = pytest.mark.needs_redis

WAITING = """
BLPOP K 0|BRPOP K 0|BLMOVE K K LEFT RIGHT 0|BLMOVE K K RIGHT RIGHT 0|BRPOPLPUSH K K 0|BLMPOP 0 1 K LEFT COUNT 2|
BZPOPMIN K 0|BZPOPMAX K 0|BZMPOP 0 1 K MAX COUNT 2|XREAD BLOCK 0 STREAMS K $
"""
CHANGING = """
RPUSH K N N|LPUSH K N|RPUSH K N|ZADD K N a N b|ZADD K N a|XADD K * f v|DEL K|DEL K K|RENAME K K|COPY K K REPLACE|
SET K v|SADD K N N|LMOVE K K LEFT RIGHT|SORT K STORE K|ZUNIONSTORE K 2 K K|ZRANGESTORE K K 0 -1|MOVE K 1|LPOP K|FLUSHALL
"""
TIME_IDS = re.compile(r"\d{13}-\d+")


@pytest.fixture
def stages(real: Server, ours: Server, seed: int) -> Iterator[tuple[Stage, Stage]]:
    protocol = 2 + seed % 2
    both = (Stage(real, protocol), Stage(ours, protocol))
    yield both
    for stage in both:
        stage.close()


def command(random: Random, choices: str) -> str:
    """One of the commands, with random keys and numbers."""
    drawn = random.choice("".join(choices.split("\n")).split("|"))
    words = [{"K": random.choice(("k1", "k2", "k3")), "N": str(random.randint(0, 9))}.get(w, w) for w in drawn.split()]
    return " ".join(words)


def line(random: Random) -> str:
    """One or several random commands of a connection."""
    if random.random() < 0.45:
        batch = [
            command(random, WAITING if random.random() < 0.7 else CHANGING) for _ in range(random.choice((1, 1, 2)))
        ]
        return f"{random.choice('abc')}: " + " | ".join(batch)
    if random.random() < 0.1:
        return f"x: CLIENT UNBLOCK {{{random.choice('abc')}}}"
    return "x: " + " | ".join([command(random, CHANGING) for _ in range(random.choice((1, 1, 2, 3)))])


def shown(replies: dict[str, list[Reply]]) -> str:
    """Replies without the time in the ids of stream entries."""
    return TIME_IDS.sub("(time)", repr(replies))


@pytest.mark.parametrize("seed", range(20))
def test_clients_of_a_random_script_get_the_same_replies(stages: tuple[Stage, Stage], seed: int) -> None:
    real, ours = stages
    random = Random(seed)
    played = [f"{name}: PING" for name in "abcx"]
    for one in played:
        assert ours.play(one) == real.play(one)
    for _ in range(60):
        played.append(line(random))
        expected, found = real.play(played[-1]), ours.play(played[-1])
        assert shown(found) == shown(expected), "\n".join(played)
